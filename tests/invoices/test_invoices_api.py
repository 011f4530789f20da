"""Invoices through the SDK: filters, shapes, refusals, and how many queries a list takes."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from billing.api.schema import BreakdownOutput, ExplanationOutput, InvoiceOutput, LineOutput, TierOutput, UnratedOutput
from core.api.output import Output
from invoices.models import Invoice, InvoiceDocument
from tests.odd_input import Endpoint, faults
from tests.scenarios.world import USD, World, exact

pytestmark = pytest.mark.calendar

NOBODY = str(uuid.uuid4())
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


@pytest.fixture
def billed(world: World) -> tuple[str, str, str]:
    """A customer with two contracts: weekly from 17 days ago, with a draft and finals, and a monthly one of today."""
    metric, _, card = world.priced(tiers=[{"size": 2, "price": "0.5"}, {"price": 3}])
    customer = world.customer(custom_fields={"tier": "gold"})
    weekly = world.open_contract(customer, card, 17, "WEEKLY")
    monthly = world.open_contract(customer, None, 0)
    world.use(customer, metric, 3, world.days_ago(16))
    world.use(customer, metric, 1, world.days_ago(1))
    world.run_due_work()
    return customer, weekly, monthly


def test_lists_are_filtered_and_sorted(world: World, billed: tuple[str, str, str]) -> None:
    customer, weekly, monthly = billed

    def seen(**query: Any) -> list[tuple[str, datetime]]:
        return [(row.contract_id, row.start_timestamp) for row in world.invoices(customer, **query)]

    starts = [
        (weekly, world.days_ago(17)),
        (weekly, world.days_ago(10)),
        (weekly, world.days_ago(3)),
        (monthly, world.today),
    ]
    assert seen() == seen(limit=1) == seen(sort="date_asc") == seen(type="USAGE") == seen(credit_type_id=USD) == starts
    assert seen(sort="date_desc") == seen(sort="date_desc", limit=1) == starts[::-1]
    assert seen(status="FINALIZED") == seen(status="finalized") == starts[:2]
    assert seen(status="DRAFT") == starts[2:]
    assert seen(contract_id=monthly) == starts[3:]
    assert seen(starting_on=world.days_ago(10)) == starts[1:]
    assert seen(ending_before=world.days_ago(3)) == starts[:2]
    assert seen(starting_on=world.days_ago(10), ending_before=world.days_ago(3)) == starts[1:2]
    assert (
        seen(status="VOID") == seen(type="SCHEDULED") == seen(credit_type_id=NOBODY) == seen(contract_id=NOBODY) == []
    )
    empty = world.invoices(customer, starting_on=world.days_ago(10), status="FINALIZED", skip_zero_qty_line_items=True)
    assert [row.line_items for row in empty] == [[]]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "PAID"},
        {"sort": "up"},
        {"type": "x"},
        {"contract_id": "x"},
        {"credit_type_id": "5"},
        {"starting_on": "2026-01-01"},
        {"ending_before": "x"},
        {"skip_zero_qty_line_items": "1"},
        {"limit": "0"},
        {"next_page": "x"},
        {"status": "\x00"},
    ],
)
def test_odd_filters_are_refused_by_name(http: httpx.Client, world: World, query: dict[str, str]) -> None:
    customer = world.customer()
    whole = {"starting_on": "2026-01-01T00:00:00Z", "ending_before": "2026-02-01T00:00:00Z"}
    for path, more in (("", {}), ("/breakdowns", whole)):
        if path and next(iter(query)) in ("type", "contract_id"):
            continue
        answer = http.get(f"/v1/customers/{customer}/invoices{path}", params=more | query)
        assert (answer.status_code, next(iter(query)) in answer.json()["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "starting_on"),
        ({"starting_on": JANUARY}, "ending_before"),
        ({"ending_before": JANUARY}, "starting_on"),
        ({"starting_on": JANUARY, "ending_before": JANUARY}, "ending_before"),
        ({"starting_on": JANUARY, "ending_before": JANUARY + timedelta(1), "window_size": "WEEK"}, "window_size"),
    ],
)
def test_breakdowns_need_a_range(http: httpx.Client, world: World, query: dict[str, Any], field: str) -> None:
    params = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in query.items()}
    answer = http.get(f"/v1/customers/{world.customer()}/invoices/breakdowns", params=params)
    assert (answer.status_code, answer.json()["message"].split(":")[0]) == (400, field)


def test_breakdowns_come_in_pages_of_35_days_or_24_hours(world: World) -> None:
    metric, _, card = world.priced(price=1)
    customer = world.customer()
    world.open_contract(customer, card, 80)
    for days in (30, 20, 1):
        world.use(customer, metric, days, world.days_ago(days) + timedelta(hours=5))
    span = {"customer_id": customer, "starting_on": world.days_ago(80), "ending_before": world.days_ago(-1)}
    breakdowns = world.sdk.v1.customers.invoices.list_breakdowns
    pages = [page.data for page in breakdowns(**span).iter_pages()]
    assert [len(page) for page in pages] == [35, 35, 11]
    forward = [part.breakdown_start_timestamp for page in pages for part in page]
    assert forward == [world.days_ago(days) for days in range(80, -1, -1)]
    backward = [part.breakdown_start_timestamp for part in breakdowns(**span, sort="date_desc")]
    assert backward == forward[::-1]
    busy = [part for page in pages for part in page if part.line_items and part.total]
    assert [exact(part.total) for part in busy] == [30, 20, 1]
    hours = {**span, "starting_on": world.days_ago(30), "ending_before": world.days_ago(28), "window_size": "HOUR"}
    pages = [page.data for page in breakdowns(**hours).iter_pages()]
    assert [len(page) for page in pages] == [24, 24]
    assert [exact(part.total) for part in pages[0] if part.total] == [30]
    assert list(breakdowns(**span, status="FINALIZED", credit_type_id=NOBODY)) == []


PAYING = (
    "commit_id", "commit_segment_id", "commit_type", "commit_custom_fields", "commit_netsuite_sales_order_id",
    "applied_commit_or_credit", "postpaid_commit", "quantity_consumed", "subscription_id", "subscription_custom_fields",
    "scheduled_charge_id", "scheduled_charge_custom_fields", "discount_id", "discount_custom_fields",
)  # fmt: skip
"""What only lines of balances, subscriptions and dates have."""
ISSUED = ("issued_at", "regenerated_from_invoice_id", "payer")
"""What only documents have, or only those of child contracts."""
LABELS = ("product_tags", "custom_fields", "netsuite_item_id", "commit_netsuite_item_id", "is_prorated", "list_price")
"""What only lines of some products have, or who asks."""
OTHER = ("contributions", "proration", "before", "drawn", "after", "amount", "due", "charge")
"""What only other lines' explanations have."""


