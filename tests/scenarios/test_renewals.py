"""Renewals run by themselves, exactly once: on a test clock, three sweeps at once, after failures and downtime."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from contracts.models import Contract, RenewalDecision, RenewalPolicy
from contracts.services import renewals
from core.patience import bounded_waits
from tests.plugins.clock import travel
from tests.scenarios.test_test_clocks import Clock
from tests.scenarios.test_usage_filters import shop
from tests.scenarios.world import World, exact


@pytest.fixture(autouse=True)
def with_test_clocks(settings: Any) -> None:
    settings.TACTUS_TEST_CLOCKS = True


def at(year: int, month: int, day: int = 1, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def renewal(http: httpx.Client, contract: str) -> dict[str, Any]:
    found: dict[str, Any] = http.get(f"/tactus/v1/contracts/{contract}/renewal").json()["data"]
    return found


def agree(http: httpx.Client, contract: str, **policy: Any) -> httpx.Response:
    return http.put(f"/tactus/v1/contracts/{contract}/renewal", json={"kind": "SAME_TERMS"} | policy)


def contracts(world: World, customer: str) -> list[Any]:
    found = world.sdk.v2.contracts.list(customer_id=customer).data
    return sorted(found, key=lambda one: one.starting_at)


def billed(world: World, customer: str) -> list[tuple[str, str, Any]]:
    rows = [one for one in world.invoices(customer) if one.status == "FINALIZED"]
    found = [(one.issued_at.date().isoformat(), one.type, exact(one.total)) for one in rows]
    return sorted(found)


def test_an_annual_commit_is_renewed_twice(world: World, http: httpx.Client) -> None:
    """100,000 of access for 90,000, a quarter of it rolls over; 1.00 a unit, two seats, a fee; 5 % more each year."""
    metric, product, card = world.priced(price=100)
    seat = world.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    fee, prepaid = (
        world.sdk.v1.contracts.products.create(name=name, type="FIXED").data.id for name in ("Fee", "Commit")
    )
    world.rate(card, seat, price=1000, billing_frequency="ANNUAL")
    clock = Clock(http, at(2027, 1))
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    first = world.contract(
        customer, card, at(2027, 1), ending_before=at(2028, 1), name="Annual", net_payment_terms_days=30,
        usage_statement_schedule={"frequency": "ANNUAL", "day": "CONTRACT_START"},
        commits=[{
            "type": "PREPAID", "product_id": prepaid, "rollover_fraction": 0.25, "applicable_product_ids": [product],
            "access_schedule": {"schedule_items": [
                {"amount": 100000, "starting_at": at(2027, 1), "ending_before": at(2028, 1)}]},
            "invoice_schedule": {"schedule_items": [{"amount": 90000, "timestamp": at(2027, 1)}]},
        }],
        scheduled_charges=[{
            "product_id": fee, "schedule": {"schedule_items": [{"amount": 5000, "timestamp": at(2027, 1)}]},
        }],
        subscriptions=[{
            "collection_schedule": "ARREARS", "initial_quantity": 2,
            "proration": {"is_prorated": False},
            "subscription_rate": {"billing_frequency": "ANNUAL", "product_id": seat},
        }],
    )  # fmt: skip
    assert agree(http, first, uplift_percent=5, notice_days=60).status_code == 200
    assert renewal(http, first)["will"] == "RENEW"

    def year(of: int, units: int) -> None:
        clock.advance(at(of, 6))
        world.use(customer, metric, units, at(of, 6) - timedelta(hours=1))
        clock.advance(at(of + 1, 1, 3))

    def left() -> list[tuple[str, Any]]:
        rows = world.sdk.v1.contracts.list_balances(customer_id=customer, include_balance=True)
        return sorted(
            (f"{one.contract.id}{' rolled' if one.rolled_over_from else ''}", exact(one.balance)) for one in rows
        )

    year(2027, 600)
    second = contracts(world, customer)[1].id
    assert billed(world, customer) == [
        ("2027-01-01", "SCHEDULED", 95000), ("2028-01-01", "SCHEDULED", 95250), ("2028-01-02", "USAGE", 2000),
    ]  # fmt: skip
    assert left() == sorted([(first, 0), (second, 100000), (f"{second} rolled", 25000)])
    year(2028, 800)
    third = contracts(world, customer)[2].id
    assert billed(world, customer)[3:] == [("2029-01-01", "SCHEDULED", 95513), ("2029-01-02", "USAGE", 2100)]
    assert left() == sorted(
        [(first, 0), (second, 0), (f"{second} rolled", 0), (third, 100000), (f"{third} rolled", 25000)]
    )
    answer = http.delete(f"/tactus/v1/contracts/{third}/renewal")
    assert (answer.json()["data"]["will"], answer.json()["data"]["reason"]) == ("SKIP", "WITHDRAWN")
    year(2029, 500)
    assert billed(world, customer)[5:] == [("2030-01-02", "USAGE", 2205)]
    assert [exact(amount) for _, amount in left()] == [0] * 5
    lines = {
        one.start_timestamp.year: {line.name: (exact(line.quantity), exact(line.unit_price)) for line in one.line_items
                                   if line.unit_price and line.quantity and line.quantity > 0}
        for one in world.invoices(customer) if one.type == "USAGE"
    }  # fmt: skip
    assert [lines[of]["Seat"] for of in (2027, 2028, 2029)] == [(2, 1000), (2, 1050), (2, exact(1102.5))]
    terms = contracts(world, customer)
    assert [(one.starting_at, one.ending_before) for one in terms] == [
        (at(of, 1), at(of + 1, 1)) for of in (2027, 2028, 2029)
    ]
    assert {(one.name, one.net_payment_terms_days) for one in terms} == {("Annual", 30)}
    [[decided], [again], [last]] = [renewal(http, one.id)["decisions"] for one in terms]
    assert (decided["outcome"], decided["reason"], decided["new_contract_id"]) == ("RENEWED", "POLICY", second)
    assert (again["new_contract_id"], last["outcome"], last["reason"]) == (third, "SKIPPED", "WITHDRAWN")
    assert renewal(http, second)["noticed_at"] == "2028-11-02T00:00:00Z"


def test_months_bought_on_the_31st_until_it_is_cancelled(world: World, http: httpx.Client) -> None:
    """RN1 and RN2, on a month's last day: no day twice or never; cancelled at period end, nothing for the next."""
    _, _, card = world.priced(price=1)
    plan = world.sdk.v1.contracts.products.create(name="Plan", type="SUBSCRIPTION").data.id
    world.rate(card, plan, price=1500, billing_frequency="MONTHLY")
    clock = Clock(http, at(2027, 1, 31))
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    first = world.contract(
        customer, card, at(2027, 1, 31), ending_before=at(2027, 2, 28),
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        subscriptions=[{
            "collection_schedule": "ARREARS", "initial_quantity": 1, "proration": {"is_prorated": False},
            "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": plan},
        }],
    )  # fmt: skip
    assert agree(http, first).json()["data"]["next_term_ends_at"] == "2027-03-31T00:00:00Z"
    clock.advance(at(2027, 4, 10))
    current = contracts(world, customer)[-1]
    edited = world.sdk.v1.contracts.retrieve(contract_id=current.id, customer_id=customer).data
    [subscribed] = edited.subscriptions or []
    world.sdk.v2.contracts.edit(
        contract_id=current.id, customer_id=customer,
        update_subscriptions=[{
            "subscription_id": subscribed.id or "",
            "quantity_updates": [{"starting_at": at(2027, 4, 20), "quantity": 3}],
        }],
    )  # fmt: skip
    clock.advance(at(2027, 5, 2))
    current = contracts(world, customer)[-1]
    assert http.delete(f"/tactus/v1/contracts/{current.id}/renewal").status_code == 200
    clock.advance(at(2027, 7, 3))
    ends = [(1, 31), (2, 28), (3, 31), (4, 30), (5, 31)]
    assert [(one.starting_at, one.ending_before) for one in contracts(world, customer)] == [
        (at(2027, *begin), at(2027, *end)) for begin, end in pairwise(ends)
    ]
    assert [total for _, _, total in billed(world, customer)][-1] == 4500
    assert [day for day, _, _ in billed(world, customer)] == ["2027-03-01", "2027-04-01", "2027-05-01", "2027-06-01"]


