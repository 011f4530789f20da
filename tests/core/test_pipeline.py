"""Statements sent together: one transaction, whose error takes back all of it and leaves the connection usable."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from hypothesis import given
from hypothesis import strategies as st

from core.postgres.connections import connect
from core.postgres.pipeline import Pipeline, array, cursor_executor

ADD = "INSERT INTO exchanged SELECT unnest(%s::int[]) RETURNING number"
COUNT = "SELECT count(*) FROM exchanged"


@pytest.fixture
def client(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with connect("test-pipeline") as made:
        made.execute(
            "CREATE TEMPORARY TABLE exchanged (number int UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (number > 0))"
        )
        yield made


def test_what_is_asked_is_stored_by_the_commit(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline(client)
    assert pipeline.execute((ADD, [array([1, 2])]), (COUNT, [])) == [[(1,), (2,)], [(2,)]]
    assert pipeline.commit((ADD, ["{3}"]), ("SET LOCAL jit = on", []), (COUNT, [])) == [[(3,)], [], [(3,)]]
    assert pipeline.commit() == []
    assert pipeline.commit((COUNT, [])) == [[(3,)]]


@pytest.mark.parametrize("wrong", ["{0}", "{x}", "{1}"])
def test_an_error_takes_all_of_it_back(client: psycopg.Connection[Any], wrong: str) -> None:
    pipeline = Pipeline(client)
    pipeline.commit((ADD, ["{1}"]))
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.DataError, psycopg.errors.UniqueViolation)) as error:
        pipeline.commit((ADD, ["{7}"]), (ADD, [wrong]), (f"{COUNT} WHERE number = 7", []))
    assert error.value.diag.sqlstate
    assert pipeline.commit((f"{COUNT} WHERE number = 7", []), (COUNT, [])) == [[(0,)], [(1,)]]


def test_an_error_before_the_commit(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline(client)
    pipeline.execute((ADD, ["{5}"]))
    with pytest.raises(psycopg.errors.UndefinedTable):
        pipeline.execute((COUNT, []), ("SELECT 1 FROM nowhere", []))
    assert pipeline.commit((COUNT, [])) == [[(0,)]]


def test_a_lost_connection_is_an_operational_error(client: psycopg.Connection[Any]) -> None:
    pipeline = Pipeline(client)
    pipeline.execute((ADD, ["{1}"]))
    with connect("another") as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [client.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        pipeline.commit((COUNT, []))


@pytest.mark.django_db
@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_arrays_arrive_as_they_were(texts: list[str | None]) -> None:
    for sent in (texts, ["NULL", "", " a ", '"', "\\", "{,}", "\\N", None]):
        with django_connection.cursor() as cursor:
            assert cursor_executor(cursor)(("SELECT %s::text[]", [array(sent)])) == [[(sent,)]]
