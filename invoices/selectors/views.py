"""Invoices as plain rows: a draft is computed now, a document is what was stored."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from billing.compute import ComputedInvoice
from billing.lines import currency_view
from billing.models import BillingPeriod
from billing.selectors.drafts import draft_views, period_rows, view_of_period
from billing.selectors.what_if import Window, in_windows
from billing.types import DocumentAmounts, InvoiceView, LineView
from contracts.selectors.hierarchy import payer_of_child
from core.errors import NotFound
from engine.explanation_json import StoredExplanation
from engine.invoice_states import InvoiceStatus, PeriodState
from engine.money import ZERO
from invoices.models import Invoice, InvoiceLine, InvoiceListing
from invoices.parties import buyer_of, contract_name_of, seller_of

STORED = tuple(name for name in LineView.__dataclass_fields__ if name not in ("unit", "explained", "whole_total"))
"""What of a line view is a column of its own; the unit is a foreign key, the explanation JSON. What its own schedule
rounds a line to is its document amount from then on.
"""


def invoice_rows(*, customer_id: UUID | None = None) -> QuerySet[InvoiceListing]:
    """Drafts and documents as one list for staff, with the names that go with them, in one query."""
    rows = InvoiceListing.objects.select_related(
        "customer", "contract__paying_customer", "contract__rate_card__fiat_credit_type", "credit_type"
    )
    return rows if customer_id is None else rows.filter(customer_id=customer_id)


def billed_rows(*, customer_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Billing periods, each with its document if it has one: what clients list and page. One query."""
    return period_rows(customer_id=customer_id).select_related("invoice")


def document_rows() -> QuerySet[Invoice]:
    """Documents with what a view needs, in one query."""
    return Invoice.objects.select_related(
        "customer",
        "contract__paying_customer",
        "contract__rate_card__fiat_credit_type",
        "credit_type",
        "billing_period",
    )


def filter_invoices(
    rows: QuerySet[BillingPeriod],
    *,
    status: str | None = None,
    contract_id: UUID | None = None,
    starting_on: datetime | None = None,
    ending_before: datetime | None = None,
    credit_type_id: UUID | None = None,
    type: str | None = None,  # noqa: A002 - the API's word
) -> QuerySet[BillingPeriod]:
    """Metronome's list filters; `starting_on` and `ending_before` leave the periods that lie wholly between them."""
    asked = {
        "contract_id": contract_id,
        "period_start__gte": starting_on,
        "period_end__lte": ending_before,
        "credit_type_id": credit_type_id,
        "type": type,
    }
    rows = rows.filter(**{name: value for name, value in asked.items() if value is not None})
    if status is None:
        return rows
    return rows.filter(state=PeriodState.OPEN) if status == InvoiceStatus.DRAFT else rows.filter(invoice__status=status)


def list_invoices(*, customer_id: UUID, now: datetime, limit: int | None = None, **filters: Any) -> list[InvoiceView]:
    """A customer's invoices, newest period first. `filters` as in `filter_invoices`."""
    rows = filter_invoices(billed_rows(customer_id=customer_id), **filters).order_by("-period_start", "-id")
    return page_of_views(rows[:limit] if limit else rows, now=now)


def count_finalized(*, rate_card_id: UUID, windows: Sequence[Window]) -> int:
    """Finalized invoices of the card whose period meets any window: they stay as they are."""
    rows = Invoice.objects.filter(in_windows(windows), contract__rate_card_id=rate_card_id)
    return rows.filter(status=InvoiceStatus.FINALIZED).count()


def page_of_views(rows: Iterable[BillingPeriod | InvoiceListing], *, now: datetime) -> list[InvoiceView]:
    """Views of these rows: the lines of all documents in one query, the drafts of an account computed together.

    Rows of `invoice_rows` cost a query more; one that has gone since it was listed is left out.
    """
    listed = list(rows)
    known = {row.pk: row for row in listed if isinstance(row, BillingPeriod)}
    if len(known) < len(listed):
        known |= billed_rows().in_bulk([row.pk for row in listed if row.pk not in known])
    drafts = [row for row in known.values() if row.state == PeriodState.OPEN]
    documents = [_document(row) for row in known.values() if row.state == PeriodState.CLOSED]
    views = {view.id: view for view in (*draft_views(drafts, now=now), *document_views(documents, now=now))}
    return [views[row.pk] for row in listed if row.pk in views]


