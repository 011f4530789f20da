"""Reads of trials: from when on a contract is paid for, and which trials are over."""

from datetime import datetime

from django.db.models import F, Min, Q, QuerySet

from contracts.models import Contract
from customers.providers import chargeable_customers
from customers.test_clocks import in_our_time
from engine.trials import Trial, TrialOutcome, TrialUsage, WithoutPaymentMethod


def trial_of(contract: Contract) -> Trial | None:
    """The contract's trial as the engine knows it; None where it has none. No query."""
    if contract.trial_starting_at is None or contract.trial_ending_before is None:
        return None
    return Trial(
        starting_at=contract.trial_starting_at,
        ending_before=contract.trial_ending_before,
        usage=TrialUsage(contract.trial_usage),
        without_payment_method=WithoutPaymentMethod(contract.trial_without_payment_method),
        outcome=TrialOutcome(contract.trial_outcome) if contract.trial_outcome else None,
    )


def paid_from(contract: Contract) -> datetime | None:
    """From when on its subscriptions charge; None while a trial's outcome is open, and where it never was paid for."""
    trial = trial_of(contract)
    return contract.starting_at if trial is None else trial.paid_from


def usage_billed_from(contract: Contract) -> datetime | None:
    """From when on its usage is billed; None as for `paid_from`."""
    trial = trial_of(contract)
    return contract.starting_at if trial is None else trial.billed_from(contract.starting_at)


def due_trials(*, now: datetime) -> QuerySet[Contract]:
    """Contracts whose trial is over and undecided, and held ones whose customer can be charged by now; oldest first."""
    undecided = Q(trial_outcome="", trial_ending_before__lte=now)
    released = Q(trial_outcome=TrialOutcome.HELD.value, customer__in=chargeable_customers())
    rows = Contract.objects.filter(in_our_time("customer_id"), trial_starting_at__isnull=False)
    return rows.filter(undecided | released & (Q(ending_before__isnull=True) | Q(ending_before__gt=now))).order_by(
        F("trial_ending_before"), "pk"
    )


def next_trial_end_at(*, after: datetime) -> datetime | None:
    """When a trial is over next, after that time."""
    rows = Contract.objects.filter(in_our_time("customer_id"), trial_outcome="", trial_ending_before__gt=after)
    at: datetime | None = rows.aggregate(at=Min("trial_ending_before"))["at"]
    return at
