"""Statements sent together: one transaction, whose error takes back all of it and leaves the connection usable."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from hypothesis import given
from hypothesis import strategies as st

from core.postgres.connections import connect_direct, is_alive
from core.postgres.pipeline import Call, Pipeline, array, cursor_executor

ADD = "INSERT INTO exchanged SELECT unnest(%s::int[]) RETURNING number"
COUNT = "SELECT count(*) FROM exchanged"


@pytest.fixture
def client(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with connect_direct("test-pipeline") as made:
        made.execute(
            "CREATE TEMPORARY TABLE exchanged (number int UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (number > 0))"
        )
        yield made


def test_what_is_executed_is_stored_by_the_commit(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline.on(client)
    assert pipeline.execute((ADD, [array([1, 2])]), (COUNT, [])) == [[(1,), (2,)], [(2,)]]
    assert pipeline.commit((ADD, ["{3}"]), ("SET LOCAL jit = on", []), (COUNT, [])) == [[(3,)], [], [(3,)]]
    assert pipeline.commit() == []
    assert pipeline.commit((COUNT, [])) == [[(3,)]]
    assert is_alive(client)


def test_it_is_one_transaction_and_a_connection_has_one_pipeline(client: psycopg.Connection[Any]) -> None:
    number: Call = ("SELECT pg_current_xact_id()::text", [])
    [first], [second] = Pipeline.on(client).execute(number, number)
    [[third]] = Pipeline.on(client).commit(number)
    assert first == second == third != Pipeline.on(client).commit(number)[0][0]


@pytest.mark.parametrize("wrong", ["{0}", "{x}", "{1}"])
def test_an_error_takes_all_of_it_back(client: psycopg.Connection[Any], wrong: str) -> None:
    pipeline = Pipeline.on(client)
    pipeline.commit((ADD, ["{1}"]))
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.DataError, psycopg.errors.UniqueViolation)) as error:
        pipeline.commit((ADD, ["{7}"]), (ADD, [wrong]), (f"{COUNT} WHERE number = 7", []))
    assert error.value.diag.sqlstate
    assert is_alive(client)
    assert pipeline.commit((f"{COUNT} WHERE number = 7", []), (COUNT, [])) == [[(0,)], [(1,)]]


def test_an_error_before_the_commit(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline.on(client)
    pipeline.execute((ADD, ["{5}"]))
    with pytest.raises(psycopg.errors.UndefinedTable):
        pipeline.execute((COUNT, []), ("SELECT 1 FROM nowhere", []))
    assert is_alive(client)
    assert pipeline.commit((COUNT, [])) == [[(0,)]]


def test_a_lost_connection_is_an_operational_error(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline.on(client)
    pipeline.execute((ADD, ["{1}"]))
    with connect_direct("another") as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [client.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        pipeline.commit((COUNT, []))
    assert not is_alive(client)


@pytest.mark.django_db
@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_arrays_arrive_as_they_were(texts: list[str | None]) -> None:
    for sent in (texts, ["NULL", "", " a ", '"', "\\", "{,}", "\\N", None]):
        with django_connection.cursor() as cursor:
            assert cursor_executor(cursor)(("SELECT %s::text[]", [array(sent)])) == [[(sent,)]]
