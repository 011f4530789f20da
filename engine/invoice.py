"""A contract's terms and usage to an invoice: one function for draft, final invoice, preview and estimate.

Lines and subtotal are exact, the total is rounded once (domain.md section 7). Rules and tables: docs/algorithms/
invoices.md and rounding.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.calendar import Period, consecutive, split, window_index
from engine.conversion import (
    ConversionOperation,
    QuantityConversion,
    QuantityRounding,
    RoundingMethod,
    priced_quantity,
)
from engine.errors import InvalidTerms
from engine.explain import LineExplanation, explanation_json
from engine.money import ZERO, Currency, add, rounded, subtract, total
from engine.prices import Price, TierInfo
from engine.rating import Presentation, RatedLine, RateSchedule, Unrated, UsageQuantity, rate_usage
from engine.usage import UsageRow, group_order

__all__ = [
    "ComposedInvoice",
    "ConversionOperation",
    "InvoiceLine",
    "InvoiceTerms",
    "LineExplanation",
    "ProductTerms",
    "QuantityConversion",
    "QuantityRounding",
    "RoundingMethod",
    "UnratedUsage",
    "UsageInput",
    "breakdown",
    "compose_usage_invoice",
    "explanation_json",
    "usage_windows",
]

PricingGroup = tuple[tuple[str, str | None], ...]
"""Pricing group values: (key, value) in the order of the product's pricing_group_key; () where it has none."""

_NOTHING_IN_FORCE = RateSchedule(())


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """A usage product as a contract prices it.

    `schedules` holds the rates by pricing group values, each key naming every key of `pricing_group_key`, in any
    order; a product without pricing group key has the one key `()`. Combinations that are missing have no rate.
    """

    product_id: str
    name: str
    metric_id: str
    pricing_group_key: tuple[str, ...] = ()
    presentation_group_key: tuple[str, ...] = ()
    schedules: Mapping[tuple[tuple[str, str], ...], RateSchedule] = field(default_factory=dict)
    quantity_conversion: QuantityConversion | None = None
    quantity_rounding: QuantityRounding | None = None
    metric_name: str = ""

    @property
    def group_keys(self) -> tuple[str, ...]:
        """The keys that usage is measured by: pricing keys, then presentation keys."""
        return self.pricing_group_key + self.presentation_group_key

    def __post_init__(self) -> None:
        if len(set(self.group_keys)) != len(self.group_keys):
            raise InvalidTerms("pricing and presentation group keys must not repeat", "presentation_group_key")
        ordered: dict[tuple[tuple[str, str], ...], RateSchedule] = {}
        for values, schedule in self.schedules.items():
            named = dict(values)
            if len(named) != len(values) or set(named) != set(self.pricing_group_key):
                raise InvalidTerms("a rate must name each pricing group key once", "pricing_group_values")
            ordered[tuple((key, named[key]) for key in self.pricing_group_key)] = schedule
        if len(ordered) != len(self.schedules):
            raise InvalidTerms("two rates have the same pricing group values", "pricing_group_values")
        object.__setattr__(self, "schedules", ordered)


@dataclass(frozen=True, slots=True)
class UsageInput:
    """The usage of one product in the billing period.

    A row's group holds the values of the product's pricing keys, then of its presentation keys. Rows cover the period
    from its start, in windows that no rate change cuts (`usage_windows`).
    """

    product_id: str
    rows: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """What one usage invoice is made by. All rates are in the invoice's own credit type."""

    contract_id: str
    period: Period
    currency: Currency
    credit_type_id: str
    products: tuple[ProductTerms, ...]

    def __post_init__(self) -> None:
        if len({product.product_id for product in self.products}) != len(self.products):
            raise InvalidTerms("a product occurs twice", "product_id")
        for product in self.products:
            for schedule in product.schedules.values():
                if any(version.credit_type_id != self.credit_type_id for version in schedule.versions):
                    raise InvalidTerms(f"{product.name} is not priced in the invoice's credit type", "credit_type_id")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice; amounts exact, in stored wire units. `list_price` is filled only where it was asked for."""

    product_id: str
    name: str
    type: str
    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    starting_at: datetime
    ending_before: datetime
    pricing_group_values: PricingGroup
    presentation_group_values: Presentation
    tier: TierInfo | None
    credit_type_id: str
    explanation: LineExplanation
    list_price: Price | None = None


@dataclass(frozen=True, slots=True)
class UnratedUsage:
    """Usage that no rate prices, with the reason in plain words."""

    product_id: str
    name: str
    pricing_group_values: PricingGroup
    presentation_group_values: Presentation
    window: Period
    quantity: Decimal
    event_count: int
    reason: str


@dataclass(frozen=True, slots=True)
class ComposedInvoice:
    """An invoice as it stands: `subtotal` is the lines' exact sum, and `subtotal + rounding = total`."""

    period: Period
    lines: tuple[InvoiceLine, ...]
    subtotal: Decimal
    total: Decimal
    rounding: Decimal
    unrated: tuple[UnratedUsage, ...]


