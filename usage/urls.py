"""Routes of usage, without trailing slashes."""

from django.urls import path

from usage.api.events import SearchView
from usage.api.ingest import IngestView
from usage.api.reconciliation import BackfillsView, ConflictsView, ReconciliationView, UnmatchedView
from usage.api.usage import GroupsView, UsageView

urlpatterns = [
    path("v1/ingest", IngestView.as_view()),
    path("v1/usage", UsageView.as_view()),
    path("v1/usage/groups", GroupsView.as_view()),
    path("v1/events/search", SearchView.as_view()),
    path("tactus/v1/usage/reconciliation", ReconciliationView.as_view()),
    path("tactus/v1/usage/unmatched", UnmatchedView.as_view()),
    path("tactus/v1/usage/conflicts", ConflictsView.as_view()),
    path("tactus/v1/usage/backfills", BackfillsView.as_view()),
]
