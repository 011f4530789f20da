"""Packages in the back office: made by a form, agreed on by customers, archived; the list and its file."""

from datetime import UTC, datetime
from decimal import Decimal

from django.test import Client

from billing.models import BillingPeriod
from catalog.package_models import Package
from contracts.models import Contract
from core.models import AuditEntry
from core.sweeps import run_due_work
from customers.services import create_customer
from invoices.models import InvoiceListing
from tests.admin.test_making import MARCH, catalogue, confirm, errors_of, named, post, url_of
from tests.plugins.clock import travel
from tests.scenarios.world import USD

PACKAGE = {
    "name": "Pro 2026", "aliases": "pro", "contract_name": "Pro plan", "duration": "12", "frequency": "MONTHLY",
    "day": "FIRST_OF_MONTH", "net_payment_terms_days": "14", "fee_quantity": "1", "fee_frequency": "MONTHLY",
    "fee_collection": "ADVANCE", "credit_unit": USD, "credit_frequency": "MONTHLY", "commit_unit": USD,
}  # fmt: skip


def test_a_package_and_a_contract_of_it_by_hand(db: None, present: datetime, finance: Client) -> None:
    create_customer(name="Globex", ingest_aliases=["globex"], now=MARCH)
    card = catalogue(finance)
    fixed = str(named("Prepayment").pk)
    filled = PACKAGE | {
        "rate_card": str(card.pk), "credit_product": fixed, "credit_amount": "25.00", "commit_product": fixed,
        "commit_amount": "1000", "commit_price": "800", "commit_months": "6", "charge_product": fixed,
        "charge_amount": "99", "discount": "10", "discount_product": str(named("Tokens").pk),
    }  # fmt: skip
    said = confirm(finance, "catalog_package_add", **filled)
    assert said[1:] == [
        "Prepaid commit: Prepaid commit, 1,000.00 USD, at the start, for 6 months.",
        "Its invoice: Prepaid commit, 800.00 USD, at the start.",
        "Recurring credit: Included credit, 25.00 USD, every month, at the start.",
        "Charge: Prepayment, 99.00 USD, at the start.",
        "Price override: 1 product, 0.9 times the list price, at the start.",
    ]
    package = Package.objects.get()
    assert AuditEntry.objects.filter(action="package.create", user__username="a-finance").exists()

    page = finance.get(url_of("catalog_package_change", package.pk)).content.decode()
    for words in ("Pro plan", "12 months", "List 2026", "1,000.00 USD", "None yet.", "New contract of it"):
        assert words in page, words
    contract = {"customer": "globex", "package": str(package.pk), "starting_at": "2026-03-01T00:00"}
    said = confirm(finance, "contracts_contract_add_of_package", **contract)
    assert said[0] == "Globex gets a contract from 1 Mar 2026, 00:00 UTC until 1 Mar 2027, 00:00 UTC."
    made = Contract.objects.get()
    assert (made.package, made.name, made.net_payment_terms_days) == (package, "Pro plan", 14)
    assert made.ending_before == datetime(2027, 3, 1, tzinfo=UTC)
    assert "Pro 2026" in finance.get(url_of("contracts_contract_change", made.pk)).content.decode()
    with travel(datetime(2026, 4, 3, tzinfo=UTC), tick=False):
        run_due_work(clock=lambda: datetime(2026, 4, 3, tzinfo=UTC))
    finals = InvoiceListing.objects.filter(status="FINALIZED")
    assert {row.total for row in finals} == {Decimal(89_900), Decimal(0)}

    page = finance.get(url_of("catalog_package_changelist")).content.decode()
    assert "Fee in advance, usage in arrears" in page
    file = b"".join(finance.get(url_of("catalog_package_export")).streaming_content).decode()  # type: ignore[attr-defined]
    assert "Pro 2026,pro,Pro plan,12 months" in file
    post(finance, "catalog_package_archive", package.pk, reason="Replaced")
    package.refresh_from_db()
    assert package.archived_at is not None
    refused = finance.post(url_of("contracts_contract_add_of_package"), contract)
    assert "package" in errors_of(refused)


def test_what_cannot_be_agreed_on_is_shown_at_its_field(db: None, present: datetime, finance: Client) -> None:
    catalogue(finance)
    fixed = str(named("Prepayment").pk)
    for wrong, field in (
        ({"credit_amount": "25"}, "credit_product"),
        ({"credit_amount": "much", "credit_product": fixed}, "credit_amount"),
        ({"commit_amount": "25", "commit_product": fixed}, "commit_months"),
        ({"discount": "110", "discount_product": str(named("Tokens").pk)}, "discount"),
        ({"discount": "ten", "discount_product": str(named("Tokens").pk)}, "discount"),
        ({"fee_product": str(named("Seats").pk)}, "fee_product"),  # there is no card that prices it
        ({"name": ""}, "name"),
        ({"duration": "0"}, "duration"),
    ):
        answer = finance.post(url_of("catalog_package_add"), PACKAGE | wrong)
        assert answer.status_code == 400, wrong
        assert field in errors_of(answer), (wrong, errors_of(answer))
    assert not Package.objects.exists()
    assert not Contract.objects.exists()
    assert not BillingPeriod.objects.exists()


def test_presets_fill_in_the_form(db: None, finance: Client) -> None:
    for preset, field, value in (
        ("fee", "fee_collection", "ADVANCE"), ("prepaid", "commit_months", 12), ("credits", "credit_amount", "100.00"),
        ("unknown", "name", None),
    ):  # fmt: skip
        form = finance.get(url_of("catalog_package_add"), {"preset": preset}).context["form"]
        assert form.initial.get(field) == value
