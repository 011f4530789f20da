"""Celery entries of the kernel."""

from celery import shared_task

from core import services
from core.clock import now


@shared_task(name="core.forget_old_requests")
def forget_old_requests() -> int:
    """Daily: drops stored answers past their keeping time."""
    return services.forget_old_requests(now=now())
