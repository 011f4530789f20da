"""`/v1/contract-pricing/rate-cards/…`, the rates on a card."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.rate_cards import CreditTypeOutput
from catalog.models import Rate
from catalog.selectors import EffectiveRate, RateSelector
from core.api.fields import CustomFieldsField, ExactField, FlagField, IdField, Input, InstantField, TextField, WordField
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import encode, page_request
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput

FREQUENCIES = ("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")
SUPPORTED = (Rate.Type.FLAT, Rate.Type.TIERED)
MAX_TIERS = 200
MAX_RATES = 1000
MAX_SELECTORS = 100


class GroupValuesField(CustomFieldsField):
    """Pricing group values: property name to value, 1 to 500 characters."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Refuses anything but a small object of texts."""
        if not isinstance(data, dict) or len(data) > 10:
            raise serializers.ValidationError("must be an object of at most 10 strings")
        for key, value in data.items():
            if not isinstance(value, str) or not 1 <= len(value) <= 500 or not 1 <= len(key) <= 200:
                raise serializers.ValidationError("must hold names of 1 to 200 and values of 1 to 500 characters")
        return data


class TierInput(Input):
    """A tier; the last has no size."""

    size = ExactField(above=0, required=False, allow_null=True)
    price = ExactField(minimum=0)


class RateInput(Input):
    """A rate of a product over a time."""

    not_yet = ("billing_frequency", "commit_rate", "custom_rate", "is_prorated", "quantity", "minimum_config")

    product_id = IdField()
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, required=False)
    entitled = FlagField()
    rate_type = WordField(Rate.Type.values)
    price = ExactField(minimum=0, required=False)
    tiers = serializers.ListField(child=TierInput(), max_length=MAX_TIERS, required=False)
    credit_type_id = IdField(required=False)
    pricing_group_values = GroupValuesField(required=False)

    def validate_rate_type(self, value: str) -> str:
        """What cannot be billed yet must not be stored."""
        if value not in SUPPORTED:
            raise serializers.ValidationError(f"{value} rates are not supported by this version of Tactus")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A FLAT rate has a price, a TIERED one tiers, neither the other's."""
        has, lacks = ("price", "tiers") if attrs["rate_type"] == Rate.Type.FLAT else ("tiers", "price")
        if attrs.get(has) in (None, []):
            raise serializers.ValidationError({has: [f"is needed for a {attrs['rate_type']} rate"]})
        if attrs.get(lacks) not in (None, []):
            raise serializers.ValidationError({lacks: [f"does not apply to a {attrs['rate_type']} rate"]})
        return attrs


class AddRateInput(RateInput):
    """One rate for a card."""

    rate_card_id = IdField()


class AddRatesInput(Input):
    """Rates for a card, all or none."""

    rate_card_id = IdField()
    rates = serializers.ListField(child=RateInput(), min_length=1, max_length=MAX_RATES)


class SelectorInput(Input):
    """Conditions on rates, all of which must hold."""

    product_id = IdField(required=False)
    product_tags = serializers.ListField(child=TextField(maximum=200), max_length=100, required=False)
    pricing_group_values = GroupValuesField(required=False)
    partial_pricing_group_values = GroupValuesField(required=False)
    billing_frequency = WordField(FREQUENCIES, required=False)


def _selectors() -> serializers.ListField:
    return serializers.ListField(child=SelectorInput(), max_length=MAX_SELECTORS, required=False)


class GetRatesInput(Input):
    """Which rates of a card, at which instant."""

    rate_card_id = IdField()
    at = InstantField()
    selectors = _selectors()


class GetScheduleInput(Input):
    """Which rates of a card, over which time."""

    rate_card_id = IdField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    selectors = _selectors()


class TierOutput(Output):
    """A tier; exact numbers."""

    size = ExactField(required=False)
    price = ExactField()


class PriceOutput(Output):
    """A price as it was agreed; amounts in the stored unit of its credit type (cents for USD)."""

    rate_type = serializers.CharField()
    credit_type = CreditTypeOutput()
    price = ExactField(required=False)
    tiers = TierOutput(many=True, required=False)
    pricing_group_values = CustomFieldsField(required=False)


class EffectiveRateOutput(Output):
    """A rate over the time in which it is the one that counts."""

    product_id = serializers.UUIDField()
    product_name = serializers.CharField()
    product_tags = serializers.ListField(child=serializers.CharField())
    product_custom_fields = CustomFieldsField()
    entitled = serializers.BooleanField()
    starting_at = InstantField()
    ending_before = InstantField(allow_null=True)
    pricing_group_values = CustomFieldsField(required=False)
    rate = PriceOutput()


