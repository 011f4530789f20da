"""Seats through the API and the clock jobs alone: what they bring, pooled or each for itself, and what is left."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from metronome import BadRequestError

from balances.models import LedgerEntry
from tests.scenarios.conftest import Clock
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar

APPLIED = "applied_commit_or_credit"


def shares(w: SubscriptionWorld, customer: str, contract: str, **query: Any) -> dict[str, list[Decimal]]:
    """What each seat has left."""
    rows = w.sdk.v1.contracts.list_seat_balances(customer_id=customer, contract_id=contract, **query).data
    return {row.seat_id: [exact(part.balance) for part in row.balances] for row in rows}


def metered(w: SubscriptionWorld, price: Any = 1) -> tuple[Any, str]:
    """Usage by `user` at `price` a unit: (metric, card)."""
    metric = w.metric(groups=[["user"]])
    card = w.card()
    w.rate(card, w.product(metric, presentation_group_key=["user"]), price=price)
    return metric, card


def test_pooled_seats_fill_one_pot_and_an_increase_adds_to_it(subscriptions: SubscriptionWorld) -> None:
    """31.00 for each of two seats over seven days; one more on the last day adds a seventh."""
    w = subscriptions
    metric, _, card = w.priced(price=1)
    seat = w.priced_seat(card, 0, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 6, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=2, temporary_id="s")],
        recurring_credits=[w.per_seat(7000, w.days_ago(6))],
    )  # fmt: skip
    assert w.net(customer) == 14000
    w.change(customer, contract, quantity_updates=[{"starting_at": w.today, "quantity": 3}])
    assert w.net(customer) == 15000
    now = next(row for row in w.held(customer) if row.access_schedule.schedule_items[0].starting_at == w.days_ago(6))
    assert [(entry.type, exact(entry.amount), entry.timestamp) for entry in now.ledger] == [
        ("CREDIT_SEGMENT_START", 14000, w.days_ago(6)),
        ("CREDIT_SEAT_BASED_ADJUSTMENT", 1000, w.today),
    ]
    assert now.subscription_config.allocation == "POOLED"
    assert now.subscription_config.subscription_id == w.subscribed(customer, contract).id
    ahead = next(row for row in w.held(customer) if row.id != now.id)
    assert exact(ahead.access_schedule.schedule_items[0].amount) == 21000  # the week to come is for three
    w.change(customer, contract, quantity_updates=[{"starting_at": w.now, "quantity": 1}])
    assert w.net(customer) == 15000  # a decrease takes nothing back
    w.change(customer, contract, quantity_updates=[{"starting_at": w.now + timedelta(seconds=1), "quantity": 3}])
    w.run_due_work(until=w.now + timedelta(hours=1))
    assert w.net(customer) == 15000  # what was granted once is not granted twice
    w.use(customer, metric, 15500, w.now)
    assert exact(w.invoice(customer).total) == 500
    w.run_due_work(until=w.now + timedelta(days=3))
    assert LedgerEntry.objects.filter(kind="EXPIRATION").count() == 0


def test_a_change_that_was_scheduled_counts_when_its_time_comes(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(0, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 3, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=1, temporary_id="s")],
        recurring_commits=[w.per_seat(7000, w.days_ago(3), prorated=False)],
    )  # fmt: skip
    soon = w.now + timedelta(hours=2)
    w.change(customer, contract, quantity_updates=[{"starting_at": soon, "quantity_delta": 1}])
    w.run_due_work(until=soon - timedelta(minutes=1))
    assert w.net(customer) == 7000
    w.run_due_work(until=soon)
    assert w.net(customer) == 14000
    w.run_due_work(until=soon + timedelta(minutes=5))
    assert w.net(customer) == 14000
    assert ("PREPAID_COMMIT_SEAT_BASED_ADJUSTMENT", 7000) in w.ledger(customer)


def test_a_scheduled_seat_has_its_own_the_moment_it_comes(subscriptions: SubscriptionWorld, later: Clock) -> None:
    """No job runs between: the segment of the seat that is to come is there, and begins with it."""
    w = subscriptions
    metric, card = metered(w)
    seat = w.priced_seat(card, 0, "WEEKLY")
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 3, "WEEKLY",
        subscriptions=[w.seats(seat, ["a"], frequency="WEEKLY", temporary_id="s")],
        recurring_credits=[w.per_seat(70, w.days_ago(3), "INDIVIDUAL", prorated=False)],
    )  # fmt: skip
    soon = w.now + timedelta(hours=2)
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["b", "c"], "starting_at": soon}]})
    assert (shares(w, customer, contract), w.net(customer)) == ({"a": [70]}, 70)
    later(7199)
    assert (shares(w, customer, contract), w.net(customer)) == ({"a": [70]}, 70)
    w.change(customer, contract, seat_updates={"remove_seat_ids": [{"seat_ids": ["c"], "starting_at": soon}]})
    later(7201)
    assert (shares(w, customer, contract), w.net(customer)) == ({"a": [70], "b": [70], "c": [0]}, 140)
    w.use(customer, metric, 30, soon, user="b")
    w.use(customer, metric, 9, soon - timedelta(minutes=1), user="b")
    assert shares(w, customer, contract)["b"] == [40]
    assert exact(w.invoice(customer).total) == 9  # before it came it had nothing
    before = w.ledger(customer)
    w.run_due_work(until=soon + timedelta(minutes=5))
    assert w.ledger(customer) == before
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["c"], "starting_at": soon}]})
    assert shares(w, customer, contract)["c"] == [70]


def test_what_an_earlier_end_took_a_later_one_does_not_bring_back(subscriptions: SubscriptionWorld) -> None:
    """The contract ends before the scheduled seat comes, and then does not: seats can still be changed."""
    w = subscriptions
    _, card = metered(w)
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 3,
        subscriptions=[w.seats(w.priced_seat(card, 0), ["a"], temporary_id="s")],
        recurring_credits=[w.per_seat(70, w.days_ago(3), "INDIVIDUAL", prorated=False)],
    )  # fmt: skip
    add = {"add_seat_ids": [{"seat_ids": ["b"], "starting_at": w.days_ago(-4)}]}
    w.change(customer, contract, seat_updates=add)
    w.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract, ending_before=w.days_ago(-2))
    w.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract)
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["c"], "starting_at": w.now}]})
    w.run_due_work(until=w.now + timedelta(hours=1))
    assert shares(w, customer, contract) == {"a": [70], "c": [70]}


def test_a_scheduled_quantity_fills_the_pot_the_moment_it_comes(subscriptions: SubscriptionWorld, later: Clock) -> None:
    """No job runs between: whoever reads balances posts what is due; the sweep then finds nothing to do."""
    w = subscriptions
    card, seat = w.seat(0, "WEEKLY")
    customer, other = w.customer(), w.customer()
    contract = w.open_contract(
        customer, card, 3, "WEEKLY",
        subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=1, temporary_id="s")],
        recurring_commits=[w.per_seat(7000, w.days_ago(3), prorated=False)],
    )  # fmt: skip
    for hours, quantity in [(2, 2), (4, 3), (6, 4), (8, 2)]:
        at = w.now + timedelta(hours=hours)
        w.change(customer, contract, quantity_updates=[{"starting_at": at, "quantity": quantity}])
    later(7199)
    assert w.net(customer) == 7000
    later(7201)
    assert w.net(other) == 0
    assert w.net(customer) == 14000
    later(4 * 3600 + 1)
    [child] = w.held(customer, covering_date=w.now)
    assert (exact(child.balance), [exact(entry.amount) for entry in child.ledger]) == (21000, [7000, 7000, 7000])
    later(6 * 3600 + 1)
    assert shares(w, customer, contract, subscription_ids=[]) == {}
    brought = LedgerEntry.objects.filter(kind="SEAT_BASED_ADJUSTMENT", effective_at__lt=w.now + timedelta(days=1))
    assert [(entry.amount, entry.created_by) for entry in brought] == [(7000, "Tactus")] * 3
    later(8 * 3600 + 1)
    w.run_due_work()
    assert w.net(customer) == 28000


def test_each_seat_draws_what_is_its_own(subscriptions: SubscriptionWorld) -> None:
    """100 each for a and b; a uses 150 and b 30, c has none: 50 and 20 are due."""
    w = subscriptions
    metric, card = metered(w)
    seat = w.priced_seat(card, 500)
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.seats(seat, ["a", "b"], 1, temporary_id="s")],
        recurring_credits=[w.per_seat(100, w.days_ago(5), "INDIVIDUAL")],
    )  # fmt: skip
    assert shares(w, customer, contract) == {"a": [100], "b": [100]}
    for user, units in [("a", 150), ("b", 30), ("c", 20)]:
        w.use(customer, metric, units, w.days_ago(2), user=user)
    draft = w.invoice(customer)
    paid = {
        line.presentation_group_values["user"]: exact(line.total) for line in draft.line_items if line.type == APPLIED
    }
    assert paid == {"a": -100, "b": -30}
    assert exact(draft.total) == 50 + 20 + 3 * 500  # unassigned seats are billed
    assert shares(w, customer, contract) == {"a": [0], "b": [70]}
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["c"], "starting_at": w.days_ago(3)}]})
    after = w.invoice(customer)
    [mine] = [
        exact(line.total)
        for line in after.line_items
        if line.type == APPLIED and line.presentation_group_values["user"] == "c"
    ]
    assert (mine, exact(after.total)) == (-20, 1550)  # c took the free seat, and pays with its own
    assert len([line for line in after.line_items if line.presentation_group_values == {"user": "a"}]) == 3
    full = (draft.end_timestamp - draft.start_timestamp).days
    w.run_due_work(until=draft.end_timestamp + timedelta(days=2))
    final = next(row for row in w.invoices(customer) if row.id == draft.id)
    assert [line.to_dict() for line in final.line_items] == [line.to_dict() for line in after.line_items]
    own = shares(w, customer, contract, covering_date=w.days_ago(1))
    assert own.keys() == {"a", "b", "c"}
    [row] = w.sdk.v1.contracts.list_seat_balances(
        customer_id=customer, contract_id=contract, seat_ids=["c"], covering_date=w.days_ago(1),
        include_credits_and_commits=True, include_ledgers=True,
    ).data  # fmt: skip
    share = exact(Decimal(100) * (full - 2) / full)
    assert (row.commits, [exact(part.starting_balance) for part in row.balances]) == ([], [share])
    found = [(entry.type, exact(entry.amount)) for entry in row.credits[0].ledger_entries]
    assert found == [
        ("CREDIT_SEGMENT_START", share),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -20),
        ("CREDIT_EXPIRATION", exact(20 - share)),
    ]


def test_a_seat_that_goes_keeps_its_share_and_gets_no_other(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, card = metered(w)
    seat = w.priced_seat(card, 0, "WEEKLY")
    customer = w.customer()
    start = w.days_ago(2)
    contract = w.open_contract(
        customer, card, 2, "WEEKLY",
        subscriptions=[w.seats(seat, ["a", "b"], frequency="WEEKLY", temporary_id="s")],
        recurring_credits=[w.per_seat(70, start, "INDIVIDUAL", prorated=False)],
    )  # fmt: skip
    coming = {"covering_date": start + timedelta(days=8)}
    assert shares(w, customer, contract, **coming) == {"a": [0], "b": [0]}  # nothing can be drawn before its time

    def granted(**query: Any) -> dict[str, list[Decimal]]:
        rows = w.sdk.v1.contracts.list_seat_balances(customer_id=customer, contract_id=contract, **query).data
        return {row.seat_id: [exact(part.starting_balance) for part in row.balances] for row in rows}

    assert granted(**coming) == {"a": [70], "b": [70]}
    w.change(customer, contract, seat_updates={"remove_seat_ids": [{"seat_ids": ["b"], "starting_at": w.today}]})
    assert shares(w, customer, contract) == {"a": [70], "b": [70]}
    assert granted(**coming) == {"a": [70], "b": [0]}
    w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["b", "c"], "starting_at": w.now}]})
    assert shares(w, customer, contract) == {"a": [70], "b": [70], "c": [70]}
    assert granted(**coming) == {"a": [70], "b": [70], "c": [70]}
    with pytest.raises(BadRequestError, match="seat_ids: the contract's subscriptions have no seat stranger"):
        shares(w, customer, contract, seat_ids=["a", "stranger"])
    assert shares(w, customer, contract, seat_ids=["a", "stranger"], skip_missing_seat_ids=True) == {"a": [70]}


def test_pages_of_seats(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(0)
    customer = w.customer()
    names = [f"seat {number:03}" for number in range(30)]
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.seats(seat, names, temporary_id="s")],
        recurring_credits=[w.per_seat(1, w.days_ago(5), "INDIVIDUAL") for _ in range(6)],
    )  # fmt: skip
    ids = {"customer_id": customer, "contract_id": contract}
    first = w.sdk.v1.contracts.list_seat_balances(**ids)
    assert [row.seat_id for row in first.data] == names[:25]
    assert (first.pagination.seats_included, first.pagination.seats_available_for_next_page) == (25, 5)
    second = w.sdk.v1.contracts.list_seat_balances(**ids, cursor=str(first.pagination.next_page))
    assert ([row.seat_id for row in second.data], second.pagination.next_page) == (names[25:], None)
    assert all(exact(row.balances[0].starting_balance) == 6 and row.credits is None for row in second.data)
    # greedily: the seat that reaches 100 commits and credits is the last
    detailed = w.sdk.v1.contracts.list_seat_balances(**ids, include_credits_and_commits=True)
    assert (len(detailed.data), detailed.pagination.seats_available_for_next_page) == (17, 13)
    assert all(len(row.credits or ()) == 6 for row in detailed.data)
    for query, field in [
        ({"limit": 0}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"covering_date": w.now, "starting_at": w.now}, "covering_date"),
        ({"subscription_ids": [contract]}, "subscription_ids.0"),
    ]:
        with pytest.raises(BadRequestError, match=field):
            w.sdk.v1.contracts.list_seat_balances(**ids, **query)


def test_a_thousand_seats_have_credits_of_their_own_and_no_more(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, card = metered(w)
    seat = w.priced_seat(card, 0)
    customer = w.customer()
    names = [f"s{number}" for number in range(1000)]
    contract = w.open_contract(
        customer, card, 5,
        subscriptions=[w.seats(seat, names, temporary_id="s")],
        recurring_credits=[w.per_seat(100, w.days_ago(5), "INDIVIDUAL")],
    )  # fmt: skip
    assert w.net(customer) == 100_000
    w.send(*(w.event(customer, metric, 60, w.days_ago(1), user=f"s{number}") for number in range(200)))
    assert w.net(customer) == 88_000
    assert exact(w.invoice(customer).total) == 0
    with pytest.raises(BadRequestError, match="at most 1000 seats"):
        w.change(customer, contract, seat_updates={"add_seat_ids": [{"seat_ids": ["x"], "starting_at": w.now}]})
    history = w.sdk.v1.contracts.get_subscription_seats_history(
        customer_id=customer, contract_id=contract, subscription_id=w.subscribed(customer, contract).id
    )
    assert [row.total_quantity for row in history.data] == [1000]
    with pytest.raises(BadRequestError, match=r"recurring_credits.0.subscription_config.subscription_id: at most 1000"):
        w.open_contract(
            customer, card, 5,
            subscriptions=[w.seats(seat, [*names, "x"], temporary_id="s")],
            recurring_credits=[w.per_seat(100, w.days_ago(5), "INDIVIDUAL")],
        )  # fmt: skip


def test_what_cannot_be_granted_is_refused(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(0)
    customer = w.customer()
    plain = w.subscription(seat, initial_quantity=1, temporary_id="s")
    good = w.per_seat(100, w.days_ago(5))
    config = good["subscription_config"]
    other = w.open_contract(customer, card, 5, subscriptions=[w.subscription(seat, initial_quantity=1)])
    strange = w.subscribed(customer, other).id
    for grant, field in [
        (w.per_seat(100, w.days_ago(5), "INDIVIDUAL"), "subscription_config.allocation"),
        (good | {"subscription_config": config | {"subscription_id": "nobody"}}, "subscription_config.subscription_id"),
        (good | {"subscription_config": config | {"subscription_id": strange}}, "subscription_config.subscription_id"),
        (good | {"subscription_config": {"subscription_id": "s"}}, "apply_seat_increase_config"),
        (good | {"subscription_config": config | {"allocation": "ALL"}}, "allocation"),
        (w.recurring(1, w.days_ago(5)) | {"access_amount": {"unit_price": 1}}, "access_amount.quantity"),
    ]:
        with pytest.raises(BadRequestError, match=rf"recurring_credits.0.*{field}"):
            w.open_contract(customer, card, 5, subscriptions=[plain], recurring_credits=[grant])
    assert len(list(w.sdk.v2.contracts.list(customer_id=customer))) == 1


def test_an_edit_adds_a_subscription_and_what_its_seats_bring(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, seat = w.seat(0)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5)
    made = w.edit(
        customer,
        contract,
        add_subscriptions=[w.seats(seat, ["a"], temporary_id="s")],
        add_recurring_credits=[w.per_seat(100, w.days_ago(5), "INDIVIDUAL")],
    )
    assert shares(w, customer, contract) == {"a": [100]}
    added = made.edit.add_subscriptions[0]
    assert made.edit.add_recurring_credits[0].subscription_config.subscription_id == added.id
    assert added.seat_config.seat_group_key == "user"
    w.change(customer, contract, seat_updates={"add_unassigned_seats": [{"quantity": 2, "starting_at": w.now}]})
    assert shares(w, customer, contract) == {"a": [100]}
    assert [exact(part.quantity) for part in w.subscribed(customer, contract).quantity_schedule] == [3]


def test_what_a_seat_has_left_goes_on_with_it(subscriptions: SubscriptionWorld) -> None:
    """At a renewal half of the original 100 rolls over at most, for each seat by itself."""
    w = subscriptions
    metric, card = metered(w)
    seat = w.priced_seat(card, 0)
    customer = w.customer()
    old = w.open_contract(
        customer, card, 5,
        subscriptions=[w.seats(seat, ["a", "b"], temporary_id="s")],
        recurring_credits=[w.per_seat(100, w.days_ago(5), "INDIVIDUAL", rollover_fraction=0.5)],
    )  # fmt: skip
    w.use(customer, metric, 70, w.days_ago(2), user="a")
    new = w.contract(
        customer, card, w.today, transition={"type": "RENEWAL", "from_contract_id": old},
        subscriptions=[w.seats(seat, ["a", "b", "c"])],
    )  # fmt: skip
    assert shares(w, customer, new) == {"a": [30], "b": [50], "c": []}
    w.use(customer, metric, 60, w.now, user="a")
    assert shares(w, customer, new) == {"a": [0], "b": [50], "c": []}
    assert shares(w, customer, new, subscription_ids=[w.subscribed(customer, new).id])["b"] == []


def test_what_final_invoices_drew_cannot_be_taken_back(subscriptions: SubscriptionWorld) -> None:
    """200 for two units over the month, 150 of it drawn by a week that is final: the past may go down to 1.5, not 1."""
    w = subscriptions
    metric, _, card = w.priced(price=1)
    unit = w.priced_seat(card, 0)
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 10, "WEEKLY",
        subscriptions=[w.subscription(unit, initial_quantity=2, temporary_id="s")],
        recurring_credits=[w.per_seat(100, w.days_ago(10), recurrence_frequency="MONTHLY")],
    )  # fmt: skip
    w.use(customer, metric, 150, w.days_ago(8))
    w.run_due_work()
    assert (w.invoice(customer, w.days_ago(8)).status, w.net(customer)) == ("FINALIZED", 50)
    with pytest.raises(BadRequestError, match=r"update_subscriptions.0: finalized invoices drew"):
        w.change(customer, contract, quantity_updates=[{"starting_at": w.days_ago(10), "quantity": 1}])
    assert w.net(customer) == 50
    w.change(customer, contract, quantity_updates=[{"starting_at": w.days_ago(10), "quantity": 1.5}])
    assert w.net(customer) == 0
    assert ("CREDIT_SEAT_BASED_ADJUSTMENT", -50) in w.ledger(customer)
