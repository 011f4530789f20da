"""Aggregates that are kept added up: always exactly what the engine makes of the events, whenever that is done."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.postgres.pipeline import numbered
from engine.calendar import Period
from engine.usage import Aggregation, MetricSpec
from tests.usage import strategies as some
from tests.usage.servers import OURS, patient
from tests.usage.test_store_conformance import BACKENDS, expected
from usage.store import NewEvent, RollupSpec, UsageQuery, UsageStore
from usage.store.postgres.aggregate_sql import _tail
from usage.store.postgres.rollup_worker import LOCK

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COUNT = MetricSpec(Aggregation.COUNT)


@pytest.fixture(params=BACKENDS, ids=lambda path: path.rsplit(".", 1)[-1])
def store(request: pytest.FixtureRequest, transactional_db: None) -> UsageStore:
    return patient(import_string(request.param)())


def event(number: int, at: datetime = some.START, ref: str = "acme", **properties: object) -> NewEvent:
    return NewEvent(f"t{number}", ref, "call", at, properties)


def month(*, spec: MetricSpec = COUNT, **kwargs: Any) -> UsageQuery:
    return UsageQuery(some.METRIC, spec, (Period(some.START, some.START + 31 * DAY),), **kwargs)


def total(store: UsageStore, question: UsageQuery | None = None) -> int:
    return int(sum(row.quantity for row in store.aggregate(["acme"], question or month())))


def covered(question: UsageQuery, extra: list[str]) -> RollupSpec:
    """What makes the store keep the question's answers, by more keys than it needs."""
    keys = {*question.group_keys, *question.group_filters, *extra}
    return RollupSpec(question.spec, (tuple(keys),) if keys else ())


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), questions=st.lists(some.queries, min_size=1, max_size=4))
def test_equal_to_the_engine_whenever_the_roller_works(
    store: UsageStore, data: st.DataObject, questions: list[UsageQuery]
) -> None:
    """Batches, duplicates, late events, the rollup worker, and rules that appear in the middle, in any order."""
    run = uuid4().hex
    refs = [f"{run}:id", f"{run}:alias", f"{run}:somebody else"]
    sent = data.draw(some.events(refs, run))
    extra = data.draw(st.lists(st.sampled_from(some.KEYS), max_size=1))
    unfollowed = [covered(question, extra) for question in questions]
    appended: list[NewEvent] = []
    try:
        while len(appended) < len(sent):
            match data.draw(st.sampled_from(["append", "append", "roll", "follow", "again"])):
                case "append":
                    batch = sent[len(appended) : len(appended) + data.draw(st.integers(1, 8))]
                    store.append(batch, NOW)
                    appended += batch
                case "again":
                    store.append(appended[::-1], NOW)
                case "roll":
                    store.roll(NOW)
                case "follow":
                    store.ensure_rollup(unfollowed[:1], NOW)
        store.ensure_rollup(unfollowed, NOW)
        if data.draw(st.booleans()):
            store.roll(NOW)
        # An alias that moves to another customer takes its events along, rolled or not.
        for who in (refs[:2], refs[1:]):
            wanted = [expected(sent, who, question) for question in questions]
            assert store.aggregate_each(who, questions) == wanted
            assert [store.aggregate(who, question) for question in questions] == wanted
    finally:
        store.drop_rollup(unfollowed)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    cuts=st.lists(st.integers(-40, 70), min_size=2, max_size=6, unique=True).map(sorted),
    spec=st.sampled_from([*Aggregation]).map(lambda kind: MetricSpec(kind, "units")),
    independent=st.booleans(),
)
def test_whole_months_days_and_hours(
    store: UsageStore, data: st.DataObject, cuts: list[int], spec: MetricSpec, independent: bool
) -> None:
    """Windows of many lengths, so that all grains and the rests between them take part."""
    run = uuid4().hex
    instants = st.integers(-45 * 24 * 12, 75 * 24 * 12).map(lambda n: some.START + n * timedelta(minutes=5))
    made = st.builds(lambda at, n: (at, {"units": str(n)}), instants, st.integers(-9, 9))
    drawn = data.draw(st.lists(made, min_size=5, max_size=40))
    sent = [NewEvent(f"{run}{i}", run, "call", at, found) for i, (at, found) in enumerate(drawn)]
    hours = data.draw(st.sampled_from([timedelta(0), HOUR, timedelta(hours=5, minutes=7)]))
    edges = [some.START + n * DAY + hours for n in cuts]
    windows = tuple(Period(a, b) for a, b in pairwise(edges))
    question = UsageQuery(some.METRIC, spec, windows, independent=independent)
    store.ensure_rollup([RollupSpec(spec)], NOW)
    store.append(sent[: len(sent) // 2], NOW)
    store.roll(NOW)
    store.append(sent[len(sent) // 2 :], NOW)
    assert store.aggregate([run], question) == expected(sent, [run], question)
    store.roll(NOW)
    assert store.aggregate([run], question) == expected(sent, [run], question)


ABC = ("a", "b", "c")
KEY_SETS = [keys for size in range(4) for keys in combinations(ABC, size)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    kind=st.sampled_from([*Aggregation]),
    followed=st.sets(st.sampled_from(KEY_SETS), min_size=1).map(lambda found: tuple(sorted(found))),
)
def test_series_of_the_same_rules_by_different_keys(
    store: UsageStore, data: st.DataObject, kind: Aggregation, followed: tuple[tuple[str, ...], ...]
) -> None:
    """Within each other or not: those by fewer keys are added up from those by more."""
    run = uuid4().hex
    spec = MetricSpec(kind, "units")
    instants = st.integers(0, 40 * 24 * 4).map(lambda n: some.START + n * timedelta(minutes=15))
    made = st.builds(
        lambda at, units, group: (at, {"units": str(units), **group}),
        instants,
        st.integers(-3, 9),
        st.dictionaries(st.sampled_from(ABC), st.sampled_from(["x", "y"])),
    )
    drawn = data.draw(st.lists(made, min_size=2, max_size=30))
    sent = [NewEvent(f"{run}{i}", run, "call", at, found) for i, (at, found) in enumerate(drawn)]
    edges = [some.START, some.START + HOUR, some.START + DAY, some.START + 20 * DAY + 7 * HOUR, some.START + 45 * DAY]
    windows = tuple(Period(a, b) for a, b in pairwise(edges))
    try:
        store.ensure_rollup([RollupSpec(spec, followed)], NOW)
        for part in (sent[::2], sent[1::2]):
            store.append(part, NOW)
            store.roll(NOW)
        for keys in {(), *followed}:
            question = UsageQuery(some.METRIC, spec, windows, keys)
            assert store.aggregate([run], question) == expected([*sent[::2], *sent[1::2]], [run], question)
    finally:
        store.drop_rollup([RollupSpec(spec)])


def test_values_too_long_for_an_index(store: UsageStore) -> None:
    spec = MetricSpec(Aggregation.UNIQUE, "who")
    store.ensure_rollup([RollupSpec(spec, (("place",),)), RollupSpec(COUNT, (("place",),))], NOW)
    store.append([event(i, who="x" * 20_000 + str(i % 3), place="y" * 20_000 + str(i % 2)) for i in range(12)], NOW)
    store.roll(NOW)
    assert total(store, month(spec=spec)) == 3
    assert [row.quantity for row in store.aggregate(["acme"], month(group_keys=("place",)))] == [6, 6]


# ---- when it works -------------------------------------------------------------------------------------------------
def test_what_was_added_up_shortly_ago_waits_for_more(store: UsageStore) -> None:
    """Answers are exact meanwhile. A clock that was set back does not make it wait."""
    patience = timedelta(seconds=5)
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.append([event(1)], NOW)
    assert store.roll(NOW, patience) == 1
    store.append([event(2)], NOW)
    assert store.roll(NOW + timedelta(seconds=4), patience) == 0
    assert total(store) == 2
    assert store.roll(NOW + patience, patience) == 1
    store.append([event(3)], NOW)
    assert store.roll(NOW, patience) == 1
    assert total(store) == 3


def test_what_is_far_behind_does_not_wait(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usage.store.postgres.rollup_worker.STEP", 30)
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.roll(NOW)
    for batch in range(10):
        store.append([event(batch * 10 + i) for i in range(10)], NOW)
    assert store.roll(NOW + DAY, timedelta(hours=1)) == 100


def test_the_tail_is_found_by_its_own_index(store: UsageStore) -> None:
    """By a plan for any horizon as well, with statistics. Else a customer's history would be walked, or everybody's."""
    store.append([event(i, some.START + i * timedelta(minutes=1)) for i in range(3000)], NOW)
    statement = _tail(["acme"], 10**12)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE usage_usageevent")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        try:
            cursor.execute(f"PREPARE tail AS WITH {numbered(statement.sql)} SELECT * FROM tail")  # noqa: S608
            cursor.execute("EXPLAIN EXECUTE tail (%s, %s)", statement.params)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("RESET plan_cache_mode")
            cursor.execute("DEALLOCATE ALL")
    assert "Index Cond: ((xact >= $2) AND (xact <= '9223372036854775807'::bigint)" in plan
    assert "Seq Scan on usage_usageevent_202603" not in plan


# ---- concurrency ---------------------------------------------------------------------------------------------------
@pytest.fixture
def stranger(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """Another client of the same database."""
    names = ("dbname", "user", "password", "host", "port")
    params = {k: v for k, v in connection.get_connection_params().items() if k in names}
    with psycopg.connect(**params) as client:
        yield client


INSERT = (
    "INSERT INTO usage_usageevent (transaction_id, customer_ref, event_type, timestamp, properties, received_at)"
    " VALUES (%s, 'acme', 'call', %s, '{}', now())"
)


def test_a_transaction_that_is_open_while_the_roller_works_counts_once(
    store: UsageStore, stranger: psycopg.Connection[Any]
) -> None:
    """Its events have lower numbers than others that commit before it; no horizon may pass over them."""
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.roll(NOW)
    stranger.execute(INSERT, ["slow", some.START])
    store.append([event(1), event(2)], NOW)
    store.roll(NOW)
    assert total(store) == 2
    stranger.commit()
    assert total(store) == 3
    store.roll(NOW)
    assert total(store) == 3
    store.append([event(4)], NOW)
    store.roll(NOW)
    assert total(store) == 4
    assert store.roll(NOW) == 0


def test_a_transaction_that_is_rolled_back_never_counts(store: UsageStore, stranger: psycopg.Connection[Any]) -> None:
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    stranger.execute(INSERT, ["gone", some.START])
    store.append([event(1)], NOW)
    store.roll(NOW)
    stranger.rollback()
    store.roll(NOW)
    assert total(store) == 1


def started(work: Callable[[], object], errors: list[Exception]) -> threading.Thread:
    """A thread that works on a connection of its own; what it raises goes to `errors`."""

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_reader_sees_one_moment(store: UsageStore) -> None:
    """While two write and two roll, a reader's count only ever grows, and never runs ahead of what was sent."""
    store.ensure_rollup([RollupSpec(COUNT, (("units",),))], NOW)
    errors: list[Exception] = []
    sent = [0]
    over = threading.Event()

    def write(writer: int) -> None:
        for batch in range(25):
            sent[0] += 20
            store.append(
                [event(writer * 100_000 + batch * 20 + i, some.START + i * HOUR, units=str(i)) for i in range(20)], NOW
            )

    def turn() -> None:
        while not over.is_set():
            store.roll(NOW)

    def look() -> None:
        before = 0
        while not over.is_set():
            by_group, whole = store.aggregate_each(["acme"], [month(group_keys=("units",)), month()])
            found = int(sum(row.quantity for row in whole))
            assert sum(row.quantity for row in by_group) == found
            assert before <= found <= sent[0]
            before = found

    others = [started(turn, errors), started(turn, errors), started(look, errors)]
    writers = [started(lambda: write(0), errors), started(lambda: write(1), errors)]
    for thread in writers:
        thread.join(60)
    over.set()
    for thread in others:
        thread.join(60)
    assert errors == []
    assert total(store) == 1000
    store.roll(NOW)
    assert total(store) == 1000
    assert store.roll(NOW) == 0


# ---- back-fill, interruptions --------------------------------------------------------------------------------------
@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usage.store.postgres.rollup_worker.STEP", 30)
    monkeypatch.setattr("usage.store.postgres.rollup_worker.STEPS_A_TURN", 1)


def test_rules_made_later_are_filled_from_history_with_progress(store: UsageStore, small_steps: None) -> None:
    for batch in range(10):
        store.append([event(batch * 10 + i, some.START + i * HOUR) for i in range(10)], NOW)
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    seen = []
    while True:
        [series] = store.progress()
        seen.append((series.is_ready, series.done, series.total))
        assert total(store) == 100
        if not store.roll(NOW):
            break
    assert seen == [(False, 0, 100), (False, 30, 100), (False, 60, 100), (False, 90, 100), (True, 100, 100)]


@pytest.mark.parametrize("table", ["usage_rollup", "usage_rollupseries"])
def test_a_roller_that_dies_in_the_middle_changes_nothing_and_goes_on_later(
    store: UsageStore, stranger: psycopg.Connection[Any], small_steps: None, table: str
) -> None:
    """Killed while it waits for a lock: before it writes the rollups, or between them and the horizon."""
    for batch in range(5):
        store.append([event(batch * 20 + i, some.START + i * HOUR) for i in range(20)], NOW)
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.roll(NOW)
    before = store.progress()
    stranger.execute(f"LOCK TABLE {table} IN SHARE MODE")
    found: list[Exception] = []
    thread = started(lambda: store.roll(NOW), found)
    waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND " + OURS  # noqa: S608
    while not stranger.execute(waiting).fetchall():
        thread.join(0.02)
    thread.join(30)
    stranger.rollback()
    assert isinstance(found[0], OperationalError)
    assert store.progress() == before
    assert total(store) == 100
    while store.roll(NOW):
        assert total(store) == 100
    assert total(store) == 100


def test_only_one_roller_works_at_a_time(store: UsageStore, stranger: psycopg.Connection[Any]) -> None:
    store.ensure_rollup([RollupSpec(COUNT)], NOW)
    store.append([event(1)], NOW)
    stranger.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    assert store.roll(NOW) == 0
    stranger.rollback()
    assert store.roll(NOW) == 1
