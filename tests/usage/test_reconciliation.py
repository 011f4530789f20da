"""Where every event went, over HTTP and by command."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from metronome import Metronome

from core.clock import now
from core.errors import InvalidInput
from usage.selectors import UnbilledReason, list_unmatched, reconcile
from usage.store import get_store

DAY = timedelta(days=1)


def event(number: int, customer: str = "acme", **changes: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"t{number}",
        "customer_id": customer,
        "event_type": "call",
        "timestamp": now().isoformat(),
        "properties": {"units": "1"},
        **changes,
    }


def between(start: str, end: str) -> dict[str, str]:
    return {"starting_on": start, "ending_before": end}


@pytest.fixture
def traffic(sdk: Metronome, http: httpx.Client) -> None:
    """2 rated, 3 of nobody, 1 of no metric, 2 without a number; 4 duplicates, one with other content; 2 rejected."""
    for kind, key in (("SUM", "units"), ("MAX", "units")):
        sdk.v1.billable_metrics.create(
            name=kind,
            aggregation_type=kind,  # type: ignore[arg-type]
            aggregation_key=key,
            event_type_filter={"in_values": ["call"]},
            property_filters=[{"name": "units", "exists": True}],
        )
    sdk.v1.customers.create(name="Acme", ingest_aliases=["acme"])
    sent = [
        event(1),
        event(2, properties={"units": 2.5}),
        event(3, "nobody"),
        event(4, "nobody", event_type="other"),
        event(5, "somebody else", properties={"units": "many"}),
        event(6, event_type="other"),
        event(7, properties={"units": "many"}),
        event(8, properties={"units": "NaN"}),
    ]
    assert http.post("/v1/ingest", json=sent).status_code == 200
    again = [sent[0], sent[2], sent[2], event(2, properties={"units": 7})]
    assert http.post("/v1/ingest", json=again).status_code == 200
    assert http.post("/v1/ingest?partial=true", json=[event(9, timestamp="never"), 5]).status_code == 200


def test_every_event_has_its_place(http: httpx.Client, traffic: None) -> None:
    report = http.get("/tactus/v1/usage/reconciliation").json()["data"]
    counts = {name: report[name] for name in ("accepted", "duplicates", "rated", "dropped")}
    assert counts == {"accepted": 8, "duplicates": 4, "rated": 2, "dropped": 0}
    assert report["sent"] == report["accepted"] + report["duplicates"] + report["rejected"]
    assert {row["reason"]: row["events"] for row in report["unmatched"]} == {
        "NO_CUSTOMER": 3, "NO_METRIC": 1, "NO_VALUE": 2,
    }  # fmt: skip
    assert [(row["customer_id"], row["events"]) for row in report["unknown_customers"]] == [
        ("nobody", 2), ("somebody else", 1),
    ]  # fmt: skip
    assert (report["adds_up"], report["faults"]) == (True, [])


def test_a_customer_or_metric_made_later_takes_its_events(http: httpx.Client, sdk: Metronome, traffic: None) -> None:
    sdk.v1.customers.create(name="Late", ingest_aliases=["nobody"])
    sdk.v1.billable_metrics.create(name="All", aggregation_type="COUNT", event_type_filter={"in_values": ["other"]})
    report = http.get("/tactus/v1/usage/reconciliation").json()["data"]
    assert report["rated"] == 5
    assert {row["reason"]: row["events"] for row in report["unmatched"]} == {
        "NO_CUSTOMER": 1, "NO_METRIC": 0, "NO_VALUE": 2,
    }  # fmt: skip
    assert report["adds_up"]


def test_unmatched_events_are_listed_with_the_reason_in_pages(http: httpx.Client, traffic: None) -> None:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        page = http.get("/tactus/v1/usage/unmatched", params=query).json()
        found += page["data"]
        if page["next_page"] is None:
            break
        query["next_page"] = page["next_page"]
    assert [(row["transaction_id"], row["reason"]) for row in found] == [
        ("t3", "NO_CUSTOMER"), ("t4", "NO_CUSTOMER"), ("t5", "NO_CUSTOMER"), ("t6", "NO_METRIC"),
        ("t7", "NO_VALUE"), ("t8", "NO_VALUE"),
    ]  # fmt: skip
    [row] = http.get("/tactus/v1/usage/unmatched", params={"reason": "NO_METRIC"}).json()["data"]
    assert (row["transaction_id"], row["explanation"][:18]) == ("t6", "no billable metric")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("reconciliation", {"starting_on": "yesterday"}, "starting_on"),
        ("reconciliation", between("2026-01-01T00:00:01Z", "2026-01-02T00:00:00Z"), "starting_on"),
        ("reconciliation", between("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "ending_before"),
        ("reconciliation", between("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"), "ending_before"),
        ("unmatched", {"reason": "BAD_LUCK"}, "reason"),
        ("unmatched", {"next_page": "WyJhIl0"}, "next_page"),
        ("unmatched", {"limit": "0"}, "limit"),
        ("conflicts", {"next_page": "WzFd"}, "next_page"),
    ],
)  # fmt: skip
def test_bad_questions(http: httpx.Client, path: str, query: dict[str, str], field: str) -> None:
    answer = http.get(f"/tactus/v1/usage/{path}", params=query)
    assert answer.status_code == 400
    assert field in answer.text


def test_a_key_without_the_scope_learns_nothing(scoped_http: Callable[..., httpx.Client]) -> None:
    client = scoped_http("usage:ingest")
    for path in ("reconciliation", "unmatched", "conflicts", "backfills"):
        assert client.get(f"/tactus/v1/usage/{path}").status_code == 403


def test_the_command_prints_it(traffic: None) -> None:
    out = StringIO()
    call_command("reconcile_usage", stdout=out)
    assert "It adds up." in out.getvalue()
    assert "nobody is called 'somebody else': 1 events" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("reconcile_usage", "--from", "yesterday", stdout=out)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM usage_usageevent WHERE transaction_id = 't1'", "8 were accepted, but 7 are stored and 0 dropped"),
        ("UPDATE usage_ingestminute SET accepted = accepted + 1", "were accepted, but 8 are stored"),
    ],
)
def test_what_does_not_add_up_is_told(traffic: None, damage: str, fault: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(damage)
    out = StringIO()
    with pytest.raises(CommandError, match=fault) as refused:
        call_command("reconcile_usage", stdout=out)
    assert refused.value.returncode == 1


def test_without_metrics_and_customers_all_is_unmatched(http: httpx.Client) -> None:
    http.post("/v1/ingest", json=[event(1)])
    end = now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    assert reconcile(start=end - DAY, end=end).unmatched == {
        UnbilledReason.NO_CUSTOMER: 1,
        UnbilledReason.NO_METRIC: 0,
        UnbilledReason.NO_VALUE: 0,
    }
    [row] = list_unmatched(start=end - DAY, end=end)
    assert row.reason == UnbilledReason.NO_CUSTOMER
    with pytest.raises(InvalidInput):
        reconcile(start=end - DAY, end=end.replace(second=1))


def test_conflicts_are_listed_and_mark_the_event(http: httpx.Client, db: None) -> None:
    http.post("/v1/ingest", json=[event(1), event(2), event(3)])
    seen = datetime(2026, 3, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_eventconflict")
        for number in (1, 2):
            cursor.execute(
                'INSERT INTO usage_eventconflict VALUES (%s, %s, %s, 3, \'{"properties": {"units": 1.50}}\')',
                [f"t{number}", seen, seen + number * DAY],
            )
    first = http.get("/tactus/v1/usage/conflicts", params={"limit": 1}).json()
    [row] = first["data"]
    assert (row["transaction_id"], row["times"], row["refused"]) == ("t2", 3, {"properties": {"units": 1.5}})
    rest = http.get("/tactus/v1/usage/conflicts", params={"next_page": first["next_page"]}).json()
    assert ([row["transaction_id"] for row in rest["data"]], rest["next_page"]) == (["t1"], None)
    found = http.post("/v1/events/search", json={"transactionIds": ["t1", "t2", "t3"]}).json()
    assert {row["transaction_id"]: row["is_duplicate"] for row in found} == {"t1": True, "t2": True, "t3": False}
    assert get_store().conflicting([]) == frozenset()
