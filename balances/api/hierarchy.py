"""`hierarchy_configuration` of commits and credits on the wire: which children of a contract may draw on them."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from core.api.fields import IdField, Input, WordField
from core.api.output import Output

ACCESS = ("ALL", "NONE", "CONTRACT_IDS")


class ChildAccessInput(Input):
    """All child contracts that the customer pays for, none, or these."""

    type = WordField(ACCESS)
    contract_ids = serializers.ListField(child=IdField(), max_length=9, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Contracts with CONTRACT_IDS, and only then."""
        ids = attrs.get("contract_ids") or []
        if attrs["type"] != "CONTRACT_IDS":
            if ids:
                raise serializers.ValidationError({"contract_ids": ["only with type CONTRACT_IDS"]})
            return {"type": attrs["type"]}
        if not ids:
            raise serializers.ValidationError({"contract_ids": ["is needed with type CONTRACT_IDS"]})
        return {"type": attrs["type"], "contract_ids": [str(one) for one in ids]}


class ChildAccessConfigInput(Input):
    """Which children may draw; none unless it is said."""

    child_access = ChildAccessInput()


class ChildAccessOutput(Output):
    """All child contracts that the customer pays for, none, or these."""

    type = serializers.CharField()
    contract_ids = serializers.ListField(child=serializers.CharField(), required=False)


class ChildAccessConfigOutput(Output):
    """Which children may draw."""

    child_access = ChildAccessOutput()


def child_access(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A read configuration as services take it; None for none."""
    found: dict[str, Any] | None = (body.get("hierarchy_configuration") or {}).get("child_access")
    return found
