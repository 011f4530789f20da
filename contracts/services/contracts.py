"""Writes of contracts. Drafts of their invoices follow in the same transaction (billing_site/wiring.py)."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q

from catalog.models import RateCard, RateCardAlias
from catalog.package_models import Package
from contracts.events import ContractArchived, ContractCreated, ContractEndChanged, ContractRenewed
from contracts.models import Contract
from contracts.parts import contract_parts
from contracts.services import usage_filters
from contracts.services.hierarchy import ParentOf, place, refuse_to_leave_children, told_of
from contracts.services.overrides import NewOverride, add_overrides, plain_override
from contracts.services.recording import ids_of, lock_contract, record_event
from contracts.services.subscriptions import NewSubscription, add_subscriptions, plain_subscription
from contracts.services.usage_filters import NewUsageFilter
from contracts.services.worth import counting_lost_drafts
from core import audit
from core.approvals import counted_as_one
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotFound, uniqueness_key_used
from core.transactions import require_transaction, use_case
from customers.events import CustomerArchived
from customers.models import Customer
from engine.calendar import BillingDay, Frequency, schedule_for
from engine.overrides import Prioritization


@dataclass(frozen=True, slots=True)
class UsageStatementSchedule:
    """How often usage is billed, and what the periods are counted from. All instants UTC."""

    frequency: str = Frequency.MONTHLY
    day: str = BillingDay.FIRST_OF_MONTH
    billing_anchor_date: datetime | None = None
    invoice_generation_starting_at: datetime | None = None


def create_contract(
    *,
    customer_id: UUID,
    starting_at: datetime,
    now: datetime,
    ending_before: datetime | None = None,
    rate_card_id: UUID | None = None,
    rate_card_alias: str | None = None,
    name: str = "",
    schedule: UsageStatementSchedule | None = None,
    net_payment_terms_days: int = 0,
    uniqueness_key: str | None = None,
    custom_fields: dict[str, str] | None = None,
    netsuite_sales_order_id: str = "",
    salesforce_opportunity_id: str = "",
    total_contract_value: Decimal | None = None,
    overrides: Sequence[NewOverride] = (),
    subscriptions: Sequence[NewSubscription] = (),
    usage_filter: NewUsageFilter | None = None,
    multiplier_override_prioritization: str = Prioritization.LOWEST_MULTIPLIER,
    scheduled_charges_on_usage_invoices: str = "",
    renews: UUID | None = None,
    transition: str = Contract.Transition.RENEWAL,
    true_ups: str = "AS_IS",
    parent: ParentOf | None = None,
    parts: Mapping[str, Any] | None = None,
    package: Package | None = None,
) -> Contract:
    """Makes a contract; its invoices' drafts exist when this returns. Times on the hour, UTC.

    `total_contract_value`: what it is worth in all as another system has it; it is kept and shown, nothing is billed by
    it. `renews`: the contract that ends where this one begins; `transition` SUPERSEDE rolls nothing of it over, and
    `true_ups` REMOVE waives those of its postpaid commits.
    `parent`: the contract that it is a child of, and whether that one pays (contracts.services.hierarchy).
    `parts`: what apps above keep of it (contracts.parts), by field. `package`: what the terms were made of.
    Raises NotFound for an unknown customer, InvalidInput for terms that cannot be, Conflict for a used uniqueness key.
    """
    schedule = schedule or UsageStatementSchedule()
    if ending_before is not None and ending_before <= starting_at:
        raise InvalidInput("must be after starting_at", field="ending_before")
    if rate_card_id and rate_card_alias:
        raise InvalidInput("give rate_card_id or rate_card_alias, not both", field="rate_card_alias")
    if schedule.day == BillingDay.CUSTOM_DATE and schedule.billing_anchor_date is None:
        raise InvalidInput("is needed with CUSTOM_DATE", field="usage_statement_schedule.billing_anchor_date")
    if schedule.day != BillingDay.CUSTOM_DATE and schedule.billing_anchor_date is not None:
        raise InvalidInput("only with CUSTOM_DATE", field="usage_statement_schedule.billing_anchor_date")
    counted = schedule_for(
        BillingDay(schedule.day), Frequency(schedule.frequency), starting_at, schedule.billing_anchor_date
    )
    try:
        with use_case(), counted_as_one():
            customer = _locked_customer(customer_id)
            old = None if renews is None else _ending(customer, renews, starting_at, now)
            above = place(customer, asked=parent, starting_at=starting_at, renews=old)
            contract = Contract.objects.create(
                **above,
                renews=old,
                transition="" if old is None else transition,
                customer=customer,
                rate_card=_find_rate_card(rate_card_id, rate_card_alias, starting_at),
                package=package,
                name=name,
                starting_at=starting_at,
                ending_before=ending_before,
                billing_frequency=schedule.frequency,
                billing_day=schedule.day,
                billing_anchor_at=counted.boundary(0),
                invoice_generation_starting_at=schedule.invoice_generation_starting_at,
                net_payment_terms_days=net_payment_terms_days,
                multiplier_override_prioritization=multiplier_override_prioritization,
                scheduled_charges_on_usage_invoices=scheduled_charges_on_usage_invoices,
                uniqueness_key=uniqueness_key,
                custom_fields=custom_fields or {},
                netsuite_sales_order_id=netsuite_sales_order_id,
                salesforce_opportunity_id=salesforce_opportunity_id,
                total_contract_value=total_contract_value,
                created_at=now,
                created_by=audit.current_actor().label,
            )
            added = add_overrides(contract, overrides=overrides, path="overrides", now=now)
            subscribed = add_subscriptions(contract, new=subscriptions, path="subscriptions", now=now)
            _add_parts(contract, usage_filter, parts or {}, now)
            detail = {"overrides": [plain_override(row) for row in added]} | told_of(contract)
            if subscribed:
                detail["subscriptions"] = [plain_subscription(row) for row in subscribed]
            created = ContractCreated(
                **ids_of(contract),
                occurred_at=now,
                rate_card_id=contract.rate_card_id,
                starting_at=starting_at,
                ending_before=ending_before,
                override_ids=tuple(row.pk for row in added),
                subscription_ids=tuple(row.pk for row in subscribed),
            )
            record_event(contract, event=created, detail=detail)
            if old is not None:
                renewed = ContractRenewed(
                    **ids_of(contract),
                    occurred_at=now,
                    renewed_contract_id=old.pk,
                    waive_true_ups=true_ups == "REMOVE",
                    rolls_over=transition == Contract.Transition.RENEWAL,
                )
                how = {"from_contract_id": str(old.pk), "transition": transition, "true_ups": true_ups}
                record_event(contract, event=renewed, detail=how)
    except IntegrityError as error:
        if not violated(error).endswith("_uniqueness_key_once"):
            raise
        raise uniqueness_key_used() from error
    return contract


def _add_parts(
    contract: Contract, usage_filter: NewUsageFilter | None, parts: Mapping[str, Any], now: datetime
) -> None:
    if usage_filter is not None:
        usage_filters.add_usage_filter(contract, new=usage_filter, path="usage_filter", now=now)
    for part in contract_parts():
        part.create(contract, body=parts, now=now)


def _locked_customer(customer_id: UUID) -> Customer:
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotFound(f"no customer {customer_id}", field="customer_id")
    if customer.archived_at is not None:
        raise InvalidInput("the customer is archived", field="customer_id")
    return customer


def _ending(customer: Customer, contract_id: UUID, at: datetime, now: datetime) -> Contract:
    """The customer's contract that is renewed at `at`, locked and ended there."""
    where = "transition.from_contract_id"
    old = Contract.objects.select_for_update().filter(pk=contract_id, customer=customer).first()
    if old is None:
        raise InvalidInput("the customer has no such contract", field=where)
    if old.archived_at is not None:
        raise InvalidInput("the contract is archived", field=where)
    if old.starting_at >= at:
        raise InvalidInput("the new contract must start after the one it renews", field="starting_at")
    if old.ending_before is None or old.ending_before > at:
        move_end(old, ending_before=at, now=now, strict=False, field="starting_at")
    return old


