"""Changes of a balance's schedules: access is corrected by entries, charges as long as no final invoice holds them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from balances.adjustment_models import USD
from balances.models import Balance, LedgerEntry, Segment
from balances.selectors.act_limits import worth_left
from balances.selectors.segments import engine_segment
from balances.services.grants import Grant, cost_basis, first_kind
from balances.services.ledger import append, entry, take_back_expiries
from balances.services.purchases import add_purchases, purchases_for, schedule_of
from charges.services import ScheduleChange
from charges.services.schedules import change_items
from core.approvals import count_alone
from core.errors import InvalidInput
from engine.errors import InvalidTerms
from engine.money import ZERO, checked, subtract
from engine.schedules import AccessSegment, ScheduleItem

DEDUCTION = LedgerEntry.Kind.AUTOMATED_INVOICE_DEDUCTION
CHANGED = "access was changed"
VOID_FIRST = "void it first, and regenerate it after the change"
"""What lets history be corrected."""
SHORTEST = timedelta(hours=1)
"""How short access can be: times are on the hour."""


def change_access(balance: Balance, *, change: ScheduleChange, now: datetime) -> None:
    """Adds, changes and removes segments; grants are corrected by entries. Raises InvalidTerms."""
    rows = balance.segments.filter(removed_at__isnull=True).select_related("owner__credit_type")
    standing = {row.pk: row for row in rows}
    count_left(_ended_by(change, standing), act="balance.edit", now=now)
    for index, segment_id in enumerate(change.remove):
        where = f"access_schedule.remove_schedule_items.{index}.id"
        segment = standing.pop(segment_id, None)
        if segment is None:
            raise InvalidTerms("no such segment", where)
        if segment.used:
            raise InvalidTerms(f"a finalized invoice draws from this segment: {VOID_FIRST}", where)
        _take_back(segment, now)
    for index, (segment_id, fields) in enumerate(change.update.items()):
        where = f"access_schedule.update_schedule_items.{index}"
        segment = standing.get(segment_id)
        if segment is None:
            raise InvalidTerms("no such segment", f"{where}.id")
        _change_segment(balance, segment, fields, where, now)
    for part in change.add:
        _grant(balance, AccessSegment(part["amount"], part["starting_at"], part["ending_before"]), now)


def _ended_by(change: ScheduleChange, standing: Mapping[UUID, Segment]) -> list[Segment]:
    """The segments that the change takes out, ends sooner or makes smaller."""

    def is_less(segment: Segment, fields: Mapping[str, Any]) -> bool:
        end, amount = fields.get("ending_before"), fields.get("amount")
        return (end is not None and end < segment.ending_before) or (amount is not None and amount < segment.granted)

    return [
        segment
        for key, segment in standing.items()
        if key in change.remove or is_less(segment, change.update.get(key, {}))
    ]


def _change_segment(balance: Balance, segment: Segment, fields: Mapping[str, Any], where: str, now: datetime) -> None:
    wanted = AccessSegment(
        fields.get("amount", ZERO),
        fields.get("starting_at", segment.starting_at),
        fields.get("ending_before", segment.ending_before),
    )
    take_back_expiries([segment], now=now, reason=CHANGED)
    difference = subtract(fields.get("amount", segment.granted), segment.granted)
    if difference < ZERO and segment.balance + difference < ZERO:
        raise InvalidTerms(f"a finalized invoice drew more than that: {VOID_FIRST}", f"{where}.amount")
    if segment.used and _drawn_outside(segment, wanted):
        problem = f"a finalized invoice draws from this segment outside of these dates: {VOID_FIRST}"
        raise InvalidTerms(problem, where)
    segment.starting_at, segment.ending_before = wanted.starting_at, wanted.ending_before
    segment.save(update_fields=["starting_at", "ending_before"])
    append([entry(segment, kind=first_kind(balance), amount=difference, at=wanted.starting_at, now=now)])


def _drawn_outside(segment: Segment, wanted: AccessSegment) -> bool:
    """Whether an invoice that drew on the segment lies wholly outside of its new dates."""
    drawn = segment.entries.filter(kind=DEDUCTION, reversed_by__isnull=True)
    return drawn.filter(effective_at__lte=wanted.starting_at).exists()


def _grant(balance: Balance, part: AccessSegment, now: datetime) -> Segment:
    segment = Segment.objects.create(owner=balance, starting_at=part.starting_at, ending_before=part.ending_before)
    engine_segment(segment, available=part.amount)
    append([entry(segment, kind=first_kind(balance), amount=part.amount, at=part.starting_at, now=now)])
    return segment


def _take_back(segment: Segment, now: datetime) -> None:
    """Removes a segment that no final invoice drew from, and what was added to it by hand."""
    take_back_expiries([segment], now=now, reason=CHANGED)
    manual = entry(
        segment, kind=LedgerEntry.Kind.MANUAL, amount=segment.manual.copy_negate(), at=segment.starting_at, now=now,
        reason="the segment was removed",
    )  # fmt: skip
    left = subtract(segment.balance, segment.manual)
    grant = entry(segment, kind=first_kind(segment.owner), amount=left.copy_negate(), at=segment.starting_at, now=now)
    append([manual, grant])
    Segment.objects.filter(pk=segment.pk).update(removed_at=now)


def count_left(segments: Iterable[Segment], *, act: str, now: datetime) -> None:
    """What is left on segments that end sooner counts against the limit of whoever ends them, balance by balance.

    The segments come with their balances and units. Raises NeedsApproval.
    """
    by_owner: dict[Balance, list[Segment]] = {}
    for segment in segments:
        by_owner.setdefault(segment.owner, []).append(segment)
    for owner, rows in by_owner.items():
        count_alone(act=act, subject=owner, worth=worth_left(rows), now=now)


def end_access(balance: Balance, *, end: datetime, now: datetime) -> None:
    """No access from `end` on; a last segment that ended before is prolonged. Raises InvalidInput."""
    standing = balance.segments.filter(removed_at__isnull=True).select_related("owner__credit_type")
    rows = list(standing.order_by("ending_before", "id"))
    if rows and all(row.starting_at >= end for row in rows):
        raise InvalidInput("must be after the first segment's start", field="access_ending_before")
    count_left([row for row in rows if row.ending_before > end], act="balance.end_access", now=now)
    for row in rows:
        if row.ending_before > end:
            cut_segment(row, end=end, now=now)
    if rows and rows[-1].ending_before < end:
        _move_end(rows[-1], end=end, now=now)


def cut_segment(segment: Segment, *, end: datetime, now: datetime) -> None:
    """No access from `end` on. A segment that had not begun is taken out; one that an invoice drew from, cut short."""
    if segment.starting_at < end:
        _move_end(segment, end=end, now=now)
    elif not segment.used:
        _take_back(segment, now)
    else:
        _move_end(segment, end=min(segment.ending_before, segment.starting_at + SHORTEST), now=now)


def _move_end(segment: Segment, *, end: datetime, now: datetime) -> None:
    take_back_expiries([segment], now=now, reason=CHANGED)
    segment.ending_before = end
    segment.save(update_fields=["ending_before"])


def change_invoices(balance: Balance, *, change: ScheduleChange, now: datetime) -> None:
    """Adds, changes and removes charges that no final invoice holds. Raises InvalidTerms, InvalidInput."""
    standing = {charge.pk: charge for charge in purchases_for(balance)}
    change_items(standing, change=change, where="invoice_schedule", now=now)
    if change.add:
        _add_items(balance, change.add, now)


def _add_items(balance: Balance, added: Sequence[Mapping[str, Any]], now: datetime) -> None:
    if balance.invoice_contract_id is None and not balance.do_not_invoice:
        if balance.contract_id is None:
            raise InvalidTerms("no contract to invoice it on", "invoice_schedule")
        balance.invoice_contract_id = balance.contract_id
    if balance.invoice_credit_type_id is None:
        balance.invoice_credit_type_id = USD
    for index, part in enumerate(added):
        for name in ("unit_price", "quantity"):
            checked(part[name], f"invoice_schedule.add_schedule_items.{index}.{name}")
    add_purchases(balance, items=[ScheduleItem(**part) for part in added], now=now)


def check_schedules(balance: Balance) -> None:
    """What must hold of the schedules as they stand now; the cost basis follows them."""
    segments = list(balance.segments.filter(removed_at__isnull=True))
    items = schedule_of(balance)
    if not segments:
        raise InvalidTerms("a balance keeps at least one segment", "access_schedule")
    if balance.kind == Balance.Kind.POSTPAID:
        asked = [item.amount for item in items]
        if len(segments) != 1 or len(items) != 1 or segments[0].granted != asked[0]:
            raise InvalidTerms("access and invoice amounts of a postpaid commit must be equal", "invoice_schedule")
    balance.cost_basis = cost_basis(
        items,
        segments=[Grant(row.granted, row.starting_at, row.ending_before) for row in segments],
    )