def usage_windows(terms: InvoiceTerms, cuts: Iterable[datetime] = ()) -> list[Period]:
    """The windows in which usage must be measured: the period cut at every rate change and at `cuts`."""
    edges = set(cuts)
    for product in terms.products:
        for schedule in product.schedules.values():
            edges.update(schedule.cuts(terms.period))
    return split(terms.period, edges)


def compose_usage_invoice(
    terms: InvoiceTerms, usage: Sequence[UsageInput], cuts: Iterable[datetime] = ()
) -> ComposedInvoice:
    """The usage invoice of one contract and period. Lines are kept apart at `cuts` as well as at rate changes.

    Raises InvalidTerms for usage that does not fit the terms: an unknown product, a group of another length, a window
    that crosses the period's edge, a rate change or a cut.
    """
    rows = {entry.product_id: entry.rows for entry in usage}
    if len(rows) != len(usage) or not rows.keys() <= {product.product_id for product in terms.products}:
        raise InvalidTerms("usage must name each product of the terms at most once", "product_id")
    edges = tuple(cuts)
    lines: list[InvoiceLine] = []
    unrated: list[UnratedUsage] = []
    for product in terms.products:
        made, missed = _rate_product(product, terms.period, rows.get(product.product_id, ()), edges)
        lines += made
        unrated += missed
    lines.sort(key=_line_order)
    unrated.sort(key=_unrated_order)
    subtotal = total(line.total for line in lines)
    result = rounded(subtotal, terms.currency)
    return ComposedInvoice(terms.period, tuple(lines), subtotal, result.total, result.rounding, tuple(unrated))


def breakdown(terms: InvoiceTerms, usage: Sequence[UsageInput], windows: Sequence[Period]) -> list[ComposedInvoice]:
    """The invoice's lines by window (days, hours), one result for each of `windows`, which are in order.

    Usage must be measured in `usage_windows(terms, edges of the windows)`. Nothing is rounded here: over windows that
    cover the period, lines and totals sum to the invoice's lines and subtotal.
    """
    consecutive(windows, "window_size")
    whole = compose_usage_invoice(terms, usage, [edge for window in windows for edge in (window.start, window.end)])
    starts = [window.start for window in windows]
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    for line in whole.lines:
        lines[window_index(starts, line.starting_at)].append(line)
    result = []
    for index, window in enumerate(windows):
        inside = tuple(line for line in lines[index] if line.starting_at in window)
        amount = total(line.total for line in inside)
        unrated = tuple(part for part in whole.unrated if part.window.start in window)
        result.append(ComposedInvoice(window, inside, amount, amount, ZERO, unrated))
    return result


