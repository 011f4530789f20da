"""Celery entries of usage: one service call each. A lost or doubled message is harmless."""

from celery import shared_task

from core.clock import now
from usage import services


@shared_task(name="usage.roll")
def roll() -> None:
    """Every second: adds up what came in."""
    services.roll_usage(now=now(), patience=services.ROLL_PATIENCE)


@shared_task(name="usage.prepare_storage")
def prepare_storage() -> None:
    """Every hour: room for the coming weeks."""
    services.prepare_storage(now=now())
