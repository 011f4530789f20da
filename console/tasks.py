"""Celery entries of the console."""

from celery import shared_task

from console import services
from core.clock import now


@shared_task(name="console.forget_ended_sessions")
def forget_ended_sessions() -> None:
    """Hourly: drops embed sessions that ended more than a day ago."""
    while services.forget_ended_sessions(now=now()):
        pass
