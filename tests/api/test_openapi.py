"""/openapi.json describes every route of the API, each with a body and an answer of its own."""

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

ROOMS = ("/v1/customers", "/v1/billable-metrics", "/v1/contract-pricing", "/v1/credit-types")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    reset_generator_stats()
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def test_nothing_is_ambiguous(described: dict[str, Any]) -> None:
    warnings = {text for kind in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for text in kind}
    assert warnings == set()


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_the_catalogue_and_customers_say_what_they_take_and_give(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        if not path.startswith(ROOMS) or "invoices" in path:
            continue
        for method, operation in methods.items():
            assert operation["description"], path
            if method in ("post", "put") and not path.endswith("/rate-cards/list"):
                assert "requestBody" in operation, path
            answer = operation["responses"]["200"]
            silent = path.endswith(("/setIngestAliases", "/updateConfig"))
            assert ("content" in answer) is not silent, path


def test_bodies_of_the_same_name_do_not_hide_each_other(described: dict[str, Any]) -> None:
    def body(path: str) -> set[str]:
        content = described["paths"][path]["post"]["requestBody"]["content"]
        name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        return set(described["components"]["schemas"][name]["properties"])

    assert "aggregation_type" in body("/v1/billable-metrics/create")
    assert "billable_metric_id" in body("/v1/contract-pricing/products/create")
    assert "fiat_credit_type_id" in body("/v1/contract-pricing/rate-cards/create")
    assert "ingest_aliases" in body("/v1/customers")
    words = described["components"]["schemas"]["CatalogRatesRateInputRequest"]["properties"]["rate_type"]
    assert words["enum"][:2] == ["FLAT", "TIERED"]


def test_it_is_served(client: Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "Tactus"
