"""What every event store must do. A new backend joins by its name in BACKENDS."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.calendar import Period
from engine.money import total
from engine.usage import (
    Aggregation,
    Event,
    EventTypeFilter,
    MetricSpec,
    PropertyFilter,
    UsageRow,
    aggregate,
    property_text,
)
from tests.usage import strategies as some
from tests.usage.servers import patient
from usage.store import NewEvent, UsageQuery, UsageStore

BACKENDS = ["usage.store.postgres.store.PostgresStore"]
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=BACKENDS, ids=lambda path: path.rsplit(".", 1)[-1])
def store(request: pytest.FixtureRequest, db: None) -> UsageStore:
    return import_string(request.param)()


@pytest.fixture(params=BACKENDS, ids=lambda path: path.rsplit(".", 1)[-1])
def committing_store(request: pytest.FixtureRequest, transactional_db: None) -> UsageStore:
    return patient(import_string(request.param)())


def event(
    number: int = 0, ref: str = "acme", at: datetime = some.START, prefix: str = "t", **properties: object
) -> NewEvent:
    return NewEvent(f"{prefix}{number}", ref, "call", at, properties)


def query(aggregation: Aggregation = Aggregation.SUM, **kwargs: object) -> UsageQuery:
    spec = MetricSpec(aggregation, None if aggregation is Aggregation.COUNT else "units")
    windows = kwargs.pop("windows", (Period(some.START, some.START + DAY),))
    return UsageQuery(some.METRIC, spec, windows, **kwargs)


def quantity(store: UsageStore, question: UsageQuery, *refs: str) -> Decimal:
    return total(row.quantity for row in store.aggregate(refs or ("acme",), question))


# ---- exact ---------------------------------------------------------------------------------------------------------
def expected(sent: Sequence[NewEvent], refs: Sequence[str], question: UsageQuery) -> tuple[UsageRow, ...]:
    """The engine's answer for the events as sent, the first of each transaction id only."""
    first: dict[str, tuple[int, NewEvent]] = {}
    for arrival, new in enumerate(sent):
        first.setdefault(new.transaction_id, (arrival, new))
    counted = [
        Event(new.transaction_id, new.event_type, new.timestamp, arrival, new.properties)
        for arrival, new in first.values()
        if new.customer_ref in refs and passes(new, question)
    ]
    if not question.independent:
        return tuple(aggregate(question.spec, counted, question.windows, question.group_keys))
    rows = [row for w in question.windows for row in aggregate(question.spec, counted, (w,), question.group_keys)]
    return tuple(sorted(rows, key=lambda row: ([(v is not None, v or "") for v in row.group], row.window)))


