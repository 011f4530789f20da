"""Invoices on the wire."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.presenters import present_breakdown, present_invoice
from billing.api.schema import BreakdownOutput, ExplanationOutput, InvoiceOutput
from billing.selectors.line_details import facts_of_lines
from core.api.fields import IdField, Input, TextField, parse_flag, parse_id, parse_instant, read_query, word_of
from core.api.output import PAGING, IdOutput, envelope, list_of, page_of
from core.api.paging import encode, foreign, page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.errors import InvalidInput
from customers.selectors import require_customer
from engine.invoice_states import InvoiceStatus, InvoiceType
from invoices import selectors
from invoices.api.schema import UnbilledUsageOutput
from invoices.selectors.breakdowns import STEP
from invoices.selectors.views import billed_rows, filter_invoices
from invoices.services import documents, void
from presentation.explanation import explanation_answer

PAGE = {"DAY": timedelta(days=35), "HOUR": timedelta(hours=24)}
TYPES = (*InvoiceType, "USAGE_CONSOLIDATED")
_STATUS = word_of(*InvoiceStatus)
_SORT = word_of("DATE_ASC", "DATE_DESC")
_LINES = [
    OpenApiParameter("skip_zero_qty_line_items", bool, description="Leave out lines of quantity 0."),
    OpenApiParameter("include_list_prices", bool, description="Show the rate card's price beside each line."),
]
_SHOWN = {"skip_zero_qty_line_items": parse_flag, "include_list_prices": parse_flag}
_FILTERS = [
    *PAGING,
    OpenApiParameter("status", enum=[*InvoiceStatus], description="Only invoices of this status."),
    OpenApiParameter("sort", enum=["date_asc", "date_desc"], description="By the period's start, oldest first."),
    OpenApiParameter("credit_type_id", UUID, description="Only invoices in this unit."),
    *_LINES,
]


class IdInput(Input):
    """Which invoice, and why."""

    id = IdField()
    reason = TextField(maximum=500, required=False, allow_null=True)


def _shown(query: dict[str, Any]) -> dict[str, bool]:
    """Takes what says how lines are shown out of a read query."""
    return {name: bool(query.pop(name)) for name in _SHOWN}


class ListInvoices(ApiView):
    """GET /v1/customers/{customer_id}/invoices"""

    resource = "invoices"

    @extend_schema(
        parameters=[
            *_FILTERS,
            OpenApiParameter("starting_on", datetime, description="Only periods that start then or later."),
            OpenApiParameter("ending_before", datetime, description="Only periods that have ended by then."),
            OpenApiParameter("contract_id", UUID, description="Only invoices of this contract."),
            OpenApiParameter("type", enum=TYPES, description="Only invoices of this type."),
            OpenApiParameter("include_historical_commit_invoices", bool, description="There are none yet."),
            OpenApiParameter("webhook_notification_id", str, description="Why the caller asks; the list is the same."),
        ],
        responses=page_of(InvoiceOutput),
        tags=["Invoices"],
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List a customer's invoices, drafts as they stand now."""
        query = read_query(
            request, status=_STATUS, sort=_SORT, type=word_of(*TYPES), contract_id=parse_id, credit_type_id=parse_id,
            starting_on=parse_instant, ending_before=parse_instant, include_historical_commit_invoices=parse_flag,
            **_SHOWN,
        )  # fmt: skip
        require_customer(customer_id=customer_id, field="customer_id")
        sort, shown = query.pop("sort"), _shown(query)
        del query["include_historical_commit_invoices"]  # in this version no invoice is historical
        order = ("-period_start", "-id") if sort == "DATE_DESC" else ("period_start", "id")
        rows = filter_invoices(billed_rows(customer_id=customer_id), **query)
        found, cursor = paginate(rows, page_request(request), order=order)
        at = now()
        views = selectors.page_of_views(found, now=at)
        facts = facts_of_lines((line for view in views for line in view.lines), now=at)
        return listing([present_invoice(view, facts, **shown) for view in views], cursor)


class RetrieveInvoice(ApiView):
    """GET /v1/customers/{customer_id}/invoices/{invoice_id}"""

    resource = "invoices"

    @extend_schema(parameters=_LINES, responses=envelope(InvoiceOutput), tags=["Invoices"])
    def get(self, request: Request, customer_id: UUID, invoice_id: UUID) -> Response:
        """Read an invoice, a draft as it stands now."""
        shown = _shown(read_query(request, **_SHOWN))
        at = now()
        view = selectors.get_invoice(customer_id=customer_id, invoice_id=invoice_id, now=at)
        return data(present_invoice(view, facts_of_lines(view.lines, now=at), **shown))


class InvoicePdf(ApiView):
    """GET /v1/customers/{customer_id}/invoices/{invoice_id}/pdf"""

    resource, own_snapshot = "invoices", True

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY}, tags=["Invoices"])
    def get(self, _request: Request, customer_id: UUID, invoice_id: UUID) -> HttpResponse:
        """Read an invoice as a PDF, whatever its status."""
        name, pdf = documents.get_pdf(customer_id=customer_id, invoice_id=invoice_id, now=now())
        return HttpResponse(
            pdf, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )


