"""Commits and credits, once or recurring."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from backoffice.making.edits import EACH, EditForm, currency_of, unit_choices, unit_options
from backoffice.making.fields import (
    HourField,
    LinesField,
    choice,
    filled,
    instant,
    number,
    several,
    stored_amount,
    text,
)
from backoffice.making.frame import Section
from backoffice.making.products import product_choices

KINDS = (
    ("PREPAID", "Prepaid commit: invoiced first, then drawn"),
    ("POSTPAID", "Postpaid commit: what is not used is invoiced at the end"),
    ("CREDIT", "Credit: given, not invoiced"),
)


class ScopeForm(EditForm):
    """Edits that may be limited to products or tags."""

    def scope(self) -> dict[str, Any]:
        """As commits and credits have it."""
        data = self.cleaned_data
        return {"applicable_product_ids": data["products"], "applicable_product_tags": data["tags"]}


BALANCE_PATHS = {
    "access_schedule": "amount",
    "access_amount": "amount",
    "access_schedule.schedule_items.0.ending_before": "ending_before",
    "access_schedule.schedule_items.0.starting_at": "starting_at",
    "invoice_schedule": "price",
    "invoice_amount": "price",
    "rollover_fraction": "rollover",
    "applicable_product_ids": "products",
    "applicable_product_tags": "tags",
    "type": "kind",
}
"""The form's field for each part of a commit's or credit's body."""


class BalanceForm(ScopeForm):
    """A commit or a credit of the contract, once or recurring."""

    fields_of: ClassVar[Mapping[str, str]] = {
        f"add_{name}.0.{path}": field
        for name in ("commits", "credits", "recurring_commits", "recurring_credits")
        for path, field in BALANCE_PATHS.items()
    }

    sections: ClassVar[tuple[Section, ...]] = (
        Section("What it is", ("kind", "name", "product_id", "recurs")),
        Section("What may be used", ("amount", "unit", "starting_at", "ending_before", "priority", "rollover")),
        Section("What is invoiced", ("price", "invoiced_at"), "Only for commits."),
        Section("What it pays for", ("products", "tags"), "Empty: everything."),
    )
    said = "It is added to the contract."
    kind = choice("Kind", KINDS)
    name = text("Name", help_text="The customer reads it.")
    product_id = choice("Booked under", (), help_text="A fixed product: what invoices and reports call it.")
    recurs = choice(
        "How often", (("", "Once"), *((key, EACH[key]) for key in ("MONTHLY", "QUARTERLY", "ANNUAL"))), required=False,
        help_text="Recurring: the amount is given anew each time, and lasts until the next.",
    )  # fmt: skip
    amount = text("Amount", most=60, help_text="As people write it: 25 or 1,234.50.")
    unit = choice("In", ())
    starting_at = HourField("From")
    ending_before = HourField("Until", required=False, help_text="No longer part of it. Recurring: empty for no end.")
    priority = number("Priority", help_text="The lowest is drawn first; 100 if empty.")
    rollover = number("Share that rolls over", help_text="Of what is left, when the contract is renewed: 0.5 for half.")
    price = text(
        "Price", required=False, most=60, help_text="What the customer pays for it; the amount itself if empty."
    )
    invoiced_at = HourField("Invoiced on", required=False, help_text="When it begins if empty; at the end if postpaid.")
    products = several("Products")
    tags = LinesField("Tags", rows=2, help_text="One a line.")

    def prepare(self) -> None:
        self.units = unit_choices()
        self.fields["unit"].choices = unit_options(self.units)  # type: ignore[attr-defined]
        self.fields["product_id"].choices = product_choices(self.at, "FIXED")  # type: ignore[attr-defined]
        payable = product_choices(self.at, "USAGE", "SUBSCRIPTION", "COMPOSITE")
        self.fields["products"].choices = payable  # type: ignore[attr-defined]

    def _amount(self, name: str, unit: str) -> str:
        try:
            return stored_amount(self.cleaned_data[name], self.units[unit])
        except forms.ValidationError as error:
            raise forms.ValidationError({name: error.messages}) from error

    def paid_in(self) -> str:
        """The id of the unit that is invoiced."""
        return currency_of(self.subject)

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        shared = self.shared()
        amount, price = self.amounts()
        if data["recurs"]:
            return self._recurring(shared, amount, price)
        name = "add_credits" if data["kind"] == "CREDIT" else "add_commits"
        return {name: [self.once(shared, amount, price)]}

    def shared(self) -> dict[str, Any]:
        """What all kinds have."""
        data = self.cleaned_data
        rolls = {"rollover_fraction": data.get("rollover")}
        return filled({"name": data["name"], "product_id": data["product_id"], **rolls, **self.scope()})

    def amounts(self) -> tuple[str, str]:
        """What may be used, and what is paid for it, each in the stored unit. Raises forms.ValidationError."""
        data, paid_in = self.cleaned_data, self.paid_in()
        amount = self._amount("amount", data["unit"])
        if not data["price"] and data["unit"] != paid_in and data["kind"] != "CREDIT":
            raise forms.ValidationError({"price": "Is needed: the amount is not in the contract's currency."})
        if data["kind"] == "CREDIT" and (data["price"] or data["invoiced_at"]):
            raise forms.ValidationError({"kind": "A credit is not invoiced: empty the price, or choose a commit."})
        return amount, self._amount("price", paid_in) if data["price"] else amount

    def once(self, shared: dict[str, Any], amount: str, price: str) -> dict[str, Any]:
        """A commit or credit that is given once. Raises forms.ValidationError."""
        data, end = self.cleaned_data, self.cleaned_data["ending_before"]
        if end is None:
            raise forms.ValidationError({"ending_before": "Is needed for what is given once."})
        item = {"amount": amount, "starting_at": instant(data["starting_at"]), "ending_before": instant(end)}
        body = shared | {"access_schedule": {"credit_type_id": data["unit"], "schedule_items": [item]}}
        if data["priority"]:
            body["priority"] = data["priority"]
        if data["kind"] == "CREDIT":
            return body
        usual = data["starting_at"] if data["kind"] == "PREPAID" else end
        when = instant(data["invoiced_at"] or usual)
        body["invoice_schedule"] = {
            "credit_type_id": self.paid_in(),
            "schedule_items": [{"timestamp": when, "unit_price": price, "quantity": "1"}],
        }
        return body | {"type": data["kind"]}

    def _recurring(self, shared: dict[str, Any], amount: str, price: str) -> dict[str, Any]:
        data = self.cleaned_data
        if data["kind"] == "POSTPAID":
            raise forms.ValidationError({"recurs": "Only prepaid commits and credits recur."})
        if data["invoiced_at"]:
            raise forms.ValidationError({"invoiced_at": "What recurs is invoiced whenever it is given."})
        body = shared | filled(
            {
                "priority": data["priority"] or "100",
                "starting_at": instant(data["starting_at"]),
                "ending_before": instant(data["ending_before"]),
                "access_amount": {"unit_price": amount, "quantity": "1", "credit_type_id": data["unit"]},
                "commit_duration": {"value": 1},
                "recurrence_frequency": data["recurs"],
            }
        )
        if data["kind"] == "CREDIT":
            return {"add_recurring_credits": [body]}
        body["invoice_amount"] = {"unit_price": price, "quantity": "1", "credit_type_id": self.paid_in()}
        return {"add_recurring_commits": [body]}
