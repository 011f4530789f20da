"""Every write of usage."""

from collections.abc import Sequence
from datetime import datetime

from catalog.selectors import list_metrics, metric_spec
from usage.store import AppendResult, Following, NewEvent, get_store


def ingest(*, events: Sequence[NewEvent], now: datetime) -> AppendResult:
    """Stores each event once by its transaction id, durably before it returns. Customers need not exist yet.

    The limits on what may be sent (age, sizes) belong to the API; whoever calls this directly may bring older events.
    Raises django.db.OperationalError where the database is lost; the same events may then be sent again.
    """
    return get_store().append(events, now)


def roll_usage(*, now: datetime) -> int:
    """Sweep: keeps every metric's usage added up by each of its group keys; returns how many events it went through.

    Archived metrics too: products that have them go on metering. Any number of these may run at a time.
    """
    store = get_store()
    followings = [
        Following(metric_spec(metric), tuple(tuple(key) for key in metric.group_keys))
        for metric in list_metrics(include_archived=True)
    ]
    store.follow(followings, now)
    return store.roll(now)


def prepare_storage(*, now: datetime) -> int:
    """Sweep: makes room ahead for the events of the coming weeks; returns how much was missing."""
    return get_store().prepare(now)


def drop_events(*, before: datetime) -> tuple[datetime, ...]:
    """Forgets the events of whole UTC months before `before`; returns the months.

    Ids stay known and usage stays counted. The caller has seen to it that nobody needs the events themselves.
    """
    return get_store().drop_before(before)
