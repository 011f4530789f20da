"""Everything about one customer: what runs now, contracts, invoices, usage, what happened.

Each tab reads only what it shows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from backoffice.balance_page import BalanceRow, Spendable, adjust_url, rows_of, spendable
from backoffice.invoice_rows import InvoiceRow, invoice_table
from balances.admin.adjustment_decisions import maker, signed, target
from balances.admin.adjustments import TONES, decision
from balances.selectors.adjustments import adjustment_rows
from billing.lines import currency_view
from billing.types import InvoiceView
from catalog.models import CreditType
from console.options import STAFF_VIEW
from console.services import create_embed_session
from contracts.admin import FREQUENCIES, state_of
from contracts.models import Contract
from core.admin import timeline
from core.approvals import requests_about
from core.clock import now
from customers.models import Customer
from customers.parties import party_of
from customers.providers import NOT_DELIVERED, list_configurations
from engine.invoice_states import InvoiceStatus
from engine.money import ZERO, add
from invoices.models import InvoiceListing
from invoices.selectors import page_of_views, spend_by_window
from invoices.selectors.views import invoice_rows
from presentation import formatting, markup
from presentation.charts.stacked_bars import Point, StackedBars, stacked_bars
from usage.admin import shown_events
from usage.selectors import list_recent_events

TABS = (
    ("summary", "Summary", ""),
    ("contracts", "Contracts", "contracts.view_contract"),
    ("invoices", "Invoices", "invoices.view_invoice"),
    ("balances", "Balances", "balances.view_balance"),
    ("usage", "Usage", "usage.view_usageevent"),
    ("timeline", "Timeline", "core.view_outboxevent"),
    ("audit", "Audit", "core.view_auditentry"),
)
MOST_RUNNING = 12
MOST_TILES = 3
MOST_ROWS = 50
CHART_DAYS = 30
NEWEST_EVENTS = 25


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract with its state in a word and what its running draft comes to (None where none runs)."""

    contract: Contract
    state: str
    tone: str
    billed: str
    draft: InvoiceView | None


def context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """What the page shows: figures above, one tab below."""
    at = now()
    tabs = [(key, title) for key, title, permission in TABS if not permission or request.user.has_perm(permission)]
    chosen = request.GET.get("tab", "")
    tab = chosen if chosen in {key for key, _ in tabs} else "summary"
    contracts = list(
        customer.contracts.select_related("rate_card", "customer").order_by("-starting_at", "-id")[:MOST_ROWS]
    )
    drafts = running_drafts(customer.pk, at)
    balances = rows_of(customer.pk, at) if request.user.has_perm("balances.view_balance") else []
    return {
        "tab": tab,
        "tabs": [{"key": key, "title": title, "active": key == tab} for key, title in tabs],
        "as_of": at,
        "aliases": [row.alias for row in customer.aliases.all()],
        "figures": figures(customer, contracts, drafts, at, balance_figures(spendable(balances, at))),
        "adjust_url": adjust_url(request, customer.pk, customer.archived_at is None),
        "balances": balances,
        "made_here": making_links(request, customer),
        "state": ("Archived", "") if customer.archived_at else ("Active", "ok"),
        "console_url": reverse("admin:customers_customer_console", args=[customer.pk])
        if _may_open(request, customer)
        else "",
        **(balances_tab(customer, balances, at) if tab == "balances" else {}),
        **_tab(tab, customer, contracts, drafts, at),
    }


def running_drafts(customer_id: UUID, at: datetime) -> list[InvoiceView]:
    """The drafts whose period holds `at`, composed now."""
    rows = invoice_rows(customer_id=customer_id).filter(
        status=InvoiceStatus.DRAFT, period_start__lte=at, period_end__gt=at
    )
    return page_of_views(rows.order_by("-period_start", "id")[:MOST_RUNNING], now=at)


