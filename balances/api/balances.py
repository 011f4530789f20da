"""Commits and credits: creating, editing, ending, archiving, and entries by hand."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balances import services
from balances.adjustment_models import APPROVAL_REASONS, Adjustment
from balances.api.changes import (
    ArchiveCommitInput,
    ArchiveCreditInput,
    CommitEndInput,
    CreditEndInput,
    EditCommitInput,
    EditCreditInput,
    ManualEntryInput,
    change_of,
)
from balances.api.inputs import CustomerCommitInput, CustomerCreditInput, new_balance
from core.api.dry_run import DryRunIdOutput, carry_out
from core.api.fields import Input
from core.api.output import IdOutput, Output, envelope
from core.api.views import ApiView, data
from core.clock import now
from core.models import ApiKey


class CreateCommit(ApiView):
    """POST /v1/contracts/customerCommits/create"""

    resource = "balances"

    @extend_schema(request=CustomerCommitInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Sell a customer a commit; it may be drawn at once, and its invoices exist when this answers."""
        body = self.read_body(request, CustomerCommitInput)
        made = services.create_balance(customer_id=body.pop("customer_id"), new=new_balance(body), now=now())
        return data({"id": made.pk})


class CreateCredit(ApiView):
    """POST /v1/contracts/customerCredits/create"""

    resource = "balances"

    @extend_schema(request=CustomerCreditInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Give a customer a credit; it may be drawn at once."""
        body = self.read_body(request, CustomerCreditInput)
        made = services.create_balance(customer_id=body.pop("customer_id"), new=new_balance(body), now=now())
        return data({"id": made.pk})


class _OfOneKind(ApiView):
    """What is alike for commits and credits."""

    resource = "balances"
    commit: ClassVar[bool] = True
    body: ClassVar[type[Input]] = ArchiveCommitInput

    def named(self, request: Request) -> dict[str, Any]:
        """The read body with the balance under one name."""
        read = self.read_body(request, self.body)
        return read | {"balance_id": read.pop("commit_id" if self.commit else "credit_id"), "commit": self.commit}


class EndCommit(_OfOneKind):
    """POST /v1/contracts/customerCommits/updateEndDate"""

    body = CommitEndInput

    @extend_schema(request=CommitEndInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Move the end of a prepaid commit's access, and of what is invoiced for it."""
        return data({"id": services.update_end_date(**self.named(request), now=now()).pk})


class EndCredit(_OfOneKind):
    """POST /v1/contracts/customerCredits/updateEndDate"""

    commit, body = False, CreditEndInput

    @extend_schema(request=CreditEndInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Move the end of a credit's access."""
        return data({"id": services.update_end_date(**self.named(request), now=now()).pk})


class EditCommit(_OfOneKind):
    """POST /v2/contracts/commits/edit"""

    body: ClassVar[type[Input]] = EditCommitInput

    @extend_schema(request=EditCommitInput, responses=envelope(DryRunIdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Change a commit; drafts follow at once, finalized invoices never change."""
        body = self.named(request)
        balance_id, customer_id, at = body["balance_id"], body["customer_id"], now()

        def edit() -> dict[str, Any]:
            made = services.edit_balance(
                balance_id=balance_id, customer_id=customer_id, commit=self.commit, change=change_of(body), now=at
            )
            return {"id": made.pk}

        return data(carry_out(edit, dry_run=body.get("dry_run", False), customer_id=customer_id, at=at))


class EditCredit(EditCommit):
    """POST /v2/contracts/credits/edit"""

    commit, body = False, EditCreditInput

    @extend_schema(request=EditCreditInput, responses=envelope(DryRunIdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Change a credit; drafts follow at once, finalized invoices never change."""
        return super().post(request)


class ArchiveCommit(_OfOneKind):
    """POST /v2/contracts/commits/archive"""

    @extend_schema(request=ArchiveCommitInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """End a commit for good; what is left expires. Final invoices that use it must be void first."""
        return data({"id": services.archive_balance(**self.named(request), now=now()).pk})


class ArchiveCredit(ArchiveCommit):
    """POST /v2/contracts/credits/archive"""

    commit, body = False, ArchiveCreditInput

    @extend_schema(request=ArchiveCreditInput, responses=envelope(IdOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """End a credit for good; what is left expires. Final invoices that use it must be void first."""
        return super().post(request)


class WaitingAdjustmentOutput(Output):
    """An entry that was not posted: it waits for a second person."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Adjustment.Status.values)
    approval = serializers.ChoiceField(
        choices=[name for name in APPROVAL_REASONS if name],
        help_text="; ".join(f"{name}: {why}" for name, why in APPROVAL_REASONS.items() if name),
    )


class WaitingOutput(Output):
    """What is answered with 202: nothing is written to the ledger yet."""

    adjustment = WaitingAdjustmentOutput()
    message = serializers.CharField()


class AddManualEntry(ApiView):
    """POST /v1/contracts/addManualBalanceLedgerEntry"""

    resource = "balances"

    @extend_schema(request=ManualEntryInput, responses={200: None, 202: WaitingOutput}, tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Add to a segment by hand, or take away with a negative amount; the customer sees the reason.

        What is above the limit of the API key, or of the person who made it, is answered with 202 and waits for a
        second person (Approvals in the back office).
        """
        body = {name: value for name, value in self.read_body(request, ManualEntryInput).items() if value is not None}
        key, balance_id = request.auth, body.pop("id")
        if not isinstance(key, ApiKey) or key.adjustment_limit is None:
            services.add_manual_entry(balance_id=balance_id, **body, now=now())
            return Response(None)
        row = services.request_manual_entry(api_key_id=key.pk, balance_id=balance_id, **body, now=now())
        if row.status == Adjustment.Status.POSTED:
            return Response(None)
        message = f"this waits for a second person: it is {row.get_approval_display()}"
        return Response(WaitingOutput.of({"adjustment": row, "message": message}), status=202)
