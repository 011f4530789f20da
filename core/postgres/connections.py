"""Connections of our own, besides Django's, straight to the server.

Django's may lead through a pooler that gives each transaction another session. What outlives a transaction, settings,
prepared statements, locks, belongs on these: docs/guides/connection-pooler.md.
"""

import atexit
import os
import select
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import pq

BY_KEY: Final = (
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan"
)
"""For a session that only looks rows up by key: it need not find out from statistics, which a new table lacks."""
MOST_IDLE: Final = 2
"""Connections that a process keeps for whoever borrows one next."""

_PARAMS: Final = {"dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "service", "options"}


def is_pooled() -> bool:
    """Whether Django's connection may be another session in its next transaction: nothing is to be left on it."""
    return bool(settings.DATABASE_DIRECT)


def connect_direct(name: str, options: str = "") -> psycopg.Connection[Any]:
    """A session of its own on Django's default database, in autocommit; `name` says in PostgreSQL whose it is.

    `options`: settings of the session besides Django's. Raises psycopg.OperationalError; ImproperlyConfigured where
    DATABASE_URL leads through a pooler and no DATABASE_DIRECT_URL is set.
    """
    wrapper = DatabaseWrapper({**connection.settings_dict, **settings.DATABASE_DIRECT})
    params = {key: value for key, value in wrapper.get_connection_params().items() if key in _PARAMS}
    params["options"] = f"{params.get('options', '')} {options}".strip()
    made = psycopg.connect(**params, autocommit=True, connect_timeout=3, application_name=name)
    if not settings.DATABASE_DIRECT and not _answers_itself(made):
        made.close()
        raise ImproperlyConfigured(
            "DATABASE_URL leads through a connection pooler: set DATABASE_DIRECT_URL to the server itself"
        )
    return made


def _answers_itself(made: psycopg.Connection[Any]) -> bool:
    """Whether the process that answers is the one that greeted us; a pooler greets with a number of its own."""
    return made.execute("SELECT pg_backend_pid()").fetchone() == (made.info.backend_pid,)


_idle: deque[psycopg.Connection[Any]] = deque()


@contextmanager
def borrow_direct() -> Iterator[psycopg.Connection[Any]]:
    """A direct connection for the length of the block, which leaves nothing on it. Raises as `connect_direct`."""
    borrowed = _take_idle() or connect_direct("tactus-session")
    try:
        yield borrowed
    except BaseException:
        borrowed.close()
        raise
    if len(_idle) < MOST_IDLE and is_alive(borrowed):
        _idle.append(borrowed)
    else:
        borrowed.close()


def _take_idle() -> psycopg.Connection[Any] | None:
    while True:
        try:
            found = _idle.pop()
        except IndexError:
            return None
        if is_alive(found):
            return found
        found.close()


def close_idle() -> None:
    """Closes the connections that nobody has borrowed."""
    while _idle:
        _idle.pop().close()


atexit.register(close_idle)
os.register_at_fork(after_in_child=_idle.clear)  # they are the parent's


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection is fit for use: anything that the server says unasked is most likely its farewell."""
    if connection.closed or connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
