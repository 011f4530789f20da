"""Invoices on the wire."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import (
    IdField,
    Input,
    TextField,
    parse_flag,
    parse_id,
    parse_instant,
    read_query,
)
from core.api.output import IdOutput, envelope
from core.api.paging import encode, page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from customers.selectors import get_customer
from invoices import selectors
from invoices.models import Invoice
from invoices.presenters import present_breakdown, present_invoice
from invoices.selectors.breakdowns import STEP
from invoices.selectors.views import filter_invoices, invoice_rows
from invoices.services import documents, void

PAGE = {"DAY": timedelta(days=35), "HOUR": timedelta(hours=24)}


class IdInput(Input):
    id = IdField()
    reason = TextField(maximum=500, required=False, default="")


class RegenerateInput(Input):
    id = IdField()


def one_of(*words: str) -> Callable[[str], str]:
    """A parser of a query word, in any case."""

    def parse(text: str) -> str:
        if text.upper() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text.upper()

    return parse


_STATUS = one_of(*Invoice.Status.values)
_SORT = one_of("DATE_ASC", "DATE_DESC")
_QUERY = [
    OpenApiParameter(name, OpenApiTypes.STR, description=text)
    for name, text in (
        ("limit", "1 to 100"), ("next_page", "cursor of the next page"), ("status", "DRAFT, FINALIZED or VOID"),
        ("sort", "date_asc or date_desc"), ("starting_on", "RFC 3339"), ("ending_before", "RFC 3339"),
        ("skip_zero_qty_line_items", "true leaves out lines of quantity 0"),
        ("include_list_prices", "true shows the rate card's price beside each line"),
    )
]  # fmt: skip


_SHOWN = {"skip_zero_qty_line_items": parse_flag, "include_list_prices": parse_flag}


def _shown(query: dict[str, Any]) -> dict[str, bool]:
    """Takes what says how lines are shown out of a read query."""
    return {name: bool(query.pop(name)) for name in _SHOWN}


class ListInvoices(ApiView):
    """GET /v1/customers/{customer_id}/invoices, oldest period first unless `sort=date_desc`."""

    resource = "invoices"

    @extend_schema(parameters=_QUERY, responses=OpenApiTypes.OBJECT, tags=["Invoices"])
    def get(self, request: Request, customer_id: UUID) -> Response:
        get_customer(customer_id=customer_id)
        query = read_query(
            request, status=_STATUS, sort=_SORT, contract_id=parse_id, credit_type_id=parse_id, starting_on=parse_instant,
            ending_before=parse_instant, **_SHOWN,
        )  # fmt: skip
        sort, shown = query.pop("sort"), _shown(query)
        order = ("-period_start", "-id") if sort == "DATE_DESC" else ("period_start", "id")
        rows, cursor = paginate(
            filter_invoices(invoice_rows(customer_id=customer_id), **query), page_request(request), order=order
        )
        views = selectors.page_of_views(rows, now=now())
        return listing([present_invoice(view, **shown) for view in views], cursor)


class RetrieveInvoice(ApiView):
    """GET /v1/customers/{customer_id}/invoices/{invoice_id}"""

    resource = "invoices"

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["Invoices"])
    def get(self, request: Request, customer_id: UUID, invoice_id: UUID) -> Response:
        query = read_query(request, **_SHOWN)
        view = selectors.get_invoice(customer_id=customer_id, invoice_id=invoice_id, now=now())
        return data(present_invoice(view, **_shown(query)))


class InvoicePdf(ApiView):
    """GET /v1/customers/{customer_id}/invoices/{invoice_id}/pdf"""

    resource = "invoices"

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY}, tags=["Invoices"])
    def get(self, request: Request, customer_id: UUID, invoice_id: UUID) -> HttpResponse:
        name, pdf = documents.get_pdf(customer_id=customer_id, invoice_id=invoice_id, now=now())
        return HttpResponse(
            pdf, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )


class LineExplanation(ApiView):
    """GET /tactus/v1/customers/{customer_id}/invoices/{invoice_id}/lines/{line_id}/explanation"""

    resource = "invoices"

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["Tactus"])
    def get(self, request: Request, customer_id: UUID, invoice_id: UUID, line_id: UUID) -> Response:
        line = selectors.get_line(customer_id=customer_id, invoice_id=invoice_id, line_id=line_id, now=now())
        return data(line.explanation)


class ListBreakdowns(ApiView):
    """GET /v1/customers/{customer_id}/invoices/breakdowns; a page holds at most 35 days, or 24 hours."""

    resource = "invoices"

    @extend_schema(parameters=_QUERY, responses=OpenApiTypes.OBJECT, tags=["Invoices"])
    def get(self, request: Request, customer_id: UUID) -> Response:
        get_customer(customer_id=customer_id)
        query = read_query(
            request, starting_on=parse_instant, ending_before=parse_instant, window_size=one_of(*STEP), status=_STATUS,
            sort=_SORT, credit_type_id=parse_id, **_SHOWN,
        )  # fmt: skip
        start, end = query["starting_on"], query["ending_before"]
        for name in ("starting_on", "ending_before"):
            if query[name] is None:
                raise InvalidInput("is needed", field=name)
        if start >= end:
            raise InvalidInput("must be after starting_on", field="ending_before")
        size, newest_first, shown = query["window_size"] or "DAY", query["sort"] == "DATE_DESC", _shown(query)
        first, last, cursor = _page_of_time(request, start, end, PAGE[size], newest_first)
        parts = selectors.list_breakdowns(
            customer_id=customer_id, starting_on=first, ending_before=last, window_size=size, now=now(),
            status=query["status"], credit_type_id=query["credit_type_id"],
        )  # fmt: skip
        ordered = reversed(parts) if newest_first else parts
        return listing([present_breakdown(part, **shown) for part in ordered], cursor)


class VoidInvoice(ApiView):
    """POST /v1/invoices/void"""

    resource = "invoices"

    @extend_schema(request=IdInput, responses=envelope(IdOutput), tags=["Invoices"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, IdInput)
        return data({"id": void.void_invoice(invoice_id=body["id"], reason=body["reason"], now=now()).pk})


class RegenerateInvoice(ApiView):
    """POST /v1/invoices/regenerate; only a void invoice can be regenerated."""

    resource = "invoices"

    @extend_schema(request=RegenerateInput, responses=envelope(IdOutput), tags=["Invoices"])
    def post(self, request: Request) -> Response:
        body = self.read_body(request, RegenerateInput)
        return data({"id": void.regenerate_invoice(invoice_id=body["id"], now=now()).pk})


def _page_of_time(
    request: Request, start: datetime, end: datetime, span: timedelta, newest_first: bool
) -> tuple[datetime, datetime, str | None]:
    """The stretch of `[start, end)` that this page covers, and the next page's cursor: where that one begins (or, backwards, ends)."""
    after = page_request(request).after
    if after is not None and not (len(after) == 1 and isinstance(after[0], datetime) and start < after[0] < end):
        raise InvalidInput("not a cursor that this list gave out", field="next_page")
    if newest_first:
        last = after[0] if after else end
        first = max(start, last - span)
        return first, last, encode([first]) if first > start else None
    first = after[0] if after else start
    last = min(end, first + span)
    return first, last, encode([last]) if last < end else None
