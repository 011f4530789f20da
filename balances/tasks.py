"""Celery entries of balances: one service call each. A lost or doubled message is harmless."""

from celery import shared_task

from balances.services.adjustments import withdraw_forgotten
from balances.services.checks import check_ledgers
from core.clock import now


@shared_task(name="balances.check_ledgers")
def check_ledgers_now() -> None:
    """Every few minutes: adds up all ledgers, if the last time is an hour ago."""
    check_ledgers(now=now())


@shared_task(name="balances.withdraw_forgotten")
def withdraw_forgotten_now() -> None:
    """Every few minutes: adjustments that nobody decided in time."""
    withdraw_forgotten(now=now())
