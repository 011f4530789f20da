"""What drafts come to, kept beside them for staff lists: a list of fifty drafts cannot compose fifty invoices."""

import logging
from datetime import datetime, timedelta

from django.db import OperationalError
from django.db.models import F, Q

from core.transactions import use_case
from invoices.models import Invoice
from invoices.selectors.views import draft_view, invoice_rows

logger = logging.getLogger(__name__)
FRESH_FOR = timedelta(minutes=10)
BATCH = 50


def refresh_draft_totals(*, now: datetime, limit: int = BATCH) -> int:
    """Sweep: composes the drafts whose kept total is older than ten minutes, oldest first; returns how many it saw to.

    A draft that cannot be composed loses its total until the next turn and holds nobody up; why stands in the log.
    """
    stale = invoice_rows().filter(status=Invoice.Status.DRAFT).filter(
        Q(draft_total_at__isnull=True) | Q(draft_total_at__lte=now - FRESH_FOR)
    )  # fmt: skip
    rows = list(stale.order_by(F("draft_total_at").asc(nulls_first=True), "period_start", "id")[:limit])
    for row in rows:
        try:
            total = draft_view(row, now=now).total
        except OperationalError:
            raise
        except Exception:
            logger.exception("draft %s could not be composed", row.pk)
            total = None
        with use_case():
            # A draft that became final meanwhile keeps what it has.
            Invoice.objects.filter(pk=row.pk, status=Invoice.Status.DRAFT).update(draft_total=total, draft_total_at=now)
    return len(rows)
