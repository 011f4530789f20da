"""Customers whose time is told to go on: what falls due on the way happens in order, as it would."""

import uuid
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from metronome import Metronome

from core.clock import now
from core.sweeps import run_due_work
from customers.test_clocks import run_test_clocks
from tests.scenarios.world import USD, World

CLOCKS = "/tactus/v1/test_clocks"


@pytest.fixture(autouse=True)
def with_test_clocks(settings: Any) -> None:
    settings.TACTUS_TEST_CLOCKS = True


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


class Clock:
    def __init__(self, http: httpx.Client, at: datetime) -> None:
        self.http = http
        answer = http.post(CLOCKS, json={"name": "Trial and error", "now_at": at.isoformat()})
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["data"]["id"]

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"{CLOCKS}/{self.id}").json()["data"]
        return found

    def go(self, to: datetime) -> httpx.Response:
        return self.http.post(f"{CLOCKS}/{self.id}/advance", json={"to": to.isoformat()})

    def advance(self, to: datetime) -> None:
        answer = self.go(to)
        assert (answer.status_code, answer.json()["data"]["status"]) == (200, "ADVANCING"), answer.text
        run_due_work(clock=now)
        assert self.read()["status"] == "READY"


def deal(world: World, customer: str, start: datetime, sold: tuple[str, str, str]) -> str:
    card, seat, credit = sold
    return world.contract(
        customer,
        card,
        start,
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        subscriptions=[{
            "collection_schedule": "ADVANCE", "initial_quantity": 3,
            "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
            "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
        }],
        recurring_credits=[{
            "product_id": credit, "priority": 1, "starting_at": start,
            "access_amount": {"credit_type_id": USD, "quantity": 1, "unit_price": 500},
            "commit_duration": {"value": 1, "unit": "PERIODS"}, "recurrence_frequency": "MONTHLY",
        }],
    )  # fmt: skip


def invoices(world: World, customer: str) -> list[Any]:
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    return sorted(
        ((one.type, one.status, one.start_timestamp, one.end_timestamp, one.issued_at, one.total) for one in found),
        key=str,
    )


def test_a_customer_on_a_clock_is_billed_as_everybody_is(world: World, http: httpx.Client) -> None:
    """The same deal and usage: one lived through month by month on a clock, one agreed on today for the same time."""
    metric, _, card = world.priced(price=7)
    seat = world.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    credit = world.sdk.v1.contracts.products.create(name="Monthly credit", type="FIXED").data.id
    world.rate(card, seat, price=2000, billing_frequency="MONTHLY")
    start = world.days_ago(95)
    clock = Clock(http, start)
    lived = world.customer(extra_body={"test_clock_id": clock.id})
    made = world.sdk.v1.customers.retrieve(customer_id=lived).data
    assert made.created_at == start
    deal(world, lived, start, (card, seat, credit))
    twin = world.customer()
    for day in (0, 20, 40, 61, 80, 94):
        clock.advance(start + timedelta(days=day, hours=5))
        at = start + timedelta(days=day, hours=4)
        world.send(*(world.event(one, metric, 90 + day, at) for one in (lived, twin)))
    clock.advance(world.today + timedelta(hours=1))

    deal(world, twin, start, (card, seat, credit))
    run_due_work(clock=now)
    assert invoices(world, lived) == invoices(world, twin)
    assert len([one for one in invoices(world, lived) if one[1] == "FINALIZED"]) >= 4

    def balance(customer: str) -> Any:
        return world.sdk.v1.contracts.get_net_balance(customer_id=customer).data.balance

    assert balance(lived) == balance(twin)

    def documents(customer: str) -> list[tuple[str, str]]:
        rows = http.get(f"/v1/customers/{customer}/invoices", params={"status": "FINALIZED", "limit": 100}).json()[
            "data"
        ]
        return sorted((row["number"], row["document_date"]) for row in rows)

    mine = documents(lived)
    assert {number.split("-")[0] for number, _ in mine} == {"TEST"}  # apart from the seller's own series
    assert {date for _, date in mine} > {world.now.date().isoformat()} - {date for _, date in documents(twin)}
    assert [date for _, date in mine] == sorted(date for _, date in mine)
    assert min(date for _, date in mine) < (start + timedelta(days=2)).date().isoformat()