def find_invoice(*, invoice_id: UUID, customer_id: UUID | None = None) -> BillingPeriod:
    """A draft's or a document's billing period. Raises NotFound, alike for an unknown id and another customer's."""
    row = billed_rows(customer_id=customer_id).filter(pk=invoice_id).first()
    if row is None:
        raise NotFound(f"no invoice {invoice_id}")
    return row


def customer_of_invoice(invoice_id: object) -> UUID | None:
    """Whose draft or document has this id, as it was given; None where there is none, and for what is no id."""
    try:
        key = UUID(str(invoice_id))
    except ValueError:
        return None
    return BillingPeriod.objects.filter(pk=key).values_list("customer_id", flat=True).first()


def get_invoice(*, customer_id: UUID, invoice_id: UUID, now: datetime) -> InvoiceView:
    """One invoice of this customer as it stands. Raises NotFound."""
    return view_of(find_invoice(invoice_id=invoice_id, customer_id=customer_id), now=now)


def view_of(row: BillingPeriod | InvoiceListing, *, now: datetime) -> InvoiceView:
    """A row as a view. Raises NotFound for a draft that has gone since it was listed."""
    found = page_of_views([row], now=now)
    if not found:
        raise NotFound(f"no invoice {row.pk}")
    return found[0]


def document_views(documents: Iterable[Invoice], *, now: datetime) -> list[InvoiceView]:
    """Views of these documents as stored, in their order; their lines in one query."""
    rows = list(documents)
    lines: dict[UUID, list[InvoiceLine]] = {row.pk: [] for row in rows}
    stored = InvoiceLine.objects.select_related("credit_type").order_by("position")
    for line in stored.filter(invoice_id__in=list(lines)) if lines else ():
        lines[line.invoice_id].append(line)
    return [document_view(row, lines[row.pk], now=now) for row in rows]


def document_view(row: Invoice, lines: Sequence[InvoiceLine], *, now: datetime) -> InvoiceView:
    """A finalized or void invoice as stored."""
    return _view(
        row,
        now=now,
        lines=stored_lines(lines),
        document=DocumentAmounts(row.document_subtotal, row.document_tax, row.document_total),
        subtotal=row.subtotal,
        rounding=row.rounding,
        total=row.total,
        unrated=tuple(row.unrated),
    )


def view_without_lines(period: BillingPeriod, *, now: datetime) -> InvoiceView:
    """A draft, or the document of a closed period, for whoever fills in lines and sums of their own.

    The period is one of `billed_rows`.
    """
    nothing = ComputedInvoice(now, (), ZERO, ZERO, ZERO, ())
    if period.state == PeriodState.OPEN:
        return view_of_period(period, nothing)
    return _view(_document(period), now=now, lines=(), subtotal=ZERO, rounding=ZERO, total=ZERO, unrated=())


def _document(period: BillingPeriod) -> Invoice:
    """The document of a closed period of `billed_rows`, with what the period knows."""
    invoice: Invoice = period.invoice
    invoice.customer, invoice.contract, invoice.credit_type = period.customer, period.contract, period.credit_type
    invoice.billing_period = period
    return invoice


def _view(row: Invoice, *, now: datetime, **amounts: Any) -> InvoiceView:
    return InvoiceView(
        id=row.pk,
        customer_id=row.customer_id,
        seller=seller_of(row),
        buyer=buyer_of(row),
        contract_id=row.contract_id,
        contract_name=contract_name_of(row),
        type=row.type,
        status=row.status,
        number=row.number,
        period_start=row.period_start,
        period_end=row.period_end,
        due_at=row.due_at,
        issued_at=row.issued_at,
        voided_at=row.voided_at,
        document_date=row.document_date,
        due_date=row.due_date,
        net_payment_terms_days=row.net_payment_terms_days,
        currency=currency_view(row.credit_type),
        regenerated_from_id=row.regenerated_from_id,
        created_at=row.created_at,
        as_of=now,
        custom_fields=row.billing_period.custom_fields,
        customer_custom_fields=row.customer.custom_fields,
        contract_custom_fields=row.contract.custom_fields,
        payer=payer_of_child(row.contract),
        netsuite_sales_order_id=row.contract.netsuite_sales_order_id,
        salesforce_opportunity_id=row.contract.salesforce_opportunity_id,
        **amounts,
    )


def stored_lines(lines: Iterable[InvoiceLine]) -> tuple[LineView, ...]:
    """Stored lines as views; their credit type is read with them."""
    return tuple(
        LineView(
            **{name: getattr(line, name) for name in STORED},
            explained=StoredExplanation(line.explanation),
            unit=None if line.credit_type is None else currency_view(line.credit_type),
        )
        for line in lines
    )
