"""`/v1/contract-pricing/rate-cards…`, the cards themselves."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.units import CreditTypeOutput
from catalog.models import CreditTypeConversion
from core.api.fields import CustomFieldsField, ExactField, IdField, Input, InstantField, TextField
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from engine.money import plain

MAX_ALIASES = 100
MAX_CONVERSIONS = 100


class AliasInput(Input):
    """A name for the card over a time, open where an end is left out."""

    name = TextField(maximum=128)
    starting_at = InstantField(required=False)
    ending_before = InstantField(required=False)


def _aliases() -> serializers.ListField:
    return serializers.ListField(child=AliasInput(), max_length=MAX_ALIASES, required=False)


class ConversionInput(Input):
    """What one unit of a custom credit type costs, in the stored unit of the card's currency (cents for USD)."""

    custom_credit_type_id = IdField()
    fiat_per_custom_credit = ExactField(minimum=0)


def _conversions() -> serializers.ListField:
    return serializers.ListField(child=ConversionInput(), max_length=MAX_CONVERSIONS, required=False)


class CreateInput(Input):
    """Body of a new card."""

    name = TextField(maximum=200)
    description = TextField(minimum=0, maximum=5000, required=False)
    fiat_credit_type_id = IdField(required=False)
    aliases = _aliases()
    credit_type_conversions = _conversions()
    custom_fields = CustomFieldsField(required=False)


class UpdateInput(Input):
    """What changes; an alias that is named gets these windows only, others stay."""

    rate_card_id = IdField()
    name = TextField(maximum=200, required=False)
    description = TextField(minimum=0, maximum=5000, required=False)
    aliases = _aliases()
    add_credit_type_conversions = _conversions()


class CardInput(Input):
    """Which card."""

    id = IdField()


class AliasOutput(Output):
    """A name for the card over a time."""

    name = serializers.CharField()
    starting_at = InstantField(required=False)
    ending_before = InstantField(required=False)


class ConversionOutput(Output):
    """What one unit of a custom credit type costs; the amount is a string, as Metronome has it."""

    custom_credit_type = CreditTypeOutput()
    fiat_per_custom_credit = serializers.SerializerMethodField()

    def get_fiat_per_custom_credit(self, row: CreditTypeConversion) -> str:
        """Exact, in plain digits."""
        return plain(row.fiat_per_custom_credit)


class RateCardOutput(Output):
    """A rate card, without its rates."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    aliases = AliasOutput(many=True)
    fiat_credit_type = CreditTypeOutput()
    credit_type_conversions = ConversionOutput(many=True, source="conversions")
    custom_fields = CustomFieldsField()
    created_at = InstantField()
    created_by = serializers.CharField()


class CreateRateCard(ApiView):
    """Creating."""

    resource = "catalog"

    @extend_schema(request=CreateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Create a rate card."""
        body = self.read_body(request, CreateInput)
        return data(IdOutput.of(services.create_rate_card(**_with_windows(body), now=now())))


class RetrieveRateCard(ApiView):
    """One card."""

    resource = "catalog"
    access = "read"

    @extend_schema(request=CardInput, responses=envelope(RateCardOutput))
    def post(self, request: Request) -> Response:
        """Read a rate card, archived or not."""
        body = self.read_body(request, CardInput)
        return data(RateCardOutput.of(selectors.get_rate_card(rate_card_id=body["id"], field="id")))


class ListRateCards(ApiView):
    """Listing."""

    resource = "catalog"
    access = "read"

    @extend_schema(parameters=PAGING, request=None, responses=page_of(RateCardOutput))
    def post(self, request: Request) -> Response:
        """List the rate cards that new contracts may use, newest first."""
        rows, next_page = paginate(selectors.list_rate_cards(), page_request(request))
        return listing(RateCardOutput.of_each(rows), next_page)


class UpdateRateCard(ApiView):
    """Updating."""

    resource = "catalog"

    @extend_schema(request=UpdateInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Change a card's name, description and aliases; contracts that exist keep their card."""
        body = self.read_body(request, UpdateInput)
        return data(IdOutput.of(services.update_rate_card(**_with_windows(body), now=now())))


class ArchiveRateCard(ApiView):
    """Archiving."""

    resource = "catalog"

    @extend_schema(request=CardInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Archive a rate card; contracts that use it go on."""
        body = self.read_body(request, CardInput)
        return data(IdOutput.of(services.archive_rate_card(rate_card_id=body["id"], now=now())))


def _with_windows(body: dict[str, Any]) -> dict[str, Any]:
    found = dict(body)
    if "aliases" in found:
        found["aliases"] = [services.AliasWindow(**alias) for alias in found["aliases"]]
    for name in ("credit_type_conversions", "add_credit_type_conversions"):
        if name in found:
            found[name] = [services.Conversion(**entry) for entry in found[name]]
    return found
