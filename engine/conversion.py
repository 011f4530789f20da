"""From a metric's quantity to the quantity that is priced: conversion first, then rounding."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum
from typing import Final

from engine.errors import InvalidTerms
from engine.money import checked, divide, mul, round_places


class ConversionOperation(StrEnum):
    """What a quantity conversion does with its factor."""

    MULTIPLY = "MULTIPLY"
    DIVIDE = "DIVIDE"


class RoundingMethod(StrEnum):
    """How a quantity is rounded; below 0 everything mirrors: up is away from zero, down towards it."""

    ROUND_UP = "ROUND_UP"
    ROUND_DOWN = "ROUND_DOWN"
    ROUND_HALF_UP = "ROUND_HALF_UP"


_MODES: Final = {
    RoundingMethod.ROUND_UP: ROUND_UP,
    RoundingMethod.ROUND_DOWN: ROUND_DOWN,
    RoundingMethod.ROUND_HALF_UP: ROUND_HALF_UP,
}


@dataclass(frozen=True, slots=True)
class QuantityConversion:
    """Multiplies or divides by `factor` (above 0): data sent in MB, priced in GB, is DIVIDE by 1024."""

    factor: Decimal
    op: ConversionOperation

    def __post_init__(self) -> None:
        if checked(self.factor, "quantity_conversion.conversion_factor").is_zero():
            raise InvalidTerms("the conversion factor must be above 0", "quantity_conversion.conversion_factor")


@dataclass(frozen=True, slots=True)
class QuantityRounding:
    """Rounds to `places` decimals; negative places round to tens, hundreds."""

    method: RoundingMethod
    places: int

    def __post_init__(self) -> None:
        if not -20 <= self.places <= 20:
            raise InvalidTerms("decimal_places must be between -20 and 20", "quantity_rounding.decimal_places")


def priced_quantity(
    quantity: Decimal, conversion: QuantityConversion | None, rounding: QuantityRounding | None
) -> Decimal:
    """The metric's cumulative `quantity` as it is priced.

    Billing applies it to cumulative quantities and takes differences, so that the parts of a period sum to the whole.
    """
    if conversion is not None:
        apply = mul if conversion.op is ConversionOperation.MULTIPLY else divide
        quantity = apply(quantity, conversion.factor)
    return quantity if rounding is None else round_places(quantity, rounding.places, _MODES[rounding.method])
