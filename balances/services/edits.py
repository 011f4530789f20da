"""Changes of commits and credits. Grants are corrected by entries; what a final invoice holds never changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from balances.models import Balance, LedgerEntry, Segment
from balances.selectors.balances import find_balance
from balances.services.catalogue import Catalogue, named_products
from balances.services.child_access import check_child_access
from balances.services.events import record_archived, record_changed, record_edited
from balances.services.given import counting_changes
from balances.services.ledger import expire_segments, lock_balances
from balances.services.purchases import purchases_for
from balances.services.schedules import (
    DEDUCTION,
    change_access,
    change_invoices,
    check_schedules,
    count_left,
    cut_segment,
    end_access,
)
from charges.selectors import list_charges, terms_of
from charges.services import ScheduleChange, cancel_charges, describe_charges, is_open, reprice_charge
from charges.services.schedules import take_back
from contracts.events import ContractArchived, ContractEndChanged
from contracts.models import Contract
from contracts.selectors import payer_of
from contracts.services import lock_contract
from core.approvals import counted_as_one
from core.errors import Conflict, InvalidInput
from core.transactions import require_transaction, use_case
from customers.events import CustomerArchived
from engine.charge_states import ChargeState
from engine.errors import InvalidTerms

COMMITS = (Balance.Kind.PREPAID, Balance.Kind.POSTPAID)
CREDITS = (Balance.Kind.CREDIT,)
SIMPLE = ("name", "description", "priority", "product_id", "rate_type", "rollover_fraction", "netsuite_sales_order_id")
SCOPE = ("applicable_product_ids", "applicable_product_tags", "specifiers")
COLUMNS = {"product_id": "product"}
INVOICED = ("invoice_contract", "invoice_credit_type")


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What changes in a commit or credit. `fields`: columns of it by name; None empties a scope."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    access: ScheduleChange | None = None
    invoices: ScheduleChange | None = None


def edit_balance(*, balance_id: UUID, customer_id: UUID, commit: bool, change: BalanceChange, now: datetime) -> Balance:
    """Changes a commit (or credit) of a customer or of one of its contracts; drafts follow at once.

    Raises NotFound, InvalidInput naming the field, Conflict for what final invoices hold.
    """
    with use_case(), counted_as_one():
        balance = _locked(
            balance_id, customer_id, COMMITS if commit else CREDITS, "commit_id" if commit else "credit_id"
        )
        try:
            known = catalogue_of([(balance, change)])
            with counting_changes(balance, field="access_schedule", now=now):
                changed = change_locked(balance, change=change, known=known, now=now)
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=error.field) from error
        balance.save()
        tell_changed([(balance, changed)], now=now)
    return balance


def update_end_date(
    *,
    balance_id: UUID,
    customer_id: UUID,
    commit: bool,
    now: datetime,
    access_ending_before: datetime | None = None,
    invoices_ending_before: datetime | None = None,
) -> Balance:
    """Ends access, and what is invoiced, at these times: later segments and instalments are taken out.

    Only a prolonged last segment grows. Raises as `edit_balance`; InvalidInput for a postpaid commit.
    """
    with use_case(), counted_as_one():
        balance = _locked(
            balance_id, customer_id, COMMITS if commit else CREDITS, "commit_id" if commit else "credit_id"
        )
        if balance.kind == Balance.Kind.POSTPAID:
            raise InvalidInput("only prepaid commits end early", field="commit_id")
        with counting_changes(balance, field="access_ending_before", now=now):
            if access_ending_before is not None:
                end_access(balance, end=access_ending_before, now=now)
            if invoices_ending_before is not None:
                for charge in purchases_for(balance):
                    if charge.invoice_at >= invoices_ending_before:
                        take_back(charge, where="invoices_ending_before", now=now)
        record_edited(
            balance,
            now=now,
            access_ending_before=access_ending_before,
            invoices_ending_before=invoices_ending_before,
        )
    return balance


def archive_balance(*, balance_id: UUID, customer_id: UUID, commit: bool, now: datetime) -> Balance:
    """Ends a commit or credit for good: what is left expires, nothing more is invoiced for it.

    Raises NotFound, Conflict while a final invoice draws from it or charges for it: those must be void first.
    """
    with use_case(), counted_as_one():
        balance = _locked(
            balance_id, customer_id, COMMITS if commit else CREDITS, "commit_id" if commit else "credit_id"
        )
        archive_locked([balance], now=now)
    return balance


def archive_locked(balances: Sequence[Balance], *, now: datetime) -> None:
    """The part that editing a contract shares; contract and balances are locked. Raises Conflict."""
    require_transaction()
    drawn = LedgerEntry.objects.filter(segment__owner__in=balances, kind=DEDUCTION, reversed_by__isnull=True)
    if drawn.exists():
        raise Conflict("a finalized invoice draws from it; make that void first")
    _archive(balances, now=now, strict=True, act="balance.archive")


def archive_balances_of_contract(event: ContractArchived) -> None:
    """Reaction: its commits and credits expire with it."""
    require_transaction()
    contract = lock_contract(contract_id=event.contract_id)
    lock_balances(payer_of(contract, event.occurred_at))
    rows = Balance.objects.filter(contract=contract, archived_at__isnull=True)
    _archive(list(rows.order_by("pk")), now=event.occurred_at, strict=False, act="contract.archive")
    contract.recurring_grants.filter(archived_at__isnull=True).update(archived_at=event.occurred_at, next_child_at=None)


def archive_balances_of_customer(event: CustomerArchived) -> None:
    """Reaction: what is the customer's own expires."""
    require_transaction()
    lock_balances(event.customer_id)
    rows = Balance.objects.filter(customer_id=event.customer_id, contract__isnull=True, archived_at__isnull=True)
    _archive(list(rows.order_by("pk")), now=event.occurred_at, strict=False, act="customer.archive")


