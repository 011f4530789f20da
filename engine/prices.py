"""Prices as cumulative functions: what the first x units of a billing period cost, and the steps of a move.

Whatever the kind of price, moving from a cumulative quantity a to b yields steps that sum to F(b) - F(a). So splits sum
to the whole, a negative quantity walks back what was charged, and a new kind of price is one more function here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.errors import InvalidTerms
from engine.money import ZERO, add, checked, mul, subtract


@dataclass(frozen=True, slots=True)
class Flat:
    """One price for every unit, in stored wire units (cents for USD), at least 0."""

    price: Decimal

    def __post_init__(self) -> None:
        checked(self.price, "price")


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier of `size` units at `price` each; the last tier has no size and takes all the rest."""

    size: Decimal | None
    price: Decimal

    def __post_init__(self) -> None:
        checked(self.price, "tiers.price")
        if self.size is not None and checked(self.size, "tiers.size").is_zero():
            raise InvalidTerms("a tier's size must be above 0", "tiers.size")


@dataclass(frozen=True, slots=True)
class TierInfo:
    """Where a line's tier stands: `level` counts from 0, `starting_at` is the quantity before it (exclusive)."""

    level: int
    starting_at: Decimal
    size: Decimal | None


@dataclass(frozen=True, slots=True)
class Tiered:
    """Graduated tiers: each unit costs what its own tier says. Lower bound exclusive, upper inclusive."""

    tiers: tuple[Tier, ...]
    levels: tuple[TierInfo, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.tiers:
            raise InvalidTerms("tiers must not be empty", "tiers")
        if self.tiers[-1].size is not None:
            raise InvalidTerms("the last tier must have no size", "tiers")
        levels = []
        starting_at = ZERO
        for level, tier in enumerate(self.tiers):
            levels.append(TierInfo(level, starting_at, tier.size))
            if tier.size is not None:
                starting_at = add(starting_at, tier.size)
            elif level + 1 < len(self.tiers):
                raise InvalidTerms("only the last tier may have no size", "tiers")
        object.__setattr__(self, "levels", tuple(levels))


Price = Flat | Tiered
"""Every kind of price. PERCENTAGE, volume and package prices join here."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a move that has one unit price: quantity x unit_price = total; quantity below 0 walks back."""

    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    tier: TierInfo | None


def kind(price: Price) -> str:
    """The price's rate type, as the API names it."""
    return "FLAT" if isinstance(price, Flat) else "TIERED"


def walk(price: Price, start: Decimal, end: Decimal) -> list[Step]:
    """The steps from cumulative quantity `start` to `end`, lowest tier first; one zero step where they are equal.

    Quantities below 0 belong to the first tier; a zero step belongs to the tier that holds `start`.
    """
    if isinstance(price, Flat):
        return [_step(subtract(end, start), price.price, None)]
    if start == end:
        level = _level(price.levels, start)
        return [Step(ZERO, price.tiers[level].price, ZERO, price.levels[level])]
    low, high = (start, end) if start < end else (end, start)
    steps = []
    for level in range(_level(price.levels, low), _level(price.levels, high) + 1):
        quantity = subtract(_within(price.levels, level, end), _within(price.levels, level, start))
        if quantity:
            steps.append(_step(quantity, price.tiers[level].price, price.levels[level]))
    return steps


def _step(quantity: Decimal, unit_price: Decimal, tier: TierInfo | None) -> Step:
    return Step(quantity, unit_price, mul(quantity, unit_price), tier)


def _level(levels: Sequence[TierInfo], position: Decimal) -> int:
    """The tier that a unit ending at `position` belongs to: the upper bound is inclusive."""
    level = 0
    while level + 1 < len(levels) and position > levels[level + 1].starting_at:
        level += 1
    return level


def _within(levels: Sequence[TierInfo], level: int, position: Decimal) -> Decimal:
    """`position` clamped to the tier's bounds; the first tier has no lower one, the last no upper one."""
    if level > 0 and position < levels[level].starting_at:
        return levels[level].starting_at
    if level + 1 < len(levels) and position > levels[level + 1].starting_at:
        return levels[level + 1].starting_at
    return position
