"""The PDF of an invoice: rendered once after finalization, outside of any transaction; drafts when asked for."""

import hashlib
import logging
from datetime import datetime
from uuid import UUID

from django.db import OperationalError

from billing.types import InvoiceView
from core.transactions import use_case
from engine.invoice_states import InvoiceStatus
from invoices.models import Invoice, InvoiceDocument
from invoices.pdf import render_invoice
from invoices.selectors.document import with_document
from invoices.selectors.views import find_invoice, view_of

logger = logging.getLogger(__name__)
BATCH = 20
SEEN_AT_MOST = 1000


def get_pdf(*, invoice_id: UUID, now: datetime, customer_id: UUID | None = None) -> tuple[str, bytes]:
    """File name and PDF of an invoice of any status. Raises NotFound."""
    view = view_of(find_invoice(invoice_id=invoice_id, customer_id=customer_id), now=now)
    name = f"{view.number or f'draft-{view.period_start:%Y-%m-%d}'}.pdf"
    if view.status == InvoiceStatus.FINALIZED:
        stored = InvoiceDocument.objects.filter(pk=view.id).first() or _render(view)
        return name, bytes(stored.pdf)
    return name, render_invoice(with_document(view))


def render_document(*, invoice_id: UUID, now: datetime) -> None:
    """Stores the PDF of a finalized invoice unless it is there. Doing it twice changes nothing."""
    due = Invoice.objects.filter(pk=invoice_id, status=InvoiceStatus.FINALIZED, document__isnull=True)
    if due.exists():
        _render(view_of(find_invoice(invoice_id=invoice_id), now=now))


def render_due_documents(*, now: datetime) -> int:
    """Sweep: renders what finalized invoices lack; returns how many. One that cannot be rendered holds nobody up."""
    due = Invoice.objects.filter(status=InvoiceStatus.FINALIZED, document__isnull=True).order_by("finalized_at")
    done = 0
    for invoice_id in due.values_list("pk", flat=True)[:SEEN_AT_MOST]:
        try:
            render_document(invoice_id=invoice_id, now=now)
        except OperationalError:
            raise
        except Exception:
            logger.exception("the PDF of invoice %s could not be rendered", invoice_id)
        else:
            done += 1
        if done == BATCH:
            break
    return done


def _render(view: InvoiceView) -> InvoiceDocument:
    pdf = render_invoice(with_document(view))
    with use_case():
        stored, _ = InvoiceDocument.objects.get_or_create(
            invoice_id=view.id,
            defaults={"pdf": pdf, "sha256": hashlib.sha256(pdf).hexdigest(), "rendered_at": view.as_of},
        )
    return stored
