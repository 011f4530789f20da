"""Exact decimals: adding, multiplying, the one division, and the one rounding of an invoice's total.

Amounts are in *stored wire units*: US cents for USD, whole units for every other currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Final

from engine.errors import InvalidTerms

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

DIGITS: Final = 40
"""Terms (prices, tier sizes, factors) have at most this many digits before and after the point."""

QUOTIENT_PLACES: Final = 50
"""Decimal places kept by `divide` where a quotient does not end."""

_FATAL: Final = [InvalidOperation, DivisionByZero, Overflow, FloatOperation]

EXACT: Final = Context(prec=600, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, traps=[*_FATAL, Inexact])
"""Arithmetic that refuses to lose a digit.

Event values and terms are bounded when they come in (`NUMBER_PATTERN` in engine.usage, `checked` here), and the
products and sums that billing forms from them need fewer than 600 digits; so `Inexact` means a defect, not bad input.
"""

_ROUNDING: Final = Context(prec=600, rounding=ROUND_HALF_EVEN, Emin=-999999, Emax=999999, traps=_FATAL)


def add(left: Decimal, right: Decimal) -> Decimal:
    """The exact sum."""
    return EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference."""
    return EXACT.subtract(left, right)


def mul(left: Decimal, right: Decimal) -> Decimal:
    """The exact product; a zero is never negative."""
    return EXACT.multiply(left, right) or ZERO


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of any number of amounts; 0 for none."""
    result = ZERO
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result


def divide(dividend: Decimal, divisor: Decimal) -> Decimal:
    """The only division in the engine: the quotient to 50 decimal places, half to even.

    Quotients that end within 50 places are exact. `divisor` is a validated term and never zero.
    """
    quotient = _ROUNDING.divide(dividend, divisor)
    return round_places(quotient, QUOTIENT_PLACES, ROUND_HALF_EVEN).normalize(_ROUNDING)


def started(quantity: Decimal, size: Decimal) -> Decimal:
    """How many blocks of `size` the quantity has started; below 0, how many it gives back whole (negative)."""
    whole = _ROUNDING.divide_int(quantity, size)
    over = EXACT.subtract(quantity, EXACT.multiply(whole, size)) > 0
    return EXACT.add(whole, ONE) if over else EXACT.add(whole, ZERO)


def round_places(value: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """`value` with `places` decimals (negative: tens, hundreds), never a negative zero.

    `rounding` is one of the decimal module's modes; the default is half-up, half away from zero.
    """
    return _ROUNDING.add(value.quantize(ONE.scaleb(-places), rounding, _ROUNDING), ZERO)


def checked(value: Decimal, field: str, *, least: Decimal | None = ZERO) -> Decimal:
    """`value` if it is a finite Decimal of at most 40 digits either side of the point and not below `least`.

    Raises InvalidTerms naming `field` otherwise.
    """
    if not isinstance(value, Decimal):
        raise InvalidTerms(f"{field} must be a decimal", field)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise InvalidTerms(f"{field} must be a finite number", field)
    if -QUOTIENT_PLACES <= exponent < -DIGITS:  # quotients that sum to a term end in zeros, which are no digits
        exponent = int(value.normalize(_ROUNDING).as_tuple().exponent)
    if exponent < -DIGITS or value.adjusted() >= DIGITS:
        raise InvalidTerms(f"{field} has too many digits", field)
    if least is not None and value < least:
        raise InvalidTerms(f"{field} must be at least {plain(least)}", field)
    return value


@dataclass(frozen=True, slots=True)
class Currency:
    """A fiat currency and how many decimals its smallest unit has *in stored wire units*.

    USD is stored in cents and has 0; EUR is stored in whole euros and has 2; JPY has no smaller unit and has 0.
    """

    code: str
    places: int

    def __post_init__(self) -> None:
        if not self.code:
            raise InvalidTerms("currency needs a code", "currency")
        if not 0 <= self.places <= 6:
            raise InvalidTerms("currency places must be between 0 and 6", "currency")


_WITHOUT_MINOR_UNIT: Final = frozenset({"BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})


def fiat(code: str) -> Currency:
    """The currency of an ISO 4217 code, in Metronome's wire units: USD in cents, all others in whole units."""
    return Currency(code, 0 if code == "USD" or code in _WITHOUT_MINOR_UNIT else 2)


@dataclass(frozen=True, slots=True)
class Rounded:
    """An invoice's total and the difference that rounding made: exact sum + rounding = total."""

    total: Decimal
    rounding: Decimal


def round_total(amount: Decimal, currency: Currency) -> Decimal:
    """`amount` rounded half-up (half away from zero) to the currency's smallest unit (docs/algorithms/rounding.md)."""
    return round_places(amount, currency.places)


def rounded(amount: Decimal, currency: Currency) -> Rounded:
    """The rounded total of `amount` beside what the rounding added (negative: took away)."""
    whole = round_total(amount, currency)
    return Rounded(whole, subtract(whole, amount))


def rounded_with(amount: Decimal, instalments: Iterable[tuple[Decimal, Decimal]], currency: Currency) -> Rounded:
    """The rounded total of `amount`; `instalments` (exact, whole) are parts of it that their schedules have rounded."""
    exact, whole = ZERO, ZERO
    for share, settled in instalments:
        exact, whole = add(exact, share), add(whole, settled)
    made = add(round_total(subtract(amount, exact), currency), whole)
    return Rounded(made, subtract(made, amount))


def plain(value: Decimal) -> str:
    """Canonical text: no exponent, no trailing zeros, no negative zero, so that equal numbers read the same."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
