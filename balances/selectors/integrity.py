"""Whether segments still say what their ledgers say."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

# Sums by kind of entry, as the trigger keeps them (balances/sql), and what must hold between invoices and deductions.
_DIFFERING = """
SELECT segment.id, segment.owner_id, segment.balance, coalesce(ledger.balance, 0)
FROM balances_segment segment
LEFT JOIN (
    SELECT segment_id,
           sum(amount) AS balance,
           sum(amount) FILTER (WHERE kind IN ('SEGMENT_START', 'INITIAL_BALANCE', 'SEAT_BASED_ADJUSTMENT')) AS granted,
           sum(amount) FILTER (WHERE kind = 'MANUAL') AS manual,
           -sum(amount) FILTER (WHERE kind IN ('AUTOMATED_INVOICE_DEDUCTION', 'CANCELED', 'CREDITED')) AS used,
           -sum(amount) FILTER (WHERE kind = 'EXPIRATION') AS expired,
           -sum(amount) FILTER (WHERE kind = 'ROLLOVER') AS rolled_over,
           -sum(amount) FILTER (WHERE kind = 'TRUEUP') AS trued_up
    FROM balances_ledgerentry GROUP BY segment_id
) ledger ON ledger.segment_id = segment.id
WHERE (segment.balance, segment.granted, segment.manual, segment.used, segment.expired, segment.rolled_over,
       segment.trued_up)
   IS DISTINCT FROM (coalesce(ledger.balance, 0), coalesce(ledger.granted, 0), coalesce(ledger.manual, 0),
       coalesce(ledger.used, 0), coalesce(ledger.expired, 0), coalesce(ledger.rolled_over, 0),
       coalesce(ledger.trued_up, 0))
ORDER BY segment.id
"""


@dataclass(frozen=True, slots=True)
class Differing:
    """A segment whose sums are not its ledger's."""

    segment_id: UUID
    balance_id: UUID
    kept: Decimal
    added_up: Decimal

    @property
    def words(self) -> str:
        """What is wrong."""
        return f"it says {self.kept}, its entries come to {self.added_up}"


def list_differing() -> Iterator[Differing]:
    """The segments whose kept sums are not what their entries add up to. Reads every ledger, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING)
        yield from (Differing(*row) for row in cursor.fetchall())
