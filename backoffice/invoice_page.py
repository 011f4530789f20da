"""One invoice for staff: what it says, why each line is what it is, the events behind it, and what happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.site import own_snapshot
from billing.products import ProductLines, by_product, towards_commits
from billing.types import CurrencyView, InvoiceView, LineView
from core.admin import timeline
from core.admin.export import csv_response
from core.approvals import requests_about
from core.clock import now
from core.errors import NotFound
from engine.explanation import AppliedExplanation
from engine.money import ZERO, total
from invoices.admin import status_badge
from invoices.models import InvoiceListing
from invoices.selectors import get_line, line_events, view_of
from invoices.selectors.document import with_document
from invoices.services.documents import get_pdf
from presentation.explanation import (
    Why,
    balance_name,
    event_count,
    is_percentage,
    label_alone,
    line_label,
    measure_name,
    price_text,
    quantity_text,
    scale_text,
    tier_label,
    towards_commit,
    why,
)
from presentation.formatting import figure, money, on_document, period, plain_amount, unit_code
from presentation.groups import GroupNames

MOST_LINES = 500
MOST_EVENTS = 100
PRICE_DECIMALS = 10
_AS_SENT = GroupNames()
LINES_HEADER = (
    "invoice", "position", "product", "groups", "tier", "quantity", "unit_price", "total", "currency", "from", "until",
    "metric", "events", "product_id", "line_id", "towards_commit", "towards_amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount to read in a column: rounded to the coin, with the exact figure for whoever points at it."""

    figure: str
    exact: str


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with its tier ("" if it is none), and its explanation in words; `scale`: "million", or ""."""

    line: LineView
    tier: str
    quantity: str
    unit_price: str
    scale: str
    amount: Amount
    why: Why


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one set of group values over one stretch of time; its `tiers` are indented below it.

    `label`: the group values; `during`: the stretch, where it is not the whole period.
    """

    label: str
    during: str
    quantity: Decimal
    amount: Amount
    is_tiered: bool
    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class ProductBlock:
    """All lines of one product, with their sum: those of an invoice add up to its total.

    `is_plain`: one group without values, told in the product's own row.
    """

    name: str
    amount: Amount
    is_plain: bool
    groups: tuple[Group, ...]


def blocks(view: InvoiceView) -> tuple[ProductBlock, ...]:
    """An invoice's lines (the first 500) as people read them: by product, then by group, tiers below their quantity.

    Sums are those of all lines, also where some are not shown.
    """
    left, found = MOST_LINES, []
    for product in by_product(view.lines):
        groups: dict[tuple[Any, ...], list[LineView]] = {}
        for line in product.lines:
            key = (line_label(line, _AS_SENT), line.starting_at, line.ending_before)
            groups.setdefault(key, []).append(line)
        found.append(_block(product, list(groups.values()), view, left))
        left = max(0, left - len(product.lines))
    return tuple(found)


def context(request: HttpRequest, invoice: InvoiceListing) -> dict[str, Any]:
    """What the page shows; a draft is composed now."""
    view = with_document(view_of(invoice, now=now()))
    subjects = [("invoice", invoice.pk)] + (
        [("invoice", invoice.regenerated_from_id)] if invoice.regenerated_from_id else []
    )
    return {
        "view": view,
        "blocks": blocks(view),
        "unit": unit_code(view.currency),
        "hidden_lines": max(0, sum(not line.is_information for line in view.lines) - MOST_LINES),
        "towards": [towards_commit(commit, view.currency) for commit in towards_commits(view.lines)],
        "badge": status_badge(invoice),
        "timeline_entries": timeline.of_subjects([*subjects, *requests_about(invoice)]),
        "may_see_usage": request.user.has_perm("usage.view_usageevent"),
        "regenerations": list(invoice.regenerations.all()[:5]),
    }


