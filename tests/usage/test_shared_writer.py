"""The writer that all requests of a process share: one commit for many, and nobody suffers for another's batch."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from core.errors import Unavailable
from core.postgres.group_commit import GroupCommitWriter, PendingWrite
from tests.usage.servers import OURS
from usage.store import EventColumns, get_store
from usage.store.postgres.copy_rows import Rows, rows_of
from usage.store.postgres.ingest_sql import Repeated
from usage.store.postgres.ingest_writer import connect_to_ingest, ingest_writer

Writer = GroupCommitWriter[Rows, Repeated]
pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
LATE = "too late"


def rows(*ids: str, content: str = "{}", at: datetime = NOW) -> Rows:
    count = len(ids)
    columns = EventColumns(ids, ["acme"] * count, ["call"] * count, [NOW] * count, [content.encode()] * count)
    return rows_of(columns, at)


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = ingest_writer()
    yield writer
    writer.stop()


@pytest.fixture
def gate(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A client that holds the writer up: while its transaction is open, the batch with the id `held` waits."""
    with connect_to_ingest() as client:
        client.autocommit = False
        yield client


def together(
    writer: Writer, gate: psycopg.Connection[Any], batches: Sequence[Rows]
) -> list[PendingWrite[Rows, Repeated]]:
    """Submits batches so that they become one group: while the one before them waits at the gate."""
    held = rows("held")
    gate.execute("INSERT INTO usage_eventkey (key) VALUES (%s)", [held.key_rows[0][6:22].hex()])
    first = writer.submit(held)
    until_waiting()
    tickets = [writer.submit(batch) for batch in batches]
    gate.rollback()
    assert first.wait(20, LATE) == ()
    return tickets


def until_waiting() -> None:
    deadline = time.monotonic() + 10
    with connect_to_ingest() as client:
        while not client.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND " + OURS).fetchone():  # noqa: S608
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


def counted() -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(accepted), sum(duplicates), sum(conflicts), sum(rejected) FROM usage_ingestminute")
        return tuple(int(number) for number in cursor.fetchone())


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_id FROM usage_usageevent ORDER BY arrival")
        return [row[0] for row in cursor.fetchall()]


def conflicts() -> dict[str, tuple[int, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_id, times, content -> 'properties' ->> 'n' FROM usage_eventconflict")
        return {name: (times, content) for name, times, content in cursor.fetchall()}


def test_batches_that_wait_share_one_commit(writer: Writer, gate: psycopg.Connection[Any]) -> None:
    tickets = together(writer, gate, [rows(f"a{n}", f"b{n}") for n in range(5)])
    assert [ticket.wait(20, LATE) for ticket in tickets] == [()] * 5
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xact), count(*) FROM usage_usageevent WHERE transaction_id <> 'held'")
        assert cursor.fetchone() == (1, 10)
    assert stored() == ["held", *(f"{letter}{n}" for n in range(5) for letter in "ab")]
    assert counted() == (11, 0, 0, 0)


def test_the_first_wins_across_the_batches_of_a_group(writer: Writer, gate: psycopg.Connection[Any]) -> None:
    batches = [
        rows("a", "b", content='{"n":1}'),
        rows("b", "c", content='{"n":2}'),
        rows("c", "c", "d", content='{"n":2}'),
        rows("a", content='{"n":1}'),
    ]
    tickets = together(writer, gate, batches)
    assert [ticket.wait(20, LATE) for ticket in tickets] == [(), (0,), (0, 1), (0,)]
    assert stored() == ["held", "a", "b", "c", "d"]
    assert counted() == (5, 4, 1, 0)
    assert conflicts() == {"b": (1, "2")}


def test_conflicts_are_counted_up_and_equal_content_is_none(writer: Writer) -> None:
    assert writer.submit(rows("a", content='{"n":1}')).wait(20, LATE) == ()
    for n in (1, 2, 3, 1):
        assert writer.submit(rows("a", content=f'{{"n":{n}}}', at=NOW + timedelta(minutes=n))).wait(20, LATE) == (0,)
    assert conflicts() == {"a": (2, "3")}
    assert counted() == (1, 4, 2, 0)
    [event] = get_store().search(["a"])
    assert event.properties == {"n": 1}


def test_a_poisonous_batch_fails_alone(writer: Writer, gate: psycopg.Connection[Any]) -> None:
    batches = [rows("a"), rows("b", content='{"n":'), rows("c"), rows("a", "d")]
    good, bad, other, repeated = together(writer, gate, batches)
    assert (good.wait(20, LATE), other.wait(20, LATE), repeated.wait(20, LATE)) == ((), (), (0,))
    with pytest.raises(psycopg.DataError):
        bad.wait(20, LATE)
    assert stored() == ["held", "a", "c", "d"]
    assert counted() == (4, 1, 0, 0)


def test_losing_the_server_fails_those_who_wait_and_the_next_are_stored(
    writer: Writer, gate: psycopg.Connection[Any]
) -> None:
    held = rows("held")
    gate.execute("INSERT INTO usage_eventkey (key) VALUES (%s)", [held.key_rows[0][6:22].hex()])
    ticket = writer.submit(held)
    until_waiting()
    end_writers(gate)
    with pytest.raises(psycopg.OperationalError):
        ticket.wait(20, LATE)
    gate.rollback()
    assert writer.submit(held).wait(20, LATE) == ()
    # Hung up on while nothing was under way: nobody notices.
    end_writers(gate)
    gate.rollback()
    assert writer.submit(rows("next")).wait(20, LATE) == ()
    assert stored() == ["held", "next"]


def end_writers(client: psycopg.Connection[Any]) -> None:
    client.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"  # noqa: S608
        " WHERE application_name = 'tactus-ingest' AND pid <> pg_backend_pid() AND " + OURS
    )


