"""Invoices by day or hour, for the API and for charts. Computed as the invoice is: the parts sum to the whole."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from billing.compute import ComputedWindow, compute_windows
from billing.models import BillingPeriod
from billing.types import BreakdownView, DaySpend, InvoiceView, LineView
from engine.calendar import Period
from engine.invoice_states import InvoiceStatus
from engine.money import ZERO, add
from invoices.selectors.views import billed_rows, filter_invoices, view_without_lines

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
    """Each window of each invoice whose period meets the range, in order of time.

    Windows that lie ahead are left out unless something is charged there already. Breakdowns follow usage as it is now,
    also for finalized invoices: late events show here, and as unbilled usage.
    """
    rows = filter_invoices(billed_rows(customer_id=customer_id), status=status, credit_type_id=credit_type_id)
    rows = rows.filter(type=BillingPeriod.Type.USAGE, period_start__lt=ending_before, period_end__gt=starting_on)
    asked: list[tuple[BillingPeriod, list[Period]]] = []
    views: dict[UUID, InvoiceView] = {}
    for period in rows:
        views[period.pk] = view_without_lines(period, now=now)
        first, last = max(period.period_start, starting_on), min(period.period_end, ending_before)
        ahead = period.contract.has_subscriptions or period.contract.scheduled_charges_on_usage_invoices
        windows = [window for window in windows_of(first, last, STEP[window_size]) if ahead or window.start <= now]
        if windows:
            asked.append((period, windows))
    found: list[BreakdownView] = []
    for period_id, parts in compute_windows(asked, at=now).items():
        for part in parts:
            whole = _windowed(views[period_id], part)
            found.append(BreakdownView(whole, part.window.start, part.window.end, part.lines, part.subtotal))
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
        if part.invoice.status != InvoiceStatus.VOID:
            lines.setdefault(part.window_start, []).extend(part.lines)
    return [
        _spend(window.start, lines.get(window.start, []), group_by)
        for window in windows_of(start, end, STEP[window_size])
    ]


def _windowed(view: InvoiceView, part: ComputedWindow) -> InvoiceView:
    """The invoice with the lines of one window only; nothing is rounded there."""
    return replace(
        view, lines=part.lines, subtotal=part.subtotal, rounding=ZERO, total=part.subtotal, unrated=part.unrated
    )


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
