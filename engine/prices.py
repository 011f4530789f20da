"""Prices as cumulative functions: what the first x units of a billing period cost, and the steps of a move.

Whatever the kind of price, moving from a cumulative quantity a to b yields steps that sum to F(b) - F(a). So splits sum
to the whole, a negative quantity walks back what was charged, and a new kind of price is one more function here.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, add, checked, mul, started, subtract


@dataclass(frozen=True, slots=True)
class Flat:
    """One price for every unit, in stored wire units (cents for USD), at least 0."""

    price: Decimal

    def __post_init__(self) -> None:
        checked(self.price, "price")


@dataclass(frozen=True, slots=True)
class Subscription(Flat):
    """One price for every unit (seat, licence) and full billing period."""


@dataclass(frozen=True, slots=True)
class Percentage(Flat):
    """A fraction of other lines' spend (0.1 is 10 %); with `minimum`, what a billing period costs at least."""

    minimum: Decimal | None = None

    def __post_init__(self) -> None:
        checked(self.price, "price")
        _check_minimum(self.minimum)


@dataclass(frozen=True, slots=True)
class Custom(Flat):
    """A price that only a program of the seller's knows. Usage under it is left unrated; an override may price it."""


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
        object.__setattr__(self, "levels", _levels(self.tiers))


@dataclass(frozen=True, slots=True)
class TieredPercentage(Tiered):
    """Graduated fractions of other lines' spend; `minimum` as for Percentage."""

    minimum: Decimal | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", _levels(self.tiers))
        _check_minimum(self.minimum)


@dataclass(frozen=True, slots=True)
class Volume:
    """All units of the billing period at the price of the tier that the period's quantity reaches."""

    tiers: tuple[Tier, ...]
    levels: tuple[TierInfo, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", _levels(self.tiers))


@dataclass(frozen=True, slots=True)
class Package:
    """`price` for each block of `size` units that is started."""

    size: Decimal
    price: Decimal

    def __post_init__(self) -> None:
        checked(self.price, "price")
        if checked(self.size, "size").is_zero():
            raise InvalidTerms("a package's size must be above 0", "size")


Price = Flat | Tiered | Volume | Package
"""Every kind of price; Subscription, Percentage and Custom are flat ones, TieredPercentage is a tiered one."""


def _check_minimum(minimum: Decimal | None) -> None:
    if minimum is not None:
        checked(minimum, "minimum_config.minimum")


def _levels(tiers: tuple[Tier, ...]) -> tuple[TierInfo, ...]:
    """Where each tier stands; refuses tiers that leave a gap or an end."""
    if not tiers:
        raise InvalidTerms("tiers must not be empty", "tiers")
    if tiers[-1].size is not None:
        raise InvalidTerms("the last tier must have no size", "tiers")
    levels = []
    starting_at = ZERO
    for level, tier in enumerate(tiers):
        levels.append(TierInfo(level, starting_at, tier.size))
        if tier.size is not None:
            starting_at = add(starting_at, tier.size)
        elif level + 1 < len(tiers):
            raise InvalidTerms("only the last tier may have no size", "tiers")
    return tuple(levels)


_KINDS: dict[type[Price], str] = {
    Flat: "FLAT",
    Subscription: "SUBSCRIPTION",
    Percentage: "PERCENTAGE",
    Tiered: "TIERED",
    TieredPercentage: "TIERED_PERCENTAGE",
    Volume: "VOLUME",
    Package: "PACKAGE",
    Custom: "CUSTOM",
}


def kind(price: Price) -> str:
    """The price's rate type, as the API names it (VOLUME and PACKAGE are ours)."""
    return _KINDS[type(price)]


def price_from(
    rate_type: str,
    *,
    price: Decimal | None = None,
    tiers: Sequence[Tier] = (),
    minimum: Decimal | None = None,
    size: Decimal | None = None,
) -> Price:
    """The price of a rate as the API gives it; parts that the type does not use must be absent.

    Raises InvalidTerms naming the field.
    """
    make = _MAKERS.get(rate_type)
    if make is None:
        raise InvalidTerms(f"{rate_type} rates are not supported", "rate_type")
    given = {"price": price, "tiers": tuple(tiers) or None, "minimum_config.minimum": minimum, "size": size}
    needed, optional, maker = make
    for name, value in given.items():
        if value is None and name in needed:
            raise InvalidTerms(f"{rate_type} rates need {name}", name)
        if value is not None and name not in needed and name not in optional:
            raise InvalidTerms(f"{rate_type} rates have no {name}", name)
    return maker(price or ZERO, tuple(tiers), minimum, size or ZERO)


_Maker = Callable[[Decimal, tuple[Tier, ...], Decimal | None, Decimal], Price]
_MINIMUM = ("minimum_config.minimum",)
_MAKERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Maker]] = {
    "FLAT": (("price",), (), lambda price, _t, _m, _s: Flat(price)),
    "SUBSCRIPTION": (("price",), (), lambda price, _t, _m, _s: Subscription(price)),
    "PERCENTAGE": (("price",), _MINIMUM, lambda price, _t, minimum, _s: Percentage(price, minimum)),
    "TIERED": (("tiers",), (), lambda _p, tiers, _m, _s: Tiered(tiers)),
    "TIERED_PERCENTAGE": (("tiers",), _MINIMUM, lambda _p, tiers, minimum, _s: TieredPercentage(tiers, minimum)),
    "VOLUME": (("tiers",), (), lambda _p, tiers, _m, _s: Volume(tiers)),
    "PACKAGE": (("price", "size"), (), lambda price, _t, _m, size: Package(size, price)),
    "CUSTOM": ((), (), lambda _p, _t, _m, _s: Custom(ZERO)),
}


