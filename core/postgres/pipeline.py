"""A transaction in an exchange or two: statements that are sent together and answered together.

psycopg's own pipeline mode does the same at a third more CPU for a small group (`python -m bench pipeline` runs both):
it sends statement by statement, and values are adapted one by one. Here parameters leave as text, all statements go out
at once, and each is prepared once for a connection.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any, Final

import psycopg
from psycopg import generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import Transformer

Call = tuple[str, Sequence[str]]
"""A statement with `%s` for each parameter, cast there to its type, and the parameters as PostgreSQL writes them."""
Rows = list[tuple[Any, ...]]
Execute = Callable[..., list[Rows]]
"""Carries out any number of calls in the open transaction: the rows of each."""

Results = list[pq.abc.PGresult]

_PLACE: Final = re.compile("%([%s])")
_FINE: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


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
    """Statements on a connection in autocommit that nobody else uses; from one `commit` to the next, one transaction.

    It is the implicit transaction of libpq's pipeline mode: nothing is sent to begin it, and after an error, which is
    raised as psycopg.Error, all of it is taken back. Whoever gives up between `execute` and `commit` closes the
    connection.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self._pgconn = connection, connection.pgconn
        self._reader = Transformer(connection)
        self._names: dict[str, bytes] = {}
        self._numbers = count(1)
        self._pgconn.enter_pipeline_mode()

    @classmethod
    def on(cls, connection: psycopg.Connection[Any]) -> "Pipeline":
        """The one of this connection, made when it is first asked for."""
        found = _pipelines.get(connection)
        if found is None:
            for closed in [known for known in _pipelines if known.closed]:
                _pipelines.pop(closed, None)
            found = _pipelines[connection] = cls(connection)
        return found

    def execute(self, *calls: Call) -> list[Rows]:
        """The rows of each; the transaction stays open."""
        return self._exchange(calls, commit=False)

    def commit(self, *calls: Call) -> list[Rows]:
        """The rows of each, all of them stored with what was asked before."""
        return self._exchange(calls, commit=True)

    def _exchange(self, calls: Sequence[Call], *, commit: bool) -> list[Rows]:
        new = list({statement for statement, _ in calls} - self._names.keys())
        names = self._names | {statement: b"s%d" % next(self._numbers) for statement in new}
        for statement in new:
            self._pgconn.send_prepare(names[statement], numbered(statement).encode())
        for statement, params in calls:
            self._pgconn.send_query_prepared(names[statement], [param.encode() for param in params])
        if commit:
            self._pgconn.pipeline_sync()
        else:
            self._pgconn.send_flush_request()
        results, failure = self._connection.wait(self._receive(len(new) + len(calls), commit=commit))
        if all(result.status in _FINE for result in results[: len(new)]):
            self._names = names
        if failure is not None:
            raise psycopg.errors.error_from_result(failure, encoding="utf-8")
        return [self._rows(result) for result in results[len(new) :]]

    def _receive(self, number: int, *, commit: bool) -> PQGen[tuple[Results, pq.abc.PGresult | None]]:
        """The results of so many statements, and the error that ended the transaction, if one did."""
        yield from generators.send(self._pgconn)
        results: Results = []
        for _ in range(number):
            results += yield from generators.fetch_many(self._pgconn)
        failures = [result for result in results if result.status not in _FINE]
        if failures and not commit:
            self._pgconn.pipeline_sync()
            yield from generators.send(self._pgconn)
        if failures or commit:
            failures += yield from self._until_end()
        return results, next(iter(failures), None)

    def _until_end(self) -> PQGen[Results]:
        """What the end of the transaction failed for."""
        found: Results = []
        while self._pgconn.status == pq.ConnStatus.OK:
            for result in (yield from generators.fetch_many(self._pgconn)):
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    return found
                found.append(result)
        if not found:
            raise psycopg.OperationalError("the connection was lost")
        return found

    def _rows(self, result: pq.abc.PGresult) -> Rows:
        if not result.ntuples:
            return []
        self._reader.set_pgresult(result)
        return self._reader.load_rows(0, result.ntuples, tuple)


_pipelines: dict[psycopg.Connection[Any], Pipeline] = {}


def numbered(statement: str) -> str:
    """The statement as the server wants it: $1, $2 and so on for each `%s`, one `%` for two."""
    numbers = count(1)
    return _PLACE.sub(lambda found: "%" if found[1] == "%" else f"${next(numbers)}", statement)