def end_with_contract(event: ContractEndChanged) -> None:
    """Reaction: no access to the contract's own balances after an earlier end.

    A later end brings nothing back: extending a contract moves its end only.
    """
    require_transaction()
    contract = lock_contract(contract_id=event.contract_id)
    if contract.ending_before is None:
        return
    lock_balances(payer_of(contract, event.occurred_at))
    balances = Balance.objects.filter(contract=contract, archived_at__isnull=True).order_by("pk").in_bulk()
    late = Segment.objects.filter(
        owner__in=list(balances), removed_at__isnull=True, ending_before__gt=contract.ending_before
    )
    cut = list(late.select_related("owner__credit_type").order_by("owner_id", "starting_at", "id"))
    prepaid = [segment for segment in cut if segment.owner.kind != Balance.Kind.POSTPAID]  # true-ups are drafts'
    count_left(prepaid, act="contract.change_end", now=event.occurred_at)
    for segment in cut:
        cut_segment(segment, end=contract.ending_before, now=event.occurred_at)
    canceled = []
    for balance_id, charges in list_charges(source_ids=list(balances)).items():
        for charge in charges:
            if charge.invoice_at <= contract.ending_before or not is_open(charge):
                continue
            if balances[balance_id].kind == Balance.Kind.POSTPAID:
                reprice_charge(charge, terms=replace(terms_of(charge), invoice_at=contract.ending_before))
            else:
                canceled.append(charge)
    cancel_charges(charges=canceled, now=event.occurred_at)


def catalogue_of(changes: Iterable[tuple[Balance, BalanceChange]]) -> Catalogue:
    """The products that balances name as they are and as they will be, read at once."""
    named: list[UUID | str] = []
    for balance, change in changes:
        named += named_products(product_ids=balance.applicable_product_ids, specifiers=balance.specifiers)
        named += named_products(
            product_ids=change.fields.get("applicable_product_ids") or (),
            specifiers=change.fields.get("specifiers") or (),
        )
        if "product_id" in change.fields:
            named.append(change.fields["product_id"])
    return Catalogue(unit_ids=(), product_ids=named)


def change_locked(balance: Balance, *, change: BalanceChange, known: Catalogue, now: datetime) -> tuple[str, ...]:
    """The part that editing a contract shares; contract and balances are locked. `known`: `catalogue_of` the changes.

    The caller saves the balance, and hands what this returns to `tell_changed`. Raises InvalidTerms.
    """
    require_transaction()
    if balance.archived_at is not None:
        raise InvalidTerms("it is archived", "commit_id" if balance.kind in COMMITS else "credit_id")
    if balance.rolled_over_from_id is not None:
        raise InvalidTerms("what was rolled over cannot be edited", "commit_id")
    _change_fields(balance, change.fields, known)
    if change.access is not None:
        change_access(balance, change=change.access, now=now)
    if change.invoices is not None:
        change_invoices(balance, change=change.invoices, now=now)
    if change.access is not None or change.invoices is not None:
        check_schedules(balance)
    return tuple(sorted(change.fields))


