"""What the overview shows: charged so far, how that compares, spend by day, what costs most."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.types import BreakdownView, CurrencyView, InvoiceView
from console.options import group_names
from console.ranges import PRODUCT, STEPS
from console.selectors.access import Viewer
from console.selectors.invoices import InvoiceRow, invoice_row
from console.selectors.palette import plan_names
from console.selectors.periods import billing_periods
from contracts.selectors import list_contracts
from engine.calendar import Period
from engine.lines import APPLIED
from engine.money import ZERO, add, plain, total
from invoices.selectors import list_breakdowns, list_invoices
from presentation import formatting
from presentation.charts.stacked_bars import Point, StackedBars, stacked_bars
from presentation.explanation import event_count, line_label, tier_label
from presentation.formatting import Money

DRIVERS = 5


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """The draft that becomes final first, with what it comes to now."""

    day: str
    total: Money
    note: str


@dataclass(frozen=True, slots=True)
class Charge:
    """The running total of one currency, net; `stored`: the same before rounding, in stored units.

    `paid`: what credits and commits paid of it, None for nothing. `invoices`: its drafts. Without a running period
    there is only the next invoice, and `total` is None.
    """

    total: Money | None
    stored: str
    covers: str
    events: str
    paid: Money | None
    invoices: tuple[InvoiceRow, ...]
    next: NextInvoice


@dataclass(frozen=True, slots=True)
class Comparison:
    """The period before, and how this one stands against it at the same point of time."""

    period: str
    total: Money
    sentence: str
    invoice: InvoiceRow | None


@dataclass(frozen=True, slots=True)
class Driver:
    """One of the greatest parts of the running total; `per_mille` of the greatest, for its bar."""

    product: str
    detail: str
    amount: Money
    share: str
    per_mille: int
    invoice_id: str
    line_id: UUID


@dataclass(frozen=True, slots=True)
class Drivers:
    """The greatest parts, and what all the others come to."""

    rows: tuple[Driver, ...]
    rest: Money | None
    rest_count: int


def charges(viewer: Viewer, *, now: datetime) -> list[Charge]:
    """What the running drafts come to, by currency, and the next invoice; the newest running draft's currency first."""
    drafts = list_invoices(customer_id=viewer.customer_id, now=now, status="DRAFT")
    found: dict[str, list[InvoiceView]] = {}
    for view in sorted(drafts, key=lambda view: not _is_running(view, now)):
        found.setdefault(view.currency.name, []).append(view)
    return [_charge(views, now) for views in found.values()]


def starts_on(viewer: Viewer, *, now: datetime) -> str:
    """The day on which the customer's next contract begins, "" where none is to come."""
    begins = [row.starting_at for row in list_contracts(customer_id=viewer.customer_id) if row.starting_at > now]
    return formatting.day(min(begins)) if begins else ""


def comparison(viewer: Viewer, *, today: Decimal | None, now: datetime) -> Comparison | None:
    """The previous period, as billed, and its spend up to the same point; None for a customer's first period.

    `today`: what the current period comes to, in stored units, as `charges` computed it a moment ago.
    """
    periods = billing_periods(customer_id=viewer.customer_id, now=now)
    if periods.current is None or periods.previous is None:
        return None
    before = periods.previous
    views = list_invoices(customer_id=viewer.customer_id, now=now, starting_on=before.start, ending_before=before.end)
    old = [view for view in views if view.status != "VOID"]
    if not old:
        return None
    currency = old[0].currency
    then = min(before.start + (now - periods.current.start), before.end)
    at_this_point = total(part.subtotal for part in _parts(viewer, Period(before.start, then), now, currency))
    return Comparison(
        period=formatting.period(before.start, before.end),
        total=formatting.money(total(view.total for view in old if view.currency == currency), currency),
        sentence=_compare(today, at_this_point, then, currency),
        invoice=invoice_row(old[0], now=now) if len(old) == 1 else None,
    )


def spend_by_day(viewer: Viewer, *, now: datetime) -> StackedBars | None:
    """Spend of the current period by UTC day and product; the days to come are there, empty. None without a period
    or spend.
    """
    period = billing_periods(customer_id=viewer.customer_id, now=now).current
    if period is None:
        return None
    parts = _parts(viewer, period, now, None)
    if not any(line.total and line.is_charge for part in parts for line in part.lines):
        return None
    currency = parts[-1].invoice.currency
    by_day: dict[datetime, dict[str, Decimal]] = {}
    for part in parts:
        if part.invoice.currency == currency:
            day = by_day.setdefault(part.window_start, {})
            for line in part.lines:
                if line.total and line.is_charge:
                    day[line.name] = add(day.get(line.name, ZERO), formatting.to_major_units(line.total, currency))
    return stacked_bars(
        [Point(formatting.day(at, year=False), str(at.day), by_day.get(at, {})) for at in _days(period)],
        title="Spend by day",
        unit=currency.code or currency.name,
        height=270,
        among=plan_names(customer_id=viewer.customer_id, by=PRODUCT),
        show=lambda value: formatting.money(formatting.to_minor_units(value, currency), currency).figure,
    )


