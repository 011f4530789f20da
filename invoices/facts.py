"""What a customer's drafts are made by, usage excepted: it changes by agreements and bookings, not by events.

Kept in the process until the database says that the customer or the catalog has changed (a `SnapshotCache`): a live
balance then costs reading quantities and composing. See docs/adr/0016.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from balances.selectors import engine_segments
from catalog.models import Rate
from catalog.selectors import CATALOG_CHANGES
from core.errors import TactusError
from core.postgres.snapshot_cache import SnapshotCache
from customers.selectors import customer_changes
from engine.balances import BalanceSegment
from engine.calendar import Period
from engine.errors import InvalidTerms
from engine.terms import SubscriptionTerms
from engine.usage import UsageRow
from invoices.composition import Terms, load_subscription_terms, load_terms
from invoices.models import Invoice
from invoices.subscriptions import Subscribed, with_subscribes
from usage.selectors import UsageQuery, get_usage, refs_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one customer: its names in events, the balance segments that hold anything, and its drafts that may draw.

    By draft: the subscription charges that stand on it, and its terms without balances; a draft whose terms cannot be
    had is missing there, and whoever needs them hears why.
    """

    refs: tuple[str, ...]
    segments: tuple[BalanceSegment, ...]
    drafts: tuple[Invoice, ...]
    charges: Mapping[UUID, tuple[SubscriptionTerms, ...]]
    terms: Mapping[UUID, Terms]

    def usage(self, customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        """The usage that is stored under the customer's names."""
        return get_usage(customer_id=customer_id, queries=queries, refs=self.refs)


def facts_of(customer_id: UUID) -> Facts:
    """The customer's facts of this moment; one statement while nothing of them changes."""
    return _FACTS.get(customer_id, lambda: _read(customer_id), CATALOG_CHANGES, customer_changes(customer_id))


def running_drafts(customer_id: UUID) -> list[Invoice]:
    """The customer's drafts that may draw, in no order. One query.

    Of the SCHEDULED ones those of contracts with subscriptions: balances pay no purchases.
    """
    rows = Invoice.objects.select_related("contract__rate_card__fiat_credit_type", "credit_type").filter(
        customer_id=customer_id, status=Invoice.Status.DRAFT
    )
    return list(with_subscribes(rows).filter(Q(kind=Invoice.Kind.USAGE) | Q(subscribes=True)))


def terms_of(row: Invoice, charges: tuple[SubscriptionTerms, ...], planned: Sequence[Rate] = ()) -> Terms:
    """What an invoice is made by, without balances. `planned`: rates that are not stored, as if their cards had them.

    Raises InvalidTerms for agreements that no invoice can be made by.
    """
    if row.kind == Invoice.Kind.SCHEDULED:
        return load_subscription_terms(row.contract, row.credit_type, charges)
    return load_terms(row.contract, Period(row.period_start, row.period_end), row.credit_type, planned, charges)


def _read(customer_id: UUID) -> Facts:
    drafts = tuple(running_drafts(customer_id))
    charges: dict[UUID, tuple[SubscriptionTerms, ...]] = {}
    terms: dict[UUID, Terms] = {}
    subscribed: dict[UUID, Subscribed] = {}
    for row in drafts:
        try:
            if getattr(row, "subscribes", True):
                known = subscribed.setdefault(row.contract_id, Subscribed(row.contract))
                charges[row.pk] = known.on(row)
            if row.kind == Invoice.Kind.USAGE or charges.get(row.pk):
                terms[row.pk] = terms_of(row, charges.get(row.pk, ()))
        except (TactusError, InvalidTerms):
            logger.exception("the terms of draft %s cannot be had", row.pk)
    return Facts(tuple(refs_of(customer_id)), engine_segments(customer_id=customer_id), drafts, charges, terms)


def _weight(facts: Facts) -> int:
    return (
        10 * (1 + len(facts.drafts))
        + len(facts.segments)
        + sum(len(one.engine.overrides) for one in facts.terms.values())
    )


_FACTS: SnapshotCache[Facts] = SnapshotCache(_weight, room=40_000)
"""Some 40 MB at most; what cards price is shared with what is kept of them (catalog.selectors.terms)."""