def update_end_date(
    *,
    contract_id: UUID,
    customer_id: UUID,
    ending_before: datetime | None,
    now: datetime,
    allow_ending_before_finalized_invoice: bool = True,
    reason: str = "",
) -> Contract:
    """Moves a contract's end (None: open). Drafts are cut or prolonged with it; finalized invoices never change.

    What drafts and balances lose by it counts against the limit of whoever does it: raises NeedsApproval.
    """
    with use_case(), counted_as_one():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        if contract.archived_at is not None:
            raise InvalidInput("the contract is archived", field="contract_id")
        strict = not allow_ending_before_finalized_invoice
        move_end(contract, ending_before=ending_before, now=now, strict=strict, field="ending_before", reason=reason)
    return contract


def move_end(
    contract: Contract,
    *,
    ending_before: datetime | None,
    now: datetime,
    strict: bool,
    field: str,
    reason: str = "",
) -> None:
    """The part that editing shares; the caller holds the contract's lock."""
    require_transaction()
    if ending_before is not None and ending_before <= contract.starting_at:
        raise InvalidInput("must be after the contract's start", field=field)
    before = contract.ending_before
    moved = ContractEndChanged(
        **ids_of(contract),
        occurred_at=now,
        previous_ending_before=before,
        ending_before=ending_before,
        strict=strict,
    )
    detail = {"from": before and before.isoformat(), "to": ending_before and ending_before.isoformat()}
    earlier = ending_before is not None and (before is None or ending_before < before)
    with counting_lost_drafts(contract, act="contract.change_end", now=now) if earlier else nullcontext():
        contract.ending_before = ending_before
        contract.save(update_fields=["ending_before"])
        record_event(contract, event=moved, detail=detail | {"strict": strict}, reason=reason)


