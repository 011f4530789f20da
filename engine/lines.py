"""From settled charges to invoice lines: covered steps, what was applied, uncovered steps; each can be explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.balances import POSTPAID_COMMIT, AccessType, BalanceSegment
from engine.calendar import Period
from engine.charges import COMPOSITE, CONVERSION, SUBSCRIPTION, USAGE, Charge, Origin, Part
from engine.drawdown import Applied, Entry, Settled
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    ConversionExplanation,
    Explanation,
    ExplanationKind,
    OverrideEffect,
    OverrideLost,
    PayingBalance,
    PriceInForce,
    Pricing,
    Proration,
    SubscriptionExplanation,
    TierReached,
    UsageExplanation,
)
from engine.money import ZERO, add, mul, plain, subtract
from engine.overrides import Decision
from engine.prices import Price, Step, TierInfo, line_quantity, walk
from engine.rating import RateVersion
from engine.terms import Presentation, PricingGroup

LINE_TYPES = {USAGE: "usage", SUBSCRIPTION: "subscription", COMPOSITE: "usage", CONVERSION: "cpu_conversion"}
PRODUCT_TYPES = {
    USAGE: "UsageProductListItem",
    SUBSCRIPTION: "SubscriptionProductListItem",
    COMPOSITE: "CompositeProductListItem",
    CONVERSION: None,
}
APPLIED = "applied_commit_or_credit"


def fulfils_commit(line_type: str, commit_type: str | None) -> bool:
    """Whether a line says what counts towards a postpaid commit: it is owed all the same, so it pays nothing."""
    return line_type == APPLIED and commit_type == POSTPAID_COMMIT


@dataclass(frozen=True, slots=True)
class RatedLine:
    """A quantity at one unit price: one rate version, one tier, one presentation value, `[starting_at, ending_before)`.

    `run_quantity` and `event_count` are those of the whole stretch that the line is a part of; `position` is the
    cumulative quantity of the billing period before it. `rate` is the card's; `decision` says what holds instead.
    `payer` is the balance that pays the line, if one does.
    """

    starting_at: datetime
    ending_before: datetime
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    tier: TierInfo | None
    presentation: Presentation
    rate: RateVersion
    position: Decimal
    run_quantity: Decimal
    event_count: int
    decision: Decision
    payer: BalanceSegment | None = None


@dataclass(frozen=True, slots=True)
class PricedSource:
    """What a priced line was made of. `metric_quantity` is what was measured in the line's stretch of time, all its
    tiers.
    """

    origin: Origin
    metric_quantity: Decimal
    line: RatedLine


@dataclass(frozen=True, slots=True)
class AppliedSource:
    """What a balance paid: what it held `before`, what was `drawn` (money, or units of a QUANTITY balance)."""

    payer: BalanceSegment
    before: Decimal
    drawn: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice; amounts exact, in stored wire units of `credit_type_id`.

    `counted` lines sum to the invoice's subtotal. `list_price` is the rate card's price before overrides. Applied
    lines have no quantity and no unit price; conversion lines have no product ("").
    """

    product_id: str
    name: str
    type: str
    quantity: Decimal | None
    unit_price: Decimal | None
    total: Decimal
    starting_at: datetime
    ending_before: datetime
    pricing_group_values: PricingGroup
    presentation_group_values: Presentation
    tier: TierInfo | None
    credit_type_id: str
    source: PricedSource | AppliedSource
    list_price: Price | None = None
    counted: bool = True
    product_type: str | None = None
    commit_id: str | None = None
    commit_segment_id: str | None = None
    commit_type: str | None = None
    quantity_consumed: Decimal | None = None
    subscription_id: str | None = None

    @property
    def explanation(self) -> Explanation:
        """Why it is what it is; made when it is asked for, from the line's source."""
        source = self.source
        if isinstance(source, AppliedSource):
            return AppliedExplanation(PayingBalance.of(source.payer), source.before, source.drawn, source.amount)
        return _explained(source)

    @property
    def identity(self) -> tuple[str, ...]:
        """What the line is about, alike in draft and final invoice and no other line of the invoice's."""
        return (
            self.type,
            self.product_id,
            repr(self.pricing_group_values),
            repr(self.presentation_group_values),
            self.starting_at.isoformat(),
            self.ending_before.isoformat(),
            "" if self.tier is None else str(self.tier.level),
            self.commit_segment_id or "",
            self.subscription_id or "",
            "" if self.unit_price is None else plain(self.unit_price),
            self.credit_type_id,
        )


