"""Numbers, amounts and times as people read them, on every surface alike. Exact: nothing is rounded unless it says so.

A stored amount (US cents, whole units of every other currency) becomes a person's figure here and nowhere else, and so
does its way back. Figures are grouped by thousands with a point before the decimals; a negative one has a true minus
sign, as wide as a digit and read aloud. Every time is UTC; periods are half-open `[start, end)` and are told with their
last day included.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Protocol

from engine.money import EXACT, plain, round_places

ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
MINUS: Final = "\N{MINUS SIGN}"
SPACE: Final = "\N{NO-BREAK SPACE}"
DASH: Final = "\N{EN DASH}"
"""Between the ends of a range; alone, it says that there is nothing."""

SHOWN_DECIMALS: Final = 10
"""Decimals shown of a quantity or amount; more are cut with an ellipsis."""
COLUMN_DECIMALS: Final = 6
"""The same in the narrow columns of the back office; the explanation has them all."""
MOST_DECIMALS: Final = 20
"""A price with more decimals is a quotient: nobody sets such a price."""

_COMMA: Final = re.compile(r"(?P<whole>[0-9]+),(?P<fraction>[0-9]+)")
_WRITTEN: Final = re.compile(r"(?P<whole>[0-9]{1,20}|[0-9]{1,3}(,[0-9]{3}){1,6})(\.(?P<fraction>[0-9]{1,20}))?")
_DAY: Final = timedelta(days=1)


class Unit(Protocol):
    """A pricing unit: `catalog.CreditType` or the plain view of one. `code` is empty for units that are no currency.

    A person's figure is stored amount / 10**minor_digits; `places` counts the decimals of the smallest unit *as stored*
    (USD: 2 and 0; EUR: 0 and 2; JPY: 0 and 0).
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def code(self) -> str:
        """The currency's ISO code, or nothing."""
        ...

    @property
    def places(self) -> int:
        """Decimals of the smallest coin, as stored."""
        ...

    @property
    def minor_digits(self) -> int:
        """How many digits a person's figure is shifted by."""
        ...


# --- numbers ---------------------------------------------------------------------------------------------------------


def format_quantity(quantity: Decimal) -> str:
    """A quantity with its own decimals and no trailing zeros: 1234567.50 -> "1,234,567.5".

    Raises ValueError for a number that is not finite.
    """
    if not quantity.is_finite():
        raise ValueError(f"not a quantity: {quantity}")
    return _grouped(quantity, 0)


def quantity(value: Decimal | None, *, decimals: int = SHOWN_DECIMALS) -> str:
    """The same, cut after `decimals` with an ellipsis to say so; a dash for None."""
    return DASH if value is None else abridge(format_quantity(value), decimals)


def abridge(figure: str, decimals: int) -> str:
    """`figure` as formatted here, its decimals cut after `decimals` (at least 1) with an ellipsis to say so.

    For columns of limited width: a quotient such as 1/3 has 50 decimals. Cut, not rounded: what is shown is true.
    """
    whole, _, fraction = figure.partition(".")
    return figure if len(fraction) <= decimals else f"{whole}.{fraction[:decimals]}{ELLIPSIS}"


def abridge_quotient(figure: str) -> str:
    """`figure` cut only where it has so many decimals that it must be a quotient."""
    return abridge(figure, SHOWN_DECIMALS) if len(figure.partition(".")[2]) > MOST_DECIMALS else figure


def compact(value: Decimal) -> str:
    """A round axis value in few characters: 20000 -> "20k", 2500000 -> "2.5M"."""
    for size, suffix in ((Decimal(10**9), "bn"), (Decimal(10**6), "M"), (Decimal(10**4), "k")):
        if abs(value) >= size:
            unit = Decimal(1000) if suffix == "k" else size
            return format_quantity(value / unit) + suffix
    return format_quantity(value)


