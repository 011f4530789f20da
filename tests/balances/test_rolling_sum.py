"""However people ask, nobody posts more alone within any day than their limit allows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances.adjustment_models import Adjustment
from balances.services import approve_adjustment
from engine.limits import WINDOW, Allowance, Approval, approval
from tests.balances.desk import NOW, Desk, customer_with, person

CENTS = st.integers(0, 30_000).map(Decimal)


@given(usd_equivalent=st.none() | CENTS, limit=CENTS, by_maker=CENTS, for_customer=CENTS)
def test_alone_means_within_the_limit(
    usd_equivalent: Any, limit: Decimal, by_maker: Decimal, for_customer: Decimal
) -> None:
    found = approval(usd_equivalent, Allowance(limit, by_maker, for_customer))
    within = usd_equivalent is not None and usd_equivalent + max(by_maker, for_customer) <= limit
    assert (found is Approval.NONE) == within


@given(usd_equivalent=CENTS, limits=st.tuples(CENTS, CENTS), posted=st.tuples(CENTS, CENTS, CENTS))
def test_through_a_key_both_limits_hold(usd_equivalent: Decimal, limits: Any, posted: Any) -> None:
    """Alone means: within the person's limit and within the key's, each for itself and for the customer."""
    (limit, key_limit), (by_maker, by_key, for_customer) = limits, posted
    found = approval(usd_equivalent, Allowance(limit, by_maker, for_customer, key_limit, by_key))
    as_person = approval(usd_equivalent, Allowance(limit, by_maker, for_customer))
    as_key = approval(usd_equivalent, Allowance(key_limit, by_key, for_customer))
    assert (found is Approval.NONE) == (as_person is Approval.NONE and as_key is Approval.NONE)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # who
        st.integers(0, 1),  # for whom
        st.integers(1, 120).map(lambda dollars: dollars * 100),
        st.sampled_from((1, -1)),
        st.sampled_from((0, 1, 60, 23 * 60, 24 * 60 - 1, 24 * 60)),  # minutes later
        st.booleans(),  # whether a second person agrees
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_way_of_splitting_stays_within_the_limit(desk: Desk, steps: list[tuple[Any, ...]]) -> None:
    makers = [person(f"maker-{n}", "support") for n in range(3)]
    segments = [customer_with(10_000_000, product=desk.product, name=f"Customer {n}")[1] for n in range(2)]
    started = Adjustment.objects.count()
    # each example begins long after the one before, so that the people's sums are empty again
    clock = NOW + timedelta(hours=started)
    for row in Adjustment.objects.order_by("-made_at")[:1]:
        clock = max(clock, row.made_at + WINDOW)
    first = clock
    for who, whom, cents, sign, minutes, agreed in steps:
        clock += timedelta(minutes=minutes)
        row = desk.ask(sign * cents, by=makers[who], segment=segments[whom], at=clock)
        if row.status == "PENDING" and agreed:
            approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=clock)
    mine = list(Adjustment.objects.filter(made_at__gte=first))
    assert len(mine) == len(steps)
    alone = [row for row in mine if row.status == "POSTED" and row.decided_by is None]
    for last in alone:
        day = [row for row in alone if last.made_at - WINDOW < row.made_at <= last.made_at]
        for key in ("made_by_id", "customer_id"):
            total = sum(abs(row.amount) for row in day if getattr(row, key) == getattr(last, key))
            assert total <= 10_000
    for row in mine:
        assert (row.entry is not None) == (row.status == "POSTED")
        assert row.status != "POSTED" or row.approval == "" or row.decided_by == desk.finance
