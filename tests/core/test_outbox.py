"""The outbox: events come back as they were published, and a reader by cursor loses none, however late it commits."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event as Signal
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.events import Cursor, DomainEvent, _payload, cursor_of, event_of, event_types, publish, read_after
from core.models import OutboxEvent
from customers.events import CustomerRenamed

AT = datetime(2026, 3, 20, 12, tzinfo=UTC)
PATIENCE = 20
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(DomainEvent):
    """Something with a number."""

    name = "test.happened"
    title = "It happened"
    SUBJECT = ("apikey", "api_key_id")

    api_key_id: UUID
    number: int


def happened(number: int) -> Happened:
    return Happened(api_key_id=uuid4(), occurred_at=AT, number=number)


def numbers(rows: list[OutboxEvent]) -> list[int]:
    return [row.payload["number"] for row in rows]


@pytest.fixture
def at_once(transactional_db: None) -> Iterator[Callable[..., Any]]:
    """Starts a function in a thread with a database connection of its own."""
    with ThreadPoolExecutor(8) as pool:

        def start(work: Callable[..., object], *args: object) -> Any:
            def whole() -> object:
                try:
                    return work(*args)
                finally:
                    connection.close()

            return pool.submit(whole)

        yield start


@pytest.mark.parametrize("event_type", event_types().values(), ids=lambda one: one.__name__)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_comes_back_as_it_was_published(event_type: type[DomainEvent], data: st.DataObject) -> None:
    event = data.draw(st.from_type(event_type))
    row = OutboxEvent(
        name=event.name,
        version=event.VERSION,
        subject_id=event.subject_id,
        customer_id=getattr(event, "customer_id", None),
        payload=msgspec.json.decode(msgspec.json.encode(_payload(event))),
        occurred_at=event.occurred_at,
    )
    assert event_of(row) == event


def test_a_stored_event_comes_back(db: None) -> None:
    event = CustomerRenamed(customer_id=uuid4(), occurred_at=AT, customer_name="B", previous_name="A")
    with transaction.atomic():
        made = publish(event)
    stored = OutboxEvent.objects.get(pk=made.pk)
    assert made.xact == stored.xact > 0
    assert event_of(stored) == event
    assert stored.payload == {"customer_name": "B", "previous_name": "A"}
    assert (stored.name, stored.version, stored.subject_type) == ("customer.renamed", 1, "customer")
    assert (stored.subject_id, stored.customer_id) == (event.customer_id, event.customer_id)
    stored.version = 2
    with pytest.raises(LookupError):
        event_of(stored)


def test_the_outbox_is_only_added_to(db: None) -> None:
    with transaction.atomic():
        publish(happened(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.update(name="test.changed")
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboxEvent.objects.all().delete()


def test_pages_follow_each_other(transactional_db: None) -> None:
    for first in (0, 3):
        with transaction.atomic():
            for number in range(first, first + 3):
                publish(happened(number))
    cursor, pages = Cursor(), []
    while rows := read_after(cursor, limit=2):
        pages.append(numbers(rows))
        cursor = cursor_of(rows[-1])
    assert pages == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("published", ["before the other", "after the other"])
def test_a_transaction_that_commits_late_is_not_lost(at_once: Callable[..., Any], published: str) -> None:
    began, go_on, said, commit = Signal(), Signal(), Signal(), Signal()

    def late() -> None:
        with transaction.atomic():
            if published == "before the other":
                publish(happened(1))
            else:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_current_xact_id()")
            began.set()
            assert go_on.wait(PATIENCE)
            if published == "after the other":
                publish(happened(1))
            said.set()
            assert commit.wait(PATIENCE)

    slow = at_once(late)
    assert began.wait(PATIENCE)
    with transaction.atomic():
        publish(happened(2))
    go_on.set()
    assert said.wait(PATIENCE)
    # what is there by now shows to everybody else, but is not yet given out: the other one belongs before it
    assert numbers(list(OutboxEvent.objects.order_by("id"))) == [2]
    assert read_after(Cursor(), limit=10) == []
    commit.set()
    slow.result(PATIENCE)
    rows = read_after(Cursor(), limit=10)
    assert numbers(rows) == [1, 2]
    assert read_after(cursor_of(rows[-1]), limit=10) == []
    # by id alone, who had read to the second one would never have seen the first
    assert (rows[0].pk < rows[1].pk) is (published == "before the other")


def test_many_writers_and_one_reader(at_once: Callable[..., Any]) -> None:
    """Writers that commit in any order, some of them not at all: the reader sees each event once, in one order."""

    def write(seed: int) -> list[int]:
        chance, done = random.Random(seed), []
        for turn in range(12):
            keep = chance.random() < 0.8
            mine = [seed * 1000 + turn * 10 + n for n in range(chance.randint(1, 3))]
            with transaction.atomic():
                for number in mine:
                    publish(happened(number))
                    sleep(chance.random() / 200)
                if not keep:
                    transaction.set_rollback(True)
            done += mine if keep else []
        return done

    writers = [at_once(write, seed) for seed in range(6)]
    cursor, seen, order = Cursor(), [], []
    while True:
        over = all(writer.done() for writer in writers)
        rows = read_after(cursor, limit=5)
        seen += numbers(rows)
        order += [cursor_of(row) for row in rows]
        cursor = order[-1] if order else cursor
        if over and not rows:
            break
    assert order == sorted(order)
    assert sorted(seen) == sorted(number for writer in writers for number in writer.result())


def test_a_cursor_of_another_server_is_refused(transactional_db: None) -> None:
    with transaction.atomic():
        publish(happened(1))
    with pytest.raises(LookupError):
        read_after(Cursor(2**60, 1), limit=10)
