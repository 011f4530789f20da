"""Contracts on the wire: v1 and v2 shapes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.package_models import Package
from catalog.selectors import package_for
from contracts import selectors, services
from contracts.api.contract_outputs import ContractV1Output, ContractV2Output, CreatedOutput
from contracts.api.hierarchy import HierarchyInput, hierarchies_of, parent_of
from contracts.api.overrides import new_override, overrides_field, rows_of_overrides
from contracts.api.subscription_inputs import new_subscription, subscriptions_field
from contracts.api.subscription_outputs import present_subscriptions
from contracts.api.usage_filters import (
    UsageFilterInput,
    as_v1,
    as_v2,
    new_filter,
)
from contracts.models import Contract
from contracts.package_terms import contract_body, provider_of
from contracts.parts import contract_parts, given_parts, warnings_of
from contracts.trial_part import told_trial
from core.api.dry_run import DryRunIdOutput, carry_out, dry_run_field
from core.api.fields import (
    CustomFieldsField,
    ExactField,
    FlagField,
    IdField,
    Input,
    InstantField,
    LimitField,
    TextField,
    WholeField,
    WordField,
)
from core.api.output import envelope, page_of
from core.api.paging import Style, page_request, paginate
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput
from core.exact_json import loads
from customers.selectors import require_customer
from engine.calendar import BILLING_FREQUENCIES, BillingDay
from engine.overrides import Prioritization

A_PAGE = 20
FILTERS = ("customer_id", "covering_date", "starting_at", "include_archived")
WHOLE = ("id", "customer_id", "package_id", "archived_at", "custom_fields", "uniqueness_key")
NAMES_PACKAGE = ("package_id", "package_alias")
WITH_PACKAGE = (
    *NAMES_PACKAGE, "customer_id", "starting_at", "uniqueness_key", "transition", "custom_fields", "dry_run",
)  # fmt: skip
TERMS = (
    "starting_at", "ending_before", "rate_card_id", "net_payment_terms_days", "billing_frequency", "billing_anchor_at",
    "invoice_generation_starting_at", "multiplier_override_prioritization", "created_at", "created_by",
)  # fmt: skip
OF_THE_WHOLE = ("subscriptions", "warnings", "customer_billing_provider_configuration")
WHERE_GIVEN = (
    "scheduled_charges_on_usage_invoices", "netsuite_sales_order_id", "salesforce_opportunity_id",
    "total_contract_value",
)  # fmt: skip


class ScheduleInput(Input):
    """How often usage is billed, and from what day the periods are counted."""

    frequency = WordField(BILLING_FREQUENCIES)
    day = WordField(BillingDay, required=False, allow_null=True, help_text="FIRST_OF_MONTH unless given.")
    billing_anchor_date = InstantField(required=False, allow_null=True, help_text="With CUSTOM_DATE, and only then.")
    invoice_generation_starting_at = InstantField(
        hour=True, required=False, allow_null=True, help_text="Usage before it is billed elsewhere. On the hour."
    )


class FutureInvoicesInput(Input):
    """What becomes of the old contract's true-ups."""

    trueup = WordField(("AS_IS", "REMOVE"), required=False, allow_null=True)


class TransitionInput(Input):
    """The contract that the new one renews or supersedes, and ends where it begins."""

    type = WordField(Contract.Transition.values, help_text="SUPERSEDE: as RENEWAL, but nothing rolls over.")
    from_contract_id = IdField()
    future_invoice_behavior = FutureInvoicesInput(required=False, allow_null=True)


