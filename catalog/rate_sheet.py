"""Rates as rows of a spreadsheet: one format for the editor's table, for pasted cells, for CSV files and for exports.

Every row is a rate; the columns are COLUMNS and one `group.<key>` for each pricing group key. Amounts are a person's
figures in the row's unit (dollars, not cents), instants are UTC on the hour, texts that a spreadsheet would run as a
formula have an apostrophe before them, which reading takes away again.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog.models import BillableMetric, CreditType, Rate
from catalog.price_text import CUSTOM, guess_type, read_number, read_price, to_figure, to_stored, write_price
from catalog.prices import RATE_TYPES
from catalog.selectors.rates import EffectiveRate, stored_price_of
from catalog.services.rates import NewRate
from core.api.fields import parse_instant
from core.errors import InvalidInput
from engine.calendar import BILLING_FREQUENCIES
from engine.money import plain

MOST_ROWS = 1000
MOST_TEXT = 1_000_000
LONGEST_VALUE = 500
GROUP = "group."
COLUMNS = (
    "product", "product_id", "rate_type", "price", "minimum", "unit", "starting_at", "ending_before", "entitled",
    "billing_frequency", "commit_rate", "prorated", "quantity",
)  # fmt: skip
SYNONYMS = {
    "from": "starting_at", "starts": "starting_at", "until": "ending_before", "to": "ending_before",
    "ends": "ending_before", "type": "rate_type", "currency": "unit", "frequency": "billing_frequency",
}  # fmt: skip
TRUE, FALSE = ("yes", "y", "true", "1"), ("no", "n", "false", "0")
# The columns of what a service calls by other names.
COLUMN_OF = {
    "product_id": "product", "tiers": "price", "package_size": "price", "minimum_config": "minimum",
    "credit_type_id": "unit", "pricing_group_values": "group", "is_prorated": "prorated",
}  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong, as the spreadsheet counts rows: the header is row 1. `column` is empty for a whole row."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class BookProduct:
    """A product as rows name it, in its present state."""

    id: UUID
    name: str
    type: str
    keys: tuple[str, ...]
    archived: bool
    # what its usage is measured by now
    metric: BillableMetric | None = None

    @property
    def what(self) -> str:
        """What it is, for whom its name says little: "usage, Tokens generated, by model"."""
        measured = [self.metric.name] if self.metric else []
        by = [f"by {' and '.join(self.keys)}"] if self.keys else []
        return ", ".join([self.type.lower(), *measured, *by])


@dataclass(frozen=True, slots=True)
class Book:
    """What rows may name: all products, and the units that the card knows (its currency first)."""

    products: Mapping[UUID, BookProduct]
    units: Sequence[CreditType]

    def named(self, name: str) -> list[BookProduct]:
        """The products with this name, whatever its case; those in use before archived ones."""
        found = [entry for entry in self.products.values() if entry.name.casefold() == name.casefold()]
        return [entry for entry in found if not entry.archived] or found


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: the rates with their row numbers, and what could not be."""

    rows: tuple[tuple[int, NewRate], ...]
    errors: tuple[RowError, ...]


# --- reading -------------------------------------------------------------------------------------------------------


def read_sheet(text: str, book: Book) -> Sheet:
    """Rates from pasted cells or a CSV file: tab, comma or semicolon between them, a header row first."""
    try:
        header, rows = split_cells(text)
    except ValueError as error:
        return Sheet((), (RowError(1, "", str(error)),))
    return read_rows(((number, dict(zip(header, row, strict=False))) for number, row in rows), book)


def read_rows(rows: Iterable[tuple[int, Cells]], book: Book) -> Sheet:
    """Rates from rows of cells by column name."""
    found, errors = [], []
    for number, cells in rows:
        row = _Row(number, cells, book)
        rate = row.read()
        errors += row.errors
        if rate is not None and not row.errors:
            found.append((number, rate))
    return Sheet(tuple(found), tuple(errors))