def save_changed(balances: Iterable[Balance]) -> None:
    """What `change_locked` changed in a contract's own balances, in one statement; none for none."""
    columns = (*(COLUMNS.get(name, name) for name in SIMPLE), *SCOPE, "cost_basis", "child_access", *INVOICED)
    Balance.objects.bulk_update(balances, columns, batch_size=500)


def tell_changed(changed: Sequence[tuple[Balance, tuple[str, ...]]], *, now: datetime) -> None:
    """What saved balances are charged for is called as they are; and the world is told, in this order."""
    renamed = [balance for balance, names in changed if {"name", "product_id"} & {*names}]
    describe_charges(described={balance.pk: (balance.product_id, balance.name) for balance in renamed})
    record_changed(changed, now=now)


def _locked(balance_id: UUID, customer_id: UUID, kinds: tuple[str, ...], name: str) -> Balance:
    """The balance after its contract's lock and the customer's balances."""
    found = find_balance(balance_id=balance_id, customer_id=customer_id, kinds=kinds, field=name)
    contracts = [pk for pk in (found.contract_id, found.invoice_contract_id) if pk is not None]
    for contract in Contract.objects.select_for_update().filter(pk__in=contracts).order_by("pk"):
        if contract.archived_at is not None and contract.pk == found.contract_id:
            raise InvalidInput("the contract is archived", field=name)
    lock_balances(customer_id)
    found.refresh_from_db()
    if found.archived_at is not None:
        raise InvalidInput("it is archived", field=name)
    return found


def _change_fields(balance: Balance, fields: Mapping[str, Any], known: Catalogue) -> None:
    for name in fields.keys() & {*SIMPLE}:
        setattr(balance, name, fields[name])
    for name in fields.keys() & {*SCOPE}:
        setattr(balance, name, list(fields[name] or ()))
    if balance.specifiers and (balance.applicable_product_ids or balance.applicable_product_tags):
        raise InvalidTerms("specifiers exclude applicable products and tags", "specifiers")
    if "product_id" in fields:
        known.check_product(balance.product_id)
    known.check_scope(product_ids=balance.applicable_product_ids, specifiers=balance.specifiers)
    if "child_access" in fields:
        balance.child_access = fields["child_access"]
        check_child_access(balance.child_access, customer_id=balance.customer_id, contract_id=balance.contract_id)
    if "applicable_contract_ids" in fields:
        _change_contracts(balance, fields["applicable_contract_ids"])


def _change_contracts(balance: Balance, asked: list[str] | None) -> None:
    where = "applicable_contract_ids"
    if balance.contract_id is not None or balance.kind == Balance.Kind.POSTPAID:
        raise InvalidTerms("only a customer's own prepaid balances", where)
    own = Contract.objects.filter(customer_id=balance.customer_id, paying_customer__isnull=True)
    known = {str(pk) for pk in own.values_list("pk", flat=True)}
    if asked is not None and not set(asked) <= known:
        raise InvalidTerms("the customer has no such contract that it pays for itself", where)
    balance.applicable_contract_ids = asked


def _archive(balances: Sequence[Balance], *, now: datetime, strict: bool, act: str) -> None:
    """As many statements for many as for one. What is left counts as `act` of whoever does it.

    Of postpaid commits only where they alone are archived: else the drafts that are dropped have it as their true-up.
    """
    standing = list_charges(source_ids=[balance.pk for balance in balances])
    charges = [charge for balance in balances for charge in standing.get(balance.pk, ())]
    if strict and any(charge.state == ChargeState.INVOICED.value for charge in charges):
        raise Conflict("a finalized invoice charges for it; make that void first")
    cancel_charges(charges=[charge for charge in charges if is_open(charge)], now=now)
    rows = Segment.objects.filter(owner__in=balances, removed_at__isnull=True, balance__gt=0)
    left = list(rows.select_related("owner__credit_type").order_by("owner_id", "starting_at", "id"))
    count_left([row for row in left if strict or row.owner.kind != Balance.Kind.POSTPAID], act=act, now=now)
    expire_segments(left, at=now, now=now, reason="archived")
    for balance in balances:
        balance.archived_at = now
    Balance.objects.filter(pk__in=[balance.pk for balance in balances]).update(archived_at=now)
    record_archived(balances, now=now)
