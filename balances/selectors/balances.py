"""Reads of commits and credits with their schedules and ledgers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Prefetch, Q, QuerySet

from balances.models import Balance, LedgerEntry, RecurringGrant, Segment
from core.errors import NotFound
from customers.test_clocks import in_our_time
from engine.money import total


def balance_rows() -> QuerySet[Balance]:
    """Commits and credits with access, units and products: three queries, however many there are."""
    return Balance.objects.select_related(
        "product", "credit_type", "invoice_credit_type", "contract", "rolled_over_from", "recurring"
    ).prefetch_related(
        "product__versions",
        Prefetch("segments", queryset=Segment.objects.filter(removed_at__isnull=True)),
    )


def recurring_rows() -> QuerySet[RecurringGrant]:
    """Recurring commits and credits with units and products."""
    return RecurringGrant.objects.select_related(
        "product", "credit_type", "invoice_credit_type", "contract"
    ).prefetch_related("product__versions")


def overdue_grants(now: datetime) -> QuerySet[RecurringGrant]:
    """Recurring grants that have balances to issue, or to look at: the sweep sees to them."""
    return RecurringGrant.objects.filter(next_child_at__lte=now, archived_at__isnull=True)


def next_grant_at(*, after: datetime) -> datetime | None:
    """When the next balances of a recurring grant are due, after that time."""
    rows = RecurringGrant.objects.filter(in_our_time("contract__customer_id"), archived_at__isnull=True)
    at: datetime | None = rows.filter(next_child_at__gt=after).aggregate(at=Min("next_child_at"))["at"]
    return at


def find_balance(*, balance_id: UUID, customer_id: UUID, kinds: Sequence[str] = (), field: str = "id") -> Balance:
    """A commit or credit of this customer. Raises NotFound, alike for an unknown id and another customer's."""
    rows = Balance.objects.filter(pk=balance_id, customer_id=customer_id)
    found = (rows.filter(kind__in=kinds) if kinds else rows).first()
    if found is None:
        raise NotFound(f"no such commit or credit: {balance_id}", field=field)
    return found


def filter_balances(
    *,
    customer_id: UUID,
    kinds: Sequence[str] = (),
    balance_id: UUID | None = None,
    access_type: str | None = None,
    covering_date: datetime | None = None,
    starting_at: datetime | None = None,
    effective_before: datetime | None = None,
    include_contract: bool = False,
    include_archived: bool = False,
) -> QuerySet[Balance]:
    """A customer's balances. The dates leave those with access then, at that time or later, and before that time."""
    rows = balance_rows().filter(customer_id=customer_id)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if balance_id is not None:
        rows = rows.filter(pk=balance_id)
    if access_type is not None:
        rows = rows.filter(access_type=access_type)
    if not include_contract:
        rows = rows.filter(contract__isnull=True)
    if not include_archived:
        rows = rows.filter(archived_at__isnull=True)
    times: list[dict[str, Any]] = []
    if covering_date is not None:
        times.append({"starting_at__lte": covering_date, "ending_before__gt": covering_date})
    if starting_at is not None:
        times.append({"ending_before__gt": starting_at})
    if effective_before is not None:
        times.append({"starting_at__lt": effective_before})
    for asked in times:
        rows = rows.filter(Exists(Segment.objects.filter(owner=OuterRef("pk"), removed_at__isnull=True, **asked)))
    return rows


def drawn_by_invoice(invoice_id: UUID) -> list[tuple[Balance, Decimal]]:
    """What an invoice drew and has not given back: balances by name, each with its amount above 0, as stored."""
    kinds = [LedgerEntry.Kind.AUTOMATED_INVOICE_DEDUCTION, LedgerEntry.Kind.TRUEUP]
    rows = LedgerEntry.objects.filter(invoice_id=invoice_id, kind__in=kinds, reversed_by__isnull=True, amount__lt=0)
    found: dict[Balance, list[Decimal]] = {}
    for row in rows.select_related("segment__owner__credit_type").prefetch_related("segment__owner__product__versions"):
        found.setdefault(row.segment.owner, []).append(row.amount.copy_negate())
    return sorted(((owner, total(amounts)) for owner, amounts in found.items()), key=lambda one: one[0].name)


def entries_of(balances: Iterable[Balance], *, now: datetime) -> dict[UUID, list[LedgerEntry]]:
    """The posted entries of segments that have begun, by balance, in order of time. One query."""
    rows = LedgerEntry.objects.filter(
        Q(segment__starting_at__lte=now), segment__owner__in=list(balances), segment__removed_at__isnull=True
    )
    found: dict[UUID, list[LedgerEntry]] = {}
    for row in rows.select_related("segment").order_by("effective_at", "id"):
        found.setdefault(row.segment.owner_id, []).append(row)
    return found
