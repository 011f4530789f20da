"""Open billing periods as clients see them: draft invoices, computed from the terms and the usage of this moment."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from billing.compute import ComputedInvoice, compute_invoices
from billing.lines import currency_view
from billing.models import BillingPeriod
from billing.parties import current_buyer, current_seller
from billing.types import InvoiceView
from contracts.selectors.hierarchy import payer_of_child


def period_rows(*, customer_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Billing periods with what computing and showing them needs, in one query."""
    rows = BillingPeriod.objects.select_related(
        "customer", "contract__paying_customer", "contract__rate_card__fiat_credit_type", "credit_type"
    )
    return rows if customer_id is None else rows.filter(customer_id=customer_id)


def draft_views(periods: Iterable[BillingPeriod], *, now: datetime) -> list[InvoiceView]:
    """Periods as the drafts of their invoices, in their order; what an account's periods draw is worked out once.

    Raises InvalidTerms for agreements that no invoice can be made by.
    """
    rows = list(periods)
    computed = compute_invoices(rows, at=now)
    return [view_of_period(row, computed[row.pk]) for row in rows]


def view_of_period(period: BillingPeriod, computed: ComputedInvoice) -> InvoiceView:
    """A draft with what it was computed to."""
    return InvoiceView(
        id=period.pk,
        customer_id=period.customer_id,
        seller=current_seller(),
        buyer=current_buyer(period.contract.paying_customer or period.customer),
        payer=payer_of_child(period.contract),
        contract_id=period.contract_id,
        contract_name=str(period.contract),
        type=period.type,
        status="DRAFT",
        number=None,
        period_start=period.period_start,
        period_end=period.period_end,
        due_at=period.due_at,
        issued_at=None,
        voided_at=None,
        document_date=None,
        due_date=None,
        net_payment_terms_days=period.net_payment_terms_days,
        currency=currency_view(period.credit_type),
        lines=computed.lines,
        subtotal=computed.subtotal,
        rounding=computed.rounding,
        total=computed.total,
        unrated=computed.unrated,
        regenerated_from_id=period.reopened_from_id,
        created_at=period.created_at,
        as_of=computed.as_of,
        custom_fields=period.custom_fields,
        customer_custom_fields=period.customer.custom_fields,
        contract_custom_fields=period.contract.custom_fields,
        netsuite_sales_order_id=period.contract.netsuite_sales_order_id,
        salesforce_opportunity_id=period.contract.salesforce_opportunity_id,
    )
