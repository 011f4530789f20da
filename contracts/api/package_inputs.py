"""Bodies of packages: those of new contracts, with relative dates for dates.

They are derived from the contract's own fields: a new field of contracts that stands in `package_terms.TERMS` is one of
packages, with its nested ones. What a contract's body would refuse is refused by the rehearsal.
"""

from copy import deepcopy
from functools import cache
from typing import Any

from rest_framework import serializers

from contracts.api.contracts import CreateInput
from contracts.package_terms import ABSOLUTE, AS_THEY_ARE, DATES, TERMS
from core.api.fields import FlagField, IdField, Input, InstantField, TextField, WholeField, WordField
from customers.api.providers import METHODS, PROVIDERS, ChoiceField
from engine.calendar import OffsetUnit

MAX_ALIASES = 100


class OffsetInput(Input):
    """How long after a start."""

    value = WholeField(maximum=100_000)
    unit = WordField(OffsetUnit)


class DurationInput(Input):
    """How long something lasts."""

    value = WholeField(minimum=1, maximum=100_000)
    unit = WordField(OffsetUnit)


class PackageAliasInput(Input):
    """A name for the package over a time, open where an end is left out."""

    name = TextField(maximum=128)
    starting_at = InstantField(required=False)
    ending_before = InstantField(required=False)


class PackageCreateInput(Input):
    """A new package."""

    name = TextField(maximum=200)
    aliases = serializers.ListField(child=PackageAliasInput(), max_length=MAX_ALIASES, required=False)
    contract_name = TextField(required=False, allow_null=True)
    duration = DurationInput(required=False, allow_null=True)
    uniqueness_key = TextField(
        maximum=128, required=False, allow_null=True, help_text="A second package with the same key is refused."
    )
    billing_provider = ChoiceField(
        PROVIDERS, required=False, allow_null=True, help_text="Customers need exactly one configuration of it."
    )
    delivery_method = ChoiceField(METHODS, required=False, allow_null=True, help_text="With billing_provider.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A way of delivery belongs to a provider."""
        if attrs.get("delivery_method") and not attrs.get("billing_provider"):
            raise serializers.ValidationError({"delivery_method": ["is given together with billing_provider"]})
        return attrs

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and the terms of contracts."""
        terms = CreateInput().get_fields()
        return super().get_fields() | {
            name: deepcopy(terms[name]) if name in AS_THEY_ARE else relative(terms[name])
            for name in TERMS
            if name in terms
        }


def relative(field: serializers.Field) -> serializers.Field:
    """The field with offsets for the dates in it."""
    kwargs: dict[str, Any] = dict(vars(field)["_kwargs"])  # as DRF copies fields itself
    if isinstance(field, serializers.ListField):
        return serializers.ListField(**kwargs | {"child": relative(field.child)})
    if isinstance(field, Input):
        return _relative_class(type(field))(**kwargs)
    return deepcopy(field)


@cache
def _relative_class(of: type[Input]) -> type[Input]:
    fields: dict[str, Any] = {}
    for name, field in of().get_fields().items():
        if name in ABSOLUTE:
            continue
        if name in DATES and isinstance(field, InstantField):
            made = DurationInput if name == "ending_before" else OffsetInput
            fields[DATES[name]] = made(required=field.required, allow_null=field.allow_null)
        else:
            fields[name] = relative(field)
    named = {"__module__": of.__module__, "__doc__": of.__doc__}
    return type(f"Package{of.__name__}", (Input,), fields | named)


class PackageInput(Input):
    """Which package."""

    package_id = IdField()


class PackageListInput(Input):
    """Which packages."""

    archive_filter = WordField(("ARCHIVED", "NOT_ARCHIVED", "ALL"), required=False)


class PackageContractsInput(Input):
    """Which contracts of a package; `covering_date` and `starting_at` exclude each other."""

    package_id = IdField()
    covering_date = InstantField(required=False, allow_null=True)
    starting_at = InstantField(required=False, allow_null=True)
    include_archived = FlagField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As Metronome has it."""
        if attrs.get("covering_date") and attrs.get("starting_at"):
            raise serializers.ValidationError({"covering_date": ["cannot be given together with starting_at"]})
        return attrs
