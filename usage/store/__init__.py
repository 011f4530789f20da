"""Where events live. `get_store()` gives the backend in use; nothing outside of this package reads or writes events."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from usage.store.base import (
    AppendResult,
    EventPage,
    GroupFilters,
    IngestMinutes,
    IngestTotals,
    NewEvent,
    RefusedEvent,
    RollupLag,
    RollupSpec,
    SeriesProgress,
    StoredEvent,
    StoreHealth,
    UnbilledReason,
    UnmatchedEvent,
    UnmatchedQuery,
    UsageQuery,
    UsageStore,
)
from usage.store.columns import EventColumns, columns_of

DEFAULT_BACKEND = "usage.store.postgres.store.PostgresStore"


@cache
def get_store() -> UsageStore:
    """The backend named by the setting TACTUS_USAGE_STORE, PostgreSQL if there is none."""
    backend: UsageStore = import_string(getattr(settings, "TACTUS_USAGE_STORE", DEFAULT_BACKEND))()
    return backend


__all__ = [
    "AppendResult",
    "EventColumns",
    "EventPage",
    "GroupFilters",
    "IngestMinutes",
    "IngestTotals",
    "NewEvent",
    "RefusedEvent",
    "RollupLag",
    "RollupSpec",
    "SeriesProgress",
    "StoreHealth",
    "StoredEvent",
    "UnbilledReason",
    "UnmatchedEvent",
    "UnmatchedQuery",
    "UsageQuery",
    "UsageStore",
    "columns_of",
    "get_store",
]