def test_answers_have_the_fields_that_openapi_promises(http: httpx.Client, world: World) -> None:
    metric = world.metric(groups=[["region"], ["region", "team"]])
    product = world.product(metric, pricing_group_key=["region"], presentation_group_key=["team"])
    card = world.card()
    world.rate(card, product, tiers=[{"size": 1, "price": 1}, {"price": 2}], pricing_group_values={"region": "us"})
    customer = world.customer()
    known = {"netsuite_sales_order_id": "SO-1", "salesforce_opportunity_id": "006A"}
    world.open_contract(customer, card, 8, "WEEKLY", **known)
    for region in ("us", "moon"):
        world.use(customer, metric, 3, world.days_ago(5), region=region, team="a")

    def same(shown: dict[str, Any], output: type[Output], *maybe: str) -> None:
        assert shown.keys() - set(maybe) == output().fields.keys() - set(maybe), output

    url = f"/v1/customers/{customer}/invoices"
    for _ in range(2):  # as a draft, then finalized
        listed = http.get(url).json()["data"][0]
        read = http.get(f"{url}/{listed['id']}").json()["data"]
        assert read == listed
        same(read, InvoiceOutput, *ISSUED)
        line = read["line_items"][0]
        same(line, LineOutput, *PAYING, *LABELS)
        same(line["tier"], TierOutput)
        same(read["unrated"][0], UnratedOutput)
        explained = http.get(f"/tactus{url}/{read['id']}/lines/{line['id']}/explanation").json()["data"]
        same(explained, ExplanationOutput, *OTHER)
        world.run_due_work(until=world.now + timedelta(days=2))
    params = {"starting_on": world.days_ago(5).isoformat(), "ending_before": world.days_ago(4).isoformat()}
    same(http.get(f"{url}/breakdowns", params=params).json()["data"][0], BreakdownOutput, *ISSUED)


def test_the_sdk_reads_an_invoice_in_all_its_states(world: World, billed: tuple[str, str, str]) -> None:
    customer, weekly, _ = billed
    first, zero, draft, _today = world.invoices(customer)
    assert (first.status, exact(first.total), exact(first.subtotal), first.number) == ("FINALIZED", 4, 4, first.number)
    assert (exact(zero.total), draft.status, exact(draft.total), draft.issued_at) == (0, "DRAFT", 1, None)
    assert [line.quantity for line in zero.line_items] == [0]  # a product without group keys shows a zero line
    assert exact(first.rounding) + sum(exact(line.total) for line in first.line_items) == exact(first.total)
    assert (first.customer_custom_fields, first.contract_id, first.credit_type.id) == ({"tier": "gold"}, weekly, USD)
    retrieve = world.sdk.v1.customers.invoices.retrieve
    for row in (first, draft):
        assert retrieve(customer_id=customer, invoice_id=row.id).data.to_dict() == row.to_dict()
    assert retrieve(customer_id=customer, invoice_id=zero.id, skip_zero_qty_line_items=True).data.line_items == []
    pdf = world.sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=first.id)
    assert pdf.headers["Content-Disposition"] == f'attachment; filename="{first.number}.pdf"'
    assert pdf.read() == bytes(InvoiceDocument.objects.get(pk=first.id).pdf)
    assert world.sdk.v1.invoices.void(id=first.id).data.id == first.id
    made = world.sdk.v1.invoices.regenerate(id=first.id).data.id
    again = retrieve(customer_id=customer, invoice_id=made).data
    assert (again.status, exact(again.total), again.regenerated_from_invoice_id) == ("FINALIZED", 4, first.id)
    assert [row.status for row in world.invoices(customer, contract_id=weekly)].count("VOID") == 1


