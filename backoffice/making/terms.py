"""Prices, subscriptions and quantities that a contract agrees on."""

from typing import Any

from django import forms

from backoffice.making.edits import EACH, EditForm
from backoffice.making.fields import (
    NONE,
    HourField,
    LinesField,
    choice,
    filled,
    instant,
    number,
    stored_amount,
    text,
)
from backoffice.making.frame import Section
from backoffice.making.products import product_choices
from catalog.selectors import state_at
from contracts.selectors import subscriptions_of


class OverrideForm(EditForm):
    """A price agreed on this contract."""

    sections = (
        Section("For what", ("product_id", "tags"), "One product, or all with these tags; nothing means everything."),
        Section("The price", ("type", "multiplier", "price")),
        Section("From when to when", ("starting_at", "ending_before")),
    )
    fields_of = {
        f"add_overrides.0.{path}": field
        for path, field in (
            ("overwrite_rate", "price"), ("override_specifiers", "product_id"), ("applicable_product_tags", "tags"),
        )
    }  # fmt: skip
    said = "The price is agreed. Open drafts have it already."
    product_id = choice("Product", (), required=False)
    tags = LinesField("Tags", rows=2, help_text="One a line. Not together with a product.")
    type = choice("How", (("MULTIPLIER", "List price times a factor"), ("OVERWRITE", "A price of its own")))
    multiplier = number("Factor", help_text="0.8 is 20 % off.")
    price = text("Price per unit", required=False, most=60, help_text="In the contract's currency: 0.0025.")
    starting_at = HourField("From")
    ending_before = HourField("Until", required=False, help_text="Empty: as long as the contract.")

    def prepare(self) -> None:
        found = product_choices(self.at, "USAGE", "SUBSCRIPTION", "COMPOSITE")
        self.fields["product_id"].choices = [("", NONE), *found]  # type: ignore[attr-defined]

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["product_id"] and data["tags"]:
            raise forms.ValidationError({"tags": "Not together with a product."})
        body = filled({name: data[name] for name in ("product_id", "type")})
        body |= filled({"applicable_product_tags": data["tags"], "starting_at": instant(data["starting_at"])})
        body |= filled({"ending_before": instant(data["ending_before"])})
        wanted, other = ("multiplier", "price") if data["type"] == "MULTIPLIER" else ("price", "multiplier")
        if not data[wanted]:
            raise forms.ValidationError({wanted: "Is needed."})
        if data[other]:
            raise forms.ValidationError({other: "Is not for this way: empty it."})
        if wanted == "multiplier":
            return {"add_overrides": [body | {"multiplier": data["multiplier"]}]}
        if self.subject.rate_card is None:
            raise forms.ValidationError({"price": "The contract has no rate card whose price it would replace."})
        try:
            price = stored_amount(data["price"], self.subject.rate_card.fiat_credit_type)
        except forms.ValidationError as error:
            raise forms.ValidationError({"price": error.messages}) from error
        return {"add_overrides": [body | {"overwrite_rate": {"rate_type": "FLAT", "price": price}}]}


class SubscriptionForm(EditForm):
    """A subscription with a quantity."""

    sections = (
        Section("What is subscribed to", ("product_id", "billing_frequency", "name", "initial_quantity")),
        Section("How it is billed", ("collection_schedule", "is_prorated", "starting_at", "ending_before")),
    )
    fields_of = {"add_subscriptions.0.subscription_rate": "product_id", "add_subscriptions.0.proration": "is_prorated"}
    said = "The subscription is added."
    product_id = choice("Product", (), help_text="It needs a rate with this frequency on the contract's card.")
    billing_frequency = choice(
        "Billed", tuple((key, EACH[key]) for key in ("MONTHLY", "QUARTERLY", "ANNUAL", "WEEKLY"))
    )
    name = text("Name", required=False)
    initial_quantity = number("Quantity", required=True, initial="1", help_text="Seats, licences.")
    collection_schedule = choice("Paid", (("ADVANCE", "in advance"), ("ARREARS", "in arrears")))
    is_prorated = choice("Part of a period", (("yes", "is charged in part"), ("no", "is charged in full")))
    starting_at = HourField("From", required=False, help_text="With the contract if empty.")
    ending_before = HourField("Until", required=False, help_text="With the contract if empty.")

    def prepare(self) -> None:
        self.fields["product_id"].choices = product_choices(self.at, "SUBSCRIPTION")  # type: ignore[attr-defined]

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        body = {
            "collection_schedule": data["collection_schedule"],
            "proration": {"is_prorated": data["is_prorated"] == "yes", "invoice_behavior": "BILL_IMMEDIATELY"},
            "subscription_rate": {"product_id": data["product_id"], "billing_frequency": data["billing_frequency"]},
            "initial_quantity": data["initial_quantity"],
            "name": data["name"],
            "starting_at": instant(data["starting_at"]),
            "ending_before": instant(data["ending_before"]),
        }
        return {"add_subscriptions": [filled(body)]}


class QuantityForm(EditForm):
    """Another quantity of a subscription, from an instant on."""

    sections = (Section("How many", ("subscription_id", "quantity", "starting_at")),)
    fields_of = {
        "update_subscriptions.0.subscription_id": "subscription_id",
        "update_subscriptions.0.quantity_updates": "quantity",
        "update_subscriptions.0.quantity_updates.0.starting_at": "starting_at",
    }
    said = "The quantity is changed."
    subscription_id = choice("Subscription", ())
    quantity = number("Quantity", required=True, help_text="In all, from then on.")
    starting_at = HourField("From")

    def prepare(self) -> None:
        rows = subscriptions_of([self.subject.pk]).get(self.subject.pk, [])
        named = [(str(row.pk), row.name or state_at(list(row.product.versions.all()), self.at).name) for row in rows]
        self.fields["subscription_id"].choices = named  # type: ignore[attr-defined]

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        update = {"starting_at": instant(data["starting_at"]), "quantity": data["quantity"]}
        return {"update_subscriptions": [{"subscription_id": data["subscription_id"], "quantity_updates": [update]}]}