def archive_contract(
    *, contract_id: UUID, customer_id: UUID, void_invoices: bool, now: datetime, reason: str = ""
) -> Contract:
    """Ends a contract for good: its drafts are cancelled, its finalized invoices voided if asked for.

    What its drafts billed so far, what is left on its balances and what becomes void counts as one against the limit of
    whoever does it: raises NeedsApproval.
    """
    with use_case(), counted_as_one():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        if contract.archived_at is not None:
            raise Conflict("the contract is archived already")
        archive_locked(contract, void_invoices=void_invoices, now=now, reason=reason)
    return contract


def archive_contracts_of_customer(event: CustomerArchived) -> None:
    """Reaction: all contracts end with their customer, invoices void."""
    require_transaction()
    rows = (
        Contract.objects.select_for_update()
        .filter(customer_id=event.customer_id, archived_at__isnull=True)
        .order_by("pk")
    )
    for contract in rows:
        archive_locked(contract, void_invoices=True, now=event.occurred_at)


def archive_locked(contract: Contract, *, void_invoices: bool, now: datetime, reason: str = "") -> None:
    """The part that both ways of archiving share; the caller holds the contract's lock."""
    require_transaction()
    refuse_to_leave_children(contract)
    with counting_lost_drafts(contract, act="contract.archive", now=now):
        contract.archived_at = now
        contract.save(update_fields=["archived_at"])
        archived = ContractArchived(**ids_of(contract), occurred_at=now, void_invoices=void_invoices)
        record_event(contract, event=archived, detail={"void_invoices": void_invoices}, reason=reason)


def _find_rate_card(rate_card_id: UUID | None, alias: str | None, starting_at: datetime) -> RateCard | None:
    """The card of this id, or the one that the alias points at when the contract starts."""
    if rate_card_id is not None:
        card = RateCard.objects.filter(pk=rate_card_id).first()
        if card is None:
            raise InvalidInput("no such rate card", field="rate_card_id")
        if card.archived_at is not None:
            raise InvalidInput("the rate card is archived", field="rate_card_id")
        return card
    if alias is None:
        return None
    pointing = (
        RateCardAlias.objects.select_related("rate_card")
        .filter(name=alias, rate_card__archived_at__isnull=True)
        .filter(Q(starting_at__isnull=True) | Q(starting_at__lte=starting_at))
        .filter(Q(ending_before__isnull=True) | Q(ending_before__gt=starting_at))
        .order_by("-id")
        .first()
    )
    if pointing is None:
        raise InvalidInput("no rate card has this alias when the contract starts", field="rate_card_alias")
    return pointing.rate_card
