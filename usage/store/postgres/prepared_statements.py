"""Statements that a session meets again: parsed and planned once, which is more than half of what a read costs.

Only names are left on the session, which mean nothing to anybody else; behind a pooler, whose sessions are anybody's,
nothing is prepared (docs/guides/connection-pooler.md).
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from core.postgres.connections import is_pooled
from core.postgres.pipeline import numbered
from usage.store.postgres.query_sql import Fragment

MOST: Final = 64
"""Shapes of statements remembered for a session; a shape is what is asked, without the customer and the times."""
AGE: Final = 5.0
"""Seconds: then a statement is planned anew, since tables that were small may have grown."""
# or an execution may be planned anew, or compiled because a plan for any value looks dear
_BEFORE: Final = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL jit = off"
_AFTER: Final = "SET LOCAL plan_cache_mode TO DEFAULT; SET LOCAL jit TO DEFAULT"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`planned_at`: monotonic."""

    name: str
    planned_at: float


# Of each session, by the statement; None for one that was met once.
_sessions: "WeakKeyDictionary[Any, OrderedDict[str, _Prepared | None]]" = WeakKeyDictionary()
_numbers = count(1)


def run_prepared(cursor: Any, statement: Fragment) -> None:
    """Executes the statement; from its second time on in this session as a prepared one.

    One plan serves all values: it is for statements that look rows up by key. Every parameter's type must show.
    """
    if is_pooled():
        cursor.execute(statement.sql, statement.params)
        return
    known = _sessions.setdefault(cursor.connection, OrderedDict())
    if statement.sql not in known:
        _make_room(cursor, known)
        known[statement.sql] = None
        cursor.execute(statement.sql, statement.params)
        return
    prepared = _prepare(cursor, known, statement.sql)
    known.move_to_end(statement.sql)
    # One message, and outside of a transaction one transaction: its settings end with it.
    script = f"{_BEFORE}; EXECUTE {prepared.name} ({', '.join(['%s'] * len(statement.params))})"
    if cursor.db.in_atomic_block:
        script = f"{script}; {_AFTER}"
    cursor.execute(script, statement.params)
    for _ in range(_BEFORE.count(";") + 1):
        cursor.nextset()


def _prepare(cursor: Any, known: OrderedDict[str, _Prepared | None], sql: str) -> _Prepared:
    """The prepared statement, made where it is missing and made anew where it has grown old."""
    found = known[sql]
    if found is not None and time.monotonic() <= found.planned_at + AGE:
        return found
    name = f"tactus_read_{next(_numbers)}" if found is None else found.name
    if found is not None:
        known[sql] = None
        _command(cursor, f"DEALLOCATE {name}")
    _command(cursor, f"PREPARE {name} AS {numbered(sql)}")
    made = known[sql] = _Prepared(name, time.monotonic())
    return made


def _make_room(cursor: Any, known: OrderedDict[str, _Prepared | None]) -> None:
    """For one more."""
    while len(known) >= MOST:
        _, gone = known.popitem(last=False)
        if gone is not None:
            _command(cursor, f"DEALLOCATE {gone.name}")


def _command(cursor: Any, command: str) -> None:
    """About the session, not about data: no query of whoever counts queries."""
    with cursor.db.wrap_database_errors:
        cursor.connection.execute(command)
