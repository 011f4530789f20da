"""Commits and credits as they stand now: what open periods draw is taken off."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balances.api.outputs import BalanceOutput, CommitOutput, CreditOutput, present_balances
from balances.models import AccessType, Balance
from balances.selectors import filter_balances
from balances.services.edits import COMMITS, CREDITS
from balances.services.recurring import issue_due_grants
from billing.selectors.live_balances import BalanceFilter, balances_now, net_balance
from core.api.fields import (
    CustomFieldsField,
    ExactField,
    FlagField,
    IdField,
    Input,
    InstantField,
    LimitField,
    TextField,
    WordField,
)
from core.api.output import Output, envelope, page_of
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from customers.selectors import require_customer

COMPONENTS = "InvoicesBalances"
"""The beginning of these names in /openapi.json, wherever the code lies."""
A_PAGE = 25
USD = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
NO_UNIT = UUID(int=0)
KINDS = {"PREPAID_COMMIT": "PREPAID", "POSTPAID_COMMIT": "POSTPAID", "CREDIT": "CREDIT"}


class ListInput(Input):
    """Which balances of a customer, and how much of them to show."""

    customer_id = IdField()
    access_type = WordField(AccessType, required=False, allow_null=True)
    covering_date = InstantField(required=False, allow_null=True, help_text="Only with access then.")
    starting_at = InstantField(required=False, allow_null=True, help_text="Only with access then or later.")
    effective_before = InstantField(required=False, allow_null=True, help_text="Only with access before then.")
    include_archived = FlagField(required=False, allow_null=True)
    include_balance = FlagField(required=False, allow_null=True)
    include_ledgers = FlagField(required=False, allow_null=True)
    limit = LimitField(help_text=f"At most {A_PAGE}; more means {A_PAGE}.")
    next_page = TextField(maximum=2000, minimum=0, required=False, allow_null=True)


class ListBalancesInput(ListInput):
    """Commits and credits alike."""

    id = IdField(required=False, allow_null=True)
    include_contract_balances = FlagField(
        required=False, allow_null=True, help_text="true unless given; false leaves those of contracts out."
    )
    exclude_zero_balances = FlagField(required=False, allow_null=True)


class ListCommitsInput(ListInput):
    """Commits."""

    commit_id = IdField(required=False, allow_null=True)
    include_contract_commits = FlagField(required=False, allow_null=True)


class ListCreditsInput(ListInput):
    """Credits."""

    credit_id = IdField(required=False, allow_null=True)
    include_contract_credits = FlagField(required=False, allow_null=True)


class FilterInput(Input):
    """Conditions that must all hold."""

    balance_types = serializers.ListField(child=WordField(KINDS), required=False, max_length=3)
    ids = serializers.ListField(child=IdField(), required=False, max_length=1000)
    custom_fields = CustomFieldsField(required=False)


class NetBalanceInput(Input):
    """Which balances to add up; any filter may match."""

    customer_id = IdField()
    credit_type_id = IdField(required=False, allow_null=True, help_text="USD (cents) unless given.")
    access_type = WordField(AccessType, required=False, allow_null=True)
    filters = serializers.ListField(child=FilterInput(), required=False, max_length=100, allow_null=True)
    invoice_inclusion_mode = WordField(("FINALIZED", "FINALIZED_AND_DRAFT"), required=False, allow_null=True)


class NetBalanceOutput(Output):
    """What can be spent now."""

    balance = ExactField()
    credit_type_id = serializers.UUIDField()


class ReadsBalances(ApiView):
    """Reads balances of the customer that its body names: what falls due by now is issued first, if it is not there."""

    resource, access = "balances", "read"
    body: ClassVar[type[Input]]

    def before_reading(self, request: Request) -> None:
        issue_due_grants(customer_id=self.read_body(request, self.body)["customer_id"], now=now())


class ListBalances(ReadsBalances):
    """POST /v1/contracts/customerBalances/list"""

    body: ClassVar[type[ListInput]] = ListBalancesInput
    kinds: ClassVar[tuple[str, ...]] = ()
    one: ClassVar[str] = "id"
    of_contracts: ClassVar[str] = "include_contract_balances"
    of_contracts_unless_said: ClassVar[bool] = True

    @extend_schema(request=ListBalancesInput, responses=page_of(BalanceOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """List a customer's commits and credits, newest first; what drafts draw now is taken off."""
        body = self.read_body(request, self.body)
        require_customer(customer_id=body["customer_id"], field="customer_id")
        of_contracts = body.get(self.of_contracts)
        rows = filter_balances(
            customer_id=body["customer_id"], kinds=self.kinds, balance_id=body.get(self.one),
            access_type=body.get("access_type"), covering_date=body.get("covering_date"),
            starting_at=body.get("starting_at"), effective_before=body.get("effective_before"),
            include_contract=self.of_contracts_unless_said if of_contracts is None else of_contracts,
            include_archived=bool(body.get("include_archived")),
        )  # fmt: skip
        found, cursor = paginate(rows, page_request(request, Style.BODY, maximum=A_PAGE))
        return listing(_shown(found, body), cursor)


