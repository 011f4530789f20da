"""Malformed customers are refused with a message that names the field, and leave nothing behind."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest
from django.db import connection
from metronome import Metronome

from core.clock import now
from core.errors import Conflict
from customers import services
from customers.models import IngestAlias
from tests.odd_input import Endpoint, faults, send

CREATE = {
    "name": "Good",
    "ingest_aliases": ["odd-a", "odd-b"],
    "external_id": "odd-c",
    "custom_fields": {"tier": "gold"},
}


def test_create(http: httpx.Client) -> None:
    fields = {
        "name": "cut_text",
        "ingest_aliases": "list",
        "ingest_aliases.1": "text",
        "external_id": "text",
        "custom_fields": "texts",
    }
    assert faults(http, Endpoint("/v1/customers", CREATE, fields, ("name",))) == []


def test_changes(http: httpx.Client, sdk: Metronome) -> None:
    customer = sdk.v1.customers.create(name="Victim", ingest_aliases=["kept"]).data.id
    url = f"/v1/customers/{customer}"
    name = Endpoint(f"{url}/setName", {"name": "x"}, {"name": "cut_text"}, ("name",))
    fields = {"ingest_aliases": "list", "ingest_aliases.0": "text"}
    aliases = Endpoint(f"{url}/setIngestAliases", {"ingest_aliases": ["x"]}, fields, ("ingest_aliases",))
    archive = Endpoint("/v1/customers/archive", {"id": customer}, {"id": "id"}, ("id",))
    found = [fault for endpoint in (name, aliases, archive) for fault in faults(http, endpoint)]

    config = Endpoint(f"{url}/updateConfig", {}, {})
    for raw in ("5", "true", "[]", "{}", '""', r'"\u0000"'):
        answer = send(http, config, f'{{"salesforce_account_id": {raw}}}'.encode())
        if answer.status_code != 400:
            found.append(f"updateConfig {raw}: {answer.status_code}")
    assert found == []
    kept = sdk.v1.customers.retrieve(customer_id=customer).data
    assert (kept.name, kept.ingest_aliases, kept.archived_at) == ("Victim", ["kept"], None)


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        (["a" * 129], "ingest_aliases.0: must be 1 to 128 characters long"),
        (["a", "b", "a"], "ingest_aliases: an alias stands twice"),
        ([f"a{i}" for i in range(2001)], "ingest_aliases"),
    ],
)
def test_limits_of_aliases(http: httpx.Client, aliases: list[str], message: str) -> None:
    answer = http.post("/v1/customers", json={"name": "x", "ingest_aliases": aliases})
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_the_longest_alias_and_the_largest_set_are_accepted(sdk: Metronome) -> None:
    aliases = [f"{i:0128}" for i in range(2000)]
    made = sdk.v1.customers.create(name="Many", ingest_aliases=aliases).data
    assert made.ingest_aliases == aliases


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"billing_config": {"billing_provider_type": "stripe"}}, "billing_config.billing_provider_customer_id"),
        ({"billing_config": {"billing_provider_type": "cash", "billing_provider_customer_id": "c"}}, "billing_config."),
        (
            {"customer_billing_provider_configurations": [{"billing_provider": "stripe"}]},
            "customer_billing_provider_configurations.0.configuration.stripe_customer_id",
        ),
        (
            {"customer_billing_provider_configurations": [{"billing_provider": "gcp_marketplace"}]},
            "customer_billing_provider_configurations.0.delivery_method",
        ),
        (
            {"customer_revenue_system_configurations": [{"provider": "netsuite", "configuration": 7}]},
            "customer_revenue_system_configurations.0.configuration",
        ),
    ],
)
def test_where_invoices_go_is_checked_and_nothing_half_stored(
    http: httpx.Client, extra: dict[str, object], message: str
) -> None:
    answer = http.post("/v1/customers", json={"name": "x", **extra})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message), answer.json()
    assert http.get("/v1/customers").json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1.0",
        "limit=x",
        "limit=%D9%A1",
        "next_page=nonsense",
        "next_page=WyJ4Il0",
        "next_page=WyJ4IiwieSJd",
        "customer_ids=nope",
        "only_archived=maybe",
        "ingest_alias=%00",
        "customer_ids=" + ",".join(str(uuid.uuid4()) for _ in range(101)),
    ],
)
def test_list_refuses_odd_queries(http: httpx.Client, query: str) -> None:
    answer = http.get(f"/v1/customers?{query}")
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["message"]


def test_scopes(scoped_http) -> None:
    reader, writer, stranger = (
        scoped_http("customers:read"),
        scoped_http("customers:write"),
        scoped_http("catalog:write"),
    )
    assert reader.get("/v1/customers").status_code == 200
    assert reader.post("/v1/customers", json={"name": "x"}).status_code == 403
    assert writer.post("/v1/customers", json={"name": "x"}).status_code == 200
    assert stranger.get("/v1/customers").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_one_of_many_gets_the_aliases_that_all_ask_for_at_once() -> None:
    wanted = [f"race-{i}" for i in range(20)]
    ids = [services.create_customer(name=f"racer {i}", now=now()).pk for i in range(6)]
    together = Barrier(len(ids))

    def claim(number: int) -> str:
        order = wanted if number % 2 else wanted[::-1]
        try:
            together.wait(10)
            services.set_ingest_aliases(customer_id=ids[number], ingest_aliases=order, now=now())
        except Conflict:
            return "refused"
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(len(ids)) as pool:
        outcomes = list(pool.map(claim, range(len(ids))))
    assert sorted(outcomes) == ["refused"] * 5 + ["won"]
    winner = ids[outcomes.index("won")]
    assert list(IngestAlias.objects.values_list("customer_id", flat=True)) == [winner] * len(wanted)
