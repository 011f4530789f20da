"""`/v1/usage`, `/v1/usage/groups` and `/v1/events/search` through the SDK."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from core.clock import now
from core.exact_json import loads

pytestmark = pytest.mark.calendar

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TODAY = now().replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - 4 * DAY
RANGE = {"starting_on": START, "ending_before": TODAY}


class Shop:
    """A customer, and metrics over its `call` events with `units`, `region` and `team`."""

    def __init__(self, sdk: Metronome) -> None:
        self.sdk = sdk
        self.customer = sdk.v1.customers.create(name="Acme").data.id
        self.sent = 0

    def metric(self, aggregation: str = "SUM", groups: tuple[tuple[str, ...], ...] = (), name: str = "metric") -> str:
        names = sorted({key for group in groups for key in group})
        filters = [{"name": key, "exists": True} for key in ["units", *names]]
        extra: dict[str, Any] = {} if aggregation == "COUNT" else {"aggregation_key": "units"}
        if groups:
            extra["group_keys"] = [list(group) for group in groups]
        return self.sdk.v1.billable_metrics.create(
            name=name,
            aggregation_type=aggregation,  # type: ignore[arg-type]
            event_type_filter={"in_values": ["call"]},
            property_filters=filters,
            **extra,
        ).data.id

    def use(self, units: object, at: datetime, customer: str | None = None, **properties: str) -> None:
        self.sent += 1
        self.sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": f"e{self.sent}",
                    "customer_id": customer or self.customer,
                    "event_type": "call",
                    "timestamp": at.isoformat(),
                    "properties": {"units": str(units), **properties},
                }
            ]
        )

    def values(self, metric: str, size: str, **query: Any) -> list[float | None]:
        rows = self.sdk.v1.usage.list(
            window_size=size,  # type: ignore[arg-type]
            customer_ids=[self.customer],
            billable_metrics=[{"id": metric}],
            **{**RANGE, **query},
        )
        return [row.value for row in rows]

    def groups(self, metric: str, size: str = "NONE", **query: Any) -> list[Any]:
        return list(
            self.sdk.v1.usage.list_with_groups(
                billable_metric_id=metric,
                customer_id=self.customer,
                window_size=size,  # type: ignore[arg-type]
                **{**RANGE, **query},
            )
        )


@pytest.fixture
def shop(sdk: Metronome) -> Shop:
    return Shop(sdk)


# ---- /v1/usage -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("aggregation", "whole", "days"),
    [
        ("COUNT", 4, [3, None, 1, None]),
        ("SUM", 14.5, [10.5, None, 4, None]),
        ("MAX", 6, [6, None, 4, None]),
        ("LATEST", 4, [2, None, 4, None]),
        ("UNIQUE", 4, [3, None, 1, None]),
    ],
)
def test_each_window_has_its_own_aggregate(
    shop: Shop, aggregation: str, whole: float, days: list[float | None]
) -> None:
    metric = shop.metric(aggregation)
    shop.use("2", START + 3 * HOUR)
    shop.use("6", START)
    shop.use("2.5", START + 2 * HOUR)
    shop.use("4", START + 3 * DAY - timedelta(microseconds=1))
    shop.use("100", TODAY)  # half-open: not in the range
    assert shop.values(metric, "NONE") == [whole]
    assert shop.values(metric, "DAY") == days
    hours = shop.values(metric, "HOUR")
    assert len(hours) == 96
    assert [i for i, value in enumerate(hours) if value is not None] == [0, 2, 3, 71]


def test_rows_name_customer_metric_and_window(shop: Shop) -> None:
    metric = shop.metric(name="Calls")
    [row] = shop.sdk.v1.usage.list(window_size="NONE", customer_ids=[shop.customer], **RANGE)
    assert (row.customer_id, row.billable_metric_id, row.billable_metric_name) == (shop.customer, metric, "Calls")
    assert (row.start_timestamp, row.end_timestamp, row.value, row.groups) == (START, TODAY, None, None)


def test_window_sizes_in_any_case_and_exact_decimals(http: httpx.Client, shop: Shop) -> None:
    metric = shop.metric()
    shop.use("0.1", START)
    shop.use("0.2000000000000000000000000000000000001", START)
    body = {"starting_on": START.isoformat(), "ending_before": TODAY.isoformat(), "billable_metrics": [{"id": metric}]}
    for size in ("none", "None", "NONE"):
        answer = http.post("/v1/usage", json={**body, "window_size": size, "customer_ids": [shop.customer]})
        [row] = loads(answer.content)["data"]
        assert row["value"] == Decimal("0.3000000000000000000000000000000000001")
        assert "groups" not in row


def test_group_by_in_usage(shop: Shop) -> None:
    metric = shop.metric(groups=(("region",),))
    shop.use(1, START, region="us")
    shop.use(2, START, region="eu")
    shop.use(4, START + DAY, region="us")

    def read(**group_by: Any) -> list[Any]:
        rows = shop.sdk.v1.usage.list(
            window_size="DAY",
            customer_ids=[shop.customer],
            billable_metrics=[{"id": metric, "group_by": {"key": "region", **group_by}}],
            **RANGE,
        )
        return [(row.value, row.groups) for row in rows][:3]

    assert read() == [(3, {"eu": 2, "us": 1}), (4, {"eu": None, "us": 4}), (None, {"eu": None, "us": None})]
    assert read(values=["us", "mars"])[:2] == [(3, {"us": 1, "mars": None}), (4, {"us": 4, "mars": None})]


def test_all_customers_and_metrics_in_pages(shop: Shop, sdk: Metronome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usage.selectors.tables.PAIRS_A_PAGE", 2)
    metrics = {shop.metric(name=f"m{i}") for i in range(3)}
    archived = shop.metric(name="old")
    sdk.v1.billable_metrics.archive(id=archived)
    customers = {shop.customer, *(sdk.v1.customers.create(name=f"c{i}").data.id for i in range(2))}
    shop.use(5, START)
    pages = 0
    rows: list[Any] = []
    page = sdk.v1.usage.list(window_size="NONE", **RANGE)
    while True:
        pages += 1
        rows += page.data
        if not page.has_next_page():
            break
        page = page.get_next_page()
    assert pages == 5
    pairs = [(row.customer_id, row.billable_metric_id) for row in rows]
    assert len(set(pairs)) == len(pairs)
    assert set(pairs) == {(customer, metric) for customer in customers for metric in metrics}
    assert {row.customer_id for row in rows if row.value == 5} == {shop.customer}
    # An archived metric is shown when it is asked for.
    assert shop.values(archived, "NONE") == [5]


def test_no_customers_asked_for_is_not_all(shop: Shop) -> None:
    shop.metric()
    assert list(shop.sdk.v1.usage.list(window_size="NONE", customer_ids=[], **RANGE)) == []


def test_unknown_customers_and_metrics_are_404(shop: Shop) -> None:
    metric = shop.metric()
    unknown = str(uuid4())
    with pytest.raises(NotFoundError, match="billable_metrics"):
        shop.values(unknown, "NONE")
    with pytest.raises(NotFoundError, match="customer_ids"):
        shop.sdk.v1.usage.list(window_size="NONE", customer_ids=[shop.customer, unknown], **RANGE)
    with pytest.raises(NotFoundError, match="billable_metric_id"):
        shop.groups(unknown)
    with pytest.raises(NotFoundError, match="customer_id"):
        shop.sdk.v1.usage.list_with_groups(billable_metric_id=metric, customer_id=unknown, window_size="NONE", **RANGE)


# ---- /v1/usage/groups ------------------------------------------------------------------------------------------------
def test_simple_groups_in_both_ways_of_asking(shop: Shop) -> None:
    metric = shop.metric(groups=(("region",), ("region", "team")))
    shop.use(1, START, region="us", team="a")
    shop.use(2, START + DAY, region="us", team="b")
    shop.use(4, START, region="eu", team="a")
    rows = [
        (row.starting_on, row.group_key, row.group_value, row.group, row.value)
        for row in shop.groups(metric, "DAY", group_key=["region"])
    ]
    assert rows == [
        (START, "region", "eu", {"region": "eu"}, 4),
        (START, "region", "us", {"region": "us"}, 1),
        (START + DAY, "region", "us", {"region": "us"}, 2),
    ]
    old_way = shop.groups(metric, "DAY", group_by={"key": "region", "values": ["us"]})
    assert [(row.starting_on, row.group_value, row.value) for row in old_way] == [
        (START, "us", 1),
        (START + DAY, "us", 2),
    ]


def test_compound_groups_with_filters(shop: Shop) -> None:
    metric = shop.metric(groups=(("region", "team"),))
    for units, region, team in [(1, "us", "a"), (2, "us", "b"), (4, "eu", "a"), (8, "eu", "b")]:
        shop.use(units, START, region=region, team=team)

    def read(keys: list[str], **filters: list[str]) -> list[Any]:
        rows = shop.groups(metric, group_key=keys, group_filters=filters)
        assert {(row.group_key, row.group_value) for row in rows} == {(None, None)}
        return [(row.group, row.value) for row in rows]

    assert [value for _, value in read(["region", "team"])] == [4, 8, 1, 2]
    assert read(["team", "region"], region=["eu"]) == [
        ({"team": "a", "region": "eu"}, 4),
        ({"team": "b", "region": "eu"}, 8),
    ]
    assert [value for _, value in read(["region", "team"], region=["eu", "us"], team=["b"])] == [8, 2]
    assert len(read(["region", "team"], region=[])) == 4


def test_without_a_group_each_window_has_a_row(shop: Shop) -> None:
    metric = shop.metric()
    shop.use(1, START + DAY)
    rows = [(row.group_key, row.group_value, row.group, row.value) for row in shop.groups(metric, "DAY")]
    assert rows == [(None, None, None, value) for value in (None, 1, None, None)]


def test_groups_in_pages_while_usage_arrives(shop: Shop) -> None:
    metric = shop.metric(groups=(("region",),))
    for i in range(7):
        shop.use(i + 1, START, region=f"r{i}")
    page = shop.sdk.v1.usage.list_with_groups(
        billable_metric_id=metric, customer_id=shop.customer, window_size="NONE", group_key=["region"], limit=3, **RANGE
    )
    seen = [row.group_value for row in page.data]
    shop.use(1, START, region="a")  # sorts before everything seen
    shop.use(1, START, region="r9")
    while page.has_next_page():
        page = page.get_next_page()
        assert len(page.data) <= 3
        seen += [row.group_value for row in page.data]
    assert seen == [*(f"r{i}" for i in range(7)), "r9"]


def test_the_current_period(shop: Shop, contract_on: Callable[[str, datetime], None]) -> None:
    metric = shop.metric()
    query = {"starting_on": None, "ending_before": None, "current_period": True}
    with pytest.raises(BadRequestError, match="no contract in force"):
        shop.groups(metric, **query)
    contract_on(shop.customer, START)
    shop.use(1, START - timedelta(microseconds=1))
    shop.use(2, START)
    [row] = shop.groups(metric, **query)
    assert (row.starting_on, row.value) == (START, 2)
    assert row.ending_before > TODAY
    days = shop.groups(metric, "DAY", **query)
    assert [row.value for row in days][:2] == [2, None]
    assert days[-1].ending_before == row.ending_before


@pytest.fixture
def contract_on(sdk: Metronome) -> Callable[[str, datetime], None]:
    def make(customer: str, start: datetime) -> None:
        card = sdk.v1.contracts.rate_cards.create(name="card").data.id
        schedule = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
        sdk.v1.contracts.create(
            customer_id=customer,
            rate_card_id=card,
            starting_at=start,
            usage_statement_schedule=schedule,  # type: ignore[arg-type]
        )

    return make


NOON = START + 12 * HOUR
LISTS = [
    ({"window_size": "WEEK"}, "window_size"),
    ({"window_size": None}, "window_size"),
    ({"starting_on": NOON.isoformat()}, "starting_on"),
    ({"ending_before": NOON.isoformat()}, "ending_before"),
    ({"ending_before": START.isoformat()}, "ending_before"),
    ({"ending_before": (START - DAY).isoformat()}, "ending_before"),
    ({"starting_on": "yesterday"}, "starting_on"),
    ({"starting_on": START.replace(tzinfo=None).isoformat()}, "starting_on"),
    ({"window_size": "HOUR", "starting_on": "2020-01-01T00:00:00Z"}, "ending_before"),
    ({"customer_ids": "all"}, "customer_ids"),
    ({"customer_ids": ["acme"]}, "customer_ids"),
    ({"customer_ids": [str(uuid4())] * 1001}, "customer_ids"),
    ({"billable_metrics": [{"group_by": {"key": "region"}}]}, "billable_metrics"),
    ({"billable_metrics": ["x"]}, "billable_metrics"),
    ({"billable_metrics": {"id": "x"}}, "billable_metrics"),
]


@pytest.mark.parametrize(("change", "field"), LISTS, ids=[f"{field} {i}" for i, (_, field) in enumerate(LISTS)])
def test_bad_questions_to_usage(http: httpx.Client, db: None, change: dict[str, Any], field: str) -> None:
    body = {"window_size": "DAY", "starting_on": START.isoformat(), "ending_before": TODAY.isoformat(), **change}
    answer = http.post("/v1/usage", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(field)


GROUPS = [
    ({"group_key": ["team"]}, "group_key"),
    ({"group_key": ["region", "planet"]}, "group_key"),
    ({"group_key": ["region", "region"]}, "group_key"),
    ({"group_key": "region"}, "group_key"),
    ({"group_key": ["region"], "group_filters": {"team": ["a"]}}, "group_filters"),
    ({"group_filters": {"region": ["a"]}}, "group_filters"),
    ({"group_key": ["region"], "group_filters": {"region": [str(i) for i in range(201)]}}, "group_filters"),
    ({"group_key": ["region"], "group_by": {"key": "region"}}, "group_by"),
    ({"group_by": {"key": "region", "values": []}}, "group_by"),
    ({"group_by": {"key": "region", "values": [str(i) for i in range(201)]}}, "group_by"),
    ({"group_by": {"key": "planet"}}, "group_key"),
    ({"group_by": {}}, "group_by"),
    ({"current_period": True}, "starting_on"),
    ({"current_period": "yes"}, "current_period"),
    ({"starting_on": None}, "starting_on"),
    ({"ending_before": None}, "ending_before"),
    ({"customer_id": "x"}, "customer_id"),
    ({"billable_metric_id": None}, "billable_metric_id"),
]


@pytest.mark.parametrize(("change", "field"), GROUPS, ids=[f"{field} {i}" for i, (_, field) in enumerate(GROUPS)])
def test_bad_questions_to_groups(http: httpx.Client, shop: Shop, change: dict[str, Any], field: str) -> None:
    metric = shop.metric(groups=(("region",), ("region", "team")))
    body = {"customer_id": shop.customer, "billable_metric_id": metric, "window_size": "DAY"}
    bounds = {"starting_on": START.isoformat(), "ending_before": TODAY.isoformat()}
    answer = http.post("/v1/usage/groups", json={**body, **bounds, **change})
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"].startswith(field)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJhIl0", "WyJhIiwiYiJd", "bnVsbA", "%00", "é" * 10])
def test_cursors_that_are_not_ours(http: httpx.Client, shop: Shop, cursor: str) -> None:
    metric = shop.metric()
    bounds = {"window_size": "DAY", "starting_on": START.isoformat(), "ending_before": TODAY.isoformat()}
    for path, body in [
        ("/v1/usage", bounds),
        ("/v1/usage/groups", {**bounds, "customer_id": shop.customer, "billable_metric_id": metric}),
    ]:
        answer = http.post(path, json=body, params={"next_page": cursor})
        assert answer.status_code == 400, answer.text
        assert answer.json()["message"].startswith("next_page")


# ---- /v1/events/search -----------------------------------------------------------------------------------------------
def test_search_tells_what_an_event_matches(shop: Shop) -> None:
    metric = shop.metric(name="Calls")
    shop.sdk.v1.billable_metrics.create(name="other", aggregation_type="COUNT", event_type_filter={"in_values": ["x"]})
    shop.use("1.50", START)
    shop.use(2, START, customer="nobody")
    first, second = shop.sdk.v1.usage.search(transaction_ids=["e1", "e2", "unknown"])
    assert (first.transaction_id, first.customer_id, first.event_type, first.timestamp) == (
        "e1",
        shop.customer,
        "call",
        START,
    )
    assert first.properties == {"units": "1.50"}
    assert first.is_duplicate is False
    assert first.processed_at is not None
    assert abs(first.processed_at - now()) < timedelta(minutes=1)
    assert first.matched_customer is not None
    assert (first.matched_customer.id, first.matched_customer.name) == (shop.customer, "Acme")
    assert [(found.id, found.name, found.aggregation_type) for found in first.matched_billable_metrics or []] == [
        (metric, "Calls", "SUM")
    ]
    assert (second.customer_id, second.matched_customer) == ("nobody", None)
    assert first.id != second.id


def test_search_by_alias_and_without_anything_found(shop: Shop) -> None:
    shop.sdk.v1.customers.set_ingest_aliases(customer_id=shop.customer, ingest_aliases=["acme"])
    shop.use(1, START, customer="acme")
    [found] = shop.sdk.v1.usage.search(transaction_ids=["e1"])
    assert found.matched_customer is not None
    assert found.matched_customer.id == shop.customer
    assert shop.sdk.v1.usage.search(transaction_ids=["nothing"]) == []
    assert shop.sdk.v1.usage.search(transaction_ids=[]) == []


@pytest.mark.parametrize(
    "body", [{}, {"transactionIds": "a"}, {"transactionIds": [1]}, {"transactionIds": ["\x00"]}, []]
)
def test_bad_searches(http: httpx.Client, body: Any) -> None:
    assert http.post("/v1/events/search", json=body).status_code == 400


def test_reading_needs_the_scope(scoped_http: Callable[..., httpx.Client], shop: Shop) -> None:
    for path in ("/v1/usage", "/v1/usage/groups", "/v1/events/search"):
        assert scoped_http("usage:ingest").post(path, json={}).status_code == 403
        assert scoped_http("usage:read").post(path, json={}).status_code == 400
