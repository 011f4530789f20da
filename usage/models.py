"""What happened. Only `usage.store` reads or writes events; see its interface for the guarantees."""

from usage.store.postgres.models import (
    EventConflict,
    EventKey,
    IngestMinute,
    Rollup,
    RollupSeries,
    RollupValue,
    UsageEvent,
)

__all__ = ["EventConflict", "EventKey", "IngestMinute", "Rollup", "RollupSeries", "RollupValue", "UsageEvent"]
