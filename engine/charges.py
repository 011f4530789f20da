"""What is to be charged: quantities of one product and group in one stretch of time under one rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from engine.balances import BalanceSegment
from engine.calendar import Period, split, window_index
from engine.conversion import QuantityConversion, QuantityRounding, priced_quantity
from engine.errors import InvalidTerms
from engine.explanation import Contribution, ExplanationKind
from engine.money import ZERO, add, subtract
from engine.overrides import Decision, Override, decide
from engine.prices import Custom, each_price
from engine.proration import prorated
from engine.rating import RateSchedule, RateVersion
from engine.specifiers import GroupValue, Subject
from engine.terms import (
    InvoiceTerms,
    Presentation,
    PricingGroup,
    ProductTerms,
    SubscriptionTerms,
)
from engine.usage import UsageRow

USAGE, SUBSCRIPTION, COMPOSITE, CONVERSION = range(4)
"""The order in which balances pay lines, and in which an invoice shows them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a charge's quantity comes from: a metric, a subscription, what other lines cost, or what is owed in a unit.

    `proration` is (hours, of how many).
    """

    kind: ExplanationKind
    metric_id: str = ""
    metric_name: str = ""
    conversion: QuantityConversion | None = None
    rounding: QuantityRounding | None = None
    contributions: tuple[Contribution, ...] = ()
    is_minimum: bool = False
    unit_id: str = ""
    subscription_id: str | None = None
    proration: tuple[int, int] | None = None


@dataclass(slots=True, eq=False)
class Part:
    """A piece of a charge that is shown apart: `measured` is the quantity before conversion and rounding."""

    window: Period
    quantity: Decimal = ZERO
    event_count: int = 0
    measured: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Unrated:
    """Usage in a window for which no rate is in force: reported, never silently dropped."""

    window: Period
    pricing: PricingGroup
    presentation: Presentation
    quantity: Decimal
    event_count: int
    reason: str


class Pricer:
    """Prices of one product: decides between overrides, and remembers what it decided."""

    def __init__(self, terms: InvoiceTerms, product_id: str, tags: frozenset[str]) -> None:
        self._overrides = [override for override in terms.overrides if override.may_match(product_id, tags)]
        self._by_payer = any(override.is_commit_specific for override in self._overrides)
        self._prioritization = terms.prioritization
        self._in_force: dict[datetime, list[Override]] = {}
        self._known: dict[tuple[object, ...], Decision] = {}

    def decide(
        self, version: RateVersion, subject: Subject, instant: datetime, payer: BalanceSegment | None
    ) -> Decision:
        """The price of `subject` at `instant` while `payer` pays. Alike situations share one decision."""
        standing: list[Override] = []
        if self._overrides:
            in_force = self._in_force.get(instant)
            if in_force is None:
                in_force = [override for override in self._overrides if override.in_force(instant)]
                self._in_force[instant] = in_force
            standing = [override for override in in_force if override.matches(subject)]
        who: object = None
        if payer is not None:
            who = (payer.balance_id, subject) if self._by_payer else payer.rate_type
        key = (id(version), who, *(override.override_id for override in standing))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = decide(version, subject, standing, self._prioritization, payer)
        return known


@dataclass(slots=True, eq=False)
class Charge:
    """A quantity to price: from `position` in its billing period on, under one rate, at one set of overrides.

    `reached` is the whole period's quantity. `instant` decides which balances are in force, `priced_at` (by default
    the same) which overrides. `adjust` prorates a unit price; a fixed charge costs the same whoever pays.
    """

    rank: int
    name: str
    subject: Subject
    pricing: PricingGroup
    presentation: Presentation
    window: Period
    instant: datetime
    version: RateVersion
    pricer: Pricer
    decision: Decision
    position: Decimal
    quantity: Decimal
    reached: Decimal
    parts: list[Part]
    origin: Origin
    adjust: Callable[[Decimal], Decimal] | None = None
    is_fixed: bool = False
    priced_at: datetime | None = None

    def decide(self, payer: BalanceSegment) -> Decision:
        """The price while `payer` pays."""
        if self.is_fixed:
            return self.decision
        return adjusted(
            self.pricer.decide(self.version, self.subject, self.priced_at or self.instant, payer), self.adjust
        )


def adjusted(decision: Decision, adjust: Callable[[Decimal], Decimal] | None) -> Decision:
    """The decision with each unit price adjusted."""
    return decision if adjust is None else replace(decision, price=each_price(decision.price, adjust))


@dataclass(slots=True)
class Charges:
    """What is to be charged, and the usage that no rate prices."""

    charges: list[Charge] = field(default_factory=list)
    unrated: list[Unrated] = field(default_factory=list)


_NOTHING_IN_FORCE = RateSchedule(())


Progress = dict[tuple[PricingGroup, Presentation], list[Charge]]
"""The charges so far of each group of a product: its tiers go on after them."""


def usage_charges(
    terms: InvoiceTerms,
    product: ProductTerms,
    rows: Sequence[UsageRow],
    edges: set[datetime],
    cuts: Sequence[datetime],
    *,
    progress: Progress,
) -> Charges:
    """A product's charges: per group, in stretches cut at rate changes and at `edges`, each in parts cut at `cuts`.

    A seat's own usage is cut where what it has begins or ends, too.

    Usage that is not entitled makes no charge and moves no tier. `progress` is that of the product's earlier terms in
    the period, and is added to.
    """
    result = Charges()
    pricer = Pricer(terms, product.product_id, product.tags)
    origin = Origin(
        ExplanationKind.USAGE, product.metric_id, product.metric_name, product.quantity_conversion,
        product.quantity_rounding,
    )  # fmt: skip
    schedules: Mapping[PricingGroup, RateSchedule] = dict(product.schedules.items())
    stretches: dict[tuple[tuple[datetime, ...], frozenset[datetime]], tuple[list[Period], list[Period]]] = {}
    seats = terms.seat_cuts(product.product_id, product.tags)
    for pricing, members in _by_group(product, rows).items():
        schedule = schedules.get(pricing, _NOTHING_IN_FORCE)
        reason = "no rate is in force" if pricing in schedules or not pricing else "no rate for these group values"
        changes = schedule.cuts(terms.period)
        for presentation, part in members.items():
            own = _of_its_seat(seats, pricing, presentation)
            if (changes, own) not in stretches:
                stretches[changes, own] = (
                    split(terms.period, {*changes, *edges, *own}),
                    split(terms.period, {*changes, *edges, *own, *cuts}),
                )
            segments, windows = stretches[changes, own]
            subject = product.subject(pricing, presentation)
            parts = _priced(product, _measure(product, part, windows))
            if product.window is not None:
                parts = [inside for inside in parts if inside.window.start in product.window]
            before = progress.setdefault((pricing, presentation), [])
            made: list[Charge] = []
            position = before[-1].reached if before else ZERO
            for segment, inside in _by_segment(segments, parts):
                version = schedule.at(segment.start)
                if version is None:
                    result.unrated += _left_unrated(inside, pricing, presentation, reason)
                    continue
                decision = pricer.decide(version, subject, segment.start, None)
                if not decision.entitled:
                    continue
                if isinstance(decision.price, Custom):
                    result.unrated += _left_unrated(
                        inside, pricing, presentation, "no program computes the CUSTOM rate"
                    )
                    continue
                quantity = inside[0].quantity if len(inside) == 1 else _sum(inside)
                made.append(
                    Charge(
                        USAGE, product.name, subject, pricing, presentation, segment, segment.start, version, pricer,
                        decision, position, quantity, ZERO, inside, origin,
                    )
                )  # fmt: skip
                position = add(position, quantity)
            before += made
            for charge in before:
                charge.reached = position
            result.charges += made
    return result


def _of_its_seat(
    seats: Mapping[GroupValue, set[datetime]], pricing: PricingGroup, presentation: Presentation
) -> frozenset[datetime]:
    """Where what the group's own seats have begins or ends."""
    if not seats:
        return frozenset()
    return frozenset(edge for value in (*pricing, *presentation) for edge in seats.get(value, ()))


