"""Celery entries of invoices: one service call each. A lost or doubled message is harmless."""

from time import monotonic
from uuid import UUID

from celery import shared_task

from balances.services.recurring import open_due_children
from billing.services import expiry, periods
from core.clock import now
from invoices.services import documents, finalize

# Well below the task's time limit; what is left then waits for the next beat.
SECONDS = 40


@shared_task(name="invoices.sweep_due")
def sweep_due() -> None:
    """Every few seconds: opens periods that have begun (recurring commits and credits first, which may pay in them),
    finalizes drafts that are due, expires what has ended, renders missing PDFs.
    """
    end = monotonic() + SECONDS
    for sweep in (
        open_due_children,
        periods.open_due_periods,
        finalize.finalize_due_invoices,
        expiry.expire_ended_segments,
        documents.render_due_documents,
    ):
        while monotonic() < end and sweep(now=now()):
            pass


@shared_task(name="invoices.render_document")
def render_document(*, invoice_id: str) -> None:
    """Right after finalization."""
    documents.render_document(invoice_id=UUID(invoice_id), now=now())
