"""Statements that a session meets again: parsed and planned once, which is more than half of what a read costs."""

from collections import OrderedDict
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

from core.exchange import numbered
from usage.store.postgres.counting import Fragment

MOST: Final = 64
"""Shapes of statements remembered for a session; a shape is what is asked, without the customer and the times."""

_sessions: "WeakKeyDictionary[Any, OrderedDict[str, str | None]]" = WeakKeyDictionary()
"""By connection: the name of each prepared statement; None for one that was met once."""


def run_prepared(cursor: Any, statement: Fragment) -> None:
    """Executes the statement; from its second time on in this session as a prepared one.

    One plan serves all values: it is for statements that look rows up by key. Every parameter's type must show.
    """
    known = _sessions.setdefault(cursor.connection, OrderedDict())
    if statement.sql not in known:
        _remember(cursor, known, statement.sql, None)
        cursor.execute(statement.sql, statement.params)
        return
    name = known[statement.sql]
    known.move_to_end(statement.sql)
    if name is None:
        name = f"tactus_read_{next(_numbers)}"
        # or an execution may be planned anew, or compiled because a plan for any value looks dear
        cursor.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
        cursor.execute(f"PREPARE {name} AS {numbered(statement.sql)}")
        known[statement.sql] = name
    cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * len(statement.params))})", statement.params)


_numbers = count(1)


def _remember(cursor: Any, known: OrderedDict[str, str | None], sql: str, name: str | None) -> None:
    while len(known) >= MOST:
        _, gone = known.popitem(last=False)
        if gone is not None:
            cursor.execute(f"DEALLOCATE {gone}")
    known[sql] = name
