"""What all drawings share: places, labels, and the axis of their values. No floats anywhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from engine.money import ZERO
from presentation.formatting import compact

_TENTH = Decimal("0.1")
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class Text:
    """A label at a place."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A table row: the column's name, the value of each series, the sum."""

    label: str
    values: tuple[str, ...]
    total: str


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """A drawing's frame in user units, and its vertical axis: `values` are the ticks, from `bottom` to `top`."""

    left: Decimal
    right: Decimal
    top: Decimal
    bottom: Decimal
    values: tuple[Decimal, ...]
    scale: Decimal

    @classmethod
    def around(cls, values: Iterable[Decimal], *, width: int, height: int, top: int) -> "ValueAxis":
        """An axis that holds 0 and all `values`, with room for its labels on the left and a line of text below."""
        seen = [ZERO, *values]
        ticks = nice_ticks(min(seen), max(seen))
        left = Decimal(8 + 7 * max(len(compact(tick)) for tick in ticks))
        bottom = Decimal(height - 24)
        scale = (bottom - top) / (ticks[-1] - ticks[0])
        return cls(left, Decimal(width - 4), Decimal(top), bottom, tuple(ticks), scale)

    def y_of(self, value: Decimal) -> Decimal:
        """The height at which a value stands."""
        return self.bottom - (value - self.values[0]) * self.scale

    def labels(self) -> tuple[Text, ...]:
        """The ticks' labels, left of the frame."""
        x = position(self.left - 6)
        return tuple(Text(x, position(self.y_of(value)), compact(value)) for value in self.values)


def nice_ticks(low: Decimal, high: Decimal, *, about: int = 4) -> list[Decimal]:
    """Round axis values from at or below `low` (at most 0) to at or above `high` (at least 0); at least two."""
    extent = high - low
    if not extent:
        return [ZERO, Decimal(1)]
    rough = extent / about
    magnitude = Decimal(1).scaleb(rough.adjusted())
    step = next(magnitude * factor for factor in _STEPS if magnitude * factor >= rough)
    first = -((-low / step).to_integral_value(ROUND_CEILING)) * step
    ticks = [first]
    while ticks[-1] < high:
        ticks.append(ticks[-1] + step)
    return [tick or ZERO for tick in ticks]


def position(value: Decimal) -> str:
    """A place in a drawing, with one decimal."""
    return f"{value.quantize(_TENTH, ROUND_HALF_UP):f}"
