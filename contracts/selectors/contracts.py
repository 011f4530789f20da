"""Reads of contracts."""

from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from contracts.models import Contract
from contracts.selectors.overrides import with_overrides
from core.errors import NotFound
from engine.calendar import BillingSchedule, Frequency


def list_contracts(
    *,
    customer_id: UUID,
    covering_date: datetime | None = None,
    starting_at: datetime | None = None,
    include_archived: bool = False,
) -> QuerySet[Contract]:
    """A customer's contracts. `covering_date`: those in force then; `starting_at`: those that start then or later."""
    rows = with_overrides(Contract.objects.filter(customer_id=customer_id).select_related("rate_card", "customer"))
    return _filtered(rows, covering_date, starting_at, include_archived)


def contracts_on_package(
    *,
    package_id: UUID,
    covering_date: datetime | None = None,
    starting_at: datetime | None = None,
    include_archived: bool = False,
) -> QuerySet[Contract]:
    """The contracts that were made of a package, with the filters of `list_contracts`."""
    rows = Contract.objects.filter(package_id=package_id)
    return _filtered(rows, covering_date, starting_at, include_archived)


def _filtered(
    rows: QuerySet[Contract], covering_date: datetime | None, starting_at: datetime | None, include_archived: bool
) -> QuerySet[Contract]:
    if not include_archived:
        rows = rows.filter(archived_at__isnull=True)
    if covering_date is not None:
        rows = rows.filter(starting_at__lte=covering_date).filter(
            Q(ending_before__isnull=True) | Q(ending_before__gt=covering_date)
        )
    if starting_at is not None:
        rows = rows.filter(starting_at__gte=starting_at)
    return rows


def get_contract(*, contract_id: UUID, customer_id: UUID | None = None) -> Contract:
    """One contract. Raises NotFound for an unknown id and, alike, for another customer's."""
    rows = with_overrides(Contract.objects.select_related("rate_card", "customer"))
    return find_contract(rows, contract_id, customer_id)


def find_contract(rows: QuerySet[Contract], contract_id: UUID, customer_id: UUID | None) -> Contract:
    """The contract among `rows`, of this customer if one is given. Raises NotFound."""
    rows = rows.filter(pk=contract_id) if customer_id is None else rows.filter(pk=contract_id, customer_id=customer_id)
    contract = rows.first()
    if contract is None:
        raise NotFound(f"no contract {contract_id}", field="contract_id")
    return contract


def payer_of(contract: Contract, at: datetime) -> UUID:  # noqa: ARG001 - who pays may change with time
    """The customer whose balances pay this contract's bills at an instant, and who is sent them: the paying account.

    Every lock, drawdown order and change note that concerns money goes by this id, usage by the contract's customer.
    """
    return contract.paying_customer_id or contract.customer_id


def billing_schedule(contract: Contract) -> BillingSchedule:
    """The engine's schedule of a contract's billing periods."""
    anchor = contract.billing_anchor_at
    return BillingSchedule(
        Frequency(contract.billing_frequency), date(anchor.year, anchor.month, anchor.day), anchor.hour
    )