class LineExplanation(ApiView):
    """GET /tactus/v1/customers/{customer_id}/invoices/{invoice_id}/lines/{line_id}/explanation"""

    resource = "invoices"

    @extend_schema(responses=envelope(ExplanationOutput), tags=["Tactus"])
    def get(self, _request: Request, customer_id: UUID, invoice_id: UUID, line_id: UUID) -> Response:
        """Read how a line item came about, so that it can be recomputed by hand."""
        line = selectors.get_line(customer_id=customer_id, invoice_id=invoice_id, line_id=line_id, now=now())
        return data(explanation_answer(line.explanation))


class ListBreakdowns(ApiView):
    """GET /v1/customers/{customer_id}/invoices/breakdowns"""

    resource = "invoices"

    @extend_schema(
        parameters=[
            *_FILTERS,
            OpenApiParameter("starting_on", datetime, required=True, description="Where the windows begin."),
            OpenApiParameter("ending_before", datetime, required=True, description="Where they end."),
            OpenApiParameter("window_size", enum=[*STEP], description="DAY unless given."),
        ],
        responses=page_of(BreakdownOutput),
        tags=["Invoices"],
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List what each day or hour adds to each invoice; a page holds at most 35 days, or 24 hours."""
        query = read_query(
            request, starting_on=parse_instant, ending_before=parse_instant, window_size=word_of(*STEP), status=_STATUS,
            sort=_SORT, credit_type_id=parse_id, **_SHOWN,
        )  # fmt: skip
        require_customer(customer_id=customer_id, field="customer_id")
        start, end = query["starting_on"], query["ending_before"]
        for name in ("starting_on", "ending_before"):
            if query[name] is None:
                raise InvalidInput("is needed", field=name)
        if start >= end:
            raise InvalidInput("must be after starting_on", field="ending_before")
        size, newest_first = query["window_size"] or "DAY", query["sort"] == "DATE_DESC"
        first, last, cursor = _page_of_time(request, start, end, PAGE[size], newest_first)
        parts = selectors.list_breakdowns(
            customer_id=customer_id, starting_on=first, ending_before=last, window_size=size, now=now(),
            status=query["status"], credit_type_id=query["credit_type_id"],
        )  # fmt: skip
        shown = _shown(query)
        ordered = reversed(parts) if newest_first else parts
        facts = facts_of_lines((line for part in parts for line in part.invoice.lines), now=now())
        return listing([present_breakdown(part, facts, **shown) for part in ordered], cursor)


class UnbilledUsage(ApiView):
    """GET /tactus/v1/customers/{customer_id}/unbilled-usage"""

    resource = "invoices"

    @extend_schema(responses=list_of(UnbilledUsageOutput), tags=["Tactus"])
    def get(self, _request: Request, customer_id: UUID) -> Response:
        """Show usage that arrived after its invoice was final, by invoice and line, newest period first."""
        return data(UnbilledUsageOutput.of_each(selectors.list_unbilled_usage(customer_id=customer_id, now=now())))


class _OfOneInvoice(ApiView):
    """What is done with an invoice that is named by its id alone."""

    resource = "invoices"

    def customer_of(self, request: Request) -> object:
        named = request.data.get("id") if isinstance(request.data, dict) else None
        return selectors.customer_of_invoice(named)


class VoidInvoice(_OfOneInvoice):
    """POST /v1/invoices/void"""

    @extend_schema(request=IdInput, responses=envelope(IdOutput), tags=["Invoices"])
    def post(self, request: Request) -> Response:
        """Make a finalized invoice void; its lines and its number stay."""
        body = self.read_body(request, IdInput)
        return data({"id": void.void_invoice(invoice_id=body["id"], reason=body.get("reason") or "", now=now()).pk})


class RegenerateInvoice(_OfOneInvoice):
    """POST /v1/invoices/regenerate"""

    @extend_schema(request=IdInput, responses=envelope(IdOutput), tags=["Invoices"])
    def post(self, request: Request) -> Response:
        """Bill the period of a void invoice again, at the rates and the usage of now."""
        body = self.read_body(request, IdInput)
        made = void.regenerate_invoice(invoice_id=body["id"], reason=body.get("reason") or "", now=now())
        return data({"id": made.pk})


def _page_of_time(
    request: Request, start: datetime, end: datetime, span: timedelta, newest_first: bool
) -> tuple[datetime, datetime, str | None]:
    """The stretch of `[start, end)` that this page covers, and the next page's cursor.

    The cursor is the instant where the next page begins or, backwards, ends.
    """
    after = page_request(request).after
    if after is not None and not (len(after) == 1 and isinstance(after[0], datetime) and start < after[0] < end):
        raise foreign("next_page")
    if newest_first:
        last = after[0] if after else end
        first = max(start, last - span)
        return first, last, encode([first]) if first > start else None
    first = after[0] if after else start
    last = min(end, first + span)
    return first, last, encode([last]) if last < end else None
