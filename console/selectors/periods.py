"""Which billing periods a customer is in."""

from datetime import datetime
from uuid import UUID

from console.ranges import Periods
from engine.calendar import Period
from engine.invoice_states import InvoiceStatus, InvoiceType
from invoices.selectors.views import invoice_rows


def billing_periods(*, customer_id: UUID, now: datetime) -> Periods:
    """The period that holds `now` (of the invoice that began last) and its contract's one before. One query."""
    usage = invoice_rows(customer_id=customer_id).filter(type=InvoiceType.USAGE, period_start__lte=now)
    rows = list(usage.exclude(status=InvoiceStatus.VOID).order_by("-period_start", "-id")[:12])
    if not rows:
        return Periods()
    newest = rows[0]
    before = next(
        (r for r in rows if r.contract_id == newest.contract_id and r.period_end <= newest.period_start), None
    )
    current = Period(newest.period_start, newest.period_end)
    return Periods(
        current=current if now in current else None,
        previous=Period(before.period_start, before.period_end) if before else None,
    )
