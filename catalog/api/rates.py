"""`/v1/contract-pricing/rate-cards/…`, the rates on a card."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.prices import CostOutput, PriceInput, PriceOutput
from catalog.models import Rate
from catalog.prices import wire_price
from catalog.selectors import EffectiveRate, RateSelector
from core.api.fields import CustomFieldsField, ExactField, FlagField, IdField, Input, InstantField, TextField, WordField
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import encode, page_request
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from core.exact_json import dumps

T = TypeVar("T")
FREQUENCIES = ("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY")
MAX_RATES = 1000
MAX_SELECTORS = 100
MAX_CUSTOM_RATE = 10_000


class GroupValuesField(CustomFieldsField):
    """Group values: property name to value, 1 to 500 characters; `nullable` ones may be null (property absent)."""

    def __init__(self, *, nullable: bool = False, **kwargs: Any) -> None:
        self.nullable = nullable
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Refuses anything but a small object of texts."""
        if not isinstance(data, dict) or len(data) > 10:
            raise serializers.ValidationError("must be an object of at most 10 strings")
        for key, value in data.items():
            if value is None and self.nullable:
                continue
            if not isinstance(value, str) or not 1 <= len(value) <= 500 or not 1 <= len(key) <= 200:
                raise serializers.ValidationError("must hold names of 1 to 200 and values of 1 to 500 characters")
        return data


class JsonObjectField(serializers.DictField):
    """A JSON object of at most 10,000 bytes, kept exactly as sent."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuses what is no object, is empty or is too big."""
        if not isinstance(data, dict) or not data:
            raise serializers.ValidationError("must be an object that is not empty")
        if len(dumps(data)) > MAX_CUSTOM_RATE:
            raise serializers.ValidationError(f"must be at most {MAX_CUSTOM_RATE} bytes of JSON")
        return data


class CommitRateInput(PriceInput):
    """A price that balances may be drawn at instead of the list rate; it has no minimum of its own."""

    minimum_config = None  # type: ignore[assignment]  # takes the inherited field away


class RateInput(PriceInput):
    """A rate of a product over a time. CUSTOM ones are kept and listed; usage under them stays unrated, and says so."""

    takes_custom = True

    custom_rate = JsonObjectField(
        required=False, help_text="For CUSTOM, and only then: what a program of yours makes of it."
    )
    product_id = IdField()
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, required=False)
    entitled = FlagField()
    credit_type_id = IdField(required=False)
    pricing_group_values = GroupValuesField(required=False)
    billing_frequency = WordField(FREQUENCIES, required=False)
    commit_rate = CommitRateInput(required=False)
    is_prorated = FlagField(required=False)
    quantity = ExactField(minimum=0, required=False)


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


def selectors_field() -> serializers.ListField:
    """A list of selectors, any of which may pick a rate."""
    return serializers.ListField(child=SelectorInput(), max_length=MAX_SELECTORS, required=False)


class GetRatesInput(Input):
    """Which rates of a card, at which instant."""

    rate_card_id = IdField()
    at = InstantField()
    selectors = selectors_field()


class GetScheduleInput(Input):
    """Which rates of a card, over which time."""

    rate_card_id = IdField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    selectors = selectors_field()


class EffectiveRateOutput(Output):
    """A rate over the time in which it is the one that counts."""

    product_id = serializers.UUIDField()
    product_name = serializers.CharField()
    product_tags = serializers.ListField(child=serializers.CharField())
    product_custom_fields = CustomFieldsField()
    entitled = serializers.BooleanField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    pricing_group_values = CustomFieldsField(required=False)
    billing_frequency = serializers.CharField(required=False)
    rate = PriceOutput()
    commit_rate = CostOutput(required=False)


class AddRate(ApiView):
    """Adding one."""

    resource = "catalog"

    @extend_schema(request=AddRateInput, responses=envelope(PriceOutput))
    def post(self, request: Request) -> Response:
        """Add a rate; it counts instead of earlier ones where they overlap."""
        body = self.read_body(request, AddRateInput)
        card = body.pop("rate_card_id")
        rate = services.add_rate(rate_card_id=card, rate=_new_rate(body), now=now())
        return data(PriceOutput.of(present_rate(rate) | present_terms(rate)))


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
            rate_card_id=card.pk, starting_at=body["at"], ending_before=None, selectors=picked(body)
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
            selectors=picked(body),
        )
        return _page(found, request)


def _new_rate(body: dict[str, Any]) -> services.NewRate:
    cost = body.pop("cost")
    commit_rate = body.pop("commit_rate", None)
    custom_rate = body.pop("custom_rate", None)
    return services.NewRate(
        **cost,
        **body,
        custom_rate="" if custom_rate is None else dumps(custom_rate).decode(),
        commit_rate=commit_rate and commit_rate["cost"],
    )


def picked(body: dict[str, Any]) -> list[RateSelector]:
    """The selectors of a read body."""
    return [RateSelector(**selector) for selector in body.get("selectors", ())]


def present_rate(rate: Rate) -> dict[str, Any]:
    """The rate itself; the keys that do not apply to its type are left out."""
    row: dict[str, Any] = wire_price(selectors.stored_price_of(rate)) | {"credit_type": rate.credit_type}
    if rate.is_prorated is not None:
        row["is_prorated"] = rate.is_prorated
    if rate.quantity is not None:
        row["quantity"] = rate.quantity
    return row | _values(rate)


def _values(rate: Rate) -> dict[str, Any]:
    return {"pricing_group_values": rate.pricing_group_values} if rate.pricing_group_values else {}


def present_terms(rate: Rate) -> dict[str, Any]:
    """What a listing shows beside the rate."""
    row = _values(rate)
    if rate.billing_frequency:
        row["billing_frequency"] = rate.billing_frequency
    if rate.commit_rate is not None:
        row["commit_rate"] = wire_price(rate.commit_rate)
    return row


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
        "rate": present_rate(rate),
        **present_terms(rate),
    }


def _page(entries: Sequence[EffectiveRate], request: Request) -> Response:
    orders = [entry.order for entry in entries]
    return page_of_entries(entries, orders, request, lambda shown: EffectiveRateOutput.of_each(map(_row, shown)))


def page_of_entries(
    entries: Sequence[T],
    orders: Sequence[tuple[int, int, datetime]],
    request: Request,
    show: Callable[[Sequence[T]], list[dict[str, Any]]],
) -> Response:
    """One page of computed rows; the cursor is their order, as for rows of a table."""
    page = page_request(request)
    if page.after is not None and [type(part) for part in page.after] != [int, int, datetime]:
        raise InvalidInput("not a cursor that this list gave out", field=page.field)
    rest = [index for index, order in enumerate(orders) if page.after is None or order > page.after]
    shown = rest[: page.limit]
    next_page = encode(orders[shown[-1]]) if len(rest) > page.limit else None
    return listing(show([entries[index] for index in shown]), next_page)
