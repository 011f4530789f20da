"""Recurring commits and credits: agreed with a contract; the sweep issues a balance for each period, one ahead."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Min, QuerySet

from balances.models import Balance, RecurringGrant
from balances.services.catalogue import Catalogue, named_products
from balances.services.child_access import check_child_access
from balances.services.given import Coming, Given, coming_of, count_given, is_counted, more_of
from balances.services.grants import Grant, UnwrittenBalance, cost_basis, write_balances
from balances.services.ledger import lock_balances
from balances.services.new_recurring import NewRecurring
from balances.services.seats import SeatPeriod, Seats, check_seats, seats_of, sync_seat_grants
from contracts.events import ContractEdited
from contracts.models import Contract, ContractEdit, Subscription, SubscriptionChange
from contracts.selectors import billing_schedule, payer_of
from contracts.services import lock_contract
from contracts.services.hierarchy import refuse_own_balances
from core import audit
from core.errors import InvalidInput
from core.patience import bounded_waits, is_too_slow, limit_waits, passes_over
from core.transactions import require_transaction
from customers.test_clocks import in_our_time
from engine.calendar import BillingSchedule, Frequency
from engine.errors import InvalidTerms
from engine.money import plain
from engine.proration import AmountRounding, ProrationRounding
from engine.recurring import Amount, GrantPeriod, GrantProration, grant_periods
from engine.recurring import RecurringGrant as EngineGrant
from engine.schedules import ScheduleItem

logger = logging.getLogger(__name__)
BATCH = 200
MOST_AT_ONCE = 1000
"""Segments of the balances that one transaction issues; what began long ago has more, which the sweep issues then."""
MOST_IN_A_SWEEP = 10
"""Transactions that issue so many; a job has a time limit."""
LOOK_AGAIN_AFTER = timedelta(hours=1)
LOOK_BACK = timedelta(days=32)
FOREVER = datetime.max.replace(tzinfo=UTC)


_COPIED = (
    "id", "kind", "product_id", "starting_at", "ending_before", "duration", "frequency", "access_type", "proration",
    "name", "description", "priority", "rate_type", "rollover_fraction", "netsuite_sales_order_id",
    "subscription_id", "allocation", "seat_increase_is_prorated", "child_access",
)  # fmt: skip
_AMOUNTS = ("access_unit_price", "access_quantity", "invoice_unit_price", "invoice_quantity")
_INHERITED = (
    "product_id", "name", "description", "priority", "access_type", "rate_type", "rollover_fraction",
    "applicable_product_ids", "applicable_product_tags", "specifiers", "netsuite_sales_order_id", "child_access",
)  # fmt: skip


def add_recurring(
    contract: Contract, *, new: Sequence[NewRecurring], path: str, now: datetime, edit: ContractEdit | None = None
) -> list[RecurringGrant]:
    """Adds recurring commits or credits, and the balances of periods that have begun.

    The caller holds the contract's lock. Raises InvalidInput naming `<path>.<index>.<field>`.
    """
    require_transaction()
    if not new:
        return []
    refuse_own_balances(contract, field=path)
    rows = []
    known, subscriptions = _catalogue(new), _subscriptions(contract, new)
    for index, one in enumerate(new):
        try:
            rows.append(_row(contract, one, known, subscriptions, now=now, edit=edit))
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{index}.{error.field}") from error
    lock_balances(payer_of(contract, now))
    due = _Due()
    for row in rows:
        row.next_child_at = due.add(row, {}, now=now, since=now - LOOK_BACK)
    RecurringGrant.objects.bulk_create(rows)
    due.write(now=now)
    if is_counted():
        given = [Given(more_of(to_come(row, now=None)), row.credit_type, row.access_type) for row in rows]
        count_given(given, source_id=rows[0].pk, customer_id=contract.customer_id, field=path, now=now)
    return rows


def to_come(row: RecurringGrant, *, now: datetime | None) -> Coming:
    """What it gives away in the periods that begin after `now` (None: in all)."""
    periods = (one for _, one in grant_periods_of(row) if now is None or one.period.start > now)
    return coming_of(row, periods=periods, ending_before=engine_grant(row).ending_before)


def _catalogue(new: Sequence[NewRecurring]) -> Catalogue:
    named: list[UUID | str] = [one.product_id for one in new]
    for one in new:
        named += named_products(product_ids=one.applicable_product_ids, specifiers=one.specifiers)
    units = {unit_id for one in new for unit_id in (one.credit_type_id, one.invoice_credit_type_id)}
    return Catalogue(unit_ids=units, product_ids=named)


def _subscriptions(contract: Contract, new: Sequence[NewRecurring]) -> dict[UUID, Subscription]:
    """The contract's subscriptions that they are for, with their changes."""
    ids = {one.subscription_id for one in new if one.subscription_id is not None}
    if not ids:
        return {}
    return contract.subscriptions.prefetch_related("changes").in_bulk(ids)


