"""`/v1/ingest`: events in, durable before the 200."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.http import UnreadablePostError
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.auth import bearer_token
from core.api.fields import Input, InstantField, TextField, parse_flag, read_query
from core.api.live_keys import LiveKeys
from core.api.output import Output, envelope
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput, NotAllowed, NotAuthenticated
from core.models import ApiKey
from customers.test_clocks import span_of_presents
from usage import services
from usage.intake import Fault, UnsupportedMediaError, read_batch, unpack
from usage.store import columns_of

SCOPES = frozenset({"*", "usage:ingest", "usage:write"})
live_keys = LiveKeys()
"""Keys that `usage.api.fast_path` need not look up again for some seconds."""


class MayIngest(BasePermission):
    """Keys that may do nothing but ingest have `usage:ingest`."""

    def has_permission(self, request: Request, _view: APIView) -> bool:
        """Raises NotAuthenticated without a key, NotAllowed where none of its scopes fits."""
        if not isinstance(request.auth, ApiKey):
            raise NotAuthenticated("an API key is needed: Authorization: Bearer <key>")
        if SCOPES.isdisjoint(request.auth.scopes):
            raise NotAllowed("this API key lacks the scope usage:ingest")
        secret = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is not None:
            live_keys.remember(secret, request.auth, now=now())
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

    resource, is_bulk, in_machine_time = "usage", True, True
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
        batch = read_batch(
            read_body(request),
            now=moment,
            max_events=settings.TACTUS_INGEST_MAX_EVENTS,
            presents=span_of_presents(moment),
        )
        if batch.faults and not partial:
            services.count_rejected(number=len(batch.transaction_ids), now=moment)
            batch.refuse_faults()
        columns = columns_of([event for _, event in batch.events])
        repeated = services.ingest_columns(columns=columns, now=moment, shared=False)
        services.count_rejected(number=len(batch.faults), now=moment)
        if not partial:
            return Response(None)
        names = [(index, event.transaction_id) for index, event in batch.events]
        return data(outcomes(names, repeated, batch.faults, batch.transaction_ids))


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


def outcomes(
    taken: Sequence[tuple[int, str]],
    repeated: Sequence[int],
    faults: Sequence[Fault] = (),
    names: Sequence[str | None] = (),
) -> dict[str, Any]:
    """The answer to a partial batch.

    `taken`: index and transaction id of each good event; `repeated`: those places in it that are duplicates; `names`:
    the id, if there was one, of every event by index.
    """
    duplicates = set(repeated)
    rows: list[dict[str, Any]] = [
        {"index": index, "transaction_id": name, "status": "duplicate" if place in duplicates else "accepted"}
        for place, (index, name) in enumerate(taken)
    ]
    rows += [
        {
            "index": fault.index,
            "transaction_id": names[fault.index],
            "status": "rejected",
            "field": fault.field,
            "message": fault.message,
        }
        for fault in faults
    ]
    rows.sort(key=itemgetter("index"))
    totals = {
        "accepted": len(taken) - len(duplicates),
        "duplicate": len(duplicates),
        "rejected": len(faults),
    }
    return {**totals, "events": rows}
