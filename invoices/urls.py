"""Routes of invoices."""

from django.urls import path

from invoices.api import invoices as api

_CUSTOMER = "v1/customers/<uuid:customer_id>/invoices"

urlpatterns = [
    path(_CUSTOMER, api.ListInvoices.as_view()),
    path(f"{_CUSTOMER}/breakdowns", api.ListBreakdowns.as_view()),
    path(f"{_CUSTOMER}/<uuid:invoice_id>", api.RetrieveInvoice.as_view()),
    path(f"{_CUSTOMER}/<uuid:invoice_id>/pdf", api.InvoicePdf.as_view()),
    path(f"tactus/{_CUSTOMER}/<uuid:invoice_id>/lines/<uuid:line_id>/explanation", api.LineExplanation.as_view()),
    path("tactus/v1/customers/<uuid:customer_id>/unbilled-usage", api.UnbilledUsage.as_view()),
    path("v1/invoices/void", api.VoidInvoice.as_view()),
    path("v1/invoices/regenerate", api.RegenerateInvoice.as_view()),
]