def percent(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` in whole percent, rounded half up: "18 %"; "" of nothing."""
    if not whole:
        return ""
    share = (part * 100 / whole).quantize(Decimal(1), ROUND_HALF_UP)
    if not share and part:
        return f"under 1{SPACE}%"
    return f"{format_quantity(share)}{SPACE}%"


def change(now: Decimal, before: Decimal) -> str:
    """How much higher or lower: "18 % higher", "level" where it rounds to nothing, "" without a before."""
    if not before:
        return ""
    moved = ((now - before) * 100 / before).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{abs(moved):,}{SPACE}% {'higher' if moved > 0 else 'lower'}" if moved else "level"


def plural(count: int, noun: str) -> str:
    """ "1 event", "48,120 events"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# --- amounts ---------------------------------------------------------------------------------------------------------


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


def to_major_units(amount: Decimal, unit: Unit) -> Decimal:
    """A stored amount in the units that people use: cents to dollars."""
    return amount.scaleb(-unit.minor_digits, context=EXACT)


def to_minor_units(value: Decimal, unit: Unit) -> Decimal:
    """The way back to the stored amount: dollars to cents."""
    return value.scaleb(unit.minor_digits, context=EXACT)


def unit_code(unit: Unit) -> str:
    """What stands beside a figure: the currency's code, else the unit's name."""
    return str(unit.code or unit.name)


def format_money(amount: Decimal, minor_digits: int, places: int) -> str:
    """The figure of `amount`, given in a credit type's stored unit: 24736 cents -> "247.36".

    At least the smallest unit's decimals are shown, and more where the amount has them: prices of a fraction of a cent
    and exact line totals stay exact. Without unit, because its place differs from page to page. Raises ValueError for
    a number that is not finite.
    """
    if not amount.is_finite():
        raise ValueError(f"not an amount: {amount}")
    return _grouped(amount.scaleb(-minor_digits, context=EXACT), minor_digits + places)


def figure(amount: Decimal, unit: Unit, *, decimals: int | None = None) -> str:
    """The figure alone, cut after `decimals` if it has more; the currency's own decimals always stay."""
    whole = format_money(amount, unit.minor_digits, unit.places)
    return whole if decimals is None else abridge(whole, max(decimals, unit.minor_digits + unit.places, 1))


def money_text(amount: Decimal | None, unit: Unit, *, decimals: int | None = COLUMN_DECIMALS) -> str:
    """The figure and its unit: "1,234.56 USD". `amount` in the unit's stored scale (cents for USD)."""
    return DASH if amount is None else f"{figure(amount, unit, decimals=decimals)} {unit_code(unit)}"


def money(amount: Decimal, unit: Unit) -> Money:
    """`amount`, in the unit's stored scale, to show rounded to the coin beside its exact figure."""
    exact_figure = format_money(amount, unit.minor_digits, unit.places)
    coins = round_places(amount, unit.places)
    shown = format_money(coins, unit.minor_digits, unit.places) if coins or not amount else exact_figure
    return Money(abridge(shown, SHOWN_DECIMALS), exact_figure, unit_code(unit))


def on_document(amount: Decimal, whole: Decimal | None, unit: Unit) -> Money:
    """`amount` as it stands in a column that adds up: at `whole` minor units, as the document has it, beside its exact
    figure. What has no place on a document (`whole` is None) is `money`, and so is what is less than a coin.
    """
    shown = money(amount, unit)
    if whole is None or not (whole or round_places(amount, unit.places)):
        return shown
    coins = whole.scaleb(-unit.places, context=EXACT)
    figure_ = format_money(coins, unit.minor_digits, unit.places)
    return Money(abridge(figure_, SHOWN_DECIMALS), shown.exact, shown.code)


def exact(amount: Decimal, unit: Unit, *, decimals: int | None = SHOWN_DECIMALS) -> Exact:
    """`amount`, in the unit's stored scale, cut after `decimals`, what is below the smallest coin apart."""
    shown = figure(amount, unit, decimals=decimals)
    whole, _, fraction = shown.partition(".")
    coins = unit.minor_digits + unit.places
    tail = fraction[coins:]
    return Exact(f"{whole}.{fraction[:coins]}" if coins else whole, tail if coins or not tail else f".{tail}")


def price(amount: Decimal, unit: Unit) -> str:
    """A unit price: every digit that it has (of a quotient such as 1/3, some), and the unit."""
    return f"{abridge_quotient(format_money(amount, unit.minor_digits, unit.places))} {unit_code(unit)}"


def plain_amount(amount: Decimal | None, unit: Unit) -> Decimal | None:
    """A stored amount as a person's exact number for a spreadsheet (dollars, not cents), with the coin's decimals."""
    if amount is None:
        return None
    return Decimal(_padded(to_major_units(amount, unit), unit.minor_digits + unit.places))


def with_point(text: str) -> str:
    """A number's decimal comma as a point where it cannot group thousands: "1,5", "0,250", "1234,567".

    Anything else as it is: "1,250" could mean both.
    """
    written = _COMMA.fullmatch(text)
    if written is None:
        return text
    whole, fraction = written["whole"], written["fraction"]
    grouped = len(fraction) == 3 and len(whole) <= 3 and not whole.startswith("0")
    return text if grouped else f"{whole}.{fraction}"


def parse_money(text: str, *, minor_digits: int, places: int | None) -> Decimal:
    """What a person wrote ("1,234.50") in the credit type's stored unit: "25.00" dollars -> 2500 cents. Exact.

    A comma groups thousands; where it cannot, it is a decimal one. `places` as for `Unit`; None for units that may be
    split at will. Raises ValueError, in words for that person.
    """
    written = _WRITTEN.fullmatch(with_point(text.strip()))
    if written is None:
        raise ValueError("Write it like 25 or 1,234.50.")
    fraction = written["fraction"] or ""
    if places is not None and len(fraction.rstrip("0")) > minor_digits + places:
        raise ValueError(f"Has more than {minor_digits + places} decimals.")
    return Decimal(f"{written['whole'].replace(',', '')}.{fraction or 0}").scaleb(minor_digits, context=EXACT)


def _padded(value: Decimal, least_decimals: int) -> str:
    """Plain digits with at least that many decimals."""
    whole, _, fraction = plain(value).partition(".")
    fraction = fraction.ljust(least_decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _grouped(value: Decimal, least_decimals: int) -> str:
    whole, point, fraction = _padded(value, least_decimals).partition(".")
    # The sign apart, because the whole part of -0.5 is 0.
    sign = MINUS if whole.startswith("-") else ""
    return f"{sign}{int(whole.removeprefix('-')):,}{point}{fraction}"


# --- times -----------------------------------------------------------------------------------------------------------


def day(at: date | None, *, year: bool = True) -> str:
    """ "7 Nov 2026", a date or the UTC day of an instant; a dash for None."""
    if at is None:
        return DASH
    utc = at.astimezone(UTC) if isinstance(at, datetime) else at
    return f"{utc.day} {utc:%b %Y}" if year else f"{utc.day} {utc:%b}"


def instant(at: datetime | None) -> str:
    """ "7 Nov 2026, 10:22", in UTC; a dash for None."""
    return DASH if at is None else f"{day(at)}, {at.astimezone(UTC):%H:%M}"


def period(start: datetime, end: datetime) -> str:
    """The half-open `[start, end)` as days people would name, in UTC: "1-30 Nov 2026" (with a dash of its own).

    With hours where it does not run from midnight to midnight; an empty one is its day.
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start == end:
        return day(start)
    if _is_midnight(start) and _is_midnight(end):
        last = end - _DAY
        if last.date() <= start.date():
            return day(start)
        if (start.year, start.month) == (last.year, last.month):
            return f"{start.day}{DASH}{day(last)}"
        return f"{day(start, year=start.year != last.year)} {DASH} {day(last)}"
    if start.date() == end.date():
        return f"{instant(start)}{DASH}{end:%H:%M}"
    return f"{instant(start)} {DASH} {instant(end)}"


def window(start: datetime, end: datetime | None) -> str:
    """A stretch of time that may have no end: "from 1 Nov 2026", "1 Nov 2026 until 1 Dec 2026". Hours where needed."""
    return f"from {bound(start)}" if end is None else f"{bound(start)} until {bound(end)}"


def bound(at: datetime) -> str:
    """Where something begins or ends: "1 Dec 2026" for a midnight in UTC, else "1 Dec 2026, 10:22"."""
    return day(at) if _is_midnight(at) else instant(at)


def detail(value: str | datetime) -> str:
    """A value that an event or an act tells: text as it is, an instant as people write it."""
    return value if isinstance(value, str) else bound(value)


def last_day(end: datetime) -> str:
    """The last day of what ends at `end`: "30 Nov 2026"."""
    return day(end - timedelta(microseconds=1))


def access(start: datetime, end: datetime) -> str:
    """The days on which something can be used, first and last: "17 Oct - 2 Dec 2026" (with a dash of its own)."""
    return period(_midnight(start), _midnight(end - timedelta(microseconds=1)) + _DAY)


def through(end: datetime) -> str:
    """When what ends at `end` is over: "at the end of 30 Nov 2026", "on 30 Nov 2026 at 14:00 UTC"."""
    if _is_midnight(end):
        return f"at the end of {last_day(end)}"
    return f"on {day(end)} at {end.astimezone(UTC):%H:%M} UTC"


def so_far(start: datetime, now: datetime) -> str:
    """From the period's start up to this moment: "1-20 Nov 2026"."""
    return period(start, _midnight(now) + _DAY if _is_midnight(start) else now)


def until(at: datetime, now: datetime) -> str:
    """How long it is still: "in 3 days", "in 5 hours", "any moment"."""
    left = at - now
    if left.days >= 2:
        return f"in {left.days} days"
    hours = left // timedelta(hours=1)
    if hours >= 1:
        return f"in {plural(hours, 'hour')}"
    return "within the hour" if left > timedelta(0) else "any moment"


def ago(at: datetime | None, now: datetime) -> str:
    """How long before `now`: "12 s ago", "3 h ago", "5 days ago"; "never" for None."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    for size, word in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if word == 'day' and count != 1 else ''} ago"
    return f"{seconds} s ago"


def payment_terms(days: int) -> str:
    """Net payment terms: "on receipt", "net 30 days"."""
    return "on receipt" if days == 0 else f"net {plural(days, 'day')}"


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_midnight(at: datetime) -> bool:
    return _midnight(at) == at