def test_notice_an_earlier_end_and_what_only_notifies(world: World, http: httpx.Client) -> None:
    clock = Clock(http, at(2027, 1))
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    told, ended, later = (world.contract(customer, None, at(2027, 1), ending_before=at(2027, 7)) for _ in range(3))
    assert agree(http, told, kind="NOTIFY_ONLY", notice_days=30).status_code == 200
    assert agree(http, ended, notice_days=30).status_code == 200
    assert agree(http, later, term_months=1).status_code == 200
    world.sdk.v1.contracts.update_end_date(contract_id=ended, customer_id=customer, ending_before=at(2027, 6))
    world.sdk.v1.contracts.update_end_date(contract_id=later, customer_id=customer, ending_before=at(2027, 8))
    assert (renewal(http, ended)["will"], renewal(http, ended)["reason"]) == ("SKIP", "ENDED_EARLIER")
    assert (renewal(http, told)["will"], "next_term_ends_at" in renewal(http, told)) == ("NOTIFY", False)
    assert renewal(http, later)["next_term_ends_at"] == "2027-09-01T00:00:00Z"
    clock.advance(at(2027, 6, 5))
    assert renewal(http, told)["noticed_at"] == "2027-06-01T00:00:00Z"
    assert "noticed_at" not in renewal(http, ended)
    clock.advance(at(2027, 8, 2))
    found = {
        one: [(row["outcome"], row["reason"], row["term_end"][:10]) for row in renewal(http, one)["decisions"]]
        for one in (told, ended, later)
    }
    assert found == {
        told: [("NOTIFIED", "POLICY", "2027-07-01")],
        ended: [("SKIPPED", "ENDED_EARLIER", "2027-06-01")],
        later: [("RENEWED", "POLICY", "2027-08-01")],
    }
    assert len(contracts(world, customer)) == 4


