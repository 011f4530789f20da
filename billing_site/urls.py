"""Every route of the site. The API's paths have no trailing slash, as Metronome's clients expect."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from core.api.openapi import ApiPage, OpenApiJson
from core.api.views import healthz, readyz

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("img/favicon.svg"))),
    path("healthz", healthz),
    path("readyz", readyz),
    path("openapi.json", OpenApiJson.as_view(), name="openapi"),
    path("docs", ApiPage.as_view(), name="api-docs"),
    path("admin/", admin.site.urls),
    path("", include("core.urls")),
    path("", include("customers.urls")),
    path("", include("catalog.urls")),
    path("", include("contracts.urls")),
    path("", include("usage.urls")),
    path("", include("balances.urls")),
    path("", include("billing.urls")),
    path("", include("reservations.urls")),
    path("", include("invoices.urls")),
    path("", include("plans.urls")),
    path("", include("console.urls")),
    path("", include("billing_site.legacy")),
]

handler400 = "core.api.errors.handler400"
handler403 = "core.api.errors.handler403"
handler404 = "core.api.errors.handler404"
handler500 = "core.api.errors.handler500"
