"""`/v1/ingest`: events in, durable before the 200."""

from collections import Counter
from typing import Any

from django.conf import settings
from django.http import UnreadablePostError
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.fields import Input, InstantField, TextField, parse_flag, read_query
from core.api.output import Output, envelope
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput, NotAllowed, NotAuthenticated
from core.models import ApiKey
from usage import services
from usage.intake import Batch, UnsupportedMediaError, read_batch, unpack

SCOPES = {"*", "usage:ingest", "usage:write"}


class MayIngest(BasePermission):
    """Keys that may do nothing but ingest have `usage:ingest`."""

    def has_permission(self, request: Request, _view: APIView) -> bool:
        """Raises NotAuthenticated without a key, NotAllowed where none of its scopes fits."""
        if not isinstance(request.auth, ApiKey):
            raise NotAuthenticated("an API key is needed: Authorization: Bearer <key>")
        if SCOPES.isdisjoint(request.auth.scopes):
            raise NotAllowed("this API key lacks the scope usage:ingest")
        return True


class EventInput(Input):
    """One event. Documents the body; the view reads it without serializers."""

    transaction_id = TextField(maximum=128)
    customer_id = TextField(maximum=128)
    event_type = TextField(maximum=200)
    timestamp = InstantField()
    properties = serializers.DictField(required=False)


class EventOutcomeOutput(Output):
    """What became of one event of a partial batch. `field` and `message` say why it was rejected."""

    index = serializers.IntegerField()
    transaction_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["accepted", "duplicate", "rejected"])
    field = serializers.CharField(required=False)
    message = serializers.CharField(required=False)


class IngestOutput(Output):
    """The answer to a partial batch: accepted + duplicate + rejected = sent."""

    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    rejected = serializers.IntegerField()
    events = EventOutcomeOutput(many=True)


class IngestView(ApiView):
    """Ingest."""

    resource = "usage"
    permission_classes = [MayIngest]

    @extend_schema(
        request=EventInput(many=True),
        parameters=[OpenApiParameter("partial", bool, description="Store the good events of a faulty batch.")],
        responses={200: OpenApiResponse(envelope(IngestOutput), "An empty body; with `partial=true` a row per event.")},
    )
    def post(self, request: Request) -> Response:
        """Store events, each once by its transaction_id.

        A JSON array of 1 to 1,000 events, gzip allowed, timestamps from 34 days back (a minute more, for the way here)
        to 24 hours ahead. One malformed event refuses the whole batch, unless `partial=true`. The 200 comes after the
        commit; sending a batch again changes nothing.
        """
        partial = bool(read_query(request, partial=parse_flag)["partial"])
        moment = now()
        batch = read_batch(read_body(request), now=moment, max_events=settings.TACTUS_INGEST_MAX_EVENTS)
        if not partial:
            batch.refuse_faults()
        result = services.ingest(events=[event for _, event in batch.events], now=moment)
        return data(outcomes(batch, result.accepted)) if partial else Response(None)


def read_body(request: Request) -> bytes:
    """The JSON text of the request, unpacked. Raises UnsupportedMediaError, TooLarge or InvalidInput."""
    media_type, _, parameters = (request.content_type or "").lower().partition(";")
    if media_type.strip() != "application/json":
        raise UnsupportedMediaError("the Content-Type must be application/json")
    charset = parameters.partition("charset=")[2].strip().strip('"')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaError("the body must be UTF-8")
    try:
        body = request._request.body  # noqa: SLF001 - DRF has no other way to the bytes
    except UnreadablePostError as error:
        raise InvalidInput("the body ended before its Content-Length") from error
    return unpack(body, request.headers.get("Content-Encoding", ""), settings.TACTUS_MAX_BODY_BYTES)


def outcomes(batch: Batch, accepted: tuple[str, ...]) -> dict[str, Any]:
    """The answer to a partial batch. The first event of an accepted id was the one stored."""
    rows: dict[int, dict[str, Any]] = {}
    waiting = set(accepted)
    for index, event in batch.events:
        status = "accepted" if event.transaction_id in waiting else "duplicate"
        waiting.discard(event.transaction_id)
        rows[index] = {"index": index, "transaction_id": event.transaction_id, "status": status}
    for fault in batch.faults:
        rows[fault.index] = {
            "index": fault.index,
            "transaction_id": batch.transaction_ids[fault.index],
            "status": "rejected",
            "field": fault.field,
            "message": fault.message,
        }
    counts = Counter(row["status"] for row in rows.values())
    totals = {status: counts[status] for status in ("accepted", "duplicate", "rejected")}
    return {**totals, "events": [rows[index] for index in sorted(rows)]}
