"""A customer's trials, as the overview says them: how long they last, and what comes then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from console.selectors.access import Viewer
from contracts.models import Contract
from contracts.selectors.trials import trial_of
from engine.trials import Trial, TrialOutcome, TrialUsage, WithoutPaymentMethod
from presentation import formatting

SAID_FOR = timedelta(days=30)
SOON = timedelta(days=3)
THEN = {
    WithoutPaymentMethod.CONTINUE: "After that you are charged.",
    WithoutPaymentMethod.EXPIRE: "After that you are charged if a payment method is on file; otherwise it ends.",
    WithoutPaymentMethod.HOLD: "After that you are charged if a payment method is on file; otherwise it is paused.",
}


@dataclass(frozen=True, slots=True)
class TrialNotice:
    """What to say of one trial; `tone` as of alerts."""

    tone: str
    word: str
    headline: str
    detail: str


def trial_notices(viewer: Viewer, *, now: datetime) -> list[TrialNotice]:
    """Of trials that run, are held, or expired of late; soonest first. One query."""
    rows = Contract.objects.filter(
        Q(trial_outcome__in=["", TrialOutcome.HELD.value]) & (Q(ending_before__isnull=True) | Q(ending_before__gt=now))
        | Q(trial_outcome=TrialOutcome.EXPIRED.value, trial_ending_before__gt=now - SAID_FOR),
        customer_id=viewer.customer_id, trial_starting_at__lte=now, archived_at__isnull=True,
    ).order_by("trial_ending_before")  # fmt: skip
    return [_notice(row, trial, now) for row in rows if (trial := trial_of(row)) is not None]


def _notice(contract: Contract, trial: Trial, now: datetime) -> TrialNotice:
    what = f" of {contract.name}" if contract.name else ""
    end = f"{formatting.instant(trial.ending_before)} UTC"
    if trial.outcome is TrialOutcome.HELD:
        return TrialNotice(
            "bad", "Paused", f"Your trial{what} is over.",
            f"It ended {end}, and nothing has been charged. Add a payment method to go on.",
        )  # fmt: skip
    if trial.outcome is TrialOutcome.EXPIRED:
        return TrialNotice(
            "warn", "Ended", f"Your trial{what} has ended.",
            f"It ended {end} without a payment method on file. Nothing was charged for it.",
        )  # fmt: skip
    left = trial.ending_before - now
    free = "Usage is free until then. " if trial.usage is TrialUsage.FREE else ""
    then = THEN[trial.without_payment_method]
    if contract.ending_before is not None and contract.ending_before <= trial.ending_before:
        end, then = f"{formatting.instant(contract.ending_before)} UTC", "You are not charged after that."
        left = contract.ending_before - now
    if left <= timedelta(0):  # what comes of it is decided within seconds
        return TrialNotice("info", "Trial", f"Your trial{what} is over.", f"It ended {end}.")
    return TrialNotice(
        "warn" if left <= SOON else "info", "Trial", f"{_left(left)} left of your trial{what}.",
        f"It ends {end}. {free}{then}",
    )  # fmt: skip


def _left(left: timedelta) -> str:
    count, unit = (left.days, "day") if left.days else (left.seconds // 3600, "hour")
    return "Less than an hour" if not count else f"{count:,} {unit}{'' if count == 1 else 's'}"
