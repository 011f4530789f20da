"""`/tactus/v1/customers/{customer_id}/party`: who a customer is on paper."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Input, TextField
from core.api.output import Output, envelope
from core.api.views import ApiView, data
from core.clock import now
from customers.api.providers import WarningOutput
from customers.parties import MOST_EMAILS, MOST_LINES, MOST_TAX_IDS, PartyDetails, TaxId, party_of, set_party
from customers.selectors import get_customer

NOT_YET = {
    "language": "is kept and shown; documents are in English until they come in other languages",
    "time_zone": "is kept and shown; dates on pages and documents are in UTC",
}


class AddressInput(Input):
    """Where it is."""

    lines = serializers.ListField(child=TextField(maximum=200), max_length=MOST_LINES, required=False)
    city = TextField(maximum=100, minimum=0, required=False)
    region = TextField(maximum=100, minimum=0, required=False)
    postal_code = TextField(maximum=20, minimum=0, required=False)
    country = TextField(maximum=2, minimum=2, required=False, allow_null=True, help_text="Two letters, ISO 3166.")


class TaxIdInput(Input):
    """A number of a register; format and check digits are checked for the kinds that are known."""

    type = TextField(maximum=20, help_text="eu_vat, gb_vat, us_ein, ch_uid, au_abn and others; `other` is not checked.")
    value = TextField(maximum=40)


class PartyInput(Input):
    """All that is known: what is left out is emptied."""

    legal_name = TextField(maximum=200, minimum=0, required=False)
    address = AddressInput(required=False, allow_null=True)
    tax_ids = serializers.ListField(child=TaxIdInput(), max_length=MOST_TAX_IDS, required=False)
    invoice_emails = serializers.ListField(child=TextField(maximum=254), max_length=MOST_EMAILS, required=False)
    po_number = TextField(maximum=100, minimum=0, required=False)
    language = TextField(maximum=10, minimum=0, required=False, help_text="en, de, fr or ar.")
    time_zone = TextField(maximum=60, minimum=0, required=False, help_text="As in Europe/Berlin.")


class AddressOutput(Output):
    """Where it is."""

    lines = serializers.ListField(child=serializers.CharField())
    city = serializers.CharField()
    region = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()


class TaxIdOutput(Output):
    """A number of a register, as it writes it."""

    type = serializers.CharField()
    value = serializers.CharField()


class PartyDetailsOutput(Output):
    """Who a customer is on paper; "" and [] where nothing is known."""

    legal_name = serializers.CharField()
    address = AddressOutput(source="*")
    tax_ids = TaxIdOutput(many=True)
    invoice_emails = serializers.ListField(child=serializers.CharField())
    po_number = serializers.CharField()
    language = serializers.CharField()
    time_zone = serializers.CharField()


class PartyAnswer(PartyDetailsOutput):
    """With what is kept and does not act yet."""

    warnings = WarningOutput(many=True)


class PartyView(ApiView):
    """One customer's."""

    resource = "customers"

    @extend_schema(responses=envelope(PartyAnswer), tags=["Tactus"])
    def get(self, _request: Request, customer_id: UUID) -> Response:
        """Read who a customer is on paper. Documents copy it when they are issued."""
        return data(present_party(party_of(get_customer(customer_id=customer_id))))

    @extend_schema(request=PartyInput, responses=envelope(PartyAnswer), tags=["Tactus"])
    def put(self, request: Request, customer_id: UUID) -> Response:
        """Replace who a customer is on paper; documents that exist never change."""
        details = details_of(self.read_body(request, PartyInput))
        return data(present_party(set_party(customer_id=customer_id, details=details, now=now())))


def details_of(body: Mapping[str, Any]) -> PartyDetails:
    """A read body as services take it."""
    address = {name: value for name, value in (body.get("address") or {}).items() if value is not None}
    texts = ("legal_name", "po_number", "language", "time_zone")
    return PartyDetails(
        lines=tuple(address.pop("lines", ())),
        tax_ids=tuple(TaxId(**one) for one in body.get("tax_ids", ())),
        invoice_emails=tuple(body.get("invoice_emails", ())),
        **address,
        **{name: body[name] for name in texts if name in body},
    )


def present_party(details: PartyDetails) -> dict[str, Any]:
    """The details as they are answered."""
    warnings = [{"field": name, "message": why} for name, why in NOT_YET.items() if getattr(details, name)]
    return PartyDetailsOutput.of(details) | {"warnings": warnings}
