"""CSV for spreadsheets. Text that a spreadsheet would take for a formula is defused; numbers stay numbers."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

ROWS_AT_ONCE = 500

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


@dataclass(frozen=True, slots=True)
class ListExport:
    """The file of a list: `rows` makes a row of cells, in the columns of `header`, of each record."""

    name: str
    header: tuple[str, ...]
    rows: Callable[[Iterable[Any]], Iterable[Sequence[Any]]]


def stream_csv(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A file of any length to download, which begins at once and grows as `rows` are read."""
    response = StreamingHttpResponse(_parts(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _parts(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([cell(name) for name in header])
    for number, row in enumerate(rows, 1):
        writer.writerow([cell(value) for value in row])
        if number % ROWS_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A file to download. UTF-8 with a mark, because spreadsheets guess wrong without one."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([cell(name) for name in header])
    writer.writerows([cell(value) for value in row] for row in rows)
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
