"""Reads of invoices: drafts computed live, final ones as stored; breakdowns; what stands behind a line."""

from invoices.selectors.breakdowns import list_breakdowns, spend_by_window
from invoices.selectors.integrity import list_altered
from invoices.selectors.late import LateLine, UnbilledUsage, list_unbilled_usage
from invoices.selectors.source_events import get_line, line_events
from invoices.selectors.views import (
    count_finalized,
    customer_of_invoice,
    find_invoice,
    get_invoice,
    list_invoices,
    page_of_views,
    view_of,
)

__all__ = [
    "LateLine",
    "UnbilledUsage",
    "count_finalized",
    "customer_of_invoice",
    "find_invoice",
    "get_invoice",
    "get_line",
    "line_events",
    "list_altered",
    "list_breakdowns",
    "list_invoices",
    "list_unbilled_usage",
    "page_of_views",
    "spend_by_window",
    "view_of",
]
