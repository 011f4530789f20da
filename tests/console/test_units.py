"""The units view: what was counted, by the customer's own metrics; chart, table, file and API say the same."""

import csv
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from catalog.models import BillableMetric
from catalog.services import metrics, products, rate_cards, rates
from console.models import EmbedSession
from console.selectors import quantities as counted
from contracts.services import create_contract
from core.clock import now
from customers.services import create_customer
from tests.console.conftest import Seeded
from usage.services import ingest
from usage.store import NewEvent

pytestmark = pytest.mark.calendar


def ask(seeded: Seeded, token: str | None = None, **query: str) -> str:
    return seeded.get(f"/console/panels/units?{httpx.QueryParams(query)}", token).text


def download(seeded: Seeded, token: str, **query: str) -> list[dict[str, str]]:
    made = seeded.client.post(
        "/console/downloads",
        data={"path": "units.csv", "query": str(httpx.QueryParams(query))},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.status_code == 204
    link = json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"]
    return list(csv.DictReader(StringIO(seeded.client.get(link).text)))


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def figure(html: str) -> str:
    found = re.search(r"data-reading-total>([^<]+)<", html)
    assert found
    return found[1]


def body(html: str) -> list[list[str]]:
    """The table's rows, without the head and the last row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2].partition("</tbody>")[0], flags=re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in rows]


def metric_called(name: str) -> str:
    return str(BillableMetric.objects.get(name=name).pk)


@pytest.fixture
def token(seeded: Seeded) -> str:
    return seeded.token()


@pytest.mark.parametrize("query", [{}, {"by": "model,region"}, {"step": "hour", "preset": "7d", "by": "model,region"}])
def test_chart_table_file_and_api_say_the_same(
    seeded: Seeded, sdk: Metronome, token: str, query: dict[str, str]
) -> None:
    metric = metric_called("Input tokens")
    asked = {"preset": "previous", **query, "show": metric}
    html = ask(seeded, token, **asked)
    rows = download(seeded, token, **asked)
    assert number(figure(html)) == sum(Decimal(row["quantity"]) for row in rows) > 0
    assert number(figure(html)) == sum(number(row[-1]) for row in body(html) if row[-1])
    end = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = (end - timedelta(days=1)).replace(day=1)
    if asked["preset"] == "7d":
        end = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        start = end - timedelta(days=7)
    size: Any = asked.get("step", "day").upper()
    answer = sdk.v1.usage.list(
        starting_on=start,
        ending_before=end,
        window_size=size,
        customer_ids=[str(seeded.customer)],
        billable_metrics=[{"id": metric}],
    )
    listed = {}
    for cell in answer:
        listed[cell.start_timestamp] = Decimal(str(cell.value or 0))
    mine: dict[datetime, Decimal] = {}
    for row in rows:
        at = datetime.fromisoformat(row[asked.get("step", "day")])
        mine[at] = mine.get(at, Decimal(0)) + Decimal(row["quantity"])
    assert mine == {at: value for at, value in listed.items() if value}


def test_what_has_no_sum_shows_none(seeded: Seeded, token: str) -> None:
    asked = {"preset": "previous", "show": metric_called("Stored vectors")}
    html = ask(seeded, token, **asked)
    peaks = [number(row[-1]) for row in body(html)]
    assert len(peaks) >= 28
    assert number(figure(html)) == max(peaks) < sum(peaks)
    assert "Peaks do not add up" in html
    assert ">Peak of the range</th>" in html
    assert ">Total" not in html
    assert {row["aggregation"] for row in download(seeded, token, **asked)} == {"max"}


@pytest.mark.parametrize(
    ("aggregation", "said", "whole", "parts"),
    [
        ("UNIQUE", "do not add up: the figure above counts it once", "3", {"a": "2", "b": "2"}),
        ("LATEST", "Latest values do not add up", "7", {"a": "2", "b": "7"}),
        ("MAX", "Peaks do not add up", "9", {"a": "9", "b": "7"}),
        ("SUM", "", "21", {"a": "12", "b": "9"}),
        ("COUNT", "", "5", {"a": "3", "b": "2"}),
    ],
)
def test_each_aggregation_in_its_own_words(
    seeded: Seeded, aggregation: str, said: str, whole: str, parts: dict[str, str]
) -> None:
    since = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    customer, metric = metered(since, aggregation=aggregation, group_keys=[["team"]])
    levels = [("a", 1), ("a", 9), ("b", 2), ("a", 2), ("b", 7)]
    send(customer, since, [{"team": team, "level": level} for team, level in levels])
    asked = {"preset": "7d", "show": str(metric), "by": "team"}
    html = ask(seeded, seeded.token(customer), **asked)
    if aggregation == "UNIQUE":
        whole, parts = "4", {"a": "3", "b": "2"}
    assert figure(html) == whole
    legend = re.findall(r'legend-label">([^<]*)</span>\s*<span class="legend-figure" data-figure>([^<]*)<', html)
    assert dict(legend) == parts
    assert said in html
    assert ("do not add up" in html) is bool(said)
    assert ('class="wide lines"' in html) is bool(said)


def test_more_than_eight_parts_become_other_and_the_file_has_them_all(seeded: Seeded) -> None:
    since = now() - timedelta(days=2)
    customer, metric = metered(since, group_keys=[["team"]])
    send(customer, since, [{"team": f"team {n}", "level": n + 1} for n in range(11)] + [{"team": "Other", "level": 5}])
    token = seeded.token(customer)
    asked = {"preset": "7d", "show": str(metric), "by": "team"}
    html = ask(seeded, token, **asked)
    assert figure(html) == "71"
    assert len(re.findall('class="legend-label"', html)) == 8
    rows = download(seeded, token, **asked)
    assert len(rows) == 12
    assert sum(Decimal(row["quantity"]) for row in rows) == 71


def test_parts_beyond_the_limit_are_one(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "MAX_PARTS", 3)
    since = now() - timedelta(days=2)
    for aggregation in ("SUM", "MAX"):
        customer, metric = metered(since, aggregation=aggregation, group_keys=[["team"]])
        send(customer, since, [{"team": f"team {n}", "level": n + 1} for n in range(6)])
        token = seeded.token(customer)
        asked = {"preset": "7d", "show": str(metric), "by": "team"}
        rows = download(seeded, token, **asked)
        by_team: dict[str, Decimal] = {}
        for row in rows:  # a day each: hours before midnight they are two
            by_team[row["team"]] = by_team.get(row["team"], Decimal(0)) + Decimal(row["quantity"])
        kept = {"team 5": 6, "team 4": 5, "team 3": 4}
        assert by_team == ({**kept, "Other": 6} if aggregation == "SUM" else kept)
        html = ask(seeded, token, **asked)
        assert figure(html) == ("21" if aggregation == "SUM" else "6")


def test_no_two_parts_are_taken_for_one(seeded: Seeded) -> None:
    since = now() - timedelta(days=2)
    customer, metric = metered(since, group_keys=[["team"]])
    long = "x" * 100
    teams = [("", 4), ("empty", 6), (long + "1", 5), (long + "2", 7)]
    send(customer, since, [{"level": level, "team": team} for team, level in teams])
    html = ask(seeded, seeded.token(customer), preset="7d", show=str(metric), by="team")
    assert figure(html) == "22"
    shown = re.findall(r'legend-label">([^<]*)<', html)
    assert len(shown) == len(set(shown)) == 4
    assert {"empty", "empty (2)"} < set(shown)


def test_only_metrics_of_the_customers_plan_can_be_chosen(seeded: Seeded, token: str) -> None:
    since = now() - timedelta(days=2)
    _, foreign = metered(since)
    html = ask(seeded, token)
    assert re.findall(r'<option value="[0-9a-f-]{36}"[^>]*>([^<]*)<', html) == [
        "Image generations", "Input tokens", "Output tokens", "Stored vectors",
    ]  # fmt: skip
    html = ask(seeded, token, show=str(foreign))
    assert "Image generations by day" in html


def test_the_empty_states_say_what_comes_next(seeded: Seeded, token: str) -> None:
    html = ask(seeded, token, preset="custom", **{"from": "2020-01-01", "to": "2020-01-31"})
    assert "Nothing was counted in this range" in html
    nobody = create_customer(name="Empty", now=now()).pk
    assert "Your plan meters nothing yet" in ask(seeded, seeded.token(nobody))
    assert download(seeded, seeded.token(nobody)) == []


@pytest.mark.parametrize(
    "query",
    [
        {"preset": "90d", "step": "hour"},
        {"preset": "custom", "from": "2024-01-01", "to": "2026-01-01"},
        {"preset": "nonsense"},
        {"step": "'"},
        {"preset": "custom", "from": "x", "to": "\ud7ff"},
    ],
)
def test_what_cannot_be_drawn_says_so_and_keeps_the_metric(seeded: Seeded, token: str, query: dict[str, str]) -> None:
    html = ask(seeded, token, show=metric_called("Output tokens"), **query)
    assert 'role="alert"' in html
    assert "Output tokens by day" in html


@pytest.mark.parametrize("query", [{"show": "x"}, {"by": "nothing"}, {"by": "\x00"}, {"show": "0" * 36, "unit": "x"}])
def test_odd_words_change_nothing(seeded: Seeded, token: str, query: dict[str, str]) -> None:
    assert "Image generations by day" in ask(seeded, token, **query)


def test_the_page_is_a_fragment_that_says_where_it_is(seeded: Seeded, token: str) -> None:
    page = seeded.get("/console/usage/units?preset=7d", token)
    assert page.headers["Console-Path"] == "/usage/units"
    assert "/console/panels/units?preset=7d" in page.text
    cost = seeded.get("/console/panels/usage?preset=7d", token).text
    assert "/console/usage/units?preset=7d&amp;" in cost
    assert seeded.get("/console/usage/units", seeded.token(scopes=["invoices:read"])).status_code == 403
    assert seeded.get("/console/panels/units", seeded.token(scopes=["invoices:read"])).status_code == 403


def test_the_view_costs_at_most_twelve_queries(
    seeded: Seeded, token: str, django_assert_max_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    with django_assert_max_num_queries(12 + 1):  # and one for who is looking
        html = ask(seeded, token, preset="30d", show=metric_called("Input tokens"), by="model,region")
    assert "lumen-large, us-east" in html


def test_names_that_the_host_gives_are_used(seeded: Seeded) -> None:
    groups = [{"key": "region", "name": "Area", "values": {"us-east": "America"}}]
    token = seeded.token()
    EmbedSession.objects.update(options={"groups": groups})
    asked = {"show": metric_called("Input tokens"), "by": "model,region", "preset": "30d"}
    assert "lumen-large, America" in ask(seeded, token, **asked)
    assert {row["Area"] for row in download(seeded, token, **asked)} == {"America", "eu-west"}


def metered(
    since: datetime, *, aggregation: str = "SUM", group_keys: list[list[str]] | None = None
) -> tuple[UUID, UUID]:
    """A customer whose plan has one metric, over `level`."""
    keys = group_keys or []
    metric = metrics.create_metric(
        name=f"Levels, {aggregation.lower()}",
        aggregation_type=aggregation,
        aggregation_key=None if aggregation == "COUNT" else "level",
        property_filters=[{"name": name, "exists": True} for name in ("level", *(n for key in keys for n in key))],
        group_keys=keys,
        now=since,
    )
    fields = {"name": "Levels", "billable_metric_id": str(metric.pk)}
    product = products.create_product(product_type="USAGE", fields=fields, now=since)
    card = rate_cards.create_rate_card(name="Levels", now=since)
    rate = rates.NewRate(product.pk, since.replace(minute=0, second=0, microsecond=0), entitled=True,
                         rate_type="FLAT", price=Decimal(1))  # fmt: skip
    rates.add_rates(rate_card_id=card.pk, rates=[rate], now=since)
    customer = create_customer(name="Metered", now=since)
    start = since.replace(hour=0, minute=0, second=0, microsecond=0)
    create_contract(customer_id=customer.pk, rate_card_id=card.pk, starting_at=start, now=since)
    return customer.pk, metric.pk


def send(customer: UUID, since: datetime, properties: list[dict[str, Any]]) -> None:
    """Events an hour apart, each with an id of its own."""
    events = [
        NewEvent(f"{customer}-{n}", str(customer), "call", since + timedelta(hours=n), props)
        for n, props in enumerate(properties)
    ]
    ingest(events=events, now=now())
