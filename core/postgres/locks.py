"""Advisory locks: who waits for whom, where no row stands for what is guarded."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from django.db import connection

from core.patience import bound_ms
from core.postgres.connections import borrow_direct
from core.transactions import require_transaction


def advisory_xact_lock(subject: str, names: Iterable[str]) -> None:
    """Waits until no other transaction has taken any of these names of the subject; they are ours until this one ends.

    For writes that an exclusion constraint guards: two that wait for each other's rows there are a deadlock.
    """
    require_transaction()
    with connection.cursor() as cursor:
        for name in sorted(set(names)):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{subject}:{name}"])


def try_advisory_xact_lock(subject: str, names: Iterable[str]) -> bool:
    """The same without waiting: whether all of them are ours until this transaction ends. For whoever holds rows that
    the others may wait for.
    """
    require_transaction()
    with connection.cursor() as cursor:
        for name in sorted(set(names)):
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{subject}:{name}"])
            if not cursor.fetchone()[0]:
                return False
    return True


@contextmanager
def advisory_session_lock(subject: str) -> Iterator[None]:
    """Waits until no other session is in a block of this subject; holds no transaction open while it is in its own.

    The lock is on a connection of its own: behind a pooler, what Django does in the block may be in many sessions.
    Raises django.db.OperationalError.
    """
    with ExitStack() as stack:
        with connection.wrap_database_errors:
            session = stack.enter_context(borrow_direct())
            if (bound := bound_ms()) is not None:
                session.execute(f"SET lock_timeout = {bound}")
            session.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [subject])
            if bound is not None:
                session.execute("RESET lock_timeout")
        try:
            yield
        finally:
            with suppress(psycopg.OperationalError):  # whoever lost the session lost the lock
                session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [subject])
