"""Statements that a session meets again: parsed and planned once, which is more than half of what a read costs."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from core.postgres.pipeline import numbered
from usage.store.postgres.counting import Fragment

MOST: Final = 64
"""Shapes of statements remembered for a session; a shape is what is asked, without the customer and the times."""
AGE: Final = 5.0
"""Seconds: then statements are planned anew, since tables that were small may have grown."""


@dataclass(slots=True)
class _Session:
    """`names`: of each prepared statement, None for one that was met once. `planned_at`: monotonic."""

    names: OrderedDict[str, str | None] = field(default_factory=OrderedDict)
    planned_at: float = 0.0


_sessions: "WeakKeyDictionary[Any, _Session]" = WeakKeyDictionary()
_numbers = count(1)


def run_prepared(cursor: Any, statement: Fragment) -> None:
    """Executes the statement; from its second time on in this session as a prepared one.

    One plan serves all values: it is for statements that look rows up by key. Every parameter's type must show.
    """
    session = _sessions.setdefault(cursor.connection, _Session())
    if statement.sql not in session.names:
        _forget(cursor, session.names)
        session.names[statement.sql] = None
        cursor.execute(statement.sql, statement.params)
        return
    name = session.names[statement.sql]
    session.names.move_to_end(statement.sql)
    if name is None:
        name = f"tactus_read_{next(_numbers)}"
        # or an execution may be planned anew, or compiled because a plan for any value looks dear
        _tell(cursor, "SET plan_cache_mode = force_generic_plan; SET jit = off")
        _tell(cursor, f"PREPARE {name} AS {numbered(statement.sql)}")
        session.names[statement.sql] = name
    if time.monotonic() > session.planned_at + AGE:
        _tell(cursor, "DISCARD PLANS")
        session.planned_at = time.monotonic()
    cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(statement.params))})", statement.params)


def _forget(cursor: Any, names: OrderedDict[str, str | None]) -> None:
    """Makes room for one more."""
    while len(names) >= MOST:
        _, gone = names.popitem(last=False)
        if gone is not None:
            _tell(cursor, f"DEALLOCATE {gone}")


def _tell(cursor: Any, command: str) -> None:
    """About the session, not about data: no query of whoever counts queries."""
    with cursor.db.wrap_database_errors:
        cursor.connection.execute(command)