class ListCommits(ListBalances):
    """POST /v1/contracts/customerCommits/list"""

    body, kinds, one, of_contracts = ListCommitsInput, COMMITS, "commit_id", "include_contract_commits"
    of_contracts_unless_said = False

    @extend_schema(request=ListCommitsInput, responses=page_of(CommitOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """List a customer's commits, newest first."""
        return super().post(request)


class ListCredits(ListBalances):
    """POST /v1/contracts/customerCredits/list"""

    body, kinds, one, of_contracts = ListCreditsInput, CREDITS, "credit_id", "include_contract_credits"
    of_contracts_unless_said = False

    @extend_schema(request=ListCreditsInput, responses=page_of(CreditOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """List a customer's credits, newest first."""
        return super().post(request)


class GetNetBalance(ReadsBalances):
    """POST /v1/contracts/customerBalances/getNetBalance"""

    body = NetBalanceInput

    @extend_schema(request=NetBalanceInput, responses=envelope(NetBalanceOutput), tags=["Commits and credits"])
    def post(self, request: Request) -> Response:
        """Add up what a customer can spend now; what drafts draw is taken off unless asked otherwise."""
        body = self.read_body(request, NetBalanceInput)
        require_customer(customer_id=body["customer_id"], field="customer_id")
        access_type = body.get("access_type") or AccessType.SPEND
        unit: UUID | None = body.get("credit_type_id")
        if access_type == AccessType.QUANTITY and unit is not None:
            raise InvalidInput("only with access_type SPEND", field="credit_type_id")
        if access_type == AccessType.SPEND and unit is None:
            unit = USD
        left = net_balance(
            customer_id=body["customer_id"],
            now=now(),
            credit_type_id=unit,
            access_type=access_type,
            filters=[_filter(one) for one in body.get("filters") or ()],
            with_drafts=body.get("invoice_inclusion_mode") != "FINALIZED",
        )
        return data(NetBalanceOutput.of({"balance": left, "credit_type_id": unit or NO_UNIT}))


def _filter(body: dict[str, Any]) -> BalanceFilter:
    return BalanceFilter(
        kinds=[KINDS[name] for name in body.get("balance_types", ())],
        ids=body.get("ids", ()),
        custom_fields=body.get("custom_fields", {}),
    )


def _shown(rows: list[Balance], body: dict[str, Any]) -> list[dict[str, Any]]:
    at = now()
    ledgers = bool(body.get("include_ledgers"))
    hide = bool(body.get("exclude_zero_balances"))
    if not (ledgers or hide or body.get("include_balance")):
        return present_balances(rows, at)
    live = balances_now(customer_id=body["customer_id"], balances=rows, now=at)
    kept = [row for row in rows if not hide or live[row.pk].balance]
    shown = present_balances(kept, at, live, ledgers=ledgers)
    if not body.get("include_balance"):
        for row in shown:
            del row["balance"]
    return shown
