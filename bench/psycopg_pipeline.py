"""Another way to `core.postgres.pipeline.Pipeline`, for comparison: psycopg's pipeline mode."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from core.postgres.pipeline import Call, Rows


class PsycopgPipeline:
    """One transaction on a connection in autocommit that nobody else uses, for the length of a `with` block.

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
