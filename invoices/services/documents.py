"""The PDF of an invoice: rendered once after finalization, outside of any transaction; drafts when asked for."""

import hashlib
import logging
from datetime import datetime
from uuid import UUID

from django.db import OperationalError

from billing.types import InvoiceView
from core.patience import passes_over
from core.transactions import snapshot, use_case
from engine.invoice_states import InvoiceStatus
from invoices.models import Invoice, InvoiceDocument
from invoices.pdf import render_invoice
from invoices.selectors.document import with_document
from invoices.selectors.views import find_invoice, view_of

logger = logging.getLogger(__name__)
BATCH = 20
SEEN_AT_MOST = 1000


def get_pdf(*, invoice_id: UUID, now: datetime, customer_id: UUID | None = None) -> tuple[str, bytes]:
    """File name and PDF of an invoice of any status. Takes the snapshot that it is made from. Raises NotFound."""
    with snapshot():
        view = with_document(view_of(find_invoice(invoice_id=invoice_id, customer_id=customer_id), now=now))
        is_final = view.status == InvoiceStatus.FINALIZED
        stored = InvoiceDocument.objects.filter(pk=view.id).first() if is_final else None
    name = f"{view.number or f'draft-{view.period_start:%Y-%m-%d}'}.pdf"
    if is_final:
        return name, bytes((stored or _render(view)).pdf)
    return name, render_invoice(view)


def render_document(*, invoice_id: UUID, now: datetime) -> None:
    """Stores the PDF of a finalized invoice unless it is there. Doing it twice changes nothing."""
    with snapshot():
        due = Invoice.objects.filter(pk=invoice_id, status=InvoiceStatus.FINALIZED, document__isnull=True)
        view = with_document(view_of(find_invoice(invoice_id=invoice_id), now=now)) if due.exists() else None
    if view is not None:
        _render(view)


def render_due_documents(*, now: datetime) -> int:
    """Sweep: renders what finalized invoices lack; returns how many. One that cannot be rendered holds nobody up."""
    due = Invoice.objects.filter(status=InvoiceStatus.FINALIZED, document__isnull=True).order_by("finalized_at")
    done = 0
    for invoice_id in due.values_list("pk", flat=True)[:SEEN_AT_MOST]:
        try:
            render_document(invoice_id=invoice_id, now=now)
        except Exception as error:
            if isinstance(error, OperationalError):
                if passes_over(error):
                    continue
                raise
            logger.exception("the PDF of invoice %s could not be rendered", invoice_id)
        else:
            done += 1
        if done == BATCH:
            break
    return done


def _render(view: InvoiceView) -> InvoiceDocument:
    """Of two who render the same invoice the first to commit has stored it, and the other takes that."""
    pdf = render_invoice(view)
    made = InvoiceDocument(invoice_id=view.id, pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), rendered_at=view.as_of)
    with use_case():
        InvoiceDocument.objects.bulk_create([made], ignore_conflicts=True)
        return InvoiceDocument.objects.get(pk=view.id)