def _left_unrated(
    parts: Sequence[Part], pricing: PricingGroup, presentation: Presentation, reason: str
) -> list[Unrated]:
    return [
        Unrated(part.window, pricing, presentation, part.quantity, part.event_count, reason)
        for part in parts
        if part.quantity or part.event_count
    ]


def _sum(parts: Sequence[Part]) -> Decimal:
    quantity = ZERO
    for part in parts:
        quantity = add(quantity, part.quantity)
    return quantity


def _by_group(
    product: ProductTerms, rows: Sequence[UsageRow]
) -> dict[PricingGroup, dict[Presentation, list[UsageRow]]]:
    """The rows by pricing and presentation group values; without group keys there is always the one group."""
    width, keys = len(product.pricing_group_key), len(product.group_keys)
    grouped: dict[PricingGroup, dict[Presentation, list[UsageRow]]] = {}
    if not keys:
        grouped[()] = {(): []}
    for row in rows:
        if len(row.group) != keys:
            raise InvalidTerms(f"usage of {product.name} does not fit its group keys", "usage")
        pricing = tuple(zip(product.pricing_group_key, row.group[:width], strict=True))
        presentation = tuple(zip(product.splitting_key, row.group[width:], strict=True))
        grouped.setdefault(pricing, {}).setdefault(presentation, []).append(row)
    return grouped


