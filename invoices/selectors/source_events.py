"""What stands behind a line: its explanation, and the very events that were counted."""

from datetime import datetime
from uuid import UUID

from billing.models import BillingPeriod
from billing.terms import Terms, load_terms
from billing.types import LineView
from core.errors import NotFound
from engine.calendar import Period
from invoices.selectors.views import find_invoice, view_of
from usage.selectors import UsageQuery, list_line_events
from usage.store.base import EventPage, Position


def get_line(*, customer_id: UUID, invoice_id: UUID, line_id: UUID, now: datetime) -> LineView:
    """One line of an invoice of this customer. Raises NotFound."""
    return _line_of(find_invoice(invoice_id=invoice_id, customer_id=customer_id), line_id, now)


def line_events(
    *, customer_id: UUID, invoice_id: UUID, line_id: UUID, now: datetime, after: Position | None = None, limit: int = 50
) -> EventPage:
    """A page of the events that the line's quantity was measured from, in order of time.

    Lines that are tiers of one quantity share their events. Raises NotFound.
    """
    row = find_invoice(invoice_id=invoice_id, customer_id=customer_id)
    line = _line_of(row, line_id, now)
    terms = load_terms(row.contract, Period(row.period_start, row.period_end), row.credit_type)
    for entry in terms.catalog:
        if UUID(entry.terms.product_id) != line.product_id or not (line.starting_at and line.ending_before):
            continue
        if entry.terms.window is None or line.starting_at in entry.terms.window:
            groups: dict[str, str | None] = {**line.pricing_group_values, **line.presentation_group_values}
            query = UsageQuery(
                metric_id=UUID(entry.terms.metric_id),
                spec=entry.spec,
                windows=(Period(line.starting_at, line.ending_before),),
                group_keys=entry.terms.group_keys,
                group_filters=_passing(terms, line.starting_at)
                | {key: (groups.get(key),) for key in entry.terms.group_keys},
            )
            return list_line_events(customer_id=customer_id, query=query, limit=limit, after=after)
    raise NotFound("no usage stands behind this line")


def _passing(terms: Terms, at: datetime) -> dict[str, tuple[str | None, ...]]:
    """What the contract's usage filter lets through then."""
    return next((dict(one.passing) for one in terms.filters if at in one.window), {})


def _line_of(row: BillingPeriod, line_id: UUID, now: datetime) -> LineView:
    for line in view_of(row, now=now).lines:
        if line.id == line_id:
            return line
    raise NotFound(f"no line {line_id}")
