"""Making contracts, and changing them: commits, credits, overrides, subscriptions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.urls import reverse

from backoffice.making.catalogue import product_choices
from backoffice.making.fields import (
    NONE,
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
from backoffice.making.frame import Made, Making, MakingForm, Section
from backoffice.making.rehearsal import drafts_of, rehearse, told
from catalog.models import CreditType
from catalog.selectors import list_credit_types, list_rate_cards, state_at
from contracts import services
from contracts.api.contracts import CreateInput
from contracts.api.edits import EditInput, teller
from contracts.api.overrides import new_override
from contracts.api.subscription_inputs import new_subscription, subscription_update
from contracts.models import Contract
from contracts.parts import contract_parts, given_parts
from contracts.selectors import subscriptions_of
from core.admin.options import as_uuid
from customers.models import Customer
from engine.calendar import BILLING_FREQUENCIES, BillingDay
from presentation import formatting

EACH = {"MONTHLY": "Every month", "QUARTERLY": "Every quarter", "ANNUAL": "Every year", "WEEKLY": "Every week"}
FREQUENCIES = tuple((name, said) for name, said in EACH.items() if name in BILLING_FREQUENCIES)
KINDS = (
    ("PREPAID", "Prepaid commit: invoiced first, then drawn"),
    ("POSTPAID", "Postpaid commit: what is not used is invoiced at the end"),
    ("CREDIT", "Credit: given, not invoiced"),
)


def page_of(contract: Contract) -> str:
    """The contract's page."""
    return reverse("admin:contracts_contract_change", args=[contract.pk])


def living_contract(key: UUID) -> Contract | None:
    """The contract, unless it is archived."""
    rows = Contract.objects.select_related("customer", "rate_card__fiat_credit_type")
    return rows.filter(pk=key, archived_at__isnull=True).first()


def unit_choices() -> dict[str, CreditType]:
    """The units that amounts may be in, USD first."""
    rows = sorted(list_credit_types(), key=lambda unit: (unit.code != "USD", not unit.is_currency, unit.name))
    return {str(unit.pk): unit for unit in rows}


def unit_options(units: Mapping[str, CreditType]) -> list[tuple[str, str]]:
    """The same for a field."""
    return [(key, formatting.unit_code(unit)) for key, unit in units.items()]


class ContractForm(MakingForm):
    """A contract from scratch."""

    reads = CreateInput
    fields_of = {
        "customer_id": "customer",
        "rate_card_id": "rate_card",
        "usage_statement_schedule": "frequency",
        "usage_statement_schedule.billing_anchor_date": "billing_anchor_date",
        "transition": "renews",
    }
    sections = (
        Section("1. Who and at which prices", ("customer", "name", "rate_card")),
        Section("2. From when to when", ("starting_at", "ending_before", "renews")),
        Section("3. How it is billed", ("frequency", "day", "billing_anchor_date", "net_payment_terms_days")),
    )
    customer = text("Customer", help_text="Name, ingest alias or id.")
    name = text("Name of the contract", required=False, help_text="Such as “Enterprise 2026”.")
    rate_card = choice("Rate card", (), required=False, help_text="Without one, nothing that is used is priced.")
    starting_at = HourField("Starts")
    ending_before = HourField("Ends before", required=False, help_text="No longer part of it. Empty: open-ended.")
    renews = text(
        "Renews contract", required=False, help_text="Id of the customer's contract that ends where this begins."
    )
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

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        schedule = filled(
            {
                "frequency": data["frequency"],
                "day": data["day"],
                "billing_anchor_date": instant(data["billing_anchor_date"]),
            }
        )
        renewal = {"type": "RENEWAL", "from_contract_id": data["renews"]} if data["renews"] else None
        return filled(
            {
                "customer_id": data["customer"], "name": data["name"], "rate_card_id": data["rate_card"],
                "starting_at": instant(data["starting_at"]), "ending_before": instant(data["ending_before"]),
                "transition": renewal, "net_payment_terms_days": data["net_payment_terms_days"],
                "usage_statement_schedule": schedule, **self.key,
            }
        )  # fmt: skip

    def _create(self, read: dict[str, Any]) -> Contract:
        body = dict(read)
        schedule = services.UsageStatementSchedule(**body.pop("usage_statement_schedule"))
        if transition := body.pop("transition", None):
            body |= {"renews": transition["from_contract_id"], "transition": transition["type"]}
        return services.create_contract(**body, schedule=schedule, now=self.at)

    def foretell(self, read: dict[str, Any]) -> list[str]:
        customer_id = read["customer_id"]
        before = drafts_of(customer_id, self.at)
        after = rehearse(lambda: self._create(read), customer_id=customer_id, at=self.at)
        name = Customer.objects.get(pk=customer_id).name
        start, end = read["starting_at"], read.get("ending_before")
        until = f"until {formatting.instant(end)} UTC" if end else "with no end"
        lines = [f"{name} gets a contract from {formatting.instant(start)} UTC {until}."]
        if start > self.at:
            return [*lines, "Its first draft begins with it.", *told(before, after)[:5]]
        return [*lines, *told(before, after)]

    def carry_out(self, read: dict[str, Any]) -> Made:
        contract = self._create(read)
        return Made("The contract is made. Add its commits, overrides and seats here.", page_of(contract))


