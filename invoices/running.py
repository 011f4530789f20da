"""A customer's invoices that are not final: composed in one stated order, each with what the ones before left.

Balances may be shared between contracts and periods. Drafts draw in the order in which their periods end, then in which
their contracts began; so does finalization, by this same code: preview equals invoice. Rules: docs/algorithms/
balances.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from balances.models import Balance
from balances.selectors import Purchase, engine_segments, purchases_of
from balances.selectors.live import Pending, PendingDraw, left_in
from catalog.models import Rate
from core.postgres.snapshot_cache import cache_usable
from engine.balances import BalanceSegment, after_drawdowns
from engine.invoice import ComposedInvoice
from engine.money import ZERO
from engine.terms import SubscriptionTerms
from invoices.composition import Terms, UsageSource, compose, stored_usage
from invoices.facts import Facts, facts_of, running_drafts, terms_of
from invoices.models import Invoice
from invoices.subscriptions import Subscribed

Key = tuple[datetime, datetime, str, datetime]


class Running:
    """The usage drafts of a customer at this moment. What was composed once is kept: use it for one answer only.

    `source`: where quantities come from; `planned`: rates that are not stored, as if their cards had them.
    """

    def __init__(self, customer_id: UUID, source: UsageSource = stored_usage, planned: Sequence[Rate] = ()) -> None:
        self._customer_id = customer_id
        self._given_source, self._planned = source, planned
        self._composed: dict[UUID, ComposedInvoice] = {}
        self._subscribed: dict[UUID, Subscribed] = {}
        self._charges: dict[UUID, tuple[SubscriptionTerms, ...]] = {}

    @cached_property
    def _kept(self) -> Facts | None:
        """What is kept of the customer; nothing where a transaction may have changed it."""
        return facts_of(self._customer_id) if cache_usable() else None

    @cached_property
    def segments(self) -> tuple[BalanceSegment, ...]:
        """The customer's segments that hold anything by their ledgers, expired ones too. One query at most."""
        return self._kept.segments if self._kept else engine_segments(customer_id=self._customer_id)

    @cached_property
    def _drafts(self) -> list[Invoice]:
        return sorted(self._kept.drafts if self._kept else running_drafts(self._customer_id), key=_key)

    def drafts(self) -> list[Invoice]:
        """The customer's drafts that may draw, in the order of drawing. One query at most; nobody changes them."""
        return self._drafts

    def charges(self, row: Invoice) -> tuple[SubscriptionTerms, ...]:
        """The subscription charges that stand on an invoice; no query where the row says that there are none."""
        if not getattr(row, "subscribes", True):
            return ()
        known = self._charges.get(row.pk)
        if known is None and self._kept and not self._planned:
            known = self._kept.charges.get(row.pk)
        if known is None:
            subscribed = self._subscribed.get(row.contract_id)
            if subscribed is None:
                subscribed = self._subscribed[row.contract_id] = Subscribed(row.contract, self._planned)
            known = self._charges[row.pk] = subscribed.on(row)
        return known

    def terms(self, row: Invoice) -> Terms:
        """What an invoice is made by, balances included: those that it finds when its turn comes."""
        loaded = None if self._planned or not self._kept else self._kept.terms.get(row.pk)
        if loaded is None:
            loaded = terms_of(row, self.charges(row), self._planned)
        balances = self._balances(row)
        return replace(loaded, engine=replace(loaded.engine, balances=balances)) if balances else loaded

    def compose(self, row: Invoice) -> ComposedInvoice:
        """A usage invoice as it stands; a final one as it would be made today with what it drew."""
        known = self._composed.get(row.pk)
        if known is None:
            known = self._composed[row.pk] = compose(self.terms(row), self._source)
        return known

    @property
    def _source(self) -> UsageSource:
        is_ordinary = self._given_source is stored_usage
        return self._kept.usage if self._kept and is_ordinary else self._given_source

    def pending(self) -> Pending:
        """What each draft would draw if it were final now, by segment."""
        found: dict[UUID, list[PendingDraw]] = {}
        for row in self.drafts() if self.segments else ():
            for drawn in self.compose(row).drawdowns if self._draws(row) else ():
                found.setdefault(UUID(drawn.segment_id), []).append(
                    PendingDraw(row.pk, row.contract_id, drawn.amount, row.period_end)
                )
        return found

    def purchases(self, row: Invoice) -> list[Purchase]:
        """The charges that stand on an invoice; on a usage invoice only where its contract says so."""
        if row.kind == Invoice.Kind.USAGE and not row.contract.scheduled_charges_on_usage_invoices:
            return []
        return purchases_of([row.pk]).get(row.pk, [])

    def amount_of(self, purchase: Purchase) -> Decimal:
        """What a charge comes to; a true-up is what usage, drafts included, has not fulfilled."""
        if purchase.kind == Balance.Kind.POSTPAID and purchase.obligation is not None:
            return max(left_in(purchase.obligation, self.pending()), ZERO)
        return purchase.amount

    def _balances(self, row: Invoice) -> tuple[BalanceSegment, ...]:
        if row.status != Invoice.Status.DRAFT:
            segments = engine_segments(customer_id=self._customer_id, invoice_id=row.pk)
            return tuple(segment for segment in segments if _may_pay(segment, row))
        mine = self._within(row)
        if not mine:
            return ()
        left: Sequence[BalanceSegment] = self.segments
        for other in self.drafts():
            if _key(other) < _key(row) and other.pk != row.pk and mine & self._within(other) and self._draws(other):
                left = after_drawdowns(left, self.compose(other).drawdowns)
        return tuple(segment for segment in left if segment.segment_id in mine)

    def _draws(self, row: Invoice) -> bool:
        """Whether the invoice could draw anything."""
        return bool(self._within(row)) and (row.kind == Invoice.Kind.USAGE or bool(self.charges(row)))

    def _within(self, row: Invoice) -> set[str]:
        """The segments that the invoice may draw at all."""
        return {segment.segment_id for segment in self.segments if _may_pay(segment, row)}


def _may_pay(segment: BalanceSegment, row: Invoice) -> bool:
    here = segment.contract_ids is None or str(row.contract_id) in segment.contract_ids
    ends = segment.ending_before
    # its end included: what is charged in advance there may be paid by what begins there
    return here and segment.starting_at <= row.period_end and (ends is None or row.period_start < ends)


def _key(row: Invoice) -> Key:
    return row.period_end, row.contract.starting_at, str(row.contract_id), row.period_start
