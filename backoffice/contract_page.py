"""One contract for staff: its terms, and its billing periods with the invoice of each."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from backoffice import contract_deal, contract_history, contract_schedule
from backoffice.invoice_rows import invoice_table
from backoffice.making.plans import plan_links
from backoffice.renewal_words import decided_line, ending_of
from billing.models import BillingCursor
from catalog.selectors import state_at
from contracts.admin import FREQUENCIES, state_of
from contracts.models import Contract, Subscription
from contracts.selectors import subscriptions_of
from contracts.selectors.subscriptions import end_of, history_of
from contracts.selectors.term_ends import decisions_about
from core.admin import timeline
from core.approvals import requests_about
from core.clock import now
from engine.invoice_states import InvoiceStatus
from engine.money import ZERO, plain
from engine.quantities import standing_at
from invoices.selectors import page_of_views
from invoices.selectors.views import invoice_rows

MOST_PERIODS = 60
MOST_AMENDMENTS = 100


def context(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """What the page shows; the running draft is composed now."""
    at = now()
    may_see_invoices = request.user.has_perm("invoices.view_invoice")
    rows = (
        list(invoice_rows().filter(contract=contract).order_by("-period_start", "-id")[: MOST_PERIODS + 1])
        if may_see_invoices
        else []
    )
    running = [row for row in rows if row.status == InvoiceStatus.DRAFT and row.period_start <= at < row.period_end]
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
        "invoice_list": f"{reverse('admin:invoices_invoicelisting_changelist')}?q={contract.pk}",
        "subscriptions": [_subscription(row, at) for row in subscriptions_of([contract.pk]).get(contract.pk, [])],
        **contract_deal.context(request, contract, at),
        **contract_schedule.context(contract, at),
        "plan_links": plan_links(request, contract, at),
        "ending": ending_of(contract, at),
        "decisions": [decided_line(row, contract) for row in decisions_about(contract)],
        "amendments": contract_history.amendments(contract)[:MOST_AMENDMENTS],
        "deal_file": reverse("admin:contracts_contract_deal", args=[contract.pk]),
        "timeline_entries": timeline.of_subjects([("contract", contract.pk), *requests_about(contract)]),
    }


def _subscription(row: Subscription, at: datetime) -> dict[str, Any]:
    """A subscription as the page shows it: what it has now, and what is scheduled next."""
    held = history_of(row)
    standing = standing_at(held, at)
    coming = next((one for one in held if one.starting_at > at), None)
    return {
        "name": row.name or state_at(list(row.product.versions.all()), at).name,
        "billed": f"{FREQUENCIES[row.billing_frequency]}, in {row.collection_schedule.lower()}",
        "quantity": plain(ZERO if standing is None else standing.total),
        "assigned": len(standing.assigned) if standing is not None and row.seat_group_key else None,
        "coming": None if coming is None else plain(coming.total),
        "coming_at": None if coming is None else coming.starting_at,
        "starting_at": row.starting_at,
        "ending_before": end_of(row),
    }
