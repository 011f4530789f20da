"""Entries by hand for seats that have commits and credits of their own, through the API alone."""

from typing import Any

import pytest
from metronome import BadRequestError, ConflictError

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.test_seats import metered, shares
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar


def opened(w: SubscriptionWorld, card: str, **more: Any) -> tuple[str, str]:
    """(customer, contract): seats a and b have 100 each, the unassigned one has none."""
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.seats(w.priced_seat(card, 0), ["a", "b"], 1, temporary_id="s")],
        recurring_credits=[w.per_seat(100, w.days_ago(5), **{"allocation": "INDIVIDUAL"} | more)],
    )  # fmt: skip
    return customer, contract


def running(w: SubscriptionWorld, customer: str) -> Any:
    """The child of the present period."""
    [found] = w.held(customer, covering_date=w.now)
    return found


def test_each_named_seat_gets_its_share(subscriptions: SubscriptionWorld) -> None:
    """30 more for a; 120 less for b, who then has none: below 0 nothing counts."""
    w = subscriptions
    metric, card = metered(w)
    customer, contract = opened(w, card)
    child = running(w, customer)
    segments = {part.seat_id: part.id for part in child.access_schedule.schedule_items}
    w.manual(
        customer, child.id, segments["a"], -90, "moved", contract_id=contract, uniqueness_key="once",
        per_group_amounts={"a": 30, "b": -120},
    )  # fmt: skip
    assert shares(w, customer, contract) == {"a": [130], "b": [0]}
    assert w.net(customer) == 130
    entries = [entry for entry in running(w, customer).ledger if entry.type == "CREDIT_MANUAL"]
    assert {(entry.segment_id, exact(entry.amount), entry.reason) for entry in entries} == {
        (segments["a"], 30, "moved"),
        (segments["b"], -120, "moved"),
    }
    rows = w.sdk.v1.contracts.list_seat_balances(
        customer_id=customer, contract_id=contract, include_credits_and_commits=True, include_ledgers=True
    ).data
    assert {row.seat_id: [exact(entry.amount) for entry in row.credits[0].ledger_entries] for row in rows} == {
        "a": [100, 30],
        "b": [100, -120],
    }
    for user in ("a", "b"):
        w.use(customer, metric, 150, w.days_ago(1), user=user)
    assert exact(w.invoice(customer).total) == 20 + 150
    with pytest.raises(ConflictError, match="uniqueness key"):
        w.manual(
            customer, child.id, segments["b"], 1, "again", uniqueness_key="once", per_group_amounts={"b": 1}
        )  # fmt: skip
    w.manual(customer, child.id, segments["b"], 0, "from one to the other", per_group_amounts={"a": -10, "b": 30 - 20})
    moved = [
        exact(e.amount) for e in running(w, customer).ledger if e.to_dict().get("reason") == "from one to the other"
    ]
    assert sorted(moved) == [-10, 10]


def test_without_shares_the_named_segment_alone_moves(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer, contract = opened(w, w.card())
    child = running(w, customer)
    mine = next(part.id for part in child.access_schedule.schedule_items if part.seat_id == "b")
    w.manual(customer, child.id, mine, 7, "for b")
    assert shares(w, customer, contract) == {"a": [100], "b": [107]}


@pytest.mark.parametrize(
    ("amount", "shared", "field"),
    [
        (5, {"a": 4}, "per_group_amounts: must sum to amount: they are 4 together"),
        (5, {"a": 2, "c": 3}, "per_group_amounts.c: the balance has nothing for this seat"),
        (5, {"a": "much"}, "per_group_amounts.a: must be a plain decimal number"),
        (5, {"a": None}, "per_group_amounts.a: must be a number"),
        (0, {"a": 0}, "per_group_amounts: must give a seat"),
        (5, {}, "per_group_amounts: must be an object of amounts by seat id"),
        (5, [5], "per_group_amounts: must be an object of amounts by seat id"),
        (1001, {f"s{number}": 1 for number in range(1001)}, "per_group_amounts: at most 1000 seats"),
    ],
)
def test_shares_that_cannot_be(amount: Any, shared: Any, field: str, subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer, contract = opened(w, w.card())
    child = running(w, customer)
    segment = child.access_schedule.schedule_items[0].id
    with pytest.raises(BadRequestError, match=field):
        w.manual(customer, child.id, segment, amount, "because", per_group_amounts=shared)
    assert shares(w, customer, contract) == {"a": [100], "b": [100]}


def test_a_pool_has_no_shares(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer, _ = opened(w, w.card(), allocation="POOLED")
    child = running(w, customer)
    segment = child.access_schedule.schedule_items[0].id
    with pytest.raises(BadRequestError, match="per_group_amounts: only for balances that each seat has for itself"):
        w.manual(customer, child.id, segment, 5, "because", per_group_amounts={"a": 5})
    w.manual(customer, child.id, segment, 5, "because")
    assert w.net(customer) == 305
