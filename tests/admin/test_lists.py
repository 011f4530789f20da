"""Lists: constant queries however many rows, search by what people know, filters that mean it, any garbage."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import BillingPeriod
from console.services import create_url_session, register_origin
from core import custom_fields
from core.keys import create_api_key
from tests.admin.world import World, bring_up_to_date, sign_up

LISTS = {
    "customers": "customers_customer",
    "contracts": "contracts_contract",
    "invoices": "invoices_invoicelisting",
    "products": "catalog_product",
    "rate cards": "catalog_ratecard",
    "packages": "catalog_package",
    "metrics": "catalog_billablemetric",
    "units": "catalog_credittype",
    "balances": "balances_balance",
    "adjustments": "balances_adjustment",
    "checks": "balances_ledgercheck",
    "keys": "core_apikey",
    "audit": "core_auditentry",
    "domain events": "core_outboxevent",
    "origins": "console_embedorigin",
    "sessions": "console_embedsession",
}


def url(name: str) -> str:
    return reverse(f"admin:{LISTS[name]}_changelist")


def names(client: Client, address: str) -> list[str]:
    """What a list shows, by the records' own text."""
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return [str(row) for row in answer.context["cl"].result_list]


def more_of_everything(world: World, prefix: str, count: int) -> None:
    from catalog.services import metrics, packages, products, rate_cards

    for n in range(count):
        sign_up(world.card, f"{prefix} {n}", world.since, alias=f"{prefix}-{n}")
        create_api_key(name=f"{prefix} {n}", scopes=["*"], now=world.now)
        metric = metrics.create_metric(name=f"{prefix} {n}", aggregation_type="COUNT", now=world.now)
        fields = {"name": f"{prefix} {n}", "billable_metric_id": str(metric.pk)}
        products.create_product(product_type="USAGE", fields=fields, now=world.now)
        rate_cards.create_rate_card(name=f"{prefix} {n}", now=world.now)
        alias = [rate_cards.AliasWindow(f"{prefix}-{n}")]
        packages.create_package(name=f"{prefix} {n}", template="{}", aliases=alias, now=world.now)
        register_origin(origin=f"https://{prefix}-{n}.example.com", now=world.now)
        create_url_session(customer_id=world.customer, now=world.now)
        custom_fields.add_key(entity="customer", key=f"{prefix}_{n}", enforce_uniqueness=False, now=world.now)
    bring_up_to_date(world.now)


def queries(client: Client, name: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(url(name)).status_code == 200
    return len(found)


def test_longer_lists_cost_no_more_queries(world: World, owner: Client) -> None:
    more_of_everything(world, "some", 2)
    few = {name: queries(owner, name) for name in LISTS}
    more_of_everything(world, "many", 6)
    assert {name: queries(owner, name) for name in LISTS} == few
    assert max(few.values()) <= 14


@pytest.mark.parametrize("term", ["acme", "ACME ROBO", "Robotics", "{id}"])
def test_customers_are_found_by_name_alias_and_id(term: str, world: World, support: Client) -> None:
    sign_up(world.card, "Somebody else", world.since, alias="else")
    term = term.format(id=world.customer)
    assert names(support, f"{url('customers')}?q={term}") == ["Acme Robotics"]


@pytest.mark.parametrize("term", ["{number}", "acme", "Acme Robotics plan", "{customer}", "{contract}", "{id}"])
def test_invoices_are_found_by_number_customer_alias_contract_and_ids(term: str, world: World, support: Client) -> None:
    sign_up(world.card, "Somebody else", world.since, alias="else")
    bring_up_to_date(world.now)
    final = world.final
    term = term.format(number=final.number, customer=world.customer, contract=world.contract, id=final.pk)
    found = names(support, f"{url('invoices')}?q={term}")
    assert str(final) in found
    assert len(found) == (1 if term in (final.number, str(final.pk)) else 3)


def test_contracts_are_found_by_customer(world: World, support: Client) -> None:
    sign_up(world.card, "Somebody else", world.since)
    assert names(support, f"{url('contracts')}?q=acme") == ["Acme Robotics plan"]


def test_a_product_is_found_by_its_name_and_its_metric(world: World, support: Client) -> None:
    assert names(support, f"{url('products')}?q=tokens used") == ["Tokens"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=DRAFT", 1),
        ("status=FINALIZED", 2),
        ("status=VOID", 0),
        ("attention=due", 0),
        ("finalized=this_month", 2),
    ],
)
def test_invoice_filters(query: str, count: int, world: World, finance: Client) -> None:
    assert len(names(finance, f"{url('invoices')}?{query}")) == count


