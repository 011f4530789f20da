"""One invoice for staff: what it says, why each line is what it is, the events behind a line, and what happened to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from console.explain import Why, line_label, tier_label, why
from console.options import GroupNames
from core.admin import timeline
from core.display import unit_code
from core.admin.export import csv_response, plain_amount
from core.clock import now
from core.errors import NotFound
from engine.money import ZERO, add
from invoices.admin import status_badge
from invoices.models import Invoice
from invoices.selectors import get_line, line_events, view_of
from invoices.services.documents import get_pdf
from invoices.types import CurrencyView, InvoiceView, LineView

MOST_LINES = 500
MOST_EVENTS = 100
_AS_SENT = GroupNames()
LINES_HEADER = (
    "invoice", "position", "product", "groups", "tier", "quantity", "unit_price", "total", "currency", "from", "until", "metric", "events",
    "product_id", "line_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its label inside its product, its tier, and its explanation in words (None if it cannot be told)."""

    line: LineView
    label: str
    tier: str
    why: Why | None


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one product and one set of group values; `tiers` are indented below it."""

    label: str
    quantity: Decimal
    total: Decimal
    is_tiered: bool
    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class ProductBlock:
    """All lines of one product, with their sum."""

    name: str
    total: Decimal
    groups: tuple[Group, ...]


def blocks(lines: Iterable[LineView], currency: CurrencyView) -> tuple[ProductBlock, ...]:
    """Lines as a person reads an invoice: by product, then by group, tiers below their quantity."""
    by_product: dict[tuple[UUID | None, str], dict[tuple[Any, ...], list[ShownLine]]] = {}
    for line in lines:
        label = line_label(line, _AS_SENT)
        key = (label, line.starting_at, line.ending_before)
        groups = by_product.setdefault((line.product_id, line.name), {})
        groups.setdefault(key, []).append(ShownLine(line, label, tier_label(line), _why(line, currency)))
    return tuple(
        ProductBlock(name, _sum(shown.line.total for rows in groups.values() for shown in rows), tuple(_group(rows) for rows in groups.values()))
        for (_, name), groups in by_product.items()
    )


def context(request: HttpRequest, invoice: Invoice) -> dict[str, Any]:
    """What the page shows; a draft is composed now."""
    view = view_of(invoice, now=now())
    subjects = [("invoice", invoice.pk)] + ([("invoice", invoice.regenerated_from_id)] if invoice.regenerated_from_id else [])
    return {
        "view": view,
        "blocks": blocks(view.lines[:MOST_LINES], view.currency),
        "hidden_lines": max(0, len(view.lines) - MOST_LINES),
        "badge": status_badge(invoice),
        "moments": timeline.of_subjects(subjects),
        "may_see_usage": request.user.has_perm("usage.view_usageevent"),  # type: ignore[union-attr]
        "regenerations": list(invoice.regenerations.all()[:5]),
    }


def lines_csv(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The invoice's lines as they stand, exact."""
    view = _view(request, object_id)
    return csv_response(f"{view.number or 'draft'}-lines.csv", LINES_HEADER, _line_rows(view))


def pdf(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The PDF: stored for final invoices, made now for drafts and void ones."""
    _require(request, "invoices.view_invoice")
    try:
        name, content = get_pdf(invoice_id=object_id, now=now())
    except NotFound as error:
        raise Http404 from error
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def events(request: HttpRequest, object_id: UUID, line_id: UUID) -> HttpResponse:
    """The events that a line's quantity was measured from, the first hundred in order of time."""
    from django.contrib import admin

    _require(request, "invoices.view_invoice", "usage.view_usageevent")
    view = _view(request, object_id)
    asked: dict[str, Any] = {"customer_id": view.customer_id, "invoice_id": view.id, "line_id": line_id, "now": now()}
    try:
        line, page = get_line(**asked), line_events(**asked, limit=MOST_EVENTS)
    except NotFound as error:
        raise Http404 from error
    shown = {
        **admin.site.each_context(request),
        "opts": Invoice._meta,
        "original": Invoice.objects.get(pk=object_id),
        "title": f"Events behind {line.name}",
        "view": view,
        "line": line,
        "label": ", ".join(part for part in (line_label(line, _AS_SENT), tier_label(line)) if part),
        "why": _why(line, view.currency),
        "events": page.events,
        "more": page.next is not None,
        "most": MOST_EVENTS,
    }
    return TemplateResponse(request, "admin/back_office/line_events.html", shown)


def _view(request: HttpRequest, object_id: UUID) -> InvoiceView:
    _require(request, "invoices.view_invoice")
    row = Invoice.objects.select_related("customer", "contract__rate_card__fiat_credit_type", "credit_type").filter(pk=object_id).first()
    if row is None:
        raise Http404
    return view_of(row, now=now())


def _require(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):  # type: ignore[union-attr]
        raise PermissionDenied


def _group(rows: list[ShownLine]) -> Group:
    quantity = _sum(shown.line.quantity or ZERO for shown in rows)
    tiered = any(shown.line.tier is not None for shown in rows)
    return Group(rows[0].label, quantity, _sum(shown.line.total for shown in rows), tiered, tuple(rows))


def _why(line: LineView, currency: CurrencyView) -> Why | None:
    return why(line, currency) if "rate" in line.explanation else None


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = add(result, amount)
    return result


def _line_rows(view: InvoiceView) -> Iterable[tuple[Any, ...]]:
    for position, line in enumerate(view.lines, 1):
        unit = view.currency
        yield (
            view.number or "draft", position, line.name, line_label(line, _AS_SENT), tier_label(line), line.quantity,
            plain_amount(line.unit_price, unit), plain_amount(line.total, unit), unit_code(unit), line.starting_at,
            line.ending_before, line.explanation.get("metric", {}).get("name", ""), line.explanation.get("event_count", ""),
            line.product_id, line.id,
        )  # fmt: skip
