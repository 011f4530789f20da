"""Every write of usage."""

from collections.abc import Sequence
from datetime import datetime

from usage.store import AppendResult, NewEvent, get_store


def ingest(*, events: Sequence[NewEvent], now: datetime) -> AppendResult:
    """Stores each event once by its transaction id, durably before it returns. Customers need not exist yet.

    The limits on what may be sent (age, sizes) belong to the API; whoever calls this directly may bring older events.
    Raises django.db.OperationalError where the database is lost; the same events may then be sent again.
    """
    return get_store().append(events, now)
