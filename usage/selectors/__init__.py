"""Reads of usage."""

from usage.selectors.events import EventMatch, match_events
from usage.selectors.previews import not_stored, usage_of, usage_with
from usage.selectors.quantities import get_usage, list_line_events, list_recent_events, refs_of
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
from usage.store import UsageQuery

__all__ = [
    "EventMatch",
    "GroupBy",
    "GroupCell",
    "UsageCell",
    "UsagePage",
    "UsageQuery",
    "current_period",
    "get_usage",
    "list_line_events",
    "list_recent_events",
    "list_usage",
    "list_usage_by_group",
    "match_events",
    "not_stored",
    "refs_of",
    "usage_of",
    "usage_windows",
    "usage_with",
]
