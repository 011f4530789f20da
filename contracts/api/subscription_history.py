"""`/v1/contracts/getSubscription…History`: what a subscription had and cost, and who sat on its seats."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import selectors
from contracts.models import Subscription
from contracts.selectors.subscriptions import SeatsHeld, custom_unit_of, quantity_history, seats_history
from core.api.fields import ExactField, IdField, Input, InstantField, LimitField, TextField
from core.api.output import Output, envelope
from core.api.paging import Style, encode, foreign, page_request
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput

A_PAGE = 10


class HistoryInput(Input):
    """Which subscription."""

    customer_id = IdField()
    contract_id = IdField()
    subscription_id = IdField()


class SeatsHistoryInput(HistoryInput):
    """Which part of its history; `covering_date` stands alone."""

    covering_date = InstantField(required=False, allow_null=True)
    starting_at = InstantField(required=False, allow_null=True)
    ending_before = InstantField(required=False, allow_null=True)
    limit = LimitField(help_text=f"At most {A_PAGE}; more means {A_PAGE}.")
    cursor = TextField(maximum=2000, minimum=0, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As Metronome has it."""
        if attrs.get("covering_date") and (attrs.get("starting_at") or attrs.get("ending_before")):
            raise serializers.ValidationError(
                {"covering_date": ["cannot be given together with starting_at or ending_before"]}
            )
        return attrs


class PriceOutput(Output):
    """How many units at which price."""

    quantity = ExactField()
    unit_price = ExactField()
    total = ExactField()


class PastOutput(Output):
    """What was billed from a time on; nothing where no entitled rate is in force."""

    starting_at = InstantField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`data` means something else on the class."""
        return super().get_fields() | {"data": PriceOutput(many=True, source="parts")}


class QuantityHistoryOutput(Output):
    """A subscription's past."""

    subscription_id = serializers.UUIDField()
    fiat_credit_type_id = serializers.UUIDField(required=False)
    custom_credit_type_id = serializers.UUIDField(required=False)
    history = PastOutput(many=True)


class SeatsOutput(Output):
    """Who sat on the seats over a time."""

    starting_at = InstantField()
    ending_before = InstantField(allow_null=True)
    assigned_seat_ids = serializers.ListField(child=serializers.CharField())
    total_quantity = serializers.IntegerField()


SEATS_PAGE = inline_serializer(
    "SubscriptionSeatsPage", {"data": SeatsOutput(many=True), "next_page": serializers.CharField(allow_null=True)}
)


class GetQuantityHistory(ApiView):
    """POST /v1/contracts/getSubscriptionQuantityHistory"""

    resource, access = "contracts", "read"

    @extend_schema(request=HistoryInput, responses=envelope(QuantityHistoryOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Read what a subscription had and cost until now; future changes are left out."""
        row = selectors.get_subscription(**self.read_body(request, HistoryInput))
        shown: dict[str, Any] = {"subscription_id": row.pk, "history": quantity_history(row, now=now())}
        if row.contract.rate_card is not None:
            shown["fiat_credit_type_id"] = row.contract.rate_card.fiat_credit_type_id
        if (unit := custom_unit_of(row)) is not None:
            shown["custom_credit_type_id"] = unit
        return data(QuantityHistoryOutput.of(shown))


class GetSeatsHistory(ApiView):
    """POST /v1/contracts/getSubscriptionSeatsHistory"""

    resource, access = "contracts", "read"

    @extend_schema(request=SeatsHistoryInput, responses=SEATS_PAGE, tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List who sat on a subscription's seats when, oldest first, future changes included."""
        body = self.read_body(request, SeatsHistoryInput)
        row = selectors.get_subscription(
            **{name: body[name] for name in ("customer_id", "contract_id", "subscription_id")}
        )
        if row.quantity_management_mode != Subscription.Mode.SEAT_BASED:
            raise InvalidInput("the subscription is not SEAT_BASED", field="subscription_id")
        page = page_request(request, Style.BODY_CURSOR, maximum=A_PAGE)
        found = [held for held in seats_history(row) if _asked(held, body)]
        if page.after is not None:
            if len(page.after) != 2 or page.after[0] != str(row.pk) or not isinstance(page.after[1], datetime):
                raise foreign(page.field)
            found = [held for held in found if held.starting_at > page.after[1]]
        shown = found[: page.limit]
        cursor = encode([str(row.pk), shown[-1].starting_at]) if len(found) > page.limit else None
        return Response({"data": SeatsOutput.of_each(shown), "next_page": cursor})


def _asked(held: SeatsHeld, body: dict[str, Any]) -> bool:
    end = held.ending_before
    if covering := body.get("covering_date"):
        return bool(held.starting_at <= covering and (end is None or covering < end))
    first, last = body.get("starting_at"), body.get("ending_before")
    return (first is None or end is None or end > first) and (last is None or held.starting_at <= last)
