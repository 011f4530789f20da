"""Celery entries of invoices besides its sweeps (`apps.py`). A lost or doubled message is harmless."""

from uuid import UUID

from celery import shared_task

from core.clock import now
from invoices.services import documents


@shared_task(name="invoices.render_document")
def render_document(*, invoice_id: str) -> None:
    """Right after finalization."""
    documents.render_document(invoice_id=UUID(invoice_id), now=now())
