"""Drafts as they would be if their rate card had other rates too. The draft's own engine call; nothing is stored."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q, QuerySet

from catalog.models import Rate
from core.errors import TactusError
from engine.errors import InvalidTerms
from invoices.models import Invoice
from invoices.running import Running
from invoices.selectors.views import invoice_rows

logger = logging.getLogger(__name__)

Window = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Repriced:
    """A draft's total in its stored unit today and with the planned rates; both None where it cannot be composed."""

    invoice: Invoice
    before: Decimal | None
    after: Decimal | None

    @property
    def differs(self) -> bool:
        """Whether the planned rates change its total."""
        return self.before != self.after


def reprice_drafts(
    *, rate_card_id: UUID, windows: Sequence[Window], planned: Sequence[Rate], limit: int
) -> tuple[list[Repriced], int]:
    """The card's drafts whose period meets any window, the largest (by the total kept for lists) first, and how many
    there are in all; at most `limit` are composed, twice each.
    """
    rows = _in_windows(invoice_rows(), rate_card_id, windows).filter(
        status=Invoice.Status.DRAFT, kind=Invoice.Kind.USAGE
    )
    largest = rows.order_by(F("draft_total").desc(nulls_last=True), "-period_start", "id")
    return [_repriced(row, planned) for row in largest[:limit]], rows.count()


def count_finalized(*, rate_card_id: UUID, windows: Sequence[Window]) -> int:
    """Finalized invoices of the card whose period meets any window: they stay as they are."""
    rows = _in_windows(Invoice.objects.all(), rate_card_id, windows)
    return rows.filter(status=Invoice.Status.FINALIZED).count()


def _repriced(row: Invoice, planned: Sequence[Rate]) -> Repriced:
    try:
        before = Running(row.customer_id).compose(row).total
        after = Running(row.customer_id, planned=planned).compose(row).total
    except (TactusError, InvalidTerms):
        logger.exception("draft %s could not be composed", row.pk)
        return Repriced(row, None, None)
    return Repriced(row, before, after)


def _in_windows(rows: "QuerySet[Invoice]", rate_card_id: UUID, windows: Sequence[Window]) -> "QuerySet[Invoice]":
    met = Q(pk__in=())
    for start, end in windows:
        met |= Q(period_end__gt=start) if end is None else Q(period_end__gt=start, period_start__lt=end)
    return rows.filter(met, contract__rate_card_id=rate_card_id)
