"""Balances as they stand now: what running drafts draw is taken off."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from balances.models import Balance
from balances.selectors.live import Live, Pending, live_balances
from billing.open_periods import OpenBillingPeriods
from engine.balances import BalanceSegment
from engine.money import ZERO, add, subtract, total


@dataclass(frozen=True, slots=True)
class BalanceFilter:
    """Which balances count; conditions that are given must all hold."""

    kinds: Collection[str] = ()
    ids: Collection[UUID] = ()
    custom_fields: Mapping[str, str] = field(default_factory=dict)


def pending_draws(*, payer_id: UUID) -> Pending:
    """What the account's open periods would draw if they closed now, by segment."""
    return OpenBillingPeriods(payer_id).pending()


def priced_product_tags(*, payer_id: UUID) -> dict[str, frozenset[str]]:
    """The tags of the products that the account's open periods price, by product id: a drawdown counts by them."""
    return OpenBillingPeriods(payer_id).product_tags()


def balances_now(*, customer_id: UUID, balances: Sequence[Balance], now: datetime) -> Mapping[UUID, Live]:
    """What is left of each of the customer's balances, and its ledger. Drafts are composed only if there are any."""
    return live_balances(balances, pending_draws(payer_id=customer_id) if balances else {}, now=now)


def net_balance(
    *,
    customer_id: UUID,
    now: datetime,
    credit_type_id: UUID | None,
    access_type: str,
    filters: Sequence[BalanceFilter] = (),
    with_drafts: bool = True,
) -> Decimal:
    """What can be drawn now from all balances that any filter matches, of customer and contracts alike."""
    chosen = None if not filters else [_condition(customer_id, one) for one in filters]

    def counts(segment: BalanceSegment) -> bool:
        return (
            segment.access_type == access_type
            and (credit_type_id is None or segment.unit == str(credit_type_id))
            and (chosen is None or any(is_meant(segment) for is_meant in chosen))
        )

    return left_now(OpenBillingPeriods(customer_id), counts, now=now, with_drafts=with_drafts)


def left_now(
    account: OpenBillingPeriods,
    counts: Callable[[BalanceSegment], bool],
    *,
    now: datetime,
    with_drafts: bool = True,
) -> Decimal:
    """What can be drawn now from those of the account's segments that count, by what its drafts draw."""
    found = [
        segment
        for segment in account.segments
        if segment.starting_at <= now
        and (segment.ending_before is None or now < segment.ending_before)
        and counts(segment)
    ]
    pending = account.pending() if found and with_drafts else {}
    left = ZERO
    for segment in found:
        drawn = total(draw.amount for draw in pending.get(UUID(segment.segment_id), ()))
        left = add(left, max(subtract(segment.available, drawn), ZERO))
    return left


def _condition(customer_id: UUID, one: BalanceFilter) -> Callable[[BalanceSegment], bool]:
    ids = None if not one.ids else {str(id_) for id_ in one.ids}
    if one.custom_fields:
        rows = Balance.objects.filter(customer_id=customer_id, custom_fields__contains=dict(one.custom_fields))
        named = {str(id_) for id_ in rows.values_list("pk", flat=True)}
        ids = named if ids is None else ids & named
    return lambda segment: (not one.kinds or segment.kind in one.kinds) and (ids is None or segment.balance_id in ids)
