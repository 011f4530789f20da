"""Every write of usage."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from catalog.selectors import list_metrics, metric_spec
from usage.store import AppendResult, EventColumns, NewEvent, RollupSpec, get_store

ROLL_PATIENCE: Final = timedelta(seconds=5)
"""The longest that those who add up all the time wait; readers add the events since then themselves."""


def ingest(*, events: Sequence[NewEvent], now: datetime) -> AppendResult:
    """Stores each event once by its transaction id, durably before it returns. Customers need not exist yet.

    The limits on what may be sent (age, sizes) belong to the API; whoever calls this directly may bring older events.
    Raises django.db.OperationalError where the database is lost; the same events may then be sent again.
    """
    return get_store().append(events, now)


def ingest_columns(*, columns: EventColumns, now: datetime, shared: bool) -> tuple[int, ...]:
    """The same for a batch by column; returns the places of the duplicates in it.

    `shared`: in one commit with what other requests of this process bring. Raises core.errors.Unavailable where too
    much is waiting already.
    """
    return get_store().append_columns(columns, now, shared=shared)


def count_rejected(*, number: int, now: datetime) -> None:
    """Counts events that were refused: they appear in ingest health and reconciliation, not in the store."""
    if number:
        get_store().count_rejected(number, now)


def roll_usage(*, now: datetime, patience: timedelta = timedelta(0)) -> int:
    """Sweep: keeps every metric's usage added up by each of its group keys; returns how many events it went through.

    `patience`: what was added up so shortly ago may wait for more, because bigger steps cost less.
    Archived metrics too: products that have them go on metering. Any number of these may run at a time.
    """
    store = get_store()
    rollups = [
        RollupSpec(metric_spec(metric), tuple(tuple(key) for key in metric.group_keys))
        for metric in list_metrics(include_archived=True)
    ]
    store.ensure_rollup(rollups, now)
    return store.roll(now, patience)


def prepare_storage(*, now: datetime) -> int:
    """Sweep: makes room ahead for the events of the coming weeks; returns how much was missing."""
    return get_store().prepare(now)


def drop_events(*, before: datetime) -> tuple[datetime, ...]:
    """Forgets the events of whole UTC months before `before`; returns the months.

    Ids stay known and usage stays counted. The caller has seen to it that nobody needs the events themselves.
    """
    return get_store().drop_before(before)
