"""CSV files: exact decimals in a person's units, UTC, one header row. Safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import UUID

from billing.types import CurrencyView, LineView
from console.selectors.access import Viewer
from console.selectors.ledger import ledger_table
from console.selectors.quantities import csv_rows
from console.selectors.units import units_table
from console.selectors.usage import usage_table
from core.errors import NotFound
from engine.calendar import rfc3339 as instant
from engine.explanation import AppliedExplanation
from engine.money import plain
from invoices.selectors import get_invoice
from presentation import formatting
from presentation.explanation import balance_name

TOWARDS = ("towards_commit", "towards_amount")


def invoice_csv(viewer: Viewer, *, invoice_id: UUID, now: datetime) -> tuple[str, bytes]:
    """File name and content: a row per line, then the rounding and the total. Raises NotFound.

    `amount` of lines and rounding sum to the total, by currency; what counts towards a postpaid commit is no amount.
    """
    view = get_invoice(customer_id=viewer.customer_id, invoice_id=invoice_id, now=now)
    keys = sorted({key for line in view.lines for key in _groups(line)})
    code = view.currency.code or view.currency.name
    header = ["line", "from", "to", *keys, "tier", "quantity", "unit_price", "amount", "currency", *TOWARDS]
    rows = [
        [
            line.name,
            instant(line.starting_at) if line.starting_at else "",
            instant(line.ending_before) if line.ending_before else "",
            *(_groups(line).get(key) or "" for key in keys),
            "" if line.tier is None else str(line.tier["level"] + 1),
            "" if line.quantity is None else plain(line.quantity),
            "" if line.unit_price is None else _amount(line.unit_price, line.unit or view.currency),
            "" if line.is_information else _amount(line.total, line.unit or view.currency),
            code if line.unit is None else line.unit.name,
            *_towards(line, line.unit or view.currency),
        ]
        for line in view.lines
    ]
    gap = [""] * header.index("unit_price")
    rows.append(["Rounding", *gap, _amount(view.rounding, view.currency), code, "", ""])
    rows.append(["Total", *gap, _amount(view.total, view.currency), code, "", ""])
    name = view.number or f"draft-{view.period_start:%Y-%m-%d}"
    return f"{name}.csv", _write(header, rows)


def usage_csv(viewer: Viewer, *, query: dict[str, str], now: datetime) -> tuple[str, bytes]:
    """File name and content: a row per day or hour and part, exactly what the chart shows."""
    question, found = usage_table(viewer, query, now=now)
    rows = [
        [instant(at), "Spend", label, _amount(amount, found.currency), found.unit]
        for at, values in found.columns
        if found.currency
        for label, amount in sorted(values.items())
    ]
    last = question.end - timedelta(days=1)
    name = f"usage-{question.start:%Y-%m-%d}-{last:%Y-%m-%d}.csv"
    return name, _write([question.step, "measure", "part", "amount", "currency"], rows)


def units_csv(viewer: Viewer, *, query: dict[str, str], now: datetime) -> tuple[str, bytes]:
    """File name and content: a row per day or hour and part in which something counted."""
    question, found, names = units_table(viewer, query, now=now)
    last = question.end - timedelta(days=1)
    name = f"units-{question.start:%Y-%m-%d}-{last:%Y-%m-%d}.csv"
    if found is None:
        return name, _write([question.step, "metric", "aggregation", "quantity"], [])
    header, rows = csv_rows(found, names)
    return name, _write(header, ([_text(value) for value in row] for row in rows))


def ledger_csv(viewer: Viewer, *, query: dict[str, str], now: datetime) -> tuple[str, bytes]:
    """File name and content: a row per movement, oldest first, as on the screen; amounts sum to the last balance."""
    question, unit, movements = ledger_table(viewer, query, now=now)
    if unit is None:
        raise NotFound("There are no credits and no commits.")
    header = ["time", "grant", "movement", "invoice", "status", "amount", "balance", "unit"]
    rows = [
        [
            instant(movement.at),
            movement.grant,
            movement.text,
            movement.invoice,
            movement.status,
            _amount(movement.amount, unit),
            _amount(movement.balance, unit),
            unit.code or unit.name,
        ]
        for movement in movements
    ]
    days = f"-{question.first_day}-{question.last_day}" if question.start else ""
    return f"credits{days}.csv", _write(header, rows)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return instant(value)
    return plain(value) if isinstance(value, Decimal) else str(value)


def _towards(line: LineView, unit: CurrencyView) -> tuple[str, str]:
    """The postpaid commit that the line counts towards, and how much of it does; empty for lines that are charged."""
    explanation = line.explanation if line.is_information else None
    if not isinstance(explanation, AppliedExplanation):
        return "", ""
    return balance_name(explanation.balance), _amount(line.total.copy_negate(), unit)


def _groups(line: LineView) -> dict[str, str | None]:
    return {**line.pricing_group_values, **line.presentation_group_values}


def _amount(amount: Decimal, currency: CurrencyView) -> str:
    return plain(formatting.to_major_units(amount, currency))


def _write(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: str) -> str:
    """Keeps a spreadsheet from running a name as a formula; numbers, also negative ones, stay as they are."""
    if value[:1] in ("=", "+", "@", "\t", "\r") or (value[:1] == "-" and not value[1:].replace(".", "").isdigit()):
        return "'" + value
    return value
