"""A transaction in an exchange or two: statements that are sent together and answered together.

BEGIN goes out with the first of them and COMMIT with the last, in psycopg's pipeline mode. `bench/pipeline.py` compares
that with sending the same through libpq by hand.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

import psycopg

Call = tuple[str, Sequence[str]]
"""A statement with `%s` for each parameter, cast there to its type, and the parameters as PostgreSQL writes them."""
Rows = list[tuple[Any, ...]]
Execute = Callable[..., list[Rows]]
"""Carries out any number of calls in the open transaction: the rows of each."""

_PLACE: Final = re.compile("%([%s])")


def array(values: Iterable[object]) -> str:
    """A PostgreSQL array of these, None being NULL."""
    return "{" + ",".join(["NULL" if value is None else _quoted(str(value)) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def cursor_executor(cursor: Any) -> Execute:
    """Executes on a cursor, one call after the other, in the transaction of its connection."""

    def execute(*calls: Call) -> list[Rows]:
        found: list[Rows] = []
        for statement, params in calls:
            cursor.execute(statement, params)
            found.append(cursor.fetchall() if cursor.description else [])
        return found

    return execute


class Pipeline:
    """One transaction on a connection in autocommit that nobody else uses: `with Pipeline(connection) as pipeline`.

    `commit` stores it and is the last that is asked; where the block ends without, or by an error, nothing is stored
    and the connection is as it was. Errors of the server are raised as psycopg.Error. Set the connection's
    `prepare_threshold` to 0 where its statements come again and again.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._open: AbstractContextManager[Any] | None = None

    def __enter__(self) -> Self:
        self._open = self._connection.pipeline()
        self._open.__enter__()
        # Said aloud: psycopg loses its way where the end of an implicit transaction fails, as by a deferred constraint.
        self._connection.execute("BEGIN", prepare=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(psycopg.Error):  # raised inside the block, or of no more interest
            self._leave()
        with suppress(psycopg.Error):
            self._connection.rollback()

    def execute(self, *calls: Call) -> list[Rows]:
        """The rows of each, all of them statements that return rows; the transaction stays open."""
        return [cursor.fetchall() for cursor in self._send(calls)]

    def commit(self, *calls: Call) -> list[Rows]:
        """The rows of each, all of them stored with what was executed before."""
        cursors = self._send(calls)
        self._connection.execute("COMMIT", prepare=False)
        self._leave()
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def _send(self, calls: Sequence[Call]) -> list[psycopg.Cursor[Any]]:
        return [self._connection.execute(statement, params) for statement, params in calls]

    def _leave(self) -> None:
        """Ends psycopg's pipeline: what was sent is answered."""
        leaving, self._open = self._open, None
        if leaving is not None:
            leaving.__exit__(None, None, None)


def numbered(statement: str) -> str:
    """The statement as the server wants it: $1, $2 and so on for each `%s`, one `%` for two."""
    numbers = count(1)
    return _PLACE.sub(lambda found: "%" if found[1] == "%" else f"${next(numbers)}", statement)
