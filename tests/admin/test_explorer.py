"""The usage explorer: who may look, whom a word means, and that page, file and API say the same numbers."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from json import loads
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import BillableMetric
from catalog.services import metrics
from core.keys import create_api_key
from customers.services import archive_customer, create_customer
from tests.admin.test_pages import page
from tests.admin.world import World
from usage.services import ingest
from usage.store import NewEvent


@pytest.fixture
def split(world: World) -> str:
    """A metric outside of every plan, by team, with usage of three teams on two days."""
    names = ("units", "team", "tier")
    metric = metrics.create_metric(
        name="Units by team",
        aggregation_type="SUM",
        aggregation_key="units",
        property_filters=[{"name": name, "exists": True} for name in names],
        group_keys=[["team"], ["team", "tier"]],
        now=world.since,
    )
    events = [
        NewEvent(
            f"t-{n}", "acme", "job", world.now - timedelta(days=n % 2, hours=n), dict(zip(names, row, strict=True))
        )
        for n, row in enumerate(
            [("1.5", "red", "a"), ("2", "red", "b"), ("4", "=SUM(A1)", "a"), ("8", "blue", "b"), ("16", "blue", "a")]
        )
    ]
    ingest(events=events, now=world.now)
    return str(metric.pk)


def ask(client: Client, **query: str) -> Any:
    answer = client.get(reverse("admin:usage_explorer"), query)
    assert answer.status_code == 200
    return answer


def rows_of(client: Client, **query: str) -> list[dict[str, str]]:
    answer = client.get(reverse("admin:usage_explorer_csv"), query)
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def table(answer: Any) -> list[tuple[str, ...]]:
    """The shown table's rows, without the dashes and blanks."""
    return [(row.label, *row.values, row.total) for row in answer.context["exploration"].chart.rows if row.total != "0"]


def api(world: World, path: str, **body: Any) -> list[dict[str, Any]]:
    """What the API answers for the seven days that end with today."""
    _, secret = create_api_key(name="a key", scopes=["*"], now=world.now)
    whole = {"starting_on": "2026-03-14T00:00:00Z", "ending_before": "2026-03-21T00:00:00Z", **body}
    answer = Client().post(path, whole, content_type="application/json", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = loads(answer.content, parse_float=Decimal)["data"]
    return found


@pytest.mark.parametrize("step", ["day", "hour"])
def test_numbers_are_those_of_the_api(world: World, split: str, support: Client, step: str) -> None:
    asked = {"customer": "acme", "preset": "7d", "show": split, "step": step}
    listed = api(
        world,
        "/v1/usage",
        window_size=step.upper(),
        customer_ids=[str(world.customer)],
        billable_metrics=[{"id": split}],
    )
    told = {datetime.fromisoformat(cell["start_timestamp"]): Decimal(cell["value"]) for cell in listed if cell["value"]}
    mine = {datetime.fromisoformat(row[step]): Decimal(row["quantity"]) for row in rows_of(support, **asked)}
    assert mine == told
    assert ask(support, **asked).context["exploration"].chart.total == "31.5" == f"{sum(mine.values())}"


def test_groups_are_those_of_the_api(world: World, split: str, support: Client) -> None:
    asked = {"customer": "acme", "preset": "7d", "show": split, "by": "team,tier"}
    listed = api(
        world,
        "/v1/usage/groups",
        customer_id=str(world.customer),
        billable_metric_id=split,
        window_size="DAY",
        group_key=["team", "tier"],
    )
    told = {
        (datetime.fromisoformat(cell["starting_on"]), cell["group"]["team"], cell["group"]["tier"]): cell["value"]
        for cell in listed
    }
    mine = {
        (datetime.fromisoformat(row["day"]), row["team"].lstrip("'"), row["tier"]): Decimal(row["quantity"])
        for row in rows_of(support, **asked)
    }
    assert mine == told
    assert len(mine) == 5


def test_the_file_says_what_the_table_says(world: World, split: str, support: Client) -> None:
    asked = {"customer": str(world.customer), "preset": "7d", "show": split, "by": "team"}
    answer = ask(support, **asked)
    rows = rows_of(support, **asked)
    chart = answer.context["exploration"].chart
    assert [series.label for series in chart.series] == ["blue", "=SUM(A1)", "red"]
    assert [(label, *values) for label, *values in table(answer)] == [
        ("19 Mar", "8", "", "2", "10"),
        ("20 Mar", "16", "4", "1.5", "21.5"),
    ]
    by_team: dict[str, Decimal] = {}
    for row in rows:
        by_team[row["team"]] = by_team.get(row["team"], Decimal(0)) + Decimal(row["quantity"])
    assert by_team == {"blue": 24, "'=SUM(A1)": 4, "red": Decimal("3.5")}
    assert chart.total == "31.5"
    text = answer.content.decode()
    assert "explorer.csv?customer=" in text
    assert '<td class="bo-n">31.5</td>' in text


def test_what_has_no_sum_shows_none(world: World, support: Client) -> None:
    metric = metrics.create_metric(
        name="Most at once",
        aggregation_type="MAX",
        aggregation_key="tokens",
        property_filters=[{"name": "tokens", "exists": True}],
        now=world.since,
    )
    ingest(events=[NewEvent("peak", "acme", "call", world.now, {"tokens": 700})], now=world.now)
    asked = {"customer": "acme", "preset": "mtd", "show": str(metric.pk)}
    text = ask(support, **asked).content.decode()
    assert "Peak of the range" in text
    assert "Peaks do not add up" in text
    assert ">Total" not in text
    assert [row["quantity"] for row in rows_of(support, **asked)] == ["500", "700"]


@pytest.mark.parametrize("term", ["acme", "Acme Robotics", "robot"])
def test_a_customer_is_found_by_alias_and_name(world: World, support: Client, term: str) -> None:
    assert ask(support, customer=term).context["exploration"].customer.pk == world.customer
    assert ask(support, customer=str(world.customer)).context["exploration"].customer.pk == world.customer


def test_several_are_offered_and_the_one_chosen_stays(world: World, support: Client) -> None:
    twin = create_customer(name="Acme Robotics", now=world.now)
    answer = ask(support, customer="acme rob")
    assert answer.context["exploration"] is None
    text = answer.content.decode()
    for pk in (world.customer, twin.pk):
        assert f"?customer={pk}" in text
    again = ask(support, customer="Acme Robotics", shown=str(twin.pk))
    assert again.context["exploration"].customer == twin
    other = ask(support, customer="acme", shown=str(twin.pk))
    assert other.context["exploration"].customer.pk == world.customer


def test_words_for_what_is_not_there(world: World, support: Client) -> None:
    assert "Name a customer" in ask(support).content.decode()
    assert "Nobody has this id" in ask(support, customer="nobody at all").content.decode()
    quiet = create_customer(name="Quiet", now=world.now)
    assert "Quiet has no usage of Tokens used" in ask(support, customer="Quiet").content.decode()
    archive_customer(customer_id=quiet.pk, now=world.now)
    assert ask(support, customer="Quiet").context["exploration"].customer == quiet


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"preset": "ytd", "step": "hour"}, "at most 16 days"),
        ({"preset": "custom", "from": "2020-01-01", "to": "2026-01-01"}, "at most 400 days"),
        ({"preset": "custom", "from": "yesterday", "to": ""}, "as a date"),
        ({"preset": "x" * 3000}, "not known"),
        ({"step": "<script>"}, "days or hours"),
        ({"show": "x"}, ""),
        ({"show": "00000000-0000-0000-0000-000000000000"}, ""),
        ({"by": "no,such,key"}, ""),
        ({"by": "\ufffe"}, ""),
        ({"shown": "x"}, ""),
        ({"shown": "{00000000-0000-0000-0000-000000000000}"}, ""),
    ],
)
def test_odd_input_is_answered(world: World, support: Client, query: dict[str, str], said: str) -> None:
    text = ask(support, **{"customer": "acme", **query}).content.decode()
    assert said in text
    assert ("Shown instead" in text) is bool(said)
    assert "<script>" not in text.partition("bo-filter")[2].partition("</form>")[0]
    answer = support.get(reverse("admin:usage_explorer_csv"), {"customer": "acme", **query})
    assert answer.status_code == 200
    assert support.get(reverse("admin:usage_explorer") + "?customer=%00").status_code == 400
    assert support.get(reverse("admin:usage_explorer_csv") + "?customer=nobody").status_code == 302