def test_unknown_and_foreign_invoices_are_refused(world: World, billed: tuple[str, str, str]) -> None:
    customer, *_ = billed
    other, invoice = world.customer(), world.invoices(customer)[0].id
    sdk = world.sdk.v1
    for call in (sdk.invoices.void, sdk.invoices.regenerate):
        with pytest.raises(NotFoundError, match="id: no invoice"):
            call(id=NOBODY)
    for who, which in ((other, invoice), (customer, NOBODY), (NOBODY, invoice)):
        for read in (sdk.customers.invoices.retrieve, sdk.customers.invoices.retrieve_pdf):
            with pytest.raises(NotFoundError):
                read(customer_id=who, invoice_id=which)
    span = {"starting_on": JANUARY, "ending_before": JANUARY + timedelta(1)}
    for listing in (
        lambda: sdk.customers.invoices.list(customer_id=NOBODY),
        lambda: sdk.customers.invoices.list_breakdowns(customer_id=NOBODY, **span),
    ):
        with pytest.raises(NotFoundError, match="customer_id"):
            listing()
    draft = world.invoices(customer, status="DRAFT")[0].id
    with pytest.raises(BadRequestError, match="draft"):
        sdk.invoices.void(id=draft)
    for not_void in (draft, invoice):
        with pytest.raises(BadRequestError, match="void"):
            sdk.invoices.regenerate(id=not_void)
    sdk.invoices.void(id=invoice)
    with pytest.raises(ConflictError):
        sdk.invoices.void(id=invoice)


def test_malformed_requests_are_refused_and_leave_nothing_behind(
    http: httpx.Client, world: World, billed: tuple[str, str, str]
) -> None:
    invoice = world.invoices(billed[0])[0].id
    fields = {"id": "id", "reason": "text?"}
    endpoints = [
        Endpoint(f"/v1/invoices/{act}", {"id": invoice, "reason": "x"}, fields, ("id",))
        for act in ("void", "regenerate")
    ]
    assert [fault for endpoint in endpoints for fault in faults(http, endpoint)] == []
    assert Invoice.objects.get(pk=invoice).status == "FINALIZED"


# --- query counts -----------------------------------------------------------------------------------------------------
@pytest.fixture
def queries(http: httpx.Client) -> Callable[..., int]:
    def count(url: str, **params: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = http.get(url, params=params)
        assert answer.status_code == 200
        assert answer.json()["data"]
        return len(captured)

    return count


def test_a_list_of_final_invoices_takes_a_constant_number_of_queries(world: World, queries: Callable[..., int]) -> None:
    metric, _, card = world.priced(tiers=[{"size": 1, "price": 1}, {"price": 2}])
    few, many = world.customer(), world.customer()
    for customer, days in ((few, 15), (many, 200)):
        world.open_contract(customer, card, days, "WEEKLY")
        world.use(customer, metric, 3, world.days_ago(9))
    world.run_due_work()
    counts = [
        queries(f"/v1/customers/{customer}/invoices", status="FINALIZED", limit="100") for customer in (few, many)
    ]
    assert len(world.invoices(many, status="FINALIZED")) > 20
    assert counts[0] == counts[1] <= 7


def test_each_draft_takes_a_bounded_number_of_queries(world: World, queries: Callable[..., int]) -> None:
    metric, product, card = world.priced(price=1)
    for name in ("More", "Most"):
        world.rate(card, world.product(metric, name=name), price=2)
    world.rate(card, product, price=3, starting_at=world.days_ago(2))
    customers = []
    for contracts in (1, 6):
        customers.append(world.customer())
        for _ in range(contracts):
            world.open_contract(customers[-1], card)
        for days in (4, 1):
            world.use(customers[-1], metric, 1, world.days_ago(days))
    one, six = (queries(f"/v1/customers/{customer}/invoices") for customer in customers)
    assert (six - one) / 5 <= 8
    assert one <= 16


def test_breakdowns_take_as_many_queries_for_a_month_as_for_a_day(world: World, queries: Callable[..., int]) -> None:
    metric, _, card = world.priced(price=1)
    customer = world.customer()
    world.open_contract(customer, card, 30, "ANNUAL")
    world.use(customer, metric, 1, world.days_ago(2))
    url, end = f"/v1/customers/{customer}/invoices/breakdowns", world.today.isoformat()
    day, month = (queries(url, starting_on=world.days_ago(days).isoformat(), ending_before=end) for days in (1, 30))
    assert day == month <= 14
