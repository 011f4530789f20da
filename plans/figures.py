"""What a change of plan comes to: read from documents and drafts as they stand once it is carried out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.compute import compute_each
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from catalog.models import CreditType
from contracts.models import Contract, Subscription
from contracts.selectors import billing_schedule, subscriptions_of
from contracts.selectors.subscriptions import FOREVER, history_of, periods_of, price_at
from contracts.services.subscriptions import NewSubscription
from core.errors import InvalidInput
from engine.calendar import Frequency, Period, period_at
from engine.lines import APPLIED
from engine.money import ZERO, add, total
from engine.plan_changes import PaidTime, a_month, unused_part
from engine.quantities import standing_at
from engine.subscriptions import Collection
from invoices.models import Invoice, InvoiceLine
from plans.models import UnusedCredit


@dataclass(frozen=True, slots=True)
class Unused:
    """A charge of a final invoice of whose time something is left, and what of it is credited. `line_id`: its first."""

    subscription_id: UUID
    line_id: UUID
    charged: Decimal
    amount: Decimal
    ending_before: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What a contract's drafts ask for at an instant: for plan and dates (`rest`), net of balances (`due`); what comes
    next, if anything.
    """

    rest: Decimal
    due: Decimal
    next_at: datetime | None
    next_amount: Decimal | None


def unused_charges(contract: Contract, at: datetime, unit: CreditType) -> list[Unused]:
    """What final invoices charged in advance for time after `at`, each charge once for ever. Two queries."""
    lines = InvoiceLine.objects.filter(
        invoice__contract=contract, invoice__status=Invoice.Status.FINALIZED, type="subscription", counted=True,
        subscription__collection_schedule=Collection.ADVANCE, ending_before__gt=at, total__gt=0,
    ).order_by("starting_at", "id")  # fmt: skip
    credited = set(UnusedCredit.objects.filter(quote__contract=contract).values_list("line_id", flat=True))
    charges: dict[tuple[UUID, UUID | None, datetime | None], list[InvoiceLine]] = {}
    for line in lines:  # what balances pay of a charge stands on a line of its own
        charges.setdefault((line.invoice_id, line.subscription_id, line.starting_at), []).append(line)
    found = []
    for (_, subscription_id, start), parts in charges.items():
        end = parts[0].ending_before
        if subscription_id is None or start is None or end is None or any(part.pk in credited for part in parts):
            continue
        charged = total(part.total for part in parts)
        amount = unused_part(PaidTime(Period(start, end), charged), at, unit.places)
        if amount > ZERO:
            found.append(Unused(subscription_id, parts[0].pk, charged, amount, end))
    return found


def asked_by(contract: Contract, at: datetime) -> Asked:
    """What the contract's drafts ask for by `at`, and the invoice after that."""
    periods = list(period_rows().filter(contract=contract, state=BillingPeriod.State.OPEN))
    computed = compute_each(periods, at=at)
    now = [row for row in periods if row.type == BillingPeriod.Type.SCHEDULED and row.period_start <= at]
    later = sorted((row for row in periods if row not in now), key=lambda row: (row.period_end, row.period_start))
    due, rest = ZERO, ZERO
    for row in now:
        made = computed[row.pk]
        if made is None:
            raise InvalidInput("no invoice can be made by the new terms", field="to")
        due = add(due, made.total)
        rest = add(rest, total(line.total for line in made.lines if line.type != APPLIED and line.counted))
    following = computed[later[0].pk] if later else None
    next_amount = None if following is None else following.total
    return Asked(max(rest, ZERO), max(due, ZERO), later[0].period_end if later else None, next_amount)


def price_a_month(contract: Contract, at: datetime) -> Decimal:
    """What the subscriptions that run then cost a month, each with its quantity; a trial makes no difference."""
    running = [row for row in _rows(contract) if row.ending_before is None or row.ending_before > at]
    return total(a_month(price_at(row, at), Frequency(row.billing_frequency)) for row in running)


def kept_quantities(old: Contract, new: Sequence[NewSubscription], at: datetime) -> list[NewSubscription]:
    """The new plan's subscriptions with the quantities, or the seats, that the old plan has of their products at `at`.

    Each of the old plan's counts for the first of the new one that is of its product and kind.
    """
    having = list(_rows(old))
    found = []
    for one in new:
        row = next((row for row in having if _is_alike(row, one)), None)
        held = None if row is None else standing_at(history_of(row), at)
        if row is None or held is None:
            found.append(one)
            continue
        having.remove(row)
        if one.seat_group_key:
            unassigned = int(held.unassigned)
            found.append(replace(one, initial_seat_ids=held.assigned, initial_unassigned_seats=unassigned))
        else:
            found.append(replace(one, initial_quantity=held.total))
    return found


def _is_alike(row: Subscription, new: NewSubscription) -> bool:
    return row.product_id == new.product_id and row.seat_group_key == new.seat_group_key


def paid_until(contract: Contract, now: datetime) -> datetime:
    """Where the running periods end: the usage period and those of subscriptions, whichever is last."""
    usage = period_at(billing_schedule(contract), contract.starting_at, contract.ending_before, now)
    ends = [usage.end]
    for row in _rows(contract):
        running = next((one for one in periods_of(row, FOREVER, now) if one.start <= now), None)
        ends += [running.end] if running is not None else []
    return max(ends)


def _rows(contract: Contract) -> Iterable[Subscription]:
    rows = subscriptions_of([contract.pk]).get(contract.pk, [])
    for row in rows:
        row.contract = contract
    return rows
