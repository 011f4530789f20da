"""CSV for spreadsheets. Text that a spreadsheet would take for a formula is defused; numbers stay numbers."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(value: str) -> str:
    """`value` with an apostrophe before it if a spreadsheet would run it (CSV injection)."""
    return f"'{value}" if value.lstrip(" ").startswith(FORMULA_STARTS) or value.startswith(FORMULA_STARTS) else value


def cell(value: Any) -> str:
    """One cell: exact decimals without grouping, instants as RFC 3339 in UTC, text defused."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, int):
        return str(value)
    return safe_text(str(value))


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A file to download. UTF-8 with a mark, because spreadsheets guess wrong without one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
