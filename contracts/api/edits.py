"""`/v2/contracts/edit` and `/v2/contracts/getEditHistory`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts import selectors, services
from contracts.api.overrides import OverrideOutput, new_override, overrides_field, rows_of_overrides
from contracts.api.subscription_inputs import (
    new_subscription,
    subscription_update,
    subscriptions_field,
    told_update,
    updates_field,
)
from contracts.api.subscription_outputs import SubscriptionOutput, UpdatedOutput, present_subscriptions
from contracts.models import ContractEdit
from contracts.parts import contract_parts, given_parts, warnings_of
from contracts.selectors.overrides import override_rows
from contracts.selectors.subscriptions import subscription_rows
from core.api.dry_run import DryRunIdOutput, carry_out, dry_run_field
from core.api.fields import FlagField, IdField, Input, InstantField, TextField, WholeField
from core.api.output import IdOutput, ToldOutput, envelope, list_of, told
from core.api.views import ApiView, data
from core.clock import now
from core.exact_json import dumps, read_back
from customers.api.providers import WarningOutput

CHANGED = ("update_contract_name", "update_net_payment_terms_days")


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
    update_net_payment_terms_days = WholeField(
        maximum=3650, required=False, allow_null=True, help_text="Of invoices that are issued from now on."
    )
    allow_contract_ending_before_finalized_invoice = FlagField(required=False)
    uniqueness_key = TextField(maximum=128, required=False)
    dry_run = dry_run_field()

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts add."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.edit_fields().items()
        }


class HistoryInput(Input):
    """Whose edits."""

    customer_id = IdField()
    contract_id = IdField()


class EditOutput(ToldOutput):
    """One edit; what it did not touch is left out."""

    id = serializers.UUIDField()
    timestamp = InstantField()
    uniqueness_key = serializers.CharField(required=False)
    add_overrides = OverrideOutput(many=True, required=False)
    remove_overrides = IdOutput(many=True, required=False)
    add_subscriptions = SubscriptionOutput(many=True, required=False)
    update_subscriptions = UpdatedOutput(many=True, required=False)
    update_contract_name = serializers.CharField(required=False)
    update_contract_end_date = InstantField(required=False)
    update_net_payment_terms_days = serializers.IntegerField(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts show."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.edited_fields().items()
        }


class EditedOutput(DryRunIdOutput):
    """The contract's id and what the edit did."""

    edit = EditOutput()
    warnings = WarningOutput(many=True, required=False)


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

        def write() -> dict[str, Any]:
            edit = services.edit_contract(
                contract_id=body["contract_id"],
                customer_id=body["customer_id"],
                add_overrides=[new_override(entry) for entry in body.get("add_overrides", ())],
                remove_overrides=[entry["id"] for entry in body.get("remove_overrides", ())],
                add_subscriptions=[new_subscription(entry) for entry in body.get("add_subscriptions") or ()],
                update_subscriptions=[subscription_update(entry) for entry in updates],
                name=body.get("update_contract_name"),
                net_payment_terms_days=body.get("update_net_payment_terms_days"),
                allow_ending_before_finalized_invoice=body.get("allow_contract_ending_before_finalized_invoice", True),
                uniqueness_key=body.get("uniqueness_key"),
                parts=given_parts(body, editing=True),
                tell=teller(body, at),
                now=at,
                **more,
            )
            warnings = warnings_of(given_parts(body, editing=True))
            shown: dict[str, Any] = {"id": edit.contract_id, "edit": read_back(edit.told)}
            return shown | ({"warnings": warnings} if warnings else {})

        dry_run = body.get("dry_run", False)
        return data(carry_out(write, dry_run=dry_run, customer_id=body["customer_id"], at=at))


class GetEditHistory(ApiView):
    """Past edits."""

    resource, access = "contracts", "read"

    @extend_schema(request=HistoryInput, responses=list_of(EditOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List a contract's edits, oldest first: what was asked for, whatever became of it later."""
        body = self.read_body(request, HistoryInput)
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        return data([read_back(edit.told) for edit in selectors.list_edits(contract_id=contract.pk)])


def teller(body: Mapping[str, Any], at: datetime) -> services.Tell:
    """How an edit that asks for `body` is told, from then on: exact JSON."""

    def tell(edit: ContractEdit, parts: Mapping[str, Any]) -> str:
        asked = {name: body[name] for name in CHANGED if body.get(name) is not None}  # null there is no change
        if "update_contract_end_date" in body:
            asked["update_contract_end_date"] = body["update_contract_end_date"]
        shown = told(asked) | {"id": edit.pk, "timestamp": edit.created_at, **parts}
        if edit.uniqueness_key:
            shown["uniqueness_key"] = edit.uniqueness_key
        if updates := body.get("update_subscriptions"):
            shown["update_subscriptions"] = [told_update(entry) for entry in updates]
        if subscribed := list(subscription_rows().filter(added_by=edit)):
            shown["add_subscriptions"] = present_subscriptions(subscribed, at)
        if added := list(override_rows().filter(added_by=edit)):
            shown["add_overrides"] = rows_of_overrides(added, 2, at)
        if removed := body.get("remove_overrides"):
            shown["remove_overrides"] = [{"id": row["id"]} for row in removed]
        return dumps(EditOutput.of(shown)).decode()

    return tell
