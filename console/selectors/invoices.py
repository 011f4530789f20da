"""Invoices as rows of text: the list, one invoice by product, a line's explanation and its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.products import by_product, towards_commits
from billing.types import InvoiceView, LineView
from console.options import group_names
from console.selectors.access import Viewer
from core.api.paging import decode, encode
from engine.money import add, total
from engine.usage import numeric
from invoices.selectors import get_invoice, get_line, line_events, list_breakdowns, list_invoices
from invoices.selectors.document import with_document
from presentation import formatting
from presentation.charts.stacked_bars import Point, StackedBars, stacked_bars
from presentation.explanation import (
    Why,
    event_count,
    label_alone,
    line_label,
    price_text,
    quantity_text,
    scale_text,
    tier_label,
    towards_commit,
    why,
)
from presentation.formatting import Money
from presentation.groups import GroupNames

PAGE = 25
EVENTS = 50
STATUSES = {"": "All", "DRAFT": "Running", "FINALIZED": "Issued", "VOID": "Void"}
_LATE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list. `state` is a word for a person, `tone` its colour's name."""

    id: UUID
    name: str
    period: str
    state: str
    tone: str
    note: str
    total: Money
    is_draft: bool

    @property
    def key(self) -> str:
        """The id as text, for file paths."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class InvoiceList:
    """A page of rows, drafts first; `more` asks for that many rows, None when all are there."""

    rows: tuple[InvoiceRow, ...]
    status: str
    more: int | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line under its product. `label` tells it from the product's other lines; `scale`: "million", where that is
    what its quantity counts.
    """

    id: UUID
    label: str
    quantity: str
    price: str
    scale: str
    amount: Money
    when: str

    @property
    def key(self) -> str:
        """The id as text."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class ProductBlock:
    """A product's lines and what they come to."""

    name: str
    lines: tuple[LineRow, ...]
    subtotal: Money
    share: str


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """One invoice, ready to show."""

    head: InvoiceRow
    contract: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[ProductBlock, ...]
    subtotal: Money
    rounding: Money | None
    rounding_is_negative: bool
    towards: tuple[str, ...]
    unrated: tuple[str, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LinePage:
    """A line's explanation, with what asks for its days and its events."""

    invoice_id: UUID
    line_id: UUID
    name: str
    why: Why
    has_events: bool


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event that was counted. `details`: its properties; `note`: what is unusual about it."""

    at: str
    id: str
    value: str
    details: str
    note: str


@dataclass(frozen=True, slots=True)
class EventList:
    """Some of a line's events in order of time; `next` is the cursor for more, "" at the end."""

    invoice_id: UUID
    line_id: UUID
    rows: tuple[EventRow, ...]
    next: str


def invoice_list(viewer: Viewer, *, status: str, count: int, now: datetime) -> InvoiceList:
    """The newest `count` invoices of this status ("" for all), as the session's options allow."""
    options = viewer.options.get("invoices", {})
    filters: dict[str, Any] = {"contract_id": UUID(options["contract_id"])} if "contract_id" in options else {}
    found = list_invoices(customer_id=viewer.customer_id, status=status or None, limit=count + 1, now=now, **filters)
    shown = [view for view in found[:count] if _allowed(view, options) and view.period_start <= now]
    rows = sorted((invoice_row(view, now=now) for view in shown), key=lambda row: not row.is_draft)
    return InvoiceList(tuple(rows), status, count + PAGE if len(found) > count else None)


def invoice_page(viewer: Viewer, *, invoice_id: UUID, now: datetime) -> InvoicePage:
    """One invoice with its lines by product. Raises NotFound, alike for an unknown id and another customer's."""
    view = with_document(get_invoice(customer_id=viewer.customer_id, invoice_id=invoice_id, now=now))
    names = group_names(viewer.options)
    show_zero = viewer.options.get("invoices", {}).get("show_zero_usage_line_items", False)
    lines = [line for line in view.lines if line.total or line.quantity or show_zero]
    return InvoicePage(
        head=invoice_row(view, now=now),
        contract=view.contract_name,
        facts=tuple(_facts(view, now)),
        blocks=tuple(_blocks(lines, view, names)),
        subtotal=formatting.money(view.subtotal, view.currency),
        rounding=formatting.money(view.rounding, view.currency) if view.rounding else None,
        rounding_is_negative=view.rounding < 0,
        towards=tuple(
            towards_commit(commit, view.currency, with_rest=not view.is_paid_by_parent)
            for commit in towards_commits(view.lines)
        ),
        unrated=tuple(_unrated(view.unrated)),
        as_of=view.as_of,
    )


def line_page(viewer: Viewer, *, invoice_id: UUID, line_id: UUID, now: datetime) -> LinePage:
    """A line's explanation. Raises NotFound."""
    view = get_invoice(customer_id=viewer.customer_id, invoice_id=invoice_id, now=now)
    line = get_line(customer_id=viewer.customer_id, invoice_id=invoice_id, line_id=line_id, now=now)
    reasons = why(line, view.currency, with_held=not view.is_paid_by_parent)
    return LinePage(invoice_id, line_id, line.name, reasons, bool(event_count(line.explanation)))


def line_days(viewer: Viewer, *, invoice_id: UUID, line_id: UUID, now: datetime) -> StackedBars | None:
    """The line's quantity by UTC day, as usage stands now; None where there is none. Raises NotFound."""
    line = get_line(customer_id=viewer.customer_id, invoice_id=invoice_id, line_id=line_id, now=now)
    if line.starting_at is None or line.ending_before is None:
        return None
    parts = list_breakdowns(
        customer_id=viewer.customer_id,
        starting_on=line.starting_at,
        ending_before=line.ending_before,
        window_size="DAY",
        now=now,
    )
    by_day = {
        part.window_start: total(same.quantity for same in part.lines if _same_subject(same, line) and same.quantity)
        for part in parts
        if part.invoice.id == invoice_id
    }
    if not any(by_day.values()):
        return None
    points = [
        Point(formatting.day(start), str(start.day), {line.name: value} if value else {})
        for start, value in sorted(by_day.items())
    ]
    return stacked_bars(points, title=f"{line.name} by day", unit="", show=formatting.quantity, wide=900, height=170)


def line_event_list(viewer: Viewer, *, invoice_id: UUID, line_id: UUID, cursor: str, now: datetime) -> EventList:
    """A page of the events behind a line. Raises NotFound, or InvalidInput for a cursor that is not ours."""
    after = decode(cursor, "after") if cursor else None
    page = line_events(
        customer_id=viewer.customer_id, invoice_id=invoice_id, line_id=line_id, now=now, after=after, limit=EVENTS
    )
    names = group_names(viewer.options)
    return EventList(
        invoice_id,
        line_id,
        tuple(_event_row(event, names) for event in page.events),
        encode(page.next) if page.next else "",
    )


def invoice_row(view: InvoiceView, *, now: datetime) -> InvoiceRow:
    """An invoice in a person's words."""
    state, tone, note = _state(view, now)
    return InvoiceRow(
        id=view.id,
        name=view.number or "Draft",
        period=formatting.period(view.period_start, view.period_end),
        state=state,
        tone=tone,
        note=note,
        total=formatting.money(view.total, view.currency),
        is_draft=view.status == "DRAFT",
    )


def _state(view: InvoiceView, now: datetime) -> tuple[str, str, str]:
    if view.status == "VOID":
        return "void", "muted", f"voided {formatting.day(view.voided_at)}" if view.voided_at else ""
    if view.status == "FINALIZED":
        due = f"due {formatting.day(view.due_date)}" if view.due_date else ""
        return "issued", "ok", due
    if now < view.period_end:
        return "running", "info", f"final {formatting.day(view.due_at)}"
    return "closing", "warn", f"late usage counts until {formatting.instant(view.due_at)}"


def _facts(view: InvoiceView, now: datetime) -> Iterable[tuple[str, str]]:
    yield "Period", formatting.period(view.period_start, view.period_end)
    if view.document_date:
        yield "Issued", formatting.day(view.document_date)
    if view.status == "FINALIZED" and view.due_date:
        days = view.net_payment_terms_days
        yield "Payment due", formatting.day(view.due_date) + (f" ({days} days)" if days else "")
    if view.status == "DRAFT":
        yield "Becomes final", f"{formatting.day(view.due_at)}, {formatting.until(view.due_at, now)}"
    if view.voided_at:
        yield "Voided", formatting.day(view.voided_at)
    yield "Billed to", view.customer_name
    yield "Contract", view.contract_name


def _blocks(lines: list[LineView], view: InvoiceView, names: GroupNames) -> Iterable[ProductBlock]:
    for product in sorted(by_product(lines), key=lambda product: (-product.total, product.name)):
        yield ProductBlock(
            name=product.name,
            lines=tuple(_line_row(line, view, names) for line in product.lines),
            subtotal=formatting.on_document(product.total, product.document_amount, product.unit or view.currency),
            share=formatting.percent(product.total, view.subtotal) if product.counted else "",
        )


def _line_row(line: LineView, view: InvoiceView, names: GroupNames) -> LineRow:
    whole = (line.starting_at, line.ending_before) == (view.period_start, view.period_end)
    when = (
        ""
        if whole or not (line.starting_at and line.ending_before)
        else formatting.period(line.starting_at, line.ending_before)
    )
    label = ", ".join(part for part in (line_label(line, names), tier_label(line)) if part)
    return LineRow(
        id=line.id,
        label=label or label_alone(line),
        quantity=quantity_text(line, line.unit or view.currency),
        price=price_text(line, line.unit or view.currency),
        scale=scale_text(line),
        amount=formatting.money(line.total, line.unit or view.currency),
        when=when,
    )


def _unrated(parts: Iterable[dict[str, Any]]) -> Iterable[str]:
    sums: dict[str, Decimal] = {}
    for part in parts:
        sums[part["name"]] = add(sums.get(part["name"], Decimal(0)), Decimal(part["quantity"]))
    return (
        f"{name}: {formatting.quantity(value)} not charged, because no price is in force"
        for name, value in sums.items()
    )


def _allowed(view: InvoiceView, options: dict[str, Any]) -> bool:
    if options.get("hide_voided_invoices") and view.status == "VOID":
        return False
    if options.get("invoice_type") not in (None, view.type):
        return False
    wanted = options.get("invoice_status_filter", "ALL")
    return wanted == "ALL" or view.status in wanted.split("_AND_")


def _same_subject(one: LineView, other: LineView) -> bool:
    """Whether both lines charge the same thing, whatever their stretch of time; of tiers, the same tier."""
    return (
        one.product_id == other.product_id
        and one.pricing_group_values == other.pricing_group_values
        and one.presentation_group_values == other.presentation_group_values
        and (one.tier or {}).get("level") == (other.tier or {}).get("level")
    )


def _event_row(event: Any, names: GroupNames) -> EventRow:
    late = event.received_at - event.timestamp
    return EventRow(
        at=f"{formatting.day(event.timestamp)}, {event.timestamp:%H:%M:%S}",
        id=event.transaction_id,
        value=_counted(event.value),
        details=", ".join(f"{names.key(key)} {_text(value)}" for key, value in sorted(event.properties.items())),
        note=f"arrived {formatting.day(event.received_at)}" if late >= _LATE else "",
    )


def _counted(value: str | None) -> str:
    """What an event brought: 1 where events are counted, a number grouped, any other text as it is."""
    if value is None:
        return "1"
    number = numeric(value)
    return value if number is None else formatting.quantity(number)


def _text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