class CreateInput(Input):
    """A new contract."""

    customer_id = IdField()
    starting_at = InstantField(hour=True)
    ending_before = InstantField(
        hour=True, required=False, allow_null=True, help_text="Exclusive; open-ended without it. On the hour."
    )
    rate_card_id = IdField(required=False, allow_null=True)
    rate_card_alias = TextField(
        maximum=128, required=False, allow_null=True, help_text="The card that has this alias when the contract starts."
    )
    package_id = IdField(
        required=False, allow_null=True, help_text="All terms come from it; only what is the customer's own goes along."
    )
    package_alias = TextField(
        maximum=128, required=False, allow_null=True, help_text="The package that has this alias when it starts."
    )
    name = TextField(required=False, allow_null=True)
    net_payment_terms_days = WholeField(
        maximum=3650,
        required=False,
        allow_null=True,
        help_text="From an invoice's issue until it is due; 0 if left out.",
    )
    usage_statement_schedule = ScheduleInput(required=False, allow_null=True)
    transition = TransitionInput(required=False, allow_null=True)
    overrides = overrides_field()
    subscriptions = subscriptions_field()
    usage_filter = UsageFilterInput(required=False, allow_null=True)
    multiplier_override_prioritization = WordField(Prioritization, required=False)
    scheduled_charges_on_usage_invoices = WordField(
        Contract.Consolidation.values, required=False, allow_null=True, help_text="Fixed for the contract's life."
    )
    hierarchy_configuration = HierarchyInput(required=False, allow_null=True)
    uniqueness_key = TextField(
        maximum=128, required=False, allow_null=True, help_text="A second contract with the same key is refused."
    )
    custom_fields = CustomFieldsField(required=False, allow_null=True)
    netsuite_sales_order_id = TextField(required=False, allow_null=True)
    salesforce_opportunity_id = TextField(required=False, allow_null=True)
    total_contract_value = ExactField(
        required=False, allow_null=True, help_text="Kept and shown; nothing is billed by it."
    )
    dry_run = dry_run_field()

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts add."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.create_fields().items()
        }


class ReadInput(Input):
    """What reading one contract and listing them have in common."""

    customer_id = IdField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """These and what the parts add."""
        return super().get_fields() | {
            name: field for part in contract_parts() for name, field in part.read_fields().items()
        }


class ContractInput(ReadInput):
    """Which contract."""

    contract_id = IdField()


