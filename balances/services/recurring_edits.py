"""Changes of recurring commits and credits: what has begun stays, what has not follows the new terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from balances.models import Balance, LedgerEntry, RecurringGrant
from balances.services.events import record_archived, record_edited
from balances.services.given import Given, count_given, is_counted, more_of
from balances.services.grants import Grant, cost_basis, first_kind
from balances.services.ledger import append, entry, lock_balances, take_back_expiries
from balances.services.purchases import add_purchases, purchases_for, schedule_of
from balances.services.recurring import engine_grant, grant_periods_of, kept_terms, sync_recurring_grant, to_come
from balances.services.schedules import CHANGED
from charges.selectors import terms_of
from charges.services import cancel_charges, is_open, reprice_charge
from contracts.models import Contract
from contracts.selectors import payer_of
from core.errors import Conflict, InvalidInput
from core.transactions import require_transaction
from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, add, checked, subtract
from engine.recurring import GrantPeriod
from engine.schedules import ScheduleItem

AMOUNTS = ("access_unit_price", "access_quantity", "invoice_unit_price", "invoice_quantity")


@dataclass(frozen=True, slots=True)
class RecurringChange:
    """What changes in a recurring commit or credit. `fields`: columns by name, None where that is allowed;
    `proration_rounding` by what it rounds, None to clear it, or None for all.
    """

    grant_id: UUID
    fields: Mapping[str, Any]


def change_recurring(
    contract: Contract, *, changes: Sequence[RecurringChange], kind: str, path: str, now: datetime
) -> None:
    """Changes what is to come; the caller holds the contract's lock.

    Balances of periods that have begun stay as they are. Those that have not get the new amount, end, charge and rate
    type; those that are no longer to be are withdrawn. Raises InvalidInput naming `<path>.<index>.<field>`, Conflict.
    """
    require_transaction()
    if changes:
        lock_balances(payer_of(contract, now))
    for index, change in enumerate(changes):
        rows = RecurringGrant.objects.select_related("subscription").filter(contract=contract, kind=kind)
        row = rows.filter(pk=change.grant_id, archived_at__isnull=True).first()
        if row is None:
            name = f"{path}.{index}.recurring_{kind.lower()}_id"
            raise InvalidInput(f"the contract has no such recurring {kind.lower()}", field=name)
        row.contract = contract
        before = to_come(row, now=now) if is_counted() else None
        try:
            _change(row, change.fields, now)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{index}.{error.field}") from error
        if before is not None:
            more = Given(more_of(to_come(row, now=now), before=before), row.credit_type, row.access_type)
            where = f"{path}.{index}.access_amount"
            count_given([more], source_id=row.pk, customer_id=contract.customer_id, field=where, now=now)


def _change(row: RecurringGrant, fields: Mapping[str, Any], now: datetime) -> None:
    sync_recurring_grant(row, now=now)  # what has begun is there, under the terms that held until now
    waiting = list(row.children.filter(period_start__gt=now).order_by("period_start"))
    last = max((one.period_start for one in waiting if one.period_start is not None), default=now)
    old = _coming(row, now, last)
    row.earlier_terms = [*row.earlier_terms, kept_terms(row, now=now)]
    _set(row, fields)
    row.save()
    new = _coming(row, now, last)
    for balance in waiting:
        start = balance.period_start
        if start is None or (balance.archived_at is not None and start in old):
            continue  # archived by somebody: it stays so
        if start in new:
            _reshape(row, balance, old.get(start), new[start], now)
        elif balance.archived_at is None:
            _withdraw(balance, now)
    sync_recurring_grant(row, now=now)  # what seats bring follows the new terms, and the next balance is issued
    for balance in waiting:
        if balance.archived_at is None:
            _settle_cost(balance)


def _coming(row: RecurringGrant, now: datetime, last: datetime) -> dict[datetime, GrantPeriod]:
    """The grant periods that begin after `now` and up to `last`, by their start."""
    found = {}
    for _, grant_period in grant_periods_of(row):
        if grant_period.period.start > last:
            break
        if grant_period.period.start > now:
            found[grant_period.period.start] = grant_period
    return found


def _set(row: RecurringGrant, fields: Mapping[str, Any]) -> None:
    for name in AMOUNTS:
        if name not in fields:
            continue
        where = f"{name.partition('_')[0]}_amount"
        if name == "access_quantity" and row.subscription_id is not None:
            raise InvalidTerms("is that of the subscription", f"{where}.quantity")
        if getattr(row, name) is None:
            raise InvalidTerms("nothing is invoiced for it", where)
        part = name.removeprefix("access_").removeprefix("invoice_")
        setattr(row, name, checked(fields[name], f"{where}.{part}"))
    if "rate_type" in fields:
        row.rate_type = fields["rate_type"]
    if "ending_before" in fields:
        row.ending_before = fields["ending_before"]
    if row.ending_before is not None and row.ending_before <= row.starting_at:
        raise InvalidTerms("must be after starting_at", "ending_before")
    if "proration_rounding" in fields:
        asked = fields["proration_rounding"]
        kept = {} if asked is None else row.proration_rounding | asked
        row.proration_rounding = {name: rule for name, rule in kept.items() if rule is not None}
    engine_grant(row)


def _reshape(row: RecurringGrant, balance: Balance, old: GrantPeriod | None, new: GrantPeriod, now: datetime) -> None:
    """A balance that has not begun, under the new terms. What people changed in it by hand stays. `old` None: it was
    withdrawn, and is to be again.
    """
    before = ZERO if old is None else old.amount
    for segment in balance.segments.filter(removed_at__isnull=True):
        take_back_expiries([segment], now=now, reason=CHANGED)
        if old is None or segment.ending_before == old.access.end:
            segment.ending_before = new.access.end
            segment.save(update_fields=["ending_before"])
        if row.subscription_id is None:
            difference = subtract(new.amount, before)
            if add(segment.balance, min(difference, ZERO)) < ZERO or add(segment.granted, difference) < ZERO:
                raise InvalidTerms("entries by hand took more than would be left", "access_amount")
            append([entry(segment, kind=first_kind(balance), amount=difference, at=segment.starting_at, now=now)])
            before = new.amount  # further segments are somebody's own
    charges = purchases_for(balance)
    charged = None if old is None else old.charge
    if new.charge is not None and not charges:
        item = ScheduleItem(new.period.start, new.charge)
        add_purchases(balance, items=[item], now=now, service_period=new.period)
    elif new.charge is not None and new.charge != charged and len(charges) == 1:
        [charge] = charges
        if not is_open(charge):
            raise Conflict("a finalized invoice charges for what is to come; make that void first")
        terms = replace(terms_of(charge), unit_price=new.charge, quantity=ONE, service_period=new.period)
        reprice_charge(charge, terms=terms)
    balance.rate_type, balance.archived_at = row.rate_type, None
    balance.save(update_fields=["rate_type", "archived_at"])
    record_edited(balance, now=now, changed=("recurring",))


def _settle_cost(balance: Balance) -> None:
    """What one unit of access costs now, by what the period begins with."""
    segments = balance.segments.filter(removed_at__isnull=True, starting_at=F("owner__period_start"))
    balance.cost_basis = cost_basis(
        schedule_of(balance),
        segments=[Grant(part.granted, part.starting_at, part.ending_before) for part in segments],
    )
    balance.save(update_fields=["cost_basis"])


def _withdraw(balance: Balance, now: datetime) -> None:
    """A balance that is not to be: nothing is granted, nothing charged. It has not begun, so nobody has drawn on it."""
    charges = purchases_for(balance)
    if not all(map(is_open, charges)):
        raise Conflict("a finalized invoice charges for what is to come; make that void first")
    cancel_charges(charges=charges, now=now)
    for segment in balance.segments.filter(removed_at__isnull=True):
        take_back_expiries([segment], now=now, reason=CHANGED)
        seats = segment.seat_granted is not None
        kind = LedgerEntry.Kind.SEAT_BASED_ADJUSTMENT if seats else first_kind(balance)
        at, reason = segment.starting_at, "it ends before"
        manual = segment.manual.copy_negate()
        append([entry(segment, kind=LedgerEntry.Kind.MANUAL, amount=manual, at=at, now=now, reason=reason)])
        append([entry(segment, kind=kind, amount=segment.granted.copy_negate(), at=at, now=now)])
    balance.archived_at = now
    balance.save(update_fields=["archived_at"])
    record_archived([balance], now=now, reason="its recurring one ends before")
