"""What drafts come to, kept beside them for staff lists: a list of fifty drafts cannot compose fifty invoices."""

import logging
from datetime import datetime, timedelta

from django.db import OperationalError
from django.db.models import F, Q

from billing.compute import compute_invoice
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from core.patience import each_in_turn, is_too_slow
from core.transactions import snapshot, use_case
from customers.test_clocks import in_our_time

logger = logging.getLogger(__name__)
FRESH_FOR = timedelta(minutes=10)
BATCH = 50


def refresh_draft_totals(*, now: datetime, limit: int = BATCH) -> int:
    """Sweep: composes the drafts whose kept total is older than ten minutes, oldest first; returns how many it saw to.

    A draft that cannot be composed loses its total until the next turn and holds nobody up; why stands in the log.
    """
    stale = period_rows().filter(state=BillingPeriod.State.OPEN).filter(
        Q(draft_total_at__isnull=True) | Q(draft_total_at__lte=now - FRESH_FOR)
    )  # fmt: skip
    stale = stale.filter(in_our_time("customer_id"))
    rows = list(stale.order_by(F("draft_total_at").asc(nulls_first=True), "period_start", "id")[:limit])
    return each_in_turn(rows, lambda row: _refresh(row, now))


def _refresh(row: BillingPeriod, now: datetime) -> int:
    try:
        with snapshot():
            total = compute_invoice(row, at=now).total
    except Exception as error:
        if isinstance(error, OperationalError) and not is_too_slow(error):
            raise
        logger.exception("draft %s could not be composed", row.pk)
        total = None
    with use_case():
        # A draft that became final meanwhile keeps what it has.
        BillingPeriod.objects.filter(pk=row.pk, state=BillingPeriod.State.OPEN).update(
            draft_total=total, draft_total_at=now
        )
    return 1
