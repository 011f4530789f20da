"""What is left now: the ledger, less what running drafts would draw, and nothing of what has ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from balances.models import Balance, LedgerEntry, Segment
from balances.selectors.balances import entries_of
from engine.ledger_times import LedgerMove, listed
from engine.money import ZERO, add, subtract, total
from engine.settlement import SegmentState

Kind = LedgerEntry.Kind
Entry = TypeVar("Entry", bound=LedgerEntry)
PREFIX = {"PREPAID": "PREPAID_COMMIT_", "POSTPAID": "POSTPAID_COMMIT_", "CREDIT": "CREDIT_"}
GRANTS = (Kind.SEGMENT_START, Kind.INITIAL_BALANCE)
# A returned deduction of a postpaid commit has no name of its own.
POSTPAID_NAMES = {Kind.CANCELED: Kind.AUTOMATED_INVOICE_DEDUCTION, Kind.SEGMENT_START: Kind.INITIAL_BALANCE}


@dataclass(frozen=True, slots=True)
class PendingDraw:
    """What a draft would draw from a segment if it were final now; above 0."""

    invoice_id: UUID
    contract_id: UUID
    amount: Decimal
    effective_at: datetime


Pending = Mapping[UUID, Sequence[PendingDraw]]
"""By segment."""


@dataclass(frozen=True, slots=True)
class Live:
    """A balance now: what can be drawn, and the movements that led there, which sum to it (or to less than 0)."""

    balance: Decimal
    ledger: list[dict[str, Any]]


def segment_state(segment: Segment, pending: Pending | None = None) -> SegmentState:
    """A segment's sums as the engine settles it; what drafts draw now (`pending`) counts as used."""
    drawn = total(draw.amount for draw in (pending or {}).get(segment.pk, ()))
    return SegmentState(
        granted=segment.granted, manual=segment.manual, used=add(segment.used, drawn), expired=segment.expired,
        rolled_over=segment.rolled_over, trued_up=segment.trued_up,
    )  # fmt: skip


def left_in(segment: Segment, pending: Pending) -> Decimal:
    """What is left of a segment, whenever it is accessible; may be below 0 by manual entries."""
    left: Decimal = segment.balance
    for draw in pending.get(segment.pk, ()):
        left = subtract(left, draw.amount)
    return left


def usable(segment: Segment, pending: Pending, *, now: datetime) -> Decimal:
    """What can be drawn at this moment; 0 before and after access."""
    if not segment.starting_at <= now < segment.ending_before:
        return ZERO
    return max(left_in(segment, pending), ZERO)


def live_balances(balances: Iterable[Balance], pending: Pending, *, now: datetime) -> dict[UUID, Live]:
    """Each balance as it stands now, with its ledger; one query. The balances come with their segments."""
    rows = list(balances)
    posted = entries_of(rows, now=now)
    found = {}
    for row in rows:
        left = ZERO
        if row.archived_at is None:
            for segment in row.segments.all():
                left = add(left, usable(segment, pending, now=now))
        found[row.pk] = Live(left, _ledger(row, posted.get(row.pk, ()), pending, now))
    return found


def segment_ledgers(
    segments: Iterable[Segment], pending: Pending, *, now: datetime
) -> dict[UUID, list[dict[str, Any]]]:
    """The ledger of each segment by itself; one query. The segments come with their owners."""
    rows = {segment.pk: segment for segment in segments}
    found: dict[UUID, list[dict[str, Any]]] = {segment_id: [] for segment_id in rows}
    entries = by_segment(LedgerEntry.objects.filter(segment__in=list(rows)).select_related("segment"))
    for segment_id, segment in rows.items():
        found[segment_id] = _segment_ledger(segment.owner, segment, entries.get(segment_id, ()), pending, now)
    return found


def by_segment(entries: Iterable[Entry]) -> dict[UUID, list[Entry]]:
    """Entries by segment, in the order of posting."""
    found: dict[UUID, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.pk):
        found.setdefault(entry.segment_id, []).append(entry)
    return found


def listed_entries(
    segment: Segment, posted: Sequence[LedgerEntry], more: Iterable[tuple[datetime, Decimal]] = ()
) -> list[tuple[int, datetime]]:
    """How all entries of a segment, in the order of posting, and then `more` are listed: place and time."""
    places = {entry.pk: place for place, entry in enumerate(posted)}
    moves = [
        LedgerMove(
            segment.starting_at if entry.kind in GRANTS else entry.effective_at, entry.amount,
            None if entry.reverses_id is None else places[entry.reverses_id],
        )
        for entry in posted
    ]  # fmt: skip
    return listed([*moves, *(LedgerMove(at, amount) for at, amount in more)], segment.starting_at)


def _ledger(row: Balance, posted: Iterable[LedgerEntry], pending: Pending, now: datetime) -> list[dict[str, Any]]:
    entries = by_segment(posted)
    shown: list[dict[str, Any]] = []
    for segment in row.segments.all():
        if segment.starting_at <= now:
            shown += _segment_ledger(row, segment, entries.get(segment.pk, ()), pending, now)
    return sorted(shown, key=lambda entry: entry["timestamp"])


def _segment_ledger(
    row: Balance, segment: Segment, posted: Sequence[LedgerEntry], pending: Pending, now: datetime
) -> list[dict[str, Any]]:
    lines = [*(_entry(row, entry) for entry in posted), *_pending(row, segment, pending, now)]
    waiting = [(line["timestamp"], line["amount"]) for line in lines[len(posted) :]]
    return [lines[place] | {"timestamp": at} for place, at in listed_entries(segment, posted, waiting)]


def _pending(row: Balance, segment: Segment, pending: Pending, now: datetime) -> list[dict[str, Any]]:
    """What is not posted yet: deductions of drafts, and what has expired but for them."""
    shown: list[dict[str, Any]] = [
        {
            "type": _name(row, Kind.AUTOMATED_INVOICE_DEDUCTION),
            "amount": draw.amount.copy_negate(),
            "timestamp": draw.effective_at,
            "segment_id": segment.pk,
            "invoice_id": draw.invoice_id,
            "contract_id": draw.contract_id,
        }
        for draw in pending.get(segment.pk, ())
    ]
    left = left_in(segment, pending)
    if segment.ending_before <= now and left > ZERO:
        shown.append(
            {
                "type": _name(row, Kind.EXPIRATION),
                "amount": left.copy_negate(),
                "timestamp": segment.ending_before,
                "segment_id": segment.pk,
            }
        )
    return shown


def _entry(row: Balance, entry: LedgerEntry) -> dict[str, Any]:
    kind = Kind(entry.kind)
    if kind == Kind.EXPIRATION and entry.invoice_id is not None and row.kind != Balance.Kind.POSTPAID:
        kind = Kind.CANCELED  # taken back because of that invoice
    shown: dict[str, Any] = {
        "type": _name(row, kind),
        "amount": entry.amount,
        "segment_id": entry.segment_id,
        # for staff; no answer of the API shows them
        "entry_id": entry.pk,
        "by": entry.created_by,
    }
    if entry.invoice_id is not None:
        shown["invoice_id"] = entry.invoice_id
    if entry.contract_id is not None:
        shown["new_contract_id" if entry.kind == Kind.ROLLOVER else "contract_id"] = entry.contract_id
    if entry.reason and entry.kind in (Kind.MANUAL, *GRANTS):
        shown["reason"] = entry.reason
    return shown


def _name(row: Balance, kind: Kind) -> str:
    if row.kind == Balance.Kind.POSTPAID:
        kind = POSTPAID_NAMES.get(kind, kind)
    return PREFIX[row.kind] + kind.value
