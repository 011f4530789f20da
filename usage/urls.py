"""Routes of usage, without trailing slashes."""

from django.urls import path

from usage.api.ingest import IngestView

urlpatterns = [
    path("v1/ingest", IngestView.as_view()),
]
