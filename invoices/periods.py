"""Which billing periods of a contract are open: what needs a draft, and what is covered by an invoice that stands."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from contracts.models import Contract
from contracts.selectors import billing_schedule
from engine.calendar import Period, periods
from invoices.models import Invoice

FOREVER: Final = datetime.max.replace(tzinfo=UTC)


def billed_from(contract: Contract) -> datetime:
    """Where billing begins; what lies before was billed elsewhere."""
    return max(contract.starting_at, contract.invoice_generation_starting_at or contract.starting_at)


def covered_periods(standing: Iterable[Invoice]) -> list[Period]:
    """What needs no draft, in order of time: finalized, or void and not regenerated (then the new one speaks)."""
    rows = list(standing)
    regenerated = {row.regenerated_from_id for row in rows}
    return sorted(
        Period(row.period_start, row.period_end)
        for row in rows
        if row.status == Invoice.Status.FINALIZED or (row.status == Invoice.Status.VOID and row.pk not in regenerated)
    )


def periods_to_bill(contract: Contract, covered: Iterable[Period]) -> Iterator[Period]:
    """The contract's periods without an end, less what is covered: one prolonged after its invoice leaves a rest.

    `invoice_generation_starting_at` inside a period begins with a partial one: what lies before was billed elsewhere.
    """
    waiting = deque(covered)
    for period in periods(billing_schedule(contract), billed_from(contract), contract.ending_before, FOREVER):
        start = period.start
        while waiting and waiting[0].start < period.end:
            part = waiting[0]
            if part.start > start:
                yield Period(start, part.start)
            start = max(start, min(part.end, period.end))
            if part.end > period.end:  # goes on in the next period
                break
            waiting.popleft()
        if start < period.end:
            yield Period(start, period.end)
