"""The back office alone makes a deal: metric, product, rate card, contract, commit, override, seats, invoice."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from balances.models import Balance
from billing.models import BillingPeriod
from catalog.models import BillableMetric, Product, RateCard
from contracts.models import Contract, Override
from core.models import AuditEntry
from customers.services import create_customer
from invoices.models import InvoiceListing
from tests.admin.world import World, bring_up_to_date
from tests.plugins.clock import travel
from usage.services import ingest
from usage.store import NewEvent

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
METRIC = {"name": "Tokens", "aggregation_type": "SUM", "aggregation_key": "tokens", "group_keys": "model"}
CONTRACT = {
    "customer": "Globex", "name": "Globex 2026", "starting_at": "2026-03-01T00:00",
    "frequency": "MONTHLY", "day": "FIRST_OF_MONTH", "net_payment_terms_days": "30",
}  # fmt: skip

ACME = CONTRACT | {"customer": "acme"}


def url_of(name: str, *args: object) -> str:
    return reverse(f"admin:{name}", args=args)


def errors_of(answer: HttpResponse) -> dict[str, list[str]]:
    return {name: list(said) for name, said in answer.context["form"].errors.items()}


def post(client: Client, page: str, /, *args: object, **data: object) -> HttpResponse:
    """Sends a form; what it refuses fails the test with its words."""
    answer = client.post(url_of(page, *args), data)
    assert answer.status_code == 302, errors_of(answer)
    return answer


def confirm(client: Client, page: str, /, *args: object, **data: object) -> list[str]:
    """Sends a form, reads the effect, confirms it; what was foretold."""
    shown = client.post(url_of(page, *args), data)
    assert shown.status_code == 200, errors_of(shown)
    assert 'name="confirmed"' in shown.content.decode()
    again = {"confirmed": shown.context["seal"], "key": str(shown.context["key"])}
    post(client, page, *args, **again, **data)
    twice = client.post(url_of(page, *args), data | again)
    assert (twice.status_code, "__all__" in errors_of(twice)) == (400, True)
    return list(shown.context["effects"])


def catalogue(client: Client) -> RateCard:
    """Tokens at half a cent, a seat at 20 dollars and a product that commits hang on, all made by hand."""
    post(client, "catalog_billablemetric_add", **METRIC)
    metric = BillableMetric.objects.get(name="Tokens")
    post(client, "catalog_product_add", name="Tokens", type="USAGE", billable_metric_id=metric.pk,
         conversion_operation="DIVIDE", presentation_group_key="model")  # fmt: skip
    post(client, "catalog_product_add", name="Seats", type="SUBSCRIPTION", conversion_operation="DIVIDE")
    post(client, "catalog_product_add", name="Prepayment", type="FIXED", conversion_operation="DIVIDE")
    usd = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    post(client, "catalog_ratecard_add", name="List 2026", fiat_credit_type_id=usd, aliases="list")
    card = RateCard.objects.get(name="List 2026")
    rates = "product\tprice\tstarting_at\nTokens\t0.005\t2026-01-01\n"
    editor = url_of("catalog_ratecard_add_rates", card.pk)
    checked = client.post(editor, {"action": "check-sheet", "text": rates})
    assert "sheet" in checked.context, checked.content.decode()[-3000:]
    seen = checked.context["plan"].last_sequence
    saved = {"action": "save", "sheet": checked.context["sheet"], "after_sequence": seen, "reason": "First list"}
    assert client.post(editor, saved).status_code == 302
    return card


def named(name: str) -> Product:
    return Product.objects.get(versions__name=name)


def test_a_deal_from_metric_to_invoice_in_the_back_office_alone(db: None, present: datetime, finance: Client) -> None:
    create_customer(name="Globex", ingest_aliases=["globex"], now=MARCH)
    card = catalogue(finance)
    events = [NewEvent(f"g-{n}", "globex", "call", MARCH, {"tokens": 1000, "model": "m"}) for n in range(40)]
    ingest(events=events, now=present)

    said = confirm(finance, "contracts_contract_add", **CONTRACT, rate_card=card.pk)
    assert any("200.00 USD so far" in line for line in said), said
    contract = Contract.objects.get()

    commit = {
        "kind": "PREPAID", "name": "Starter commit", "product_id": named("Prepayment").pk, "amount": "50.00",
        "unit": str(card.fiat_credit_type_id), "starting_at": "2026-03-01T00:00", "ending_before": "2027-03-01T00:00",
        "price": "40",
    }  # fmt: skip
    said = confirm(finance, "contracts_contract_add_balance", contract.pk, **commit)
    assert any("150.00 USD instead of 200.00 USD" in line for line in said), said
    override = {"product_id": named("Tokens").pk, "type": "MULTIPLIER", "multiplier": "0.9"}
    said = confirm(finance, "contracts_contract_add_override", contract.pk, **override, starting_at="2026-03-01T00:00")
    assert any("130.00 USD instead of 150.00 USD" in line for line in said), said

    assert (Balance.objects.count(), Override.objects.count()) == (1, 1)
    with travel(datetime(2026, 4, 3, tzinfo=UTC), tick=False):
        bring_up_to_date(datetime(2026, 4, 3, tzinfo=UTC))
    finals = InvoiceListing.objects.filter(status="FINALIZED").order_by("period_start", "type")
    assert {row.total for row in finals} == {Decimal(13_000), Decimal(4_000)}
    made = set(AuditEntry.objects.filter(user__username="a-finance").values_list("action", flat=True))
    assert made >= {"billable_metric.create", "product.create", "rate_card.create", "contract.created"}


def test_what_is_foretold_is_not_stored(world: World, finance: Client) -> None:
    create_customer(name="Globex", ingest_aliases=[], now=world.since)
    before = AuditEntry.objects.count(), Contract.objects.count(), BillingPeriod.objects.count()
    shown = finance.post(url_of("contracts_contract_add"), CONTRACT | {"rate_card": world.card})
    assert (shown.status_code, len(shown.context["effects"])) == (200, 2)
    assert (AuditEntry.objects.count(), Contract.objects.count(), BillingPeriod.objects.count()) == before


def test_what_changed_since_it_was_foretold_is_foretold_anew(world: World, finance: Client) -> None:
    address = url_of("contracts_contract_add_override", world.contract)
    data = {"type": "MULTIPLIER", "multiplier": "0.5", "starting_at": "2026-03-01T00:00"}
    shown = finance.post(address, data)
    again = {"confirmed": shown.context["seal"], "key": str(shown.context["key"])}
    other = finance.post(address, data | again | {"multiplier": "0.1"})
    assert (other.status_code, Override.objects.count()) == (200, 0)
    assert other.context["effects"] != shown.context["effects"]


def test_a_refusal_stands_at_its_field(world: World, finance: Client) -> None:
    for name, data, field in (
        ("catalog_billablemetric_add", METRIC | {"aggregation_key": "", "group_keys": ""}, "aggregation_key"),
        ("catalog_billablemetric_add", METRIC | {"property_filters": "= 3"}, "property_filters"),
        ("catalog_product_add", {"name": "X", "type": "USAGE", "conversion_operation": "DIVIDE"}, "billable_metric_id"),
        ("contracts_contract_add", CONTRACT | {"customer": "Nobody"}, "customer"),
        ("contracts_contract_add", ACME | {"ending_before": "2026-02-01T00:00"}, "ending_before"),
        ("contracts_contract_add", ACME | {"day": "CUSTOM_DATE"}, "billing_anchor_date"),
        ("contracts_contract_add", ACME | {"starting_at": "2026-03-01T00:30"}, "starting_at"),
        ("catalog_credittype_add", {"name": ""}, "name"),
    ):  # fmt: skip
        answer = finance.post(url_of(name), data)
        assert answer.status_code == 400, (name, data)
        assert list(errors_of(answer)) == [field], (name, errors_of(answer))


@pytest.mark.parametrize("slug", ["rename", "add_balance", "add_override", "add_subscription", "change_quantity"])
def test_support_may_look_and_not_make(slug: str, world: World, support: Client, finance: Client) -> None:
    address = url_of(f"contracts_contract_{slug}", world.contract)
    assert (support.get(address).status_code, finance.get(address).status_code) == (403, 200)
    assert support.post(address, {"name": "X", "confirmed": "1"}).status_code == 403
    page = url_of("contracts_contract_change", world.contract)
    assert address not in support.get(page).content.decode()
    assert (address in finance.get(page).content.decode()) == (slug != "change_quantity")  # there is none to change


def test_support_makes_nothing(world: World, support: Client, finance: Client) -> None:
    for model in ("catalog_billablemetric", "catalog_product", "catalog_ratecard", "catalog_credittype",
                  "contracts_contract"):  # fmt: skip
        address = url_of(f"{model}_add")
        assert (support.get(address).status_code, finance.get(address).status_code) == (403, 200), model
        assert support.post(address, CONTRACT).status_code == 403
        assert address not in support.get(url_of(f"{model}_changelist")).content.decode()
        assert address in finance.get(url_of(f"{model}_changelist")).content.decode()


def test_a_product_changes_from_an_hour_on(world: World, finance: Client) -> None:
    data = {"starting_at": "2026-03-10T00:00", "name": "Tokens, new", "conversion_operation": "DIVIDE"}
    post(finance, "catalog_product_edit", world.product, **data)
    names = list(Product.objects.get(pk=world.product).versions.values_list("name", flat=True))
    assert sorted(names) == ["Tokens", "Tokens, new"]


def test_a_contract_is_renamed_and_its_page_reads_the_same_number_of_times(world: World, finance: Client) -> None:
    page = url_of("contracts_contract_change", world.contract)

    def queries() -> int:
        finance.get(page)
        with CaptureQueriesContext(connection) as seen:
            assert finance.get(page).status_code == 200
        return len(seen)

    confirm(finance, "contracts_contract_rename", world.contract, name="Acme 2")
    override = {"product_id": world.product, "type": "MULTIPLIER", "multiplier": "0.5"}
    for n in range(2):
        confirm(finance, "contracts_contract_add_override", world.contract, **override,
                starting_at=f"2026-03-{10 + n}T00:00")  # fmt: skip
    before = queries()
    for n in range(4):
        confirm(finance, "contracts_contract_add_override", world.contract, **override,
                starting_at=f"2026-03-{14 + n}T00:00")  # fmt: skip
    assert queries() == before
    text = re.sub(r"\s+", " ", finance.get(page).content.decode())
    assert "Acme 2" in text
    assert "list price times 0.5" in text


def test_metrics_and_cards_change_and_are_archived(world: World, finance: Client) -> None:
    metric, card = BillableMetric.objects.get(), RateCard.objects.get()
    post(finance, "catalog_billablemetric_edit", metric.pk, name="Tokens spent", add_group_keys="model\nteam, user")
    metric.refresh_from_db()
    assert (metric.name, metric.group_keys) == ("Tokens spent", [["model"], ["team", "user"]])
    post(finance, "catalog_credittype_add", name="AI credits")
    conversion = {"name": card.name, "aliases": "standard", "conversions": "AI credits = 0.01"}
    post(finance, "catalog_ratecard_edit", card.pk, **conversion)
    assert [one.name for one in card.aliases.all()] == ["standard"]
    assert [one.fiat_per_custom_credit for one in card.conversions.all()] == [Decimal(1)]
    for page, record in (("catalog_billablemetric", metric), ("catalog_ratecard", card)):
        post(finance, f"{page}_archive", record.pk)
        record.refresh_from_db()
        assert record.archived_at is not None
        assert finance.get(url_of(f"{page}_edit", record.pk)).status_code == 404
