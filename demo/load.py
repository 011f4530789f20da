"""Puts the story into the database: all usage first, then the months themselves, day by day, as they would have gone.

Past months cannot come in through `/v1/ingest`, which takes 34 days; `usage.services.ingest` takes older events too and
is the way to fill in history before contracts exist. Everything else goes through the services that the API calls, with
the story's time as theirs: the same sweeps finalize invoices when they were due, and number them in that order. An
interrupted load is continued by the next one: each step finds what is there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter
from uuid import UUID

from django.db.models import QuerySet

from balances.services.recurring import issue_recurring_balances
from billing.services.draft_totals import refresh_draft_totals
from billing.services.expiry import expire_ended_segments
from billing.services.periods import open_due_periods
from catalog.selectors import get_rate_card, list_rate_cards
from contracts.selectors import list_contracts
from contracts.services import UsageStatementSchedule, create_contract
from core import audit
from core.models import AuditEntry
from core.transactions import use_case
from customers.selectors import list_customers
from customers.services import archive_customer, create_customer, update_config
from demo.catalogue import MARK, make_catalogue
from demo.desk import fill_desk
from demo.grants import contract_fees, contract_grants, give
from demo.habits import came_late, history
from demo.paper import make_keys, put_on_paper
from demo.plans import make_plans
from demo.story import CARDS, CUSTOMERS, LATE, Agreement, Calendar, Customer, Grant
from engine.invoice_states import InvoiceStatus
from invoices.models import InvoiceListing
from invoices.selectors.views import invoice_rows
from invoices.services.documents import render_document
from invoices.services.finalize import finalize_due_invoices
from invoices.services.void import regenerate_invoice, void_invoice
from usage.services import ingest
from usage.store import NewEvent

BATCH = 2000
DOCUMENTS = 4
"""How many of the newest invoices get their PDF here; the sweeper renders the others."""
AFTER_MIDNIGHT = timedelta(seconds=10)
LOADED = "demo.load"
"""The audit entry, about the story's first rate card, that says a load has come to its end."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load made: how many events, customers, invoices by status."""

    events: int
    customers: int
    invoices: dict[str, int]


def is_loaded() -> bool:
    """Whether the whole demo is in this database."""
    cards = [card.pk for card in list_rate_cards() if MARK in card.custom_fields]
    return AuditEntry.objects.filter(subject_type="ratecard", subject_id__in=cards, action=LOADED).exists()


def load(*, now: datetime, thin: int = 1, say: Callable[[str], object] = print) -> Loaded:
    """Loads the story up to `now`. `thin` divides the number of events (for tests)."""
    calendar = Calendar(now)
    token = audit.set_actor(audit.Actor(label="Demo"))
    try:
        cards = make_catalogue(calendar)
        make_keys(now=calendar.first_day)
        ids = {customer.aliases[0]: _make_customer(customer, calendar) for customer in CUSTOMERS}
        events = _send(_in_time(calendar, thin))
        say(f"demo: {events:,} events of {len(ids)} customers since {calendar.first_day:%-d %B %Y}")
        events += _live_through(_Life(calendar, cards, ids, thin))
        events += make_plans(card_id=cards[CARDS[0].alias], now=now)
        for invoice in final_invoices().order_by("-finalized_at", "-number")[:DOCUMENTS]:
            render_document(invoice_id=invoice.pk, now=now)
        refresh_draft_totals(now=now)
        counts = {str(status): InvoiceListing.objects.filter(status=status).count() for status in InvoiceStatus}
        say("demo: invoices: " + ", ".join(f"{count} {status.lower()}" for status, count in counts.items()))
        fill_desk(now=now)
        with use_case():
            card = get_rate_card(rate_card_id=cards[CARDS[0].alias])
            audit.record(LOADED, card, at=now, detail={"events": events})
    finally:
        audit.reset_actor(token)
    return Loaded(events, len(ids), counts)


@dataclass(frozen=True, slots=True)
class _Life:
    """Where the story stands in the database: rate card and customer ids by alias."""

    calendar: Calendar
    cards: dict[str, UUID]
    customers: dict[str, UUID]
    thin: int


