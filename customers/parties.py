"""Who a customer is on paper: legal name, address, tax ids, and how it wants to be written to.

Documents copy it when they are issued (ADR 0020); those that exist never change.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

import stdnum.au.abn
import stdnum.br.cnpj
import stdnum.ca.bn
import stdnum.ch.uid
import stdnum.eu.vat
import stdnum.gb.vat
import stdnum.in_.gstin
import stdnum.jp.cn
import stdnum.mx.rfc
import stdnum.no.mva
import stdnum.nz.ird
import stdnum.sg.uen
import stdnum.us.ein
import stdnum.za.tin
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from stdnum.exceptions import ValidationError as NumberError

from core import audit
from core.errors import InvalidInput, NotFound
from core.events import publish
from core.transactions import use_case
from customers.countries import COUNTRIES
from customers.events import CustomerPartyChanged
from customers.models import Customer

TAX_IDS: Final[dict[str, Any]] = {
    "au_abn": stdnum.au.abn,
    "br_cnpj": stdnum.br.cnpj,
    "ca_bn": stdnum.ca.bn,
    "ch_uid": stdnum.ch.uid,
    "eu_vat": stdnum.eu.vat,
    "gb_vat": stdnum.gb.vat,
    "in_gstin": stdnum.in_.gstin,
    "jp_cn": stdnum.jp.cn,
    "mx_rfc": stdnum.mx.rfc,
    "no_mva": stdnum.no.mva,
    "nz_ird": stdnum.nz.ird,
    "sg_uen": stdnum.sg.uen,
    "us_ein": stdnum.us.ein,
    "za_tin": stdnum.za.tin,
}
"""Kinds whose format and check digits are known, by country and name."""
OTHER: Final = "other"
"""A number of any other kind: kept as it is given."""
LANGUAGES: Final = ("en", "de", "fr", "ar")
MOST_TAX_IDS: Final = 5
MOST_EMAILS: Final = 10
MOST_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class TaxId:
    """A number and its kind; the number is compact, as registers write it."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class PartyDetails:
    """What is known of a customer; "" and () where nothing is. `country`: ISO 3166, two letters. `lines`: street and
    so on, above city and postal code. `language`, `time_zone`: in which it wants to read.
    """

    legal_name: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    tax_ids: tuple[TaxId, ...] = ()
    invoice_emails: tuple[str, ...] = ()
    po_number: str = ""
    language: str = ""
    time_zone: str = ""

    @property
    def address_lines(self) -> tuple[str, ...]:
        """The address as it stands on a letter."""
        place = " ".join(part for part in (self.postal_code, self.city) if part)
        place = ", ".join(part for part in (place, self.region) if part)
        return tuple(line for line in (*self.lines, place, COUNTRIES.get(self.country, "")) if line)


def party_of(customer: Customer) -> PartyDetails:
    """What is kept of a customer that is loaded. No query."""
    kept: dict[str, Any] = dict(customer.party)
    tax_ids = tuple(TaxId(**one) for one in kept.pop("tax_ids", ()))
    lines, emails = tuple(kept.pop("lines", ())), tuple(kept.pop("invoice_emails", ()))
    return PartyDetails(tax_ids=tax_ids, lines=lines, invoice_emails=emails, **kept)


def set_party(*, customer_id: UUID, details: PartyDetails, now: datetime) -> PartyDetails:
    """Replaces what is known of a customer, checked; returns it as it is kept.

    Raises NotFound; InvalidInput naming the field, for an archived customer as well.
    """
    checked = check_party(details)
    with use_case():
        customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
        if customer is None:
            raise NotFound(f"no customer {customer_id}", field="customer_id")
        if customer.archived_at is not None:
            raise InvalidInput("the customer is archived", field="customer_id")
        before = party_of(customer)
        if before == checked:
            return checked
        empty = asdict(PartyDetails())
        customer.party = {name: value for name, value in asdict(checked).items() if value != empty[name]}
        customer.updated_at = now
        customer.save(update_fields=["party", "updated_at"])
        old, new = asdict(before), asdict(checked)
        changed = [name for name in new if new[name] != old[name]]
        publish(CustomerPartyChanged(customer_id=customer.pk, occurred_at=now, changed=tuple(changed)))
        detail = {name: new[name] for name in changed} | {f"previous_{name}": old[name] for name in changed}
        audit.record("customer.set_party", customer, at=now, detail=detail)
    return checked


def check_party(details: PartyDetails) -> PartyDetails:
    """The details with tax ids as registers write them. Raises InvalidInput naming the field."""
    if details.country and details.country not in COUNTRIES:
        raise InvalidInput("must be a country's two letters (ISO 3166)", field="address.country")
    if details.language and details.language not in LANGUAGES:
        raise InvalidInput(f"must be one of {', '.join(LANGUAGES)}", field="language")
    if details.time_zone and details.time_zone not in available_timezones():
        raise InvalidInput("must be a time zone, like Europe/Berlin", field="time_zone")
    for index, address in enumerate(details.invoice_emails):
        try:
            validate_email(address)
        except DjangoValidationError as error:
            raise InvalidInput("must be an e-mail address", field=f"invoice_emails.{index}") from error
    found = tuple(_checked(one, f"tax_ids.{index}") for index, one in enumerate(details.tax_ids))
    if len(set(found)) != len(found):
        raise InvalidInput("one stands twice", field="tax_ids")
    fields = {name: getattr(details, name) for name in PartyDetails.__dataclass_fields__}
    return PartyDetails(**fields | {"tax_ids": found})


def _checked(one: TaxId, where: str) -> TaxId:
    if one.type == OTHER:
        return one
    kind = TAX_IDS.get(one.type)
    if kind is None:
        names = ", ".join([*TAX_IDS, OTHER])
        raise InvalidInput(f"must be one of {names}", field=f"{where}.type")
    try:
        return TaxId(one.type, kind.validate(one.value))
    except NumberError as error:
        message = f"is no {one.type.replace('_', ' ').upper()} number: {str(error).rstrip('.').lower()}"
        raise InvalidInput(message, field=f"{where}.value") from error
