"""`/v2/contracts/edit` and `/v2/contracts/getEditHistory`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import selectors, services
from contracts.api.overrides import OverrideOutput, new_override, overrides_field, rows_of_overrides
from contracts.api.subscription_inputs import (
    new_subscription,
    shown_update,
    subscription_update,
    subscriptions_field,
    updates_field,
)
from contracts.api.subscription_outputs import SubscriptionOutput, UpdatedOutput, present_subscriptions, present_update
from contracts.models import ContractEdit, Subscription
from contracts.parts import contract_parts, given_parts
from contracts.selectors.subscriptions import subscription_rows
from core.api.fields import FlagField, IdField, Input, InstantField, TextField
from core.api.output import IdOutput, Output, envelope, list_of
from core.api.views import ApiView, data
from core.clock import now


class RemoveInput(Input):
    """What to remove."""

    id = IdField()


class EditInput(Input):
    """What to change; all of it or nothing."""

    customer_id = IdField()
    contract_id = IdField()
    add_overrides = overrides_field()
    add_subscriptions = subscriptions_field()
    update_subscriptions = updates_field()
    remove_overrides = serializers.ListField(child=RemoveInput(), required=False, max_length=1000)
    update_contract_name = TextField(required=False, allow_null=True)
    update_contract_end_date = InstantField(hour=True, required=False, allow_null=True)
    allow_contract_ending_before_finalized_invoice = FlagField(required=False)
    uniqueness_key = TextField(maximum=128, required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts add."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.edit_fields().items()
        }


class HistoryInput(Input):
    """Whose edits."""

    customer_id = IdField()
    contract_id = IdField()


class EditOutput(Output):
    """One edit; what it did not touch is left out."""

    id = serializers.UUIDField()
    timestamp = InstantField()
    uniqueness_key = serializers.CharField(required=False)
    add_overrides = OverrideOutput(many=True, required=False)
    remove_overrides = IdOutput(many=True, required=False)
    add_subscriptions = SubscriptionOutput(many=True, required=False)
    update_subscriptions = UpdatedOutput(many=True, required=False)
    update_contract_name = serializers.CharField(required=False)
    update_contract_end_date = serializers.CharField(required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts show."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.edited_fields().items()
        }


class EditedOutput(Output):
    """The contract's id and what the edit did."""

    id = serializers.UUIDField()
    edit = EditOutput()


class EditContract(ApiView):
    """Editing."""

    resource = "contracts"

    @extend_schema(request=EditInput, responses=envelope(EditedOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Change a contract, all or nothing; drafts follow at once."""
        body = self.read_body(request, EditInput)
        more: dict[str, Any] = {}
        if "update_contract_end_date" in body:
            more["ending_before"] = body["update_contract_end_date"]
        for part in contract_parts():
            part.prepare(body)
        updates = body.get("update_subscriptions") or ()
        at = now()
        edit = services.edit_contract(
            contract_id=body["contract_id"],
            customer_id=body["customer_id"],
            add_overrides=[new_override(entry) for entry in body.get("add_overrides", ())],
            remove_overrides=[entry["id"] for entry in body.get("remove_overrides", ())],
            add_subscriptions=[new_subscription(entry) for entry in body.get("add_subscriptions") or ()],
            update_subscriptions=[subscription_update(entry) for entry in updates],
            recorded_changes={"update_subscriptions": [shown_update(entry) for entry in updates]} if updates else None,
            name=body.get("update_contract_name"),
            allow_ending_before_finalized_invoice=body.get("allow_contract_ending_before_finalized_invoice", True),
            uniqueness_key=body.get("uniqueness_key"),
            parts=given_parts(body, editing=True),
            now=at,
            **more,
        )
        made = selectors.list_edits(contract_id=edit.contract_id).get(pk=edit.pk)
        return data({"id": edit.contract_id, "edit": present_edits([made], at)[0]})


class GetEditHistory(ApiView):
    """Past edits."""

    resource, access = "contracts", "read"

    @extend_schema(request=HistoryInput, responses=list_of(EditOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List a contract's edits, oldest first."""
        body = self.read_body(request, HistoryInput)
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        at = now()
        return data(present_edits(list(selectors.list_edits(contract_id=contract.pk)), at))


def present_edits(edits: Sequence[ContractEdit], at: datetime) -> list[dict[str, Any]]:
    """Edits as the wire has them, with what the parts added."""
    added: dict[UUID, dict[str, Any]] = {edit.pk: {} for edit in edits}
    for part in contract_parts():
        for edit_id, shown in part.edited(added, at=at).items():
            added[edit_id] |= shown
    subscribed: dict[UUID, list[Subscription]] = {}
    for row in subscription_rows().filter(added_by__in=list(added)):
        if row.added_by_id is not None:
            subscribed.setdefault(row.added_by_id, []).append(row)
    for edit_id, rows in subscribed.items():
        added[edit_id]["add_subscriptions"] = present_subscriptions(rows, at)
    return [_edit(edit, at, added[edit.pk]) for edit in edits]


def _edit(edit: ContractEdit, at: datetime, parts: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": edit.pk, "timestamp": edit.created_at, **edit.changes, **parts}
    if "update_subscriptions" in shown:
        shown["update_subscriptions"] = [present_update(kept) for kept in shown["update_subscriptions"]]
    if edit.uniqueness_key:
        shown["uniqueness_key"] = edit.uniqueness_key
    if added := list(edit.added_overrides.all()):
        shown["add_overrides"] = rows_of_overrides(added, 2, at)
    if removed := list(edit.removed_overrides.all()):
        shown["remove_overrides"] = [{"id": row.pk} for row in removed]
    return EditOutput.of(shown)
