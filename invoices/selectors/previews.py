"""Invoices as they would be with events that have not happened. The draft's own engine call; nothing is stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings

from contracts.models import Contract
from contracts.selectors import billing_schedule, list_contracts
from engine.calendar import period_at
from engine.usage import Event, UsageRow
from invoices import models
from invoices.composition import billing_unit
from invoices.running import Running
from invoices.selectors.views import composed_view, invoice_rows
from invoices.types import InvoiceView
from usage.selectors import UsageQuery, not_stored, usage_of, usage_with


def preview_invoices(*, customer_id: UUID, events: Sequence[Event], merge: bool, now: datetime) -> list[InvoiceView]:
    """The current period's invoice of each contract in force, with `events` alone or, merged, beside all usage.

    Events that are stored already do not count twice; those outside of the period do not count.
    """
    fresh = not_stored(events)

    def source(customer: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        if merge:
            return usage_with(customer_id=customer, events=fresh, queries=queries)
        return usage_of(fresh, queries)

    drafts = {
        row.contract_id: row
        for row in invoice_rows(customer_id=customer_id).filter(
            kind=models.Invoice.Kind.USAGE,
            status=models.Invoice.Status.DRAFT,
            period_start__lte=now,
            period_end__gt=now,
        )
    }
    contracts = list_contracts(customer_id=customer_id, covering_date=now).select_related(
        "customer", "rate_card__fiat_credit_type"
    )
    found = []
    running = Running(customer_id, source)
    for contract in contracts.order_by("starting_at", "id"):
        row = drafts.get(contract.pk) or _draft(contract, now)
        found.append(composed_view(row, running.compose(row), now=now))
    return found


def _draft(contract: Contract, now: datetime) -> models.Invoice:
    """The draft that the sweeper is about to open; never saved."""
    period = period_at(billing_schedule(contract), contract.starting_at, contract.ending_before, now)
    return models.Invoice(
        id=uuid5(contract.pk, period.start.isoformat()),
        customer=contract.customer,
        contract=contract,
        credit_type=billing_unit(contract),
        period_start=period.start,
        period_end=period.end,
        due_at=period.end + timedelta(hours=settings.TACTUS_GRACE_HOURS),
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