def _measure(product: ProductTerms, rows: Sequence[UsageRow], windows: Sequence[Period]) -> list[Part]:
    """One group's usage summed up by window, in order of time; all windows where the product has no group keys."""
    starts = [window.start for window in windows]
    found: dict[int, Part] = {}
    if not product.group_keys:
        found = {index: Part(window) for index, window in enumerate(windows)}
    for row in rows:
        index = window_index(starts, row.window.start)
        if index < 0 or row.window.end > windows[index].end:
            raise InvalidTerms(f"a usage window of {product.name} crosses a rate change or the period", "usage")
        part = found.get(index)
        if part is None:
            part = found[index] = Part(windows[index])
        part.measured = add(part.measured, row.quantity)
        part.event_count += row.event_count
    return [found[index] for index in sorted(found)]


def _priced(product: ProductTerms, parts: list[Part]) -> list[Part]:
    """The measured quantities converted and rounded: cumulatively, so that the parts sum to the whole."""
    if product.quantity_conversion is None and product.quantity_rounding is None:
        for part in parts:
            part.quantity = part.measured
        return parts
    reached, billed = ZERO, ZERO
    for part in parts:
        reached = add(reached, part.measured)
        now = priced_quantity(reached, product.quantity_conversion, product.quantity_rounding)
        part.quantity = subtract(now, billed)
        billed = now
    return parts


def _by_segment(segments: Sequence[Period], parts: Sequence[Part]) -> list[tuple[Period, list[Part]]]:
    """The parts, in order, under the segment that holds each."""
    found: list[tuple[Period, list[Part]]] = []
    index = 0
    for part in parts:
        while part.window.start >= segments[index].end:
            index += 1
        if found and found[-1][0] is segments[index]:
            found[-1][1].append(part)
        else:
            found.append((segments[index], [part]))
    return found


def subscription_charge(terms: InvoiceTerms, source: SubscriptionTerms) -> Charge | None:
    """The charge of a subscription at the rate in force where its period begins; None without an entitled rate."""
    priced_at = source.priced_at or source.window.start
    version = source.schedule.at(priced_at)
    if version is None:
        return None
    subject = Subject(source.product_id, source.tags, billing_frequency=source.billing_frequency)
    pricer = Pricer(terms, source.product_id, source.tags)
    adjust = _proration(source)
    decision = adjusted(pricer.decide(version, subject, priced_at, None), adjust)
    if not decision.entitled:
        return None
    part = Part(source.window, source.quantity, 0, source.quantity)
    origin = Origin(
        ExplanationKind.SUBSCRIPTION,
        subscription_id=source.subscription_id,
        proration=None if adjust is None else source.fraction,
    )
    return Charge(
        SUBSCRIPTION, source.name, subject, (), (), source.window, source.window.start, version, pricer, decision,
        ZERO, source.quantity, source.quantity, [part], origin, adjust, priced_at=priced_at,
    )  # fmt: skip


def _proration(source: SubscriptionTerms) -> Callable[[Decimal], Decimal] | None:
    if source.fraction[0] == source.fraction[1]:
        return None
    return lambda price: prorated(price, source.fraction, source.round_price)