class ListInput(ReadInput):
    """Which contracts of a customer; `covering_date` and `starting_at` exclude each other."""

    covering_date = InstantField(required=False, allow_null=True, help_text="Only contracts in force then.")
    starting_at = InstantField(required=False, allow_null=True, help_text="Only contracts that start then or later.")
    include_archived = FlagField(required=False, default=False)
    limit = LimitField(help_text=f"At most {A_PAGE}; more means {A_PAGE}.")
    cursor = TextField(maximum=2000, minimum=0, required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As Metronome has it."""
        if attrs.get("covering_date") and attrs.get("starting_at"):
            raise serializers.ValidationError({"covering_date": ["cannot be given together with starting_at"]})
        return attrs


class ArchiveInput(Input):
    """Which contract to archive, and whether its finalized invoices become void."""

    customer_id = IdField()
    contract_id = IdField()
    void_invoices = FlagField(help_text="Whether its finalized invoices become void.")
    dry_run = dry_run_field()


class EndDateInput(Input):
    """A contract's new end; open-ended if it is null or left out."""

    customer_id = IdField()
    contract_id = IdField()
    ending_before = InstantField(hour=True, required=False, allow_null=True, default=None)
    allow_ending_before_finalized_invoice = FlagField(
        required=False, default=True, help_text="false refuses an end before that of a finalized invoice."
    )
    dry_run = dry_run_field()


def terms_of(contracts: Iterable[Contract], asked: Mapping[str, Any], at: datetime) -> dict[UUID, dict[str, Any]]:
    """Subscriptions of each contract, and what the parts show of it as `asked` (the body); a fixed number of queries,
    however many.
    """
    contracts = list(contracts)
    by_id = {contract.pk: contract for contract in contracts}
    ids = [contract.pk for contract in contracts]
    subscribed = selectors.subscriptions_of(ids)
    filters = selectors.usage_filters_of([contract.pk for contract in contracts if contract.has_usage_filters])
    found: dict[UUID, dict[str, Any]] = {
        contract_id: {
            "subscriptions": present_subscriptions(subscribed.get(contract_id, ()), at),
            "filters": filters.get(contract_id, []),
        }
        for contract_id in ids
    }
    related = [one.pk for one in contracts if one.parent_id is not None or getattr(one, "has_children", True)]
    for contract_id, shown in hierarchies_of(related).items():
        found[contract_id] |= shown
    for part in contract_parts():
        for contract_id, shown in part.terms(by_id, asked=asked, at=at).items():
            warnings = [*found[contract_id].get("warnings", ()), *shown.pop("warnings", ())]
            found[contract_id] |= shown | ({"warnings": warnings} if warnings else {})
    return found


def present_v1(contract: Contract, at: datetime, parts: dict[str, Any]) -> dict[str, Any]:
    """A contract as v1 knows it."""
    parts = dict(parts)
    usage_filter = as_v1(parts.pop("filters"), at)
    if usage_filter is not None:
        parts["usage_filter"] = usage_filter
    whole = _whole(contract) | {name: parts.pop(name) for name in OF_THE_WHOLE if name in parts}
    first = [row for row in contract.overrides.all() if row.added_by_id is None]
    initial = _terms(contract) | parts | {"overrides": rows_of_overrides(first, 1, at)}
    current = _terms(contract) | parts | {"overrides": rows_of_overrides(selectors.standing_overrides(contract), 1, at)}
    return ContractV1Output.of(whole | {"initial": initial, "current": current, "amendments": []})


def present_v2(contract: Contract, at: datetime, parts: dict[str, Any]) -> dict[str, Any]:
    """A contract as v2 knows it; product names are those at `at`."""
    parts = dict(parts)
    parts["usage_filter"] = as_v2(parts.pop("filters"), contract.ending_before)
    overrides = rows_of_overrides(selectors.standing_overrides(contract), 2, at)
    return ContractV2Output.of(_terms(contract) | parts | _whole(contract) | {"overrides": overrides})


def _whole(contract: Contract) -> dict[str, Any]:
    return {name: getattr(contract, name) for name in WHOLE} | {"trial": told_trial(contract)}


def _terms(contract: Contract) -> dict[str, Any]:
    terms = {name: getattr(contract, name) for name in TERMS} | {"name": contract.name or None}
    links = [(contract.transition, contract.renews_id, contract.pk)] if contract.renews_id else []
    links += [(later.transition, contract.pk, later.pk) for later in contract.renewals.all()]
    names = ("type", "from_contract_id", "to_contract_id")
    terms["transitions"] = [dict(zip(names, link, strict=True)) for link in links]
    return terms | {name: value for name in WHERE_GIVEN if (value := getattr(contract, name)) not in (None, "")}


def _prepare_reading(body: Mapping[str, Any], at: datetime) -> None:
    for part in contract_parts():
        part.before_reading(body["customer_id"], asked=body, now=at)


def read_terms(body: type[Input], given: dict[str, Any]) -> dict[str, Any]:
    """What a body says, validated. Raises a 400 that names each field at fault."""
    read = body(data=given)
    read.is_valid(raise_exception=True)
    return {name: value for name, value in read.validated_data.items() if value is not None}


def contract_terms(body: dict[str, Any]) -> dict[str, Any]:
    """A read body of a new contract as `services.create_contract` takes it."""
    for part in contract_parts():
        part.prepare(body)
    body["subscriptions"] = [new_subscription(entry) for entry in body.get("subscriptions", ())]
    if usage_filter := body.get("usage_filter"):
        body["usage_filter"] = new_filter(usage_filter)
    body["overrides"] = [new_override(entry) for entry in body.get("overrides", ())]
    parts = given_parts(body, editing=False)
    body = {name: value for name, value in body.items() if name not in parts}
    body["parent"] = parent_of(body.pop("hierarchy_configuration", None))
    if transition := body.pop("transition", None):
        body |= {"renews": transition["from_contract_id"], "transition": transition["type"]}
        behavior = transition.get("future_invoice_behavior") or {}
        body["true_ups"] = behavior.get("trueup") or "AS_IS"
    asked = body.pop("usage_statement_schedule", {})
    schedule = services.UsageStatementSchedule(**{name: value for name, value in asked.items() if value is not None})
    return body | {"schedule": schedule, "parts": parts}


def named_package(body: Mapping[str, Any], given: Mapping[str, Any]) -> Package:
    """The package that a new contract is made of. Raises InvalidInput where terms are `given` beside it."""
    if "package_id" in body and "package_alias" in body:
        raise InvalidInput("give package_id or package_alias, not both", field="package_alias")
    for name in CreateInput().get_fields():
        if name not in WITH_PACKAGE and given.get(name) not in (None, [], {}):
            raise InvalidInput("comes from the package; leave it out, or make the contract without one", field=name)
    return package_for(
        package_id=body.get("package_id"), alias=body.get("package_alias"), starting_at=body["starting_at"]
    )


def of_package(body: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Package, dict[str, Any]]:
    """The package that a new contract names, and the read body with its terms in it.

    Raises InvalidInput where terms are `given` beside it, and a 400 for terms that cannot be from this start on.
    """
    package = named_package(body, given)
    template = loads(package.template.encode())
    made = contract_body(template, body["starting_at"]) | provider_of(template)
    own = {name: value for name, value in given.items() if name not in NAMES_PACKAGE}
    return package, read_terms(CreateInput, own | made)


class CreateContract(ApiView):
    """POST /v1/contracts/create"""

    resource = "contracts"

    @extend_schema(request=CreateInput, responses=envelope(CreatedOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Agree on terms with a customer. The drafts of its invoices exist when this answers."""
        body = {name: value for name, value in self.read_body(request, CreateInput).items() if value is not None}
        package = None
        if "package_id" in body or "package_alias" in body:
            package, body = of_package(body, dict(request.data))
        at, dry_run = now(), body.pop("dry_run", False)
        terms = contract_terms(body)
        warnings = warnings_of(terms["parts"])

        def create() -> dict[str, Any]:
            made = services.create_contract(**terms, package=package, now=at)
            return {"id": made.pk} | ({"warnings": warnings} if warnings else {})

        return data(carry_out(create, dry_run=dry_run, customer_id=body["customer_id"], at=at))


class RetrieveContract(ApiView):
    """POST /v1/contracts/get"""

    resource, access = "contracts", "read"
    present = staticmethod(present_v1)

    def before_reading(self, request: Request) -> None:
        _prepare_reading(self.read_body(request, ContractInput), now())

    @extend_schema(request=ContractInput, responses=envelope(ContractV1Output), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Read a contract of a customer."""
        body = self.read_body(request, ContractInput)
        at = now()
        contract = selectors.get_contract(contract_id=body["contract_id"], customer_id=body["customer_id"])
        return data(self.present(contract, at, terms_of([contract], body, at)[contract.pk]))


class RetrieveContractV2(RetrieveContract):
    """POST /v2/contracts/get"""

    present = staticmethod(present_v2)

    @extend_schema(request=ContractInput, responses=envelope(ContractV2Output), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Read a contract of a customer."""
        return super().post(request)


class ListContracts(ApiView):
    """POST /v1/contracts/list"""

    resource, access = "contracts", "read"
    present = staticmethod(present_v1)

    def before_reading(self, request: Request) -> None:
        _prepare_reading(self.read_body(request, ListInput), now())

    @extend_schema(request=ListInput, responses=page_of(ContractV1Output, "cursor"), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List a customer's contracts, newest first."""
        body = self.read_body(request, ListInput)
        require_customer(customer_id=body["customer_id"], field="customer_id")
        filters = {name: body[name] for name in FILTERS if name in body}
        page = page_request(request, Style.BODY_CURSOR, maximum=A_PAGE)
        at = now()
        rows, cursor = paginate(selectors.list_contracts(**filters), page)
        parts = terms_of(rows, body, at)
        return Response({"data": [self.present(row, at, parts[row.pk]) for row in rows], "cursor": cursor})


class ListContractsV2(ListContracts):
    """POST /v2/contracts/list"""

    present = staticmethod(present_v2)

    @extend_schema(request=ListInput, responses=page_of(ContractV2Output, "cursor"), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """List a customer's contracts, newest first."""
        return super().post(request)


class ArchiveContract(ApiView):
    """POST /v1/contracts/archive"""

    resource = "contracts"

    @extend_schema(request=ArchiveInput, responses=envelope(DryRunIdOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """End a contract for good: its drafts are cancelled, its finalized invoices become void if asked for."""
        body = self.read_body(request, ArchiveInput)
        at, dry_run = now(), body.pop("dry_run", False)

        def archive() -> dict[str, Any]:
            return {"id": services.archive_contract(**body, now=at).pk}

        return data(carry_out(archive, dry_run=dry_run, customer_id=body["customer_id"], at=at))


class UpdateEndDate(ApiView):
    """POST /v1/contracts/updateEndDate"""

    resource = "contracts"

    @extend_schema(request=EndDateInput, responses=envelope(DryRunIdOutput), tags=["Contracts"])
    def post(self, request: Request) -> Response:
        """Move a contract's end; without `ending_before` it becomes open-ended. Finalized invoices never change."""
        body = self.read_body(request, EndDateInput)
        at, dry_run = now(), body.pop("dry_run", False)

        def move() -> dict[str, Any]:
            return {"id": services.update_end_date(**body, now=at).pk}

        return data(carry_out(move, dry_run=dry_run, customer_id=body["customer_id"], at=at))
