"""The editor's table: rows of inputs that become the cells of a rate sheet, and the errors beside them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any
from uuid import UUID

from django.http import QueryDict

from catalog.models import Rate, RateCard
from catalog.rate_sheet import GROUP, Book, BookProduct, RowError
from catalog.selectors.metrics import metric_spec
from catalog.services.rates import RATES_OF
from contracts.selectors.cards import list_contracts_on_card
from engine.calendar import Period
from usage.selectors import UsageQuery, groups_of_customers

MOST_TABLE_ROWS = 50
MOST_SUGGESTIONS = 200
MOST_CUSTOMERS = 50
LATELY = timedelta(days=30)
LONGEST_CELL = 5000
CELLS = (
    "product_id", "rate_type", "price", "minimum", "unit", "starting_at", "ending_before", "entitled",
    "billing_frequency",
)  # fmt: skip
HINTS = {
    "FLAT": "0.25",
    "SUBSCRIPTION": "20.00",
    "TIERED": "5 @ 0; 5 @ 1.00; rest @ 1.50",
    "VOLUME": "100 @ 0.20; rest @ 0.15",
    "PACKAGE": "5 per 100",
    "PERCENTAGE": "10 %",
    "TIERED_PERCENTAGE": "1000 @ 10 %; rest @ 8 %",
}


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of inputs. `key` names them; `number` is how errors call it."""

    key: str
    number: int
    cells: Mapping[str, str]
    product: BookProduct | None
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """An input for each pricing group key of the product."""
        keys = self.product.keys if self.product else ()
        return [
            {
                "column": GROUP + key,
                "key": key,
                "value": self.cells.get(GROUP + key, ""),
                "list": f"values-{self.product.id.hex}-{index}" if self.product else "",
            }
            for index, key in enumerate(keys)
        ]

    @property
    def types(self) -> tuple[str, ...]:
        """The rate types that the product can have."""
        if self.product is None:
            return ("FLAT", "TIERED")
        return next((types for kind, types in RATES_OF.items() if kind == self.product.type), ())

    @property
    def chosen_type(self) -> str:
        """The type in the picker: the one asked for if the product can have it."""
        asked = self.cells.get("rate_type", "")
        return asked if asked in self.types else (self.types[0] if self.types else "")

    @property
    def hint(self) -> str:
        """What a price of this type looks like."""
        return HINTS.get(self.chosen_type, "0.25")

    @property
    def is_subscription(self) -> bool:
        """Whether a billing frequency is asked for."""
        return self.product is not None and self.product.type == "SUBSCRIPTION"

    @property
    def is_percentage(self) -> bool:
        """Whether a minimum may be given."""
        return self.product is not None and self.product.type == "COMPOSITE"

    @property
    def is_blank(self) -> bool:
        """Whether nobody has typed anything into it."""
        return not any(
            text.strip() for name, text in self.cells.items() if name not in ("rate_type", "entitled", "unit")
        )

    def sheet_cells(self) -> dict[str, str]:
        """Its cells by the sheet's columns."""
        offered = {group["column"] for group in self.groups}
        return {
            name: text
            for name, text in (*self.cells.items(), ("rate_type", self.chosen_type))
            if not name.startswith(GROUP) or name in offered
        }


def blank_row(number: int) -> TableRow:
    """A row to type into."""
    return TableRow(token_hex(4), number, {"entitled": "yes"}, None)


def posted_rows(data: QueryDict, book: Book, without: str = "") -> list[TableRow]:
    """The rows as they were sent, in the order of the page."""
    rows: list[TableRow] = []
    for key in data.getlist("row")[:MOST_TABLE_ROWS]:
        if key == without:
            continue
        cells = {name: data.get(f"{key}-{name}", "")[:LONGEST_CELL] for name in CELLS}
        product = _product(cells["product_id"], book)
        for name in product.keys if product else ():
            cells[GROUP + name] = data.get(f"{key}-{GROUP}{name}", "")[:LONGEST_CELL]
        rows.append(TableRow(key[:16], len(rows) + 1, cells, product))
    return rows


def with_errors(rows: Iterable[TableRow], errors: Iterable[RowError]) -> list[TableRow]:
    """The rows, each with what is wrong with it by column."""
    by_row: dict[int, dict[str, list[str]]] = {}
    for error in errors:
        column = {"product": "product_id"}.get(error.column, error.column)
        by_row.setdefault(error.row, {}).setdefault(column, []).append(error.message)
    return [TableRow(row.key, row.number, row.cells, row.product, by_row.get(row.number, {})) for row in rows]


def suggestions(card: RateCard, rows: Iterable[TableRow], at: datetime) -> list[tuple[str, list[str]]]:
    """Data lists for the group inputs: the values that the card has prices for, and those that usage of its customers
    had lately. Four statements, however many rows.
    """
    wanted = {row.product.id: row.product for row in rows if row.product and row.product.keys}
    known: dict[tuple[UUID, str], set[str]] = {}
    if wanted:
        stored = Rate.objects.filter(rate_card=card, product_id__in=wanted)
        for product_id, values in stored.order_by("product_id").values_list("product_id", "pricing_group_values"):
            for key, value in values.items():
                known.setdefault((product_id, key), set()).add(value)
        for product_id, key, value in _used_lately(card, wanted.values(), at):
            known.setdefault((product_id, key), set()).add(value)
    return [
        (f"values-{product.id.hex}-{index}", sorted(known.get((product.id, key), ()))[:MOST_SUGGESTIONS])
        for product in wanted.values()
        for index, key in enumerate(product.keys)
    ]


def _used_lately(card: RateCard, products: Iterable[BookProduct], at: datetime) -> Iterator[tuple[UUID, str, str]]:
    """Product, group key, value, for what customers of the card used within `LATELY`; `MOST_CUSTOMERS` are asked."""
    contracts = list_contracts_on_card(rate_card_id=card.pk, windows=[(at - LATELY, at)])
    customers = list(contracts.order_by().values_list("customer_id", flat=True).distinct()[:MOST_CUSTOMERS])
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    window = Period(today - LATELY, today + timedelta(days=1))
    asked = [(one, one.metric) for one in products if one.metric is not None]
    queries = [UsageQuery(metric.pk, metric_spec(metric), (window,), one.keys) for one, metric in asked]
    for (one, _), groups in zip(asked, groups_of_customers(customer_ids=customers, queries=queries), strict=True):
        for group in groups:
            for key, value in zip(one.keys, group, strict=True):
                if value:
                    yield one.id, key, value


def _product(text: str, book: Book) -> BookProduct | None:
    try:
        return book.products.get(UUID(text))
    except ValueError:
        return None