class AddRate(ApiView):
    """Adding one."""

    resource = "catalog"

    @extend_schema(request=AddRateInput, responses=envelope(PriceOutput))
    def post(self, request: Request) -> Response:
        """Add a rate; it counts instead of earlier ones where they overlap."""
        body = self.read_body(request, AddRateInput)
        card = body.pop("rate_card_id")
        rate = services.add_rate(rate_card_id=card, rate=_new_rate(body), now=now())
        return data(PriceOutput.of(_price(rate)))


class AddRates(ApiView):
    """Adding many."""

    resource = "catalog"

    @extend_schema(request=AddRatesInput, responses=envelope(IdOutput))
    def post(self, request: Request) -> Response:
        """Add rates in their order, all or none."""
        body = self.read_body(request, AddRatesInput)
        rates = [_new_rate(rate) for rate in body["rates"]]
        services.add_rates(rate_card_id=body["rate_card_id"], rates=rates, now=now())
        return data({"id": body["rate_card_id"]})


class GetRates(ApiView):
    """Rates at an instant."""

    resource = "catalog"
    access = "read"

    @extend_schema(parameters=PAGING, request=GetRatesInput, responses=page_of(EffectiveRateOutput))
    def post(self, request: Request) -> Response:
        """List the rates that count at an instant."""
        body = self.read_body(request, GetRatesInput)
        card = selectors.get_rate_card(rate_card_id=body["rate_card_id"], field="rate_card_id")
        found = selectors.list_effective_rates(
            rate_card_id=card.pk, starting_at=body["at"], ending_before=None, selectors=_picked(body)
        )
        return _page([entry for entry in found if entry.starting_at <= body["at"]], request)


class GetRateSchedule(ApiView):
    """Rates over time."""

    resource = "catalog"
    access = "read"

    @extend_schema(parameters=PAGING, request=GetScheduleInput, responses=page_of(EffectiveRateOutput))
    def post(self, request: Request) -> Response:
        """List the rates that count at any time of a window, open to the future without `ending_before`."""
        body = self.read_body(request, GetScheduleInput)
        if body.get("ending_before") and body["ending_before"] <= body["starting_at"]:
            raise InvalidInput("must be after starting_at", field="ending_before")
        card = selectors.get_rate_card(rate_card_id=body["rate_card_id"], field="rate_card_id")
        found = selectors.list_effective_rates(
            rate_card_id=card.pk,
            starting_at=body["starting_at"],
            ending_before=body.get("ending_before"),
            selectors=_picked(body),
        )
        return _page(found, request)


def _new_rate(body: dict[str, Any]) -> services.NewRate:
    tiers = tuple((tier.get("size"), tier["price"]) for tier in body.pop("tiers", ()))
    return services.NewRate(**body, tiers=tiers)


def _picked(body: dict[str, Any]) -> list[RateSelector]:
    return [RateSelector(**selector) for selector in body.get("selectors", ())]


def _price(rate: Rate) -> dict[str, Any]:
    """The keys that do not apply to the rate's type are left out."""
    row: dict[str, Any] = {"rate_type": rate.rate_type, "credit_type": rate.credit_type}
    if rate.price is not None:
        row["price"] = rate.price
    if rate.tiers:
        row["tiers"] = [{name: Decimal(text) for name, text in tier.items()} for tier in rate.tiers]
    return row | _values(rate)


def _values(rate: Rate) -> dict[str, Any]:
    return {"pricing_group_values": rate.pricing_group_values} if rate.pricing_group_values else {}


def _row(entry: EffectiveRate) -> dict[str, Any]:
    rate = entry.rate
    return {
        "product_id": rate.product_id,
        "product_name": entry.state.name,
        "product_tags": entry.state.tags,
        "product_custom_fields": rate.product.custom_fields,
        "entitled": rate.entitled,
        "starting_at": entry.starting_at,
        "ending_before": entry.ending_before,
        "rate": _price(rate),
        **_values(rate),
    }


def _page(entries: Sequence[EffectiveRate], request: Request) -> Response:
    """One page of computed rows; the cursor is their order, as for rows of a table."""
    page = page_request(request)
    if page.after is not None and [type(part) for part in page.after] != [int, int, datetime]:
        raise InvalidInput("not a cursor that this list gave out", field=page.field)
    rest = [entry for entry in entries if page.after is None or entry.order > page.after]
    shown = rest[: page.limit]
    next_page = encode(shown[-1].order) if len(rest) > page.limit else None
    return listing(EffectiveRateOutput.of_each(_row(entry) for entry in shown), next_page)
