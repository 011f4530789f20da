"""Reads of usage."""

from usage.selectors.backfills import Backfill, list_backfills
from usage.selectors.events import EventMatch, match_events, stored_transactions
from usage.selectors.health import IngestHealth, ingest_health, ingest_minutes
from usage.selectors.previews import not_stored, usage_of, usage_with
from usage.selectors.quantities import (
    get_usage,
    groups_of_customers,
    list_line_events,
    list_recent_events,
    refs_of,
)
from usage.selectors.reconciliation import (
    EXPLAINED,
    Reconciliation,
    UnknownRef,
    list_conflicts,
    list_unmatched,
    reconcile,
)
from usage.selectors.tables import (
    GroupBy,
    GroupCell,
    UsageCell,
    UsagePage,
    current_period,
    list_usage,
    list_usage_by_group,
    usage_windows,
)
from usage.store import IngestMinutes, UnbilledReason, UsageQuery

__all__ = [
    "EXPLAINED",
    "Backfill",
    "EventMatch",
    "GroupBy",
    "GroupCell",
    "IngestHealth",
    "IngestMinutes",
    "Reconciliation",
    "UnbilledReason",
    "UnknownRef",
    "UsageCell",
    "UsagePage",
    "UsageQuery",
    "current_period",
    "get_usage",
    "groups_of_customers",
    "ingest_health",
    "ingest_minutes",
    "list_backfills",
    "list_conflicts",
    "list_line_events",
    "list_recent_events",
    "list_unmatched",
    "list_usage",
    "list_usage_by_group",
    "match_events",
    "not_stored",
    "reconcile",
    "refs_of",
    "stored_transactions",
    "usage_of",
    "usage_windows",
    "usage_with",
]