def _rate_product(
    product: ProductTerms, period: Period, rows: Sequence[UsageRow], cuts: Sequence[datetime]
) -> tuple[list[InvoiceLine], list[UnratedUsage]]:
    """The lines and the unrated usage of one product."""
    width = len(product.pricing_group_key)
    by_pricing: dict[PricingGroup, dict[Presentation, list[UsageRow]]] = {}
    if not product.group_keys:
        by_pricing[()] = {(): []}
    for row in rows:
        if len(row.group) != len(product.group_keys):
            raise InvalidTerms(f"usage of {product.name} does not fit its group keys", "usage")
        pricing = tuple(zip(product.pricing_group_key, row.group[:width], strict=True))
        presentation = tuple(zip(product.presentation_group_key, row.group[width:], strict=True))
        by_pricing.setdefault(pricing, {}).setdefault(presentation, []).append(row)
    lines: list[InvoiceLine] = []
    unrated: list[UnratedUsage] = []
    schedules: dict[PricingGroup, RateSchedule] = dict(product.schedules.items())
    for pricing, members in by_pricing.items():
        schedule = schedules.get(pricing, _NOTHING_IN_FORCE)
        segments = split(period, [*schedule.cuts(period), *cuts])
        measured = {value: _measure(product, part, segments) for value, part in members.items()}
        rated = rate_usage(schedule, _priced(product, measured), merge=False)
        for line in rated.lines:
            quantity = measured[line.presentation][Period(line.starting_at, line.ending_before)].quantity
            lines.append(_invoice_line(product, pricing, line, quantity))
        reason = "no rate is in force" if pricing in schedules or not pricing else "no rate for these group values"
        unrated += [_unrated_usage(product, pricing, part, reason) for part in rated.unrated]
    return lines, unrated


@dataclass(slots=True)
class _Measured:
    """What the metric measured of one group in one segment."""

    quantity: Decimal = ZERO
    event_count: int = 0


def _measure(product: ProductTerms, rows: Sequence[UsageRow], segments: Sequence[Period]) -> dict[Period, _Measured]:
    """One group's usage summed up by segment, in order of time; all segments where the product has no group keys."""
    starts = [segment.start for segment in segments]
    found: dict[int, _Measured] = {} if product.group_keys else {n: _Measured() for n in range(len(segments))}
    for row in rows:
        index = window_index(starts, row.window.start)
        if index < 0 or row.window.end > segments[index].end:
            raise InvalidTerms(f"a usage window of {product.name} crosses a rate change or the period", "usage")
        part = found.setdefault(index, _Measured())
        part.quantity = add(part.quantity, row.quantity)
        part.event_count += row.event_count
    return {segments[index]: found[index] for index in sorted(found)}


def _priced(
    product: ProductTerms, measured: Mapping[Presentation, Mapping[Period, _Measured]]
) -> Iterator[UsageQuantity]:
    """The measured quantities converted and rounded: cumulatively, so that the segments sum to the whole."""
    for presentation, parts in measured.items():
        reached, billed = ZERO, ZERO
        for segment, part in parts.items():
            reached = add(reached, part.quantity)
            now = priced_quantity(reached, product.quantity_conversion, product.quantity_rounding)
            yield UsageQuantity(segment, presentation, subtract(now, billed), part.event_count)
            billed = now


def _invoice_line(product: ProductTerms, pricing: PricingGroup, rated: RatedLine, measured: Decimal) -> InvoiceLine:
    return InvoiceLine(
        product_id=product.product_id,
        name=product.name,
        type="usage",
        quantity=rated.quantity,
        unit_price=rated.unit_price,
        total=rated.total,
        starting_at=rated.starting_at,
        ending_before=rated.ending_before,
        pricing_group_values=pricing,
        presentation_group_values=rated.presentation,
        tier=rated.tier,
        credit_type_id=rated.rate.credit_type_id,
        explanation=LineExplanation(
            metric_id=product.metric_id,
            metric_name=product.metric_name,
            metric_quantity=measured,
            conversion=product.quantity_conversion,
            rounding=product.quantity_rounding,
            line=rated,
        ),
    )


def _unrated_usage(product: ProductTerms, pricing: PricingGroup, part: Unrated, reason: str) -> UnratedUsage:
    return UnratedUsage(
        product_id=product.product_id,
        name=product.name,
        pricing_group_values=pricing,
        presentation_group_values=part.presentation,
        window=part.window,
        quantity=part.quantity,
        event_count=part.event_count,
        reason=reason,
    )


def _line_order(line: InvoiceLine) -> tuple[object, ...]:
    groups = tuple(value for _, value in (*line.pricing_group_values, *line.presentation_group_values))
    level = -1 if line.tier is None else line.tier.level
    return line.name, line.product_id, group_order(groups), line.starting_at, level


def _unrated_order(part: UnratedUsage) -> tuple[object, ...]:
    groups = tuple(value for _, value in (*part.pricing_group_values, *part.presentation_group_values))
    return part.name, part.product_id, group_order(groups), part.window
