"""Whether finalized invoices still say what they said."""

from collections.abc import Iterator
from datetime import datetime

from invoices.content_hash import content_hash
from invoices.models import Invoice
from invoices.selectors.views import document_rows, document_views

PAGE = 200


def list_altered(*, now: datetime) -> Iterator[Invoice]:
    """The final and void invoices whose stored amounts or lines are not those of their finalization. Reads them all."""
    rows = document_rows().order_by("number")
    last = ""
    while page := list(rows.filter(number__gt=last)[:PAGE]):
        views = document_views(page, now=now)
        yield from (
            row for row, view in zip(page, views, strict=True) if row.content_hash != content_hash(row, view.lines)
        )
        last = page[-1].number
