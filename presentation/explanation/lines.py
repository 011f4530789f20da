"""What stands in the columns of a line: its label, quantity, price, and who pays it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from engine.balances import BalanceKind
from engine.conversion import ConversionOperation, QuantityRounding, RoundingMethod
from engine.explanation import (
    AppliedExplanation,
    DatedExplanation,
    Explanation,
    ExplanationKind,
    PayingBalance,
    Pricing,
    UsageExplanation,
)
from presentation import formatting
from presentation.formatting import Unit
from presentation.groups import GroupNames
from presentation.prices import percentage, tier_units

_BALANCES: Final = {
    BalanceKind.CREDIT: "a credit",
    BalanceKind.PREPAID: "a prepaid commit",
    BalanceKind.POSTPAID: "a postpaid commit",
}
_DOES: Final = {
    BalanceKind.CREDIT: "paid by",
    BalanceKind.PREPAID: "paid by",
    BalanceKind.POSTPAID: "counts towards",
}
_ALONE: Final = {
    ExplanationKind.SUBSCRIPTION: "Subscription",
    ExplanationKind.CONVERSION: "Left to pay",
    ExplanationKind.COMPOSITE: "Share of spend",
    ExplanationKind.PURCHASE: "Purchase",
    ExplanationKind.TRUE_UP: "True-up",
    ExplanationKind.SCHEDULED: "As agreed",
    ExplanationKind.DISCOUNT: "Discount",
}
_SCALES: Final = {Decimal(10**3): "thousand", Decimal(10**6): "million", Decimal(10**9): "billion"}
_ROUNDED: Final = {RoundingMethod.ROUND_UP: "rounded up", RoundingMethod.ROUND_DOWN: "rounded down"}


class ExplainedLine(Protocol):
    """A line of an invoice. Amounts are exact, in stored units of `unit`, or of the invoice's own where it has none."""

    @property
    def name(self) -> str:
        """The product's."""
        ...

    @property
    def quantity(self) -> Decimal | None:
        """None for what a balance pays."""
        ...

    @property
    def unit_price(self) -> Decimal | None:
        """None for what a balance pays."""
        ...

    @property
    def total(self) -> Decimal:
        """The amount."""
        ...

    @property
    def starting_at(self) -> datetime | None:
        """Where its stretch of time begins."""
        ...

    @property
    def ending_before(self) -> datetime | None:
        """Where it ends."""
        ...

    @property
    def pricing_group_values(self) -> Mapping[str, str]:
        """What it was priced by."""
        ...

    @property
    def presentation_group_values(self) -> Mapping[str, str | None]:
        """What it is shown apart by."""
        ...

    @property
    def unit(self) -> Any:
        """A `Unit`, or None."""
        ...

    @property
    def explanation(self) -> Explanation:
        """Why it is what it is."""
        ...


class FulfilledCommit(Protocol):
    """What an invoice counts towards a postpaid commit, in stored units of `unit`, or plain units if `by_quantity`."""

    @property
    def name(self) -> str:
        """The commit's; "" for none."""
        ...

    @property
    def amount(self) -> Decimal:
        """What counts towards it."""
        ...

    @property
    def to_go(self) -> Decimal:
        """What is not fulfilled then."""
        ...

    @property
    def unit(self) -> Any:
        """A `Unit`, or None for the invoice's own."""
        ...

    @property
    def by_quantity(self) -> bool:
        """Whether it counts units instead of money."""
        ...


def pricing_of(explanation: Explanation) -> Pricing | None:
    """How the line was priced; None for what balances pay and what they cost."""
    if isinstance(explanation, AppliedExplanation | DatedExplanation):
        return None
    return explanation.pricing


def event_count(explanation: Explanation) -> int:
    """How many events the line was measured from."""
    return explanation.event_count if isinstance(explanation, UsageExplanation) else 0


def balance_name(balance: PayingBalance) -> str:
    """What a balance is called, else what it is."""
    return balance.name or _BALANCES[balance.type]