def _live_through(life: _Life) -> int:
    """Every happening of the story at its time, due work once a day. Returns how many events came late."""
    calendar = life.calendar
    happenings: list[tuple[datetime, Callable[[datetime], int]]] = []
    for customer in CUSTOMERS:
        happenings.append((calendar[customer.signed_up], partial(_sign, life, customer)))
        happenings += [
            (calendar[grant.given], partial(_give, life, customer, grant)) for grant in customer.grants if grant.given
        ]
        if customer.archived:
            happenings.append((calendar[customer.archived], partial(_archive, life, customer)))
    happenings.append((calendar["late_sent"], partial(_bill_again, life)))
    day = calendar.first_day + AFTER_MIDNIGHT
    while day < calendar.now:
        happenings.append((day, _do_due_work))
        day += timedelta(days=1)
    happenings.append((calendar.now, _do_due_work))
    return sum(act(at) for at, act in sorted(happenings, key=itemgetter(0)))


def _do_due_work(at: datetime) -> int:
    issue_recurring_balances(now=at)
    open_due_periods(now=at)
    finalize_due_invoices(now=at)
    expire_ended_segments(now=at)
    return 0


def _sign(life: _Life, customer: Customer, at: datetime) -> int:
    """The customer's contract, made when it signed up."""
    customer_id = life.customers[customer.aliases[0]]
    if list_contracts(customer_id=customer_id, include_archived=True).exists():
        return 0
    agreed: Agreement = customer.agreement
    create_contract(
        customer_id=customer_id,
        name=agreed.name,
        rate_card_id=life.cards[agreed.card],
        starting_at=life.calendar[agreed.starts],
        ending_before=life.calendar[agreed.ends] if agreed.ends else None,
        schedule=UsageStatementSchedule(frequency=agreed.frequency, day=agreed.day),
        net_payment_terms_days=agreed.net_days,
        uniqueness_key=f"demo-{customer.aliases[0]}",
        parts=contract_grants(customer.grants, life.calendar) | contract_fees(customer.fees, life.calendar),
        now=at,
    )
    return 0


def _give(life: _Life, customer: Customer, grant: Grant, at: datetime) -> int:
    give(grant, customer_id=life.customers[customer.aliases[0]], calendar=life.calendar, now=at)
    return 0


def _archive(life: _Life, customer: Customer, at: datetime) -> int:
    archive_customer(customer_id=life.customers[customer.aliases[0]], now=at)
    return 0


def _bill_again(life: _Life, at: datetime) -> int:
    """Late usage comes in; the invoice that lacks it is made void and its period billed again."""
    [customer] = [customer for customer in CUSTOMERS if customer.aliases[0] == LATE.alias]
    events = history(customer, life.calendar, thin=life.thin)
    late = [event for event in events if came_late(customer, event.timestamp, event.properties, life.calendar)]
    ingest(events=late, now=at)
    [first] = invoice_rows(customer_id=life.customers[LATE.alias]).filter(
        regenerated_from=None, period_start__lte=late[0].timestamp, period_end__gt=late[0].timestamp
    )
    if first.status == InvoiceStatus.FINALIZED:
        void_invoice(invoice_id=first.pk, now=at + timedelta(minutes=12), reason=LATE.reason)
    if not first.regenerations.exists():
        regenerate_invoice(invoice_id=first.pk, now=at + timedelta(minutes=14))
    return len(late)


def _make_customer(customer: Customer, calendar: Calendar) -> UUID:
    found = list_customers(archived=None, ingest_alias=customer.aliases[0]).first()
    if found is None:
        at = calendar[customer.signed_up] - timedelta(hours=1)
        found = create_customer(name=customer.name, ingest_aliases=customer.aliases, now=at)
        if customer.salesforce_id:
            update_config(customer_id=found.pk, salesforce_account_id=customer.salesforce_id, now=at)
        put_on_paper(customer, customer_id=found.pk, now=at)
    return found.pk


def _in_time(calendar: Calendar, thin: int) -> Iterator[NewEvent]:
    """Everybody's usage that came when it should, in order of time."""
    for customer, event in merge(*(_told(c, calendar, thin) for c in CUSTOMERS), key=lambda pair: pair[1].timestamp):
        if not came_late(customer, event.timestamp, event.properties, calendar):
            yield event


def _told(customer: Customer, calendar: Calendar, thin: int) -> Iterator[tuple[Customer, NewEvent]]:
    for event in history(customer, calendar, thin=thin):
        yield customer, event


def _send(events: Iterable[NewEvent]) -> int:
    """Stores events as if each batch had come in when its last one happened; returns how many there are."""
    count, rest = 0, iter(events)
    while batch := list(islice(rest, BATCH)):
        ingest(events=batch, now=batch[-1].timestamp)
        count += len(batch)
    return count


def final_invoices() -> QuerySet[InvoiceListing]:
    """All finalized invoices."""
    return invoice_rows().filter(status=InvoiceStatus.FINALIZED)
