"""Which billing periods of a contract are still to be billed: what must be open, and what is covered already."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q

from billing.models import BillingPeriod
from contracts.models import Contract
from contracts.selectors import billing_schedule
from contracts.selectors.trials import usage_billed_from
from engine.calendar import Period, periods

FOREVER: Final = datetime.max.replace(tzinfo=UTC)


def billed_from(contract: Contract) -> datetime:
    """Where billing of usage begins; what lies before was billed elsewhere, or tried for free. `FOREVER`: not yet."""
    begins = usage_billed_from(contract)
    return FOREVER if begins is None else max(begins, contract.invoice_generation_starting_at or begins)


def usage_periods(contract: Contract, since: datetime | None = None) -> list[BillingPeriod]:
    """The contract's USAGE periods in any state; with `since` those that end after it, and their reopenings."""
    rows = BillingPeriod.objects.filter(contract_id=contract.pk, type=BillingPeriod.Type.USAGE)
    if since is not None:
        rows = rows.filter(Q(period_end__gt=since) | Q(reopened_from__period_end__gt=since))
    return list(rows)


def covered_periods(rows: Iterable[BillingPeriod]) -> list[Period]:
    """What needs no open period, in order of time: closed ones, but those billed anew (then the new one speaks)."""
    known = list(rows)
    reopened = {row.reopened_from_id for row in known}
    return sorted(
        Period(row.period_start, row.period_end)
        for row in known
        if row.state == BillingPeriod.State.CLOSED and row.pk not in reopened
    )


def periods_to_bill(contract: Contract, covered: Iterable[Period], since: datetime | None = None) -> Iterator[Period]:
    """The contract's periods without an end, less what is covered: one prolonged after it was billed leaves a rest.

    `invoice_generation_starting_at` inside a period begins with a partial one: what lies before was billed elsewhere.
    `since`: only calendar periods that end after it; `covered` then need not know of earlier ones.
    """
    waiting, first = deque(covered), billed_from(contract)
    if first == FOREVER or (contract.ending_before is not None and contract.ending_before <= first):
        return
    for period in periods(billing_schedule(contract), first, contract.ending_before, FOREVER, since):
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
