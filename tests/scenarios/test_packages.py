"""Packages: contracts of many customers on the same terms, with relative dates."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction

from core.exact_json import loads
from tests.scenarios.world import World

pytestmark = pytest.mark.django_db
MONTH = {"value": 1, "unit": "MONTHS"}
YEAR = {"value": 1, "unit": "YEARS"}
NOW = {"value": 0, "unit": "DAYS"}


def call(http: httpx.Client, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return loads(answer.content)


def template(world: World, card: str, product: str, **more: Any) -> dict[str, Any]:
    fee = world.sdk.v1.contracts.products.create(name="Fee", type="FIXED").data.id
    return {
        "name": "Pro",
        "contract_name": "Pro plan",
        "rate_card_id": card,
        "duration": YEAR,
        "net_payment_terms_days": 14,
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
        "commits": [
            {
                "product_id": fee,
                "type": "PREPAID",
                "name": "Prepaid",
                "priority": 2,
                "temporary_id": "prepaid",
                "access_schedule": {
                    "schedule_items": [{"amount": 1000.5, "starting_at_offset": MONTH, "duration": MONTH}]
                },
                "invoice_schedule": {"schedule_items": [{"date_offset": NOW, "unit_price": 500, "quantity": 2}]},
            }
        ],
        "recurring_credits": [
            {
                "product_id": fee,
                "priority": 1,
                "access_amount": {"unit_price": 100, "quantity": 1, "credit_type_id": USD},
                "commit_duration": {"value": 1},
                "starting_at_offset": MONTH,
                "duration": {"value": 2, "unit": "MONTHS"},
            }
        ],
        "overrides": [
            {
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "starting_at_offset": {"value": 1, "unit": "WEEKS"},
                "duration": MONTH,
                "override_specifiers": [{"product_id": product}],
            }
        ],
        **more,
    }


USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def test_a_contract_has_the_terms_of_its_package(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    package = call(http, "/v1/packages/create", template(world, card, product))["data"]["id"]
    customer = world.customer()
    start = datetime(world.now.year - 1, 1, 31, 10, tzinfo=UTC)
    made = {"customer_id": customer, "starting_at": start.isoformat(), "package_id": package, "custom_fields": {}}
    contract = call(http, "/v1/contracts/create", made)["data"]["id"]
    found = call(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": contract})["data"]
    year = start.year
    february = 29 if year % 4 == 0 else 28
    assert found["package_id"] == package
    assert found["name"] == "Pro plan"
    assert found["net_payment_terms_days"] == 14
    assert found["ending_before"] == f"{year + 1}-01-31T10:00:00Z"
    [commit] = found["commits"]
    [segment] = commit["access_schedule"]["schedule_items"]
    assert segment["starting_at"] == f"{year}-02-{february}T10:00:00Z"
    assert segment["ending_before"] == f"{year}-03-{february}T10:00:00Z"
    assert str(segment["amount"]) == "1000.5"
    [recurring] = found["recurring_credits"]
    assert recurring["starting_at"] == f"{year}-02-{february}T10:00:00Z"
    assert recurring["ending_before"] == f"{year}-04-{february}T10:00:00Z"
    [override] = found["overrides"]
    assert override["starting_at"] == f"{year}-02-07T10:00:00Z"
    assert override["ending_before"] == f"{year}-03-07T10:00:00Z"
    first = call(http, "/v1/contracts/get", {"customer_id": customer, "contract_id": contract})["data"]
    assert first["package_id"] == package


def test_the_sdk_reads_and_lists_packages(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    before = len(list(world.sdk.v1.packages.list()))
    body = template(world, card, product, aliases=[{"name": "pro"}])
    package = world.sdk.v1.packages.create(**body).data.id
    read = world.sdk.v1.packages.retrieve(package_id=package).data
    assert [alias.name for alias in read.aliases or ()] == ["pro"]
    assert read.duration is not None
    assert (read.duration.value, read.duration.unit) == (1, "YEARS")
    assert read.commits[0].product.name == "Fee"
    assert read.commits[0].access_schedule is not None
    assert read.commits[0].access_schedule.schedule_items[0].duration.unit == "MONTHS"
    assert read.commits[0].access_schedule.credit_type.id == USD
    assert len(list(world.sdk.v1.packages.list())) == before + 1
    contracts = [
        world.sdk.v1.contracts.create(
            customer_id=world.customer(), starting_at=world.days_ago(days), package_alias="pro"
        ).data.id
        for days in (1, 40)
    ]
    rows = list(world.sdk.v1.packages.list_contracts_on_package(package_id=package, limit=1))
    assert [row.contract_id for row in rows] == contracts[::-1]
    late = world.sdk.v1.packages.list_contracts_on_package(package_id=package, starting_at=world.days_ago(2))
    assert [row.contract_id for row in late] == contracts[:1]
    world.sdk.v1.packages.archive(package_id=package)
    assert len(list(world.sdk.v1.packages.list())) == before
    assert package in [row.id for row in world.sdk.v1.packages.list(archive_filter="ARCHIVED")]
    refused = {"customer_id": world.customer(), "starting_at": world.today.isoformat(), "package_id": package}
    assert "package_id" in call(http, "/v1/contracts/create", refused, 400)["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rate_card_id": str(uuid.uuid4())}, "rate_card_id"),
        ({"duration": {"value": 0, "unit": "DAYS"}}, "duration"),
        ({"duration": {"value": 1, "unit": "HOURS"}}, "duration"),
        ({"duration": {"value": 100_000, "unit": "YEARS"}}, "calendar"),
        ({"commits": [{"type": "PREPAID"}]}, "commits"),
        ({"spend_threshold_configuration": {"is_enabled": True}}, "spend_threshold_configuration"),
        ({"aliases": [{"name": "x"}, {"name": "x"}]}, "aliases"),
        ({"starting_at": "2026-01-01T00:00:00Z"}, "starting_at"),
    ],
)
def test_terms_that_cannot_be_are_refused(world: World, http: httpx.Client, change: dict[str, Any], field: str) -> None:
    _, product, card = world.priced(price=100)
    before = world.sdk.v1.packages.list().data
    assert field in call(http, "/v1/packages/create", template(world, card, product) | change, 400)["message"]
    assert world.sdk.v1.packages.list().data == before


def test_products_are_checked_as_a_contract_checks_them(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    body = template(world, card, product)
    body["commits"][0]["product_id"] = product
    customers = len(list(world.sdk.v1.customers.list()))
    assert "FIXED" in call(http, "/v1/packages/create", body, 400)["message"]
    call(http, "/v1/packages/create", template(world, card, product))
    assert len(list(world.sdk.v1.customers.list())) == customers


def test_nothing_is_agreed_on_beside_a_package(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    package = call(http, "/v1/packages/create", template(world, card, product))["data"]["id"]
    body = {"customer_id": world.customer(), "starting_at": world.today.isoformat(), "package_id": package}
    for name, value in {"name": "Mine", "rate_card_id": card, "ending_before": world.today.isoformat()}.items():
        assert name in call(http, "/v1/contracts/create", body | {name: value}, 400)["message"]
    assert "package_alias" in call(http, "/v1/contracts/create", body | {"package_alias": "x"}, 400)["message"]


def test_an_alias_names_the_package_it_was_given_to_last(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    turn = world.days_ago(10).isoformat()
    old = call(http, "/v1/packages/create", template(world, card, product, aliases=[{"name": "p"}]))["data"]["id"]
    later = template(world, card, product, aliases=[{"name": "p", "starting_at": turn}])
    new = call(http, "/v1/packages/create", later)["data"]["id"]
    for days, expected in ((11, old), (10, new), (1, new)):
        customer = world.customer()
        contract = world.sdk.v1.contracts.create(
            customer_id=customer, starting_at=world.days_ago(days), package_alias="p"
        ).data.id
        found = call(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": contract})["data"]
        assert found["package_id"] == expected
    [left] = call(http, "/v1/packages/get", {"package_id": old})["data"]["aliases"]
    assert datetime.fromisoformat(left["ending_before"]) == world.days_ago(10)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO catalog_packagealias (package_id, name) VALUES (%s, 'p')", [old])


def test_a_package_never_changes_and_frees_its_key_when_archived(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    body = template(world, card, product, uniqueness_key="once")
    package = call(http, "/v1/packages/create", body)["data"]["id"]
    call(http, "/v1/packages/create", body, 409)
    for change in ("name = 'x'", "template = '{}'"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE catalog_package SET {change} WHERE id = %s", [package])  # noqa: S608 - our own
    call(http, "/v1/packages/archive", {"package_id": package})
    call(http, "/v1/packages/archive", {"package_id": package})
    assert call(http, "/v1/packages/create", body)["data"]["id"] != package
    call(http, "/v1/packages/get", {"package_id": str(uuid.uuid4())}, 404)


def test_covering_and_starting_exclude_each_other(world: World, http: httpx.Client) -> None:
    at = (world.today + timedelta(days=1)).isoformat()
    body = {"package_id": str(uuid.uuid4()), "covering_date": at, "starting_at": at}
    assert "covering_date" in call(http, "/v1/packages/listContractsOnPackage", body, 400)["message"]


def test_a_package_names_a_provider_and_the_customer_has_the_configuration(world: World, http: httpx.Client) -> None:
    _, product, card = world.priced(price=100)
    body = template(world, card, product, billing_provider="stripe")
    assert "billing_provider" in call(http, "/v1/packages/create", body | {"billing_provider": None,
                                      "delivery_method": "direct_to_billing_provider"}, 400)["message"]  # fmt: skip
    package = call(http, "/v1/packages/create", body)["data"]["id"]
    assert call(http, "/v1/packages/get", {"package_id": package})["data"]["billing_provider"] == "stripe"
    customer = world.customer()
    made = {"customer_id": customer, "starting_at": world.today.isoformat(), "package_id": package}
    refused = call(http, "/v1/contracts/create", made, 400)["message"]
    assert refused.startswith("billing_provider_configuration.billing_provider: the customer has no such configuration")
    given = {"customer_id": customer, "billing_provider": "stripe", "configuration": {"stripe_customer_id": "cus_1"},
             "delivery_method": "direct_to_billing_provider"}  # fmt: skip
    call(http, "/v1/setCustomerBillingProviderConfigurations", {"data": [given]})
    foreseen = call(http, "/v1/contracts/create", made | {"dry_run": True})["data"]["dry_run"]
    assert foreseen["invoices"]
    assert call(http, "/v2/contracts/list", {"customer_id": customer})["data"] == []
    answer = call(http, "/v1/contracts/create", made)["data"]
    assert [one["field"] for one in answer["warnings"]] == ["billing_provider_configuration"]
    found = call(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": answer["id"]})["data"]
    assert found["customer_billing_provider_configuration"]["billing_provider"] == "stripe"
