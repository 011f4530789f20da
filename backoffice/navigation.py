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
    # of a list: what it says when it is empty, and how its records come to be
    nothing: str = "There is nothing here yet."
    made: str = ""

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


def script(_request: HttpRequest) -> str:
    """Our own script, beside unfold's."""
    return static("js/admin.js")


def favicon(_request: HttpRequest) -> str:
    """The sign in the browser's tab."""
    return static("img/favicon.svg")


def _to_decide(request: HttpRequest) -> int:
    """The badge of the approvals: what this person could decide now. One query, for those who may."""
    may = request.user.has_perm("balances.approve_adjustment")
    return waiting_for(request.user) if may else 0  # type: ignore[arg-type]


def _requests_to_decide(request: HttpRequest) -> int:
    """The badge of the requests. One query."""
    return approvals.waiting_for(request.user)  # type: ignore[arg-type]


_API = "made through the API"

GROUPS: tuple[tuple[str, tuple[Link, ...]], ...] = (
    ("", (Link("Home", "dashboard", "admin:index"),)),
    (
        "Work",
        (
            Link(
                "Approvals",
                "how_to_reg",
                "admin:balances_adjustment_changelist",
                "balances.view_adjustment",
                "?status=PENDING",
                _to_decide,
                nothing="Nothing waits for a second person.",
                made="What is above somebody's limit waits here; it begins with “Adjust balance” on a customer's page.",
            ),
            Link(
                "Requests",
                "rule_folder",
                "admin:core_approvalrequest_changelist",
                "core.view_approvalrequest",
                "?status=PENDING",
                _requests_to_decide,
                nothing="Nothing waits for a second person.",
                made="Acts of worth above somebody's limit wait here, and whatever one owner asks about accounts.",
            ),
        ),
    ),
    (
        "Customers",
        (
            Link(
                "Customers",
                "groups",
                "admin:customers_customer_changelist",
                "customers.view_customer",
                made=f"“New customer” makes one; or they are {_API}: POST /v1/customers.",
            ),
            Link(
                "Contracts",
                "contract",
                "admin:contracts_contract_changelist",
                "contracts.view_contract",
                made="“New contract” makes one for a customer: prices, dates and how it is billed.",
            ),
            Link("Renewals", "event_repeat", "admin:contracts_renewals", "contracts.view_contract"),
        ),
    ),
    (
        "Billing",
        (
            Link(
                "Invoices",
                "receipt_long",
                "admin:invoices_invoicelisting_changelist",
                "invoices.view_invoice",
                made="An invoice is there as a draft as soon as a contract's billing period begins; nobody makes one.",
            ),
            Link(
                "Commits & credits",
                "account_balance_wallet",
                "admin:balances_balance_changelist",
                "balances.view_balance",
                made=f"They come with contracts, or are {_API}: POST /v1/contracts/customerCredits/create."
                " Staff grant a credit by “Adjust balance” on a customer's page.",
            ),
        ),
    ),
    (
        "Catalogue",
        (
            Link(
                "Products",
                "sell",
                "admin:catalog_product_changelist",
                "catalog.view_product",
                made="Make a billable metric first, then “New product” to sell what it counts.",
            ),
            Link(
                "Rate cards",
                "price_change",
                "admin:catalog_ratecard_changelist",
                "catalog.view_ratecard",
                made="“New rate card” makes a price list; the next page adds its rates.",
            ),
            Link(
                "Packages",
                "inventory_2",
                "admin:catalog_package_changelist",
                "catalog.view_package",
                made="“New package” keeps the terms of contracts that many customers agree on.",
            ),
            Link(
                "Billable metrics",
                "speed",
                "admin:catalog_billablemetric_changelist",
                "catalog.view_billablemetric",
                made="Create a metric: it says which events count, and how.",
            ),
            Link(
                "Pricing units",
                "toll",
                "admin:catalog_credittype_changelist",
                "catalog.view_credittype",
                made="Currencies are there from the beginning; “New pricing unit” makes credits of your own.",
            ),
        ),
    ),
    (
        "Usage",
        (
            Link("Usage explorer", "query_stats", "admin:usage_explorer", "usage.view_usageevent"),
            Link("Ingest health", "monitor_heart", "admin:usage_ingest", "usage.view_usageevent"),
            Link("Reconciliation", "balance", "admin:usage_reconciliation", "usage.view_usageevent"),
            Link("Events", "bolt", "admin:usage_events", "usage.view_usageevent"),
        ),
    ),
    (
        "Developers",
        (
            Link(
                "API keys",
                "key",
                "admin:core_apikey_changelist",
                "core.view_apikey",
                made="Owners make one here, or by the command create_api_key.",
            ),
            Link(
                "Custom fields",
                "new_label",
                "admin:core_customfieldkey_changelist",
                "core.view_customfieldkey",
                made="A key is added here, or by POST /v1/customFields/addKey; records have its values on their pages.",
            ),
            Link(
                "Test clocks",
                "more_time",
                "admin:customers_testclock_changelist",
                "customers.view_testclock",
                made="Outside production, customers can live on a clock that is told to go on: set one up here.",
            ),
            Link(
                "Embed origins",
                "web",
                "admin:console_embedorigin_changelist",
                "console.view_embedorigin",
                made="Pages of an origin that owners add here may show the console.",
            ),
            Link(
                "Embed sessions",
                "tab_unselected",
                "admin:console_embedsession_changelist",
                "console.view_embedsession",
                made="A session begins when a page opens the console for a customer.",
            ),
        ),
    ),
    (
        "Audit",
        (
            Link(
                "Audit trail",
                "policy",
                "admin:core_auditentry_changelist",
                "core.view_auditentry",
                made="Whatever somebody does is written down here by what does it.",
            ),
            Link(
                "Ledger checks",
                "rule",
                "admin:balances_ledgercheck_changelist",
                "balances.view_ledgercheck",
                made="All ledgers are added up once an hour, and by the command verify_balances.",
            ),
            Link(
                "Domain events",
                "history",
                "admin:core_outboxevent_changelist",
                "core.view_outboxevent",
                made="Whatever happens to customers, contracts, balances and invoices is published here.",
            ),
        ),
    ),
    (
        "Staff",
        (
            Link(
                "People",
                "badge",
                "admin:auth_user_changelist",
                "auth.view_user",
                made="One owner asks for an account here and another decides; the first ones come with the command"
                " create_staff.",
            ),
            Link("Roles", "group_work", "admin:staff_roles", "auth.view_group"),
        ),
    ),
)
"""The menu: what a page is called here, it is called everywhere."""


def lists() -> dict[str, Link]:
    """Lists of records by `<app>_<model>`, with what they are called and how their records come to be."""
    ending = "_changelist"
    return {
        link.route.removeprefix("admin:").removesuffix(ending): link
        for _, links in GROUPS
        for link in links
        if link.route.endswith(ending)
    }


def link_at(path: str) -> Link | None:
    """The line of the sidebar that a page belongs to, if it belongs to one but home."""
    links = [link for _, links in GROUPS for link in links if link.route != "admin:index"]
    return max(
        (link for link in links if path.startswith(reverse(link.route))),
        key=lambda link: len(reverse(link.route)),
        default=None,
    )


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups and links; those that a person may not open are left out."""
    return [
        {"title": title, "separator": False, "items": allowed}
        for title, links in GROUPS
        if (
            allowed := [
                link.shown(request)
                for link in links
                if link.permission is None or request.user.has_perm(link.permission)
            ]
        )
    ]
