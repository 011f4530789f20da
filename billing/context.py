"""What a paying account's open periods are made by, usage excepted: agreements and bookings change it, events do not.

Kept in the process until the database says that the customer or the catalog has changed (a `SnapshotCache`): a live
balance then costs reading quantities and composing. See docs/adr/0016.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from balances.selectors import engine_segments
from billing.models import BillingPeriod
from billing.subscription_billing import SubscriptionBilling
from billing.terms import Terms, terms_of
from catalog.selectors import CATALOG_CHANGES
from core.errors import TactusError
from core.postgres.snapshot_cache import SnapshotCache
from customers.selectors import customer_changes
from engine.balances import BalanceSegment
from engine.errors import InvalidTerms
from engine.terms import SubscriptionTerms
from engine.usage import UsageRow
from usage.selectors import UsageQuery, get_usage, refs_of

logger = logging.getLogger(__name__)

DrawingOrder = tuple[datetime, datetime, str, datetime]


@dataclass(frozen=True, slots=True)
class BillingContext:
    """Of one paying account: the balance segments that hold anything, and its open periods that may draw on them.

    By period: the subscription charges that stand on it, and its terms without balances; a period whose terms cannot be
    had is missing there, and whoever needs them hears why. `refs`: the names in events of each customer billed there.
    """

    refs: Mapping[UUID, tuple[str, ...]]
    segments: tuple[BalanceSegment, ...]
    periods: tuple[BillingPeriod, ...]
    charges: Mapping[UUID, tuple[SubscriptionTerms, ...]]
    terms: Mapping[UUID, Terms]

    def usage(self, customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        """The usage that is stored under the customer's names."""
        return get_usage(customer_id=customer_id, queries=queries, refs=self.refs.get(customer_id, ()))


def context_of(payer_id: UUID) -> BillingContext:
    """The account's context of this moment; one statement while nothing of it changes."""
    kept = _CONTEXTS.get(payer_id, lambda: _read(payer_id), CATALOG_CHANGES, customer_changes(payer_id))
    # what children agree on is noted for themselves, not for who pays for them: read afresh
    return kept if kept.refs.keys() == {payer_id} else _read(payer_id)


def drawing_order(period: BillingPeriod) -> DrawingOrder:
    """The order in which open periods draw on balances, and in which they close (docs/algorithms/balances.md)."""
    return period.period_end, period.contract.starting_at, str(period.contract_id), period.period_start


DRAWING_ORDER = ("period_end", "contract__starting_at", "contract_id", "period_start")
"""`drawing_order` for the database."""


def open_periods(payer_id: UUID, before: BillingPeriod | None = None) -> list[BillingPeriod]:
    """The account's open periods that may draw, in no order; with `before` those whose turn comes earlier. One query.

    Of the SCHEDULED ones those of contracts with subscriptions: balances pay no purchases.
    """
    rows = BillingPeriod.objects.select_related("contract__rate_card__fiat_credit_type", "credit_type").filter(
        payer_id=payer_id, state=BillingPeriod.State.OPEN
    )
    rows = rows.filter(Q(type=BillingPeriod.Type.USAGE) | Q(contract__has_subscriptions=True))
    return list(rows if before is None else rows.filter(_earlier(before)))


def _earlier(period: BillingPeriod) -> Q:
    """What comes before a period in the drawing order."""
    end, began, contract_id, start = drawing_order(period)
    same_contract = Q(contract_id=contract_id, period_start__lt=start)
    same_start = Q(contract__starting_at=began) & (Q(contract_id__lt=contract_id) | same_contract)
    return Q(period_end__lt=end) | Q(period_end=end) & (Q(contract__starting_at__lt=began) | same_start)


def _read(payer_id: UUID) -> BillingContext:
    periods = tuple(open_periods(payer_id))
    charges: dict[UUID, tuple[SubscriptionTerms, ...]] = {}
    terms: dict[UUID, Terms] = {}
    subscribed: dict[UUID, SubscriptionBilling] = {}
    for period in periods:
        try:
            if period.contract.has_subscriptions:
                billing = subscribed.setdefault(period.contract_id, SubscriptionBilling(period.contract))
                charges[period.pk] = billing.on(period)
            if period.type == BillingPeriod.Type.USAGE or charges.get(period.pk):
                terms[period.pk] = terms_of(period, charges.get(period.pk, ()))
        except (TactusError, InvalidTerms):
            logger.exception("the terms of billing period %s cannot be had", period.pk)
    billed = {payer_id, *(period.customer_id for period in periods)}
    refs = {customer_id: tuple(refs_of(customer_id)) for customer_id in billed}
    return BillingContext(refs, engine_segments(customer_id=payer_id), periods, charges, terms)


def _weight(context: BillingContext) -> int:
    return (
        10 * (1 + len(context.periods))
        + len(context.segments)
        + sum(len(one.engine.overrides) for one in context.terms.values())
    )


_CONTEXTS: SnapshotCache[BillingContext] = SnapshotCache(_weight, room=40_000)
"""Some 40 MB at most; what cards price is shared with what is kept of them (catalog.selectors.terms)."""
