"""However seats come and go, step by step or all at once: what they bring and cost is the same, and is there once."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances.models import Balance, LedgerEntry
from balances.selectors.integrity import list_differing
from contracts.models import Subscription
from contracts.selectors.subscriptions import history_of
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

SEATS = 700
MOVES = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.sets(st.sampled_from("abcd"), min_size=1, max_size=3)),
    min_size=1,
    max_size=5,
)


def granted(contract: str) -> dict[str, list[tuple[str, Decimal]]]:
    """What each recurring credit's children hold, by allocation: (seat, sum of the ledger), ordered."""
    found: dict[str, list[tuple[str, Decimal]]] = {}
    for row in Balance.objects.filter(contract_id=contract).select_related("recurring").order_by("period_start"):
        assert row.recurring is not None
        held = found.setdefault(row.recurring.allocation, [])
        for segment in row.segments.order_by("seat_id"):
            whole = sum(LedgerEntry.objects.filter(segment=segment).values_list("amount", flat=True), Decimal(0))
            assert whole == segment.granted == segment.balance
            if whole:
                held.append((segment.seat_id, whole))
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_step_by_step_or_at_once(subscriptions: SubscriptionWorld, moves: list[tuple[int, bool, set[str]]]) -> None:
    w = subscriptions
    card, seat = w.seat(SEATS, "WEEKLY")
    # those of one day count by when they were asked for; at once that is: those that go first
    moves = sorted(moves, key=lambda move: (move[0], move[1]))
    updates = [
        ("add_seat_ids" if comes else "remove_seat_ids", {"seat_ids": sorted(ids), "starting_at": w.days_ago(5 - day)})
        for day, comes, ids in moves
    ]

    def world() -> tuple[str, str]:
        customer = w.customer()
        grants = [w.per_seat(SEATS, w.days_ago(6), allocation) for allocation in ("POOLED", "INDIVIDUAL")]
        seats = w.seats(seat, ["a", "b"], frequency="WEEKLY", temporary_id="s")
        return customer, w.open_contract(customer, card, 6, "WEEKLY", subscriptions=[seats], recurring_credits=grants)

    customer, contract = world()
    for name, update in updates:
        w.change(customer, contract, seat_updates={name: [update]})
    other, at_once = world()
    whole: dict[str, list[Any]] = {}
    for name, update in updates:
        whole.setdefault(name, []).append(update)
    w.change(other, at_once, seat_updates=whole)
    step_by_step = granted(contract)
    assert step_by_step == granted(at_once)
    assert exact(w.invoice(customer).subtotal) == exact(w.invoice(other).subtotal)
    w.run_due_work()
    assert granted(contract) == step_by_step  # twice changes nothing
    assert not list(list_differing())
    held = history_of(Subscription.objects.get(contract_id=contract))
    seats_now = [standing.total for standing in held]
    ever = {seat for standing in held for seat in standing.assigned}
    per_week = [amount for _, amount in step_by_step["POOLED"]]
    assert per_week[0] <= SEATS * max(seats_now)
    assert sum(per_week[1:]) == SEATS * seats_now[-1]  # the week to come is for those who are there now
    own = [name for name, _ in step_by_step["INDIVIDUAL"]]
    assert {*own} == ever
    assert len(own) == len(ever) + len(held[-1].assigned)
