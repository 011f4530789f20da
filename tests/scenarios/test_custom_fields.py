"""Custom fields on every kind of record, unique where a key says so, and the log of who changed what."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from metronome import APIStatusError, BadRequestError, ConflictError, Metronome, NotFoundError

from tests.scenarios.world import USD, World


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def message(error: pytest.ExceptionInfo[APIStatusError]) -> str:
    return str(error.value.body["message"])  # type: ignore[index]


def everything(world: World) -> dict[str, tuple[str, Any]]:
    """By entity: a record's id, and a function that reads its custom fields."""
    sdk = world.sdk
    metric, product, card = world.priced(price=10)
    fixed = sdk.v1.contracts.products.create(name="Fixed", type="FIXED").data.id
    seat = sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    world.rate(card, seat, price=100, billing_frequency="MONTHLY")
    customer = world.customer()
    start, end = world.days_ago(20), world.days_ago(-30)
    access = {"credit_type_id": USD, "schedule_items": [{"amount": 5, "starting_at": start, "ending_before": end}]}
    when = {"schedule_items": [{"timestamp": world.today + timedelta(days=3), "amount": 7}]}
    contract = world.contract(
        customer, card, start,
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
        commits=[{"type": "PREPAID", "product_id": fixed, "access_schedule": access, "invoice_schedule": when}],
        credits=[{"product_id": fixed, "access_schedule": access}],
        scheduled_charges=[{"product_id": fixed, "schedule": when}],
        discounts=[{"product_id": fixed, "schedule": when}],
        subscriptions=[{
            "collection_schedule": "ARREARS", "initial_quantity": 1,
            "proration": {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"},
            "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
        }],
    )  # fmt: skip
    world.use(customer, metric, 3, world.days_ago(18))
    world.run_due_work()

    def read() -> Any:
        return sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data

    def invoice(status: str) -> Any:
        found = sdk.v1.customers.invoices.list(customer_id=customer)
        return next(one for one in found if one.type == "USAGE" and one.status == status)

    final = invoice("FINALIZED")
    held = read()

    def one(rows: Any) -> Any:
        [found] = rows or ()
        return found

    def line(kind: str) -> Any:
        found = sdk.v1.customers.invoices.list(customer_id=customer)
        return next(row for each in found for row in each.line_items if row.type == kind)

    return {
        "customer": (customer, lambda: sdk.v1.customers.retrieve(customer_id=customer).data.custom_fields),
        "billable_metric": (
            metric.id, lambda: sdk.v1.billable_metrics.retrieve(billable_metric_id=metric.id).data.custom_fields,
        ),
        "contract_product": (product, lambda: sdk.v1.contracts.products.retrieve(id=product).data.custom_fields),
        "rate_card": (card, lambda: sdk.v1.contracts.rate_cards.retrieve(id=card).data.custom_fields),
        "contract": (contract, lambda: read().custom_fields),
        "commit": (one(held.commits).id, lambda: one(read().commits).custom_fields),
        "contract_credit": (one(held.credits).id, lambda: one(read().credits).custom_fields),
        "scheduled_charge": (
            one(held.scheduled_charges).id, lambda: line("scheduled").scheduled_charge_custom_fields,
        ),
        "discount": (one(held.discounts).id, lambda: line("discount").discount_custom_fields),
        "subscription": (one(held.subscriptions).id, lambda: one(read().subscriptions).custom_fields),
        "invoice": (
            final.id,
            lambda: sdk.v1.customers.invoices.retrieve(customer_id=customer, invoice_id=final.id).data.custom_fields,
        ),
    }  # fmt: skip


def test_every_kind_of_record_has_them(world: World) -> None:
    sdk = world.sdk
    kinds = everything(world)
    for entity, (entity_id, read) in kinds.items():
        given: Any = {"entity": entity, "entity_id": entity_id}
        with pytest.raises(BadRequestError) as unknown:
            sdk.v1.custom_fields.set_values(custom_fields={"team": "east"}, **given)
        assert "addKey" in message(unknown)
        sdk.v1.custom_fields.add_key(entity=entity, key="team", enforce_uniqueness=False)  # type: ignore[arg-type]
        sdk.v1.custom_fields.add_key(entity=entity, key="crm", enforce_uniqueness=True)  # type: ignore[arg-type]
        sdk.v1.custom_fields.set_values(custom_fields={"team": "east", "crm": "7"}, **given)
        assert read() == {"team": "east", "crm": "7"}, entity
        sdk.v1.custom_fields.set_values(custom_fields={"team": "west"}, **given)
        assert read() == {"team": "west", "crm": "7"}, entity
        sdk.v1.custom_fields.delete_values(keys=["crm", "never"], **given)
        assert read() == {"team": "west"}, entity
    listed = list(sdk.v1.custom_fields.list_keys())
    assert len(listed) == 2 * len(kinds)
    assert {(one.key, one.enforce_uniqueness) for one in listed} == {("team", False), ("crm", True)}
    some = sdk.v1.custom_fields.list_keys(entities=["customer", "contract"])
    assert [one.entity for one in some] == ["contract", "contract", "customer", "customer"]
    sdk.v1.custom_fields.remove_key(entity="customer", key="team")
    assert kinds["customer"][1]() == {}
    assert kinds["contract"][1]() == {"team": "west"}


def test_a_unique_value_stands_once_whichever_way_it_comes(world: World, http: httpx.Client) -> None:
    sdk = world.sdk
    first = sdk.v1.customers.create(name="A", custom_fields={"crm": "1"}).data.id
    second = sdk.v1.customers.create(name="B", custom_fields={"crm": "1"}).data.id
    with pytest.raises(ConflictError) as twice:
        sdk.v1.custom_fields.add_key(entity="customer", key="crm", enforce_uniqueness=True)
    assert "same value of crm" in message(twice)
    sdk.v1.custom_fields.add_key(entity="customer", key="other", enforce_uniqueness=True)
    sdk.v1.custom_fields.set_values(entity="customer", entity_id=first, custom_fields={"other": "x"})
    for again in (
        lambda: sdk.v1.custom_fields.set_values(entity="customer", entity_id=second, custom_fields={"other": "x"}),
        lambda: sdk.v1.customers.create(name="C", custom_fields={"other": "x"}),
    ):
        with pytest.raises(ConflictError):
            again()
    assert [one.name for one in sdk.v1.customers.list()] == ["B", "A"]
    sdk.v1.custom_fields.delete_values(entity="customer", entity_id=first, keys=["other"])
    sdk.v1.custom_fields.set_values(entity="customer", entity_id=second, custom_fields={"other": "x"})
    contract = world.contract(first, None, world.today, custom_fields={"other": "x"})  # another kind of record
    assert contract
    with pytest.raises(ConflictError):
        sdk.v1.custom_fields.add_key(entity="customer", key="other", enforce_uniqueness=False)
    assert (
        http.post("/v1/customFields/addKey", json={"entity": "plan", "key": "a", "enforce_uniqueness": True})
        .json()["message"]
        .startswith("entity: must be one of ")
    )


def test_what_cannot_be_is_refused(world: World, http: httpx.Client) -> None:
    sdk = world.sdk
    customer = world.customer()
    sdk.v1.custom_fields.add_key(entity="customer", key="team", enforce_uniqueness=False)
    with pytest.raises(NotFoundError):
        sdk.v1.custom_fields.set_values(entity="customer", entity_id=str(uuid.uuid4()), custom_fields={"team": "x"})
    with pytest.raises(NotFoundError):
        sdk.v1.custom_fields.remove_key(entity="customer", key="never")
    with pytest.raises(BadRequestError) as long:
        sdk.v1.custom_fields.set_values(entity="customer", entity_id=customer, custom_fields={"team": "x" * 201})
    assert "at most 200" in message(long)
    bodies: dict[str, dict[str, Any]] = {
        "addKey": {"key": "a", "enforce_uniqueness": False},
        "removeKey": {"key": "a"},
        "setValues": {"entity_id": customer, "custom_fields": {"team": "x"}},
        "deleteValues": {"entity_id": customer, "keys": ["team"]},
    }
    for path, body in bodies.items():
        answer = http.post(f"/v1/customFields/{path}", json={"entity": "star", **body})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("entity: must be one of "), answer.json()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_gets_the_value(live_sdk: Metronome, live_url: str, live_key: str) -> None:
    live_sdk.v1.custom_fields.add_key(entity="customer", key="crm", enforce_uniqueness=True)
    ids = [live_sdk.v1.customers.create(name=name).data.id for name in "ABCD"]
    outcomes: list[int] = []

    def take(customer: str) -> None:
        try:
            answer = httpx.post(
                f"{live_url}/v1/customFields/setValues",
                headers={"Authorization": f"Bearer {live_key}"},
                json={"entity": "customer", "entity_id": customer, "custom_fields": {"crm": "7"}},
            )
            outcomes.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [200, 409, 409, 409]


def test_the_log_says_who_did_what_and_what_was_there_before(world: World, http: httpx.Client) -> None:
    sdk = world.sdk
    customer = world.customer(name="Before")
    sdk.v1.customers.set_name(customer_id=customer, name="After")
    sdk.v1.custom_fields.add_key(entity="customer", key="team", enforce_uniqueness=False)
    sdk.v1.custom_fields.set_values(entity="customer", entity_id=customer, custom_fields={"team": "east"})
    rows = list(sdk.v1.audit_logs.list(resource_type="customer", resource_id=customer))
    assert [one.action for one in rows] == ["customer.create", "customer.set_name", "custom_field.set_values"]
    assert {one.status for one in rows} == {"success"}
    renamed = rows[1]
    assert renamed.actor is not None
    assert (renamed.actor.name, renamed.resource_id) == ("test", customer)
    assert renamed.request.user_agent
    assert renamed.description is not None
    assert "previous_name: Before" in renamed.description
    raw = http.get("/v1/auditLogs", params={"resource_type": "customer", "resource_id": customer}).json()
    assert raw["data"][2]["detail"]["previous_custom_fields"] == {}
    assert raw["next_page"] is None
    pages = http.get("/v1/auditLogs?limit=2&sort=date_desc").json()
    assert pages["data"][0]["action"] == "custom_field.set_values"
    more = http.get("/v1/auditLogs", params={"limit": 2, "sort": "date_desc", "next_page": pages["next_page"]}).json()
    assert not {one["id"] for one in pages["data"]} & {one["id"] for one in more["data"]}
    later = (world.now + timedelta(days=1)).isoformat()
    assert http.get("/v1/auditLogs", params={"starting_on": later}).json()["data"] == []
    assert list(sdk.v1.audit_logs.list(ending_before=world.days_ago(1))) == []
    for params, field in (
        ({"resource_type": "customer"}, "resource_id"),
        ({"starting_on": later, "next_page": pages["next_page"]}, "next_page"),
        ({"sort": "sideways"}, "sort"),
    ):
        answer = http.get("/v1/auditLogs", params=params)
        assert answer.status_code == 400
        assert answer.json()["message"].split(":")[0] in (field, "starting_on"), answer.json()
    assert http.get("/v1/auditLogs?limit=100").status_code == 200


def test_reading_the_log_costs_the_same_however_much_it_says(
    world: World, http: httpx.Client, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        world.customer(name=f"Customer {number}")
    http.get("/v1/auditLogs?limit=1")
    for limit in (1, 12):
        with django_assert_num_queries(2):  # the key, and the page
            assert len(http.get(f"/v1/auditLogs?limit={limit}").json()["data"]) == limit
