"""Balances as they stand now: what running drafts draw is taken off."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from balances.models import Balance, Segment
from balances.selectors.live import Live, Pending, live_balances, usable
from engine.money import ZERO, add
from invoices.running import Running


@dataclass(frozen=True, slots=True)
class BalanceFilter:
    """Which balances count; conditions that are given must all hold."""

    kinds: Collection[str] = ()
    ids: Collection[UUID] = ()
    custom_fields: Mapping[str, str] = field(default_factory=dict)


def pending_draws(*, customer_id: UUID) -> Pending:
    """What the customer's drafts would draw if they were final now, by segment."""
    return Running(customer_id).pending()


def balances_now(*, customer_id: UUID, balances: Sequence[Balance], now: datetime) -> Mapping[UUID, Live]:
    """What is left of each of the customer's balances, and its ledger. Drafts are composed only if there are any."""
    return live_balances(balances, pending_draws(customer_id=customer_id) if balances else {}, now=now)


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
    rows = Segment.objects.filter(
        owner__customer_id=customer_id, owner__archived_at__isnull=True, owner__access_type=access_type,
        removed_at__isnull=True, starting_at__lte=now, ending_before__gt=now,
    ).only("starting_at", "ending_before", "balance")  # fmt: skip
    if credit_type_id is not None:
        rows = rows.filter(owner__credit_type_id=credit_type_id)
    if filters:
        wanted = Q(pk__in=())
        for one in filters:
            wanted |= _condition(one)
        rows = rows.filter(wanted)
    found = list(rows)
    pending = pending_draws(customer_id=customer_id) if found and with_drafts else {}
    left = ZERO
    for segment in found:
        left = add(left, usable(segment, pending, now=now))
    return left


def _condition(one: BalanceFilter) -> Q:
    asked = Q()
    if one.kinds:
        asked &= Q(owner__kind__in=one.kinds)
    if one.ids:
        asked &= Q(owner_id__in=one.ids)
    if one.custom_fields:
        asked &= Q(owner__custom_fields__contains=dict(one.custom_fields))
    return asked