def split_cells(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header's column names, and each row that is not empty with its number. Raises ValueError."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"is longer than {MOST_TEXT:,} characters")
    if "\x00" in text:
        raise ValueError("is not text: it holds NUL characters")
    text = text.removeprefix("\ufeff").lstrip("\r\n")
    first = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first else max(",;", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"cannot be read as a table: {error}") from error
    if not lines:
        raise ValueError("is empty: paste a header row and at least one rate")
    header = [_column(cell) for cell in lines[0]]
    while header and not header[-1]:
        header.pop()
    _check_header(header)
    rows = [(number, row) for number, row in enumerate(lines[1:], 2) if any(cell.strip() for cell in row)]
    if len(rows) > MOST_ROWS:
        raise ValueError(f"has {len(rows):,} rows; at most {MOST_ROWS:,} rates are added at once")
    for number, row in rows:
        if any(cell.strip() for cell in row[len(header) :]):
            raise ValueError(f"row {number} has more cells than the header")
    return header, rows


def _column(cell: str) -> str:
    name = cell.strip()
    lowered = name.lower().replace(" ", "_")
    if lowered.startswith(GROUP):
        return GROUP + unguarded(name[len(GROUP) :].strip())
    return SYNONYMS.get(lowered, lowered)


def _check_header(header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS and (not name.startswith(GROUP) or name == GROUP):
            known = ", ".join((*COLUMNS, f"{GROUP}<key>"))
            raise ValueError(f"the header has an unknown column “{name[:40]}”; known are {known}")
        if header.count(name) > 1:
            raise ValueError(f"the header has the column {name} twice")
    missing = [name for name in ("price", "starting_at") if name not in header]
    if missing or not {"product", "product_id"} & set(header):
        raise ValueError(
            f"the header needs the columns product, price and starting_at; it has {', '.join(header)[:200]}"
        )


class _Row:
    """One row on its way to a rate; `errors` collects what is wrong with it."""

    def __init__(self, number: int, cells: Cells, book: Book) -> None:
        self.number, self.cells, self.book = number, cells, book
        self.errors: list[RowError] = []

    def text(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def wrong(self, column: str, message: str) -> None:
        self.errors.append(RowError(self.number, column, message))

    def read(self) -> NewRate | None:
        product, unit = self._product(), self._unit()
        starting_at, entitled = self._instant("starting_at"), self._flag("entitled", default=True)
        price = self._price("price", self.text("price"), self.text("rate_type"), unit)
        minimum = self._amount("minimum", unit)
        commit_rate = self._commit_rate(unit)
        rest: dict[str, Any] = {
            "ending_before": self._instant("ending_before"),
            "pricing_group_values": self._group_values(),
            "billing_frequency": self._frequency(),
            "is_prorated": self._flag("prorated", default=None),
            "quantity": self._amount("quantity", None),
        }
        if not self.text("starting_at"):
            self.wrong("starting_at", "is missing")
        if self.errors or product is None or unit is None or starting_at is None or entitled is None:
            return None
        return NewRate(
            product_id=product.id,
            starting_at=starting_at,
            entitled=entitled,
            credit_type_id=unit.pk,
            minimum=minimum,
            commit_rate=commit_rate,
            **price,
            **rest,
        )

    def _product(self) -> BookProduct | None:
        key, name = self.text("product_id"), unguarded(self.text("product"))
        if key:
            try:
                found = self.book.products.get(UUID(key))
            except ValueError:
                found = None
            if found is None:
                self.wrong("product_id", "no such product")
            return found
        same = self.book.named(name)
        if len(same) == 1:
            return same[0]
        if not name:
            self.wrong("product", "is missing")
        elif same:
            self.wrong("product", "several products have this name: add a column product_id")
        else:
            self.wrong("product", f"no product is called “{name[:60]}”")
        return None

    def _unit(self) -> CreditType | None:
        said = unguarded(self.text("unit")).casefold()
        if not said:
            return self.book.units[0]
        for unit in self.book.units:
            if said in (unit.code.casefold(), unit.name.casefold(), str(unit.pk)):
                return unit
        known = ", ".join(unit.code or unit.name for unit in self.book.units)
        self.wrong("unit", f"the card has prices in {known} only")
        return None

    def _price(self, column: str, text: str, rate_type: str, unit: CreditType | None) -> dict[str, Any]:
        rate_type = rate_type.strip().upper().replace(" ", "_") or guess_type(text)
        allowed = [name for name in RATE_TYPES if name != CUSTOM or column == "price"]
        if rate_type not in allowed:
            known = ", ".join(allowed)
            self.wrong("rate_type" if column == "price" else column, f"must be one of {known}")
            return {}
        try:
            return read_price(text, rate_type, unit.minor_digits if unit else 0)
        except ValueError as error:
            self.wrong(column, str(error))
            return {}

    def _commit_rate(self, unit: CreditType | None) -> dict[str, Any] | None:
        text = self.text("commit_rate")
        if not text:
            return None
        first, _, rest = text.partition(" ")
        named = first.upper() in RATE_TYPES
        return self._price("commit_rate", rest if named else text, first if named else "", unit)

    def _amount(self, column: str, unit: CreditType | None) -> Decimal | None:
        if not self.text(column):
            return None
        try:
            number = read_number(self.text(column))
        except ValueError as error:
            self.wrong(column, str(error))
            return None
        return number if unit is None else to_stored(number, unit.minor_digits)

    def _instant(self, column: str) -> datetime | None:
        text = self.text(column)
        if not text:
            return None
        try:
            at = read_instant(text)
        except ValueError as error:
            self.wrong(column, str(error))
            return None
        if (at.minute, at.second, at.microsecond) != (0, 0, 0):
            self.wrong(column, "must be on the hour")
        return at

    def _flag(self, column: str, *, default: bool | None) -> bool | None:
        text = self.text(column).lower()
        if text and text not in TRUE + FALSE:
            self.wrong(column, "must be yes or no")
        return default if not text else text in TRUE

    def _frequency(self) -> str:
        text = self.text("billing_frequency").upper()
        if text and text not in BILLING_FREQUENCIES:
            self.wrong("billing_frequency", f"must be one of {', '.join(BILLING_FREQUENCIES)}")
        return text

    def _group_values(self) -> dict[str, str]:
        values = {}
        for column, cell in self.cells.items():
            if not column.startswith(GROUP) or not cell.strip():
                continue
            value = unguarded(cell.strip())
            if not 1 <= len(value) <= LONGEST_VALUE or any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value):
                self.wrong(column, f"must be 1 to {LONGEST_VALUE} characters without control characters")
            values[column[len(GROUP) :]] = value
        return values


def read_instant(text: str) -> datetime:
    """A day or an hour in UTC, or an RFC 3339 date-time. Raises ValueError."""
    said = text.strip().replace(" ", "T", 1).upper()
    if len(said) == 10:
        said += "T00:00"
    if len(said) == 16:
        said += ":00"
    if len(said) == 19:
        said += "Z"
    try:
        return parse_instant(said)
    except ValueError as error:
        raise ValueError(f"“{text[:40]}” is no time; write 2026-01-31 or 2026-01-31 14:00 (UTC)") from error


def as_row_error(number: int, error: InvalidInput) -> RowError:
    """A service's refusal of the row `number`, beside the column that it means."""
    field = (error.field or "").partition(".")[0]
    message = error.message.removeprefix(f"{error.field}: ")
    return RowError(number, COLUMN_OF.get(field, field), message)


# --- writing -------------------------------------------------------------------------------------------------------


def sheet_of_rates(entries: Sequence[EffectiveRate]) -> tuple[list[str], list[list[str]]]:
    """A card's schedule as rows, header apart."""
    return _sheet(
        [(entry.state.name, entry.rate, entry.starting_at, entry.ending_before) for entry in entries],
    )


def sheet_of_rows(rows: Sequence[tuple[str, Rate]]) -> tuple[list[str], list[list[str]]]:
    """Rates, each with its product's name, as rows, header apart."""
    return _sheet([(name, rate, rate.starting_at, rate.ending_before) for name, rate in rows])


def _sheet(rates: Sequence[tuple[str, Rate, datetime, datetime | None]]) -> tuple[list[str], list[list[str]]]:
    keys = sorted({key for _, rate, _, _ in rates for key in rate.pricing_group_values})
    header = [*COLUMNS[:2], *(GROUP + guarded(key) for key in keys), *COLUMNS[2:]]
    return header, [_cells(keys, *rate) for rate in rates]


def _cells(keys: Sequence[str], name: str, rate: Rate, start: datetime, end: datetime | None) -> list[str]:
    digits = rate.credit_type.minor_digits
    commit = rate.commit_rate
    return [
        guarded(name),
        str(rate.product_id),
        *(guarded(rate.pricing_group_values.get(key, "")) for key in keys),
        rate.rate_type,
        write_price(stored_price_of(rate), digits),
        "" if rate.minimum is None else to_figure(rate.minimum, digits),
        guarded(rate.credit_type.code or rate.credit_type.name),
        f"{start:%Y-%m-%d %H:%M}",
        f"{end:%Y-%m-%d %H:%M}" if end else "",
        "yes" if rate.entitled else "no",
        rate.billing_frequency,
        f"{commit['rate_type']} {write_price(commit, digits)}" if commit else "",
        "" if rate.is_prorated is None else ("yes" if rate.is_prorated else "no"),
        "" if rate.quantity is None else plain(rate.quantity),
    ]


def text_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The CSV text of cells that are guarded already."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def guarded(value: str) -> str:
    """`value` so that no spreadsheet runs it and trimming leaves it whole; `unguarded` gives it back."""
    if value != value.strip() or (len(value) > 1 and value[0] == value[-1] == '"'):
        return f'"{value}"'
    return f"'{value}" if value.lstrip("'").startswith(FORMULA_STARTS) else value


def unguarded(value: str) -> str:
    """What `guarded` was given."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value[1:] if value.startswith("'") and value.lstrip("'").startswith(FORMULA_STARTS) else value
