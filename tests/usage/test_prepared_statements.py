"""Statements that a session has planned once."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from usage.store.postgres import prepared_statements
from usage.store.postgres.prepared_statements import MOST, run_prepared
from usage.store.postgres.query_sql import Fragment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session() -> Iterator[None]:
    """A session of its own: what one has prepared ends with it."""
    connection.close()
    yield
    connection.close()


def asked(number: int, shape: int = 0) -> list[Any]:
    return asked_for(number, shape)


def asked_for(number: object, shape: int = 0) -> list[Any]:
    with connection.cursor() as cursor:
        run_prepared(cursor, Fragment(f"SELECT %s::int + {shape}, '100%%', %s::text", [number, "it's"]))
        return list(cursor.fetchall())


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'tactus_read_%'")
        return int(cursor.fetchone()[0])


def test_the_second_time_is_prepared_and_later_ones_only_executed(session: None) -> None:
    assert [asked(1), prepared()] == [[(1, "100%", "it's")], 0]
    assert [asked(2), prepared()] == [[(2, "100%", "it's")], 1]
    with CaptureQueriesContext(connection) as queries:
        assert asked(3) == [(3, "100%", "it's")]
    [only] = queries
    assert "EXECUTE tactus_read_" in only["sql"]


def test_a_transaction_that_is_rolled_back_does_not_lose_it(session: None) -> None:
    asked(1)
    with pytest.raises(RuntimeError, match="back"), transaction.atomic():
        asked(2)
        raise RuntimeError("back")
    assert asked(3) == [(3, "100%", "it's")]


@pytest.mark.parametrize("fails", [False, True])
def test_it_leaves_no_settings_behind(session: None, fails: bool) -> None:
    asked(1)
    asked(2)
    assert settings_of_the_session() == []
    with suppress(DataError), transaction.atomic():
        asked(3)
        assert settings_of_the_session() == []
        with suppress(DataError) if not fails else nullcontext(), transaction.atomic():
            asked_for("not a number")
        assert settings_of_the_session() == []
    assert settings_of_the_session() == []


def settings_of_the_session() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE name IN ('jit', 'plan_cache_mode') AND source = 'session'")
        return [name for (name,) in cursor.fetchall()]


def test_a_session_of_a_pooler_is_left_alone(session: None, settings: Any) -> None:
    settings.DATABASE_DIRECT = {"PORT": "1"}
    assert [asked(number) for number in range(3)] == [[(number, "100%", "it's")] for number in range(3)]
    assert prepared() == 0


def test_another_session_prepares_for_itself(session: None) -> None:
    asked(1)
    asked(2)
    connection.close()
    assert asked(3) == [(3, "100%", "it's")]
    assert prepared() == 0


def test_what_was_not_asked_for_long_goes(session: None) -> None:
    for shape in range(MOST + 5):
        asked(1, shape)
        asked(1, shape)
    assert prepared() == MOST
    assert asked(2, shape=0) == [(2, "100%", "it's")]


def test_a_plan_made_while_a_table_was_small_does_not_stay(session: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared once, it would read the whole table however large it grows, until somebody analyzes it."""
    monkeypatch.setattr(prepared_statements, "AGE", 0.0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE grown (id int PRIMARY KEY)")

    def look(number: int) -> None:
        with connection.cursor() as cursor:
            run_prepared(cursor, Fragment("SELECT id FROM pg_temp.grown WHERE id = %s::int", [number]))

    def plan() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'tactus_read_%'")
            [name] = cursor.fetchone()
            with transaction.atomic():
                cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                cursor.execute(f"EXPLAIN EXECUTE {name} (1)")
                return str(cursor.fetchall())

    look(1)
    look(1)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO grown SELECT generate_series(1, 20000)")
    look(1)
    assert "Seq Scan" not in plan()
