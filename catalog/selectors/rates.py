"""Reads of a rate card's rates as they count: the one added last, wherever several overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from catalog.models import ProductOrder, ProductVersion, Rate
from catalog.prices import engine_price
from catalog.selectors.products import state_at, versions_of
from engine.money import plain
from engine.prices import Price
from engine.rating import RateVersion
from engine.timeline import Span, later_wins

UNPLACED = 10**9
GroupValues = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RateSelector:
    """Conditions on rates, all of which must hold; None means any. Frequencies belong to subscription rates."""

    product_id: UUID | None = None
    product_tags: tuple[str, ...] | None = None
    pricing_group_values: dict[str, str] | None = None
    partial_pricing_group_values: dict[str, str] | None = None
    billing_frequency: str | None = None

    def picks(self, rate: Rate, state: ProductVersion) -> bool:
        """Whether a rate of a product in this state is meant."""
        values = rate.pricing_group_values
        return (
            self.billing_frequency in (None, rate.billing_frequency)
            and self.product_id in (None, rate.product_id)
            and (self.product_tags is None or not set(self.product_tags).isdisjoint(state.tags))
            and self.pricing_group_values in (None, values)
            and (self.partial_pricing_group_values or {}).items() <= values.items()
        )


@dataclass(frozen=True, slots=True)
class EffectiveRate:
    """A rate over `[starting_at, ending_before)`, where it is the one that counts.

    `order` sorts a card's rates: products (those with a place on the card first), then group values, in the order of
    their first rate; then by time.
    """

    rate: Rate
    state: ProductVersion
    starting_at: datetime
    ending_before: datetime | None
    order: tuple[int, int, datetime]


def list_effective_rates(
    *,
    rate_card_id: UUID,
    starting_at: datetime,
    ending_before: datetime | None = None,
    selectors: Sequence[RateSelector] = (),
) -> list[EffectiveRate]:
    """The card's rates that count at any time in `[starting_at, ending_before)` and that any selector picks, in order.

    Without selectors, all. The ends are the rates' own, not cut to the window. Products are shown as they are at the
    later of the window's and the rate's start. Three queries.
    """
    found = []
    rows = _rows(rate_card_id, selectors)
    versions = versions_of(rate.product_id for rate in rows)
    placed = ProductOrder.objects.filter(rate_card_id=rate_card_id).values_list("product_id", "position")
    first_of = {product_id: position - UNPLACED for product_id, position in placed}
    for rate in rows:
        first_of.setdefault(rate.product_id, rate.sequence)
    for (product_id, _, _), members in group_by_price(rows).items():
        order = first_of[product_id], members[0].sequence
        for part in later_wins(spans(members)):
            if _apart(part, starting_at, ending_before):
                continue
            state = state_at(versions[product_id], max(part.start, starting_at))
            if not selectors or any(selector.picks(part.item, state) for selector in selectors):
                found.append(EffectiveRate(part.item, state, part.start, part.end, (*order, part.start)))
    return sorted(found, key=lambda entry: entry.order)


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """One price of a card over all time: every rate for it in the order of adding, and the parts of them that count."""

    state: ProductVersion
    pricing_group_values: dict[str, str]
    billing_frequency: str
    rates: tuple[Rate, ...]
    parts: tuple[Span[Rate], ...]


def list_price_schedules(*, rate_card_id: UUID, now: datetime) -> list[PriceSchedule]:
    """The card's prices, by product as it is called now and group values, each with its whole schedule. Two queries."""
    groups = group_by_price(_rows(rate_card_id, ()))
    versions = versions_of(product_id for product_id, _, _ in groups)
    found = [
        PriceSchedule(
            state_at(versions[product_id], now),
            dict(values),
            frequency,
            tuple(members),
            tuple(later_wins(spans(members))),
        )
        for (product_id, values, frequency), members in groups.items()
    ]
    return sorted(
        found,
        key=lambda entry: (
            entry.state.name.casefold(),
            str(entry.state.product_id),
            sorted(entry.pricing_group_values.items()),
            entry.billing_frequency,
        ),
    )


def group_by_price(rates: Sequence[Rate]) -> dict[tuple[UUID, GroupValues, str], list[Rate]]:
    """Rates that compete with each other: by product, pricing group values and frequency; input order is kept."""
    groups: dict[tuple[UUID, GroupValues, str], list[Rate]] = {}
    for rate in rates:
        key = rate.product_id, tuple(sorted(rate.pricing_group_values.items())), rate.billing_frequency
        groups.setdefault(key, []).append(rate)
    return groups


def spans(rates: Sequence[Rate]) -> list[Span[Rate]]:
    """Rates as spans of time in the order of adding."""
    return [Span(rate.sequence, rate.starting_at, rate.ending_before, rate) for rate in rates]


def stored_price_of(rate: Rate) -> dict[str, Any]:
    """The rate's price in the shape of `catalog.prices`."""
    found: dict[str, Any] = {"rate_type": rate.rate_type}
    for name in ("price", "package_size", "minimum"):
        if getattr(rate, name) is not None:
            found[name] = plain(getattr(rate, name))
    if rate.custom_rate:
        found["custom_rate"] = rate.custom_rate
    return found | ({"tiers": rate.tiers} if rate.tiers else {})


def price_of(rate: Rate) -> Price:
    """The rate's price as the engine knows it, in the stored units of its credit type."""
    tiers = tuple((tier.get("size"), tier["price"]) for tier in rate.tiers)
    return _price(rate.rate_type, rate.price, rate.package_size, rate.minimum, tiers)


@lru_cache(maxsize=4096)
def _price(
    rate_type: str,
    price: Decimal | None,
    package_size: Decimal | None,
    minimum: Decimal | None,
    tiers: tuple[tuple[str | None, str], ...],
) -> Price:
    """Many rates of a card say the same price: it is made once, and cannot change."""
    stored: dict[str, Any] = {"rate_type": rate_type}
    for name, value in (("price", price), ("package_size", package_size), ("minimum", minimum)):
        if value is not None:
            stored[name] = plain(value)
    if tiers:
        stored["tiers"] = [{"size": size, "price": cost} for size, cost in tiers]
    return engine_price(stored)


def rate_version(part: Span[Rate], card_name: str | None = None) -> RateVersion:
    """A rate over the time in which it is the one that counts, as the engine bills by it.

    `card_name`: its card's, if that is known without reading the card.
    """
    rate = part.item
    return RateVersion(
        rate_id=str(rate.pk),
        starting_at=part.start,
        ending_before=part.end,
        entitled=rate.entitled,
        price=price_of(rate),
        credit_type_id=str(rate.credit_type_id),
        source=f"rate card {rate.rate_card.name if card_name is None else card_name}",
        commit_price=None if rate.commit_rate is None else engine_price(rate.commit_rate),
    )


def _rows(rate_card_id: UUID, selectors: Sequence[RateSelector]) -> list[Rate]:
    rows = (
        Rate.objects.filter(rate_card_id=rate_card_id)
        .select_related("product", "credit_type", "rate_card")
        .order_by("sequence")
    )
    products = [selector.product_id for selector in selectors if selector.product_id is not None]
    if selectors and len(products) == len(selectors):
        rows = rows.filter(product_id__in=products)
    return list(rows)


def _apart(part: Span[Rate], starting_at: datetime, ending_before: datetime | None) -> bool:
    """Whether the part lies wholly outside of the window."""
    return (part.end is not None and part.end <= starting_at) or (
        ending_before is not None and part.start >= ending_before
    )
