"""`/tactus/v1/contracts/{contract_id}/renewal` and `/tactus/v1/renewals`: what happens when terms end."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Contract, RenewalPolicy
from contracts.selectors.renewals import expected_skip, get_renewal, list_renewals
from contracts.services.renewals import set_renewal, withdraw_renewal
from core.api.fields import ExactField, Input, InstantField, WholeField, WordField
from core.api.output import PAGING, Output, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from engine.renewals import PriceList, RenewalKind, next_term

DAYS = 90
MOST_DAYS = 3660


class RenewalInput(Input):
    """What is to happen when the contract's term ends."""

    kind = WordField(RenewalKind, not_yet=("PACKAGE",))
    term_months = WholeField(
        minimum=1, maximum=1200, required=False, allow_null=True, help_text="As long as this term without it."
    )
    uplift_percent = ExactField(
        minimum=-100, required=False, allow_null=True, help_text="Prices rise by it; commits and credits do not."
    )
    price_list = WordField(
        PriceList,
        required=False,
        allow_null=True,
        help_text="CONTRACT: its own prices go along. OF_THE_DAY: only the rate card's hold, as they are then.",
    )
    notice_days = WholeField(
        maximum=3650, required=False, allow_null=True, help_text="contract.renewal_coming comes so early; 0: never."
    )


class DecisionOutput(Output):
    """What was decided at the end of a term, and why."""

    term_end = InstantField()
    outcome = serializers.CharField()
    reason = serializers.CharField()
    new_contract_id = serializers.UUIDField(required=False)
    decided_at = InstantField()


class RenewalOutput(Output):
    """What is agreed about a renewal, what will happen as things are, and what did."""

    contract_id = serializers.UUIDField()
    contract_name = serializers.CharField(required=False)
    customer_id = serializers.UUIDField()
    customer_name = serializers.CharField()
    kind = serializers.CharField()
    state = serializers.CharField(help_text="ACTIVE, WITHDRAWN or DECIDED.")
    term_months = serializers.IntegerField(required=False)
    uplift_percent = ExactField()
    price_list = serializers.CharField()
    notice_days = serializers.IntegerField()
    renews_at = InstantField(required=False, help_text="The end of the term.")
    next_term_ends_at = InstantField(required=False)
    noticed_at = InstantField(required=False)
    will = serializers.CharField(required=False, help_text="RENEW, NOTIFY or SKIP; nothing more once decided.")
    reason = serializers.CharField(required=False, help_text="Why it will be skipped.")
    attempts = serializers.IntegerField(help_text="How often in a row it failed.")
    last_error = serializers.CharField(required=False)
    decisions = DecisionOutput(many=True)


def present_renewal(policy: RenewalPolicy) -> dict[str, Any]:
    """A policy as it is answered; its contract's customer, renewals and decisions have been read."""
    contract = policy.contract
    shown: dict[str, Any] = {
        name: getattr(policy, name)
        for name in ("kind", "state", "uplift_percent", "price_list", "notice_days", "attempts")
    } | {
        "contract_id": contract.pk,
        "contract_name": contract.name or None,
        "customer_id": contract.customer_id,
        "customer_name": contract.customer.name,
        "term_months": policy.term_months,
        "renews_at": contract.ending_before,
        "noticed_at": policy.noticed_at,
        "last_error": policy.last_error or None,
        "decisions": [_decision(row) for row in contract.renewal_decisions.all()],
    }
    if policy.state != RenewalPolicy.State.DECIDED and contract.ending_before is not None:
        reason = expected_skip(policy)
        renews = policy.kind == RenewalKind.SAME_TERMS
        shown["will"] = "SKIP" if reason is not None else "RENEW" if renews else "NOTIFY"
        shown["reason"] = reason
        if shown["will"] == "RENEW" and policy.term_months is not None:
            term = next_term(contract.ending_before, months=policy.term_months, anchor=policy.anchor_at)
            shown["next_term_ends_at"] = term.end
    return RenewalOutput.of({name: value for name, value in shown.items() if value is not None})


def _decision(row: Any) -> dict[str, Any]:
    names = ("term_end", "outcome", "reason", "decided_at")
    made = {"new_contract_id": row.new_contract_id} if row.new_contract_id else {}
    return {name: getattr(row, name) for name in names} | made


class RenewalView(ApiView):
    """Of one contract."""

    resource = "contracts"

    def customer_of(self, request: Request) -> object:  # noqa: ARG002 - the contract says whose it is
        """Whose contract it is."""
        rows = Contract.objects.filter(pk=self.kwargs.get("contract_id"))
        return rows.values_list("customer_id", flat=True).first()

    @extend_schema(responses=envelope(RenewalOutput), tags=["Tactus"])
    def get(self, _request: Request, contract_id: UUID) -> Response:
        """Read what happens when the contract's term ends."""
        return data(present_renewal(get_renewal(contract_id=contract_id)))

    @extend_schema(request=RenewalInput, responses=envelope(RenewalOutput), tags=["Tactus"])
    def put(self, request: Request, contract_id: UUID) -> Response:
        """Agree on what happens when the contract's term ends, instead of what was agreed before."""
        body = {name: value for name, value in self.read_body(request, RenewalInput).items() if value is not None}
        if "term_months" in body:
            body["months"] = body.pop("term_months")
        set_renewal(contract_id=contract_id, **body, now=now())
        return data(present_renewal(get_renewal(contract_id=contract_id)))

    @extend_schema(responses={200: envelope(RenewalOutput)}, tags=["Tactus"])
    def delete(self, _request: Request, contract_id: UUID) -> Response:
        """Take it back: the contract ends with its term."""
        withdraw_renewal(contract_id=contract_id, now=now())
        return data(present_renewal(get_renewal(contract_id=contract_id)))


class RenewalsView(ApiView):
    """Of all contracts."""

    resource, access = "contracts", "read"

    @extend_schema(
        parameters=[
            *PAGING,
            OpenApiParameter("within_days", int, description=f"Terms that end so soon; {DAYS} if left out."),
        ],
        responses=page_of(RenewalOutput),
        tags=["Tactus"],
    )
    def get(self, request: Request) -> Response:
        """List what is to come, soonest first, with what will happen as things are."""
        at: datetime = now()
        rows = list_renewals(now=at, within=timedelta(days=_days(request.query_params.get("within_days"))))
        found, next_page = paginate(rows, page_request(request), order=("agreed_end", "id"))
        return listing([present_renewal(row) for row in found], next_page)


def _days(asked: str | None) -> int:
    if asked is None:
        return DAYS
    if not (asked.isascii() and asked.isdigit() and len(asked) < 10 and 1 <= int(asked) <= MOST_DAYS):
        raise InvalidInput(f"must be a whole number of days from 1 to {MOST_DAYS}", field="within_days")
    return int(asked)