def lines_csv(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The invoice's lines as they stand, exact, and its rounding: by currency, `total` sums to the invoice's total."""
    view = _view(request, object_id)
    return csv_response(f"{view.number or 'draft'}-lines.csv", LINES_HEADER, _line_rows(view))


@own_snapshot
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
    _require(request, "invoices.view_invoice", "usage.view_usageevent")
    view = _view(request, object_id)
    asked: dict[str, Any] = {"customer_id": view.customer_id, "invoice_id": view.id, "line_id": line_id, "now": now()}
    try:
        line, page = get_line(**asked), line_events(**asked, limit=MOST_EVENTS)
    except NotFound as error:
        raise Http404 from error
    shown = {
        **admin.site.each_context(request),
        "opts": admin.site.get_model_admin(InvoiceListing).opts,
        "original": InvoiceListing.objects.get(pk=object_id),
        "title": f"Events behind {line.name}",
        "view": view,
        "line": line,
        "label": ", ".join(part for part in (line_label(line, _AS_SENT), tier_label(line)) if part),
        "why": why(line, view.currency),
        "events": page.events,
        "more": page.next is not None,
        "most": MOST_EVENTS,
    }
    return TemplateResponse(request, "admin/back_office/line_events.html", shown)


def _view(request: HttpRequest, object_id: UUID) -> InvoiceView:
    _require(request, "invoices.view_invoice")
    row = (
        InvoiceListing.objects.select_related("customer", "contract__rate_card__fiat_credit_type", "credit_type")
        .filter(pk=object_id)
        .first()
    )
    if row is None:
        raise Http404
    return view_of(row, now=now())


def _require(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def _block(product: ProductLines, groups: list[list[LineView]], view: InvoiceView, most: int) -> ProductBlock:
    shown = []
    for lines in groups:
        if most > 0:
            shown.append(_group(lines, view, most))
        most -= len(lines)
    one_row = len(shown) == len(groups) == 1 and (len(groups[0]) == 1 or shown[0].is_tiered)
    plain = one_row and not line_label(groups[0][0], _AS_SENT)
    unit = product.unit or view.currency
    amount = on_document(product.total, product.document_amount, unit)
    return ProductBlock(product.name, Amount(amount.figure, amount.exact), plain, tuple(shown))


def _group(lines: list[LineView], view: InvoiceView, most: int) -> Group:
    first = lines[0]
    whole = (first.starting_at, first.ending_before) in ((view.period_start, view.period_end), (None, None))
    return Group(
        label=line_label(first, _AS_SENT) or label_alone(first),
        during=""
        if whole or not (first.starting_at and first.ending_before)
        else period(first.starting_at, first.ending_before),
        quantity=total(line.quantity or ZERO for line in lines),
        amount=_amount(total(line.total for line in lines), first.unit or view.currency),
        is_tiered=any(line.tier is not None for line in lines),
        lines=tuple(_shown(line, line.unit or view.currency) for line in lines[:most]),
    )


def _shown(line: LineView, currency: CurrencyView) -> ShownLine:
    price = "" if line.unit_price is None else figure(line.unit_price, currency, decimals=PRICE_DECIMALS)
    if is_percentage(line):
        price = price_text(line, currency)
    quantity, amount = quantity_text(line, currency), _amount(line.total, currency)
    return ShownLine(line, tier_label(line), quantity, price, scale_text(line), amount, why(line, currency))


def _amount(exact: Decimal, currency: CurrencyView) -> Amount:
    shown = money(exact, currency)
    return Amount(shown.figure, shown.exact)


def _measured(line: LineView) -> tuple[str, int | str]:
    """What was measured, and from how many events; nothing for what balances pay and what they cost."""
    name = measure_name(line.explanation)
    return name, event_count(line.explanation) if name else ""


def _line_rows(view: InvoiceView) -> Iterable[tuple[Any, ...]]:
    for position, line in enumerate(view.lines, 1):
        unit = line.unit or view.currency
        yield (
            view.number or "draft", position, line.name, line_label(line, _AS_SENT), tier_label(line), line.quantity,
            plain_amount(line.unit_price, unit), None if line.is_information else plain_amount(line.total, unit),
            unit_code(unit), line.starting_at, line.ending_before, *_measured(line), line.product_id, line.id,
            *_towards(line, unit),
        )  # fmt: skip
    if view.rounding:
        unit = view.currency
        yield (
            view.number or "draft", None, "Rounding", "", "", None, None, plain_amount(view.rounding, unit),
            unit_code(unit), view.period_start, view.period_end, "", "", None, None, "", None,
        )  # fmt: skip


def _towards(line: LineView, unit: CurrencyView) -> tuple[str, Decimal | None]:
    """The postpaid commit that the line counts towards, and how much of it does; nothing for lines that are charged."""
    explanation = line.explanation if line.is_information else None
    if not isinstance(explanation, AppliedExplanation):
        return "", None
    return balance_name(explanation.balance), plain_amount(line.total.copy_negate(), unit)
