"""Celery entries of invoices: one service call each. A lost or doubled message is harmless."""

from time import monotonic
from uuid import UUID

from celery import shared_task

from balances.services.recurring import open_due_children
from balances.services.spendable import expire_due_reservations, forget_old_reservations, lapse_due_reservations
from core.clock import now
from invoices.services import documents, draft_totals, drafts, expiry, finalize, reservations, retention

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
        drafts.open_due_periods,
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


@shared_task(name="invoices.drop_old_events")
def drop_old_events() -> None:
    """Every hour: events older than the installation keeps them."""
    retention.drop_old_events(now=now())


@shared_task(name="invoices.refresh_draft_totals")
def refresh_draft_totals() -> None:
    """Every minute: composes drafts whose total in staff lists is older than ten minutes."""
    draft_totals.refresh_draft_totals(now=now())


@shared_task(name="invoices.sweep_reservations")
def sweep_reservations() -> None:
    """Every few seconds: settles what is committed and has come, lets go what is held or waits too long, forgets."""
    end = monotonic() + SECONDS
    reservations.settle_committed(now=now())
    for sweep in (expire_due_reservations, lapse_due_reservations, forget_old_reservations):
        while monotonic() < end and sweep(now=now()):
            pass
