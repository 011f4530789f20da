"""An issued document says for ever who it was between, and what its lines come to: over the API, and by constraint."""

from io import StringIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from metronome import Metronome

from core.clock import now
from invoices.models import Invoice
from invoices.pdf.document import invoice_document
from invoices.selectors import list_invoices
from invoices.selectors.document import with_document
from invoices.services import documents
from tests.scenarios.world import World

BEFORE = {"name": "Before AG", "address_lines": [], "email": "", "tax_ids": []}
SELLER = {"name": "Old Inc.", "address_lines": ["1 Way", "Town"], "email": "old@seller.test", "tax_ids": ["DE1"]}


@pytest.fixture
def renamed(sdk: Metronome, settings: Any) -> str:
    """A customer billed for 0.4 cents three times, then renamed, and so are the contract and the seller."""
    settings.TACTUS_COMPANY_NAME, settings.TACTUS_COMPANY_ADDRESS = "Old Inc.", "1 Way\nTown"
    settings.TACTUS_COMPANY_EMAIL, settings.TACTUS_COMPANY_TAX_ID = "old@seller.test", "DE1"
    world = World(sdk)
    card = world.card()
    customer = world.customer(name="Before AG")
    for name in ("A", "B", "C"):
        metric = world.metric()
        world.rate(card, world.product(metric, name), price=0.4)
        world.use(customer, metric, 1, world.days_ago(8))
    contract = world.open_contract(customer, card, 10, "WEEKLY", name="First deal")
    world.run_due_work()
    sdk.v1.customers.set_name(customer_id=customer, name="After AG")
    sdk.v2.contracts.edit(customer_id=customer, contract_id=contract, update_contract_name="Second deal")
    settings.TACTUS_COMPANY_NAME, settings.TACTUS_COMPANY_TAX_ID = "New Inc.", ""
    return customer


def printed(customer: str, status: str) -> dict[str, Any]:
    """What the PDF of the customer's one invoice of this status says."""
    [view] = list_invoices(customer_id=UUID(customer), status=status, now=now())
    return invoice_document(with_document(view))


def test_a_renamed_customer_changes_no_issued_document(renamed: str, http: httpx.Client, sdk: Metronome) -> None:
    listed = {row["status"]: row for row in http.get(f"/v1/customers/{renamed}/invoices").json()["data"]}
    final, draft = listed["FINALIZED"], listed["DRAFT"]
    assert (final["seller"], final["buyer"], final["contract_name"]) == (SELLER, BEFORE, "First deal")
    assert (draft["buyer"]["name"], draft["contract_name"]) == ("After AG", "Second deal")
    assert (draft["seller"]["name"], draft["seller"]["tax_ids"]) == ("New Inc.", [])
    said = printed(renamed, "FINALIZED")
    assert said["seller"]["name"] == "Old Inc."
    assert said["customer"] == {"name": "Before AG", "lines": [], "contract": "First deal"}
    # nothing was rendered before: the PDF that is made now is that of the void one, but for what says so
    before = documents.get_pdf(invoice_id=UUID(final["id"]), now=now())
    assert documents.get_pdf(invoice_id=UUID(final["id"]), now=now()) == before
    sdk.v1.invoices.void(id=final["id"])
    void = printed(renamed, "VOID")
    assert {key: void[key] for key in ("seller", "customer", "rows", "sums", "facts")} == (
        {key: said[key] for key in ("seller", "customer", "rows", "sums")}
        | {"facts": [*said["facts"][:3], ("Payment terms", "on receipt")]}
    )
    assert http.get(f"/v1/customers/{renamed}/invoices/{final['id']}").json()["data"]["buyer"] == BEFORE


def test_exact_lines_on_the_wire_are_whole_on_the_document(renamed: str, http: httpx.Client) -> None:
    rows = http.get(f"/v1/customers/{renamed}/invoices", params={"status": "FINALIZED"}).json()["data"]
    assert [(row["subtotal"], row["total"], [line["total"] for line in row["line_items"]]) for row in rows] == [
        (1.2, 1, [0.4, 0.4, 0.4])
    ]
    kept = Invoice.objects.get(status="FINALIZED")
    assert [line.document_amount for line in kept.lines.order_by("position")] == [1, 0, 0]
    assert (kept.document_subtotal, kept.document_tax, kept.document_total) == (1, 0, 1)
    said = printed(renamed, "FINALIZED")
    assert [(row["name"], row["amount"]["text"]) for row in [*said["rows"], *said["sums"]]] == [
        ("A", "0.01"), ("B", "0.00"), ("C", "0.00"), ("Subtotal", "0.01"), ("Total", "0.01"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "seller = jsonb_set(seller, '{name}', '\"Other\"')",
        "buyer = jsonb_set(buyer, '{tax_ids}', '[\"X\"]')",
        "contract_name = 'Other'",
        "content_version = content_version + 1",
        "document_tax = 1, document_total = document_total + 1",
    ],
)
def test_the_hash_covers_parties_version_and_amounts(renamed: str, change: str) -> None:
    call_command("verify_invoices", stdout=StringIO())
    with transaction.atomic():
        tamper(f"UPDATE invoices_invoice SET {change} WHERE status = 'FINALIZED'")  # noqa: S608
        with pytest.raises(CommandError, match=Invoice.objects.get(status="FINALIZED").number or ""):
            call_command("verify_invoices")
        transaction.set_rollback(True)  # what constraints would say when it commits is another test's


def test_the_hash_covers_what_each_line_is_on_the_document(renamed: str) -> None:
    tamper("UPDATE invoices_invoiceline SET document_amount = 2 - position WHERE position < 3")  # 1, 0 as before
    call_command("verify_invoices", stdout=StringIO())
    tamper("UPDATE invoices_invoiceline SET document_amount = position - 1 WHERE position < 3")  # 0, 1: the same sum
    with pytest.raises(CommandError):
        call_command("verify_invoices")


@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("invoice_document_adds_up", "invoices_invoice SET document_tax = 1"),
        ("invoice_document_sums", "invoices_invoice SET document_subtotal = 2, document_total = 2"),
        ("invoice_document_amounts_whole", "invoices_invoice SET document_subtotal = 0.5, document_tax = 0.5"),
        (None, "invoices_invoice SET buyer = NULL"),  # NOT NULL
        ("invoice_line_document_amount_whole", "invoices_invoiceline SET document_amount = 0.5"),
        ("invoice_line_on_document_where_counted", "invoices_invoiceline SET counted = false"),
        ("invoice_line_on_document_where_counted", "invoices_invoiceline SET document_amount = NULL"),
    ],
)
def test_the_database_refuses_amounts_that_do_not_add_up(renamed: str, constraint: str | None, change: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        tamper(
            f"UPDATE {change}" + (" WHERE status = 'FINALIZED'" if "line" not in change.split(maxsplit=1)[0] else "")
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


def tamper(statement: str) -> None:
    """What a bug could write, the guards of what is issued being off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE invoices_invoice DISABLE TRIGGER invoices_invoice_guard")
        cursor.execute("ALTER TABLE invoices_invoiceline DISABLE TRIGGER invoices_line_guard")
        cursor.execute(statement)
