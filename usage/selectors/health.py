"""How ingest is doing, from counters: cheap enough to ask every few seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from usage.store import IngestMinutes, RollupLag, StoreHealth, get_store


@dataclass(frozen=True, slots=True)
class IngestHealth:
    """The store's counters, the sums of the last sixty minutes, and how far adding up is behind (None: not begun)."""

    store: StoreHealth
    last_hour: IngestMinutes
    lag: RollupLag | None


def ingest_health(*, now: datetime) -> IngestHealth:
    """The counters at `now`. Three statements, none of which reads many events."""
    store = get_store()
    minutes = store.minutes(now - timedelta(hours=1), now)
    hour = IngestMinutes(
        now - timedelta(hours=1),
        sum(row.accepted for row in minutes),
        sum(row.duplicates for row in minutes),
        sum(row.conflicts for row in minutes),
        sum(row.rejected for row in minutes),
    )
    return IngestHealth(store.health(now), hour, store.lag())


def ingest_minutes(*, start: datetime, end: datetime) -> tuple[IngestMinutes, ...]:
    """What came in, by UTC minute in `[start, end]`; minutes in which nothing was sent are left out."""
    return get_store().minutes(start, end)