def test_too_much_waiting_is_refused(
    gate: psycopg.Connection[Any],
) -> None:
    writer = ingest_writer(waiting=2)
    held = rows("held")
    gate.execute("INSERT INTO usage_eventkey (key) VALUES (%s)", [held.key_rows[0][6:22].hex()])
    first = writer.submit(held)
    until_waiting()
    second = writer.submit(rows("a", "b"))
    with pytest.raises(Unavailable, match="send them again"):
        writer.submit(rows("c"))
    gate.rollback()
    assert (first.wait(20, LATE), second.wait(20, LATE)) == ((), ())
    assert writer.submit(rows("c")).wait(20, LATE) == ()
    writer.stop()


def test_stopping_stores_what_was_taken(writer: Writer, gate: psycopg.Connection[Any]) -> None:
    tickets = together(writer, gate, [rows("a"), rows("b")])
    writer.stop()
    assert [ticket.wait(20, LATE) for ticket in tickets] == [(), ()]
    assert stored() == ["held", "a", "b"]


def test_writers_that_share_ids_store_each_once_without_deadlocks(gate: psycopg.Connection[Any]) -> None:
    """Three writers, the same ids in other orders, some with other content."""
    writers = [ingest_writer() for _ in range(3)]
    names = [f"id-{n}" for n in range(300)]
    counts: list[int] = []
    lock = threading.Lock()

    def send(number: int) -> None:
        for start in range(0, 300, 50):
            shifted = names[start:] + names[:start]
            chosen = shifted[:100] if number % 2 else shifted[99::-1]
            batch = rows(*chosen, content=f'{{"n":{number % 3}}}')
            repeated = writers[number % 3].submit(batch).wait(20, LATE)
            with lock:
                counts.append(100 - len(repeated))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    for writer in writers:
        writer.stop()
    assert sorted(stored()) == sorted(names)
    accepted, duplicates, conflicted, _ = counted()
    assert (accepted, sum(counts), accepted + duplicates) == (300, 300, 6 * 6 * 100)
    assert 0 < conflicted <= duplicates


def test_the_same_content_has_the_same_digest_whichever_way_it_came() -> None:
    plain = rows("a", content='{"n":1}')
    later = replace(plain, received_at=NOW + timedelta(days=1))
    assert rows_of(later.columns, later.received_at).key_rows == plain.key_rows
    assert rows("a", content='{"n":2}').key_rows != plain.key_rows
