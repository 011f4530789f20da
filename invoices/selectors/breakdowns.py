"""Invoices by day or hour, for the API and for charts. Same engine call as the invoice: the parts sum to the whole."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from engine.calendar import Period
from engine.money import ZERO, add
from invoices import models
from invoices.composition import compose_windows
from invoices.running import Running
from invoices.selectors.views import composed_view, custom_units, filter_invoices, invoice_rows
from invoices.types import BreakdownView, DaySpend, LineView

STEP = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}


def windows_of(start: datetime, end: datetime, step: timedelta) -> list[Period]:
    """UTC-aligned windows of `step` that tile `[start, end)`; the first and last may be cut."""
    found = []
    at = start
    while at < end:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        following = midnight + step * ((at - midnight) // step + 1)
        found.append(Period(at, min(following, end)))
        at = following
    return found


def list_breakdowns(
    *,
    customer_id: UUID,
    starting_on: datetime,
    ending_before: datetime,
    window_size: str,
    now: datetime,
    status: str | None = None,
    credit_type_id: UUID | None = None,
) -> list[BreakdownView]:
    """Each window of each invoice whose period meets the range, in order of time. Windows that lie ahead are left out.

    Breakdowns follow usage as it is now, also for finalized invoices (domain.md section 7, late events).
    """
    rows = filter_invoices(invoice_rows(customer_id=customer_id), status=status, credit_type_id=credit_type_id)
    rows = rows.filter(kind=models.Invoice.Kind.USAGE, period_start__lt=ending_before, period_end__gt=starting_on)
    found: list[BreakdownView] = []
    running = Running(customer_id)
    for row in rows.order_by("period_start", "id"):
        first, last = max(row.period_start, starting_on), min(row.period_end, ending_before)
        windows = [window for window in windows_of(first, last, STEP[window_size]) if window.start <= now]
        if not windows:
            continue
        terms = running.terms(row)
        units = custom_units(terms.engine.conversions)
        for window, part in zip(windows, compose_windows(terms, windows), strict=True):
            whole = composed_view(row, part, now=now, units=units)
            found.append(BreakdownView(whole, window.start, window.end, whole.lines, part.subtotal))
    return sorted(found, key=lambda part: (part.window_start, part.invoice.period_start, part.invoice.id))


def spend_by_window(
    *,
    customer_id: UUID,
    start: datetime,
    end: datetime,
    now: datetime,
    window_size: str = "DAY",
    group_by: str = "product",
) -> list[DaySpend]:
    """Charges before balances by UTC day or hour, in stored units, split by product or by one group key (`group_by`).

    Void invoices do not count. Windows without any charge are there too, with a total of 0.
    """
    parts = list_breakdowns(
        customer_id=customer_id, starting_on=start, ending_before=end, window_size=window_size, now=now
    )
    lines: dict[datetime, list[LineView]] = {}
    for part in parts:
        if part.invoice.status != models.Invoice.Status.VOID:
            lines.setdefault(part.window_start, []).extend(part.lines)
    return [
        _spend(window.start, lines.get(window.start, []), group_by)
        for window in windows_of(start, end, STEP[window_size])
    ]


def _spend(start: datetime, lines: Iterable[LineView], group_by: str) -> DaySpend:
    by_label: dict[str, Decimal] = {}
    total = ZERO
    for line in lines:
        if not line.total or not line.is_charge:
            continue
        groups = line.presentation_group_values | line.pricing_group_values
        label = line.name if group_by == "product" else groups.get(group_by) or "(none)"
        by_label[label] = add(by_label.get(label, ZERO), line.total)
        total = add(total, line.total)
    return DaySpend(start, by_label, total)
