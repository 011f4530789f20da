"""Subscriptions through the SDK: what is agreed and shown, histories, what is refused."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from metronome import BadRequestError, Metronome, NotFoundError

from contracts.models import Subscription, SubscriptionChange
from tests.odd_input import Endpoint, faults
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar

DAY = timedelta(days=1)


@pytest.fixture
def w(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)


def test_what_is_agreed_is_what_is_read(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    asked = w.subscription(
        seat, collection="advance", initial_quantity=3, name="Team", description="for the team",
        custom_fields={"a": "b"},
        billing_cycle_config={"anchor_date": w.days_ago(12), "invoice_placement": "on_scheduled_invoice"},
        ending_before=w.days_ago(-50),
    )  # fmt: skip
    rounding = {"rounding_method": "HALF_UP", "decimal_places": -2}
    asked["proration"] = {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY", "rounding": rounding}
    contract = w.open_contract(customer, card, 10, subscriptions=[asked])
    ids = {"customer_id": customer, "contract_id": contract}
    for read in (w.sdk.v1.contracts.retrieve(**ids).data, w.sdk.v2.contracts.retrieve(**ids).data):
        [one] = read.subscriptions or []
        assert (one.name, one.description, one.custom_fields) == ("Team", "for the team", {"a": "b"})
        assert (one.starting_at, one.ending_before) == (w.days_ago(10), w.days_ago(-50))
        assert (one.collection_schedule, one.quantity_management_mode) == ("ADVANCE", "QUANTITY_ONLY")
        assert one.proration.to_dict() == asked["proration"]
        assert (one.subscription_rate.billing_frequency, one.subscription_rate.product.name) == ("MONTHLY", "Seats")
        assert one.billing_cycle_config is not None
        assert one.billing_cycle_config.anchor_date == w.days_ago(12)
        assert one.billing_cycle_config.invoice_placement == "ON_SCHEDULED_INVOICE"
        current, following = one.billing_periods.current, one.billing_periods.next
        assert current is not None
        assert following is not None
        assert one.billing_periods.previous is None
        assert (current.starting_at, current.ending_before) == (w.days_ago(10), following.starting_at)
        [quantity] = one.quantity_schedule
        assert (exact(quantity.quantity), quantity.starting_at, quantity.ending_before) == (
            3, w.days_ago(10), w.days_ago(-50),
        )  # fmt: skip
        assert one.fiat_credit_type_id == "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    for listed in (w.sdk.v1.contracts.list(customer_id=customer), w.sdk.v2.contracts.list(customer_id=customer)):
        [found] = list(listed)
        assert [one.name for one in found.subscriptions or ()] == ["Team"]


def test_the_schedule_shows_what_is_and_what_comes(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5, subscriptions=[w.subscription(seat, initial_quantity=1)])
    made = w.change(
        customer, contract,
        quantity_updates=[
            {"starting_at": w.days_ago(2), "quantity": 4},
            {"starting_at": w.days_ago(-3), "quantity": 12},
            {"starting_at": w.days_ago(-3), "quantity_delta": -1},
        ],
        name="Team",
    )  # fmt: skip
    shown = [(exact(one.quantity), one.starting_at) for one in w.subscribed(customer, contract).quantity_schedule]
    assert shown == [(4, w.days_ago(2)), (11, w.days_ago(-3))]
    [update] = made.edit.update_subscriptions
    assert [(one.quantity, one.quantity_delta) for one in update.quantity_updates] == [
        (4, None),
        (12, None),
        (None, -1),
    ]
    [edit] = w.sdk.v2.contracts.get_edit_history(customer_id=customer, contract_id=contract).data
    [kept] = edit.update_subscriptions or []
    assert (kept.id, kept.name) == (w.subscribed(customer, contract).id, "Team")


def test_quantities_and_prices_of_the_past(w: SubscriptionWorld) -> None:
    card = w.card()
    seat = w.priced_seat(card, 1000, "WEEKLY")
    w.rate(card, seat, price=2000, billing_frequency="WEEKLY", starting_at=w.days_ago(5))
    customer = w.customer()
    contract = w.open_contract(
        customer, card, 10, "WEEKLY", subscriptions=[w.subscription(seat, "WEEKLY", initial_quantity=100)]
    )
    w.change(customer, contract, quantity_updates=[{"starting_at": w.days_ago(1), "quantity": 200},
                                                   {"starting_at": w.days_ago(-9), "quantity": 1}])  # fmt: skip
    ids = {"customer_id": customer, "contract_id": contract, "subscription_id": w.subscribed(customer, contract).id}
    data = w.sdk.v1.contracts.retrieve_subscription_quantity_history(**ids).data
    found = [
        (one.starting_at, [(exact(part.quantity), exact(part.unit_price), exact(part.total)) for part in one.data])
        for one in data.history or ()
    ]
    # a price that changes inside a week counts from the next one on
    assert found == [
        (w.days_ago(10), [(100, 1000, 100_000)]),
        (w.days_ago(3), [(100, 2000, 200_000)]),
        (w.days_ago(1), [(200, 2000, 400_000)]),
    ]
    assert data.subscription_id == ids["subscription_id"]
    with pytest.raises(NotFoundError, match="subscription"):
        w.sdk.v1.contracts.retrieve_subscription_quantity_history(**ids | {"subscription_id": contract})
    with pytest.raises(BadRequestError, match="not SEAT_BASED"):
        w.sdk.v1.contracts.get_subscription_seats_history(**ids)


def test_who_sat_on_the_seats(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    contract = w.open_contract(customer, card, 20, subscriptions=[w.seats(seat, ["a"], 1)])
    for day in range(12):
        when = {"starting_at": w.days_ago(19 - day), "seat_ids": [f"s{day}"]}
        w.change(customer, contract, seat_updates={"add_seat_ids": [when]})
    ids = {"customer_id": customer, "contract_id": contract, "subscription_id": w.subscribed(customer, contract).id}
    first = w.sdk.v1.contracts.get_subscription_seats_history(**ids)
    assert [row.total_quantity for row in first.data] == [2, 2, *range(3, 11)]
    assert first.data[0].ending_before == first.data[1].starting_at == w.days_ago(19)
    second = w.sdk.v1.contracts.get_subscription_seats_history(**ids, cursor=first.next_page)
    assert ([row.total_quantity for row in second.data], second.next_page) == ([11, 12, 13], None)
    assert second.data[-1].ending_before is None
    assert second.data[-1].assigned_seat_ids == ["a", *(f"s{day}" for day in range(12))]
    [then] = w.sdk.v1.contracts.get_subscription_seats_history(**ids, covering_date=w.days_ago(18)).data
    assert then.assigned_seat_ids == ["a", "s0", "s1"]
    some = w.sdk.v1.contracts.get_subscription_seats_history(
        **ids, starting_at=w.days_ago(18), ending_before=w.days_ago(16), limit=2
    )
    assert [row.starting_at for row in some.data] == [w.days_ago(18), w.days_ago(17)]
    assert some.next_page is not None
    for query, field in [
        ({"limit": 0}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"covering_date": w.now, "starting_at": w.now}, "covering_date"),
    ]:
        with pytest.raises(BadRequestError, match=field):
            w.sdk.v1.contracts.get_subscription_seats_history(**ids, **query)


def test_from_quantities_to_seats(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    contract = w.open_contract(customer, card, 5, subscriptions=[w.subscription(seat, initial_quantity=2)])
    seats = {"add_seat_ids": [{"seat_ids": ["a", "b", "c"], "starting_at": w.now}]}
    with pytest.raises(BadRequestError, match="QUANTITY_ONLY"):
        w.change(customer, contract, seat_updates=seats)
    mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    w.change(customer, contract, quantity_management_mode_update=mode, seat_updates=seats)
    read = w.subscribed(customer, contract)
    assert (read.quantity_management_mode, exact(read.quantity_schedule[-1].quantity)) == ("SEAT_BASED", 3)
    with pytest.raises(BadRequestError, match=r"quantity_updates.0: the subscription is SEAT_BASED"):
        w.change(customer, contract, quantity_updates=[{"starting_at": w.now, "quantity": 9}])
    with pytest.raises(BadRequestError, match="SEAT_BASED already"):
        w.change(customer, contract, quantity_management_mode_update=mode)


def test_what_cannot_be_agreed_is_refused(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    fixed = w.fixed()
    customer = w.customer()
    good = w.subscription(seat, initial_quantity=1)
    advance = {"collection_schedule": "ADVANCE"}
    seats = {"seat_group_key": "user", "initial_seat_ids": ["a"]}
    for change, field in [
        ({"subscription_rate": {"product_id": fixed, "billing_frequency": "MONTHLY"}}, "subscription_rate.product_id"),
        ({"subscription_rate": {"product_id": str(uuid.uuid4()), "billing_frequency": "MONTHLY"}}, "product_id"),
        ({"subscription_rate": {"product_id": seat, "billing_frequency": "WEEKLY"}}, "billing_frequency"),
        ({"initial_quantity": None}, "initial_quantity"),
        ({"initial_quantity": -1}, "initial_quantity"),
        ({"proration": {"invoice_behavior": "BILL_IMMEDIATELY"}}, "proration.invoice_behavior"),
        ({"billing_cycle_config": {"anchor_date": w.days_ago(9)}}, "anchor_date"),
        (advance | {"billing_cycle_config": {"anchor_date": w.days_ago(1)}}, "anchor_date"),
        ({"starting_at": w.days_ago(9)}, "starting_at"),
        ({"starting_at": w.days_ago(-90)}, "starting_at"),
        ({"ending_before": w.days_ago(5)}, "ending_before"),
        ({"ending_before": w.days_ago(-90)}, "ending_before"),
        ({"seat_config": seats}, "seat_config"),
        ({"quantity_management_mode": "SEAT_BASED"}, "seat_config"),
        ({"quantity_management_mode": "SEAT_BASED", "seat_config": seats}, "initial_quantity"),
        ({"quantity_management_mode": "SEAT_BASED", "initial_quantity": None,
          "seat_config": seats | {"initial_seat_ids": ["a", "a"]}}, "initial_seat_ids"),
    ]:  # fmt: skip
        with pytest.raises(BadRequestError, match=rf"subscriptions.0.*{field}"):
            w.open_contract(customer, card, 5, ending_before=w.days_ago(-60), subscriptions=[good | change])
    assert not Subscription.objects.exists()
    contract = w.open_contract(customer, card, 5, ending_before=w.days_ago(-60), subscriptions=[good])
    for update, field in [
        ({"subscription_id": contract}, "subscription_id"),
        ({"quantity_updates": [{"starting_at": w.now}]}, "quantity"),
        ({"quantity_updates": [{"starting_at": w.now, "quantity": 1, "quantity_delta": 1}]}, "quantity"),
        ({"quantity_updates": [{"starting_at": w.now, "quantity_delta": 0}]}, "quantity_delta"),
        ({"quantity_updates": [{"starting_at": w.now, "quantity_delta": -2}]}, "quantity_updates.0.quantity_delta"),
        ({"quantity_updates": [{"starting_at": w.days_ago(6), "quantity": 1}]}, "quantity_updates.0.starting_at"),
        ({"quantity_updates": [{"starting_at": w.days_ago(-60), "quantity": 1}]}, "quantity_updates.0.starting_at"),
        ({"ending_before": w.days_ago(6)}, "ending_before"),
    ]:
        with pytest.raises(BadRequestError, match=rf"update_subscriptions.0.*{field}"):
            w.change(customer, contract, **update)
    assert SubscriptionChange.objects.count() == 1


def test_malformed_values_are_refused(http: httpx.Client, w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    body = {
        "customer_id": customer,
        "starting_at": "2026-01-01T00:00:00Z",
        "rate_card_id": card,
        "subscriptions": [
            {
                "collection_schedule": "ADVANCE",
                "proration": {
                    "is_prorated": True,
                    "invoice_behavior": "BILL_IMMEDIATELY",
                    "rounding": {"rounding_method": "FLOOR", "decimal_places": 0},
                },
                "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
                "billing_cycle_config": {
                    "anchor_date": "2026-01-01T00:00:00Z",
                    "invoice_placement": "ON_USAGE_INVOICE",
                },
                "starting_at": "2026-01-01T00:00:00Z",
                "ending_before": "2027-01-01T00:00:00Z",
                "initial_quantity": 1,
                "name": "Team",
                "custom_fields": {"a": "b"},
            }
        ],
    }
    fields = {
        "collection_schedule": "word", "proration.is_prorated": "flag", "proration.invoice_behavior": "word",
        "proration.rounding.rounding_method": "word", "proration.rounding.decimal_places": "places",
        "subscription_rate.product_id": "id", "subscription_rate.billing_frequency": "word",
        "billing_cycle_config.anchor_date": "hour?", "billing_cycle_config.invoice_placement": "word?",
        "starting_at": "hour?", "ending_before": "hour?", "initial_quantity": "amount", "name": "text?",
        "custom_fields": "texts",
    }  # fmt: skip
    create = Endpoint("/v1/contracts/create", body, {f"subscriptions.0.{name}": kind for name, kind in fields.items()})
    assert faults(http, create) == []
    contract = w.open_contract(customer, card, 5, subscriptions=[w.seats(seat, ["a"])])
    ids = {"customer_id": customer, "contract_id": contract, "subscription_id": w.subscribed(customer, contract).id}
    when = "2026-01-01T00:00:00Z"
    update = {
        "subscription_id": ids["subscription_id"],
        "seat_updates": {
            "add_seat_ids": [{"seat_ids": ["b"], "starting_at": when}],
            "add_unassigned_seats": [{"quantity": 1, "starting_at": when}],
        },
    }
    edit = Endpoint(
        "/v2/contracts/edit",
        {"customer_id": customer, "contract_id": contract, "update_subscriptions": [update]},
        {
            "update_subscriptions.0.subscription_id": "id",
            "update_subscriptions.0.seat_updates.add_seat_ids.0.seat_ids": "list",
            "update_subscriptions.0.seat_updates.add_seat_ids.0.starting_at": "instant",
        },
    )
    named = dict.fromkeys(ids, "id")
    quantities = Endpoint("/v1/contracts/getSubscriptionQuantityHistory", ids, named, tuple(ids))
    history = Endpoint(
        "/v1/contracts/getSubscriptionSeatsHistory",
        ids | {"starting_at": when, "ending_before": when},
        named | {"starting_at": "instant?", "ending_before": "instant?"},
        tuple(ids),
    )
    del named["subscription_id"]
    balances = Endpoint(
        "/v1/contracts/seatBalances/list",
        {"customer_id": customer, "contract_id": contract, "covering_date": when, "include_ledgers": True,
         "seat_ids": ["a"], "subscription_ids": [ids["subscription_id"]]},
        named | {"covering_date": "instant?", "include_ledgers": "flag?", "subscription_ids.0": "id"},
        ("customer_id", "contract_id"),
    )  # fmt: skip
    assert [fault for one in (edit, quantities, history, balances) for fault in faults(http, one)] == []


def test_changes_are_only_appended(w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    w.open_contract(w.customer(), card, 5, subscriptions=[w.subscription(seat, initial_quantity=1)])
    for write in (SubscriptionChange.objects.all().delete, lambda: SubscriptionChange.objects.update(quantity=2)):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            write()


def test_a_list_takes_as_many_queries_for_twenty_as_for_two(http: httpx.Client, w: SubscriptionWorld) -> None:
    card, seat = w.seat(1000)
    customer = w.customer()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    counts = []
    for number in (2, 10):
        for _ in range(number):
            w.contract(
                customer,
                card,
                start,
                ending_before=start + DAY,
                subscriptions=[w.subscription(seat, initial_quantity=1)],
            )
        with CaptureQueriesContext(connection) as captured:
            answer: Any = http.post("/v2/contracts/list", json={"customer_id": customer}).json()
        assert all(len(row["subscriptions"]) == 1 for row in answer["data"])
        counts.append(len(captured))
    assert counts[0] == counts[1]