def test_contract_filters(world: World, finance: Client) -> None:
    counts = {
        state: len(names(finance, f"{url('contracts')}?state={state}"))
        for state in ("active", "future", "ended", "archived")
    }
    assert counts == {"active": 1, "future": 0, "ended": 0, "archived": 0}
    assert len(names(finance, f"{url('contracts')}?frequency=MONTHLY")) == 1
    assert len(names(finance, f"{url('contracts')}?frequency=WEEKLY")) == 0


def test_customers_with_and_without_a_contract(world: World, finance: Client) -> None:
    from customers.services import create_customer

    create_customer(name="Newcomer", now=world.now)
    assert names(finance, f"{url('customers')}?contract=active") == ["Acme Robotics"]
    assert names(finance, f"{url('customers')}?contract=none") == ["Newcomer"]


GARBAGE = [
    "q=%00",
    "q=" + "x" * 10_000,
    "q=%F0%9F%92%A9%27%22%3Cscript%3E",
    "q=%25%5C_",
    "p=0", "p=-1", "p=99999999999999999999", "p=abc",
    "o=99.-77.x",
    "status=NONSENSE",
    "attention[]=1",
    "customer__id__exact=not-a-uuid",
    "customer__id__exact=%00",
    "currency=1%20or%201=1",
    "period_start__year=0&period_start__month=13",
    "period_start__year=abc",
    "period_start__year=99999",
    "period_start_from=yesterday&period_start_to=31.02.2026",
    "at_from=x&occurred_at_to=y&starting_at_from=9999-99-99",
    "state=NONSENSE", "frequency=%F0", "contract=", "finalized=%27",
    "nonsense__lookup__gte=1",
    "id__exact=1", "pk=1",
    "_popup=1&_to_field=x",
    "all=",
    "e=1",
]  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_garbage_in_the_address_is_no_error(name: str, world: World, owner: Client) -> None:
    answers = {garbage: owner.get(f"{url(name)}?{garbage}").status_code for garbage in GARBAGE}
    assert {garbage: code for garbage, code in answers.items() if code not in (200, 302, 400)} == {}


UNKNOWN = [
    "customers/customer/not-an-id/change/",
    "customers/customer/%00/change/",
    "customers/customer/00000000-0000-0000-0000-000000000000/change/",
    "customers/customer/00000000-0000-0000-0000-000000000000/archive/",
    "invoices/invoicelisting/../../change/",
    "invoices/invoicelisting/1/change/",
    "invoices/invoicelisting/00000000-0000-0000-0000-000000000000/pdf/",
    "invoices/invoicelisting/00000000-0000-0000-0000-000000000000/lines.csv",
    "invoices/invoicelisting/00000000-0000-0000-0000-000000000000/lines/00000000-0000-0000-0000-000000000000/",
    "core/event/99999999999999999999999/change/",
    "core/auditentry/x/change/",
    "search/?s=%00&extended=1",
    "search/?s=" + "y" * 5000 + "&extended=1&page=abc",
    "search/?s=a&page=0",
    "usage/events/?q=%00",
    "usage/events/?q=" + "z" * 5000,
    "autocomplete/?app_label=invoices&model_name=invoice&field_name=customer&term=%27",
    "nonsense/",
]


def test_unknown_things_are_not_found_and_never_an_error(world: World, owner: Client) -> None:
    answers = {path: owner.get(f"/admin/{path}").status_code for path in UNKNOWN}
    assert {path: code for path, code in answers.items() if code not in (200, 302, 400, 404)} == {}


def test_the_command_palette_finds_by_name_alias_number_and_id(world: World, support: Client) -> None:
    def hits(term: str) -> list[str]:
        return [hit.title for hit in support.get(f"/admin/search/?extended=1&s={term}").context["results"]]

    number = world.final.number
    assert hits("acme") == ["Acme Robotics", "Acme Robotics plan"]
    assert hits(number) == [number]
    assert hits(number[-4:]) == [number]
    assert hits(str(world.customer)) == ["Acme Robotics"]
    assert hits(str(world.draft.pk)) == ["Draft"]
    assert hits("price list") == ["Price list"]
    assert hits("tokens") == ["Tokens"]
    assert hits("nobody knows") == []


def test_the_palette_escapes_names(world: World, support: Client) -> None:
    sign_up(world.card, "<script>alert(1)</script>", world.since)
    page = support.get("/admin/search/?extended=1&s=script").content.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_draft_that_failed_is_marked_and_filtered(world: World, finance: Client) -> None:
    BillingPeriod.objects.filter(pk=world.draft.pk).update(last_error="KeyError: 'rate'", attempts=2)
    answer = finance.get(f"{url('invoices')}?attention=failed")
    assert [row.pk for row in answer.context["cl"].result_list] == [world.draft.pk]
    assert "Draft, failed" in answer.content.decode()
