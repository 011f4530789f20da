"""Ingest health and what became of every event: the pages say what the counters and the events say."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.ingest_page import tiles as ingest_tiles
from catalog.services import metrics
from customers.selectors import get_customer
from customers.services import archive_customer, create_customer
from tests.admin.conftest import NOW
from tests.admin.test_pages import page
from tests.admin.world import World
from usage.selectors import IngestHealth, IngestMinutes, UnbilledReason, reconcile
from usage.services import ingest, roll_usage
from usage.store import NewEvent, RollupLag, StoreHealth
from usage.store.postgres.models import EventConflict, IngestMinute


def ask(client: Client, view: str, /, **query: str) -> Any:
    answer = client.get(reverse(f"admin:{view}"), query)
    assert answer.status_code == 200
    return answer


def text_of(answer: Any) -> str:
    """The page without the spaces that lay its tags out."""
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", answer.content.decode()))


def tiles(client: Client) -> dict[str, tuple[str, str]]:
    live = ask(client, "usage_ingest").context["live"]
    return {tile.label: (tile.figure, tile.tone) for tile in live.tiles}


def send(world: World, *events: tuple[str, str, dict[str, Any]]) -> None:
    """Events of now by id, name and properties."""
    ingest(events=[NewEvent(name, ref, "call", world.now, props) for name, ref, props in events], now=world.now)


def minute(world: World, ago: int = 0, **counts: int) -> None:
    at = world.now.replace(second=0, microsecond=0) - timedelta(minutes=ago)
    IngestMinute.objects.create(minute=at, shard=99, **counts)


def test_the_counters_are_shown_by_what_they_mean(world: World, support: Client) -> None:
    minute(world, 3, accepted=20, duplicates=7, conflicts=2, rejected=4)
    minute(world, 90, accepted=1000, duplicates=1000, rejected=1000)
    shown = tiles(support)
    assert shown["Last hour"] == ("29", "")
    assert shown["Duplicates"] == ("5", "")
    assert shown["Conflicts"] == ("2", "warn")
    assert shown["Rejected"] == ("4", "warn")
    assert shown["Durable"][0] in ("yes", "no")
    assert shown["Last event"] == ("0 s ago", "")


@pytest.mark.parametrize(("hours", "columns", "total"), [("1", 61, "40"), ("6", 73, "3,040"), ("24", 97, "3,040")])
def test_the_chart_adds_up(world: World, support: Client, hours: str, columns: int, total: str) -> None:
    minute(world, 3, accepted=20, duplicates=7, conflicts=2, rejected=4)
    minute(world, 90, accepted=1000, duplicates=1000, rejected=1000)
    chart = ask(support, "usage_ingest", hours=hours).context["live"].chart
    assert len(chart.rows) == columns
    assert chart.total == total
    assert {series.label for series in chart.series} == {"Accepted", "Duplicates", "Conflicts", "Rejected"}
    assert chart.rows[-1].total == "9"


def test_the_part_that_refreshes_is_the_page_s_own(world: World, support: Client) -> None:
    whole, part = (text_of(ask(support, name, hours="6")) for name in ("usage_ingest", "usage_ingest_live"))
    assert "<html" not in part
    assert part.strip() in whole
    assert 'hx-trigger="every 10s' in whole
    assert "/admin/usage/ingest/live/?hours=6" in whole
    assert "last 1 hour" in text_of(ask(support, "usage_ingest", hours="'; x"))


def test_adding_up_begins_and_is_done(world: World, support: Client) -> None:
    assert tiles(support)["Adding up"][0] == "not begun"
    text = text_of(ask(support, "usage_ingest")).partition("being added up from history")[2]
    assert "Tokens used</a>" in text
    assert "0 more are ready" in text
    roll_usage(now=world.now)
    live = ask(support, "usage_ingest").context["live"]
    assert live.backfills == ()
    # What this test's own transaction wrote is not added up before it ends.
    [tile] = [tile for tile in live.tiles if tile.label == "Adding up"]
    assert (tile.figure, tile.note) == ("0 s behind", "9 events to go; answers are exact meanwhile")


@pytest.mark.parametrize(
    ("lag", "figure", "note", "tone"),
    [
        (RollupLag(0, True, None), "up to date", "every event is in the totals", ""),
        (
            RollupLag(100_000, False, NOW - timedelta(minutes=1)),
            "60 s behind",
            "more than 100,000 events to go",
            "warn",
        ),
    ],
)
def test_how_far_behind(lag: RollupLag, figure: str, note: str, tone: str) -> None:
    store = StoreHealth(5, 1, 2, NOW, durable=False)
    shown = {tile.label: tile for tile in ingest_tiles(IngestHealth(store, IngestMinutes(NOW, 2, 0, 0, 0), lag), NOW)}
    assert (shown["Adding up"].figure, shown["Adding up"].tone) == (figure, tone)
    assert shown["Adding up"].note.startswith(note)
    assert (shown["Durable"].figure, shown["Durable"].tone) == ("no", "bad")


def test_nothing_sent_is_said(db: None, present: datetime, support: Client) -> None:
    text = page(support, "usage_ingest")
    assert "Nothing was sent in this time" in text
    assert "there is no metric yet" in text
    assert "never" in text
    assert "every event came under" in page(support, "usage_reconciliation")


@pytest.fixture
def strays(world: World) -> World:
    """Three events of two names that nobody has, one of no metric, one without a number."""
    send(
        world,
        ("g-1", "ghost", {"tokens": 5}),
        ("g-2", "ghost", {"tokens": 6}),
        ("g-3", "o'brien & co/1", {"tokens": 7}),
        ("m-1", "acme", {"pages": 1}),
        ("v-1", "acme", {"tokens": "many"}),
    )
    return world


def test_reconciliation_shows_the_report(strays: World, support: Client) -> None:
    answer = ask(support, "usage_reconciliation")
    report = answer.context["report"]
    assert report == reconcile(start=report.start, end=report.end)
    assert (report.accepted, report.rated, sum(report.unmatched.values()), report.faults) == (14, 9, 5, ())
    text = text_of(answer)
    assert "Adds up" in text
    for part in ("Accepted</dt><dd>14<", "Counted by a metric</dt><dd>9<", "Sent</dt><dd>14<"):
        assert part in text
    counts = {reason.title: reason.events for reason in answer.context["reasons"]}
    assert counts == {"Nobody's name": 3, "No metric": 1, "No value": 1}
    for reason in answer.context["reasons"]:
        listed = support.get(reason.url)
        assert [shown.note for shown in listed.context["events"]] == [reason.title] * reason.events


def test_what_does_not_add_up_is_loud(strays: World, support: Client) -> None:
    minute(strays, accepted=2)
    text = text_of(ask(support, "usage_reconciliation"))
    assert "Does not add up" in text
    assert "16 were accepted, but 14 are stored" in text
    assert ">Adds up<" not in text


def test_only_the_chosen_time_counts(strays: World, support: Client) -> None:
    asked = {"span": "custom", "from": "2026-03-20T11:00", "to": "2026-03-20T12:30"}
    assert ask(support, "usage_reconciliation", **asked).context["report"].accepted == 0
    asked["to"] = "2026-03-20T12:31"
    answer = ask(support, "usage_reconciliation", **asked)
    assert answer.context["report"].accepted == 14
    assert answer.context["window"].start == datetime(2026, 3, 20, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"span": "x"}, "not known"),
        ({"span": "custom"}, "Give both ends"),
        ({"span": "custom", "from": "2026-03-20T12:00", "to": "2026-03-20T12:00"}, "after the start"),
        ({"span": "custom", "from": "2026-01-01T00:00", "to": "2026-03-20T12:00"}, "At most 35 days"),
        ({"span": "custom", "from": "0001-01-01T00:00", "to": "9999-12-31T23:59"}, "Give both ends"),
        ({"span": "custom", "from": "2026-03-20T12:00+99:00", "to": "<script>"}, "Give both ends"),
        ({"span": "7d", "reason": "x", "after": "-1"}, ""),
        ({"span": "1h", "after": "9" * 40}, ""),
        ({"span": "1h", "after": "\N{SUPERSCRIPT TWO}"}, ""),
    ],
)
def test_odd_windows_are_answered(strays: World, support: Client, query: dict[str, str], said: str) -> None:
    for name in ("usage_reconciliation", "usage_unmatched"):
        text = text_of(ask(support, name, **query))
        assert said in text
        assert ("Shown instead: the last hour" in text) is bool(said)
        assert '<script>"' not in text


@pytest.mark.parametrize(
    "query",
    [{"seen": "x", "id": "y"}, {"seen": "2026-03-20T12:00:00"}, {"seen": "9999-12-31T23:59:59-23:59", "id": "a"}],
)
def test_odd_cursors_are_answered(strays: World, support: Client, query: dict[str, str]) -> None:
    ask(support, "usage_conflicts", **query)


def test_unmatched_events_page_through_to_the_last(world: World, support: Client) -> None:
    send(world, *((f"g-{n:03}", "ghost", {"tokens": 1}) for n in range(70)))
    answer = ask(support, "usage_unmatched", reason=UnbilledReason.NO_CUSTOMER)
    first = [shown.event.transaction_id for shown in answer.context["events"]]
    assert "No customer has this id or ingest alias." in text_of(answer)
    later = support.get(f"{reverse('admin:usage_unmatched')}?{answer.context['next']}")
    rest = [shown.event.transaction_id for shown in later.context["events"]]
    assert first + rest == [f"g-{n:03}" for n in range(70)]
    assert later.context["next"] == ""
    assert "None in this time" in text_of(ask(support, "usage_unmatched", reason=UnbilledReason.NO_METRIC))


def test_a_name_of_nobody_is_given_to_a_customer(strays: World, support: Client) -> None:
    text = text_of(ask(support, "usage_reconciliation"))
    link = re.search(r'href="(/admin/usage/names/\?name=o[^"]+)"', text)
    assert link
    found = support.get(link[1].replace("&amp;", "&"), {}).context["name"]
    assert found == "o'brien & co/1"
    choose = text_of(ask(support, "usage_names", name=found, customer="acme"))
    door = re.search(r'href="(/admin/customers/customer/[^"]+/aliases/\?name=[^"]+)"', choose)
    assert door
    form = support.get(door[1].replace("&amp;", "&")).context["form"]
    assert form.initial["ingest_aliases"] == ["acme", "o'brien & co/1"]
    assert [row.alias for row in get_customer(customer_id=strays.customer).aliases.all()] == ["acme"]
    done = support.post(door[1].partition("?")[0], {"ingest_aliases": "acme\no'brien & co/1"})
    assert done.status_code == 302
    after = ask(support, "usage_reconciliation").context["report"]
    assert (after.rated, after.unmatched[UnbilledReason.NO_CUSTOMER]) == (10, 2)


def test_archived_customers_get_no_names(world: World, support: Client) -> None:
    gone = create_customer(name="Gone", now=world.now)
    archive_customer(customer_id=gone.pk, now=world.now)
    assert "No customer that is not archived" in text_of(ask(support, "usage_names", name="ghost", customer="Gone"))


def test_a_link_without_a_name_changes_no_form(world: World, support: Client) -> None:
    url = reverse("admin:customers_customer_aliases", args=[world.customer])
    for query in ("", "?name=", "?name=acme"):
        assert support.get(url + query).context["form"].initial["ingest_aliases"] == ["acme"]


def test_conflicts_show_both_contents(world: World, support: Client) -> None:
    for n in range(60):
        EventConflict.objects.create(
            transaction_id="acme-0-1" if n == 59 else f"dropped-{n}",
            first_seen_at=world.now - timedelta(days=2),
            last_seen_at=world.now + timedelta(seconds=n),
            times=n + 1,
            content={
                "customer_id": "acme",
                "event_type": "call",
                "timestamp": "2026-01-01T00:00:01+00:00",
                "properties": {"tokens": 501, "<b>": "<i>"},
            },
        )
    answer = ask(support, "usage_conflicts")
    text = text_of(answer)
    assert len(answer.context["conflicts"]) == 50
    first = text.partition("acme-0-1")[2].partition("</section>")[0]
    for part in ("<dd>500</dd>", "<dd>501<", "Refused 60 times", "Acme Robotics", "&lt;b&gt;", ">differs<"):
        assert part in first
    assert "retention dropped it" in text
    later = support.get(f"{reverse('admin:usage_conflicts')}?{answer.context['next']}").context
    assert [row.refused.transaction_id for row in later["conflicts"]] == [f"dropped-{n}" for n in range(9, -1, -1)]
    EventConflict.objects.all().delete()
    assert "no id came again" in text_of(ask(support, "usage_conflicts"))


def test_the_refreshing_part_costs_as_much_with_more_of_everything(world: World, support: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ask(support, "usage_ingest_live")
        return len(found)

    queries()
    few = queries()
    for n in range(6):
        metrics.create_metric(name=f"More {n}", aggregation_type="COUNT", now=world.now)
        minute(world, n + 1, accepted=n)
    send(world, *((f"more-{n}", f"ghost-{n}", {"tokens": n}) for n in range(20)))
    roll_usage(now=world.now)
    assert queries() <= few + 1 <= 14  # the tail behind the rollup worker, once there is a rollup worker


@pytest.mark.parametrize("name", ["usage_reconciliation", "usage_unmatched", "usage_conflicts"])
def test_lists_cost_as_much_with_more_rows(name: str, world: World, support: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ask(support, name)
        return len(found)

    def more(first: int, last: int) -> None:
        send(world, *((f"more-{n}", f"ghost-{n}", {"tokens": n}) for n in range(first, last)))
        for n in range(first, last):
            EventConflict.objects.create(
                transaction_id=f"more-{n}", first_seen_at=world.now, last_seen_at=world.now, times=1, content={}
            )

    more(0, 2)
    queries()
    few = queries()
    more(2, 30)
    assert queries() == few <= 20
