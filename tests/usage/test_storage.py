"""Where events lie: partitions, retention, data that moved to another server, progress of back-fills."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction
from metronome import Metronome

from core.clock import now
from engine.calendar import Period
from engine.usage import Aggregation, MetricSpec
from tests.usage.servers import patient
from tests.usage.strategies import METRIC
from usage import services
from usage.store import NewEvent, RollupSpec, UsageQuery
from usage.store.postgres.partitions import add_month, list_months, name_of
from usage.store.postgres.pieces import Piece, pieces_of
from usage.store.postgres.store import PostgresStore

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COUNT = MetricSpec(Aggregation.COUNT)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
OLD = datetime(2019, 5, 1, tzinfo=UTC)


@pytest.fixture
def store(transactional_db: None) -> PostgresStore:
    return patient(PostgresStore())


def event(number: int, at: datetime) -> NewEvent:
    return NewEvent(f"t{number}", "acme", "call", at, {})


def total(store: PostgresStore, start: datetime, end: datetime) -> int:
    question = UsageQuery(METRIC, COUNT, (Period(start, end),))
    return int(sum(row.quantity for row in store.aggregate(["acme"], question)))


def tables_of(*ids: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM usage_usageevent WHERE transaction_id = ANY(%s) ORDER BY arrival",
            [list(ids)],
        )
        return [name for (name,) in cursor.fetchall()]


def drop(months: list[datetime]) -> None:
    with connection.cursor() as cursor:
        for month in months:
            cursor.execute(f"DROP TABLE IF EXISTS {name_of(month)}")


# ---- pieces --------------------------------------------------------------------------------------------------------
def test_windows_fall_into_months_days_hours_and_rests() -> None:
    def at(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
        return datetime(2026, month, day, hour, minute, tzinfo=UTC)

    assert pieces_of((Period(at(1, 30, 22, 30), at(4, 2, 1, 15)),)) == (
        Piece("", at(1, 30, 22, 30), at(1, 30, 23)),
        Piece("H", at(1, 30, 23), at(1, 31)),
        Piece("D", at(1, 31), at(2, 1)),
        Piece("M", at(2, 1), at(4, 1)),
        Piece("D", at(4, 1), at(4, 2)),
        Piece("H", at(4, 2), at(4, 2, 1)),
        Piece("", at(4, 2, 1), at(4, 2, 1, 15)),
    )
    days = tuple(Period(at(1, n), at(1, n + 1)) for n in range(1, 31))
    assert pieces_of(days) == (Piece("D", at(1, 1), at(1, 31)),)
    minutes = Period(at(1, 1, 1, 10), at(1, 1, 1, 20))
    assert pieces_of((minutes,)) == (Piece("", minutes.start, minutes.end),)
    hours = Period(at(1, 1, 1), at(1, 1, 3))
    assert pieces_of((hours,), hours=False) == (Piece("", hours.start, hours.end),)


# ---- one transaction -----------------------------------------------------------------------------------------------
def test_an_event_and_its_key_are_stored_together_or_not_at_all(store: PostgresStore) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE usage_usageevent ADD CONSTRAINT for_this_test CHECK (transaction_id <> 't2') NOT VALID"
        )
        try:
            with pytest.raises(IntegrityError, match="for_this_test"):
                store.append([event(1, NOW), event(2, NOW)], NOW)
        finally:
            cursor.execute("ALTER TABLE usage_usageevent DROP CONSTRAINT for_this_test")
        cursor.execute("SELECT (SELECT count(*) FROM usage_eventkey), (SELECT count(*) FROM usage_usageevent)")
        assert cursor.fetchone() == (0, 0)
    assert store.append([event(1, NOW), event(2, NOW)], NOW).accepted == ("t1", "t2")
    with connection.cursor() as cursor:
        cursor.execute("SELECT xact FROM usage_eventkey UNION SELECT xact FROM usage_usageevent")
        assert len(cursor.fetchall()) == 1


# ---- partitions ----------------------------------------------------------------------------------------------------
def test_partitions_are_made_ahead_and_nothing_is_refused_without(store: PostgresStore) -> None:
    ahead = datetime(2031, 12, 15, tzinfo=UTC)
    months = [datetime(2031, n, 1, tzinfo=UTC) for n in (11, 12)] + [datetime(2032, n, 1, tzinfo=UTC) for n in (1, 2)]
    store.append([event(1, ahead), event(2, OLD)], NOW)
    assert tables_of("t1", "t2") == ["usage_usageevent_default"] * 2
    try:
        assert services.prepare_storage(now=ahead) == len(months)
        assert services.prepare_storage(now=ahead) == 0
        with connection.cursor() as cursor:
            assert set(months) <= set(list_months(cursor))
        # What the default partition held has moved, once, as it was.
        assert tables_of("t1", "t2") == ["usage_usageevent_203112", "usage_usageevent_default"]
        assert total(store, ahead, ahead + DAY) == 1
        assert store.append([event(1, ahead), event(3, ahead)], NOW).accepted == ("t3",)
        assert tables_of("t3") == ["usage_usageevent_203112"]
        assert [found.transaction_id for found in store.search(["t1", "t2", "t3"])] == ["t1", "t2", "t3"]
    finally:
        drop(months)


# ---- retention -----------------------------------------------------------------------------------------------------
@pytest.fixture
def old_month(transactional_db: None) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        add_month(cursor, OLD)
    yield OLD
    drop([OLD])


def test_a_dropped_month_stays_counted_and_its_ids_stay_known(store: PostgresStore, old_month: datetime) -> None:
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    sent = [event(i, OLD + i * HOUR) for i in range(10)]
    early = event(90, OLD - 400 * DAY)
    store.append([*sent, early, event(91, NOW)], NOW)
    store.roll(NOW)
    assert store.drop_before(OLD + 31 * DAY) == (OLD,)
    assert store.drop_before(OLD + 31 * DAY) == ()
    assert store.count(["acme"]) == 1
    assert store.search(["t1", "t90"]) == ()
    assert store.append([*sent, early], NOW).accepted == ()
    assert total(store, OLD, OLD + 31 * DAY) == 10
    assert total(store, OLD + HOUR, OLD + 3 * HOUR) == 2
    assert total(store, OLD - 500 * DAY, NOW + DAY) == 12
    totals = store.ingest_totals(NOW, NOW + timedelta(minutes=1), [COUNT])
    assert (totals.accepted, totals.dropped, sum(row.stored for row in totals.refs)) == (12, 11, 1)


def test_nothing_is_dropped_before_it_is_added_up(store: PostgresStore, old_month: datetime) -> None:
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.append([event(1, OLD)], NOW)
    assert store.drop_before(NOW) == ()
    assert store.count(["acme"]) == 1
    store.roll(NOW)
    store.ensure_rollup([RollupSpec(MetricSpec(Aggregation.SUM, "units"))], NOW)  # has history to catch up on
    assert OLD not in store.drop_before(NOW)


def test_a_month_that_has_not_ended_by_then_is_kept(store: PostgresStore, old_month: datetime) -> None:
    store.append([event(1, OLD)], NOW)
    assert store.drop_before(OLD + 30 * DAY) == ()
    assert store.count(["acme"]) == 1


# ---- another server ------------------------------------------------------------------------------------------------
def test_data_restored_on_another_server_is_added_up_anew(store: PostgresStore) -> None:
    """There, transactions are numbered from the beginning: lower than those that the rollups know."""
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.append([event(1, NOW), event(2, NOW)], NOW)
    store.roll(NOW)
    with connection.cursor() as cursor:
        for table, column in (("usageevent", "xact"), ("eventkey", "xact"), ("rollupseries", "horizon")):
            cursor.execute(f"UPDATE usage_{table} SET {column} = {column} + 1000000000")  # noqa: S608
    store.append([event(3, NOW)], NOW)
    while not store.progress()[0].is_ready or store.roll(NOW):
        store.roll(NOW)
        assert total(store, NOW - DAY, NOW + DAY) == 3
    store.append([event(4, NOW)], NOW)
    assert total(store, NOW - DAY, NOW + DAY) == 4
    assert store.roll(NOW) == 1
    assert total(store, NOW - DAY, NOW + DAY) == 4
    assert len(store.search(["t1", "t2", "t3", "t4"])) == 4


# ---- progress ------------------------------------------------------------------------------------------------------
def test_progress_of_a_metric_made_after_its_events(live_sdk: Metronome, live_http: httpx.Client) -> None:
    def backfills() -> list[tuple[Any, ...]]:
        rows = live_http.get("/tactus/v1/usage/backfills").json()["data"]
        names = ("billable_metric_name", "status", "percent", "events_done", "events_total")
        return [tuple(row[name] for name in names) for row in rows]

    stamp = now().isoformat()
    live_sdk.v1.usage.ingest(
        usage=[
            {"transaction_id": f"t{n}", "customer_id": "acme", "event_type": "call", "timestamp": stamp}
            for n in range(50)
        ]
    )
    live_sdk.v1.billable_metrics.create(
        name="Late", aggregation_type="COUNT", event_type_filter={"in_values": ["call"]}
    )
    assert backfills() == [("Late", "BACKFILLING", 0, 0, 0)]
    rolled = 0
    while not rolled:  # transactions of others on this server, in whichever database, hold the horizon back
        rolled = services.roll_usage(now=now())
    assert rolled == 50
    assert backfills() == [("Late", "READY", 100, 50, 50)]
    assert services.roll_usage(now=now()) == 0
