"""Batches of many requests in one commit.

There is no delay to collect more: under load a group is whatever came in during the last commit.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from core.postgres.connections import connect_direct
from core.postgres.group_commit import GroupCommitWriter
from usage.store.postgres.copy_rows import Rows
from usage.store.postgres.ingest_sql import Repeated, write_checked, write_unseen

MAX_GROUP: Final = 5_000
"""Events of one commit, beyond the first batch."""
MAX_WAITING: Final = 50_000
"""Events that may wait for their turn; more are refused with 503 until there is room."""
PATIENCE: Final = 20.0
"""Seconds that a request waits for its commit. After that it is unknown whether it was stored: 503, send it again."""
TOO_LATE: Final = "the events were not stored in time; send them again"
TOO_MUCH: Final = "more events are waiting than can be stored at once; send them again"
CAUTION: Final = 20
"""How many groups are checked id by id after one that held a duplicate."""


class GroupOfBatches:
    """Stores groups of batches, in the cheaper way as long as all ids are new."""

    def __init__(self) -> None:
        self._caution = 0

    def write(self, connection: psycopg.Connection[Any], group: Sequence[Rows]) -> Sequence[Repeated]:
        """What was repeated, by batch. Raises psycopg.Error."""
        if not self._caution:
            if write_unseen(connection, group):
                return [()] * len(group)
            self._caution = CAUTION
        with connection.transaction():
            found = write_checked(connection, group)
        self._caution = CAUTION if any(found) else self._caution - 1
        return found


def connect_to_ingest() -> psycopg.Connection[Any]:
    """Raises psycopg.OperationalError."""
    return connect_direct("tactus-ingest")


def ingest_writer(waiting: int = MAX_WAITING) -> GroupCommitWriter[Rows, Repeated]:
    """A writer of batches; at most so many events wait for their turn."""
    return GroupCommitWriter(
        "tactus-ingest", connect_to_ingest, GroupOfBatches().write,
        weigh=len, group=MAX_GROUP, waiting=waiting, too_much=TOO_MUCH,
    )  # fmt: skip
