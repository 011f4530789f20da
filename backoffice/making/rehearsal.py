"""What a write would do to a contract's drafts: it is carried out in full, looked at, and undone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.models import BillingPeriod
from billing.selectors.drafts import draft_views, period_rows
from billing.types import InvoiceView
from core.transactions import rehearsed
from engine.invoice_states import PeriodState
from presentation import formatting


def effect(act: Callable[[], Any], *, customer_id: UUID, at: datetime) -> list[str]:
    """What would become of the customer's drafts by `act`, which runs one use case; nothing of it stays.

    The same checks, the same computing: what is refused then is refused now. Raises as `act` does.
    """
    said: list[str] = []

    @contextmanager
    def watching() -> Iterator[None]:
        before = _drafts_of(customer_id, at)
        yield
        said.extend(_told(before, _drafts_of(customer_id, at)))

    with rehearsed(watching):
        act()
    return said


def _drafts_of(customer_id: UUID, at: datetime) -> list[InvoiceView]:
    """The customer's drafts now, those that begin first first."""
    rows: list[BillingPeriod] = list(period_rows(customer_id=customer_id).filter(state=PeriodState.OPEN))
    return draft_views(sorted(rows, key=lambda row: (row.period_start, str(row.pk))), now=at)


def _told(before: list[InvoiceView], after: list[InvoiceView]) -> list[str]:
    """What becomes of the drafts, a line for each that changes."""
    old: dict[UUID, Decimal] = {view.id: view.total for view in before}
    said = []
    for view in after:
        # what is new has another id each time it is rehearsed, which nobody sees
        when = formatting.period(view.period_start, view.period_end)
        total = formatting.money_text(view.total, view.currency)
        if view.id not in old:
            said.append(f"New draft {when}: {total} so far, due to be final {formatting.instant(view.due_at)} UTC.")
        elif old[view.id] != view.total:
            was = formatting.money_text(old[view.id], view.currency)
            said.append(f"Draft {when}: {total} instead of {was}.")
    gone = len(old.keys() - {view.id for view in after})
    if gone:
        said.append(f"{gone:,} draft{'' if gone == 1 else 's'} would be cancelled.")
    return said or ["No draft changes now."]
