"""`/tactus/v1/contracts/{contract_id}/quotes`: changes of plan and cancellations, priced first, confirmed in time."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Contract
from core.api.fields import ExactField, IdField, Input, InstantField, TextField, WordField
from core.api.output import PAGING, IdOutput, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import NotFound
from engine.plan_changes import Operation, Quantities, Unused, When
from plans.models import PlanQuote
from plans.services.changes import confirm_quote, quote_change, undo_cancel


class ToInput(Input):
    """The new plan: a package, by its id or by the alias that it has then."""

    package_id = IdField(required=False)
    package_alias = TextField(maximum=128, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("give package_id or package_alias")
        return attrs


class QuoteInput(Input):
    """What is to change."""

    operation = WordField(Operation)
    to = ToInput(required=False, allow_null=True, help_text="With CHANGE, and only then.")
    when = WordField(
        When,
        required=False,
        allow_null=True,
        help_text="Left out: a change to a plan that costs as much or more is NOW, all else at PERIOD_END.",
    )
    unused = WordField(
        Unused,
        required=False,
        allow_null=True,
        help_text="What becomes of time that is paid for and not used: CREDIT for a CHANGE, FORFEIT for a CANCEL.",
    )
    quantities = WordField(
        Quantities,
        required=False,
        allow_null=True,
        help_text="Of a CHANGE. KEEP: what the old plan has of a product. Left out: what the package says.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Quantities are a new plan's."""
        if attrs.get("quantities") and attrs["operation"] != Operation.CHANGE:
            raise serializers.ValidationError({"quantities": ["only with CHANGE"]})
        return attrs


class ReasonInput(Input):
    """Why."""

    reason = TextField(maximum=500, required=False, allow_null=True, help_text="For the audit trail.")


class NextOutput(Output):
    """The invoice after that, as things are."""

    date = InstantField()
    amount = ExactField(required=False)


class QuoteOutput(Output):
    """What a change comes to, in the stored unit of its credit type; until `expires_at` it may be confirmed."""

    id = serializers.UUIDField()
    contract_id = serializers.UUIDField()
    operation = serializers.CharField()
    direction = serializers.CharField(required=False, help_text="Of a CHANGE: UP or DOWN, by what a month costs.")
    package_id = serializers.UUIDField(required=False)
    unused = serializers.CharField()
    quantities = serializers.CharField(help_text="PACKAGE or KEEP.")
    effective_at = InstantField()
    credit_type_id = serializers.UUIDField()
    old_unused = ExactField(help_text="Credited of paid time that is not used, at the price that was charged.")
    new_rest = ExactField(help_text="What the new plan asks when it begins.")
    due_now = ExactField()
    next = NextOutput(required=False)
    created_at = InstantField()
    expires_at = InstantField()
    status = serializers.CharField(help_text="OPEN, CONFIRMED or EXPIRED.")
    confirmed_at = InstantField(required=False)
    new_contract_id = serializers.UUIDField(required=False)


PLAIN = ("id", "contract_id", "operation", "unused", "quantities", "effective_at", "credit_type_id", "old_unused",
         "new_rest", "due_now", "created_at", "expires_at")  # fmt: skip
WHERE_GIVEN = ("direction", "package_id", "confirmed_at", "new_contract_id")


def present_quote(quote: PlanQuote, at: Any) -> dict[str, Any]:
    """A quote as it is answered."""
    shown = {name: getattr(quote, name) for name in PLAIN}
    shown |= {name: value for name in WHERE_GIVEN if (value := getattr(quote, name))}
    if quote.next_at is not None:
        amount = {} if quote.next_amount is None else {"amount": quote.next_amount}
        shown["next"] = {"date": quote.next_at} | amount
    shown["status"] = "CONFIRMED" if quote.confirmed_at else "EXPIRED" if at > quote.expires_at else "OPEN"
    return QuoteOutput.of(shown)


class _OfContract(ApiView):
    resource = "contracts"

    def customer_of(self, request: Request) -> object:  # noqa: ARG002 - the contract says whose it is
        """Whose contract it is."""
        rows = Contract.objects.filter(pk=self.kwargs.get("contract_id"))
        return rows.values_list("customer_id", flat=True).first()


class QuotesView(_OfContract):
    """A contract's quotes."""

    @extend_schema(parameters=PAGING, responses=page_of(QuoteOutput), tags=["Tactus"])
    def get(self, request: Request, contract_id: UUID) -> Response:
        """List what was quoted for a contract, newest first."""
        at = now()
        if not Contract.objects.filter(pk=contract_id).exists():
            raise NotFound(f"no contract {contract_id}", field="contract_id")
        rows, next_page = paginate(PlanQuote.objects.filter(contract_id=contract_id), page_request(request))
        return listing([present_quote(row, at) for row in rows], next_page)

    @extend_schema(request=QuoteInput, responses=envelope(QuoteOutput), tags=["Tactus"])
    def post(self, request: Request, contract_id: UUID) -> Response:
        """Say what a change of plan or a cancellation comes to. Nothing changes until the quote is confirmed."""
        body = {name: value for name, value in self.read_body(request, QuoteInput).items() if value is not None}
        at = now()
        quote = quote_change(
            contract_id=contract_id,
            operation=Operation(body["operation"]),
            to={name: str(value) for name, value in body["to"].items()} if "to" in body else None,
            when=When(body["when"]) if "when" in body else None,
            unused=Unused(body["unused"]) if "unused" in body else None,
            quantities=Quantities(body.get("quantities") or Quantities.PACKAGE),
            now=at,
        )
        return data(present_quote(quote, at))


class QuoteView(_OfContract):
    """One quote."""

    @extend_schema(responses=envelope(QuoteOutput), tags=["Tactus"])
    def get(self, _request: Request, contract_id: UUID, quote_id: UUID) -> Response:
        """Read a quote."""
        return data(present_quote(_quote(contract_id, quote_id), now()))


class ConfirmQuote(_OfContract):
    """POST /tactus/v1/contracts/{contract_id}/quotes/{quote_id}/confirm"""

    @extend_schema(request=ReasonInput, responses=envelope(QuoteOutput), tags=["Tactus"])
    def post(self, request: Request, contract_id: UUID, quote_id: UUID) -> Response:
        """Carry a quote out: it costs exactly what it says, or is refused. Asked again, it answers the same."""
        why = self.read_body(request, ReasonInput).get("reason") or ""
        at = now()
        return data(present_quote(confirm_quote(quote=_quote(contract_id, quote_id), now=at, reason=why), at))


class UndoCancel(_OfContract):
    """POST /tactus/v1/contracts/{contract_id}/undo-cancel"""

    @extend_schema(request=ReasonInput, responses=envelope(IdOutput), tags=["Tactus"])
    def post(self, request: Request, contract_id: UUID) -> Response:
        """Take back a cancellation that has not taken effect; the contract ends where it did before."""
        why = self.read_body(request, ReasonInput).get("reason") or ""
        return data(IdOutput.of({"id": undo_cancel(contract_id=contract_id, now=now(), reason=why).pk}))


def _quote(contract_id: UUID, quote_id: UUID) -> PlanQuote:
    found = PlanQuote.objects.filter(pk=quote_id, contract_id=contract_id).first()
    if found is None:
        raise NotFound(f"no quote {quote_id}", field="quote_id")
    return found
