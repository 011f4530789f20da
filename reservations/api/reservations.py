"""Reserving a part of a customer's live balance before a costly call. Tactus's own: Metronome has nothing like it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.balances import USD
from core.api.auth import bearer_token
from core.api.fields import ExactField, IdField, Input, LimitField, TextField, WholeField, WordField
from core.api.live_keys import LiveKeys
from core.api.output import Output, envelope, page_of
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.models import ApiKey
from customers.selectors import get_customer, named_customer_id
from engine.reservations import HoldStatus
from reservations.models import Reservation
from reservations.selectors.reservations import get_reservation, list_reservations, status_of
from reservations.services import reservations
from reservations.services.reserving import Done, Row

COMPONENTS = "InvoicesReservations"
"""The beginning of these names in /openapi.json, wherever the code lies."""
LONGEST = 3600
A_PAGE = 100
SCOPES = frozenset({"*", "balances:write"})
live_keys = LiveKeys()
"""Keys that `reservations.api.fast_path` need not look up again for some seconds."""


class ReserveInput(Input):
    """How much of whose balance to hold, and for how long."""

    customer_id = IdField(required=False, allow_null=True)
    ingest_alias = TextField(maximum=128, required=False, allow_null=True, help_text="Instead of customer_id.")
    amount = ExactField(above=0, help_text="In the stored unit: cents for USD.")
    credit_type_id = IdField(required=False, allow_null=True, help_text="USD (cents) unless given.")
    ttl_seconds = WholeField(
        minimum=1, maximum=LONGEST, required=False, allow_null=True, help_text="A minute unless given."
    )
    transaction_id = TextField(
        maximum=128, required=False, allow_null=True, help_text="Of the event to come, which then settles it."
    )
    uniqueness_key = TextField(maximum=128, required=False, allow_null=True)


class CommitInput(Input):
    """Which event settles a reservation, and what the call came to."""

    reservation_id = IdField()
    transaction_id = TextField(
        maximum=128, required=False, allow_null=True, help_text="Needed unless it was given when reserving."
    )
    amount = ExactField(
        above=0, required=False, allow_null=True, help_text="At most what was reserved; the rest is free at once."
    )


class ReleaseInput(Input):
    """Which reservation is not needed."""

    reservation_id = IdField()


class ListInput(Input):
    """Whose reservations."""

    customer_id = IdField()
    statuses = serializers.ListField(child=WordField(HoldStatus), required=False, allow_null=True, max_length=6)
    limit = LimitField(help_text=f"At most {A_PAGE}; more means {A_PAGE}.")
    next_page = TextField(maximum=2000, minimum=0, required=False, allow_null=True)


class ReservationOutput(Output):
    """A reservation. `amount`: what it stands for now; `reserved_amount`: what was asked for."""

    id = serializers.UUIDField()
    customer_id = serializers.UUIDField()
    credit_type_id = serializers.UUIDField()
    status = serializers.ChoiceField([one.value for one in HoldStatus])
    reserved_amount = ExactField()
    amount = ExactField()
    transaction_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    committed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class HeldOutput(ReservationOutput):
    """A reservation, and what may still be reserved after it."""

    remaining = ExactField()


class NotCoveredOutput(Output):
    """The balance does not cover it. `available`: what it does cover."""

    message = serializers.CharField()
    available = ExactField()


HELD = OpenApiResponse(envelope(HeldOutput))


class _Writing(ApiView):
    """What is alike for the three; a key that may do it is remembered for `reservations.api.fast_path`."""

    resource, shares_commits = "balances", True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        secret = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is not None and isinstance(request.auth, ApiKey):
            live_keys.remember(secret, request.auth, now=now())


class ReserveView(_Writing):
    """POST /tactus/v1/balances/reserve"""

    @extend_schema(
        request=ReserveInput,
        responses={200: HELD, 402: OpenApiResponse(NotCoveredOutput, "The balance does not cover it.")},
        tags=["Reservations"],
    )
    def post(self, request: Request) -> Response:
        """Hold a part of a customer's live balance before a costly call; 402 where it does not cover the amount.

        What can be spent now: getNetBalance (SPEND), drafts taken off, less what other reservations hold. Of any number
        of callers at once never more than there is are told yes.
        """
        return data(present(asked_to_reserve(self.read_body(request, ReserveInput), now())))


class CommitView(_Writing):
    """POST /tactus/v1/balances/commit"""

    @extend_schema(request=CommitInput, responses={200: HELD}, tags=["Reservations"])
    def post(self, request: Request) -> Response:
        """Bind a reservation to the event of the call; it counts until the event itself does, and never twice.

        Saying it again changes nothing. One that has expired is held anew if the balance still covers it, else 409.
        """
        return data(present(asked_to_commit(self.read_body(request, CommitInput), now())))


class ReleaseView(_Writing):
    """POST /tactus/v1/balances/release"""

    @extend_schema(request=ReleaseInput, responses={200: HELD}, tags=["Reservations"])
    def post(self, request: Request) -> Response:
        """Give a reservation back; it is free at once. Saying it again changes nothing; 409 for a committed one."""
        return data(present(asked_to_release(self.read_body(request, ReleaseInput), now())))


class RetrieveReservation(ApiView):
    """GET /tactus/v1/balances/reservations/{reservation_id}"""

    resource = "balances"

    @extend_schema(responses=envelope(ReservationOutput), tags=["Reservations"])
    def get(self, _request: Request, reservation_id: UUID) -> Response:
        """Show a reservation. Kept for a week after its end."""
        return data(_stored(get_reservation(reservation_id=reservation_id), now()))


class ListReservations(ApiView):
    """POST /tactus/v1/balances/reservations/list"""

    resource, access = "balances", "read"

    @extend_schema(request=ListInput, responses=page_of(ReservationOutput), tags=["Reservations"])
    def post(self, request: Request) -> Response:
        """List a customer's reservations, newest first."""
        body = self.read_body(request, ListInput)
        get_customer(customer_id=body["customer_id"], field="customer_id")
        moment = now()
        rows = list_reservations(customer_id=body["customer_id"], statuses=body.get("statuses") or (), now=moment)
        found, cursor = paginate(rows, page_request(request, Style.BODY, maximum=A_PAGE))
        return listing([_stored(row, moment) for row in found], cursor)


