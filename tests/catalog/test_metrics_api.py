"""Billable metrics as the official SDK sees them."""

import uuid
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from core.models import AuditEntry, OutboxEvent
from tests.catalog.shop import Shop

FILTERS: list[dict[str, Any]] = [
    {"name": "units", "exists": True},
    {"name": "region", "in_values": ["us", "eu"]},
    {"name": "plan", "not_in_values": ["free"]},
    {"name": "test", "exists": False},
]


def test_all_parts_come_back_as_they_were_sent(sdk: Metronome) -> None:
    created = sdk.v1.billable_metrics.create(
        name="Tokens",
        aggregation_type="SUM",
        aggregation_key="units",
        event_type_filter={"in_values": ["a", "b"], "not_in_values": ["c"]},
        property_filters=FILTERS,
        group_keys=[["region"], ["region", "units"]],
        custom_fields={"team": "core"},
    ).data
    metric = sdk.v1.billable_metrics.retrieve(billable_metric_id=created.id).data
    assert metric.to_dict() == {
        "id": created.id,
        "name": "Tokens",
        "aggregation_type": "SUM",
        "aggregation_key": "units",
        "event_type_filter": {"in_values": ["a", "b"], "not_in_values": ["c"]},
        "property_filters": FILTERS,
        "group_keys": [["region"], ["region", "units"]],
        "custom_fields": {"team": "core"},
    }


def test_count_needs_no_key_and_lower_case_is_understood(http: httpx.Client, sdk: Metronome) -> None:
    made = http.post("/v1/billable-metrics/create", json={"name": "Calls", "aggregation_type": "count"}).json()["data"]
    metric = sdk.v1.billable_metrics.retrieve(billable_metric_id=made["id"]).data
    assert (metric.aggregation_type, metric.aggregation_key, metric.property_filters) == ("COUNT", None, [])


def test_only_the_name_changes(sdk: Metronome, shop: Shop) -> None:
    metric = shop.metric()
    assert sdk.v1.billable_metrics.update(billable_metric_id=metric, name="New").data.id == metric
    found = sdk.v1.billable_metrics.retrieve(billable_metric_id=metric).data
    assert (found.name, found.aggregation_key) == ("New", "units")


def test_archived_metrics_are_listed_on_request_and_keep_out_of_new_products(sdk: Metronome, shop: Shop) -> None:
    metric = shop.metric()
    product = shop.product(metric)
    sdk.v1.billable_metrics.archive(id=metric)
    sdk.v1.billable_metrics.archive(id=metric)
    assert OutboxEvent.objects.filter(name="billable_metric.archived", subject_id=metric).count() == 1
    assert sdk.v1.billable_metrics.retrieve(billable_metric_id=metric).data.archived_at is not None
    assert metric not in [row.id for row in sdk.v1.billable_metrics.list()]
    assert metric in [row.id for row in sdk.v1.billable_metrics.list(include_archived=True)]
    with pytest.raises(BadRequestError, match="billable_metric_id: the billable metric is archived"):
        shop.product(metric)
    with pytest.raises(BadRequestError, match="archived"):
        sdk.v1.billable_metrics.update(billable_metric_id=metric, name="x")
    # the product that has it goes on, and can still be changed
    sdk.v1.contracts.products.update(product_id=product, starting_at="2024-01-01T00:00:00Z", name="Renamed")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aggregation_key": None}, "aggregation_key: "),
        ({"aggregation_key": "other"}, "aggregation_key: must be the name of one of the property filters"),
        ({"aggregation_key": "test"}, "aggregation_key: its property filter says that it must not exist"),
        ({"aggregation_type": "COUNT"}, "aggregation_key: does not apply to COUNT"),
        ({"aggregation_type": "MEDIAN"}, "aggregation_type: must be one of"),
        ({"group_keys": [["plan"]]}, "group_keys.0.0: plan needs a property filter with exists: true or in_values"),
        ({"group_keys": [["region", "cloud"]]}, "group_keys.0.1: cloud needs a property filter"),
        ({"group_keys": [["region", "region"]]}, "group_keys.0: a property stands twice"),
        ({"group_keys": [["region", "units"], ["units", "region"]]}, "group_keys.1: the same properties"),
        ({"group_keys": [[]]}, "group_keys"),
        ({"event_type_filter": {"in_values": []}}, "event_type_filter.in_values"),
        ({"property_filters": [{"name": "units", "in_values": []}]}, "property_filters.0.in_values"),
        ({"property_filters": [{"name": "units", "exists": False, "in_values": ["x"]}]}, "contradicts"),
        ({"sql": "SELECT 1"}, "sql: is not supported by this version of Tactus"),
    ],
)
def test_parts_that_do_not_fit_together(http: httpx.Client, changes: dict[str, Any], message: str) -> None:
    body = {"name": "x", "aggregation_type": "SUM", "aggregation_key": "units", "property_filters": FILTERS}
    answer = http.post("/v1/billable-metrics/create", json=body | changes)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_sql_is_the_reason_given_even_where_all_else_is_missing(sdk: Metronome) -> None:
    with pytest.raises(BadRequestError, match="sql: "):
        sdk.v1.billable_metrics.create(name="x", sql="SELECT count(*) FROM events")


