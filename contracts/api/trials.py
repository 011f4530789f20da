"""`/tactus/v1/contracts/{contract_id}/trial`: a trial is read, moved and converted."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Contract
from contracts.selectors.contracts import find_contract
from contracts.services.trials import convert_trial, move_trial_end
from contracts.trial_part import TrialOutput, told_trial
from core.api.fields import Input, InstantField, TextField
from core.api.output import envelope
from core.api.views import ApiView, data
from core.clock import now
from core.errors import NotFound


class ConvertInput(Input):
    """Why."""

    reason = TextField(maximum=500, required=False, allow_null=True, help_text="For the audit trail.")


class TrialEndInput(ConvertInput):
    """Where a trial that runs is to end, and why."""

    ending_before = InstantField(hour=True)


class _OfContract(ApiView):
    resource = "contracts"

    def customer_of(self, request: Request) -> object:  # noqa: ARG002 - the contract says whose it is
        """Whose contract it is."""
        rows = Contract.objects.filter(pk=self.kwargs.get("contract_id"))
        return rows.values_list("customer_id", flat=True).first()


class TrialView(_OfContract):
    """Of one contract."""

    @extend_schema(responses=envelope(TrialOutput), tags=["Tactus"])
    def get(self, _request: Request, contract_id: UUID) -> Response:
        """Read a contract's trial."""
        return data(_told(find_contract(Contract.objects.all(), contract_id, None)))

    @extend_schema(request=TrialEndInput, responses=envelope(TrialOutput), tags=["Tactus"])
    def put(self, request: Request, contract_id: UUID) -> Response:
        """Extend or shorten a trial that runs."""
        body = self.read_body(request, TrialEndInput)
        ends, why = body["ending_before"], body.get("reason") or ""
        return data(_told(move_trial_end(contract_id=contract_id, ending_before=ends, now=now(), reason=why)))


class ConvertTrial(_OfContract):
    """POST /tactus/v1/contracts/{contract_id}/trial/convert"""

    @extend_schema(request=ConvertInput, responses=envelope(TrialOutput), tags=["Tactus"])
    def post(self, request: Request, contract_id: UUID) -> Response:
        """End a trial, and charge from the hour that is on."""
        why = self.read_body(request, ConvertInput).get("reason") or ""
        return data(_told(convert_trial(contract_id=contract_id, now=now(), reason=why)))


def _told(contract: Contract) -> dict[str, Any]:
    told = told_trial(contract)
    if told is None:
        raise NotFound("the contract has no trial", field="contract_id")
    return TrialOutput.of(told)