def asked_to_reserve(body: dict[str, Any], moment: datetime, *, shared: bool = False) -> Done:
    """What a read body asks for."""
    return reservations.reserve(
        customer_id=named_customer_id(customer_id=body.get("customer_id"), ingest_alias=body.get("ingest_alias")),
        credit_type_id=body.get("credit_type_id") or USD,
        amount=body["amount"],
        ttl=timedelta(seconds=body.get("ttl_seconds") or settings.TACTUS_RESERVATION_SECONDS),
        now=moment,
        transaction_id=body.get("transaction_id"),
        uniqueness_key=body.get("uniqueness_key"),
        shared=shared,
    )


def asked_to_commit(body: dict[str, Any], moment: datetime, *, shared: bool = False) -> Done:
    """What a read body asks for."""
    return reservations.commit(
        reservation_id=body["reservation_id"], transaction_id=body.get("transaction_id"), amount=body.get("amount"),
        now=moment, shared=shared,
    )  # fmt: skip


def asked_to_release(body: dict[str, Any], moment: datetime, *, shared: bool = False) -> Done:
    """What a read body asks for."""
    return reservations.release(reservation_id=body["reservation_id"], now=moment, shared=shared)


def present(done: Done) -> dict[str, Any]:
    """What came of an operation, as plain data."""
    row, hold = done.row, done.row.hold
    return {
        "id": hold.id,
        "customer_id": row.customer_id,
        "credit_type_id": row.credit_type_id,
        "status": hold.status.value,
        "reserved_amount": hold.reserved,
        "amount": hold.amount,
        "transaction_id": hold.transaction_id,
        **_times(row),
        "remaining": done.remaining,
    }


def _stored(row: Reservation, moment: datetime) -> dict[str, Any]:
    return {
        "id": row.pk,
        "customer_id": row.customer_id,
        "credit_type_id": row.spendable.credit_type_id,
        "status": status_of(row, now=moment),
        "reserved_amount": row.reserved,
        "amount": row.amount,
        "transaction_id": row.transaction_id,
        **_times(row),
    }


def _times(row: Row | Reservation) -> dict[str, datetime | None]:
    return {
        "created_at": row.created_at.astimezone(UTC),
        "expires_at": row.expires_at.astimezone(UTC),
        "committed_at": row.committed_at and row.committed_at.astimezone(UTC),
        "ended_at": row.ended_at and row.ended_at.astimezone(UTC),
    }