def test_what_cannot_be_agreed_on(world: World, http: httpx.Client) -> None:
    customer = world.customer()
    ends = world.today + timedelta(days=40)
    one = world.contract(customer, None, world.days_ago(10), ending_before=ends)
    open_ended = world.contract(customer, None, world.days_ago(10))
    over = world.contract(customer, None, world.days_ago(10), ending_before=world.days_ago(2))

    def refused(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["message"]

    assert refused(agree(http, one)) == (400, "term_months: is needed: the contract's own term is not of whole months")
    status, message = refused(agree(http, one, kind="NOTIFY_ONLY", uplift_percent=5))
    assert (status, message.split(":")[0]) == (400, "uplift_percent")
    assert refused(agree(http, open_ended, term_months=1))[0] == 400
    assert refused(agree(http, over, term_months=1))[0] == 409
    assert refused(agree(http, str(uuid4()), term_months=1))[0] == 404
    assert refused(agree(http, one, kind="PACKAGE"))[0] == 400
    assert refused(agree(http, one, term_months=1, uplift_percent=-101))[0] == 400
    assert http.delete(f"/tactus/v1/contracts/{one}/renewal").status_code == 404
    assert http.get("/tactus/v1/renewals", params={"within_days": "soon"}).status_code == 400
    assert not RenewalPolicy.objects.exists()


def test_the_calendar_of_what_is_to_come(world: World, http: httpx.Client) -> None:
    customer = world.customer()
    made = []
    for days in (50, 20, 80, 35):
        one = world.contract(customer, None, world.days_ago(10), ending_before=world.today + timedelta(days=days))
        assert agree(http, one, term_months=12).status_code == 200
        made.append(one)

    def listed(**query: Any) -> tuple[list[str], int]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            rows = http.get("/tactus/v1/renewals", params=query).json()["data"]
        return [row["contract_id"] for row in rows], len(asked)

    few, queries = listed(within_days=30)
    assert few == [made[1]]
    assert listed(within_days=60)[0] == [made[1], made[3], made[0]]
    assert listed() == ([made[1], made[3], made[0], made[2]], queries)
    page = http.get("/tactus/v1/renewals", params={"limit": 3}).json()
    rest = http.get("/tactus/v1/renewals", params={"limit": 3, "next_page": page["next_page"]}).json()
    assert [row["contract_id"] for row in rest["data"]] == [made[2]]


def test_prices_of_its_own_rise_and_the_lowest_still_wins(world: World, http: httpx.Client) -> None:
    """Overwritten, discounted and surcharged products next to one at list price; and with the list's prices only."""
    _, plain, card = world.priced(price=100)
    own, less, more = (world.product(world.metric(), name) for name in ("Own", "Less", "More"))
    for product in (own, less, more):
        world.rate(card, product, price=100)
    customer = world.customer()
    start, end = world.days_ago(20), world.today + timedelta(days=40)

    def deal() -> str:
        return world.contract(
            customer, card, start, ending_before=end,
            overrides=[
                {"starting_at": start, "type": "OVERWRITE", "product_id": own,
                 "overwrite_rate": {"rate_type": "FLAT", "price": 80}},
                {"starting_at": start, "type": "MULTIPLIER", "multiplier": 0.5, "product_id": less},
                {"starting_at": start, "type": "MULTIPLIER", "multiplier": 1.2, "product_id": more},
                {"starting_at": start, "ending_before": world.today, "type": "MULTIPLIER", "multiplier": 0.1,
                 "product_id": plain},
            ],
        )  # fmt: skip

    def prices(contract: str) -> dict[str, Any]:
        rows = world.sdk.v1.contracts.retrieve_rate_schedule(
            contract_id=contract, customer_id=customer, at=end + timedelta(days=1)
        ).data
        return {
            row.product_name: exact((row.override_rate or row.list_rate).price) for row in rows if row.list_rate.price
        }

    kept, list_only = deal(), deal()
    assert agree(http, kept, term_months=12, uplift_percent=10).status_code == 200
    assert agree(http, list_only, term_months=12, price_list="OF_THE_DAY").status_code == 200
    world.run_due_work(until=end + timedelta(hours=1))
    renewed = {one: renewal(http, one)["decisions"][0]["new_contract_id"] for one in (kept, list_only)}
    assert prices(renewed[kept]) == {"Tokens": 110, "Own": 88, "Less": 55, "More": 132}
    assert prices(renewed[list_only]) == {"Tokens": 100, "Own": 100, "Less": 100, "More": 100}


def due(world: World, http: httpx.Client, many: int) -> list[str]:
    made = []
    for _ in range(many):
        one = world.contract(world.customer(), None, world.days_ago(10), ending_before=world.today + timedelta(days=5))
        assert agree(http, one, term_months=1).status_code == 200
        made.append(one)
    return made


@pytest.mark.django_db(transaction=True)
def test_three_sweeps_at_once_renew_once(sdk: Metronome, http: httpx.Client) -> None:
    w = World(sdk)
    made = due(w, http, 6)
    later = w.today + timedelta(days=6)
    barrier, failed = threading.Barrier(3), []

    def sweep() -> None:
        try:
            barrier.wait()
            with bounded_waits():
                while renewals.renew_due_contracts(now=later):
                    pass
        except Exception as error:  # noqa: BLE001 - shown by the test
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    renewals.renew_due_contracts(now=later)
    assert Contract.objects.filter(renews__in=made).count() == len(made)
    assert sorted(str(row.contract_id) for row in RenewalDecision.objects.all()) == sorted(made)
    assert set(RenewalPolicy.objects.values_list("attempts", flat=True)) == {0}


def test_what_fails_half_way_leaves_nothing_and_is_tried_again(
    world: World, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one, other] = due(world, http, 2)
    later = world.today + timedelta(days=6)
    go_on = renewals._go_on

    def killed(policy: RenewalPolicy, made: Contract, now: datetime) -> None:
        if str(policy.contract_id) == one:
            raise RuntimeError("killed")
        go_on(policy, made, now)

    monkeypatch.setattr(renewals, "_go_on", killed)
    assert renewals.renew_due_contracts(now=later) == 2
    assert [str(row.renews_id) for row in Contract.objects.filter(renews__isnull=False)] == [other]
    assert RenewalDecision.objects.filter(contract=one).count() == 0
    shown = renewal(http, one)
    assert (shown["attempts"], shown["last_error"], shown["will"]) == (1, "RuntimeError: killed", "RENEW")
    assert renewals.renew_due_contracts(now=later) == 0  # it waits
    monkeypatch.setattr(renewals, "_go_on", go_on)
    assert renewals.renew_due_contracts(now=later + timedelta(minutes=2)) == 1
    assert Contract.objects.filter(renews=one).count() == 1
    assert "last_error" not in renewal(http, one)


def test_after_downtime_terms_follow_in_order(world: World, http: httpx.Client) -> None:
    [one] = due(world, http, 1)
    with travel(world.today + timedelta(days=100), tick=False):
        world.run_due_work()
        decided = list(RenewalDecision.objects.order_by("term_end"))
    assert [row.outcome for row in decided] == ["RENEWED"] * 4
    assert [row.contract_id for row in decided[1:]] == [row.new_contract_id for row in decided[:-1]]
    assert str(decided[0].contract_id) == one


def test_usage_filter_and_parent_go_along(world: World, http: httpx.Client) -> None:
    """The filter that holds at the end, and the parent that pays."""
    _, _, card = shop(world)
    clock = Clock(http, at(2027, 1))
    holding, customer = (world.customer(extra_body={"test_clock_id": clock.id}) for _ in range(2))
    parent = world.contract(holding, card, at(2027, 1))
    place = {"parent": {"contract_id": parent, "customer_id": holding}, "payer": "PARENT"}
    east = {"group_key": "team", "group_values": ["east"], "starting_at": at(2027, 1)}
    first = world.contract(
        customer, card, at(2027, 1), ending_before=at(2028, 1), usage_filter=east, hierarchy_configuration=place
    )
    west = {"group_key": "team", "group_values": ["west"], "starting_at": at(2027, 6)}
    world.sdk.v1.contracts.set_usage_filter(customer_id=customer, contract_id=first, **west)
    assert agree(http, first).status_code == 200
    clock.advance(at(2028, 2))
    second = contracts(world, customer)[1]
    assert [(one.group_values, one.starting_at) for one in second.usage_filter] == [(["west"], at(2028, 1))]
    assert second.hierarchy_configuration.parent.contract_id == parent
    assert second.hierarchy_configuration.payer == "PARENT"
