"""One contract for staff: its terms, and its billing periods with the invoice of each."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from billing_site.admin.rows import invoice_table
from contracts.admin import state_of
from contracts.models import Contract
from core.admin import timeline
from core.clock import now
from invoices.models import BillingCursor, Invoice
from invoices.selectors import page_of_views
from invoices.selectors.views import invoice_rows

MOST_PERIODS = 60


def context(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """What the page shows; the running draft is composed now."""
    at = now()
    may_see_invoices = request.user.has_perm("invoices.view_invoice")
    rows = (
        list(invoice_rows().filter(contract=contract).order_by("-period_start", "-id")[: MOST_PERIODS + 1])
        if may_see_invoices
        else []
    )
    running = [row for row in rows if row.status == Invoice.Status.DRAFT and row.period_start <= at < row.period_end]
    composed = page_of_views(running, now=at)
    cursor = BillingCursor.objects.filter(contract=contract).first()
    return {
        "state": state_of(contract, at),
        "as_of": at,
        "periods": invoice_table(rows[:MOST_PERIODS], composed),
        "may_see_invoices": may_see_invoices,
        "running": composed,
        "more": len(rows) > MOST_PERIODS,
        "next_period_at": cursor.next_period_at if cursor else None,
        "invoice_list": f"{reverse('admin:invoices_invoice_changelist')}?q={contract.pk}",
        "moments": timeline.of_subjects([("contract", contract.pk)]),
    }
