"""The reconciler: every hour each ledger is added up again; what differs is told, loudly, and shown to staff."""

import logging
from datetime import datetime, timedelta

from balances.adjustment_models import LedgerCheck
from balances.events import BalanceLedgerDiffers
from balances.models import Balance, Segment
from balances.selectors.integrity import Differing, list_differing
from core.events import publish
from core.postgres.locks import advisory_xact_lock
from core.transactions import use_case

logger = logging.getLogger(__name__)
# beat wakes it more often: its own clock begins anew whenever it is started
EVERY = timedelta(minutes=55)
MOST_KEPT = 100


def check_ledgers(*, now: datetime) -> int:
    """Sweep: compares each segment's sums with its entries, if the last time is an hour ago; returns how often it did.

    A segment that begins to differ is an event (`balance.ledger_differs`); each run with differences logs errors.
    """
    with use_case():
        advisory_xact_lock("balances", ["ledger check"])
        last = LedgerCheck.objects.first()
        if last is not None and last.checked_at <= now < last.checked_at + EVERY:
            return 0
        found = list(list_differing())
        LedgerCheck.objects.create(
            checked_at=now,
            segments=Segment.objects.count(),
            differing=[
                {"segment_id": str(row.segment_id), "balance_id": str(row.balance_id), "words": row.words}
                for row in found[:MOST_KEPT]
            ],
            differing_count=len(found),
        )
        known = {row["segment_id"] for row in last.differing} if last else set()
        _publish([row for row in found[:MOST_KEPT] if str(row.segment_id) not in known], now)
    for row in found:
        logger.error("ledger differs: segment %s of balance %s: %s", row.segment_id, row.balance_id, row.words)
    return 1


def _publish(found: list[Differing], now: datetime) -> None:
    balances = Balance.objects.in_bulk({row.balance_id for row in found})
    for row in found:
        publish(
            BalanceLedgerDiffers(
                balance_id=row.balance_id,
                customer_id=balances[row.balance_id].customer_id,
                occurred_at=now,
                segment_id=row.segment_id,
                difference=row.words,
            )
        )
