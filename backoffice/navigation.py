"""What the sidebar and the header of the back office show, by who is looking."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from balances.selectors.adjustments import waiting_for
from core import approvals


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the sidebar; only those with the permission see it."""

    title: str
    icon: str
    route: str
    permission: str | None = None
    query: str = ""
    # how many things wait there; nothing is shown for none
    count: Callable[[HttpRequest], int] | None = None

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """As unfold's template wants it; a link is active on the pages below its own, too."""
        url = reverse(self.route)
        active = request.path == url if self.route == "admin:index" else request.path.startswith(url)
        shown = {"title": self.title, "icon": self.icon, "link": url + self.query, "active": lambda _request: active}
        if self.count is not None and (waiting := self.count(request)):
            shown |= {"badge": f"{waiting:,}", "badge_variant": "warning"}
        return shown


ENVIRONMENTS = {
    "production": ("Live", "danger"),
    "test": ("Test", "info"),
    "dev": ("Development", "warning"),
}


def environment(_request: HttpRequest) -> tuple[str, str]:
    """The label in the header: which installation this is, so that nobody voids a real invoice by mistake.

    TACTUS_ENVIRONMENT names it; else the settings module does.
    """
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "").rpartition(".")[2]
    text, tone = ENVIRONMENTS.get(settings, ("Live", "danger"))
    return os.environ.get("TACTUS_ENVIRONMENT", text), tone


def stylesheet(_request: HttpRequest) -> str:
    """Our own rules, after unfold's."""
    return static("css/admin.css")


def _to_decide(request: HttpRequest) -> int:
    """The badge of the approvals: what this person could decide now. Two queries at most."""
    may = request.user.has_perm("balances.approve_adjustment")
    adjustments = waiting_for(request.user) if may else 0  # type: ignore[arg-type]
    return adjustments + approvals.waiting_for(request.user)  # type: ignore[arg-type]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups and links; those that a person may not open are left out."""
    groups = [
        ("", [Link("Home", "dashboard", "admin:index")]),
        (
            "Work",
            [
                Link(
                    "Approvals",
                    "how_to_reg",
                    "admin:balances_adjustment_changelist",
                    "balances.view_adjustment",
                    "?status=PENDING",
                    _to_decide,
                )
            ],
        ),
        (
            "Customers",
            [
                Link("Customers", "groups", "admin:customers_customer_changelist", "customers.view_customer"),
                Link("Contracts", "contract", "admin:contracts_contract_changelist", "contracts.view_contract"),
            ],
        ),
        (
            "Billing",
            [
                Link("Invoices", "receipt_long", "admin:invoices_invoicelisting_changelist", "invoices.view_invoice"),
                Link(
                    "Commits & credits",
                    "account_balance_wallet",
                    "admin:balances_balance_changelist",
                    "balances.view_balance",
                ),
            ],
        ),
        (
            "Catalogue",
            [
                Link("Products", "sell", "admin:catalog_product_changelist", "catalog.view_product"),
                Link("Rate cards", "price_change", "admin:catalog_ratecard_changelist", "catalog.view_ratecard"),
                Link(
                    "Billable metrics",
                    "speed",
                    "admin:catalog_billablemetric_changelist",
                    "catalog.view_billablemetric",
                ),
                Link("Pricing units", "toll", "admin:catalog_credittype_changelist", "catalog.view_credittype"),
            ],
        ),
        (
            "Usage",
            [
                Link("Explorer", "query_stats", "admin:usage_explorer", "usage.view_usageevent"),
                Link("Ingest health", "monitor_heart", "admin:usage_ingest", "usage.view_usageevent"),
                Link("Reconciliation", "balance", "admin:usage_reconciliation", "usage.view_usageevent"),
                Link("Events", "bolt", "admin:usage_events", "usage.view_usageevent"),
            ],
        ),
        (
            "Developers",
            [
                Link("API keys", "key", "admin:core_apikey_changelist", "core.view_apikey"),
                Link("Embed origins", "web", "admin:console_embedorigin_changelist", "console.view_embedorigin"),
                Link(
                    "Embed sessions",
                    "tab_unselected",
                    "admin:console_embedsession_changelist",
                    "console.view_embedsession",
                ),
            ],
        ),
        (
            "Audit",
            [
                Link("Audit trail", "policy", "admin:core_auditentry_changelist", "core.view_auditentry"),
                Link("Ledger checks", "rule", "admin:balances_ledgercheck_changelist", "balances.view_ledgercheck"),
                Link("Domain events", "history", "admin:core_outboxevent_changelist", "core.view_outboxevent"),
            ],
        ),
        (
            "Staff",
            [
                Link("People", "badge", "admin:auth_user_changelist", "auth.view_user"),
                Link("Roles", "group_work", "admin:staff_roles", "auth.view_group"),
            ],
        ),
    ]
    return [
        {"title": title, "separator": False, "items": allowed}
        for title, items in groups
        if (
            allowed := [
                link.shown(request)
                for link in items
                if link.permission is None or request.user.has_perm(link.permission)
            ]
        )
    ]
