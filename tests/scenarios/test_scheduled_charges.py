"""What a contract charges, or takes off, by date: schedules, invoices, edits, ends. Amounts are US cents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome

from tests.scenarios.world import World

NOV, FEB, MAY, AUG, NEXT = (
    datetime(year, month, 1, tzinfo=UTC) for year, month in ((2024, 11), (2025, 2), (2025, 5), (2025, 8), (2025, 11))
)


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def fixed(world: World, name: str = "Platform fee", **more: Any) -> str:
    return world.sdk.v1.contracts.products.create(name=name, type="FIXED", **more).data.id


def quarterly(product: str, distribution: str = "EACH", price: float = 100_000, **more: Any) -> dict[str, Any]:
    schedule = {
        "frequency": "QUARTERLY", "amount_distribution": distribution, "unit_price": price, "quantity": 1,
        "starting_at": NOV, "ending_before": NEXT,
    }  # fmt: skip
    return {"product_id": product, "schedule": {"recurring_schedule": schedule}, **more}


def dated(product: str, *items: tuple[datetime, float], **more: Any) -> dict[str, Any]:
    rows = [{"timestamp": at, "amount": amount} for at, amount in items]
    return {"product_id": product, "schedule": {"schedule_items": rows}, **more}


def scheduled(world: World, customer: str) -> list[Any]:
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    return sorted((one for one in found if one.type == "SCHEDULED"), key=lambda one: one.issued_at)


def lines(invoice: Any) -> list[tuple[str, Any, Any, Any]]:
    return [(line.type, line.quantity, line.unit_price, line.total) for line in invoice.line_items]


def shown(world: World, customer: str, contract: str) -> Any:
    return world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data


def test_a_fee_each_quarter(world: World, http: httpx.Client) -> None:
    product = fixed(world)
    customer = world.customer()
    charge = quarterly(product, name="Support", custom_fields={"team": "east"}, netsuite_sales_order_id="SO-1")
    contract = world.contract(customer, None, NOV, ending_before=NEXT, scheduled_charges=[charge])
    [told] = shown(world, customer, contract).scheduled_charges
    assert (told.name, told.product.id, told.custom_fields, told.netsuite_sales_order_id) == (
        "Support", product, {"team": "east"}, "SO-1",
    )  # fmt: skip
    assert [item.timestamp for item in told.schedule.schedule_items] == [NOV, FEB, MAY, AUG]
    world.run_due_work()
    invoices = scheduled(world, customer)
    assert [(one.status, one.total, one.issued_at) for one in invoices] == [
        ("FINALIZED", 100_000, at) for at in (NOV, FEB, MAY, AUG)
    ]
    for one in invoices:
        [line] = one.line_items
        assert (line.type, line.name, line.quantity, line.total) == ("scheduled", "Support", 1, 100_000)
        assert (line.scheduled_charge_id, line.scheduled_charge_custom_fields) == (told.id, {"team": "east"})
    [again] = shown(world, customer, contract).scheduled_charges
    assert [item.invoice_id for item in again.schedule.schedule_items] == [one.id for one in invoices]
    v1 = world.sdk.v1.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert [one.id for one in v1.current.scheduled_charges] == [told.id]
    why = http.get(
        f"/tactus/v1/customers/{customer}/invoices/{invoices[0].id}/lines/{invoices[0].line_items[0].id}/explanation"
    )
    assert (why.status_code, why.json()["data"]["charge"]["id"]) == (200, told.id), why.text


@pytest.mark.parametrize(
    ("distribution", "amounts"),
    [
        ("EACH", [1000, 1000, 1000]),
        ("DIVIDED_ROUNDED", [333, 333, 334]),
        ("DIVIDED", [333, 333, 334]),  # exact shares; whole invoices that sum to what was agreed
    ],
)
def test_a_year_in_three_parts(world: World, distribution: str, amounts: list[int]) -> None:
    customer = world.customer()
    schedule = {
        "frequency": "MONTHLY", "amount_distribution": distribution, "amount": 1000,
        "starting_at": datetime(2025, 1, 31, tzinfo=UTC), "ending_before": datetime(2025, 4, 30, tzinfo=UTC),
    }  # fmt: skip
    charge = {"product_id": fixed(world), "schedule": {"recurring_schedule": schedule}}
    world.contract(customer, None, datetime(2025, 1, 1, tzinfo=UTC), scheduled_charges=[charge])
    world.run_due_work()
    invoices = scheduled(world, customer)
    assert [one.issued_at.day for one in invoices] == [31, 28, 31]
    assert [one.total for one in invoices] == amounts


def test_charges_of_one_date_share_an_invoice_and_a_discount_takes_off(world: World) -> None:
    customer = world.customer()
    fee, setup, gift = (fixed(world, name) for name in ("Fee", "Set-up", "Launch discount"))
    contract = world.contract(
        customer, None, NOV,
        scheduled_charges=[dated(fee, (NOV, 5000), (FEB, 5000)), dated(setup, (NOV, 2500))],
        discounts=[dated(gift, (NOV, 1500), (FEB, 9000), custom_fields={"why": "launch"})],
    )  # fmt: skip
    [discount] = shown(world, customer, contract).discounts
    assert [(item.timestamp, item.amount) for item in discount.schedule.schedule_items] == [(NOV, 1500), (FEB, 9000)]
    world.run_due_work()
    first, second = scheduled(world, customer)
    assert lines(first) == [
        ("scheduled", 1, 5000, 5000), ("scheduled", 1, 2500, 2500), ("discount", 1, -1500, -1500)
    ]  # fmt: skip
    assert first.total == 6000
    assert (first.line_items[-1].discount_id, first.line_items[-1].discount_custom_fields) == (
        discount.id, {"why": "launch"},
    )  # fmt: skip
    # of 90.00 agreed it takes off what there is, 50.00, and no more
    assert (lines(second)[-1], second.total) == (("discount", 1, -5000, -5000), 0)
    voided = world.sdk.v1.invoices.void(id=first.id).data
    again = world.sdk.v1.invoices.regenerate(id=voided.id).data
    assert world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=again.id).data.total == 6000


def test_on_the_usage_invoice_that_ends_then(world: World) -> None:
    metric, _, card = world.priced(price=10)
    customer = world.customer()
    start = world.days_ago(20)
    ends = start + timedelta(days=7)
    world.contract(
        customer, card, start,
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
        scheduled_charges_on_usage_invoices="ALL",
        scheduled_charges=[dated(fixed(world), (ends, 700))],
        discounts=[dated(fixed(world, "Welcome"), (ends, 250))],
    )  # fmt: skip
    world.use(customer, metric, 12, start + timedelta(days=2))
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    [draft] = [one for one in found if one.end_timestamp == ends]
    assert (draft.status, draft.total) == ("DRAFT", 120 + 700 - 250)
    world.run_due_work()
    final = world.sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=draft.id).data
    assert (final.status, final.total) == ("FINALIZED", 570)
    assert sorted(line.type for line in final.line_items) == ["discount", "scheduled", "usage"]
    assert scheduled(world, customer) == []
    days = world.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=customer, starting_on=start, ending_before=ends, window_size="DAY"
    )
    assert sum(day.subtotal for day in days) == 570


def test_edits_change_what_no_final_invoice_holds(world: World) -> None:
    customer = world.customer()
    product = fixed(world)
    later, latest = world.today + timedelta(days=40), world.today + timedelta(days=80)
    contract = world.contract(customer, None, NOV, scheduled_charges=[dated(product, (FEB, 500), (later, 600))])
    world.run_due_work()
    [charge] = shown(world, customer, contract).scheduled_charges
    past, coming = charge.schedule.schedule_items
    edit = world.sdk.v2.contracts.edit
    for change in (
        {"remove_schedule_items": [{"id": past.id}]},
        {"update_schedule_items": [{"id": past.id, "amount": 1}]},
    ):
        with pytest.raises(BadRequestError) as refused:
            edit(
                contract_id=contract,
                customer_id=customer,
                update_scheduled_charges=[{"scheduled_charge_id": charge.id, "invoice_schedule": change}],
            )
        assert "finalized" in refused.value.body["message"]  # type: ignore[index]
        assert refused.value.body["message"].startswith("update_scheduled_charges.0.invoice_schedule")  # type: ignore[index]
    told = edit(
        contract_id=contract,
        customer_id=customer,
        update_scheduled_charges=[{
            "scheduled_charge_id": charge.id,
            "invoice_schedule": {
                "update_schedule_items": [{"id": coming.id, "amount": 650}],
                "add_schedule_items": [{"timestamp": latest, "unit_price": 5, "quantity": 20}],
            },
        }],
        add_scheduled_charges=[dated(product, (latest, 40), name="One-off")],
    ).data.edit  # fmt: skip
    assert told.update_scheduled_charges is not None
    assert told.update_scheduled_charges[0].id == charge.id
    assert told.add_scheduled_charges is not None
    drafts = [one for one in scheduled(world, customer) if one.status == "DRAFT"]
    assert [(one.issued_at, one.total) for one in drafts] == [(later, 650), (latest, 140)]
    one_off = told.add_scheduled_charges[0].id
    edit(contract_id=contract, customer_id=customer, archive_scheduled_charges=[{"id": one_off}])
    drafts = [one for one in scheduled(world, customer) if one.status == "DRAFT"]
    assert [one.total for one in drafts] == [650, 100]
    assert [one.id for one in shown(world, customer, contract).scheduled_charges] == [charge.id]
    history = world.sdk.v2.contracts.get_edit_history(contract_id=contract, customer_id=customer).data
    assert [bool(one.archive_scheduled_charges) for one in history] == [False, True]


def test_what_ends_charges_no_more(world: World) -> None:
    product = fixed(world)
    customer = world.customer()
    ends = world.today + timedelta(days=30)
    dates = [(world.today + timedelta(days=days), 100.0) for days in (10, 30, 50)]
    contract = world.contract(customer, None, world.days_ago(3), scheduled_charges=[dated(product, *dates)])
    assert [one.total for one in scheduled(world, customer)] == [100, 100, 100]
    world.sdk.v1.contracts.update_end_date(contract_id=contract, customer_id=customer, ending_before=ends)
    assert [one.issued_at for one in scheduled(world, customer)] == [dates[0][0]]
    world.sdk.v1.contracts.archive(contract_id=contract, customer_id=customer, void_invoices=True)
    assert [one for one in scheduled(world, customer) if one.status != "VOID"] == []


@pytest.mark.parametrize(
    ("charge", "message"),
    [
        ({"schedule": {}}, "scheduled_charges.0.schedule"),
        ({"schedule": {"schedule_items": [{"timestamp": FEB, "amount": -1}]}}, "scheduled_charges.0.schedule"),
        ({"product_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2"}, "scheduled_charges.0.product_id: no such product"),
        ({"schedule": {"schedule_items": [{"timestamp": AUG, "amount": 1}]}}, "scheduled_charges.0.schedule: an item"),
    ],
)
def test_what_cannot_be_is_refused(world: World, charge: dict[str, Any], message: str) -> None:
    customer = world.customer()
    with pytest.raises(BadRequestError) as refused:
        world.contract(
            customer, None, NOV, ending_before=MAY, scheduled_charges=[dated(fixed(world), (FEB, 1)) | charge]
        )
    assert refused.value.body["message"].startswith(message), refused.value.body  # type: ignore[index]
    assert list(world.sdk.v1.contracts.list(customer_id=customer)) == []
