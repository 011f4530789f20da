"""Billing providers and revenue systems as parts of contracts (contracts/parts.py)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from rest_framework import serializers

from contracts.models import Contract, ContractEdit, ContractProvider
from contracts.parts import Fields
from contracts.renewal_parts import Carrying
from contracts.selectors import billing_schedule
from core import audit
from core.api.fields import IdField, Input, InstantField, WordField
from core.api.output import Output
from core.constraints import violated
from core.errors import InvalidInput
from customers.api.providers import (
    METHODS,
    PROVIDERS,
    ChoiceField,
    ProviderOutput,
    RevenueSystemOutput,
    present_provider,
)
from customers.providers import BILLING, NOT_DELIVERED, REVENUE, configurations_by_id, find_configuration
from engine.calendar import period_at

FIELDS: Final[dict[str, str]] = {BILLING: "billing_provider_configuration", REVENUE: "revenue_system_configuration"}
CURRENT: Final = "START_OF_CURRENT_PERIOD"
NEXT: Final = "START_OF_NEXT_PERIOD"


class BillingProviderInput(Input):
    """Which of the customer's configurations: its id, or its provider and delivery method."""

    billing_provider_configuration_id = IdField(required=False, allow_null=True)
    billing_provider = ChoiceField(PROVIDERS, required=False, allow_null=True)
    delivery_method = ChoiceField(METHODS, required=False, allow_null=True)


class RevenueInput(Input):
    """Which of the customer's configurations: its id, or its provider and delivery method."""

    revenue_system_configuration_id = IdField(required=False, allow_null=True)
    provider = ChoiceField(["netsuite"], required=False, allow_null=True)
    delivery_method = ChoiceField(METHODS, required=False, allow_null=True)


class EffectiveInput(Input):
    """Since when."""

    effective_at = WordField((CURRENT, NEXT))


class BillingProviderUpdateInput(Input):
    """Another configuration, and since when."""

    billing_provider_configuration = BillingProviderInput()
    schedule = EffectiveInput()


class RevenueUpdateInput(Input):
    """Another configuration, and since when."""

    revenue_system_configuration = RevenueInput()
    schedule = EffectiveInput()


class ProviderEntryOutput(Output):
    """A billing provider configuration, and how long it holds."""

    billing_provider_configuration = ProviderOutput()
    effective_at = InstantField()
    effective_until = InstantField(allow_null=True)


class RevenueEntryOutput(Output):
    """A revenue system configuration, and how long it holds."""

    revenue_system_configuration = RevenueSystemOutput()
    effective_at = InstantField()
    effective_until = InstantField(allow_null=True)


class UpdateToldOutput(Output):
    """The configuration that an edit named, and since when it holds."""

    configuration_id = serializers.UUIDField()
    effective_at = InstantField()


