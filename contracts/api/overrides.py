"""Overrides in bodies and answers, v1 and v2 alike."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from catalog.api.prices import CostOutput, PriceInput, TierOutput
from catalog.api.rates import FREQUENCIES, GroupValuesField
from catalog.api.units import CreditTypeOutput
from catalog.prices import wire_price
from catalog.selectors import state_at
from contracts.models import Override
from contracts.services import NewOverride
from core.api.fields import ExactField, FlagField, IdField, Input, InstantField, TextField, WordField
from core.api.output import Output
from engine.overrides import OverrideType, RateTarget

MAX_OVERRIDES = 1000
MAX_SPECIFIERS = 200


def texts(maximum: int = 200, **kwargs: Any) -> serializers.ListField:
    """A list of at most 100 texts."""
    return serializers.ListField(child=TextField(maximum=maximum), max_length=100, **kwargs)


class OverwriteRateInput(PriceInput):
    """The price that an OVERWRITE sets."""

    credit_type_id = IdField(required=False)
    is_prorated = FlagField(required=False)


class TierInput(Input):
    """A multiplier for the next `size` units; the last may have no size."""

    size = ExactField(above=0, required=False, allow_null=True)
    multiplier = ExactField(minimum=0)


class ExcludeInput(Input):
    """What is not meant after all: products with all of these tags."""

    product_tags = texts(min_length=1)


class SpecifierInput(Input):
    """Conditions that must all hold."""

    product_id = IdField(required=False)
    product_tags = texts(required=False)
    pricing_group_values = GroupValuesField(required=False)
    presentation_group_values = GroupValuesField(nullable=True, required=False)
    billing_frequency = WordField(FREQUENCIES, required=False)
    commit_ids = texts(required=False)
    recurring_commit_ids = texts(required=False)
    any_commit_or_credit_ids = texts(required=False)
    exclude = serializers.ListField(child=ExcludeInput(), max_length=100, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`any_commit_or_credit_ids` stands instead of the two others."""
        others = [name for name in ("commit_ids", "recurring_commit_ids") if attrs.get(name)]
        if attrs.get("any_commit_or_credit_ids") and others:
            raise serializers.ValidationError({others[0]: ["excludes any_commit_or_credit_ids"]})
        if not any(attrs.values()):
            raise serializers.ValidationError("a specifier needs a condition")
        return attrs


class OverrideInput(Input):
    """An override of rates on a contract."""

    type = WordField(OverrideType, required=False)
    starting_at = InstantField(hour=True)
    ending_before = InstantField(hour=True, required=False)
    entitled = FlagField(required=False)
    multiplier = ExactField(minimum=0, required=False)
    priority = ExactField(above=0, required=False)
    tiers = serializers.ListField(child=TierInput(), max_length=200, required=False)
    overwrite_rate = OverwriteRateInput(required=False)
    product_id = IdField(required=False)
    applicable_product_tags = texts(required=False)
    override_specifiers = serializers.ListField(child=SpecifierInput(), max_length=MAX_SPECIFIERS, required=False)
    is_commit_specific = FlagField(required=False)
    target = WordField(RateTarget, required=False)


def overrides_field() -> serializers.ListField:
    """A list of overrides to add."""
    return serializers.ListField(child=OverrideInput(), max_length=MAX_OVERRIDES, required=False)


def new_override(body: dict[str, Any]) -> NewOverride:
    """A read body as the service takes it."""
    given = dict(body)
    overwrite = given.pop("overwrite_rate", None)
    if overwrite is not None:
        given["overwrite_rate"] = overwrite["cost"]
        given["overwrite_credit_type_id"] = overwrite.get("credit_type_id")
        given["overwrite_is_prorated"] = overwrite.get("is_prorated")
    given["tiers"] = tuple((tier.get("size"), tier["multiplier"]) for tier in given.pop("tiers", ()))
    given["applicable_product_tags"] = tuple(given.pop("applicable_product_tags", ()))
    given["override_specifiers"] = tuple(_stored(entry) for entry in given.pop("override_specifiers", ()))
    return NewOverride(**given)


def _stored(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in entry.items() if value not in (None, [], {})}
    if "product_id" in kept:
        kept["product_id"] = str(kept["product_id"])
    return kept


class ProductOutput(Output):
    """A product, briefly."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class OverrideTierOutput(Output):
    """A multiplier for so many units."""

    size = ExactField(required=False)
    multiplier = ExactField()


class OverwriteOutput(CostOutput):
    """The price that holds instead."""

    credit_type = CreditTypeOutput(required=False)
    is_prorated = serializers.BooleanField(required=False)


class OverrideOutput(Output):
    """An override; what does not apply to its type is left out."""

    id = serializers.UUIDField()
    created_at = InstantField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    type = serializers.CharField(required=False)
    entitled = serializers.BooleanField(required=False)
    multiplier = ExactField(required=False)
    priority = ExactField(required=False)
    override_tiers = OverrideTierOutput(many=True, required=False)
    overwrite_rate = OverwriteOutput(required=False)
    product = ProductOutput(required=False)
    applicable_product_tags = serializers.ListField(child=serializers.CharField(), required=False)
    override_specifiers = serializers.ListField(child=serializers.DictField(), required=False)
    is_commit_specific = serializers.BooleanField()
    target = serializers.CharField()
    # v1 repeats an overwrite's price beside it
    rate_type = serializers.CharField(required=False)
    price = ExactField(required=False)
    tiers = TierOutput(many=True, required=False)
    credit_type = CreditTypeOutput(required=False)
    is_prorated = serializers.BooleanField(required=False)


def rows_of_overrides(rows: Iterable[Override], version: int, at: datetime) -> list[dict[str, Any]]:
    """Overrides as `OverrideOutput` reads them; product names are those at `at`."""
    return [_override(row, version, at) for row in rows]


def _override(row: Override, version: int, at: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row.pk,
        "created_at": row.created_at,
        "starting_at": row.starting_at,
        "is_commit_specific": row.is_commit_specific,
        "target": row.target,
    }
    for name in ("ending_before", "entitled", "multiplier", "priority"):
        if getattr(row, name) is not None:
            shown[name] = getattr(row, name)
    for name in ("type", "applicable_product_tags", "override_specifiers"):
        if getattr(row, name):
            shown[name] = getattr(row, name)
    if row.tiers:
        shown["override_tiers"] = [{name: Decimal(text) for name, text in tier.items()} for tier in row.tiers]
    if row.product is not None:
        versions = list(row.product.versions.all())
        shown["product"] = {"id": row.product.pk, "name": state_at(versions, at).name}
    if row.overwrite_rate is not None:
        price = wire_price(row.overwrite_rate)
        if row.overwrite_credit_type is not None:
            price["credit_type"] = row.overwrite_credit_type
        if row.overwrite_rate.get("is_prorated"):
            price["is_prorated"] = True
        shown["overwrite_rate"] = price
        beside = ("rate_type", "price", "tiers", "credit_type", "is_prorated") if version == 1 else ()
        shown |= {name: price[name] for name in beside if name in price}
    return shown
