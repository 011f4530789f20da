"""Reads the worked tables in docs/algorithms: the prose's examples are the test fixtures."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from engine.prices import Flat, Package, Price, Step, Tier, Tiered, Volume

DOCS = Path(__file__).parents[2] / "docs" / "algorithms"


def table(page: str, name: str) -> list[dict[str, str]]:
    """The rows of the table that follows `<!-- table: name -->`, each by column heading."""
    text = (DOCS / f"{page}.md").read_text()
    [found] = re.findall(rf"<!-- table: {name} -->\n((?:\|.*\n?)+)", text)
    heading, rule, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]
    assert body, f"{page}.md: table {name} is empty"
    assert all(set(cell) <= set("-:") for cell in rule), f"{page}.md: table {name} has no rule"
    return [dict(zip(heading, cells, strict=True)) for cells in body]


def at(text: str) -> datetime:
    """`2025-01-31T13` or `2025-01-31T13:40` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at_or_none(text: str) -> datetime | None:
    """Like `at`; None for an empty cell."""
    return at(text) if text else None


def numbers(text: str) -> list[Decimal]:
    """Numbers separated by spaces."""
    return [Decimal(part) for part in text.split()]


def windows(text: str) -> list[str]:
    """The parts of a cell with a `/` between windows."""
    return [part.strip() for part in text.split("/")]


def price(text: str) -> Price:
    """`100` is flat, `5@0 5@100 150` is tiered, size@price; `v` begins a volume price, `100/1000` is a package's."""
    if "/" in text:
        each, size = text.split("/")
        return Package(Decimal(size), Decimal(each))
    kind = Volume if text.startswith("v ") else Tiered
    parts = text.removeprefix("v ").split()
    if len(parts) == 1:
        return Flat(Decimal(parts[0]))
    sized = [part.split("@") for part in parts[:-1]]
    return kind((*(Tier(Decimal(size), Decimal(each)) for size, each in sized), Tier(None, Decimal(parts[-1]))))


def steps(text: str) -> list[tuple[Decimal, Decimal]]:
    """`5@0 1@100` as (quantity, unit price)."""
    return [(Decimal(quantity), Decimal(each)) for quantity, each in (part.split("@") for part in text.split())]


def pairs(made: list[Step]) -> list[tuple[Decimal, Decimal]]:
    """Steps as (quantity, unit price)."""
    return [(step.quantity, step.unit_price) for step in made]