def sync_subscription_grants(event: ContractEdited) -> None:
    """Reaction: what seats bring changes with them, backwards too. Raises InvalidInput."""
    if not event.updated_subscriptions:
        return
    contract = lock_contract(contract_id=event.contract_id)
    times = SubscriptionChange.objects.filter(added_by_id=event.edit_id)
    first = times.aggregate(first=Min("starting_at"))["first"] or event.occurred_at
    for index, one in enumerate(event.updated_subscriptions):
        since = contract.starting_at if one.end_changed else min(first, event.occurred_at)
        rows = RecurringGrant.objects.filter(subscription_id=one.subscription_id, archived_at__isnull=True)
        for row in rows.select_related("subscription").order_by("created_at", "id"):
            row.contract = contract
            try:
                check_seats(row, terms=engine_grant(row))
                sync_recurring_grant(row, now=event.occurred_at, since=since)
            except InvalidTerms as error:
                raise InvalidInput(error.message, field=f"update_subscriptions.{index}") from error


def issue_recurring_balances(*, now: datetime) -> int:
    """Sweep: issues the balances that are due, each one period ahead; returns how many grants it saw to."""
    done = behind = 0
    busy: set[UUID] = set()
    rows = RecurringGrant.objects.filter(in_our_time("contract__customer_id"))
    while done < BATCH and behind < MOST_IN_A_SWEEP:
        outcome = _issue_next(now, rows, busy)
        if outcome is None:
            break
        done += outcome is not Outcome.BUSY
        behind += outcome is Outcome.BEHIND
    return done


def issue_due_grants(*, customer_id: UUID, now: datetime) -> None:
    """Before the customer's balances are read: what falls due by now is there, though the sweep has not come round.

    One query where nothing is due. What another transaction is at, it leaves to that one, after a moment's wait.
    """
    rows = RecurringGrant.objects.filter(contract__customer_id=customer_id)
    if not rows.filter(next_child_at__lte=now, archived_at__isnull=True).exists():
        return
    actor = audit.set_actor(audit.Actor())  # the time does it, not who happens to look
    busy: set[UUID] = set()
    try:
        with bounded_waits():
            for _ in range(BATCH):
                outcome = _issue_next(now, rows, busy)
                if outcome in (None, Outcome.BEHIND):  # the rest of a very long past is the sweep's
                    break
    finally:
        audit.reset_actor(actor)


def sync_recurring_grant(row: RecurringGrant, *, now: datetime, since: datetime | None = None) -> "_Due":
    """Issues the balances that are to be there by now: up to the one of the period after the present, MOST_AT_ONCE at
    most; then `next_child_at` lies in the past, and the sweep issues the rest.

    The caller holds the contract's lock. Where it grants for seats, the balances whose period ends after `since` (by
    default: a while before the last look) get what seats have brought by now. Raises InvalidTerms where invoices drew
    what seats no longer bring.
    """
    require_transaction()
    lock_balances(payer_of(row.contract, now))
    known = {issued.period_start: issued for issued in row.children.all()}
    due = _Due()
    row.next_child_at = due.add(row, known, now=now, since=since or min(row.next_child_at or now, now) - LOOK_BACK)
    row.save(update_fields=["next_child_at"])
    due.write(now=now)
    return due


class Outcome(Enum):
    """What came of a look at a grant: BEHIND has more to issue, BUSY is held by somebody else until the next run."""

    DONE = auto()
    BEHIND = auto()
    BUSY = auto()


