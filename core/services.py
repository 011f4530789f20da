"""Housekeeping of the kernel."""

from datetime import datetime

from core import idempotency


def forget_old_requests(*, now: datetime) -> int:
    """Drops stored answers of idempotency keys past their keeping time; returns how many."""
    return idempotency.forget_old(now=now)