def lines_of(charge: Charge, settled: Settled, invoice_unit: str) -> Iterator[InvoiceLine]:
    """The lines of a charge: one for each step, one for each payment after what it covers; apart for each part."""
    if len(charge.parts) == 1:
        yield from _part_lines(charge, charge.parts[0], charge.position, settled, invoice_unit)
        return
    paid = any(isinstance(entry, Applied) or entry.decision.price != charge.decision.price for entry in settled)
    at = charge.position
    for part in charge.parts:
        until = add(at, part.quantity)
        if paid:
            inside = _slice(charge, settled, at, until, first=part is charge.parts[0])
        else:
            steps = walk(charge.decision.price, at, until, charge.reached)
            inside = [Entry(step, charge.decision, None, at, until) for step in steps]
        yield from _part_lines(charge, part, at, inside, invoice_unit)
        at = until


def _part_lines(
    charge: Charge, part: Part, position: Decimal, settled: Settled, invoice_unit: str
) -> Iterator[InvoiceLine]:
    """One part's lines: its steps and payments in order."""
    version, window, subject = charge.version, part.window, charge.subject
    unit = version.credit_type_id
    counted = unit == invoice_unit
    product_type = PRODUCT_TYPES[charge.rank]
    subscription = charge.origin.subscription_id
    for entry in settled:
        if isinstance(entry, Applied):
            yield _applied_line(charge, window, entry, unit, counted)
            continue
        step, payer = entry.step, entry.payer
        rated = RatedLine(
            window.start, window.end, step.quantity, step.unit_price, step.total, step.tier, charge.presentation,
            version, position, part.quantity, part.event_count, entry.decision, payer,
        )  # fmt: skip
        yield InvoiceLine(
            subject.product_id, charge.name, LINE_TYPES[charge.rank], step.quantity, step.unit_price, step.total,
            window.start, window.end, charge.pricing, charge.presentation, step.tier, unit,
            PricedSource(charge.origin, part.measured, rated), version.price, counted, product_type,
            None if payer is None else payer.balance_id, None if payer is None else payer.segment_id,
            None if payer is None else payer.commit_type, None, subscription,
        )  # fmt: skip


def _applied_line(charge: Charge, window: Period, entry: Applied, unit: str, counted: bool) -> InvoiceLine:
    payer = entry.payer
    by_quantity = payer.access_type is AccessType.QUANTITY
    drawn = entry.quantity if by_quantity else entry.amount
    return InvoiceLine(
        product_id=charge.subject.product_id,
        name=charge.name,
        type=APPLIED,
        quantity=None,
        unit_price=None,
        total=entry.amount.copy_negate() if entry.amount else ZERO,
        starting_at=window.start,
        ending_before=window.end,
        pricing_group_values=charge.pricing,
        presentation_group_values=charge.presentation,
        tier=None,
        credit_type_id=unit,
        source=AppliedSource(payer, entry.before, drawn, entry.amount),
        counted=counted and not fulfils_commit(APPLIED, payer.commit_type),
        product_type=PRODUCT_TYPES[charge.rank],
        commit_id=payer.balance_id,
        commit_segment_id=payer.segment_id,
        commit_type=payer.commit_type,
        quantity_consumed=entry.quantity if by_quantity else None,
        subscription_id=charge.origin.subscription_id,
    )


