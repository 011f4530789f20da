"""Making contracts, and the pages of their edits."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.urls import reverse

from backoffice.making.balances import BalanceForm
from backoffice.making.charges import ChargeForm, DiscountForm
from backoffice.making.edits import FREQUENCIES, EditForm, NameForm, living_contract, page_of
from backoffice.making.fields import (
    NONE,
    HourField,
    choice,
    filled,
    instant,
    number,
    text,
)
from backoffice.making.frame import Made, Making, MakingForm, Section
from backoffice.making.rehearsal import effect
from backoffice.making.removals import RemovalForm
from backoffice.making.terms import OverrideForm, QuantityForm, SubscriptionForm
from catalog.selectors import list_rate_cards
from contracts import services
from contracts.api.contracts import CreateInput, contract_terms
from contracts.models import Contract
from core.admin.options import as_uuid
from customers.models import Customer
from engine.calendar import BillingDay, Period
from engine.renewals import next_term, term_anchor, term_months
from presentation import formatting


class NewContractForm(MakingForm):
    """Who gets a contract, and from when: what contracts from scratch and of packages have in common."""

    reads = CreateInput
    fields_of: ClassVar[Mapping[str, str]] = {"customer_id": "customer", "transition": "renews"}
    customer = text("Customer", help_text="Name, ingest alias or id.")
    starting_at = HourField("Starts")
    renews = text(
        "Renews contract", required=False, help_text="Id of the customer's contract that ends where this begins."
    )

    def clean_customer(self) -> str:
        """The id of the one customer that is meant."""
        written = self.cleaned_data["customer"].strip()
        meant = Q(name__iexact=written) | Q(aliases__alias=written)
        if (key := as_uuid(written)) is not None:
            meant |= Q(pk=key)
        rows = Customer.objects.filter(meant, archived_at__isnull=True).distinct()
        found = list(rows.values_list("pk", flat=True)[:2])
        if not found:
            raise forms.ValidationError("No customer has this name, alias or id.")
        if len(found) > 1:
            raise forms.ValidationError("More than one customer is called so: give the id or an alias.")
        return str(found[0])

    def renewal(self) -> dict[str, Any] | None:
        """The transition that was asked for."""
        earlier = self.cleaned_data["renews"]
        return {"type": "RENEWAL", "from_contract_id": earlier} if earlier else None

    @abstractmethod
    def create(self, read: dict[str, Any]) -> Contract:
        """The one service call. Raises TactusError."""

    def foretell(self, read: dict[str, Any]) -> list[str]:
        customer_id = read["customer_id"]
        made: list[Contract] = []
        drafts = effect(lambda: made.append(self.create(read)), customer_id=customer_id, at=self.at)
        name = Customer.objects.get(pk=customer_id).name
        start, end = made[0].starting_at, made[0].ending_before
        until = f"until {formatting.instant(end)} UTC" if end else "with no end"
        lines = [f"{name} gets a contract from {formatting.instant(start)} UTC {until}."]
        if start > self.at:
            return [*lines, "Its first draft begins with it.", *drafts[:5]]
        return [*lines, *drafts]

    def carry_out(self, read: dict[str, Any]) -> Made:
        contract = self.create(read)
        return Made("The contract is made. Add its commits, overrides and seats here.", page_of(contract))


class ContractForm(NewContractForm):
    """A contract from scratch."""

    fields_of: ClassVar[Mapping[str, str]] = {
        **NewContractForm.fields_of,
        "rate_card_id": "rate_card",
        "usage_statement_schedule": "frequency",
        "usage_statement_schedule.billing_anchor_date": "billing_anchor_date",
    }
    sections = (
        Section("1. Who and at which prices", ("customer", "name", "rate_card")),
        Section("2. From when to when", ("starting_at", "ending_before", "renews")),
        Section("3. How it is billed", ("frequency", "day", "billing_anchor_date", "net_payment_terms_days")),
    )
    name = text("Name of the contract", required=False, help_text="Such as “Enterprise 2026”.")
    rate_card = choice("Rate card", (), required=False, help_text="Without one, nothing that is used is priced.")
    ending_before = HourField("Ends before", required=False, help_text="No longer part of it. Empty: open-ended.")
    frequency = choice("Billed", FREQUENCIES)
    day = choice(
        "Counted from",
        (
            (BillingDay.FIRST_OF_MONTH.value, "the first of the month"),
            (BillingDay.CONTRACT_START.value, "the day of the contract's start"),
            (BillingDay.CUSTOM_DATE.value, "a date of its own"),
        ),
    )
    billing_anchor_date = HourField("That date", required=False, help_text="Only for a date of its own.")
    net_payment_terms_days = forms.IntegerField(
        label="Days to pay", min_value=0, max_value=3650, initial=30, widget=number("").widget
    )

    def prepare(self) -> None:
        found = [(str(card.pk), card.name) for card in list_rate_cards().order_by("name")]
        self.fields["rate_card"].choices = [("", NONE), *found]  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        schedule = filled(
            {
                "frequency": data["frequency"],
                "day": data["day"],
                "billing_anchor_date": instant(data["billing_anchor_date"]),
            }
        )
        return filled(
            {
                "customer_id": data["customer"], "name": data["name"], "rate_card_id": data["rate_card"],
                "starting_at": instant(data["starting_at"]), "ending_before": instant(data["ending_before"]),
                "transition": self.renewal(), "net_payment_terms_days": data["net_payment_terms_days"],
                "usage_statement_schedule": schedule, **self.key,
            }
        )  # fmt: skip

    def create(self, read: dict[str, Any]) -> Contract:
        return services.create_contract(**contract_terms(dict(read)), now=self.at)


def hour_of(at: datetime) -> datetime:
    """The hour that `at` lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def _for_contract(_subject: Any, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From the first of the month, for the customer whose page led here; or on the terms of the contract it renews."""
    key = as_uuid(query.get("renews", ""))
    renewed = None if key is None else living_contract(key)
    if renewed is None:
        return {"starting_at": hour_of(at).replace(day=1, hour=0), "customer": query.get("customer", "")[:200]}
    start, end = renewed.starting_at, renewed.ending_before
    return {
        "customer": str(renewed.customer_id), "name": renewed.name, "rate_card": str(renewed.rate_card_id or ""),
        "renews": str(renewed.pk), "starting_at": end, "ending_before": end and as_long_again(start, end),
        "frequency": renewed.billing_frequency, "day": renewed.billing_day,
        "net_payment_terms_days": renewed.net_payment_terms_days,
    }  # fmt: skip


def as_long_again(start: datetime, end: datetime) -> datetime:
    """When a renewal from `end` on ends: after as many months where whole months were agreed, else as many days."""
    term = Period(start, end)
    months = term_months(term)
    return end + (end - start) if months is None else next_term(end, months=months, anchor=term_anchor(term)).end


def _within(contract: Contract, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From now or the contract's start, to its end or for a year."""
    start = max(contract.starting_at, hour_of(at))
    end = contract.ending_before or start + timedelta(days=365)
    return {"starting_at": start, "ending_before": end, "kind": query.get("kind", "PREPAID")}


def within_year(_customer: Any, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From now for a year."""
    start = hour_of(at)
    return {"starting_at": start, "ending_before": start + timedelta(days=365), "kind": query.get("kind", "PREPAID")}


def _on(contract: Contract, _query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """Now, or at the contract's start."""
    return {"invoiced_at": max(contract.starting_at, hour_of(at)), "quantity": "1"}


def _what(_contract: Contract, query: Mapping[str, str], _at: datetime) -> dict[str, Any]:
    """What the link names."""
    return {"what": query.get("what", "")[:80]}


def _from_start(contract: Contract, _query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    return {"starting_at": max(contract.starting_at, hour_of(at))}


def _named(contract: Contract, _query: Mapping[str, str], _at: datetime) -> dict[str, Any]:
    return {"name": contract.name}


CONTRACT = Making(
    title="New contract",
    permission="contracts.create_contract",
    form=ContractForm,
    submit="Create the contract",
    effects=("You will see the drafts that it makes before anything is stored.",),
    back=lambda _: reverse("admin:contracts_contract_changelist"),
    suggested=_for_contract,
    asks_first=True,
)


def _edit(title: str, form: type[EditForm], submit: str, suggested: Any, effect: str) -> Making:
    return Making(
        title=title, permission="contracts.edit_contract", form=form, submit=submit, back=page_of, find=living_contract,
        effects=(effect, "You will see what becomes of the open drafts before anything is stored."),
        suggested=suggested, asks_first=True,
    )  # fmt: skip


EDITS = {
    "rename": _edit("Rename contract", NameForm, "Rename", _named, "The new name stands on drafts and later invoices."),
    "add-balance": _edit(
        "Add commit or credit", BalanceForm, "Add it", _within, "It can be drawn at once from when it begins."
    ),
    "add-override": _edit(
        "Add price override", OverrideForm, "Agree on this price", _from_start,
        "It stands above the rate card for as long as you say; finalized invoices never change.",
    ),
    "add-subscription": _edit(
        "Add subscription", SubscriptionForm, "Add the subscription", lambda *_: {},
        "It is charged by the rate of the contract's card, times its quantity.",
    ),
    "change-quantity": _edit(
        "Change quantity or seats", QuantityForm, "Change the quantity", _from_start,
        "It holds from then on; what it changes of a running period follows the subscription's proration.",
    ),
    "add-charge": _edit(
        "Add scheduled charge", ChargeForm, "Add the charge", _on,
        "The contract's invoice of that date asks for it, whatever is used.",
    ),
    "add-discount": _edit(
        "Add discount", DiscountForm, "Add the discount", _on,
        "The contract's invoice of that date is less by it, down to nothing at most.",
    ),
    "take-away": _edit(
        "Take away", RemovalForm, "Take it away", _what,
        "A price override is void from its start in open drafts; what is left of a commit or credit expires; a "
        "charge is no longer invoiced. Finalized invoices never change.",
    ),
}  # fmt: skip
"""Edits of a contract by the end of their address."""
