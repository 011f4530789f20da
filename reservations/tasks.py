"""Celery entries of reservations: a lost or doubled message is harmless."""

from time import monotonic

from celery import shared_task

from core.clock import now
from reservations.services import reservations
from reservations.services.spendable import expire_due_reservations, forget_old_reservations, lapse_due_reservations

# Well below the task's time limit; what is left then waits for the next beat.
SECONDS = 40


@shared_task(name="reservations.sweep")
def sweep_reservations() -> None:
    """Every few seconds: settles what is committed and has come, lets go what is held or waits too long, forgets."""
    end = monotonic() + SECONDS
    reservations.settle_committed(now=now())
    for sweep in (expire_due_reservations, lapse_due_reservations, forget_old_reservations):
        while monotonic() < end and sweep(now=now()):
            pass
