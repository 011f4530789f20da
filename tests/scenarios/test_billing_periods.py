"""Which periods are billed, and when: frequencies and anchors, ends that move, down time, grace."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from metronome import APIStatusError, ConflictError, Metronome

from billing.models import BillingCursor
from billing.services.periods import open_due_periods
from invoices.models import InvoiceListing
from tests.scenarios.world import World, exact

pytestmark = pytest.mark.calendar

# frequency, day, billing anchor date, start of the contract, starts of the first periods
PERIODS = """
MONTHLY   FIRST_OF_MONTH -                    2024-01-31    2024-01-31 2024-02-01 2024-03-01 2024-04-01
MONTHLY   CONTRACT_START -                    2024-01-31    2024-01-31 2024-02-29 2024-03-31 2024-04-30
MONTHLY   CONTRACT_START -                    2023-01-30    2023-01-30 2023-02-28 2023-03-30 2023-04-30
MONTHLY   CONTRACT_START -                    2024-01-31T13 2024-01-31T13 2024-02-29T13 2024-03-31T13
MONTHLY   CUSTOM_DATE    2023-12-10T00:00:00Z 2024-01-15    2024-01-15 2024-02-10 2024-03-10
MONTHLY   CUSTOM_DATE    2024-03-05T18:00:00Z 2024-01-15    2024-01-15 2024-02-05 2024-03-05
QUARTERLY CONTRACT_START -                    2023-11-30    2023-11-30 2024-02-29 2024-05-30
QUARTERLY FIRST_OF_MONTH -                    2024-02-10    2024-02-10 2024-05-01 2024-08-01
ANNUAL    CONTRACT_START -                    2020-02-29    2020-02-29 2021-02-28 2022-02-28 2023-02-28 2024-02-29
ANNUAL    FIRST_OF_MONTH -                    2022-03-15    2022-03-15 2023-03-01 2024-03-01
WEEKLY    FIRST_OF_MONTH -                    2024-02-28    2024-02-28 2024-03-04 2024-03-11
WEEKLY    CONTRACT_START -                    2024-02-28    2024-02-28 2024-03-06 2024-03-13
"""


@pytest.mark.parametrize("row", PERIODS.strip().splitlines())
def test_periods_follow_frequency_and_anchor(world: World, row: str) -> None:
    frequency, day, anchor, start, *expected = row.split()
    schedule = {"frequency": frequency, "day": day} | ({} if anchor == "-" else {"billing_anchor_date": anchor})
    customer = world.customer()
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    world.contract(customer, None, begins, usage_statement_schedule=schedule)
    found = world.invoices(customer, limit=100)
    starts = [f"{invoice.start_timestamp:%Y-%m-%dT%H}".removesuffix("T00") for invoice in found]
    assert starts[: len(expected)] == expected
    assert all(before.end_timestamp == after.start_timestamp for before, after in pairwise(found))
    assert found[-1].start_timestamp <= world.now < found[-1].end_timestamp


def test_a_contract_without_a_rate_card_is_billed_nothing_in_usd(world: World) -> None:
    customer = world.customer()
    world.open_contract(customer, None, 9, "WEEKLY")
    world.run_due_work()
    first, draft = world.invoices(customer)
    assert (first.status, exact(first.total), first.line_items, first.credit_type.name) == (
        "FINALIZED",
        0,
        [],
        "USD (cents)",
    )
    assert (draft.status, exact(draft.total)) == ("DRAFT", 0)


def test_a_contract_of_the_future_has_no_draft_until_it_begins(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    begins = world.days_ago(-2)
    contract = world.open_contract(customer, card, -2, "WEEKLY")
    world.use(customer, metric, 1, world.now)  # before it
    world.run_due_work(until=begins - timedelta(seconds=1))
    assert world.invoices(customer) == []
    world.run_due_work(until=begins)
    [draft] = world.invoices(customer)
    assert (draft.start_timestamp, draft.status, exact(draft.total)) == (begins, "DRAFT", 0)
    world.sdk.v1.contracts.update_end_date(contract_id=contract, customer_id=customer, ending_before=world.days_ago(-4))
    world.run_due_work(until=world.days_ago(-30))
    assert [(row.status, row.end_timestamp) for row in world.invoices(customer)] == [("FINALIZED", world.days_ago(-4))]


def test_after_days_of_down_time_all_periods_are_caught_up_in_order(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card, 0, "WEEKLY")
    world.use(customer, metric, 2, world.now)
    later = world.today + timedelta(days=37)
    world.run_due_work(until=later)  # as after five weeks without a worker
    rows = world.invoices(customer)
    assert [row.status for row in rows] == ["FINALIZED"] * 5 + ["DRAFT"]
    assert [exact(row.total) for row in rows] == [200, 0, 0, 0, 0, 0]
    numbers = [row.number for row in rows[:5]]
    assert numbers == sorted(numbers)
    assert rows[-1].start_timestamp <= later < rows[-1].end_timestamp
    assert BillingCursor.objects.get().next_period_at == rows[-1].end_timestamp


@pytest.mark.usefixtures("grace_of_a_day")
def test_a_boundary_that_passes_makes_the_next_draft_beside_the_one_in_its_grace(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card, 6, "WEEKLY")
    world.use(customer, metric, 1, world.days_ago(3))
    boundary = world.days_ago(-1)
    world.run_due_work(until=boundary)
    assert [(row.status, row.start_timestamp) for row in world.invoices(customer)] == [
        ("DRAFT", world.days_ago(6)),
        ("DRAFT", boundary),
    ]
    world.run_due_work(until=boundary + timedelta(hours=24) - timedelta(seconds=1))
    assert [row.status for row in world.invoices(customer)] == ["DRAFT", "DRAFT"]
    world.run_due_work(until=boundary + timedelta(hours=24))
    assert [row.status for row in world.invoices(customer)] == ["FINALIZED", "DRAFT"]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (20, [20, 14, 7, 0]),  # in the middle of a week: a partial period, and what lies before was billed elsewhere
        (14, [14, 7, 0]),
        (-3, [-3]),
        (400, [35, 28, 21, 14, 7, 0]),
    ],
)
def test_generation_may_start_later_than_the_contract(world: World, first: int, expected: list[int]) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    for days in (21, 19):
        world.use(customer, metric, days, world.days_ago(days))
    schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START", "invoice_generation_starting_at": world.days_ago(first)}
    world.contract(customer, card, world.days_ago(35), usage_statement_schedule=schedule)
    world.run_due_work(until=max(world.now, world.days_ago(min(expected))))
    rows = world.invoices(customer)
    assert [row.start_timestamp for row in rows] == [world.days_ago(days) for days in expected]
    assert sum(exact(row.total) for row in rows) == 100 * sum(days for days in (21, 19) if days <= first)


def test_a_longer_grace_holds_for_drafts_whose_period_ends_after_the_change(world: World, settings: Any) -> None:
    customer = world.customer()
    world.open_contract(customer, None, 6, "WEEKLY")
    settings.TACTUS_GRACE_HOURS = 72
    end = world.days_ago(-1)
    world.run_due_work(until=end + timedelta(hours=71))
    assert [row.status for row in world.invoices(customer)] == ["DRAFT", "DRAFT"]
    world.run_due_work(until=end + timedelta(hours=72))
    first = world.invoices(customer)[0]
    assert (first.status, first.issued_at) == ("FINALIZED", end + timedelta(hours=72))


# --- ends that move, invoices made void -------------------------------------------------------------------------------
def test_the_rest_of_a_period_survives_that_its_first_part_is_made_void(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    contract = world.open_contract(customer, card, 10)
    ids = {"contract_id": contract, "customer_id": customer}
    world.use(customer, metric, 1, world.days_ago(9))
    world.use(customer, metric, 5, world.days_ago(2))
    world.sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(5))
    world.run_due_work()
    world.sdk.v1.contracts.update_end_date(**ids)
    first, rest = world.invoices(customer)
    world.sdk.v1.invoices.void(id=first.id)
    world.sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(-90))  # drafts follow once more
    kept = world.invoices(customer)
    assert [(row.id, row.status, exact(row.total)) for row in kept] == [
        (first.id, "VOID", 100),
        (rest.id, "DRAFT", 500),
    ]
    world.sdk.v1.invoices.regenerate(id=first.id)
    world.run_due_work(until=world.days_ago(-40))
    final = world.invoices(customer, status="FINALIZED")
    assert sorted(exact(row.total) for row in final) == [100, 500]


@pytest.mark.usefixtures("grace_of_a_day")
def test_a_regenerated_invoice_is_cut_where_the_contract_now_ends(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    contract = world.open_contract(customer, card, 14, "WEEKLY")
    ids = {"contract_id": contract, "customer_id": customer}
    world.use(customer, metric, 1, world.days_ago(13))
    world.use(customer, metric, 2, world.days_ago(9))
    world.run_due_work()
    first = world.invoice(customer, at=world.days_ago(13))
    assert exact(first.total) == 300
    world.sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(10))
    assert [row.id for row in world.invoices(customer)] == [first.id]  # final invoices never change, later drafts go
    world.sdk.v1.invoices.void(id=first.id)
    made = world.sdk.v1.invoices.regenerate(id=first.id).data.id
    again = world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=made).data
    assert (again.end_timestamp, exact(again.total), again.status) == (world.days_ago(10), 100, "FINALIZED")
    world.sdk.v1.invoices.void(id=made)
    world.sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(14) + timedelta(hours=1))
    world.sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(10))
    assert {row.status for row in world.invoices(customer)} == {"VOID"}


def test_a_void_invoice_after_the_contracts_end_cannot_be_billed_again(world: World) -> None:
    customer = world.customer()
    contract = world.open_contract(customer, None, 20, "WEEKLY")
    world.run_due_work()
    second = world.invoice(customer, at=world.days_ago(10))
    world.sdk.v1.invoices.void(id=second.id)
    world.sdk.v1.contracts.update_end_date(contract_id=contract, customer_id=customer, ending_before=world.days_ago(15))
    with pytest.raises(ConflictError, match="ends before"):
        world.sdk.v1.invoices.regenerate(id=second.id)


# --- at the same time -------------------------------------------------------------------------------------------------
def test_void_regenerate_archive_and_sweeps_at_once_bill_each_period_at_most_once(live_sdk: Metronome) -> None:
    world = World(live_sdk)
    _, _, card = world.priced(price=1)
    customer = world.customer()
    contract = world.open_contract(customer, card, 30, "WEEKLY")
    ids = {"contract_id": contract, "customer_id": customer}
    world.run_due_work()
    [first, *_] = world.invoices(customer)
    codes: list[int] = []

    def act(number: int) -> None:
        calls = (
            lambda: live_sdk.v1.invoices.void(id=first.id),
            lambda: live_sdk.v1.invoices.regenerate(id=first.id),
            lambda: live_sdk.v1.contracts.update_end_date(**ids, ending_before=world.days_ago(number % 9)),
            lambda: live_sdk.v1.contracts.update_end_date(**ids),
            world.run_due_work,
            lambda: open_due_periods(now=world.now + timedelta(days=number)),
        )
        try:
            calls[number % len(calls)]()
        except APIStatusError as error:
            codes.append(error.status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(36)))
    assert set(codes) <= {400, 409}
    assert codes.count(400) + codes.count(409) <= 12  # only void and regenerate can come too late or too early
    living = InvoiceListing.objects.exclude(status="VOID").order_by("period_start")
    spans = [(row.period_start, row.period_end) for row in living]
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans
    numbers = sorted(
        int(number.rsplit("-", 1)[1])
        for number in InvoiceListing.objects.exclude(number=None).values_list("number", flat=True)
    )
    assert numbers == list(range(1, len(numbers) + 1))
    live_sdk.v1.contracts.archive(**ids, void_invoices=True)
    assert {row.status for row in world.invoices(customer)} == {"VOID"}


def test_a_void_invoice_is_regenerated_once_however_many_ask(live_sdk: Metronome) -> None:
    world = World(live_sdk)
    customer = world.customer()
    world.open_contract(customer, None, 9, "WEEKLY")
    world.run_due_work()
    first = world.invoice(customer, at=world.days_ago(8))

    def ask(act: Any) -> bool:
        try:
            act(id=first.id)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, [live_sdk.v1.invoices.void] * 6)) == 1
        assert sum(pool.map(ask, [live_sdk.v1.invoices.regenerate] * 6)) == 1
    assert [row.status for row in world.invoices(customer)].count("FINALIZED") == 1


def test_one_contract_that_cannot_be_followed_holds_no_other_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from billing import periods as billing_periods

    bad, good = (
        world.open_contract(world.customer(), None, 6, "WEEKLY"),
        world.open_contract(world.customer(), None, 6, "WEEKLY"),
    )
    real = billing_periods.billing_schedule

    def billing_schedule(contract: Any) -> Any:
        if str(contract.pk) == bad:
            raise ValueError("odd terms")
        return real(contract)

    monkeypatch.setattr(billing_periods, "billing_schedule", billing_schedule)
    boundary = world.days_ago(-1)
    assert open_due_periods(now=boundary) == 2
    assert list(InvoiceListing.objects.filter(period_start=boundary).values_list("contract_id", flat=True)) != []
    begun = InvoiceListing.objects.filter(period_start=boundary)
    assert {str(pk) for pk in begun.values_list("contract_id", flat=True)} == {good}
    monkeypatch.undo()
    assert open_due_periods(now=boundary + timedelta(hours=2)) == 1
    assert InvoiceListing.objects.filter(period_start=boundary).count() == 2
