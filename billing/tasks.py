"""Celery entries of billing: one service call each. A lost or doubled message is harmless."""

from celery import shared_task

from billing.services import draft_totals, retention
from core.clock import now


@shared_task(name="billing.drop_old_events")
def drop_old_events() -> None:
    """Every hour: events older than the installation keeps them."""
    retention.drop_old_events(now=now())


@shared_task(name="billing.refresh_draft_totals")
def refresh_draft_totals() -> None:
    """Every minute: computes drafts whose total in staff lists is older than ten minutes."""
    draft_totals.refresh_draft_totals(now=now())
