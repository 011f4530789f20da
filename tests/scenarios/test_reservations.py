"""Prepaid means prepaid: what is held before a call is nobody else's, and an event is counted once."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import httpx
import pytest
from metronome import Metronome

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.conftest import Clock
from tests.scenarios.reservation_world import ReservationWorld
from tests.scenarios.world import USD

pytestmark = pytest.mark.calendar


@pytest.fixture
def w(sdk: Metronome, http: httpx.Client) -> ReservationWorld:
    return ReservationWorld(sdk, http)


def test_reserve_call_commit_and_the_event_settles_it(w: ReservationWorld) -> None:
    customer, metric = w.prepaid_customer(1000)
    held = w.reserve(customer, 300)
    assert held | {"status": "HELD", "amount": 300, "reserved_amount": 300, "remaining": 700, "customer_id": customer,
                   "credit_type_id": USD, "transaction_id": None, "ended_at": None} == held  # fmt: skip
    assert w.free(customer) == 700
    done = w.commit(held["id"], transaction_id="call-1", amount=250)
    assert (done["status"], done["amount"], done["reserved_amount"], done["remaining"]) == ("COMMITTED", 250, 300, 750)
    assert w.free(customer) == 750
    w.spend(customer, metric, 250, "call-1")
    assert w.free(customer) == 750
    shown = w.get(held["id"])
    assert (shown["status"], shown["transaction_id"]) == ("SETTLED", "call-1")
    assert w.net(customer) == 750
    assert w.commit(held["id"], transaction_id="call-1")["status"] == "SETTLED"


def test_an_event_before_its_commit_is_counted_once_too(w: ReservationWorld) -> None:
    customer, metric = w.prepaid_customer(1000)
    held = w.reserve(customer, 400)["id"]
    w.spend(customer, metric, 400, "early")
    assert w.free(customer) == 200  # twice for as long as nobody says whose event it is: never too much
    w.commit(held, transaction_id="early")
    assert w.free(customer) == 600
    assert w.status(held) == "SETTLED"


def test_a_reservation_that_knows_its_event_needs_no_commit(w: ReservationWorld) -> None:
    customer, metric = w.prepaid_customer(1000)
    held = w.reserve(customer, 400, transaction_id="known")["id"]
    w.spend(customer, metric, 150, "known")
    assert w.free(customer) == 850
    assert w.status(held) == "SETTLED"
    again = w.commit(held)
    assert (again["status"], again["transaction_id"]) == ("SETTLED", "known")


def test_releasing_frees_at_once_and_may_be_said_again(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    held = w.reserve(customer, 100)["id"]
    assert w.refused(customer, 1) == 0
    assert [w.release(held)["status"] for _ in range(2)] == ["RELEASED", "RELEASED"]
    assert w.reserve(customer, 100)["remaining"] == 0
    assert w.post("commit", reservation_id=held, transaction_id="x").status_code == 409


def test_expiry_frees_by_itself(w: ReservationWorld, later: Clock) -> None:
    customer, _ = w.prepaid_customer(100)
    first = w.reserve(customer, 80, ttl_seconds=10)["id"]
    other = w.reserve(customer, 20, ttl_seconds=100)["id"]
    later(11)
    assert w.status(first) == "EXPIRED"  # though nobody swept
    assert w.reserve(customer, 50)["remaining"] == 30
    assert (w.status(first), w.status(other)) == ("EXPIRED", "HELD")
    later(111)
    w.run_due_work()
    assert w.status(other) == "EXPIRED"
    assert w.release(other)["status"] == "EXPIRED"


def test_a_late_commit_holds_anew_what_is_still_there(w: ReservationWorld, later: Clock) -> None:
    customer, _ = w.prepaid_customer(100)
    first, second = (w.reserve(customer, 50, ttl_seconds=10)["id"] for _ in range(2))
    later(11)
    w.run_due_work()
    w.reserve(customer, 40)
    assert w.commit(first, transaction_id="a")["remaining"] == 10
    answer = w.post("commit", reservation_id=second, transaction_id="b")
    assert answer.status_code == 409
    assert "expired" in answer.json()["message"]
    assert w.commit(second, transaction_id="b", amount=10)["remaining"] == 0


def test_an_event_that_never_comes_lapses(w: ReservationWorld, later: Clock) -> None:
    customer, metric = w.prepaid_customer(100)
    held, come = w.reserve(customer, 60)["id"], w.reserve(customer, 10)["id"]
    w.commit(held, transaction_id="lost")
    w.commit(come, transaction_id="come")
    w.spend(customer, metric, 10, "come")
    later(23 * 3600)
    w.run_due_work()
    assert (w.status(held), w.status(come)) == ("COMMITTED", "SETTLED")
    assert w.free(customer) == 30
    later(24 * 3600 + 1)
    w.run_due_work()
    assert w.status(held) == "LAPSED"
    assert w.free(customer) == 90
    assert w.commit(held, transaction_id="lost")["status"] == "LAPSED"
    w.spend(customer, metric, 60, "lost")
    assert w.free(customer) == 30


def test_whatever_changes_the_balance_counts_at_once(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(0)
    assert w.refused(customer, 1) == 0
    credit = w.grant(customer, 500, w.days_ago(5), w.days_ago(-30))
    assert w.reserve(customer, 100)["remaining"] == 400
    [row] = w.held(customer)
    segment = row.access_schedule.schedule_items[0].id
    w.manual(customer, credit, segment, -350, "a mistake")
    assert w.refused(customer, 51) == 50
    w.manual(customer, credit, segment, 50, "half a mistake")
    assert w.reserve(customer, 100)["remaining"] == 0
    w.sdk.v2.contracts.edit_credit(
        customer_id=customer, credit_id=credit,
        access_schedule={"update_schedule_items": [{"id": segment, "amount": 600}]},
    )  # fmt: skip
    assert w.free(customer) == 100
    w.sdk.v1.customers.credits.update_end_date(
        customer_id=customer, credit_id=credit, access_ending_before=w.days_ago(0)
    )
    assert w.refused(customer, 1) == 0


def test_usage_that_nobody_reserved_counts_within_a_second(w: ReservationWorld, later: Clock) -> None:
    customer, metric = w.prepaid_customer(1000)
    w.reserve(customer, 10)
    w.use(customer, metric, 900)
    later(2)
    assert w.refused(customer, 91) == 90


def test_segments_begin_and_end_by_themselves(w: ReservationWorld, later: Clock) -> None:
    customer, _ = w.prepaid_customer(0)
    w.grant(customer, 70, w.days_ago(5), w.days_ago(-1))
    w.grant(customer, 20, w.days_ago(-1), w.days_ago(-2))
    assert w.reserve(customer, 30, ttl_seconds=600)["remaining"] == 40  # free again before midnight
    tomorrow = (w.days_ago(-1) - w.now).total_seconds()
    later(tomorrow - 1)
    assert w.free(customer) == 70
    later(tomorrow)
    assert w.refused(customer, 21) == 20
    later(tomorrow + 86400)
    assert w.free(customer) == 0


def test_what_others_took_is_told_as_nothing_left(w: ReservationWorld, later: Clock) -> None:
    customer, metric = w.prepaid_customer(100)
    held = w.reserve(customer, 80)["id"]
    w.use(customer, metric, 90)
    later(2)
    assert w.refused(customer, 1) == 0
    assert w.commit(held, transaction_id="over")["remaining"] == 0


def test_units_do_not_mix(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    eur = next(unit.id for unit in w.sdk.v1.pricing_units.list() if unit.name == "EUR")
    assert w.refused(customer, 1, credit_type_id=eur) == 0
    access = w.schedule((7.25, w.days_ago(1), w.days_ago(-1))) | {"credit_type_id": eur}
    w.grant(customer, 0, w.days_ago(1), w.days_ago(-1), access_schedule=access)
    assert w.reserve(customer, "0.05", credit_type_id=eur)["remaining"] == Decimal("7.2")
    assert w.free(customer) == 100


def test_by_alias_and_in_exact_amounts(w: ReservationWorld) -> None:
    name = uuid4().hex
    customer = w.customer(ingest_aliases=[name])
    w.grant(customer, 1, w.days_ago(1), w.days_ago(-1))
    answer = w.ask("reserve", ingest_alias=name, amount="0.000000000000000000000000000000000001")
    assert answer["customer_id"] == customer
    assert answer["remaining"] == Decimal("0." + "9" * 36)


def test_replays_by_key(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"customer_id": customer, "amount": 60}
    first, again = (w.http.post("/tactus/v1/balances/reserve", json=body, headers=headers) for _ in range(2))
    assert (first.content, again.headers["Idempotent-Replayed"]) == (again.content, "true")
    assert w.free(customer) == 40
    key = uuid4().hex
    w.reserve(customer, 10, uniqueness_key=key)
    answer = w.post("reserve", customer_id=customer, amount=10, uniqueness_key=key)
    assert (answer.status_code, answer.json()["message"]) == (409, "This uniqueness key has already been used.")
    refused = {"Idempotency-Key": uuid4().hex}
    answers = [w.http.post("/tactus/v1/balances/reserve", json=body, headers=refused) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert w.free(customer) == 30


def test_one_event_settles_one_reservation(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    first, second = (w.reserve(customer, 10)["id"] for _ in range(2))
    w.commit(first, transaction_id="one")
    answer = w.post("commit", reservation_id=second, transaction_id="one")
    assert (answer.status_code, "one settles another" in answer.json()["message"]) == (409, True)
    assert w.post("reserve", customer_id=customer, amount=1, transaction_id="one").status_code == 409
    assert w.post("commit", reservation_id=first, transaction_id="two").status_code == 409
    assert w.post("release", reservation_id=first).status_code == 409
    third = w.reserve(customer, 10, transaction_id="three")["id"]
    w.release(third)
    assert w.reserve(customer, 10, transaction_id="three")["transaction_id"] == "three"


def test_an_archived_customer_has_nothing_to_spend(w: ReservationWorld) -> None:
    customer, _ = w.prepaid_customer(100)
    w.reserve(customer, 10)
    w.sdk.v1.customers.archive(id=customer)
    assert w.refused(customer, 1) == 0
    new = BalanceWorld(w.sdk).customer()
    w.sdk.v1.customers.archive(id=new)
    answer = w.post("reserve", customer_id=new, amount=1)
    assert (answer.status_code, "archived" in answer.json()["message"]) == (400, True)


def test_ended_ones_are_kept_for_a_week(w: ReservationWorld, later: Clock) -> None:
    customer, _ = w.prepaid_customer(100)
    held, kept = w.reserve(customer, 10)["id"], w.reserve(customer, 10)["id"]
    w.release(held)
    later(1)
    w.commit(kept, transaction_id="kept")
    later(timedelta(days=7, hours=1).total_seconds())
    w.run_due_work()
    assert w.http.get(f"/tactus/v1/balances/reservations/{held}").status_code == 404
    assert w.status(kept) == "LAPSED"
