"""Hierarchies on the wire: `hierarchy_configuration` of contracts."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from contracts.models import Contract
from contracts.selectors.hierarchy import parents_and_children
from contracts.services.hierarchy import ParentOf
from core.api.fields import IdField, Input, WordField
from core.api.output import Output


class ParentInput(Input):
    """The parent: a contract of another customer."""

    contract_id = IdField()
    customer_id = IdField()


class ParentBehaviorInput(Input):
    """How a parent's invoices go out."""

    invoice_consolidation_type = WordField(("NONE",), not_yet=("CONCATENATE",), required=False, allow_null=True)


class HierarchyInput(Input):
    """A child's place (`parent`, who pays), or a parent's behavior; set when the contract is made."""

    parent = ParentInput(required=False, allow_null=True)
    payer = WordField(("SELF", "PARENT"), required=False, allow_null=True, help_text="SELF unless given.")
    usage_statement_behavior = WordField(("SEPARATE",), not_yet=("CONSOLIDATE",), required=False, allow_null=True)
    parent_behavior = ParentBehaviorInput(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A child or a parent."""
        given = {name: value for name, value in attrs.items() if value is not None}
        if "parent" in given and "parent_behavior" in given:
            raise serializers.ValidationError({"parent_behavior": ["is a parent's: leave it out beside parent"]})
        for name in ("payer", "usage_statement_behavior"):
            if name in given and "parent" not in given:
                raise serializers.ValidationError({name: ["is a child's: give parent with it"]})
        return given


class NodeOutput(Output):
    """A contract of a hierarchy."""

    contract_id = serializers.UUIDField()
    customer_id = serializers.UUIDField()


class ParentBehaviorOutput(Output):
    """How a parent's invoices go out."""

    invoice_consolidation_type = serializers.CharField()


class HierarchyOutput(Output):
    """A child's parent and who pays, or a parent's children."""

    parent = NodeOutput(required=False)
    payer = serializers.CharField(required=False)
    usage_statement_behavior = serializers.CharField(required=False)
    children = NodeOutput(many=True, required=False)
    parent_behavior = ParentBehaviorOutput(required=False)


def parent_of(asked: Mapping[str, Any] | None) -> ParentOf | None:
    """A read configuration as services take it."""
    parent = (asked or {}).get("parent")
    if asked is None or parent is None:
        return None
    return ParentOf(parent["contract_id"], parent["customer_id"], pays=asked.get("payer") == "PARENT")


def hierarchies_of(contract_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """What contracts show of their hierarchies, by contract; nothing of those that are in none. Two queries."""
    found: dict[UUID, dict[str, Any]] = {}
    for contract_id, (own, children) in parents_and_children(contract_ids).items():
        if own is not None and own.parent is not None:
            found[contract_id] = {
                "parent": _node(own.parent),
                "payer": "SELF" if own.paying_customer_id is None else "PARENT",
                "usage_statement_behavior": "SEPARATE",
            }
        elif children:
            found[contract_id] = {
                "children": [_node(child) for child in children],
                "parent_behavior": {"invoice_consolidation_type": "NONE"},
            }
    return {contract_id: {"hierarchy_configuration": shown} for contract_id, shown in found.items()}


def _node(contract: Contract) -> dict[str, UUID]:
    return {"contract_id": contract.pk, "customer_id": contract.customer_id}
