"""What the site shows beyond lists: pages across apps, files, usage, the home page and the search."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from backoffice import (
    adjustments_page,
    balance_page,
    contract_file,
    contract_page,
    custom_fields_page,
    customer_page,
    explorer_page,
    ingest_page,
    invoice_page,
    rate_compare,
    rate_editor,
    reconciliation_page,
    renewals_calendar,
    renewals_page,
    staff_page,
)
from backoffice.act_worths import foretell
from backoffice.home import home_context
from backoffice.making import catalogue, customers, packages, plans, products, renewals
from backoffice.making import contracts as contract_making
from backoffice.making.frame import making_view
from backoffice.navigation import link_at, lists
from backoffice.search import find
from usage import admin as usage

__all__ = ["CONTEXTS", "ROUTES", "find", "foretell", "home_context", "link_at", "lists"]

CONTEXTS: dict[str, Callable[[HttpRequest, Any], dict[str, Any]]] = {
    "customers.customer": customer_page.context,
    "balances.balance": balance_page.context,
    "contracts.contract": contract_page.context,
    "invoices.invoicelisting": invoice_page.context,
}
"""What the pages of these records show from several apps, by model label (RecordAdmin.record_context)."""

ROUTES: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
    ("customers/customer/<uuid:object_id>/console/", customer_page.open_console, "customers_customer_console"),
    ("customers/customer/<uuid:object_id>/adjust/", adjustments_page.adjust, "customers_customer_adjust"),
    ("balances/balance/ledgers.csv", balance_page.ledgers_csv, "balances_ledgers"),
    ("balances/balance/<uuid:object_id>/ledger.csv", balance_page.ledger_csv, "balances_ledger"),
    ("invoices/invoicelisting/<uuid:object_id>/pdf/", invoice_page.pdf, "invoices_invoicelisting_pdf"),
    ("invoices/invoicelisting/<uuid:object_id>/lines.csv", invoice_page.lines_csv, "invoices_invoicelisting_lines"),
    (
        "invoices/invoicelisting/<uuid:object_id>/lines/<uuid:line_id>/",
        invoice_page.events,
        "invoices_invoicelisting_events",
    ),
    ("catalog/ratecard/<uuid:object_id>/add-rates/", rate_editor.add_rates_page, "catalog_ratecard_add_rates"),
    ("catalog/ratecard/<uuid:object_id>/rates.csv", rate_compare.rates_csv, "catalog_ratecard_rates"),
    ("catalog/ratecard/<uuid:object_id>/compare/", rate_compare.compare, "catalog_ratecard_compare"),
    ("usage/explorer/", explorer_page.explorer, "usage_explorer"),
    ("usage/explorer.csv", explorer_page.explorer_csv, "usage_explorer_csv"),
    ("usage/ingest/", ingest_page.health_page, "usage_ingest"),
    ("usage/ingest/live/", ingest_page.health_live, "usage_ingest_live"),
    ("usage/reconciliation/", reconciliation_page.reconciliation, "usage_reconciliation"),
    ("usage/unmatched/", reconciliation_page.unmatched, "usage_unmatched"),
    ("usage/conflicts/", reconciliation_page.conflicts, "usage_conflicts"),
    ("usage/names/", reconciliation_page.give_name, "usage_names"),
    ("custom-fields/<str:entity>/<uuid:object_id>/", custom_fields_page.edit_values, "custom_fields"),
    ("staff/new/", staff_page.new_account, "staff_new"),
    ("staff/roles/", staff_page.roles, "staff_roles"),
    ("usage/events/", usage.search_events, "usage_events"),
    ("catalog/billablemetric/add/", making_view(catalogue.METRIC), "catalog_billablemetric_add"),
    ("catalog/product/add/", making_view(products.PRODUCT), "catalog_product_add"),
    ("catalog/product/<uuid:object_id>/edit/", making_view(products.PRODUCT_CHANGE), "catalog_product_edit"),
    (
        "catalog/billablemetric/<uuid:object_id>/edit/",
        making_view(catalogue.METRIC_CHANGE),
        "catalog_billablemetric_edit",
    ),
    ("catalog/ratecard/<uuid:object_id>/edit/", making_view(catalogue.RATE_CARD_CHANGE), "catalog_ratecard_edit"),
    ("catalog/ratecard/add/", making_view(catalogue.RATE_CARD), "catalog_ratecard_add"),
    ("catalog/credittype/add/", making_view(catalogue.UNIT), "catalog_credittype_add"),
    ("customers/customer/add/", making_view(customers.CUSTOMER), "customers_customer_add"),
    ("customers/customer/<uuid:object_id>/party/", making_view(customers.PARTY), "customers_customer_party"),
    (
        "customers/customer/<uuid:object_id>/add-balance/",
        making_view(customers.CUSTOMER_BALANCE),
        "customers_customer_add_balance",
    ),
    ("contracts/contract/<uuid:object_id>/deal.csv", contract_file.deal_csv, "contracts_contract_deal"),
    ("catalog/package/add/", making_view(packages.PACKAGE), "catalog_package_add"),
    (
        "contracts/contract/add-of-package/",
        making_view(packages.PACKAGE_CONTRACT),
        "contracts_contract_add_of_package",
    ),
    ("contracts/renewals/", renewals_page.renewals, "contracts_renewals"),
    ("contracts/renewals.csv", renewals_page.renewals_csv, "contracts_renewals_csv"),
    ("contracts/renewals/calendar/", renewals_calendar.calendar_page, "contracts_renewals_calendar"),
    ("contracts/contract/<uuid:object_id>/change-plan/", making_view(plans.CHANGE), "contracts_contract_change_plan"),
    ("contracts/contract/<uuid:object_id>/cancel-plan/", making_view(plans.CANCEL), "contracts_contract_cancel_plan"),
    (
        "contracts/contract/<uuid:object_id>/renewal-policy/",
        making_view(renewals.POLICY),
        "contracts_contract_renewal_policy",
    ),
    ("contracts/contract/add/", making_view(contract_making.CONTRACT), "contracts_contract_add"),
    *(
        (
            f"contracts/contract/<uuid:object_id>/{slug}/",
            making_view(page),
            f"contracts_contract_{slug.replace('-', '_')}",
        )
        for slug, page in contract_making.EDITS.items()
    ),
)
"""Pages that belong to no list: route below /admin/, view, name."""
