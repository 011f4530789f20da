"""What the seats of a subscription bring to one period's commit or credit, from when on.

Rules and tables: docs/algorithms/subscriptions.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.money import ONE, ZERO, mul, subtract
from engine.proration import prorated
from engine.quantities import Standing, standing_at
from engine.recurring import GrantPeriod, RecurringGrant, seat_increase


@dataclass(frozen=True, slots=True)
class SeatGrant:
    """An amount from an instant on; `seat_id` None: for all seats together."""

    starting_at: datetime
    amount: Decimal
    seat_id: str | None = None


def pooled_grants(
    grant: RecurringGrant, grant_period: GrantPeriod, held: Sequence[Standing], *, is_prorated: bool
) -> list[SeatGrant]:
    """The amount for one seat times the quantity at the period's start, and then for each increase above what was
    granted so far in the period. A decrease takes nothing back; it counts from the next period on.
    """
    period = grant_period.period
    first = standing_at(held, period.start)
    reached = ZERO if first is None else first.total
    whole = mul(grant.access.unit_price, reached)
    found = [SeatGrant(period.start, prorated(whole, grant_period.fraction, grant.access_rounding))]
    for standing in held:
        if period.start < standing.starting_at < period.end and standing.total > reached:
            added = subtract(standing.total, reached)
            amount = seat_increase(grant, grant_period, added, standing.starting_at, is_prorated=is_prorated)
            found.append(SeatGrant(standing.starting_at, amount))
            reached = standing.total
    return found


def individual_grants(
    grant: RecurringGrant, grant_period: GrantPeriod, held: Sequence[Standing], *, is_prorated: bool
) -> list[SeatGrant]:
    """One amount for each seat that is assigned at any time of the period, once: from its start or from when it came.

    Unassigned seats get nothing. A seat that goes keeps what it has until the period ends.
    """
    period = grant_period.period
    first = standing_at(held, period.start)
    whole = prorated(grant.access.unit_price, grant_period.fraction, grant.access_rounding)
    found = {seat: SeatGrant(period.start, whole, seat) for seat in (first.assigned if first is not None else ())}
    for standing in held:
        if period.start < standing.starting_at < period.end:
            fresh = [seat for seat in standing.assigned if seat not in found]
            amount = seat_increase(grant, grant_period, ONE, standing.starting_at, is_prorated=is_prorated)
            found |= {seat: SeatGrant(standing.starting_at, amount, seat) for seat in fresh}
    return list(found.values())


def until(held: Sequence[Standing], end: datetime | None) -> tuple[Standing, ...]:
    """What holds of a subscription that ends: nothing from `end` on."""
    if end is None:
        return tuple(held)
    return (*(standing for standing in held if standing.starting_at < end), Standing(end))