def drivers(viewer: Viewer, *, now: datetime) -> Drivers | None:
    """The greatest lines of the running drafts; None where nothing was used."""
    running = _running(viewer, now)
    if not running:
        return None
    names = group_names(viewer.options)
    currency = running[0].currency
    sums: dict[tuple[str, str, str], Decimal] = {}
    first: dict[tuple[str, str, str], UUID] = {}
    for view in running:
        for line in view.lines:
            if line.total and line.is_charge and view.currency == currency:
                detail = ", ".join(part for part in (line_label(line, names), tier_label(line)) if part)
                key = line.name, detail, str(view.id)
                sums[key] = add(sums.get(key, ZERO), line.total)
                first.setdefault(key, line.id)
    ranked = sorted(sums, key=lambda key: (-sums[key], key))
    if not ranked:
        return None
    whole, most = total(sums.values()), max(sums[ranked[0]], Decimal(1).scaleb(-30))
    rest = ranked[DRIVERS:]
    return Drivers(
        rows=tuple(
            Driver(
                product=key[0],
                detail=key[1],
                amount=formatting.money(sums[key], currency),
                share=formatting.percent(sums[key], whole),
                per_mille=max(0, int(sums[key] * 1000 / most)),
                invoice_id=key[2],
                line_id=first[key],
            )
            for key in ranked[:DRIVERS]
        ),
        rest=formatting.money(total(sums[key] for key in rest), currency) if rest else None,
        rest_count=len(rest),
    )


def recent_invoices(viewer: Viewer, *, now: datetime, count: int = 5) -> list[InvoiceRow]:
    """The newest invoices that have begun, drafts first."""
    views = list_invoices(customer_id=viewer.customer_id, now=now, limit=count + 2)
    rows = [invoice_row(view, now=now) for view in views if view.period_start <= now][:count]
    return sorted(rows, key=lambda row: not row.is_draft)


def _running(viewer: Viewer, now: datetime) -> list[InvoiceView]:
    drafts = list_invoices(customer_id=viewer.customer_id, now=now, status="DRAFT")
    return [view for view in drafts if _is_running(view, now)]


def _is_running(view: InvoiceView, now: datetime) -> bool:
    return view.period_start <= now < view.period_end


def _charge(drafts: list[InvoiceView], now: datetime) -> Charge:
    views = [view for view in drafts if _is_running(view, now)]
    currency = drafts[0].currency
    paid = total(line.total for view in views for line in view.lines if line.counted and line.type == APPLIED)
    return Charge(
        total=formatting.money(total(view.total for view in views), currency) if views else None,
        stored=plain(total(view.subtotal for view in views)),
        covers=formatting.so_far(views[0].period_start, now) if views else "",
        events=formatting.plural(_events(views), "event"),
        paid=formatting.money(paid.copy_negate(), currency) if paid else None,
        invoices=tuple(invoice_row(view, now=now) for view in views),
        next=_next_invoice(drafts, now),
    )


def _events(views: list[InvoiceView]) -> int:
    """How many events these drafts charge: lines of one quantity (tiers, what balances pay of it) share theirs."""
    counts: dict[tuple[str, str], int] = {}
    for view in views:
        for line in view.lines:
            key = (
                f"{view.id}{line.product_id}",
                repr((line.pricing_group_values, line.presentation_group_values, line.starting_at)),
            )
            counts[key] = max(counts.get(key, 0), event_count(line.explanation))
    return sum(counts.values())


def _next_invoice(drafts: list[InvoiceView], now: datetime) -> NextInvoice:
    first = min(view.due_at for view in drafts)
    views = [view for view in drafts if view.due_at == first]
    amount = formatting.money(total(view.total for view in views), views[0].currency)
    newest = views[0]
    if newest.is_scheduled:
        note = "as agreed for that day"
    elif now < newest.period_start:
        note = f"for {formatting.period(newest.period_start, newest.period_end)}, which has not begun"
    else:
        so_far = "so far, " if now < newest.period_end else ""
        period = formatting.period(newest.period_start, newest.period_end)
        note = f"{so_far}for {period}; what arrives late still counts until it is issued"
    return NextInvoice(formatting.day(first), amount, note)


def _compare(today: Decimal | None, then_amount: Decimal, then: datetime, currency: CurrencyView) -> str:
    if not then_amount:
        return f"Nothing had been used by {formatting.day(then, year=False)}."
    before = formatting.money(then_amount, currency)
    sentence = f"At this point of it, {formatting.day(then, year=False)}, it stood at {before.figure}"
    return (
        f"{sentence}: this period is {formatting.change(today, then_amount)}." if today is not None else f"{sentence}."
    )


def _parts(viewer: Viewer, period: Period, now: datetime, currency: CurrencyView | None) -> list[BreakdownView]:
    parts = list_breakdowns(
        customer_id=viewer.customer_id,
        starting_on=period.start,
        ending_before=period.end,
        window_size="DAY",
        credit_type_id=currency.credit_type_id if currency else None,
        now=now,
    )
    return [part for part in parts if part.invoice.status != "VOID"]


def _days(period: Period) -> list[datetime]:
    days, at = [], period.start
    while at < period.end:
        days.append(at)
        at = at.replace(hour=0) + STEPS["day"]
    return days