def test_a_customers_usage_tab_leads_here(world: World, support: Client) -> None:
    text = page(support, "customers_customer_change", world.customer, query="?tab=usage")
    assert f"{reverse('admin:usage_explorer')}?customer={world.customer}" in text


def test_who_may_look(world: World, as_role: Callable[[str], Client]) -> None:
    for name in ("usage_explorer", "usage_explorer_csv"):
        url = f"{reverse(f'admin:{name}')}?customer=acme"
        for role in ("support", "finance", "owner"):
            assert as_role(role).get(url).status_code == 200
        assert Client().get(url).status_code == 302


def test_staff_without_a_role_see_nothing(world: World, django_user_model: Any) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody", password="x", is_staff=True))
    for name in ("usage_explorer", "usage_explorer_csv"):
        assert client.get(f"{reverse(f'admin:{name}')}?customer=acme").status_code == 403


def test_it_costs_as_much_with_more_customers_metrics_and_parts(world: World, split: str, support: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ask(support, customer="acme", preset="30d", show=split, by="team")
        return len(found)

    queries()
    few = queries()
    for n in range(5):
        create_customer(name=f"More {n}", now=world.now)
        metrics.create_metric(name=f"More {n}", aggregation_type="COUNT", now=world.now)
    ingest(
        events=[
            NewEvent(f"m-{n}", "acme", "job", world.now, {"units": n, "team": f"team {n}", "tier": "c"})
            for n in range(20)
        ],
        now=world.now,
    )
    assert queries() == few <= 24


def test_metrics_of_the_plan_stand_first(world: World, split: str, support: Client) -> None:
    groups = dict(ask(support, customer="acme").context["exploration"].metrics)
    assert [choice.label for choice in groups["On the plan"]] == ["Tokens used"]
    assert split in {choice.value for choice in groups["Others"]}
    BillableMetric.objects.filter(pk=UUID(split)).update(archived_at=world.now)
    found = ask(support, customer="acme", show=split).context["exploration"].found
    assert found.metric.name == "Units by team"
