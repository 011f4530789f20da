"""Amounts, quantities and times as the console says them. Nothing here changes a number; it only chooses what to
show.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from billing.types import CurrencyView
from core.money_format import abridge, format_money, format_quantity
from engine.money import EXACT, round_places

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
SHOWN_DECIMALS = 10
MOST_DECIMALS = 20


@dataclass(frozen=True, slots=True)
class Money:
    """An amount to show: `figure` in a person's units, rounded to the smallest coin; `exact` with every digit.

    An amount that would round to nothing is shown exactly instead, because usage priced in millionths must not vanish.
    """

    figure: str
    exact: str
    code: str

    @property
    def is_rounded(self) -> bool:
        """Whether the figure leaves digits out."""
        return self.figure != self.exact


@dataclass(frozen=True, slots=True)
class Exact:
    """An amount in a ledger: `figure` down to the smallest coin, `tail` the digits below it, for smaller type."""

    figure: str
    tail: str


def money(amount: Decimal, currency: CurrencyView) -> Money:
    """`amount`, in the currency's stored unit, to show."""
    exact = signed(format_money(amount, currency.minor_digits, currency.places))
    coins = round_places(amount, currency.places)
    shown = signed(format_money(coins, currency.minor_digits, currency.places)) if coins or not amount else exact
    return Money(abridge(shown, SHOWN_DECIMALS), exact, currency.code or currency.name)


def exact(amount: Decimal, currency: CurrencyView) -> Exact:
    """`amount`, in the currency's stored unit, with every digit, what is below the smallest coin apart."""
    figure = signed(abridge(format_money(amount, currency.minor_digits, currency.places), SHOWN_DECIMALS))
    whole, _, fraction = figure.partition(".")
    coins = currency.minor_digits + currency.places
    head = f"{whole}.{fraction[:coins]}" if coins else whole
    tail = fraction[coins:]
    return Exact(head, tail if coins or not tail else f".{tail}")


def price(amount: Decimal, currency: CurrencyView) -> str:
    """A unit price: every digit that it has (of a quotient such as 1/3, some), and the currency."""
    figure = signed(shortened(format_money(amount, currency.minor_digits, currency.places)))
    return f"{figure} {currency.code or currency.name}"


def shortened(figure: str) -> str:
    """A formatted number; cut where it has so many decimals that it must be a quotient, as nobody sets such a price."""
    return abridge(figure, SHOWN_DECIMALS) if len(figure.partition(".")[2]) > MOST_DECIMALS else figure


def quantity(value: Decimal | str) -> str:
    """A quantity, grouped by thousands; long fractions are cut and say so."""
    return signed(abridge(format_quantity(Decimal(value)), SHOWN_DECIMALS))


def person_units(amount: Decimal, currency: CurrencyView) -> Decimal:
    """A stored amount in the units that people use: cents to dollars."""
    return amount.scaleb(-currency.minor_digits, context=EXACT)


def stored_units(value: Decimal, currency: CurrencyView) -> Decimal:
    """The way back: dollars to cents."""
    return value.scaleb(currency.minor_digits, context=EXACT)


def signed(figure: str) -> str:
    """With a true minus sign."""
    return figure.replace("-", MINUS)


def compact(value: Decimal) -> str:
    """A round axis value in few characters: 20000 -> "20k", 2500000 -> "2.5M"."""
    for size, suffix in ((Decimal(10**9), "bn"), (Decimal(10**6), "M"), (Decimal(10**4), "k")):
        if abs(value) >= size:
            unit = Decimal(1000) if suffix == "k" else size
            return signed(format_quantity(value / unit) + suffix)
    return signed(format_quantity(value))


def percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` in whole percent: "18 %"; "" of nothing."""
    if not whole:
        return ""
    share = (part * 100 / whole).quantize(Decimal(1), ROUND_HALF_UP)
    if not share and part:
        return f"under 1{SPACE}%"
    return f"{signed(f'{share:,}')}{SPACE}%"


def change(now: Decimal, before: Decimal) -> str:
    """How much higher or lower: "18 % higher", "level" where it rounds to nothing, "" without a before."""
    if not before:
        return ""
    moved = ((now - before) * 100 / before).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{abs(moved):,}{SPACE}% {'higher' if moved > 0 else 'lower'}" if moved else "level"


def plural(count: int, noun: str) -> str:
    """ "1 event", "48,120 events"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def day(at: date, *, year: bool = True) -> str:
    """ "7 Nov 2026"."""
    return f"{at.day} {at:%b %Y}" if year else f"{at.day} {at:%b}"


def moment(at: datetime) -> str:
    """ "7 Nov 2026, 10:22", in UTC."""
    return f"{day(at)}, {at:%H:%M}"


def span(start: datetime, end: datetime) -> str:
    """The half-open `[start, end)` as days people would name: "1-30 Nov 2026" (with a dash of its own), in UTC."""
    if _midnight(start) and _midnight(end):
        last = end - timedelta(days=1)
        if last.date() <= start.date():
            return day(start)
        if (start.year, start.month) == (last.year, last.month):
            return f"{start.day}\N{EN DASH}{day(last)}"
        return f"{day(start, year=start.year != last.year)} \N{EN DASH} {day(last)}"
    if start.date() == end.date():
        return f"{moment(start)}\N{EN DASH}{end:%H:%M}"
    return f"{moment(start)} \N{EN DASH} {moment(end)}"


def last_day(end: datetime) -> str:
    """The last day of what ends at `end`: "30 Nov 2026"."""
    return day(end - timedelta(microseconds=1))


def access(start: datetime, end: datetime) -> str:
    """The days on which something can be used, first and last: "17 Oct - 2 Dec 2026" (with a dash of its own)."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return span(
        first, (end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    )


def through(end: datetime) -> str:
    """When what ends at `end` is over: "at the end of 30 Nov 2026", "on 30 Nov 2026 at 14:00 UTC"."""
    return f"at the end of {last_day(end)}" if _midnight(end) else f"on {day(end)} at {end:%H:%M} UTC"


def so_far(start: datetime, now: datetime) -> str:
    """From the period's start up to this moment: "1-20 Nov 2026"."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return span(start, midnight + timedelta(days=1) if _midnight(start) else now)


def until(at: datetime, now: datetime) -> str:
    """How long it is still: "in 3 days", "in 5 hours", "any moment"."""
    left = at - now
    if left.days >= 2:
        return f"in {left.days} days"
    hours = left // timedelta(hours=1)
    if hours >= 1:
        return f"in {plural(hours, 'hour')}"
    return "within the hour" if left > timedelta(0) else "any moment"


def _midnight(at: datetime) -> bool:
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
