"""Celery entries of invoices besides its sweeps (`apps.py`). A lost or doubled message is harmless."""

from uuid import UUID

from celery import shared_task
from django.db import OperationalError

from core.clock import now
from core.patience import bounded_waits, passes_over
from invoices.services import documents


@shared_task(name="invoices.render_document")
def render_document(*, invoice_id: str) -> None:
    """Right after finalization. An invoice that somebody else holds is left to the sweep: no job waits for long."""
    with bounded_waits():
        try:
            documents.render_document(invoice_id=UUID(invoice_id), now=now())
        except OperationalError as error:
            if not passes_over(error):
                raise
