"""Making customers, who they are on paper, and commits and credits of their own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.urls import reverse
from rest_framework.serializers import Serializer

from backoffice.making.balances import BALANCE_PATHS, BalanceForm
from backoffice.making.contracts import within_year
from backoffice.making.edits import currency_of, unit_choices
from backoffice.making.fields import LinesField, choice, filled, text
from backoffice.making.frame import Made, Making, MakingForm, Section
from backoffice.making.rehearsal import effect
from balances.api.inputs import CustomerCommitInput, CustomerCreditInput, new_balance
from balances.models import Balance
from balances.services import create_balance
from customers.api.customers import CreateInput
from customers.api.parties import NOT_YET, PartyInput, details_of
from customers.countries import COUNTRIES
from customers.models import Customer
from customers.parties import LANGUAGES, MOST_LINES, TAX_IDS, party_of, set_party
from customers.services import create_customer

TONGUES = {"en": "English", "de": "German", "fr": "French", "ar": "Arabic"}


def page_of(customer: Customer) -> str:
    """The customer's page."""
    return reverse("admin:customers_customer_change", args=[customer.pk])


def living_customer(key: UUID) -> Customer | None:
    """The customer, unless it is archived."""
    return Customer.objects.filter(pk=key, archived_at__isnull=True).first()


class CustomerForm(MakingForm):
    """A customer from scratch."""

    reads = CreateInput
    fields_of = {"ingest_aliases": "ingest_aliases"}
    sections = (Section("The customer", ("name", "ingest_aliases")),)
    name = text("Name", most=160, help_text="As its people call it; the legal name can be another.")
    ingest_aliases = LinesField(
        "Ingest aliases", help_text="One a line: what events call it. They count under its id as well."
    )

    def body(self) -> dict[str, Any]:
        return filled({name: self.cleaned_data[name] for name in ("name", "ingest_aliases")})

    def carry_out(self, read: dict[str, Any]) -> Made:
        made = create_customer(name=read["name"], ingest_aliases=read.get("ingest_aliases", ()), now=self.at)
        return Made(f"{made.name} is made. Next: its contract.", page_of(made))


class PartyForm(MakingForm):
    """Who a customer is on paper; all of it, what is emptied is forgotten."""

    reads = PartyInput
    fields_of = {

        "address.lines": "lines", "address.city": "city", "address.region": "region",
        "address.postal_code": "postal_code", "address.country": "country",
    }  # fmt: skip
    sections = (
        Section("On documents", ("legal_name", "lines", "postal_code", "city", "region", "country", "tax_ids")),
        Section("How it wants to be written to", ("invoice_emails", "po_number", "language", "time_zone")),
    )
    legal_name = text("Legal name", required=False, help_text="The customer's name if empty.")
    lines = LinesField("Street and so on", help_text=f"At most {MOST_LINES} lines.")
    postal_code = text("Postal code", required=False, most=20)
    city = text("City", required=False, most=100)
    region = text("Region or state", required=False, most=100)
    country = choice("Country", tuple(sorted(COUNTRIES.items(), key=lambda one: one[1])), required=False)
    tax_ids = LinesField("Tax ids", help_text=f"One a line, the kind first: “eu_vat DE136695976”. Kinds: "
                         f"{', '.join(TAX_IDS)}; “other” is not checked.")  # fmt: skip
    invoice_emails = LinesField(
        "E-mails for invoices", help_text="One a line; documents have the first. Nothing is sent yet."
    )
    po_number = text("Purchase order number", required=False, most=100, help_text="It stands on later documents.")
    language = choice("Language", tuple((code, TONGUES[code]) for code in LANGUAGES), required=False,
                      help_text=f"It {NOT_YET['language']}.")  # fmt: skip
    time_zone = text(
        "Time zone", required=False, most=60, help_text=f"Such as Europe/Berlin. It {NOT_YET['time_zone']}."
    )

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        tax_ids = []
        for line in data["tax_ids"]:
            kind, _, value = line.partition(" ")
            if not value.strip():
                raise forms.ValidationError({"tax_ids": f"“{line[:80]}” needs its kind first: “eu_vat DE136695976”."})
            tax_ids.append({"type": kind.rstrip(":"), "value": value.strip()})
        address = filled({name: data[name] for name in ("lines", "city", "region", "postal_code", "country")})
        texts = {name: data[name] for name in ("legal_name", "po_number", "language", "time_zone", "invoice_emails")}
        return filled({**texts, "address": address, "tax_ids": tax_ids})

    def carry_out(self, read: dict[str, Any]) -> Made:
        set_party(customer_id=self.subject.pk, details=details_of(read), now=self.at)
        return Made("The details are changed. Documents from now on have them.", page_of(self.subject))


