"""A card's prices for staff: what holds now, what comes next, and every price's whole schedule as a drawing.

The drawing has no view box: its lengths are percentages, so bars stretch with the page and text keeps its size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Rate
from catalog.prices import PERCENTAGES
from catalog.selectors import PriceSchedule
from core import display
from engine.money import EXACT, ZERO
from engine.timeline import Span

Prices = tuple[tuple[str, SafeString], ...]
MOST_PRICES = 100
PAST, AHEAD, AT_LEAST_AHEAD = timedelta(days=365), timedelta(days=400), timedelta(days=92)
MOST_TICKS = 7
NARROWEST = 210  # pixels of a drawing on a telephone
PER_LETTER = 8
ONE_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a drawing; `x` and `width` with their percent sign. `kind`: past, now or next."""

    x: str
    width: str
    kind: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A rate as it was added, and the times when it is the one that counts (none: later ones cover it)."""

    rate: Rate
    prices: Prices
    counts: tuple[tuple[datetime, datetime | None], ...]
    whole: bool
    state: str


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One price: for which group values, what holds, what comes next, its drawing and its entries."""

    values: str
    now: Rate | None
    prices: Prices
    next_at: datetime | None
    next_prices: Prices
    bars: tuple[Bar, ...]
    covered: tuple[Bar, ...]
    entries: tuple[Entry, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product's prices on the card."""

    product_id: UUID
    name: str
    lines: tuple[PriceLine, ...]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The table; `ticks` are (x, label) of the time axis, `now_x` where the present stands on it."""

    products: tuple[PricedProduct, ...]
    ticks: tuple[tuple[str, str], ...]
    now_x: str
    shown: int
    hidden: int


class Axis:
    """From instants to percentages of a drawing's width."""

    def __init__(self, schedules: Iterable[PriceSchedule], at: datetime) -> None:
        edges = [at]
        for schedule in schedules:
            for rate in schedule.rates:
                edges += [rate.starting_at, *([rate.ending_before] if rate.ending_before else [])]
        self.at = at
        self.start = max(min(edges), at - PAST)
        self.end = max(min(max(edges) + timedelta(days=31), at + AHEAD), at + AT_LEAST_AHEAD)

    def share(self, instant: datetime) -> float:
        """Where the instant stands, 0 to 1."""
        return min(1.0, max(0.0, (instant - self.start) / (self.end - self.start)))

    def ticks(self) -> tuple[tuple[str, str], ...]:
        """Months, as many as there is room for."""
        months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
        step = next(step for step in (1, 2, 3, 6, 12) if months / step <= MOST_TICKS or step == 12)
        found = []
        for count in range(self.start.year * 12 + self.start.month, self.end.year * 12 + self.end.month):
            instant = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
            if count % step == 0 and self.start <= instant and self.share(instant) < 0.93:  # noqa: PLR2004
                found.append((percent(self.share(instant)), f"{instant:%b %Y}" if count % 12 == 0 else f"{instant:%b}"))
        return tuple(found)

    def bar(self, start: datetime, end: datetime | None, rate: Rate, *, labelled: bool = True) -> Bar | None:
        """The stretch of `[start, end)`; None outside of the drawing."""
        left, right = self.share(start), 1.0 if end is None else self.share(end)
        if right <= left:
            return None
        kind = state_at(start, end, self.at)
        label = short_price(rate) if labelled else ""
        room = (right - left) * NARROWEST > len(label) * PER_LETTER + 10
        title = f"{short_price(rate)}, {span_text(start, end)}"
        return Bar(percent(left), percent(right - left), kind, label if room else "", title)


def percent(share: float) -> str:
    """A share as a drawing's length."""
    return f"{share * 100:.3f}%"


def state_at(start: datetime, end: datetime | None, at: datetime) -> str:
    """past, now or next."""
    if start > at:
        return "next"
    return "now" if end is None or end > at else "past"


def span_text(start: datetime, end: datetime | None) -> str:
    """A window in words."""
    return f"from {moment(start)}" if end is None else f"{moment(start)} until {moment(end)}"


def moment(at: datetime) -> str:
    """A day, with the hour where it is not midnight."""
    return display.day(at) if at.hour == 0 else display.instant_text(at)


def price_table(schedules: Sequence[PriceSchedule], at: datetime, find: str = "") -> PriceTable:
    """The prices whose product or group values hold every word of `find`; a page of them."""
    wanted = [entry for entry in schedules if matches(entry, find)]
    shown = wanted[:MOST_PRICES]
    axis = Axis(shown, at)
    by_product: dict[UUID, list[PriceSchedule]] = {}
    for entry in shown:
        by_product.setdefault(entry.state.product_id, []).append(entry)
    products = tuple(
        PricedProduct(key, members[0].state.name, tuple(_line(entry, axis) for entry in members))
        for key, members in by_product.items()
    )
    return PriceTable(products, axis.ticks(), percent(axis.share(at)), len(shown), len(wanted) - len(shown))


def matches(entry: PriceSchedule, find: str) -> bool:
    """Whether the price's product or group values hold every word."""
    held = f"{entry.state.name} {values_text(entry.pricing_group_values, entry.billing_frequency)}".casefold()
    return all(word in held for word in find.casefold().split())


def values_text(values: dict[str, str], frequency: str = "") -> str:
    """Group values (and a frequency) as a row's name."""
    said = [f"{key} {value}" for key, value in sorted(values.items())]
    return ", ".join([*said, frequency.lower()] if frequency else said)


def _line(entry: PriceSchedule, axis: Axis) -> PriceLine:
    at = axis.at
    current = next((part for part in entry.parts if state_at(part.start, part.end, at) == "now"), None)
    coming = next((part for part in entry.parts if part.start > at), None)
    counts: dict[UUID, list[Span[Rate]]] = {}
    for part in entry.parts:
        counts.setdefault(part.item.pk, []).append(part)
    return PriceLine(
        values=values_text(entry.pricing_group_values, entry.billing_frequency),
        now=current.item if current else None,
        prices=prices_of(current.item) if current else (),
        next_at=coming.start if coming else (current.end if current else None),
        next_prices=prices_of(coming.item) if coming and (not current or coming.start == current.end) else (),
        bars=_present(axis.bar(part.start, part.end, part.item) for part in entry.parts),
        covered=_present(
            axis.bar(start, end, rate, labelled=False)
            for rate in entry.rates
            for start, end in _covered(rate, counts.get(rate.pk, []))
        ),
        entries=tuple(_entry(rate, counts.get(rate.pk, []), at) for rate in entry.rates),
        summary="; ".join(f"{short_price(part.item)} {span_text(part.start, part.end)}" for part in entry.parts),
    )


def _present(bars: Iterable[Bar | None]) -> tuple[Bar, ...]:
    return tuple(bar for bar in bars if bar is not None)


def _covered(rate: Rate, parts: Sequence[Span[Rate]]) -> list[tuple[datetime, datetime | None]]:
    """The times of the rate when later ones count instead."""
    found: list[tuple[datetime, datetime | None]] = []
    reached: datetime | None = rate.starting_at
    for part in parts:
        if reached is not None and part.start > reached:
            found.append((reached, part.start))
        reached = part.end
        if reached is None:
            return found
    if reached is not None and (rate.ending_before is None or reached < rate.ending_before):
        found.append((reached, rate.ending_before))
    return found


def _entry(rate: Rate, parts: Sequence[Span[Rate]], at: datetime) -> Entry:
    states = {state_at(part.start, part.end, at) for part in parts}
    state = next((kind for kind in ("now", "next", "past") if kind in states), "covered")
    return Entry(
        rate=rate,
        prices=prices_of(rate),
        counts=tuple((part.start, part.end) for part in parts),
        whole=not _covered(rate, parts),
        state=state,
    )


# --- prices in words -------------------------------------------------------------------------------------------------


def prices_of(rate: Rate) -> Prices:
    """(units, price) pairs of any kind of price; without units where one price is for all."""
    if rate.custom_rate:
        return (("a program's:", format_html("<code>{}</code>", rate.custom_rate)),)
    if not rate.tiers:
        note = f"per {display.quantity(rate.package_size)}, each started" if rate.package_size else ""
        return ((note, _cost(rate, rate.price if rate.price is not None else ZERO)),)
    found = []
    start = ZERO
    for tier in rate.tiers:
        size = None if tier.get("size") is None else Decimal(tier["size"])
        found.append((_units(rate, start, size), _cost(rate, Decimal(tier["price"]))))
        start += size or ZERO
    return tuple(found)


def _units(rate: Rate, start: Decimal, size: Decimal | None) -> str:
    if rate.rate_type == Rate.Type.VOLUME:
        return f"all, up to {display.quantity(start + size)}" if size is not None else "all, if more"
    if size is None:
        return f"above {display.quantity(start)}" if start else "all"
    return f"{'next' if start else 'first'} {display.quantity(size)}"


def _cost(rate: Rate, price: Decimal) -> SafeString:
    if rate.rate_type in PERCENTAGES:
        return format_html("{} %", display.quantity(price.scaleb(2, context=EXACT)))
    return display.money(price, rate.credit_type, decimals=None)


def short_price(rate: Rate) -> str:
    """A price as a label: the figure, or what kind it is."""
    if rate.custom_rate:
        return "custom"
    if rate.tiers:
        return f"{len(rate.tiers)} tiers"
    price = rate.price if rate.price is not None else ZERO
    if rate.rate_type in PERCENTAGES:
        return f"{display.quantity(price.scaleb(2, context=EXACT))} %"
    figure = display.figure(price, rate.credit_type)
    return f"{figure} per {display.quantity(rate.package_size)}" if rate.package_size else figure


def difference(before: Rate | None, after: Rate | None) -> str:
    """How a price differs in words: "+12.5 %", "-10 % to +5 %" over tiers, "new price", "other tiers"."""
    if before is None or after is None:
        return "no price" if after is None else "new price"
    if before.rate_type != after.rate_type:
        return "other kind of price"
    if before.credit_type_id != after.credit_type_id:
        return "other unit"
    pairs = _pairs(before, after)
    if pairs is None:
        return "other tiers" if before.tiers else "other blocks"
    said = [_change(*pair) for pair in pairs]
    if any(isinstance(one, str) for one in said):
        return " / ".join(dict.fromkeys(one if isinstance(one, str) else _percent(one) for one in said))
    changes = [one for one in said if isinstance(one, Decimal)]
    low, high = min(changes), max(changes)
    if low == high == 0:
        return "other terms" if _beside(before) != _beside(after) else "same"
    return _percent(low) if low == high else f"{_percent(low)} to {_percent(high)}"


def _beside(rate: Rate) -> tuple[Any, ...]:
    return rate.entitled, rate.minimum, rate.commit_rate, rate.is_prorated, rate.quantity, rate.custom_rate


def _pairs(before: Rate, after: Rate) -> list[tuple[Decimal, Decimal]] | None:
    """Prices that stand for the same units; None where the units differ."""
    if [tier.get("size") for tier in before.tiers] != [tier.get("size") for tier in after.tiers]:
        return None
    if before.package_size != after.package_size:
        return None
    if before.tiers:
        return [
            (Decimal(one["price"]), Decimal(two["price"])) for one, two in zip(before.tiers, after.tiers, strict=True)
        ]
    return [(before.price or ZERO, after.price or ZERO)]


def _change(old: Decimal, new: Decimal) -> Decimal | str:
    if old == new:
        return ZERO
    return "no longer free" if not old else (new - old) * 100 / old


def _percent(value: Decimal) -> str:
    if not value:
        return "0 %"
    sign = "+" if value > 0 else "\N{MINUS SIGN}"
    size = abs(value)
    if size < ONE_TENTH:
        return f"{sign}<0.1 %"
    return f"{sign}{display.quantity(size.quantize(ONE_TENTH).normalize() + 0)} %"