def figures(
    customer: Customer,
    contracts: list[Contract],
    drafts: list[InvoiceView],
    at: datetime,
    balances: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """The figures at the top: what runs up, what can be spent (`balances`), last invoice, contracts, last event."""
    shown = [
        {
            "label": "So far this period",
            "money": markup.money(total, drafts_of[0].currency),
            "note": _covers(drafts_of),
        }
        for total, drafts_of in _by_currency(drafts)
    ] or [{"label": "So far this period", "money": formatting.DASH, "note": "no billing period is running"}]
    last = (
        customer.invoice_listings.filter(status=InvoiceStatus.FINALIZED)
        .select_related("credit_type")
        .order_by("-finalized_at", "-id")
        .first()
    )
    active = sum(state_of(contract, at)[0] == "Active" for contract in contracts)
    newest = list_recent_events(customer_id=customer.pk, limit=1)
    return [
        *shown,
        *balances,
        {
            "label": "Last invoice",
            "money": markup.money(last.total, last.credit_type) if last else formatting.DASH,
            "note": f"{last.number}, {formatting.period(last.period_start, last.period_end)}"
            if last
            else "nothing is final yet",
            "url": reverse("admin:invoices_invoicelisting_change", args=[last.pk]) if last else "",
        },
        {"label": "Active contracts", "money": f"{active:,}", "note": f"of {len(contracts):,} in all"},
        {
            "label": "Last event",
            "money": formatting.ago(newest[0].timestamp, at) if newest else formatting.DASH,
            "note": f"{newest[0].event_type}" if newest else "no usage has arrived",
        },
    ]


def balance_figures(found: list[Spendable]) -> list[dict[str, Any]]:
    """What the customer can spend now, by unit."""
    return [
        {
            "label": f"Can spend now, {each.unit}",
            "money": each.figure,
            "note": f"{formatting.day(each.next_end)}: the next expiry" if each.next_end else "drafts counted",
            "url": "?tab=balances",
        }
        for each in found[:MOST_TILES]
    ]


def balances_tab(customer: Customer, balances: list[BalanceRow], at: datetime) -> dict[str, Any]:
    """Open balances with what is left of each, and what was adjusted by hand."""
    return {
        "spendable": spendable(balances, at),
        "adjustments": [
            {"row": row, "amount": signed(row), "target": target(row), "who": maker(row), "decision": decision(row),
             "badge": markup.badge(row.get_status_display(), TONES[row.status])}
            for row in adjustment_rows().filter(customer=customer).order_by("-made_at", "-id")[:10]
        ],
        "balance_list": f"{reverse('admin:balances_balance_changelist')}?q={customer.pk}",
        "adjustment_list": f"{reverse('admin:balances_adjustment_changelist')}?q={customer.pk}",
    }  # fmt: skip


def open_console(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Opens the customer's console as they see it: read-only, single use, for fifteen minutes, in the audit trail."""
    if not request.user.has_perm("customers.view_as_customer"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    customer = get_object_or_404(Customer, pk=object_id)
    page = reverse("admin:customers_customer_change", args=[object_id])
    _, code = create_embed_session(
        customer_id=object_id,
        now=now(),
        end_user={"name": f"{request.user.get_username()} (staff)"},
        options={STAFF_VIEW: {"customer": customer.name, "back": page}},
    )
    return HttpResponseRedirect(f"{reverse('console:embed')}#code={code}")


def _tab(
    tab: str, customer: Customer, contracts: list[Contract], drafts: list[InvoiceView], at: datetime
) -> dict[str, Any]:
    if tab in ("summary", "contracts"):
        found: dict[str, Any] = {"contracts": _contract_rows(contracts, drafts, at)}
        if tab == "summary":
            found["invoices"] = _invoices(customer, drafts, 8)
            found["timeline_entries"] = timeline.of_customer(customer.pk, limit=8)
            found |= on_paper(customer)
        return found
    if tab == "invoices":
        return {
            "invoices": _invoices(customer, drafts, MOST_ROWS),
            "invoice_list": f"{reverse('admin:invoices_invoicelisting_changelist')}?q={customer.pk}",
        }
    if tab == "usage":
        return {
            "charts": spend_charts(customer.pk, at),
            "events": shown_events(list_recent_events(customer_id=customer.pk, limit=NEWEST_EVENTS)),
        }
    if tab == "balances":
        return {}
    if tab == "timeline":
        return {"timeline_entries": timeline.of_customer(customer.pk, limit=200)}
    mine: list[timeline.Subject] = [("customer", customer.pk), *requests_about(customer)]
    mine += [("contract", contract.pk) for contract in contracts]
    mine += [("balance", key) for key in customer.balances.values_list("pk", flat=True)[:MOST_ROWS]]
    mine += [("adjustment", key) for key in customer.adjustments.values_list("pk", flat=True)[:MOST_ROWS]]
    mine += [
        ("invoice", key)
        for key in customer.invoice_listings.order_by("-period_start").values_list("pk", flat=True)[:MOST_ROWS]
    ]
    return {
        "timeline_entries": [
            timeline.of_entry(entry) for entry in timeline.audit_entries().filter(timeline.about(mine))[:200]
        ]
    }


def making_links(request: HttpRequest, customer: Customer) -> dict[str, dict[str, str]]:
    """What may be made for the customer or changed, by the panel that it stands in; nothing of an archived one."""
    if customer.archived_at is not None:
        return {}
    offered = (
        ("party", "customers.edit_party", "Change", reverse("admin:customers_customer_party", args=[customer.pk])),
        ("contract", "contracts.create_contract", "New contract",
         f"{reverse('admin:contracts_contract_add')}?customer={customer.pk}"),
        ("package", "contracts.create_contract", "Contract of a package",
         f"{reverse('admin:contracts_contract_add_of_package')}?customer={customer.pk}"),
        ("balance", "balances.create_balance", "Add commit or credit",
         reverse("admin:customers_customer_add_balance", args=[customer.pk])),
    )  # fmt: skip
    return {
        key: {"title": title, "url": url}
        for key, permission, title, url in offered
        if request.user.has_perm(permission)
    }


def on_paper(customer: Customer) -> dict[str, Any]:
    """Who it is on paper, and at which billing providers, with what of it does not act yet. One query."""
    party = party_of(customer)
    facts = (
        ("Legal name", party.legal_name),
        ("Address", ", ".join(party.address_lines)),
        ("Tax ids", ", ".join(f"{one.type} {one.value}" for one in party.tax_ids)),
        ("E-mails for invoices", ", ".join(party.invoice_emails)),
        ("Purchase order", party.po_number),
        ("Language", party.language),
        ("Time zone", party.time_zone),
    )
    configured = list(list_configurations(customer_id=customer.pk))
    return {
        "party": [(label, value) for label, value in facts if value],
        "providers": [
            {"name": row.delivery.billing_provider.replace("_", " "), "since": row.created_at} for row in configured
        ],
        "provider_warning": f"A billing provider {NOT_DELIVERED}." if configured else "",
    }


def spend_charts(customer_id: UUID, at: datetime) -> list[StackedBars]:
    """Charges by day over thirty days, by product: one chart, or none where nothing was charged.

    A customer who is billed in several currencies at once gets none either: their amounts have no sum.
    """
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = midnight - timedelta(days=CHART_DAYS - 1), midnight + timedelta(days=1)
    rows = InvoiceListing.objects.filter(customer_id=customer_id, period_start__lt=end, period_end__gt=start)
    units = CreditType.objects.filter(pk__in=rows.exclude(status=InvoiceStatus.VOID).order_by().values("credit_type"))
    if len(units) != 1:
        return []
    currency = currency_view(units[0])
    days = spend_by_window(customer_id=customer_id, start=start, end=end, now=at)
    if not any(day.total for day in days):
        return []
    points = [
        Point(
            formatting.day(day.start),
            formatting.day(day.start, year=False),
            {label: formatting.to_major_units(amount, currency) for label, amount in day.by_label.items()},
        )
        for day in days
    ]
    unit = formatting.unit_code(currency)

    def show(value: Decimal) -> str:
        return formatting.money(formatting.to_minor_units(value, currency), currency).figure

    return [stacked_bars(points, title="Charges by day", unit=unit, show=show, wide=960)]


def _contract_rows(contracts: list[Contract], drafts: list[InvoiceView], at: datetime) -> list[ContractRow]:
    by_contract = {draft.contract_id: draft for draft in reversed(drafts)}
    return [
        ContractRow(
            contract, *state_of(contract, at), FREQUENCIES[contract.billing_frequency], by_contract.get(contract.pk)
        )
        for contract in contracts
    ]


def _invoices(customer: Customer, drafts: list[InvoiceView], most: int) -> list[InvoiceRow]:
    rows = customer.invoice_listings.select_related("credit_type", "contract").order_by("-period_start", "-id")[:most]
    return invoice_table(rows, drafts)


def _by_currency(drafts: list[InvoiceView]) -> list[tuple[Decimal, list[InvoiceView]]]:
    found: dict[UUID, list[InvoiceView]] = {}
    for draft in drafts:
        found.setdefault(draft.currency.credit_type_id, []).append(draft)
    totals = []
    for views in found.values():
        whole = ZERO
        for view in views:
            whole = add(whole, view.total)
        totals.append((whole, views))
    return totals


def _covers(drafts: list[InvoiceView]) -> str:
    periods = {(draft.period_start, draft.period_end) for draft in drafts}
    if len(periods) == 1:
        return formatting.period(*periods.pop())
    return f"{len(drafts)} running drafts"


def _may_open(request: HttpRequest, customer: Customer) -> bool:
    return request.user.has_perm("customers.view_as_customer") and customer.archived_at is None
