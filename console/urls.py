"""Routes of the console: its API, its pages, its panels."""

from django.urls import include, path

from console import api, views

pages = [
    path("embed", views.embed, name="embed"),
    path("embed/origin.js", views.embed_origin, name="embed-origin"),
    path("overview", views.overview_page, name="overview"),
    path("usage", views.usage_page, name="usage"),
    path("usage/units", views.units_page, name="units"),
    path("invoices", views.invoices_page, name="invoices"),
    path("invoices/<uuid:invoice_id>", views.invoice_page, name="invoice"),
    path("credits", views.credits_page, name="credits"),
    path("panels/credits", views.credit_summary_panel, name="credits-panel"),
    path("panels/credits/left", views.credits_left_panel, name="credits-left-panel"),
    path("panels/credits/burn-down", views.burn_down_results, name="burn-panel"),
    path("panels/credits/grants", views.credit_list_panel, name="grants-panel"),
    path("panels/credits/ledger", views.ledger_results, name="ledger-panel"),
    path("panels/charged", views.charged_panel, name="charged-panel"),
    path("panels/compared", views.compared_panel, name="compared-panel"),
    path("panels/spend", views.spend_panel, name="spend-panel"),
    path("panels/drivers", views.drivers_panel, name="drivers-panel"),
    path("panels/recent", views.recent_panel, name="recent-panel"),
    path("panels/usage", views.usage_results, name="usage-panel"),
    path("panels/units", views.units_results, name="units-panel"),
    path("panels/invoices", views.invoice_list, name="invoices-panel"),
    path("panels/invoices/<uuid:invoice_id>/lines/<uuid:line_id>", views.line_why, name="line-why"),
    path("panels/invoices/<uuid:invoice_id>/lines/<uuid:line_id>/days", views.line_days, name="line-days"),
    path("panels/invoices/<uuid:invoice_id>/lines/<uuid:line_id>/events", views.line_events, name="line-events"),
    path("downloads", views.create_download, name="downloads"),
    path("files/<str:token>", views.one_time_file, name="file"),
]

urlpatterns = [
    path("v1/dashboards/getEmbeddableUrl", api.GetEmbeddableUrl.as_view()),
    path("tactus/v1/embed/sessions", api.CreateEmbedSession.as_view()),
    path("tactus/v1/embed/exchange", api.Exchange.as_view()),
    path("tactus/v1/embed/renew", api.Renew.as_view()),
    path("tactus/v1/embed/end", api.End.as_view()),
    path("tactus/v1/embed/revoke", api.RevokeSessions.as_view()),
    path("console/", include((pages, "console"))),
]
