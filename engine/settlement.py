"""What becomes of a balance's segment: rollover, expiry, true-up. Rules and tables: docs/algorithms/balances.md."""

from dataclasses import dataclass
from decimal import Decimal

from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, add, checked, mul, subtract


@dataclass(frozen=True, slots=True)
class SegmentState:
    """A segment's sums. What it granted and what was added by hand = used + rolled over + expired + voided + remaining.

    `manual` may be negative. All others are at least 0.
    """

    granted: Decimal
    used: Decimal = ZERO
    manual: Decimal = ZERO
    rolled_over: Decimal = ZERO
    expired: Decimal = ZERO
    voided: Decimal = ZERO

    def __post_init__(self) -> None:
        for name in ("granted", "used", "rolled_over", "expired", "voided"):
            if getattr(self, name) < 0:
                raise InvalidTerms(f"{name} must be at least 0", name)

    @property
    def sum_of_entries(self) -> Decimal:
        """The ledger's sum; below 0 only by manual entries."""
        result = add(self.granted, self.manual)
        for gone in (self.used, self.rolled_over, self.expired, self.voided):
            result = subtract(result, gone)
        return result

    @property
    def remaining(self) -> Decimal:
        """What can still be drawn: the ledger's sum, never below 0."""
        return max(self.sum_of_entries, ZERO)


def rollover_amount(state: SegmentState, fraction: Decimal) -> Decimal:
    """min(remaining, fraction x the segment's original amount)."""
    if checked(fraction, "rollover_fraction") > ONE:
        raise InvalidTerms("rollover_fraction must be between 0 and 1", "rollover_fraction")
    return min(state.remaining, mul(fraction, state.granted))


def expiry_amount(state: SegmentState, fraction: Decimal = ZERO) -> Decimal:
    """What expires when the segment ends, after what rolls over; not a charge."""
    return subtract(state.remaining, rollover_amount(state, fraction))


def true_up_amount(state: SegmentState) -> Decimal:
    """What a postpaid commit still owes: the obligation that usage has not fulfilled."""
    return state.remaining
