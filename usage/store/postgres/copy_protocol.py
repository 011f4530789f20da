"""PostgreSQL's binary COPY format and parameters, and scripts of several COPYs in one exchange.

psycopg's own `copy` costs two waits for the server per COPY and a conversion per value. At tens of thousands of events
a second both matter, so rows are put together as bytes here and sent with psycopg's generators.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, Final

import psycopg
from psycopg import generators, pq
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER: Final = b"\xff\xff"
UUID_ARRAY: Final = 2951
BIGINT_ARRAY: Final = 1016
_UUID: Final = 2950
_BIGINT: Final = 20

pack_int4: Final = Struct(">i").pack
pack_int8: Final = Struct(">q").pack
_pack_array: Final = Struct(">iiIii").pack

_LENGTHS: Final = tuple(pack_int4(length) for length in range(4096))


def length_of(data: bytes) -> bytes:
    """The length word in front of a field."""
    size = len(data)
    return _LENGTHS[size] if size < 4096 else pack_int4(size)


def field(text: str) -> bytes:
    """A text as a field of a row."""
    data = text.encode()
    return length_of(data) + data


def uuid_array(items: Sequence[bytes]) -> bytes:
    """A uuid[] parameter of 16-byte items."""
    return _array(_UUID, len(items)) + b"".join([b"\0\0\0\x10" + item for item in items])


def bigint_array(items: Sequence[bytes]) -> bytes:
    """A bigint[] parameter of 8-byte items."""
    return _array(_BIGINT, len(items)) + b"".join([b"\0\0\0\x08" + item for item in items])


def _array(kind: int, count: int) -> bytes:
    return _pack_array(1, 0, kind, count, 1)


def run_script(connection: psycopg.Connection[Any], script: bytes, data: Sequence[Sequence[bytes]]) -> None:
    """Runs `script`, statements with semicolons, feeding each COPY in it with the next rows of `data`.

    On a connection in autocommit, outside a transaction, the whole script is one, committed when this returns. Raises
    psycopg.Error; then nothing of it was stored, unless the connection was lost while it was being committed.
    """
    _begin(connection)
    connection.pgconn.send_query(script)
    connection.wait(_script(connection.pgconn, iter(data)))


def run(
    connection: psycopg.Connection[Any], statement: bytes, params: Sequence[bytes], types: Sequence[int]
) -> list[tuple[bytes | None, ...]]:
    """Runs one statement with binary parameters; its rows as binary values. Raises psycopg.Error."""
    _begin(connection)
    binary = [pq.Format.BINARY] * len(params)
    connection.pgconn.send_query_params(statement, params, types, binary, pq.Format.BINARY)
    [result] = connection.wait(generators.execute(connection.pgconn))
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result, encoding="utf-8")
    return [tuple(result.get_value(row, n) for n in range(result.nfields)) for row in range(result.ntuples)]


def _begin(connection: psycopg.Connection[Any]) -> None:
    """Opens the transaction that the caller believes in: psycopg sends BEGIN with its own `execute` only."""
    if not connection.autocommit and connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        connection.execute("SELECT")


def _script(pgconn: pq.abc.PGconn, data: Iterator[Sequence[bytes]]) -> PQGen[None]:
    yield from generators.send(pgconn)
    failure: psycopg.Error | None = None
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status == pq.ExecStatus.COPY_IN:
            yield from _put(pgconn, b"".join((COPY_HEADER, *next(data), COPY_TRAILER)))
        elif result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK) and failure is None:
            failure = psycopg.errors.error_from_result(result, encoding="utf-8")
    if failure is not None:
        raise failure


def _put(pgconn: pq.abc.PGconn, data: bytes) -> PQGen[None]:
    pgconn.put_copy_data(data)
    pgconn.put_copy_end()
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