def passes(new: NewEvent, question: UsageQuery) -> bool:
    return all(property_text(new.properties.get(name)) in allowed for name, allowed in question.group_filters.items())


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), questions=st.lists(some.queries, min_size=1, max_size=4), batches=st.integers(1, 3))
def test_aggregates_equal_the_engines(
    store: UsageStore, data: st.DataObject, questions: list[UsageQuery], batches: int
) -> None:
    run = uuid4().hex
    refs = [f"{run}:id", f"{run}:alias", f"{run}:somebody else"]
    sent = data.draw(some.events(refs, run))
    for i in range(batches):
        store.append(sent[i * len(sent) // batches : (i + 1) * len(sent) // batches], NOW)
    if data.draw(st.booleans()):  # everything once more, in another order
        store.append(sent[::-1], NOW)
    for question in questions:
        assert store.aggregate(refs[:2], question) == expected(sent, refs[:2], question)
        counted = sum(row.event_count for row in expected(sent, refs[:2], question))
        assert len(store.source_events(refs[:2], question, 100).events) == counted


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_no_windows_no_refs_no_rows(store: UsageStore, aggregation: Aggregation) -> None:
    store.append([event(units="1")], NOW)
    assert store.aggregate(["acme"], query(aggregation, windows=())) == ()
    assert store.aggregate([], query(aggregation)) == ()
    assert store.aggregate(["nobody"], query(aggregation)) == ()


def test_sums_are_exact_beyond_every_float(store: UsageStore) -> None:
    sent = [event(i, units=text) for i, text in enumerate(["9" * 40, "0." + "0" * 39 + "1", "-0.1", "0.2", "1e-9"])]
    store.append(sent, NOW)
    assert quantity(store, query()) == Decimal("9" * 40 + ".1" + "0" * 7 + "1" + "0" * 30 + "1")


def test_windows_are_half_open(store: UsageStore) -> None:
    days = tuple(Period(some.START + i * DAY, some.START + (i + 1) * DAY) for i in range(3))
    edge = some.START + DAY
    microsecond = timedelta(microseconds=1)
    sent = [
        event(0, at=edge - microsecond, units="1"),
        event(1, at=edge, units="10"),
        event(2, at=edge + 2 * DAY, units="100"),
    ]
    store.append(sent, NOW)
    assert [(row.window, row.quantity) for row in store.aggregate(["acme"], query(windows=days))] == [
        (days[0], 1),
        (days[1], 10),
    ]


def test_increments_and_independent_windows(store: UsageStore) -> None:
    days = tuple(Period(some.START + i * DAY, some.START + (i + 1) * DAY) for i in range(3))
    values = [(0, "5"), (0, "3"), (1, "4"), (2, "9"), (2, "5")]
    store.append(
        [event(i, at=some.START + d * DAY + timedelta(hours=i), units=v) for i, (d, v) in enumerate(values)], NOW
    )

    def read(aggregation: Aggregation, independent: bool) -> list[Decimal]:
        return [
            row.quantity for row in store.aggregate(["acme"], query(aggregation, windows=days, independent=independent))
        ]

    assert read(Aggregation.MAX, False) == [5, 0, 4]
    assert read(Aggregation.MAX, True) == [5, 4, 9]
    assert read(Aggregation.LATEST, False) == [3, 1, 1]
    assert read(Aggregation.LATEST, True) == [3, 4, 5]
    assert read(Aggregation.UNIQUE, False) == [2, 1, 1]
    assert read(Aggregation.UNIQUE, True) == [2, 1, 2]


def test_equal_timestamps_the_later_arrival_is_the_latest(store: UsageStore) -> None:
    store.append([event(9, units="1"), event(5, units="2")], NOW)
    assert quantity(store, query(Aggregation.LATEST)) == 2
    store.append([event(1, units="3")], NOW)
    assert quantity(store, query(Aggregation.LATEST)) == 3


def test_group_filters_need_not_be_grouped_by_and_none_means_absent(store: UsageStore) -> None:
    sent = [
        event(0, units="1", region="us"),
        event(1, units="2", region=None),
        event(2, units="4"),
        event(3, units="8", region="null"),
    ]
    store.append(sent, NOW)
    assert quantity(store, query(group_filters={"region": ("us",)})) == 1
    assert quantity(store, query(group_filters={"region": (None,)})) == 6
    assert quantity(store, query(group_filters={"region": ("us", None)})) == 7
    assert quantity(store, query(group_filters={"region": ()})) == 0
    assert [(row.group, row.quantity) for row in store.aggregate(["acme"], query(group_keys=("region",)))] == [
        ((None,), 6), (("null",), 8), (("us",), 1),
    ]  # fmt: skip


# ---- once ----------------------------------------------------------------------------------------------------------
def test_the_first_event_of_an_id_wins(store: UsageStore) -> None:
    result = store.append([event(1, units="5"), event(2, units="1"), event(1, units="9")], NOW)
    assert (result.accepted, result.duplicates) == (("t1", "t2"), ("t1",))
    result = store.append([event(3, units="1"), event(1, units="50")], NOW)
    assert (result.accepted, result.duplicates) == (("t3",), ("t1",))
    assert quantity(store, query()) == 7


def test_ids_are_compared_byte_by_byte(store: UsageStore) -> None:
    ids = [
        "a",
        "A",
        "a ",
        " a",
        "a\u200b",
        "\u00e9",
        "e\u0301",
        "a%s",
        "a'",
        'a"',
        "a\\",
        "a,b",
        "{a}",
        "NULL",
        "=SUM(1)",
        "\U0001d7d9" * 128,
    ]
    sent = [NewEvent(text, "acme", "call", some.START, {"units": "1"}) for text in ids]
    assert store.append(sent, NOW).accepted == tuple(ids)
    assert store.append(sent, NOW).duplicates == tuple(ids)
    assert {found.transaction_id for found in store.search(ids)} == set(ids)


def test_an_empty_batch_stores_nothing(store: UsageStore) -> None:
    assert store.append([], NOW).accepted == ()


def test_overlapping_batches_of_many_threads_store_each_event_once(committing_store: UsageStore) -> None:
    store, run = committing_store, uuid4().hex
    sent = [event(i, ref=run, prefix=f"{run}:", units=str(i)) for i in range(240)]
    accepted: list[str] = []
    errors: list[Exception] = []
    barrier = threading.Barrier(6)

    def work(seed: int) -> None:
        try:
            barrier.wait(10)
            for start in range(0, 240, 40):
                batch = [sent[(seed * 31 + start + j) % 240] for j in range(60)]
                result = store.append(batch[:: -1 if seed % 2 else 1], NOW)
                assert len(result.accepted) + len(result.duplicates) == 60
                accepted.extend(result.accepted)
        except Exception as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(accepted) == sorted({new.transaction_id for new in sent})
    assert store.count([run]) == 240
    assert quantity(store, query(), run) == sum(range(240))


def test_a_batch_is_stored_whole_or_not_at_all(store: UsageStore) -> None:
    broken = [event(0, units="1"), NewEvent("t" * 129, "acme", "call", some.START, {})]
    with pytest.raises(Exception, match="128"):
        store.append(broken, NOW)
    assert store.count(["acme"]) == 0


# ---- durable -------------------------------------------------------------------------------------------------------
def test_append_refuses_to_be_part_of_a_transaction(committing_store: UsageStore) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        committing_store.append([event(units="1")], NOW)


# ---- source events -------------------------------------------------------------------------------------------------
def test_evidence_pages_through_the_counted_events_in_order_of_time(store: UsageStore) -> None:
    sent = [
        event(i, at=some.START + timedelta(minutes=i // 2), units=str(i), region="us" if i % 3 else None)
        for i in range(20)
    ]
    not_counted = [
        event(90, units="many"),
        event(91, at=some.START + DAY, units="1"),
        event(92, ref="other", units="1"),
    ]
    store.append([*sent[::-1], *not_counted], NOW)
    question = query(group_filters={"region": ("us",)})
    pages, after = [], None
    while True:
        page = store.source_events(["acme"], question, 4, after)
        pages.append(page.events)
        after = page.next
        if after is None:
            break
    found = [found for page in pages for found in page]
    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert [found.position for found in found] == sorted(found.position for found in found)
    assert {found.transaction_id for found in found} == {f"t{i}" for i in range(20) if i % 3}
    assert sum(Decimal(found.value or "") for found in found) == quantity(store, question)


def test_events_come_back_as_they_were_sent(store: UsageStore) -> None:
    properties = {
        "n": Decimal("0.10"),
        "big": 10**50,
        "text": "0.10",
        "deep": {"a": [None, True, Decimal("1.5")]},
        "é": "\u2028",
    }
    at = some.START + timedelta(microseconds=123456)
    store.append([NewEvent("x", "acme", "töken", at, properties)], NOW)
    [found] = store.search(["x", "unknown"])
    assert (found.transaction_id, found.customer_ref, found.event_type, found.timestamp) == ("x", "acme", "töken", at)
    assert (found.properties, found.received_at, found.value) == (properties, NOW, None)
    assert str(found.properties["n"]) == "0.10"


def test_known_ids_are_those_that_are_stored(store: UsageStore) -> None:
    store.append([event(1), event(2), event(3, prefix="\u00fc")], NOW)
    assert store.known(["t1", "t3", "T1", "t1 ", "\u00fc3", "t2"]) == {"t1", "t2", "\u00fc3"}
    assert store.known(["t9"]) == store.known([]) == frozenset()


def test_recent_and_health(store: UsageStore) -> None:
    before = store.health(NOW)
    store.append([event(i, at=some.START + timedelta(hours=i)) for i in range(5)], NOW)
    assert [found.transaction_id for found in store.recent(["acme"], 3)] == ["t4", "t3", "t2"]
    health = store.health(NOW + timedelta(minutes=2))
    assert health.received_last_minute == 0
    assert health.received_last_hour == before.received_last_hour + 5
    assert health.last_received_at == NOW


def test_event_type_and_property_filters_meet_the_engines_rules(store: UsageStore) -> None:
    spec = MetricSpec(
        Aggregation.COUNT,
        event_type_filter=EventTypeFilter(in_values=("call",)),
        property_filters=(PropertyFilter("region", in_values=("us", "eu")), PropertyFilter("test", exists=False)),
    )
    sent = [
        event(0, region="us"),
        event(1, region="asia"),
        event(2, region="eu", test="yes"),
        event(3),
        event(4, region="eu", test=None),
    ]
    store.append(sent, NOW)
    question = UsageQuery(some.METRIC, spec, (Period(some.START, some.START + DAY),))
    assert [row.quantity for row in store.aggregate(["acme"], question)] == [2]
