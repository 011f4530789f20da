"""What a change does to an account's drafts and balances: both read before and after it, by the draft's own code."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from balances.models import Balance
from balances.selectors.live import usable
from billing.compute import ComputedInvoice, compute_each
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from billing.selectors.live_balances import pending_draws
from billing.types import LineView
from contracts.models import Contract
from core.errors import TactusError
from engine.errors import InvalidTerms
from engine.money import total


@dataclass(frozen=True, slots=True)
class _Standing:
    """Drafts in order of time with what they come to (None: cannot be computed), and what can be drawn by balance."""

    drafts: Mapping[UUID, tuple[BillingPeriod, ComputedInvoice | None]]
    balances: Mapping[UUID, Decimal | None]
    archived: frozenset[UUID]
    contracts: frozenset[UUID]


@contextmanager
def foresee(customer_id: UUID, at: datetime) -> Iterator[dict[str, Any]]:
    """Fills the dict when the block ends: what it did to the drafts and balances of the customer and of whoever pays
    for its contracts, all as they stand at `at`. To be used in the transaction of the change.
    """
    found: dict[str, Any] = {}
    before = _standing(customer_id, at)
    yield found
    after = _standing(customer_id, at)
    everyone = {**after.drafts, **before.drafts}
    found["invoices"] = [_invoice(before, after, id_) for id_ in everyone]
    found["balances"] = [
        {"id": id_ if id_ in before.balances else None, "before": before.balances.get(id_), "after": left}
        for id_, left in after.balances.items()
        if id_ not in after.archived or id_ not in before.archived
    ]


def _standing(customer_id: UUID, at: datetime) -> _Standing:
    open_rows = BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN)
    payers = {customer_id, *open_rows.filter(customer_id=customer_id).values_list("payer_id", flat=True)}
    wanted = period_rows().filter(payer_id__in=payers, state=BillingPeriod.State.OPEN)
    rows = list(wanted.order_by("period_start", "period_end", "created_at", "id"))
    computed = compute_each(rows, at=at)
    held: dict[UUID, list[Balance]] = {}
    for balance in Balance.objects.filter(customer_id__in=payers).prefetch_related("segments").order_by("created_at"):
        held.setdefault(balance.customer_id, []).append(balance)
    balances: dict[UUID, Decimal | None] = {}
    for payer_id, mine in held.items():
        balances |= _left(payer_id, mine, at)
    return _Standing(
        {row.pk: (row, computed[row.pk]) for row in rows},
        balances,
        frozenset(row.pk for each in held.values() for row in each if row.archived_at is not None),
        frozenset(Contract.objects.filter(customer_id=customer_id).values_list("pk", flat=True)),
    )


def _left(payer_id: UUID, balances: list[Balance], at: datetime) -> dict[UUID, Decimal | None]:
    """What can be drawn from each; None where a draft that may draw cannot be computed."""
    try:
        pending = pending_draws(payer_id=payer_id)
    except (TactusError, InvalidTerms):
        return {row.pk: None for row in balances}
    return {
        row.pk: total(
            usable(segment, pending, now=at) for segment in (row.segments.all() if row.archived_at is None else ())
        )
        for row in balances
    }


def _invoice(before: _Standing, after: _Standing, id_: UUID) -> dict[str, Any]:
    was, becomes = before.drafts.get(id_), after.drafts.get(id_)
    row = before.drafts[id_][0] if becomes is None else becomes[0]
    known = row.contract_id in before.contracts or was is not None
    return {
        "type": row.type,
        "credit_type_id": row.credit_type_id,
        "contract_id": row.contract_id if known else None,
        "before": was and _draft(*was, id_),
        "after": becomes and _draft(*becomes, id_ if was else None),
        "lines": _changed_lines(was and was[1], becomes and becomes[1]),
    }


def _draft(row: BillingPeriod, computed: ComputedInvoice | None, id_: UUID | None) -> dict[str, Any]:
    return {
        "id": id_,
        "start_timestamp": row.period_start,
        "end_timestamp": row.period_end,
        "total": None if computed is None else computed.total,
    }


def _changed_lines(before: ComputedInvoice | None, after: ComputedInvoice | None) -> list[dict[str, Any]]:
    was = {line.id: line for line in before.lines} if before else {}
    becomes = {line.id: line for line in after.lines} if after else {}
    found = []
    for id_, line in {**was, **becomes}.items():
        old, new = _amounts(was.get(id_)), _amounts(becomes.get(id_))
        if old != new:
            about = {"name": line.name, "type": line.type, "product_id": line.product_id}
            found.append(about | {"before": old, "after": new})
    return found


def _amounts(line: LineView | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"quantity": line.quantity, "unit_price": line.unit_price, "total": line.total}
