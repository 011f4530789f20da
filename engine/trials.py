"""Trials: from when on a contract is paid for, and what becomes of its trial (docs/algorithms/trials.md)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.calendar import Offset, utc
from engine.errors import InvalidTerms


class TrialUsage(StrEnum):
    """Whether what is used during the trial is billed. Subscriptions never charge for it."""

    FREE = "FREE"
    BILLED = "BILLED"


class WithoutPaymentMethod(StrEnum):
    """What happens at its end where the customer cannot be charged."""

    CONTINUE = "CONTINUE"
    EXPIRE = "EXPIRE"
    HOLD = "HOLD"


class TrialOutcome(StrEnum):
    """What became of it."""

    CONVERTED = "CONVERTED"
    EXPIRED = "EXPIRED"
    HELD = "HELD"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial over `[starting_at, ending_before)`; `outcome` None: nothing is decided yet."""

    starting_at: datetime
    ending_before: datetime
    usage: TrialUsage
    without_payment_method: WithoutPaymentMethod
    outcome: TrialOutcome | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        object.__setattr__(self, "ending_before", utc(self.ending_before, "ending_before"))
        if self.ending_before <= self.starting_at:
            raise InvalidTerms("the trial must end after it starts", "trial.length")

    @property
    def paid_from(self) -> datetime | None:
        """From when on the contract is paid for; None while that is open, and where it never is.

        One that goes on whatever happens is known to be paid for from its end on.
        """
        goes_on = self.outcome is None and self.without_payment_method is WithoutPaymentMethod.CONTINUE
        return self.ending_before if goes_on or self.outcome is TrialOutcome.CONVERTED else None

    def billed_from(self, starting_at: datetime) -> datetime | None:
        """From when on usage is billed of a contract that starts then; None as for `paid_from`."""
        if self.usage is TrialUsage.BILLED:
            return starting_at
        return None if self.paid_from is None else max(self.paid_from, starting_at)


def trial_end(original_start: datetime, length: Offset) -> datetime:
    """Where a trial of this length ends: counted from the first start, also where another contract goes on with it.

    Raises InvalidTerms where the calendar ends.
    """
    return length.after(original_start)


def outcome_at_end(trial: Trial, *, contract_ends: datetime | None, has_payment_method: bool) -> TrialOutcome:
    """What is decided when a trial's time is over.

    A contract that ends by then was given up. Whoever can be charged is; else it is as agreed.
    """
    if contract_ends is not None and contract_ends <= trial.ending_before:
        return TrialOutcome.CANCELED
    if has_payment_method or trial.without_payment_method is WithoutPaymentMethod.CONTINUE:
        return TrialOutcome.CONVERTED
    if trial.without_payment_method is WithoutPaymentMethod.EXPIRE:
        return TrialOutcome.EXPIRED
    return TrialOutcome.HELD