def test_unknown_metrics_are_a_404(sdk: Metronome) -> None:
    nothing = str(uuid.uuid4())
    for call in (
        lambda: sdk.v1.billable_metrics.retrieve(billable_metric_id=nothing),
        lambda: sdk.v1.billable_metrics.update(billable_metric_id=nothing, name="x"),
        lambda: sdk.v1.billable_metrics.archive(id=nothing),
    ):
        with pytest.raises(NotFoundError, match=nothing):
            call()


def test_pages_and_their_cost(sdk: Metronome, shop: Shop, django_assert_num_queries) -> None:
    made = [shop.metric() for _ in range(5)]
    with django_assert_num_queries(2):  # key, metrics
        page = sdk.v1.billable_metrics.list(limit=2)
    assert [row.id for row in page.data] == made[:2:-1]
    assert [row.id for row in page][:5] == made[::-1]


def test_every_write_is_told(sdk: Metronome, shop: Shop) -> None:
    metric = shop.metric()
    sdk.v1.billable_metrics.update(billable_metric_id=metric, name="New")
    sdk.v1.billable_metrics.archive(id=metric)
    names = list(OutboxEvent.objects.filter(subject_id=metric).order_by("id").values_list("name", flat=True))
    assert names == ["billable_metric.created", "billable_metric.renamed", "billable_metric.archived"]
    actions = list(AuditEntry.objects.filter(subject_id=metric).order_by("id").values_list("action", flat=True))
    assert actions == ["billable_metric.create", "billable_metric.update", "billable_metric.archive"]


def test_group_keys_may_be_added_later(sdk: Metronome, shop: Shop) -> None:
    """Tactus's own: `add_group_keys`. The properties need no filter, since filters are fixed."""
    metric = shop.metric(["region"])
    add = {"add_group_keys": [["zone"], ["region", "zone"]]}
    sdk.v1.billable_metrics.update(billable_metric_id=metric, name="By zone", extra_body=add)
    found = sdk.v1.billable_metrics.retrieve(billable_metric_id=metric).data
    assert (found.name, found.group_keys) == ("By zone", [["region"], ["zone"], ["region", "zone"]])
    for keys, refusal in (
        ([["zone"]], r"add_group_keys\.0: the same properties"),
        ([["a"], ["zone", "region"]], r"add_group_keys\.1: the same properties"),
        ([["a", "a"]], r"add_group_keys\.0: a property stands twice"),
        ([[f"k{n}"] for n in range(48)], "add_group_keys: a metric has at most 50"),
        ([[]], "add_group_keys"),
        ([], "add_group_keys"),
        ([["x" * 201]], "add_group_keys"),
    ):
        with pytest.raises(BadRequestError, match=refusal):
            sdk.v1.billable_metrics.update(billable_metric_id=metric, name="x", extra_body={"add_group_keys": keys})
    assert sdk.v1.billable_metrics.retrieve(billable_metric_id=metric).data.name == "By zone"
    last = AuditEntry.objects.filter(subject_id=metric).latest("id")
    assert last.detail["add_group_keys"] == add["add_group_keys"]