def _explained(source: PricedSource) -> Explanation:
    origin, pricing = source.origin, _pricing(source.line)
    if origin.kind is ExplanationKind.USAGE:
        return UsageExplanation(
            origin.metric_id, origin.metric_name, source.line.event_count, source.metric_quantity, origin.conversion,
            origin.rounding, pricing,
        )  # fmt: skip
    if origin.kind is ExplanationKind.CONVERSION:
        return ConversionExplanation(origin.unit_id, "", pricing)
    if origin.kind is ExplanationKind.COMPOSITE:
        return CompositeExplanation(origin.is_minimum, origin.contributions, pricing)
    proration = None if origin.proration is None else Proration(*origin.proration)
    return SubscriptionExplanation(origin.subscription_id or "", proration, pricing)


def _pricing(line: RatedLine) -> Pricing:
    tier, decision = line.tier, line.decision
    after = add(line.position, line.run_quantity)
    return Pricing(
        quantity=line.run_quantity,
        rate=PriceInForce.of(line.rate, decision),
        tier=None if tier is None else TierReached(tier.level, tier.starting_at, tier.size, line.position, after),
        line_quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        winner=None if decision.winner is None else OverrideEffect.of(decision.winner),
        lost=tuple(OverrideLost.of(lost) for lost in decision.lost),
        balance=None if line.payer is None else PayingBalance.of(line.payer),
    )


def _slice(charge: Charge, settled: Settled, start: Decimal, end: Decimal, *, first: bool) -> Settled:
    """What moving from `start` to `end` makes of a settled charge, so that the parts sum to the whole.

    A position beyond the charge's own stretch (a correction inside it took units back) is priced as uncovered.
    """
    low, high = charge.position, add(charge.position, charge.quantity)
    own = charge.decision
    result: Settled = []
    if min(start, end) < low:
        result += _outside(charge, own, min(start, low), min(end, low))
    covered: dict[str, Applied] = {}
    for entry in settled:
        if isinstance(entry, Applied):
            key = f"{entry.payer.balance_id} {entry.payer.segment_id}"
            if key in covered and covered[key].amount:
                result.append(covered.pop(key))
            continue
        step = _difference(entry, start, end, first=first)
        if not step.quantity and not step.total:
            continue
        result.append(Entry(step, entry.decision, entry.payer, start, end))
        if entry.payer is not None:
            key = f"{entry.payer.balance_id} {entry.payer.segment_id}"
            sofar = covered.setdefault(key, Applied(entry.payer, ZERO, ZERO, ZERO))
            sofar.amount, sofar.quantity = add(sofar.amount, step.total), add(sofar.quantity, step.quantity)
    if max(start, end) > high:
        result += _outside(charge, own, max(start, high), max(end, high))
    if not result:
        zero = walk(own.price, end, end, charge.reached)
        result = [Entry(step, own, None, end, end) for step in zero]
    return result


def _outside(charge: Charge, own: Decision, start: Decimal, end: Decimal) -> list[Entry | Applied]:
    steps = walk(own.price, start, end, charge.reached)
    return [Entry(step, own, None, start, end) for step in steps if step.quantity]


def _difference(entry: Entry, start: Decimal, end: Decimal, *, first: bool) -> Step:
    """The part of an entry that lies between two positions, negative going back."""
    before = _reached(entry, start, begun=not first)
    after = _reached(entry, end, begun=True)
    step = entry.step
    return Step(subtract(after[0], before[0]), step.unit_price, subtract(after[1], before[1]), step.tier)


def _reached(entry: Entry, position: Decimal, *, begun: bool) -> tuple[Decimal, Decimal]:
    """The quantity and total of the entry up to a position."""
    step = entry.step
    if position >= entry.end and (begun or entry.end > entry.start):
        return step.quantity, step.total
    if position <= entry.start:
        return ZERO, ZERO
    quantity = min(step.quantity, line_quantity(entry.decision.price, entry.start, position))
    return (step.quantity, step.total) if quantity == step.quantity else (quantity, mul(quantity, step.unit_price))