class ProvidersPart:
    """Where a contract's invoices go."""

    def create_fields(self) -> Fields:
        """Where they go from the start on."""
        return {
            FIELDS[BILLING]: BillingProviderInput(required=False, allow_null=True),
            FIELDS[REVENUE]: RevenueInput(required=False, allow_null=True),
        }

    def edit_fields(self) -> Fields:
        """Where they go from a period on."""
        return {
            _update(BILLING): BillingProviderUpdateInput(required=False, allow_null=True),
            _update(REVENUE): RevenueUpdateInput(required=False, allow_null=True),
        }

    def read_fields(self) -> Fields:
        """Nothing more can be asked for."""
        return {}

    def term_fields(self) -> Fields:
        """What a contract shows."""
        return {
            "customer_billing_provider_configuration": ProviderOutput(required=False),
            "billing_provider_configuration_schedule": ProviderEntryOutput(many=True, required=False),
            "revenue_system_configuration_schedule": RevenueEntryOutput(many=True, required=False),
        }

    def edited_fields(self) -> Fields:
        """What an edit shows."""
        return {_update(kind): UpdateToldOutput(many=True, required=False) for kind in FIELDS}

    def prepare(self, body: dict[str, Any]) -> None:
        """Nothing refers from here to another part."""

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:
        """Nothing is delivered yet."""
        mine = [name for kind in FIELDS for name in (FIELDS[kind], _update(kind)) if name in given]
        return [{"field": name, "message": NOT_DELIVERED} for name in mine]

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:
        """Notes where they go from the start on."""
        for kind, name in FIELDS.items():
            if (asked := body.get(name)) is not None:
                _add(contract, kind, asked, where=name, at=contract.starting_at, now=now, edit=None)

    def edit(
        self, contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime
    ) -> dict[str, list[dict[str, Any]]]:
        """Notes where they go from a period on."""
        done: dict[str, list[dict[str, Any]]] = {}
        for kind, name in FIELDS.items():
            if (asked := body.get(_update(kind))) is None:
                continue
            at = _effective(contract, asked["schedule"]["effective_at"], now, f"{_update(kind)}.schedule.effective_at")
            where = f"{_update(kind)}.{name}"
            row = _add(contract, kind, asked[name], where=where, at=at, now=now, edit=edit)
            done[_update(kind)] = [
                {"id": row.configuration_id, "configuration_id": row.configuration_id, "effective_at": at}
            ]
        return done

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Nothing comes due by being looked at."""

    def carry(self, how: Carrying) -> dict[str, Any]:
        """What holds when the old term ends goes along, unless it has been archived."""
        rows = ContractProvider.objects.filter(contract=how.contract, effective_at__lte=how.move.old.end)
        holding = {row.kind: row.configuration for row in rows.select_related("configuration")}
        own: dict[str, str] = {BILLING: "billing_provider_configuration_id", REVENUE: "revenue_system_configuration_id"}
        return {FIELDS[kind]: {own[kind]: one.pk} for kind, one in holding.items() if one.archived_at is None}

    def terms(
        self,
        contract_ids: Iterable[UUID],
        *,
        asked: Mapping[str, Any],  # noqa: ARG002 - as each part is asked
        at: datetime,
    ) -> dict[UUID, dict[str, Any]]:
        """The schedules by contract, and what holds at `at`. At most two queries."""
        rows: dict[UUID, dict[str, list[ContractProvider]]] = {}
        found = list(ContractProvider.objects.filter(contract_id__in=list(contract_ids)))
        known = configurations_by_id({row.configuration_id for row in found})
        for row in found:
            rows.setdefault(row.contract_id, {}).setdefault(row.kind, []).append(row)
        shown: dict[UUID, dict[str, Any]] = {}
        for contract_id, by_kind in rows.items():
            told: dict[str, Any] = {}
            for kind, name in FIELDS.items():
                entries = by_kind.get(kind, [])
                ends = [*(row.effective_at for row in entries[1:]), None][: len(entries)]
                schedule = [
                    {name: present_provider(known[row.configuration_id]), "effective_at": row.effective_at,
                     "effective_until": end}
                    for row, end in zip(entries, ends, strict=True)
                ]  # fmt: skip
                if schedule:
                    told[f"{name}_schedule"] = schedule
            holding = [row for row in by_kind.get(BILLING, []) if row.effective_at <= at] or by_kind.get(BILLING, [])[
                :1
            ]
            if holding:
                told["customer_billing_provider_configuration"] = present_provider(known[holding[-1].configuration_id])
            told["warnings"] = self.warnings([FIELDS[kind] for kind in by_kind])
            shown[contract_id] = told
        return shown


def _update(kind: str) -> str:
    return f"add_{FIELDS[kind]}_update"


def _add(
    contract: Contract, kind: str, asked: Mapping[str, Any], *, where: str, at: datetime, now: datetime,
    edit: ContractEdit | None,
) -> ContractProvider:  # fmt: skip
    own = "revenue_system_configuration_id" if kind == REVENUE else "billing_provider_configuration_id"
    try:
        row = find_configuration(
            customer_id=contract.customer_id,
            kind=kind,
            configuration_id=asked.get(own),
            billing_provider=asked.get("provider" if kind == REVENUE else "billing_provider"),
            delivery_method=asked.get("delivery_method"),
        )
    except InvalidInput as error:
        raise InvalidInput(error.message.removeprefix(f"{error.field}: "), field=f"{where}.{error.field}") from error
    try:
        with transaction.atomic():
            return ContractProvider.objects.create(
                contract=contract, kind=kind, configuration=row, effective_at=at, created_at=now,
                created_by=audit.current_actor().label, added_by=edit,
            )  # fmt: skip
    except IntegrityError as error:
        if violated(error) != "contract_provider_once_at_a_time":
            raise
        raise InvalidInput("another one holds from that time on already", field=where) from error


def _effective(contract: Contract, word: str, now: datetime, where: str) -> datetime:
    """The start of the contract's current or next billing period; before it begins, its own start."""
    if now < contract.starting_at:
        return contract.starting_at
    if contract.ending_before is not None and now >= contract.ending_before:
        raise InvalidInput("the contract has ended", field=where)
    period = period_at(billing_schedule(contract), contract.starting_at, contract.ending_before, now)
    return period.start if word == CURRENT else period.end
