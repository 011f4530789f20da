"""What becomes of a balance's segment: rollover, expiry, true-up. Rules and tables: docs/algorithms/balances.md.

Amounts are exact, in the stored unit of the balance.
"""

from dataclasses import dataclass
from decimal import Decimal

from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, add, checked, mul, subtract


@dataclass(frozen=True, slots=True)
class SegmentState:
    """The sums of a segment's ledger.

    What it granted and what was added by hand = used + rolled over + expired + trued up + what is left. `manual` may be
    negative, all others are at least 0: raises InvalidTerms naming the field.
    """

    granted: Decimal
    used: Decimal = ZERO
    manual: Decimal = ZERO
    rolled_over: Decimal = ZERO
    expired: Decimal = ZERO
    trued_up: Decimal = ZERO

    def __post_init__(self) -> None:
        for name in ("granted", "used", "rolled_over", "expired", "trued_up"):
            if getattr(self, name) < 0:
                raise InvalidTerms(f"{name} must be at least 0", name)

    @property
    def sum_of_entries(self) -> Decimal:
        """The ledger's sum; below 0 only by manual entries."""
        result = add(self.granted, self.manual)
        for gone in (self.used, self.rolled_over, self.expired, self.trued_up):
            result = subtract(result, gone)
        return result

    @property
    def remaining(self) -> Decimal:
        """What can still be drawn: the ledger's sum, never below 0."""
        return max(self.sum_of_entries, ZERO)


def rollover_amount(state: SegmentState, fraction: Decimal) -> Decimal:
    """What goes on into the renewing contract: min(remaining, fraction x the segment's original amount).

    Raises InvalidTerms unless the fraction is between 0 and 1.
    """
    if checked(fraction, "rollover_fraction") > ONE:
        raise InvalidTerms("rollover_fraction must be between 0 and 1", "rollover_fraction")
    return min(state.remaining, mul(fraction, state.granted))


def expiry_amount(state: SegmentState) -> Decimal:
    """What expires when the segment ends: all that is left, what rolled over being gone already; not a charge."""
    return state.remaining


def true_up_amount(state: SegmentState) -> Decimal:
    """What a postpaid commit still owes: the obligation that usage has not fulfilled."""
    return state.remaining
