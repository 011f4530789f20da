"""Prices in bodies and answers: those of rates, of commit rates and of overrides alike."""

from typing import Any

from rest_framework import serializers

from catalog.api.units import CreditTypeOutput
from catalog.prices import RATE_TYPES
from core.api.fields import ExactField, Input, WordField
from core.api.output import Output

MAX_TIERS = 200


class TierInput(Input):
    """A tier; the last has no size."""

    size = ExactField(above=0, required=False, allow_null=True)
    price = ExactField(minimum=0)


class MinimumInput(Input):
    """What a billing period costs at least; for percentages."""

    minimum = ExactField(minimum=0)


class PriceInput(Input):
    """A price. Which parts go with which `rate_type` the engine says: one rule for rates and overrides."""

    takes_custom = False

    rate_type = WordField(RATE_TYPES)
    price = ExactField(minimum=0, required=False)
    tiers = serializers.ListField(child=TierInput(), max_length=MAX_TIERS, required=False)
    minimum_config = MinimumInput(required=False)
    package_size = ExactField(above=0, required=False, help_text="Tactus's own: the block size of a PACKAGE rate.")

    def validate_rate_type(self, value: str) -> str:
        """Only a rate itself can be CUSTOM: what stands instead of it, an override or a commit rate, is a price."""
        if value == "CUSTOM" and not self.takes_custom:
            raise serializers.ValidationError("cannot be CUSTOM here: a price is needed")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The parts of the price under one key, as `catalog.prices.stored_price` takes them."""
        tiers = tuple((tier.get("size"), tier["price"]) for tier in attrs.pop("tiers", None) or ())
        minimum = attrs.pop("minimum_config", None)
        attrs["cost"] = {
            "rate_type": attrs.pop("rate_type"),
            "price": attrs.pop("price", None),
            "tiers": tiers,
            "minimum": None if minimum is None else minimum["minimum"],
            "package_size": attrs.pop("package_size", None),
        }
        return attrs


class TierOutput(Output):
    """A tier; exact numbers."""

    size = ExactField(required=False)
    price = ExactField()


class MinimumOutput(Output):
    """What a billing period costs at least."""

    minimum = ExactField()


class CostOutput(Output):
    """A price as it was agreed, in the stored unit of its credit type (cents for USD)."""

    rate_type = serializers.CharField()
    price = ExactField(required=False)
    tiers = TierOutput(many=True, required=False)
    minimum_config = MinimumOutput(required=False)
    package_size = ExactField(required=False)
    custom_rate = serializers.DictField(required=False)


class PriceOutput(CostOutput):
    """A price with what it is counted in and what it is for."""

    credit_type = CreditTypeOutput(required=False)
    pricing_group_values = serializers.DictField(required=False)
    is_prorated = serializers.BooleanField(required=False)
    quantity = ExactField(required=False)
    commit_rate = CostOutput(required=False)
