"""Drafts as they would be with a balance that is not there yet. The drafts' own computation; nothing is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.compute import ComputedInvoice, compute_open, compute_windows
from billing.models import BillingPeriod
from billing.open_periods import OpenBillingPeriods
from billing.selectors.live_balances import left_now
from billing.usage import stored_usage
from engine.balances import BalanceSegment
from engine.calendar import Period
from engine.money import ZERO, subtract, total
from engine.usage import UsageRow
from usage.selectors import UsageQuery


@dataclass(frozen=True, slots=True)
class DraftWithBalance:
    """A draft's total in its stored unit, today and with the segment; both None where it cannot be computed.

    `pays`: what the segment pays of it more than today, in the segment's unit. `missed`: what the draft comes to today
    for the time before the segment begins, or None unless it begins within the period.
    """

    period: BillingPeriod
    before: Decimal | None
    after: Decimal | None
    pays: Decimal
    missed: Decimal | None


@dataclass(frozen=True, slots=True)
class WithBalance:
    """An account's open drafts in the order of drawing, and what it can spend now, today and with a segment.

    `spendable` counts balances of the segment's unit and access type, in that unit; `left`: what drafts leave of the
    segment itself.
    """

    drafts: tuple[DraftWithBalance, ...]
    spendable_before: Decimal
    spendable_after: Decimal
    left: Decimal


def drafts_with_balance(*, payer_id: UUID, segment: BalanceSegment, now: datetime) -> WithBalance:
    """What a segment that the account does not have, or has otherwise, would change in its drafts.

    Usage is read once for both computations, and once more for each draft within which the segment begins.
    """
    usage = _once()
    today, then = OpenBillingPeriods(payer_id, usage), OpenBillingPeriods(payer_id, usage, as_if=(segment,))
    before, after = compute_open(today, at=now), compute_open(then, at=now)

    def counts(other: BalanceSegment) -> bool:
        return other.access_type == segment.access_type and other.unit == segment.unit

    drawn = total(_drawn(one, segment) for one in after.values() if one is not None)
    return WithBalance(
        drafts=tuple(_draft(period, before[period.pk], after[period.pk], segment, now) for period in then.periods),
        spendable_before=left_now(today, counts, now=now),
        spendable_after=left_now(then, counts, now=now),
        left=subtract(segment.available, drawn),
    )


def _draft(
    period: BillingPeriod,
    before: ComputedInvoice | None,
    after: ComputedInvoice | None,
    segment: BalanceSegment,
    now: datetime,
) -> DraftWithBalance:
    if before is None or after is None:
        return DraftWithBalance(period, None, None, ZERO, None)
    pays = subtract(_drawn(after, segment), _drawn(before, segment))
    return DraftWithBalance(period, before.total, after.total, pays, _missed(period, segment.starting_at, now))


def _missed(period: BillingPeriod, start: datetime, now: datetime) -> Decimal | None:
    if not (period.type == BillingPeriod.Type.USAGE and period.period_start < start < period.period_end):
        return None
    parts = [Period(period.period_start, start), Period(start, period.period_end)]
    return total(part.subtotal for part in compute_windows([(period, parts)], at=now)[period.pk][:1])


def _drawn(computed: ComputedInvoice, segment: BalanceSegment) -> Decimal:
    return total(drawn.amount for drawn in computed.drawdowns if drawn.segment_id == segment.segment_id)


def _once() -> Callable[[UUID, Sequence[UsageQuery]], list[tuple[UsageRow, ...]]]:
    """Stored usage; the same question of a customer is asked once."""
    known: dict[tuple[object, ...], tuple[UsageRow, ...]] = {}

    def read(customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        keys = [
            (customer_id, query.metric_id, query.windows, query.group_keys, frozenset(query.group_filters.items()))
            for query in queries
        ]
        if not all(key in known for key in keys):
            known.update(zip(keys, stored_usage(customer_id, queries), strict=True))
        return [known[key] for key in keys]

    return read