def computed_price(
    rate_type: str,
    *,
    price: Decimal | None,
    tiers: Sequence[tuple[Decimal | None, Decimal]],
    minimum: Decimal | None,
    size: Decimal | None,
) -> Price:
    """A price that was computed and stored: as `price_from`, but its numbers may have more digits than terms.

    `tiers` are (size, price). Raises InvalidTerms for parts that the type does not use.
    """
    sized = tuple(_tier(tier_size, each) for tier_size, each in tiers)
    made = price_from(rate_type, price=None if price is None else ZERO, tiers=sized, minimum=minimum, size=size)
    return made if price is None else each_price(made, lambda _: price)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a move that has one unit price: quantity x unit_price = total; quantity below 0 walks back.

    The quantity is in units, for Package in blocks.
    """

    quantity: Decimal
    unit_price: Decimal
    total: Decimal
    tier: TierInfo | None


def walk(price: Price, start: Decimal, end: Decimal, reached: Decimal | None = None) -> list[Step]:
    """The steps from cumulative quantity `start` to `end`, lowest tier first; one zero step where they are equal.

    Quantities below 0 belong to the first tier; a zero step belongs to the tier that holds `start`. `reached` is the
    whole period's quantity, which sets the price of all units of Volume; without it, the greater of start and end.
    """
    if isinstance(price, Flat):
        return [_step(subtract(end, start), price.price, None)]
    if isinstance(price, Package):
        return [_step(line_quantity(price, start, end), price.price, None)]
    if isinstance(price, Volume):
        level = _level(price.levels, max(start, end) if reached is None else reached)
        return [_step(subtract(end, start), price.tiers[level].price, price.levels[level])]
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


def line_quantity(price: Price, start: Decimal, end: Decimal) -> Decimal:
    """What a line says of a move: units, or for Package the blocks that it starts."""
    if isinstance(price, Package):
        return subtract(started(end, price.size), started(start, price.size))
    return subtract(end, start)


def position_after(price: Price, start: Decimal, end: Decimal, quantity: Decimal) -> Decimal:
    """The position between `start` and `end` where a line of `quantity` ends."""
    if isinstance(price, Package):
        return max(start, min(end, mul(add(started(start, price.size), quantity), price.size)))
    return add(start, quantity)


def each_price(price: Price, change: Callable[[Decimal], Decimal]) -> Price:
    """The price with each unit's price changed; sizes and a minimum stay. Results may have more digits than terms."""
    made = copy(price)
    if isinstance(made, Flat | Package):
        object.__setattr__(made, "price", change(made.price))
    else:
        object.__setattr__(made, "tiers", tuple(_tier(tier.size, change(tier.price)) for tier in made.tiers))
    return made


def flat_of(amount: Decimal) -> Flat:
    """A flat price that was computed and may have more digits than terms."""
    made = Flat(ZERO)
    object.__setattr__(made, "price", amount)
    return made


def _tier(size: Decimal | None, price: Decimal) -> Tier:
    made = Tier(None, ZERO)
    object.__setattr__(made, "size", size)
    object.__setattr__(made, "price", price)
    return made


def multiplied(price: Price, multiplier: Decimal) -> Price:
    """The price with each unit's price times `multiplier`; a minimum stays as it is."""
    return each_price(price, lambda each: mul(each, multiplier))


@dataclass(frozen=True, slots=True)
class MultiplierTier:
    """A tier of a TIERED override: its units cost the list price times `multiplier`."""

    size: Decimal | None
    multiplier: Decimal

    def __post_init__(self) -> None:
        checked(self.multiplier, "tiers.multiplier")
        if self.size is not None and checked(self.size, "tiers.size").is_zero():
            raise InvalidTerms("a tier's size must be above 0", "tiers.size")


def multiplied_in_tiers(price: Price, multipliers: Sequence[MultiplierTier]) -> Price | None:
    """Graduated: each unit's price (by its own tier) times the multiplier of the override tier that it falls into.

    Beyond the last tier's size, if it has one, prices are list prices. None for Volume, Package and Custom, whose
    units have no price of their own.
    """
    if isinstance(price, Volume | Package | Custom):
        return None
    factors = list(multipliers)
    if factors[-1].size is not None:
        factors.append(MultiplierTier(None, ONE))
    listed: _Sized = (
        [(None, price.price)] if isinstance(price, Flat) else [(tier.size, tier.price) for tier in price.tiers]
    )
    tiers = _merged(listed, [(tier.size, tier.multiplier) for tier in factors])
    if isinstance(price, Percentage | TieredPercentage):
        return TieredPercentage(tiers, price.minimum)
    return Tiered(tiers)


_Sized = list[tuple[Decimal | None, Decimal]]


def _merged(left: _Sized, right: _Sized) -> tuple[Tier, ...]:
    """Tiers cut wherever either list has an edge, each at the product of both values."""
    tiers = []
    left_index = right_index = 0
    left_size, right_size = left[0][0], right[0][0]
    while True:
        sizes = [size for size in (left_size, right_size) if size is not None]
        size = min(sizes) if sizes else None
        tiers.append(_tier(size, mul(left[left_index][1], right[right_index][1])))
        if size is None:
            return tuple(tiers)
        left_size = None if left_size is None else subtract(left_size, size)
        right_size = None if right_size is None else subtract(right_size, size)
        if left_size is not None and not left_size:
            left_index += 1
            left_size = left[left_index][0]
        if right_size is not None and not right_size:
            right_index += 1
            right_size = right[right_index][0]


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
