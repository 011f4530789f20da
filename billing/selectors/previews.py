"""Invoices as they would be with events that have not happened. The draft's own computation; nothing is stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings

from billing.compute import compute_invoices
from billing.models import BillingPeriod
from billing.periods import billed_from
from billing.selectors.drafts import period_rows, view_of_period
from billing.terms import billing_unit
from billing.types import InvoiceView
from contracts.models import Contract
from contracts.selectors import billing_schedule, list_contracts, payer_of
from engine.calendar import period_at
from engine.usage import Event, UsageRow
from usage.selectors import UsageQuery, not_stored, usage_of, usage_with


def preview_invoices(*, customer_id: UUID, events: Sequence[Event], merge: bool, now: datetime) -> list[InvoiceView]:
    """The current period's invoice of each contract that is billed now, by `events` alone or, merged, beside all usage.

    Events that are stored already do not count twice; those outside of the period do not count.
    """
    fresh = not_stored(events)

    def source(customer: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        if merge:
            return usage_with(customer_id=customer, events=fresh, queries=queries)
        return usage_of(fresh, queries)

    opened = {
        row.contract_id: row
        for row in period_rows(customer_id=customer_id).filter(
            type=BillingPeriod.Type.USAGE,
            state=BillingPeriod.State.OPEN,
            period_start__lte=now,
            period_end__gt=now,
        )
    }
    contracts = list_contracts(customer_id=customer_id, covering_date=now).select_related(
        "customer", "rate_card__fiat_credit_type"
    )
    periods = [
        opened.get(contract.pk) or _about_to_open(contract, now)
        for contract in contracts.order_by("starting_at", "id")
        if contract.pk in opened or billed_from(contract) <= now
    ]
    computed = compute_invoices(periods, at=now, usage=source)
    return [view_of_period(period, computed[period.pk]) for period in periods]


def _about_to_open(contract: Contract, now: datetime) -> BillingPeriod:
    """The period that the sweeper is about to open; never saved."""
    period = period_at(billing_schedule(contract), billed_from(contract), contract.ending_before, now)
    return BillingPeriod(
        id=uuid5(contract.pk, period.start.isoformat()),
        customer=contract.customer,
        payer_id=payer_of(contract, period.start),
        contract=contract,
        credit_type=billing_unit(contract),
        period_start=period.start,
        period_end=period.end,
        due_at=period.end + timedelta(hours=settings.TACTUS_GRACE_HOURS),
        net_payment_terms_days=contract.net_payment_terms_days,
        created_at=now,
    )
