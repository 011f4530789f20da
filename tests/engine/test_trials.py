"""Trials: docs/algorithms/trials.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import BillingDay, BillingSchedule, Frequency, Offset, OffsetUnit, schedule_for
from engine.errors import InvalidTerms
from engine.money import ZERO
from engine.rating import RateSchedule
from engine.subscriptions import Collection, Quantity, Subscription, subscription_charges
from engine.trials import Trial, TrialOutcome, TrialUsage, WithoutPaymentMethod, outcome_at_end, trial_end

HOURS = st.integers(0, 24 * 366 * 4).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours))
LENGTHS = st.builds(Offset, st.integers(1, 90), st.just(OffsetUnit.DAYS)) | st.builds(
    Offset, st.integers(1, 3), st.just(OffsetUnit.MONTHS)
)
POLICIES = st.sampled_from(WithoutPaymentMethod)
JANUARY_31 = datetime(2027, 1, 31, tzinfo=UTC)


def free(start: datetime, length: Offset, outcome: TrialOutcome | None = None) -> Trial:
    return Trial(start, trial_end(start, length), TrialUsage.FREE, WithoutPaymentMethod.EXPIRE, outcome)


@pytest.mark.parametrize(
    ("length", "end"),
    [
        (Offset(10, OffsetUnit.DAYS), "2027-02-10"),
        (Offset(2, OffsetUnit.WEEKS), "2027-02-14"),
        (Offset(1, OffsetUnit.MONTHS), "2027-02-28"),
        (Offset(13, OffsetUnit.MONTHS), "2028-02-29"),
    ],
)
def test_the_worked_lengths(length: Offset, end: str) -> None:
    assert trial_end(JANUARY_31, length) == datetime.fromisoformat(end).replace(tzinfo=UTC)


@given(HOURS, LENGTHS, POLICIES, st.booleans(), st.none() | st.integers(-2000, 2000))
def test_it_is_decided_in_one_way(
    start: datetime, length: Offset, policy: WithoutPaymentMethod, can: bool, ends: int | None
) -> None:
    trial = Trial(start, trial_end(start, length), TrialUsage.FREE, policy)
    contract_ends = None if ends is None else trial.ending_before + timedelta(hours=ends)
    outcome = outcome_at_end(trial, contract_ends=contract_ends, has_payment_method=can)
    given_up = contract_ends is not None and contract_ends <= trial.ending_before
    assert (outcome is TrialOutcome.CANCELED) == given_up
    assert (outcome is TrialOutcome.CONVERTED) == (not given_up and (can or policy is WithoutPaymentMethod.CONTINUE))


@given(HOURS, LENGTHS, st.sampled_from(Frequency), st.sampled_from(Collection), st.integers(0, 400))
def test_no_hour_after_it_is_charged_twice_or_never(
    start: datetime, length: Offset, frequency: Frequency, collection: Collection, days: int
) -> None:
    """The charges of a subscription tile the time from the trial's end on, and nothing of the trial."""
    trial = free(start, length, TrialOutcome.CONVERTED)
    paid = trial.paid_from
    assert paid == trial.ending_before == trial.billed_from(start)
    end = paid + timedelta(days=days, hours=1)
    anchor = schedule_for(BillingDay.FIRST_OF_MONTH, frequency, start, None)
    charges = list(
        subscription_charges(
            Subscription(
                "s", "p", "Seats", frequency, BillingSchedule(frequency, anchor.anchor, anchor.hour), RateSchedule(()),
                paid, end, (Quantity(start, Decimal(3)),), collection,
            ),
            end,
        )
    )  # fmt: skip
    windows = [one.terms.window for one in charges]
    assert (windows[0].start, windows[-1].end) == (paid, end)
    assert all(one.end == after.start for one, after in pairwise(windows))
    assert {one.terms.quantity for one in charges} == {Decimal(3)} != {ZERO}


@given(HOURS, LENGTHS)
def test_what_is_not_decided_is_not_charged(start: datetime, length: Offset) -> None:
    for outcome in (None, TrialOutcome.EXPIRED, TrialOutcome.HELD, TrialOutcome.CANCELED):
        trial = free(start, length, outcome)
        assert trial.paid_from is None
        assert trial.billed_from(start) is None
    goes_on = Trial(start, trial_end(start, length), TrialUsage.BILLED, WithoutPaymentMethod.CONTINUE)
    assert (goes_on.paid_from, goes_on.billed_from(start)) == (goes_on.ending_before, start)


def test_one_of_no_length_is_refused() -> None:
    with pytest.raises(InvalidTerms):
        Trial(JANUARY_31, JANUARY_31, TrialUsage.FREE, WithoutPaymentMethod.HOLD)
