"""Scheduled charges and discounts: amounts by date, whatever is used."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from backoffice.making.edits import EditForm, currency_of, unit_choices
from backoffice.making.fields import HourField, choice, filled, instant, number, stored_amount, text
from backoffice.making.frame import Section
from backoffice.making.products import product_choices

OFTEN = (
    ("", "Once"), ("WEEKLY", "Every week"), ("MONTHLY", "Every month"), ("QUARTERLY", "Every quarter"),
    ("SEMI_ANNUAL", "Every half-year"), ("ANNUAL", "Every year"),
)  # fmt: skip
PATHS = {
    "product_id": "product_id",
    "name": "name",
    "schedule": "amount",
    "schedule.schedule_items.0.timestamp": "invoiced_at",
    "schedule.recurring_schedule.starting_at": "invoiced_at",
    "schedule.recurring_schedule.ending_before": "ending_before",
    "schedule.recurring_schedule.frequency": "often",
}
"""The form's field for each part of a charge's body."""


class ChargeForm(EditForm):
    """A charge on one date, or again and again."""

    adds = "add_scheduled_charges"
    fields_of: ClassVar[Mapping[str, str]] = {f"add_scheduled_charges.0.{path}": field for path, field in PATHS.items()}
    sections = (
        Section("What it is", ("product_id", "name", "amount", "quantity")),
        Section("When it is invoiced", ("invoiced_at", "often", "ending_before")),
    )
    said = "The charge is added. The invoice of its date holds it."
    product_id = choice("Booked under", (), help_text="A fixed product: what invoices and reports call it.")
    name = text("Name", required=False, help_text="On the invoice, instead of the product's name.")
    amount = text("Price of one", most=60, help_text="In the contract's currency, as people write it: 1,234.50.")
    quantity = number("Quantity", required=True, initial="1")
    invoiced_at = HourField("On")
    often = choice("How often", OFTEN, required=True)
    ending_before = HourField("Until", required=False, help_text="No longer part of it. Only for what comes again.")

    def prepare(self) -> None:
        self.fields["product_id"].choices = product_choices(self.at, "FIXED")  # type: ignore[attr-defined]
        self.fields["often"].required = False

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        unit = currency_of(self.subject)
        try:
            price = stored_amount(data["amount"], unit_choices()[unit])
        except forms.ValidationError as error:
            raise forms.ValidationError({"amount": error.messages}) from error
        each = {"unit_price": price, "quantity": data["quantity"]}
        start, end = instant(data["invoiced_at"]), instant(data["ending_before"])
        if data["often"]:
            if end is None:
                raise forms.ValidationError({"ending_before": "Is needed for what comes again."})
            again = {"frequency": data["often"], "amount_distribution": "EACH", "starting_at": start}
            schedule: dict[str, Any] = {"recurring_schedule": again | each | {"ending_before": end}}
        else:
            if end is not None:
                raise forms.ValidationError({"ending_before": "Is only for what comes again: empty it."})
            schedule = {"schedule_items": [each | {"timestamp": start}]}
        body = filled({"product_id": data["product_id"], "name": data["name"]})
        return {self.adds: [body | {"schedule": {"credit_type_id": unit, **schedule}}]}


class DiscountForm(ChargeForm):
    """An amount off the invoice of a date, or again and again."""

    adds = "add_discounts"
    fields_of: ClassVar[Mapping[str, str]] = {f"add_discounts.0.{path}": field for path, field in PATHS.items()}
    said = "The discount is added. The invoice of its date is less by it, down to nothing at most."
    amount = text("Amount off", most=60, help_text="In the contract's currency, as people write it: 1,234.50.")