class _Due:
    """What recurring grants of one paying account are to issue now: no more than one transaction can write soon."""

    def __init__(self) -> None:
        self._new: list[UnwrittenBalance] = []
        self._of_seats: list[SeatPeriod] = []
        self._segments = 0
        self.is_behind = False
        """Whether there is more, which the next look issues."""

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return self._segments >= MOST_AT_ONCE

    def add(
        self, row: RecurringGrant, known: Mapping[datetime | None, Balance], *, now: datetime, since: datetime
    ) -> datetime | None:
        """Adds what a grant is to issue, `known` being there; returns when it is due next: at once if it has more."""
        seats = seats_of(row, terms=engine_grant(row))
        due: datetime | None = None
        ahead = None  # where the period before began: then the next balance is issued
        for terms, grant_period in grant_periods_of(row):
            begins = grant_period.period.start if ahead is None else ahead
            made = known.get(grant_period.period.start)
            left = made is None and self.is_full
            if begins > now or left:
                self.is_behind = self.is_behind or (left and begins <= now)
                due = begins
                break
            ahead = grant_period.period.start
            if seats is not None and seats.terms is not terms:
                seats = replace(seats, terms=terms)
            fresh = made is None
            if made is None:
                one = _make(row, grant_period, seats)
                self._new.append(one)
                self._segments += max(1, len(one.segments))
                made = one.balance
            if seats is not None and made.archived_at is None and (fresh or grant_period.period.end > since):
                self._of_seats.append(SeatPeriod(seats, made, grant_period))
        if seats is not None:
            due = min((at for at in (due, seats.next_change(now)) if at is not None), default=None)
        return due

    def write(self, *, now: datetime) -> None:
        """Stores it all. The caller holds the balances."""
        write_balances(self._new, now=now)
        sync_seat_grants(self._of_seats, now=now)


def grant_periods_of(row: RecurringGrant) -> Iterator[tuple[EngineGrant, GrantPeriod]]:
    """Grant periods in order, without end where there is none, each with the terms under which it began or is to."""
    phases = [
        (datetime.fromisoformat(kept["before"]), engine_grant(_as_it_was(row, kept))) for kept in row.earlier_terms
    ]
    since: datetime | None = None
    for until, terms in [*phases, (FOREVER, engine_grant(row))]:
        for grant_period in grant_periods(terms, FOREVER):
            if grant_period.period.start > until:
                break
            if since is None or grant_period.period.start > since:
                yield terms, grant_period
        since = until


def kept_terms(row: RecurringGrant, *, now: datetime) -> dict[str, Any]:
    """The terms that hold for what has begun by now, to be kept in `earlier_terms` before they change."""
    amounts = {name: None if getattr(row, name) is None else plain(getattr(row, name)) for name in _AMOUNTS}
    end = None if row.ending_before is None else row.ending_before.isoformat()
    return {"before": now.isoformat(), "ending_before": end, "proration_rounding": row.proration_rounding, **amounts}


def _as_it_was(row: RecurringGrant, kept: Mapping[str, Any]) -> RecurringGrant:
    amounts = {name: None if kept[name] is None else Decimal(kept[name]) for name in _AMOUNTS}
    end = None if kept["ending_before"] is None else datetime.fromisoformat(kept["ending_before"])
    return RecurringGrant(
        contract=row.contract, starting_at=row.starting_at, duration=row.duration, frequency=row.frequency,
        proration=row.proration, ending_before=end, proration_rounding=kept["proration_rounding"], **amounts,
    )  # fmt: skip


def engine_grant(row: RecurringGrant) -> EngineGrant:
    """A recurring grant as the engine knows it. Raises InvalidTerms for one that cannot be."""
    contract = row.contract
    schedule = billing_schedule(contract)
    if row.frequency:
        start = row.starting_at
        schedule = BillingSchedule(Frequency(row.frequency), start.date(), start.hour)
    ends = [end for end in (row.ending_before, contract.ending_before) if end is not None]
    return EngineGrant(
        schedule=schedule,
        starting_at=row.starting_at,
        ending_before=min(ends) if ends else None,
        access=Amount(row.access_unit_price, row.access_quantity),
        duration=row.duration,
        invoice=None
        if row.invoice_unit_price is None or row.invoice_quantity is None
        else Amount(row.invoice_unit_price, row.invoice_quantity),
        proration=GrantProration(row.proration),
        access_rounding=_rounding(row, "access"),
        invoice_rounding=_rounding(row, "invoice"),
    )


def _make(row: RecurringGrant, grant_period: GrantPeriod, seats: Seats | None) -> UnwrittenBalance:
    segments = (
        [Grant(grant_period.amount, grant_period.access.start, grant_period.access.end)]
        if seats is None
        else seats.first(grant_period)
    )
    begun = [part for part in segments if part.starting_at == grant_period.access.start]
    items = [] if grant_period.charge is None else [ScheduleItem(grant_period.period.start, grant_period.charge)]
    commit = row.kind == RecurringGrant.Kind.COMMIT
    balance = Balance(
        kind=Balance.Kind.PREPAID if commit else Balance.Kind.CREDIT,
        customer_id=row.contract.customer_id,
        contract=row.contract,
        credit_type_id=row.credit_type_id,
        invoice_credit_type_id=row.invoice_credit_type_id if items else None,
        invoice_contract=row.contract if items else None,
        cost_basis=cost_basis(items, segments=begun),
        recurring=row,
        period_start=grant_period.period.start,
        created_at=max(grant_period.period.start, row.contract.starting_at),
        **{name: getattr(row, name) for name in _INHERITED},
    )
    return UnwrittenBalance(balance, segments, items, service_period=grant_period.period)