def test_nothing_moves_until_it_is_told_to(world: World, http: httpx.Client) -> None:
    metric, _, card = world.priced(price=10)
    ahead = world.today + timedelta(days=400)
    clock = Clock(http, ahead)
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    world.contract(customer, card, ahead)
    world.use(customer, metric, 3, ahead + timedelta(hours=2))
    [draft] = world.sdk.v1.customers.invoices.list(customer_id=customer)
    assert (draft.status, draft.total) == ("DRAFT", 30)
    run_due_work(clock=now)
    assert [one.status for one in world.sdk.v1.customers.invoices.list(customer_id=customer)] == ["DRAFT"]
    clock.advance(ahead + timedelta(days=33))
    statuses = [one.status for one in world.sdk.v1.customers.invoices.list(customer_id=customer)]
    assert sorted(statuses)[:2] == ["DRAFT", "FINALIZED"]
    [final] = (
        world.sdk.v1.customers.invoices.list(customer_id=customer, status="FINALIZED")[:1]
        if False
        else [
            one
            for one in world.sdk.v1.customers.invoices.list(customer_id=customer)
            if one.status == "FINALIZED" and one.total
        ]
    )
    assert final.total == 30
    voided = world.sdk.v1.invoices.void(id=final.id).data
    again = world.sdk.v1.invoices.regenerate(id=voided.id).data
    found = world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=again.id).data
    assert (found.status, found.total) == ("FINALIZED", 30)  # its period is over, by its customer's clock


def test_what_cannot_be_is_refused(world: World, http: httpx.Client, settings: Any) -> None:
    clock = Clock(http, world.now)
    back = clock.go(world.now - timedelta(seconds=1))
    assert (back.status_code, back.json()["message"][:3]) == (400, "to:"), back.text
    assert clock.go(world.now + timedelta(days=1000)).status_code == 400
    assert clock.go(world.now + timedelta(days=1)).status_code == 200
    assert clock.go(world.now + timedelta(days=2)).status_code == 409
    assert http.post(f"{CLOCKS}/{uuid.uuid4()}/advance", json={"to": world.now.isoformat()}).status_code == 404
    unknown = http.post("/v1/customers", json={"name": "Nobody", "test_clock_id": str(uuid.uuid4())})
    assert (unknown.status_code, unknown.json()["message"]) == (400, "test_clock_id: no such test clock")
    settings.TACTUS_TEST_CLOCKS = False
    refused = http.post(CLOCKS, json={"name": "Live", "now_at": world.now.isoformat()})
    assert refused.status_code == 403
    assert http.post("/v1/customers", json={"name": "Live", "test_clock_id": clock.id}).status_code == 403


def test_the_shell_advances_and_waits(world: World, http: httpx.Client) -> None:
    _, _, card = world.priced(price=10)
    said = StringIO()
    call_command("test_clock", "create", "From the shell", "--at", world.days_ago(40).isoformat(), stdout=said)
    clock_id = said.getvalue().split()[0]
    customer = world.customer(extra_body={"test_clock_id": clock_id})
    world.contract(customer, card, world.days_ago(40))
    call_command("test_clock", "advance", clock_id, "--days", "40", stdout=said)
    assert [one.status for one in world.sdk.v1.customers.invoices.list(customer_id=customer)].count("FINALIZED") >= 1
    with pytest.raises(CommandError, match="either"):
        call_command("test_clock", "advance", clock_id)
    assert "From the shell" in said.getvalue()
    assert http.get(CLOCKS).json()["data"][0]["customer_ids"] == [customer]


def test_one_that_is_stopped_goes_on_where_it_stood(
    world: World, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after each step: the next run goes on, and no period is billed twice or never."""
    _, _, card = world.priced(price=10)
    start = world.days_ago(95)
    clock = Clock(http, start)
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    world.contract(customer, card, start, usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"})
    assert clock.go(world.today).status_code == 200
    monkeypatch.setattr("customers.test_clocks.BUDGET_SECONDS", 0.0)
    stops = []
    while clock.read()["status"] == "ADVANCING":
        run_test_clocks(now=now())
        stops.append(clock.read()["now_at"])
    assert stops == sorted(stops)
    assert len(set(stops)) >= 7  # three periods begin, three are issued, and it arrives
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    spans = sorted((one.start_timestamp, one.end_timestamp) for one in found)
    assert [end for _, end in spans[:-1]] == [began for began, _ in spans[1:]]


def test_the_console_lives_in_its_customers_time(world: World, http: httpx.Client) -> None:
    metric, _, card = world.priced(price=10)
    ahead = (world.today + timedelta(days=400)).replace(day=3)
    clock = Clock(http, ahead)
    customer = world.customer(extra_body={"test_clock_id": clock.id})
    world.contract(customer, card, ahead)
    world.use(customer, metric, 3, ahead + timedelta(hours=2))
    url = world.sdk.v1.dashboards.get_embeddable_url(customer_id=customer, dashboard="invoices").data.url
    answer = http.post("/tactus/v1/embed/exchange", json={"token": url.partition("#token=")[2]})
    access = answer.json()["data"]["access_token"]
    page = http.get("/console/panels/charged", headers={"Authorization": f"Bearer {access}"})
    assert page.status_code == 200
    assert f"{ahead:%b %Y}" in page.text or f"{ahead:%B}" in page.text, page.text
