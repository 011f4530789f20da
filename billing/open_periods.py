"""A paying account's open periods, computed in one stated order: each finds what the ones before left in balances.

Balances may be shared between contracts and periods. Open periods draw in the order in which they end, then in which
their contracts began; so they close, by this same code. Rules: docs/algorithms/balances.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from balances.models import Balance
from balances.selectors import Purchase, engine_segments, purchases_of
from balances.selectors.live import Pending, PendingDraw, segment_state
from billing.billed_charges import charges_on
from billing.composition import compose, compose_windows
from billing.context import BillingContext, context_of, drawing_order, open_periods
from billing.models import BillingPeriod
from billing.subscription_billing import SubscriptionBilling
from billing.terms import Terms, terms_of
from billing.usage import UsageSource, stored_usage
from catalog.models import Rate
from charges.selectors import list_pending_charges
from contracts.selectors.hierarchy import paying_parent_id
from core.postgres.snapshot_cache import cache_usable
from engine.balances import BalanceSegment, after_drawdowns
from engine.calendar import Period
from engine.invoice import ComposedInvoice
from engine.settlement import true_up_amount
from engine.terms import SubscriptionTerms


class OpenBillingPeriods:
    """An account's open periods at this moment. What was computed once is kept: use it for one answer only.

    `usage`: where quantities come from; `rates`: rates that are not stored, as if their cards had them. `closing`: the
    one period that is about to close; only periods whose turn comes earlier are then read for its drawdown.
    `as_if`: balance segments that are not stored, or stored otherwise, as if the account had them so.
    """

    def __init__(
        self,
        payer_id: UUID,
        usage: UsageSource = stored_usage,
        rates: Sequence[Rate] = (),
        closing: BillingPeriod | None = None,
        as_if: Sequence[BalanceSegment] = (),
    ) -> None:
        self._payer_id = payer_id
        self._as_if = {segment.segment_id: segment for segment in as_if}
        self._given_usage, self._rates, self._closing = usage, rates, closing
        self._composed: dict[UUID, ComposedInvoice] = {}
        self._subscribed: dict[UUID, SubscriptionBilling] = {}
        self._charges: dict[UUID, tuple[SubscriptionTerms, ...]] = {}

    @cached_property
    def _kept(self) -> BillingContext | None:
        """What is kept of the account; nothing where a transaction may have changed it."""
        return context_of(self._payer_id) if cache_usable() else None

    @cached_property
    def segments(self) -> tuple[BalanceSegment, ...]:
        """The account's segments that hold anything by their ledgers, expired ones too. One query at most."""
        stored = self._kept.segments if self._kept else engine_segments(customer_id=self._payer_id)
        if not self._as_if:
            return stored
        return (*(one for one in stored if one.segment_id not in self._as_if), *self._as_if.values())

    @cached_property
    def periods(self) -> list[BillingPeriod]:
        """The account's open periods that may draw, in the order of drawing. One query at most; nobody changes them."""
        return sorted(self._kept.periods if self._kept else open_periods(self._payer_id), key=drawing_order)

    def compose(self, period: BillingPeriod) -> ComposedInvoice:
        """What usage and subscriptions come to, and what balances pay; a closed period as it would be billed today."""
        known = self._composed.get(period.pk)
        if known is None:
            known = self._composed[period.pk] = compose(self._terms(period), self._usage)
        return known

    def compose_windows(self, period: BillingPeriod, windows: Sequence[Period]) -> list[ComposedInvoice]:
        """The same by windows, which are in order and lie inside the period."""
        return compose_windows(self._terms(period), windows, self._usage)

    def has_lines(self, period: BillingPeriod) -> bool:
        """Whether usage or subscriptions may make lines on it: not on a SCHEDULED one that only charges for commits."""
        return period.type == BillingPeriod.Type.USAGE or bool(self._charges_on(period))

    def pending(self) -> Pending:
        """What each open period would draw if it closed now, by segment."""
        found: dict[UUID, list[PendingDraw]] = {}
        for period in self.periods if self.segments else ():
            for drawn in self.compose(period).drawdowns if self._draws(period) else ():
                found.setdefault(UUID(drawn.segment_id), []).append(
                    PendingDraw(period.pk, period.contract_id, drawn.amount, period.period_end)
                )
        return found

    def product_tags(self) -> dict[str, frozenset[str]]:
        """The tags of the products that the open periods price, by product id."""
        found: dict[str, frozenset[str]] = {}
        for period in self.periods:
            if self.has_lines(period):
                found |= self._terms(period).engine.tags
        return found

    def purchases(self, period: BillingPeriod) -> list[Purchase]:
        """The charges that stand on a period; on one of usage only where its contract says so."""
        if period.type == BillingPeriod.Type.USAGE and not period.contract.scheduled_charges_on_usage_invoices:
            return []
        if not period.is_stored:  # about to be opened: it will collect the charges of its end
            return purchases_of(
                list_pending_charges(contract_id=period.contract_id).filter(
                    invoice_at=period.period_end, credit_type_id=period.credit_type_id
                )
            )
        return purchases_of(charges_on(period.pk))

    def amount_of(self, purchase: Purchase) -> Decimal:
        """What a charge comes to; a true-up is what usage, that of open periods included, has not fulfilled."""
        if purchase.kind == Balance.Kind.POSTPAID and purchase.obligation is not None:
            return true_up_amount(segment_state(purchase.obligation, self.pending()))
        return purchase.amount

    @property
    def _usage(self) -> UsageSource:
        is_ordinary = self._given_usage is stored_usage
        return self._kept.usage if self._kept and is_ordinary else self._given_usage

    @cached_property
    def _earlier(self) -> list[BillingPeriod]:
        if self._closing is None or self._kept:
            return self.periods
        return sorted(open_periods(self._payer_id, before=self._closing), key=drawing_order)

    def _charges_on(self, period: BillingPeriod) -> tuple[SubscriptionTerms, ...]:
        if not period.contract.has_subscriptions:
            return ()
        known = self._charges.get(period.pk)
        if known is None and self._kept and not self._rates:
            known = self._kept.charges.get(period.pk)
        if known is None:
            subscribed = self._subscribed.get(period.contract_id)
            if subscribed is None:
                subscribed = self._subscribed[period.contract_id] = SubscriptionBilling(period.contract, self._rates)
            known = self._charges[period.pk] = subscribed.on(period)
        return known

    def _terms(self, period: BillingPeriod) -> Terms:
        """What a period is billed by, balances included: those that it finds when its turn comes."""
        loaded = None if self._rates or not self._kept else self._kept.terms.get(period.pk)
        if loaded is None:
            loaded = terms_of(period, self._charges_on(period), self._rates)
        balances = self._balances(period)
        return replace(loaded, engine=replace(loaded.engine, balances=balances)) if balances else loaded

    def _balances(self, period: BillingPeriod) -> tuple[BalanceSegment, ...]:
        if period.state == BillingPeriod.State.CLOSED:
            segments = engine_segments(customer_id=self._payer_id, invoice_id=period.pk)
            return tuple(segment for segment in segments if _may_pay(segment, period))
        mine = self._within(period)
        if not mine:
            return ()
        left: Sequence[BalanceSegment] = self.segments
        for other in self._earlier:
            if (
                drawing_order(other) < drawing_order(period)
                and other.pk != period.pk
                and mine & self._within(other)
                and self._draws(other)
            ):
                left = after_drawdowns(left, self.compose(other).drawdowns)
        return tuple(segment for segment in left if segment.segment_id in mine)

    def _draws(self, period: BillingPeriod) -> bool:
        """Whether the period could draw anything."""
        return bool(self._within(period)) and self.has_lines(period)

    def _within(self, period: BillingPeriod) -> set[str]:
        """The segments that the period may draw at all."""
        return {segment.segment_id for segment in self.segments if _may_pay(segment, period)}


def _may_pay(segment: BalanceSegment, period: BillingPeriod) -> bool:
    here = segment.pays_on(str(period.contract_id), paying_parent_id(period.contract))
    ends = segment.ending_before
    # its end included: what is charged in advance there may be paid by what begins there
    return here and segment.starting_at <= period.period_end and (ends is None or period.period_start < ends)