def _issue_next(now: datetime, rows: QuerySet[RecurringGrant], busy: set[UUID]) -> Outcome | None:
    """Follows the one of these grants that has waited longest and whose contract nobody else is at; None for none.

    `busy` takes one that needs what somebody else holds: it is left for the next run.
    """
    waiting = None
    try:
        with transaction.atomic(durable=True):  # no use case of a request: it may only have asked for balances
            limit_waits()
            waiting = (
                rows.select_for_update(skip_locked=True, of=("contract",))
                .select_related("contract")
                .filter(next_child_at__lte=now, archived_at__isnull=True)
                .exclude(pk__in=busy)
                .order_by("next_child_at")
                .first()
            )
            if waiting is None:
                return None
            lock_balances(payer_of(waiting.contract, now))
            waiting.refresh_from_db(fields=["next_child_at", "archived_at"])
            return Outcome.DONE if waiting.archived_at is not None else _issue(waiting, now)
    except OperationalError as error:
        if waiting is None or not passes_over(error):
            raise
        busy.add(waiting.pk)
        return Outcome.BUSY


def _issue(row: RecurringGrant, now: datetime) -> Outcome:
    """Issues what is due of a grant, or sees to it that it is tried again later."""
    try:
        with transaction.atomic():
            issued = sync_recurring_grant(row, now=now)
    except Exception as error:
        if isinstance(error, OperationalError) and not is_too_slow(error):
            raise
        logger.exception("the balances of recurring grant %s could not be issued", row.pk)
        RecurringGrant.objects.filter(pk=row.pk).update(next_child_at=now + LOOK_AGAIN_AFTER)
        return Outcome.DONE
    return Outcome.BEHIND if issued.is_behind else Outcome.DONE


def _row(
    contract: Contract,
    new: NewRecurring,
    known: Catalogue,
    subscriptions: Mapping[UUID, Subscription],
    *,
    now: datetime,
    edit: ContractEdit | None,
) -> RecurringGrant:
    known.check_product(new.product_id)
    known.check_scope(product_ids=new.applicable_product_ids, specifiers=new.specifiers)
    check_child_access(new.child_access, customer_id=contract.customer_id, contract_id=contract.pk)
    row = RecurringGrant(
        contract=contract,
        access_unit_price=new.access[0],
        access_quantity=new.access[1],
        invoice_unit_price=None if new.invoice is None else new.invoice[0],
        invoice_quantity=None if new.invoice is None else new.invoice[1],
        credit_type=known.unit(new.credit_type_id, "access_amount.credit_type_id"),
        invoice_credit_type=None
        if new.invoice is None
        else known.unit(new.invoice_credit_type_id, "invoice_amount.credit_type_id"),
        applicable_product_ids=list(new.applicable_product_ids),
        applicable_product_tags=list(new.applicable_product_tags),
        specifiers=list(new.specifiers),
        proration_rounding=new.proration_rounding or {},
        created_at=now,
        created_by=audit.current_actor().label,
        added_by=edit,
        **{name: getattr(new, name) for name in _COPIED},
    )
    if row.invoice_credit_type is not None and not row.invoice_credit_type.is_currency:
        raise InvalidTerms("must be a currency", "invoice_amount.credit_type_id")
    if row.starting_at < contract.starting_at:
        raise InvalidTerms("must not be before the contract's start", "starting_at")
    if contract.ending_before is not None and row.starting_at >= contract.ending_before:
        raise InvalidTerms("must be before the contract's end", "starting_at")
    if row.specifiers and (row.applicable_product_ids or row.applicable_product_tags):
        raise InvalidTerms("specifiers exclude applicable products and tags", "specifiers")
    if row.rollover_fraction is not None and not 0 <= row.rollover_fraction <= 1:
        raise InvalidTerms("must be from 0 to 1", "rollover_fraction")
    if row.subscription_id is not None:
        row.subscription = subscriptions.get(row.subscription_id)
        if row.subscription is None:
            raise InvalidTerms("the contract has no such subscription", "subscription_config.subscription_id")
    check_seats(row, terms=engine_grant(row))
    return row


def _rounding(row: RecurringGrant, which: str) -> ProrationRounding | None:
    stored = row.proration_rounding.get(which)
    if not stored:
        return None
    return ProrationRounding(AmountRounding(stored["rounding_method"]), int(stored["decimal_places"]))
