"""Rollover: a share of a balance goes on as a new one of the renewing contract, and is drawn before all others."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from balances.models import Balance, LedgerEntry, Segment
from balances.services.grants import Grant, UnwrittenBalance, write_balances
from balances.services.ledger import append, entry
from contracts.models import Contract
from core.transactions import require_transaction
from engine.money import ZERO, add, total
from engine.schedules import ScheduleItem

_KEPT = (
    "kind", "product_id", "name", "description", "priority", "credit_type_id", "access_type", "rate_type",
    "applicable_product_ids", "applicable_product_tags", "specifiers", "cost_basis", "custom_fields",
)  # fmt: skip


def roll_balance(
    origin: Balance, *, contract: Contract, shares: Sequence[tuple[UUID, Decimal]], end: datetime, now: datetime
) -> Balance:
    """Takes (segment, amount) off the origin's segments and grants their sum on `contract` until `end`.

    What was one seat's stays its own. The caller holds the contract's lock and the customer's balances.
    """
    require_transaction()
    segments = Segment.objects.in_bulk([segment_id for segment_id, _ in shares])
    append(
        entry(
            segments[segment_id],
            kind=LedgerEntry.Kind.ROLLOVER,
            amount=amount.copy_negate(),
            at=contract.starting_at,
            now=now,
            contract=contract,
        )
        for segment_id, amount in shares
    )
    rolled = Balance(
        customer_id=origin.customer_id,
        contract=contract,
        rolled_over_from=origin,
        created_at=contract.starting_at,
        **{name: getattr(origin, name) for name in _KEPT},
    )
    items = []
    if rolled.kind == Balance.Kind.POSTPAID:  # what is owed goes on, and is trued up at the end
        items.append(ScheduleItem(end, total(amount for _, amount in shares)))
        rolled.invoice_contract = contract
        rolled.invoice_credit_type_id = origin.invoice_credit_type_id
    by_seat: dict[tuple[str, str], Decimal] = {}
    for segment_id, amount in shares:
        seat = segments[segment_id].seat_group_key, segments[segment_id].seat_id
        by_seat[seat] = add(by_seat.get(seat, ZERO), amount)
    grants = [Grant(amount, contract.starting_at, end, seat=seat) for seat, amount in by_seat.items()]
    write_balances([UnwrittenBalance(rolled, grants, items)], now=now)
    return rolled
