"""A card's prices for staff: what holds now, what comes next, and every price's whole schedule.

Words and drawings are presentation's; what is chosen and compared is decided here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.models import Rate
from catalog.selectors import PriceSchedule, price_of
from engine.timeline import Span
from presentation.charts.time_bars import Bar, TimeAxis, state_at
from presentation.formatting import window
from presentation.prices import PriceRows, price_change, price_label, price_rows

MOST_PRICES = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A rate as it was added, and the times when it is the one that counts (none: later ones cover it)."""

    rate: Rate
    prices: PriceRows
    counts: tuple[tuple[datetime, datetime | None], ...]
    whole: bool
    state: str


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One price: for which group values, what holds, what comes next, its drawing and its entries."""

    values: str
    now: Rate | None
    prices: PriceRows
    next_at: datetime | None
    next_prices: PriceRows
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


def price_table(schedules: Sequence[PriceSchedule], at: datetime, find: str = "") -> PriceTable:
    """The prices whose product or group values hold every word of `find`; a page of them."""
    wanted = [entry for entry in schedules if matches(entry, find)]
    shown = wanted[:MOST_PRICES]
    rates = [rate for entry in shown for rate in entry.rates]
    edges = [edge for rate in rates for edge in (rate.starting_at, rate.ending_before) if edge is not None]
    axis = TimeAxis(edges, at)
    by_product: dict[UUID, list[PriceSchedule]] = {}
    for entry in shown:
        by_product.setdefault(entry.state.product_id, []).append(entry)
    products = tuple(
        PricedProduct(key, members[0].state.name, tuple(_line(entry, axis) for entry in members))
        for key, members in by_product.items()
    )
    return PriceTable(products, axis.ticks(), axis.now_x, len(shown), len(wanted) - len(shown))


def matches(entry: PriceSchedule, find: str) -> bool:
    """Whether the price's product or group values hold every word."""
    held = f"{entry.state.name} {values_text(entry.pricing_group_values, entry.billing_frequency)}".casefold()
    return all(word in held for word in find.casefold().split())


def values_text(values: dict[str, str], frequency: str = "") -> str:
    """Group values (and a frequency) as a row's name."""
    said = [f"{key} {value}" for key, value in sorted(values.items())]
    return ", ".join([*said, frequency.lower()] if frequency else said)


def _line(entry: PriceSchedule, axis: TimeAxis) -> PriceLine:
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
        bars=_present(axis.bar(part.start, part.end, short_price(part.item)) for part in entry.parts),
        covered=_present(
            axis.bar(start, end, short_price(rate), is_labelled=False)
            for rate in entry.rates
            for start, end in _covered(rate, counts.get(rate.pk, []))
        ),
        entries=tuple(_entry(rate, counts.get(rate.pk, []), at) for rate in entry.rates),
        summary="; ".join(f"{short_price(part.item)} {window(part.start, part.end)}" for part in entry.parts),
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


def prices_of(rate: Rate) -> PriceRows:
    """(units, price) pairs of any kind of price; without units where one price is for all."""
    return price_rows(price_of(rate), rate.credit_type, program=rate.custom_rate)


def short_price(rate: Rate) -> str:
    """A price as a label: the figure, or what kind it is."""
    return price_label(price_of(rate), rate.credit_type)


def difference(before: Rate | None, after: Rate | None) -> str:
    """How a price differs in words: "+12.5 %", "-10 % to +5 %" over tiers, "new price", "other terms", "same"."""
    if before is None or after is None:
        return "no price" if after is None else "new price"
    if before.rate_type == after.rate_type and before.credit_type_id != after.credit_type_id:
        return "other unit"
    changed = price_change(price_of(before), price_of(after))
    return changed or ("other terms" if _beside(before) != _beside(after) else "same")


def _beside(rate: Rate) -> tuple[Any, ...]:
    return rate.entitled, rate.minimum, rate.commit_rate, rate.is_prorated, rate.quantity, rate.custom_rate