def line_label(line: ExplainedLine, names: GroupNames) -> str:
    """What tells this line from its product's other lines: "lumen-large, us-east"; "" where nothing does."""
    groups: dict[str, str | None] = {**line.pricing_group_values, **line.presentation_group_values}
    parts = [names.told(key, value) for key, value in groups.items()]
    if isinstance(line.explanation, AppliedExplanation):
        balance = line.explanation.balance
        parts.append(f"{_DOES[balance.type]} {balance_name(balance)}")
    return ", ".join(parts)


def towards_commit(commit: FulfilledCommit, currency: Unit, *, with_rest: bool = True) -> str:
    """What an invoice in `currency` counts towards a commit: "Counts towards Minimum: 92.50 USD, 7.50 USD to go".

    `with_rest`: with what is to go, or that nothing is.
    """
    unit = commit.unit or currency
    amount, to_go = (
        (formatting.quantity(value), "units") if commit.by_quantity
        else (formatting.money(value, unit).figure, formatting.unit_code(unit))
        for value in (commit.amount, commit.to_go)
    )  # fmt: skip
    left = f"{' '.join(to_go)} to go" if commit.to_go > 0 else "fulfilled"
    told = f"Counts towards {commit.name or _BALANCES[BalanceKind.POSTPAID]}: {' '.join(amount)}"
    return f"{told}, {left}" if with_rest else told


def label_alone(line: ExplainedLine) -> str:
    """What a line is called that nothing tells from others of its product."""
    return _ALONE.get(line.explanation.kind, "All usage")


def tier_label(line: ExplainedLine) -> str:
    """The units that a tier line charges: "first 10,000,000", "next 5,000", "above 15,000"; "" for other lines."""
    pricing = pricing_of(line.explanation)
    tier = None if pricing is None else pricing.tier
    return "" if tier is None else f"{tier_units(tier.starting_at, tier.size)} {scale_text(line)}".rstrip()


def is_percentage(line: ExplainedLine) -> bool:
    """Whether its quantity is money, and its price a part of that."""
    pricing = pricing_of(line.explanation)
    return pricing is not None and pricing.is_percentage


def quantity_text(line: ExplainedLine, unit: Unit) -> str:
    """The quantity for a column: of a percentage, the money that it is of; "" for lines without one."""
    if line.quantity is None:
        return ""
    if is_percentage(line):
        return f"{formatting.money(line.quantity, unit).figure} {formatting.unit_code(unit)}"
    return formatting.quantity(line.quantity)


def price_text(line: ExplainedLine, unit: Unit) -> str:
    """The unit price for a column, "10 %" for a percentage; "" for lines without one."""
    if line.unit_price is None:
        return ""
    return percentage(line.unit_price) if is_percentage(line) else formatting.price(line.unit_price, unit)


def scale_text(line: ExplainedLine) -> str:
    """What the line's quantity counts: "million" where its product is sold by the million; "" for other sizes, whose
    product's name says it (hours of 3,600 seconds).
    """
    explanation = line.explanation
    conversion = explanation.conversion if isinstance(explanation, UsageExplanation) else None
    if conversion is None or conversion.op is not ConversionOperation.DIVIDE:
        return ""
    return _SCALES.get(conversion.factor, "")


def priced_units(line: ExplainedLine) -> str:
    """How a product's priced units come from what is metered, as a note; "" where they are the same."""
    explanation = line.explanation
    if not isinstance(explanation, UsageExplanation):
        return ""
    parts = []
    if explanation.conversion is not None:
        word = "multiplied" if explanation.conversion.op is ConversionOperation.MULTIPLY else "divided"
        parts.append(f"{word} by {formatting.format_quantity(explanation.conversion.factor)}")
    if explanation.rounding is not None:
        parts.append(_rounding(explanation.rounding))
    if not parts:
        return ""
    metric = explanation.metric_name
    metered = f"the metered quantity ({metric})" if metric and metric != line.name else "the metered quantity"
    return f"{line.name}: the quantity is {metered}, {' and then '.join(parts)}."


def _rounding(rounding: QuantityRounding) -> str:
    direction, places = _ROUNDED.get(rounding.method, "rounded"), rounding.places
    if places > 0:
        return f"{direction} to {formatting.plural(places, 'decimal')}"
    if places == 0:
        return f"{direction} to whole units"
    return f"{direction} to whole {formatting.format_quantity(Decimal(10) ** -places)}s"
