"""Usage after its invoice was final, and how long events are kept for invoices that are not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from metronome import Metronome

from billing.services import retention
from tests.scenarios.world import World, exact

pytestmark = pytest.mark.calendar


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def unbilled(http: httpx.Client, customer: str) -> Any:
    answer = http.get(f"/tactus/v1/customers/{customer}/unbilled-usage")
    assert answer.status_code == 200
    return answer.json()["data"]


def test_late_usage_is_shown_and_the_invoice_stays(http: httpx.Client, world: World) -> None:
    metric, _, card = world.priced(price=10)
    customer = world.customer()
    world.contract(
        customer, card, world.days_ago(20), usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"}
    )
    late, later = world.days_ago(18), world.days_ago(10)
    world.use(customer, metric, 3, at=late)
    world.use(customer, metric, 5, at=later)
    world.run_due_work()
    final = world.invoice(customer, at=late)
    assert (final.status, exact(final.total)) == ("FINALIZED", 30)
    assert unbilled(http, customer) == []

    world.use(customer, metric, 4, at=late)
    world.use(customer, metric, 1, at=world.days_ago(2))  # in the open period
    [found] = unbilled(http, customer)
    assert (found["invoice_id"], found["amount"]) == (final.id, 40)
    [line] = found["line_items"]
    assert [line[name] for name in ("invoiced_quantity", "invoiced_total", "quantity", "amount")] == [3, 30, 4, 40]
    assert exact(world.invoice(customer, at=late).total) == 30

    world.use(customer, metric, -5, at=later)  # a correction: nothing is left of the line
    assert [(entry["amount"], entry["starting_at"] > found["starting_at"]) for entry in unbilled(http, customer)] == [
        (-50, True), (40, False),
    ]  # fmt: skip


def test_a_rate_that_changed_later_is_no_usage(http: httpx.Client, world: World) -> None:
    metric, product, card = world.priced(price=10)
    customer = world.customer()
    schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    world.contract(customer, card, world.days_ago(15), usage_statement_schedule=schedule)
    world.use(customer, metric, 3, at=world.days_ago(14))
    world.run_due_work()
    world.rate(card, product, price=99)
    world.rate(
        card, product, price=7, starting_at=world.days_ago(14) + timedelta(hours=3)
    )  # cuts the week's line in two
    assert unbilled(http, customer) == []


def test_what_follows_from_late_usage_is_late_too(http: httpx.Client, world: World) -> None:
    """Of usage in a custom unit, only its conversion and the fee on it count in money."""
    unit = world.sdk.v1.pricing_units.create(name="Late credits").data.id
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 2}
    card, metric = world.card(credit_type_conversions=[conversion]), world.metric()
    world.rate(card, world.product(metric, "In credits"), price=10, credit_type_id=unit)
    plain = world.product(metric, "In cents")
    world.rate(card, plain, price=1)
    fee = world.sdk.v1.contracts.products.create(name="Fee", type="COMPOSITE", composite_product_ids=[plain]).data.id
    world.rate(card, fee, price=0.5, rate_type="PERCENTAGE")
    customer = world.customer()
    schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    world.contract(customer, card, world.days_ago(15), usage_statement_schedule=schedule)
    world.use(customer, metric, 3, at=world.days_ago(14))
    world.run_due_work()
    assert unbilled(http, customer) == []
    world.use(customer, metric, 4, at=world.days_ago(14))
    [found] = unbilled(http, customer)
    assert [(line["quantity"], line["amount"]) for line in found["line_items"]] == [(4, 4), (4, 40), (4, 2), (40, 80)]
    assert found["amount"] == 4 + 2 + 80


def test_another_customers_is_not_found(http: httpx.Client, db: None) -> None:
    answer = http.get("/tactus/v1/customers/00000000-0000-4000-8000-000000000000/unbilled-usage")
    assert answer.status_code == 404


# ---- retention -----------------------------------------------------------------------------------------------------
@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The times before which months were asked to be dropped. The store's own part: tests/usage/test_storage.py."""
    asked: list[datetime] = []

    def drop(*, before: datetime) -> tuple[datetime, ...]:
        asked.append(before)
        return ()

    monkeypatch.setattr(retention, "drop_events", drop)
    return asked


def test_everything_is_kept_by_default(db: None, cuts: list[datetime]) -> None:
    assert retention.drop_old_events(now=datetime(2026, 11, 20, tzinfo=UTC)) == 0
    assert cuts == []


@pytest.mark.parametrize(
    ("months", "limit"), [(1, (2026, 1)), (2, (2025, 12)), (14, (2024, 12))], ids=["one", "two", "fourteen"]
)
def test_whole_months_besides_the_current_one(
    db: None, cuts: list[datetime], settings: LazySettings, months: int, limit: tuple[int, int]
) -> None:
    settings.TACTUS_USAGE_RETENTION_MONTHS = months
    retention.drop_old_events(now=datetime(2026, 2, 20, 5, tzinfo=UTC))
    assert cuts == [datetime(*limit, 1, tzinfo=UTC)]


def test_never_while_an_invoice_that_is_not_final_needs_them(
    world: World, cuts: list[datetime], settings: LazySettings
) -> None:
    settings.TACTUS_USAGE_RETENTION_MONTHS = 1
    metric, _, card = world.priced(price=10)
    customer = world.customer()
    start = world.days_ago(100)
    world.contract(customer, card, start)
    retention.drop_old_events(now=world.now)
    assert cuts.pop() == start  # the oldest draft
    world.run_due_work()
    retention.drop_old_events(now=world.now)
    month = (world.today.replace(day=1) - timedelta(days=1)).replace(day=1)
    assert month <= max(cuts) <= world.today
    oldest = world.invoice(customer, at=start)
    world.sdk.v1.invoices.void(id=oldest.id)
    retention.drop_old_events(now=world.now)
    assert cuts.pop() == start  # may be billed anew
    assert metric.id
