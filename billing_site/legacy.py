"""What Metronome has left behind, and Tactus never had: each of these answers 410 and names what takes its place."""

from collections.abc import Mapping
from typing import Any, Final

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.errors import Gone

PACKAGES: Final = "contracts of packages (/v1/packages, /v1/contracts/create)"
CREDITS: Final = "credits (/v1/contracts/customerCredits, /v1/contracts/customerBalances)"
PROVIDERS: Final = "billing provider configurations (/v1/setCustomerBillingProviderConfigurations and its like)"

SUCCESSORS: Final[Mapping[str, str]] = {
    "v1/contracts/amend": "edits (/v2/contracts/edit)",
    "v1/contracts/scheduleProServicesInvoice": "scheduled charges (/v2/contracts/edit, add_scheduled_charges)",
    "v1/credits/createGrant": CREDITS,
    "v1/credits/listGrants": CREDITS,
    "v1/credits/editGrant": CREDITS,
    "v1/credits/listEntries": CREDITS,
    "v1/credits/voidGrant": CREDITS,
    "v1/customers/<uuid:customer_id>/addCharge": "scheduled charges (/v2/contracts/edit, add_scheduled_charges)",
    "v1/customers/<uuid:customer_id>/billing-config/<str:billing_provider_type>": PROVIDERS,
    "v1/customers/<uuid:customer_id>/plans": PACKAGES,
    "v1/customers/<uuid:customer_id>/plans/add": PACKAGES,
    "v1/customers/<uuid:customer_id>/plans/<uuid:customer_plan_id>/end": PACKAGES,
    "v1/customers/<uuid:customer_id>/plans/<uuid:customer_plan_id>/priceAdjustments": PACKAGES,
    "v1/plans": PACKAGES,
    "v1/planDetails/<uuid:plan_id>": PACKAGES,
    "v1/planDetails/<uuid:plan_id>/charges": PACKAGES,
    "v1/planDetails/<uuid:plan_id>/customers": PACKAGES,
    "v1/upsertAvalaraCredentials": "nothing: taxes are not worked out by Avalara here",
}
"""Route -> what to use instead (domain decisions: legacy methods)."""


class LegacyView(ApiView):
    """Any request is answered alike; whoever asks needs a key, as everywhere."""

    resource = "contracts"
    in_machine_time = True
    successor = ""

    def answer(self, request: Request, **_: Any) -> Response:
        """Raises Gone."""
        raise Gone(f"{request.path} is not part of Tactus; use {self.successor}")

    get = extend_schema(exclude=True)(answer)
    post = extend_schema(exclude=True)(answer)
    delete = extend_schema(exclude=True)(answer)


urlpatterns = [path(route, LegacyView.as_view(successor=successor)) for route, successor in SUCCESSORS.items()]
