"""/openapi.json and /docs describe every route of the API, each with a body and an answer of its own."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

from billing_site.legacy import LegacyView
from core.api.middleware import API_PREFIXES
from core.api.openapi import described as operations

# Metronome's "None" methods: an empty body.
SILENT = re.compile(
    r"/(addKey|removeKey|setValues|deleteValues|setIngestAliases|updateConfig|updateNamedSchedule|setUsageFilter|addManualBalanceLedgerEntry|embed/end)$"
)
# Lists that page by query, and the console's own calls, which say all with their token.
BODILESS = re.compile(r"/(rate-cards/list|embed/end|embed/renew)$")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    reset_generator_stats()
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def routes(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, str]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith(API_PREFIXES):
            view = getattr(pattern.callback, "cls", None)
            assert view is not None, f"{path} is not a view of the API"
            if issubclass(view, LegacyView):  # answers all alike: 410
                continue
            yield from ((path, method) for method in METHODS if hasattr(view, method))


def test_every_route_is_described_and_nothing_else(described: dict[str, Any]) -> None:
    told = {(path, method) for path, methods in described["paths"].items() for method in methods}
    assert told == set(routes())
    assert {(row.path, row.method.lower()) for row in operations()} == told


def test_nothing_is_ambiguous(described: dict[str, Any]) -> None:
    warnings = {text for kind in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for text in kind}
    assert warnings == set()


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_each_says_what_it_does_takes_and_gives(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            if method in ("post", "put"):
                assert ("requestBody" in operation) is not bool(BODILESS.search(path)), path
            answer = next(iter(operation["responses"].values()))
            assert ("content" in answer) is not bool(SILENT.search(path)), path


def test_bodies_of_the_same_name_do_not_hide_each_other(described: dict[str, Any]) -> None:
    def body(path: str) -> set[str]:
        content = described["paths"][path]["post"]["requestBody"]["content"]
        name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        return set(described["components"]["schemas"][name]["properties"])

    assert "aggregation_type" in body("/v1/billable-metrics/create")
    assert "billable_metric_id" in body("/v1/contract-pricing/products/create")
    assert "fiat_credit_type_id" in body("/v1/contract-pricing/rate-cards/create")
    assert "usage_statement_schedule" in body("/v1/contracts/create")
    assert "ingest_aliases" in body("/v1/customers")
    words = described["components"]["schemas"]["CatalogRatesRateInputRequest"]["properties"]["rate_type"]
    assert words["enum"][:2] == ["FLAT", "TIERED"]


def test_it_is_served(client: Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "Tactus"


def test_the_page_shows_each_operation_with_nested_fields_and_needs_no_script(client: Client) -> None:
    answer = client.get("/docs")
    text = answer.content.decode()
    assert answer.status_code == 200
    ids = Counter(re.findall(r'\sid="([^"]+)"', text))
    assert {row.id for row in operations()} <= ids.keys()
    assert set(ids.values()) == {1}
    assert set(re.findall(r'href="#([^"]+)"', text)) <= ids.keys()
    assert "usage_statement_schedule.billing_anchor_date" in text
    assert "data[].line_items[].tier.level" in text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_names_that_clients_are_generated_from_stay_where_code_moves(described: dict[str, Any]) -> None:
    names = set(described["components"]["schemas"])
    assert {
        "CustomersCreateInputRequest", "InvoicesBalancesNetBalanceOutput", "InvoicesPreviewPreviewInputRequest",
        "InvoicesReservationsHeldOutput", "InvoicesSchemaInvoiceOutput", "InvoicesSeatsSeatOutput",
    } <= names  # fmt: skip
    assert not [name for name in names if name.startswith(("Billing", "Reservations"))]