class EditForm(MakingForm):
    """One thing added to or changed in a contract, as `/v2/contracts/edit` takes it."""

    reads = EditInput
    said = "The contract is changed."

    def change(self) -> dict[str, Any]:
        """The part of the edit's body that this form is about."""
        raise NotImplementedError

    def body(self) -> dict[str, Any]:
        return {
            "customer_id": str(self.subject.customer_id),
            "contract_id": str(self.subject.pk),
            **self.change(),
            **self.key,
        }

    def edit(self, read: dict[str, Any]) -> None:
        """The service call."""
        body = dict(read)
        for part in contract_parts():
            part.prepare(body)
        services.edit_contract(
            contract_id=body["contract_id"],
            customer_id=body["customer_id"],
            add_overrides=[new_override(entry) for entry in body.get("add_overrides", ())],
            remove_overrides=[entry["id"] for entry in body.get("remove_overrides", ())],
            add_subscriptions=[new_subscription(entry) for entry in body.get("add_subscriptions") or ()],
            update_subscriptions=[subscription_update(entry) for entry in body.get("update_subscriptions") or ()],
            name=body.get("update_contract_name"),
            uniqueness_key=body.get("uniqueness_key"),
            parts=given_parts(body, editing=True),
            tell=teller(read, self.at),
            now=self.at,
        )

    def foretell(self, read: dict[str, Any]) -> list[str]:
        customer_id = self.subject.customer_id
        before = drafts_of(customer_id, self.at)
        return told(before, rehearse(self._again, customer_id=customer_id, at=self.at))

    def _again(self) -> None:
        """The edit of a body that is read anew: carrying out settles ids in it."""
        reader = self.reads(data=self.body())
        reader.is_valid(raise_exception=True)
        self.edit(dict(reader.validated_data))

    def carry_out(self, read: dict[str, Any]) -> Made:
        self.edit(read)
        return Made(self.said, page_of(self.subject))


class NameForm(EditForm):
    """What the contract is called."""

    sections = (Section("Name", ("name",)),)
    fields_of = {"update_contract_name": "name"}
    said = "The contract has another name now."
    name = text("Name")

    def change(self) -> dict[str, Any]:
        return {"update_contract_name": self.cleaned_data["name"]}


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

    fields_of = {
        f"add_{name}.0.{path}": field
        for name in ("commits", "credits", "recurring_commits", "recurring_credits")
        for path, field in BALANCE_PATHS.items()
    }

    sections = (
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

    def change(self) -> dict[str, Any]:
        data = self.cleaned_data
        shared = filled(
            {
                "name": data["name"], "product_id": data["product_id"], "rollover_fraction": data["rollover"],
                **self.scope(),
            }
        )  # fmt: skip
        amount = self._amount("amount", data["unit"])
        currency = self.subject.rate_card.fiat_credit_type if self.subject.rate_card else None
        paid_in = str(currency.pk) if currency is not None else next(iter(self.units))
        if not data["price"] and data["unit"] != paid_in and data["kind"] != "CREDIT":
            raise forms.ValidationError({"price": "Is needed: the amount is not in the contract's currency."})
        price = self._amount("price", paid_in) if data["price"] else amount
        credit = data["kind"] == "CREDIT"
        if credit and (data["price"] or data["invoiced_at"]):
            raise forms.ValidationError({"kind": "A credit is not invoiced: empty the price, or choose a commit."})
        if data["recurs"]:
            return self._recurring(shared, amount, price, paid_in)
        end = data["ending_before"]
        if end is None:
            raise forms.ValidationError({"ending_before": "Is needed for what is given once."})
        item = {"amount": amount, "starting_at": instant(data["starting_at"]), "ending_before": instant(end)}
        body = shared | {"access_schedule": {"credit_type_id": data["unit"], "schedule_items": [item]}}
        if data["priority"]:
            body["priority"] = data["priority"]
        if credit:
            return {"add_credits": [body]}
        usual = data["starting_at"] if data["kind"] == "PREPAID" else end
        when = instant(data["invoiced_at"] or usual)
        body["invoice_schedule"] = {
            "credit_type_id": paid_in,
            "schedule_items": [{"timestamp": when, "unit_price": price, "quantity": "1"}],
        }
        return {"add_commits": [body | {"type": data["kind"]}]}

    def _recurring(self, shared: dict[str, Any], amount: str, price: str, paid_in: str) -> dict[str, Any]:
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
        body["invoice_amount"] = {"unit_price": price, "quantity": "1", "credit_type_id": paid_in}
        return {"add_recurring_commits": [body]}


class OverrideForm(ScopeForm):
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


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _for_contract(_subject: Any, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From the first of the month, for the customer whose page led here."""
    return {"starting_at": _hour(at).replace(day=1, hour=0), "customer": query.get("customer", "")[:200]}


def _within(contract: Contract, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From now or the contract's start, to its end or for a year."""
    start = max(contract.starting_at, _hour(at))
    end = contract.ending_before or start + timedelta(days=365)
    return {"starting_at": start, "ending_before": end, "kind": query.get("kind", "PREPAID")}


def _from_start(contract: Contract, _query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    return {"starting_at": max(contract.starting_at, _hour(at))}


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
}  # fmt: skip
"""Edits of a contract by the end of their address."""
