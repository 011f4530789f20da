"""`/tactus/v1/usage/…`: where every event went, ids sent twice with other content, and how far metrics are added up."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import InstantField, parse_instant, read_query
from core.api.output import PAGING, Output, envelope, list_of, page_of
from core.api.paging import PageRequest, encode, page_request
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from usage import selectors
from usage.selectors import EXPLAINED, Reconciliation, UnbilledReason

LONGEST = timedelta(days=35)
DEFAULT = timedelta(days=1)
WINDOW = [
    OpenApiParameter("starting_on", datetime, description="A whole minute; a day before the end if left out."),
    OpenApiParameter("ending_before", datetime, description="A whole minute; the current one's end if left out."),
]
REASONS = {str(reason): reason for reason in UnbilledReason}


class ReasonOutput(Output):
    """How many events are not rated for one reason."""

    reason = serializers.ChoiceField(list(REASONS))
    explanation = serializers.CharField()
    events = serializers.IntegerField()


class UnknownRefOutput(Output):
    """A `customer_id` of events that no customer has as id or alias."""

    customer_id = serializers.CharField(source="ref")
    events = serializers.IntegerField()
    first_received_at = InstantField()


class ReconciliationOutput(Output):
    """sent = accepted + duplicates + rejected, accepted = rated + unmatched + dropped; if not, `faults` says so."""

    starting_on = InstantField(source="start")
    ending_before = InstantField(source="end")
    sent = serializers.IntegerField()
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rated = serializers.IntegerField()
    dropped = serializers.IntegerField()
    unmatched = serializers.SerializerMethodField()
    unknown_customers = UnknownRefOutput(source="unknown_refs", many=True)
    adds_up = serializers.SerializerMethodField()
    faults = serializers.ListField(child=serializers.CharField())

    @extend_schema_field(ReasonOutput(many=True))
    def get_unmatched(self, report: Reconciliation) -> list[dict[str, Any]]:
        """By reason."""
        return [
            {"reason": str(reason), "explanation": EXPLAINED[reason], "events": events}
            for reason, events in report.unmatched.items()
        ]

    def get_adds_up(self, report: Reconciliation) -> bool:
        """Whether the counters and the events say the same."""
        return not report.faults


class UnmatchedOutput(Output):
    """An event that is not rated, and why."""

    id = serializers.CharField(source="event.arrival")
    transaction_id = serializers.CharField(source="event.transaction_id")
    customer_id = serializers.CharField(source="event.customer_ref")
    event_type = serializers.CharField(source="event.event_type")
    timestamp = InstantField(source="event.timestamp")
    received_at = InstantField(source="event.received_at")
    properties = serializers.SerializerMethodField()
    reason = serializers.ChoiceField(list(REASONS))
    explanation = serializers.SerializerMethodField()

    def get_properties(self, row: Any) -> dict[str, Any]:
        """Exactly as sent."""
        return dict(row.event.properties)

    def get_explanation(self, row: Any) -> str:
        """The reason in words."""
        return EXPLAINED[row.reason]


class ConflictOutput(Output):
    """An id that came again with other content. The first event stands; `refused` is what came last."""

    transaction_id = serializers.CharField()
    first_seen_at = InstantField()
    last_seen_at = InstantField()
    times = serializers.IntegerField()
    refused = serializers.SerializerMethodField()

    def get_refused(self, row: Any) -> dict[str, Any]:
        """Bounded: very long ones are without their properties."""
        return dict(row.content)


class BackfillOutput(Output):
    """How far a metric's history has been added up. Its usage is exact all the time, and quick once it is ready."""

    billable_metric_id = serializers.UUIDField(source="metric.pk")
    billable_metric_name = serializers.CharField(source="metric.name")
    status = serializers.SerializerMethodField()
    percent = serializers.IntegerField()
    events_done = serializers.IntegerField(source="done")
    events_total = serializers.IntegerField(source="total")
    started_at = InstantField(allow_null=True)

    def get_status(self, row: selectors.Backfill) -> str:
        """READY or BACKFILLING."""
        return "READY" if row.is_ready else "BACKFILLING"


class ReconciliationView(ApiView):
    """GET /tactus/v1/usage/reconciliation"""

    resource = "usage"

    @extend_schema(parameters=WINDOW, responses=envelope(ReconciliationOutput), tags=["Tactus"])
    def get(self, request: Request) -> Response:
        """Prove where the events received in a stretch of time went: at most 35 days, by default the last one."""
        start, end = window_of(request)
        return data(ReconciliationOutput.of(selectors.reconcile(start=start, end=end)))


class UnmatchedView(ApiView):
    """GET /tactus/v1/usage/unmatched"""

    resource = "usage"

    @extend_schema(
        parameters=[*WINDOW, OpenApiParameter("reason", str, enum=list(REASONS)), *PAGING],
        responses=page_of(UnmatchedOutput),
        tags=["Tactus"],
    )
    def get(self, request: Request) -> Response:
        """List the events of a stretch of time that are not rated, with the reason, in order of arrival."""
        start, end = window_of(request)
        reason = read_query(request, reason=read_reason)["reason"]
        page = page_request(request)
        rows = selectors.list_unmatched(
            start=start,
            end=end,
            reasons=tuple(UnbilledReason) if reason is None else (reason,),
            limit=page.limit + 1,
            after=_arrival(page),
        )
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return listing(UnmatchedOutput.of_each(shown), encode([shown[-1].event.arrival]) if more else None)


class ConflictsView(ApiView):
    """GET /tactus/v1/usage/conflicts"""

    resource = "usage"

    @extend_schema(parameters=PAGING, responses=page_of(ConflictOutput), tags=["Tactus"])
    def get(self, request: Request) -> Response:
        """List the transaction ids that came again with other content, those seen last first."""
        page = page_request(request)
        rows = selectors.list_conflicts(limit=page.limit + 1, after=_seen(page))
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        cursor = encode([shown[-1].last_seen_at, shown[-1].transaction_id]) if more else None
        return listing(ConflictOutput.of_each(shown), cursor)


class BackfillsView(ApiView):
    """GET /tactus/v1/usage/backfills"""

    resource = "usage"

    @extend_schema(responses=list_of(BackfillOutput), tags=["Tactus"])
    def get(self, _request: Request) -> Response:
        """Tell how far the history of each metric has been added up, newest metric first."""
        return data(BackfillOutput.of_each(selectors.list_backfills()))


def window_of(request: Request) -> tuple[datetime, datetime]:
    """The stretch of time asked for. Raises InvalidInput for one that is too long."""
    asked = read_query(request, starting_on=parse_instant, ending_before=parse_instant)
    end = asked["ending_before"] or now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = asked["starting_on"] or end - DEFAULT
    if end - start > LONGEST:
        raise InvalidInput(f"at most {LONGEST.days} days at a time", field="ending_before")
    return start, end


def read_reason(text: str) -> UnbilledReason:
    """Raises ValueError for a word that is no reason."""
    if text not in REASONS:
        raise ValueError(f"must be one of {', '.join(REASONS)}")
    return REASONS[text]


def _arrival(page: PageRequest) -> int:
    match page.after:
        case None:
            return 0
        case (int() as arrival,) if 0 < arrival < 2**63:
            return arrival
    raise InvalidInput("not a cursor that this list gave out", field=page.field)


def _seen(page: PageRequest) -> tuple[datetime, str] | None:
    match page.after:
        case None:
            return None
        case (datetime() as instant, str() as name) if instant.tzinfo is not None:
            return instant, name
    raise InvalidInput("not a cursor that this list gave out", field=page.field)