def _known(customer: Customer, _query: Mapping[str, str], _at: datetime) -> dict[str, Any]:
    """What is kept, as the form has it."""
    party = party_of(customer)
    texts = ("legal_name", "postal_code", "city", "region", "country", "po_number", "language", "time_zone")
    return {name: getattr(party, name) for name in texts} | {
        "lines": "\n".join(party.lines),
        "invoice_emails": "\n".join(party.invoice_emails),
        "tax_ids": "\n".join(f"{one.type} {one.value}" for one in party.tax_ids),
    }


class CustomerBalanceForm(BalanceForm):
    """A commit or credit of the customer, for all its contracts or some."""

    fields_of: ClassVar[Mapping[str, str]] = BALANCE_PATHS | {"invoice_contract_id": "contract"}
    sections = (
        Section("What it is", ("kind", "name", "product_id")),
        Section("What may be used", ("amount", "unit", "starting_at", "ending_before", "priority")),
        Section("What is invoiced", ("contract", "price", "invoiced_at"), "Only for commits."),
        Section("What it pays for", ("products", "tags"), "Empty: everything, on all of its contracts."),
    )
    contract = choice("On the invoices of", (), required=False, help_text="The contract whose invoices ask for it.")

    def prepare(self) -> None:
        super().prepare()
        for name in ("recurs", "rollover"):
            del self.fields[name]
        self.fields["ending_before"].required = True
        rows = self.subject.contracts.filter(archived_at__isnull=True).select_related("rate_card")
        self.contracts = {str(row.pk): row for row in rows.order_by("-starting_at")}
        named = [(key, str(row)) for key, row in self.contracts.items()]
        self.fields["contract"].choices = [*self.fields["contract"].choices, *named]  # type: ignore[attr-defined]

    def paid_in(self) -> str:
        found = self.contracts.get(self.cleaned_data.get("contract", ""))
        return next(iter(unit_choices())) if found is None else currency_of(found)

    def reader(self) -> type[Serializer[Any]]:
        return CustomerCreditInput if self.cleaned_data["kind"] == "CREDIT" else CustomerCommitInput

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["kind"] != "CREDIT" and not data["contract"]:
            raise forms.ValidationError({"contract": "Is needed for a commit: some invoice asks for it."})
        if data["kind"] == "CREDIT" and data["contract"]:
            raise forms.ValidationError({"contract": "A credit is not invoiced: empty it, or choose a commit."})
        asked = self.once(self.shared(), *self.amounts()) | {"customer_id": str(self.subject.pk), **self.key}
        asked.setdefault("priority", "100")
        return asked | filled({"invoice_contract_id": data["contract"]})

    def _create(self, read: dict[str, Any]) -> Balance:
        body = dict(read)
        return create_balance(customer_id=body.pop("customer_id"), new=new_balance(body), now=self.at)

    def foretell(self, read: dict[str, Any]) -> list[str]:
        return effect(lambda: self._create(read), customer_id=self.subject.pk, at=self.at)

    def carry_out(self, read: dict[str, Any]) -> Made:
        made = self._create(read)
        return Made("It is added to the customer.", reverse("admin:balances_balance_change", args=[made.pk]))


CUSTOMER = Making(
    title="New customer",
    permission="customers.create_customer",
    form=CustomerForm,
    submit="Create the customer",
    effects=("Events that came before under one of its aliases are its own from now on.",),
    back=lambda _: reverse("admin:customers_customer_changelist"),
)
PARTY = Making(
    title="Party details",
    permission="customers.edit_party",
    form=PartyForm,
    submit="Keep these details",
    effects=("Documents copy them when they are issued; those that exist never change.",),
    back=page_of,
    find=living_customer,
    suggested=_known,
)
CUSTOMER_BALANCE = Making(
    title="Add commit or credit",
    permission="balances.create_balance",
    form=CustomerBalanceForm,
    submit="Add it",
    effects=(
        "It belongs to the customer and outlives its contracts.",
        "You will see what becomes of the open drafts before anything is stored.",
    ),
    back=page_of,
    find=living_customer,
    suggested=within_year,
    asks_first=True,
)
