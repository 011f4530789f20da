"""Edits of recurring commits and credits through the API: what has begun stays, what is to come follows."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from metronome import BadRequestError

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.test_seats import metered, shares
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.calendar


def granted(w: SubscriptionWorld, customer: str) -> list[Any]:
    """What each child grants, in order of time."""
    rows = sorted(w.held(customer), key=lambda row: row.access_schedule.schedule_items[0].starting_at)
    return [exact(sum(part.amount for part in row.access_schedule.schedule_items)) for row in rows]


def test_what_is_to_come_follows_what_has_begun_stays(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer = w.customer()
    start = w.days_ago(3)
    grant = w.recurring(70, start, name="Included", proration_rounding={"access": {"rounding_method": "FLOOR",
                        "decimal_places": 0}})  # fmt: skip
    contract = w.open_contract(customer, None, 3, "WEEKLY", recurring_credits=[grant])
    assert granted(w, customer) == [70, 70]

    def read() -> Any:
        [row] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.recurring_credits or ()
        return row

    def change(**fields: Any) -> Any:
        return w.edit(
            customer, contract, update_recurring_credits=[{"recurring_credit_id": read().id} | fields]
        ).edit  # fmt: skip

    made = change(access_amount={"unit_price": 10.5, "quantity": 10}, rate_type="COMMIT_RATE", proration_rounding=None)
    assert granted(w, customer) == [70, 105]
    assert w.net(customer) == 70
    now, ahead = sorted(w.held(customer), key=lambda row: row.access_schedule.schedule_items[0].starting_at)
    assert (now.rate_type, ahead.rate_type) == ("LIST_RATE", "COMMIT_RATE")
    row = read()
    assert (exact(row.access_amount.unit_price), row.access_amount.quantity, row.rate_type) == (10.5, 10, "COMMIT_RATE")
    assert row.proration_rounding is None
    [shown] = made.update_recurring_credits
    assert (exact(shown.access_amount.unit_price), shown.rate_type) == (10.5, "COMMIT_RATE")
    history = w.sdk.v2.contracts.get_edit_history(customer_id=customer, contract_id=contract).data
    assert [[one.to_dict() for one in entry.update_recurring_credits] for entry in history] == [[shown.to_dict()]]

    next_week = start + timedelta(days=7)
    change(ending_before=next_week)
    assert granted(w, customer) == [70]
    change(access_amount={"unit_price": 5})
    assert granted(w, customer) == [70]
    change(ending_before=None)
    assert granted(w, customer) == [70, 50]
    change(ending_before=next_week + timedelta(days=3))
    ahead = max(w.held(customer), key=lambda row: row.access_schedule.schedule_items[0].starting_at)
    [part] = ahead.access_schedule.schedule_items
    assert (part.ending_before, exact(part.amount)) == (next_week + timedelta(days=3), exact(50 * 3 / 7))
    w.run_due_work(until=next_week + timedelta(days=4))
    assert len(granted(w, customer)) == 2


def test_seats_that_come_now_get_what_held_when_the_period_began(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, card = metered(w)
    seat = w.priced_seat(card, 0, "WEEKLY")
    customer = w.customer()
    start = w.days_ago(3)
    contract = w.open_contract(
        customer, card, 3, "WEEKLY",
        subscriptions=[w.seats(seat, ["a"], frequency="WEEKLY", temporary_id="s")],
        recurring_credits=[w.per_seat(70, start, "INDIVIDUAL", prorated=False)],
    )  # fmt: skip
    [grant] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.recurring_credits or ()

    def change(**fields: Any) -> None:
        w.edit(customer, contract, update_recurring_credits=[{"recurring_credit_id": grant.id} | fields])

    change(access_amount={"unit_price": 140})
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["b"], "starting_at": w.now}]})
    w.run_due_work(until=w.now + timedelta(hours=1))

    def coming() -> dict[str, Any]:
        rows = w.sdk.v1.contracts.list_seat_balances(
            customer_id=customer, contract_id=contract, covering_date=start + timedelta(days=8)
        ).data
        return {row.seat_id: [exact(part.starting_balance) for part in row.balances] for row in rows}

    assert shares(w, customer, contract) == {"a": [70], "b": [70]}
    assert coming() == {"a": [140], "b": [140]}
    change(ending_before=start + timedelta(days=7))
    assert (shares(w, customer, contract), coming()) == ({"a": [70], "b": [70]}, {"a": [], "b": []})
    change(ending_before=None, access_amount={"unit_price": 10})
    assert (shares(w, customer, contract), coming()) == ({"a": [70], "b": [70]}, {"a": [10], "b": [10]})


def test_what_is_charged_for_it_follows_too(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card = w.card()
    customer = w.customer()
    invoiced = {"unit_price": 60, "quantity": 1, "credit_type_id": USD}
    contract = w.open_contract(
        customer, card, 3, "WEEKLY", recurring_commits=[w.recurring(70, w.days_ago(3), invoice_amount=invoiced)]
    )
    [commit] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.recurring_commits or ()
    update = {"recurring_commit_id": commit.id, "invoice_amount": {"unit_price": 35, "quantity": 2}}
    w.edit(customer, contract, update_recurring_commits=[update])
    rows = sorted(w.held(customer), key=lambda row: row.access_schedule.schedule_items[0].starting_at)
    charges = [[exact(item.amount) for item in row.invoice_schedule.schedule_items] for row in rows]
    assert (charges, [exact(row.cost_basis) for row in rows]) == ([[60], [70]], [exact(60 / 70), 1])
    scheduled = [exact(row.total) for row in w.invoices(customer) if row.type == "SCHEDULED"]
    assert sorted(scheduled) == [60, 70]
    w.edit(customer, contract, update_recurring_commits=[{"recurring_commit_id": commit.id,
           "ending_before": w.days_ago(-4)}])  # fmt: skip
    assert [exact(row.total) for row in w.invoices(customer) if row.type == "SCHEDULED"] == [60]


def test_changes_that_cannot_be_are_refused(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(0)
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.subscription(seat, initial_quantity=1, temporary_id="s")],
        recurring_commits=[w.per_seat(100, w.days_ago(5))],
    )  # fmt: skip
    [commit] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.recurring_commits or ()
    for fields, field in [
        ({"recurring_commit_id": str(uuid4())}, "recurring_commit_id: the contract has no such recurring commit"),
        ({"access_amount": {"quantity": 2}}, "access_amount.quantity: is that of the subscription"),
        ({"access_amount": {"unit_price": -1}}, "access_amount.unit_price"),
        ({"invoice_amount": {"unit_price": 1}}, "invoice_amount: nothing is invoiced for it"),
        ({"ending_before": w.days_ago(5)}, "ending_before: must be after starting_at"),
        ({"rate_type": "BEST"}, "rate_type"),
        ({"proration_rounding": {"access": {"rounding_method": "FLOOR"}}}, "proration_rounding.access.decimal_places"),
    ]:
        with pytest.raises(BadRequestError, match=rf"update_recurring_commits.0.{field}"):
            w.edit(customer, contract, update_recurring_commits=[{"recurring_commit_id": commit.id} | fields])
    with pytest.raises(BadRequestError, match="recurring_credit_id"):
        w.edit(customer, contract, update_recurring_credits=[{"recurring_credit_id": commit.id}])
    assert w.net(customer) == 100


def test_a_commit_may_cost_any_share_of_what_it_grants(subscriptions: SubscriptionWorld) -> None:
    """60 for 70 is a quotient without end."""
    w = subscriptions
    customer = w.customer()
    contract = w.open_contract(customer, w.card(), 3)
    bought = w.prepaid(70, w.days_ago(3), w.days_ago(-9), [(w.days_ago(1), 60)])
    w.edit(customer, contract, add_commits=[bought])
    [row] = w.held(customer)
    assert exact(row.cost_basis) == exact(60 / 70)
