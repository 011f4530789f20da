"""The back office alone: customers, who they are on paper, charges and discounts, taking away, the whole deal."""

import csv
import io
import re
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from balances.models import Balance
from catalog.services.products import create_product
from charges.models import Discount, ScheduledCharge
from contracts.models import Contract, Override
from core.models import AuditEntry
from customers.models import Customer
from customers.parties import party_of
from customers.providers import NOT_DELIVERED, NewProviderConfiguration, set_configurations
from tests.admin.test_making import confirm, errors_of, post, url_of
from tests.admin.world import World

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
PARTY = {
    "legal_name": "Acme Robotics GmbH", "lines": "Hauptstraße 1", "postal_code": "10115", "city": "Berlin",
    "country": "DE", "tax_ids": "eu_vat DE136695976", "invoice_emails": "billing@acme.test", "po_number": "PO-77",
}  # fmt: skip


def fee(world: World) -> UUID:
    return create_product(product_type="FIXED", fields={"name": "Platform fee"}, now=world.since).pk


def page(client: Client, name: str, key: UUID, query: str = "") -> str:
    answer = client.get(url_of(name, key) + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def on(world: World, days: int = 0) -> str:
    start = world.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (start + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_a_customer_is_made_and_known_on_paper(db: None, finance: Client) -> None:
    post(finance, "customers_customer_add", name="Acme", ingest_aliases="acme\nacme-eu")
    customer = Customer.objects.get()
    assert [one.alias for one in customer.aliases.all()] == ["acme", "acme-eu"]
    post(finance, "customers_customer_party", customer.pk, **PARTY)
    customer.refresh_from_db()
    known = party_of(customer)
    assert (known.legal_name, known.city, known.po_number) == ("Acme Robotics GmbH", "Berlin", "PO-77")
    shown = page(finance, "customers_customer_change", customer.pk)
    assert "Hauptstraße 1, 10115 Berlin, Germany" in shown
    assert "DE136695976" in shown
    form = finance.get(url_of("customers_customer_party", customer.pk)).context["form"]
    assert {name: form[name].value() for name in PARTY} == PARTY
    for wrong, field in (
        ({"tax_ids": "eu_vat DE111"}, "tax_ids"),
        ({"tax_ids": "DE136695976"}, "tax_ids"),
        ({"invoice_emails": "nobody"}, "invoice_emails"),
        ({"lines": "1\n2\n3\n4\n5"}, "lines"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
    ):
        answer = finance.post(url_of("customers_customer_party", customer.pk), PARTY | wrong)
        assert (answer.status_code, list(errors_of(answer))) == (400, [field]), wrong
    taken = finance.post(url_of("customers_customer_add"), {"name": "Other", "ingest_aliases": "acme"})
    assert (taken.status_code, list(errors_of(taken))) == (400, ["ingest_aliases"])
    assert Customer.objects.count() == 1


def test_billing_providers_are_shown_with_what_they_do_not_do(world: World, support: Client) -> None:
    new = NewProviderConfiguration(
        world.customer, "stripe", {"stripe_customer_id": "cus_1"}, "direct_to_billing_provider"
    )
    set_configurations(new=[new], now=world.now)
    shown = page(support, "customers_customer_change", world.customer)
    assert NOT_DELIVERED in shown
    assert "Stripe, since" in shown


def test_charges_and_discounts_with_their_invoices(world: World, finance: Client) -> None:
    product = fee(world)
    charge = {"product_id": product, "name": "Set-up", "amount": "100.00", "quantity": "2", "invoiced_at": on(world, 1)}
    said = confirm(finance, "contracts_contract_add_charge", world.contract, **charge)
    assert any("New draft" in line or "instead of" in line for line in said), said
    monthly = charge | {"name": "Support", "often": "MONTHLY", "ending_before": on(world, 70)}
    confirm(finance, "contracts_contract_add_charge", world.contract, **monthly)
    discount = {"product_id": product, "name": "Welcome", "amount": "5", "quantity": "1", "invoiced_at": on(world, 1)}
    confirm(finance, "contracts_contract_add_discount", world.contract, **discount)
    assert (ScheduledCharge.objects.count(), Discount.objects.count()) == (2, 1)
    shown = page(finance, "contracts_contract_change", world.contract)
    for words in ("Set-up", "Support", "Welcome", "Amendment 3", "Scheduled charge added: Set-up, 200.00 USD",
                  "Discount added: Welcome, 5.00 USD"):  # fmt: skip
        assert words in shown, words
    address = url_of("contracts_contract_add_charge", world.contract)
    for wrong, field in (
        ({"often": "MONTHLY"}, "ending_before"),
        ({"ending_before": on(world, 70)}, "ending_before"),
        ({"amount": "much"}, "amount"),
        ({"quantity": "x"}, "amount"),
    ):
        answer = finance.post(address, charge | wrong)
        assert (answer.status_code, list(errors_of(answer))) == (400, [field]), (wrong, errors_of(answer))


def test_what_is_taken_away_says_why(world: World, finance: Client) -> None:
    product = fee(world)
    override = {"product_id": world.product, "type": "MULTIPLIER", "multiplier": "0.5", "starting_at": on(world)}
    confirm(finance, "contracts_contract_add_override", world.contract, **override)
    charge = {"product_id": product, "amount": "100", "quantity": "1", "invoiced_at": on(world, 40)}
    confirm(finance, "contracts_contract_add_charge", world.contract, **charge)
    credit = {"kind": "CREDIT", "name": "Sorry", "product_id": product, "amount": "3", "unit": USD,
              "starting_at": on(world), "ending_before": on(world, 90)}  # fmt: skip
    confirm(finance, "contracts_contract_add_balance", world.contract, **credit)
    found = [f"override:{Override.objects.get().pk}", f"charge:{ScheduledCharge.objects.get().pk}",
             f"credit:{Balance.objects.get().pk}"]  # fmt: skip
    address = url_of("contracts_contract_take_away", world.contract)
    shown = page(finance, "contracts_contract_change", world.contract)
    for what in found:
        assert f"{address}?what={what}" in shown
        unsaid = finance.post(address, {"what": what, "reason": " "})
        assert (unsaid.status_code, list(errors_of(unsaid))) == (400, ["reason"])
        shown_at = finance.post(address, {"what": what, "reason": f"No {what[:6]}"})
        assert shown_at.status_code == 200, errors_of(shown_at)
        again = {"confirmed": shown_at.context["seal"], "key": str(shown_at.context["key"])}
        post(finance, "contracts_contract_take_away", world.contract, what=what, reason=f"No {what[:6]}", **again)
    assert Override.objects.get().removed_by is not None
    assert ScheduledCharge.objects.get().archived_at is not None
    assert Balance.objects.get().archived_at is not None
    reasons = AuditEntry.objects.filter(action="contract.edited").order_by("pk").values_list("reason", flat=True)
    assert list(reasons)[3:] == ["No overri", "No charge", "No credit"]
    later = page(finance, "contracts_contract_change", world.contract)
    assert "Price override taken away" in later
    assert "No charge" in later
    assert "?what=" not in later


def test_a_customer_gets_a_credit_and_a_commit(world: World, finance: Client, support: Client) -> None:
    product = fee(world)
    common = {
        "product_id": product,
        "amount": "1",
        "unit": USD,
        "starting_at": on(world),
        "ending_before": on(world, 90),
    }
    said = confirm(finance, "customers_customer_add_balance", world.customer, **common, kind="CREDIT", name="Welcome")
    assert said != ["No draft changes now."]
    prepaid = common | {"kind": "PREPAID", "name": "Package", "contract": world.contract, "price": "0.80"}
    confirm(finance, "customers_customer_add_balance", world.customer, **prepaid)
    made = Balance.objects.order_by("kind").values_list("contract", "invoice_contract", "kind")
    assert list(made) == [(None, None, "CREDIT"), (None, world.contract, "PREPAID")]
    address = url_of("customers_customer_add_balance", world.customer)
    for wrong, field in (({"contract": ""}, "contract"), ({"kind": "CREDIT", "price": ""}, "contract"),
                         ({"kind": "CREDIT", "contract": ""}, "kind"), ({"amount": "x"}, "amount")):  # fmt: skip
        answer = finance.post(address, prepaid | wrong)
        assert (answer.status_code, list(errors_of(answer))) == (400, [field]), (wrong, errors_of(answer))
    assert address in page(finance, "customers_customer_change", world.customer, "?tab=balances")
    assert address not in page(support, "customers_customer_change", world.customer, "?tab=balances")


def test_the_whole_deal_is_a_file_and_reads_the_same_number_of_times(world: World, finance: Client) -> None:
    product = fee(world)
    addresses = [url_of(f"contracts_contract_{name}", world.contract) for name in ("change", "deal")]

    def add(number: int) -> None:
        charge = {"product_id": product, "name": f"Fee {number}", "amount": "10", "quantity": "1",
                  "invoiced_at": on(world, 1 + number)}  # fmt: skip
        confirm(finance, "contracts_contract_add_charge", world.contract, **charge)
        confirm(finance, "contracts_contract_add_discount", world.contract, **charge | {"amount": "1"})
        credit = {"kind": "CREDIT", "name": f"Credit {number}", "product_id": product, "amount": "3", "unit": USD,
                  "starting_at": on(world), "ending_before": on(world, 90 + number)}  # fmt: skip
        confirm(finance, "contracts_contract_add_balance", world.contract, **credit)

    def queries() -> list[int]:
        counted = []
        for address in addresses:
            finance.get(address)
            with CaptureQueriesContext(connection) as seen:
                assert finance.get(address).status_code == 200
            counted.append(len(seen))
        return counted

    add(0)
    before = queries()
    add(1)
    add(2)
    assert queries() == before
    text = finance.get(addresses[1]).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    parts = [row["part"] for row in rows]
    assert {name: parts.count(name) for name in dict.fromkeys(parts)} == {
        "contract": 1, "price": 1, "commit or credit": 3, "scheduled charge": 3, "scheduled discount": 3,
        "amendment": 9,
    }  # fmt: skip
    fees = [
        (row["name"], row["amount"], row["unit"], row["invoice"]) for row in rows if row["part"] == "scheduled charge"
    ]
    assert fees[0][:3] == ("Fee 0", "10.00", "USD")
    assert fees[0][3] == "draft"
    assert Contract.objects.get(pk=world.contract).name == rows[0]["name"]


def test_a_renewal_begins_on_the_terms_of_what_it_renews(world: World, finance: Client) -> None:
    page_of_it = url_of("contracts_contract_change", world.contract)
    address = url_of("contracts_contract_add") + f"?renews={world.contract}"
    assert address not in finance.get(page_of_it).content.decode()  # it has no end
    start = Contract.objects.get().starting_at
    end = start.replace(year=start.year + 3)  # a leap year is in it, and none in the next three
    Contract.objects.update(ending_before=end)
    assert address in finance.get(page_of_it).content.decode()
    form = finance.get(address).context["form"]
    offered = form.initial
    assert (offered["starting_at"], offered["ending_before"]) == (end, end.replace(year=end.year + 3))
    assert (offered["customer"], offered["renews"]) == (str(world.customer), str(world.contract))
