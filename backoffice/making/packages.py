"""Making packages, and contracts of them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from django import forms
from django.urls import reverse

from backoffice.making.catalogue import list_of
from backoffice.making.contracts import NewContractForm, hour_of
from backoffice.making.edits import EACH, FREQUENCIES, unit_choices, unit_options
from backoffice.making.fields import NONE, LinesField, choice, filled, instant, number, stored_amount, text
from backoffice.making.frame import Made, Making, MakingForm, Section
from backoffice.making.products import product_choices
from backoffice.package_words import words_of_template
from catalog.selectors import list_packages, list_rate_cards
from contracts import services
from contracts.api.contracts import contract_terms, of_package
from contracts.api.package_inputs import PackageCreateInput
from contracts.api.packages import checked_template, keep_package
from contracts.models import Contract
from core.admin.options import as_uuid
from engine.calendar import BillingDay
from engine.money import plain

AT_START: Final = {"value": 0, "unit": "DAYS"}
PRESETS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "fee": (
        "Fee in advance, usage in arrears",
        {"contract_name": "Pro", "day": "CONTRACT_START", "fee_frequency": "MONTHLY", "fee_collection": "ADVANCE",
         "fee_quantity": "1"},
    ),
    "prepaid": (
        "Prepaid commit",
        {"contract_name": "Prepaid", "duration": 12, "commit_months": 12, "commit_amount": "1000.00"},
    ),
    "credits": (
        "Credit included each month",
        {"contract_name": "Credits", "day": "CONTRACT_START", "credit_amount": "100.00", "credit_frequency": "MONTHLY"},
    ),
}  # fmt: skip
"""Starting points: what the empty form says then."""


def months(label: str, help_text: str) -> forms.IntegerField:
    """So many months, if any."""
    return forms.IntegerField(
        label=label, min_value=1, max_value=1200, required=False, widget=number("").widget, help_text=help_text
    )


class PackageForm(MakingForm):
    """A package: a contract's terms, counted from wherever a contract of it starts."""

    reads = PackageCreateInput
    fields_of: ClassVar[Mapping[str, str]] = {
        "rate_card_id": "rate_card",
        "usage_statement_schedule": "frequency",
        "subscriptions": "fee_product",
        "subscriptions.0.initial_quantity": "fee_quantity",
        "recurring_credits": "credit_amount",
        "recurring_credits.0.product_id": "credit_product",
        "commits": "commit_amount",
        "commits.0.product_id": "commit_product",
        "scheduled_charges": "charge_amount",
        "scheduled_charges.0.product_id": "charge_product",
        "overrides": "discount",
    }
    sections = (
        Section("1. The package", ("name", "aliases")),
        Section(
            "2. The contracts that it makes",
            ("contract_name", "rate_card", "duration", "frequency", "day", "net_payment_terms_days"),
        ),
        Section(
            "3. A fee per period, or seats",
            ("fee_product", "fee_quantity", "fee_frequency", "fee_collection"),
            "The price is that of the rate card. Leave the product empty for none.",
        ),
        Section(
            "4. Credit included each period",
            ("credit_product", "credit_amount", "credit_unit", "credit_frequency"),
            "Given, not invoiced; each lasts until the next. Leave the amount empty for none.",
        ),
        Section(
            "5. A prepaid commit",
            ("commit_product", "commit_amount", "commit_unit", "commit_price", "commit_months"),
            "Invoiced when the contract starts, then drawn. Leave the amount empty for none.",
        ),
        Section("6. A fee at the start", ("charge_product", "charge_amount"), "Such as a set-up fee."),
        Section("7. A discount on the card's prices", ("discount", "discount_product"), ""),
    )
    name = text("Name", help_text="Staff read it: “Pro 2026”. A package never changes; make a new one instead.")
    aliases = LinesField("Aliases", rows=2, help_text="One a line. An alias that another package has moves here.")
    contract_name = text("Name of its contracts", required=False, help_text="Customers read it: “Pro plan”.")
    rate_card = choice("Rate card", (), required=False, help_text="Without one, nothing that is used is priced.")
    duration = months("Lasts (months)", "Empty: open-ended.")
    frequency = choice("Billed", FREQUENCIES)
    day = choice(
        "Counted from",
        (
            (BillingDay.FIRST_OF_MONTH.value, "the first of the month"),
            (BillingDay.CONTRACT_START.value, "the day of the contract's start"),
        ),
    )
    net_payment_terms_days = forms.IntegerField(
        label="Days to pay", min_value=0, max_value=3650, initial=30, widget=number("").widget
    )
    fee_product = choice("Product", (), required=False, help_text="A subscription product.")
    fee_quantity = number("Quantity", initial="1")
    fee_frequency = choice("Each", tuple(EACH.items()))
    fee_collection = choice("Invoiced", (("ADVANCE", "in advance"), ("ARREARS", "afterwards")))
    credit_product = choice("Booked under", (), required=False)
    credit_amount = text("Amount", required=False, most=60, help_text="As people write it: 25 or 1,234.50.")
    credit_unit = choice("In", ())
    credit_frequency = choice("Given", tuple((key, EACH[key]) for key in ("MONTHLY", "QUARTERLY", "ANNUAL")))
    commit_product = choice("Booked under", (), required=False)
    commit_amount = text("Amount", required=False, most=60, help_text="What may be used.")
    commit_unit = choice("In", ())
    commit_price = text("Price", required=False, most=60, help_text="What is paid for it; the amount itself if empty.")
    commit_months = months("Can be used for (months)", "From the contract's start.")
    charge_product = choice("Booked under", (), required=False)
    charge_amount = text("Amount", required=False, most=60)
    discount = number("Percent off", help_text="10 for ten percent.")
    discount_product = choice("Of", (), required=False, help_text="A product of the card.")

    def prepare(self) -> None:
        self.units = unit_choices()
        self.cards = {str(card.pk): card for card in list_rate_cards().order_by("name")}
        options = unit_options(self.units)
        fixed, sold = product_choices(self.at, "FIXED"), product_choices(self.at, "USAGE", "SUBSCRIPTION", "COMPOSITE")
        chosen: dict[str, list[tuple[str, str]]] = {
            "rate_card": [("", NONE), *((key, card.name) for key, card in self.cards.items())],
            "fee_product": [("", NONE), *product_choices(self.at, "SUBSCRIPTION")],
            "discount_product": [("", NONE), *sold],
            "credit_unit": options, "commit_unit": options,
            **{f"{part}_product": [("", NONE), *fixed] for part in ("credit", "commit", "charge")},
        }  # fmt: skip
        for name, offered in chosen.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def _currency(self) -> str:
        card = self.cards.get(self.cleaned_data["rate_card"])
        return next(iter(self.units)) if card is None else str(card.fiat_credit_type_id)

    def _amount(self, name: str, unit: str) -> str:
        try:
            return stored_amount(self.cleaned_data[name], self.units[unit])
        except forms.ValidationError as error:
            raise forms.ValidationError({name: error.messages}) from error

    def _of(self, part: str) -> str:
        """The product of a part that was filled in. Raises forms.ValidationError."""
        product: str = self.cleaned_data[f"{part}_product"]
        if not product:
            raise forms.ValidationError({f"{part}_product": "Choose what it is booked under."})
        return product

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        lasts = {"value": data["duration"], "unit": "MONTHS"} if data["duration"] else None
        return filled(
            {
                "name": data["name"], "aliases": [{"name": name} for name in data["aliases"]],
                "contract_name": data["contract_name"], "rate_card_id": data["rate_card"], "duration": lasts,
                "usage_statement_schedule": {"frequency": data["frequency"], "day": data["day"]},
                "net_payment_terms_days": data["net_payment_terms_days"], "subscriptions": self._fee(),
                "recurring_credits": self._credit(), "commits": self._commit(), "scheduled_charges": self._charge(),
                "overrides": self._discount(), **self.key,
            }
        )  # fmt: skip

    def _fee(self) -> list[dict[str, Any]]:
        data = self.cleaned_data
        if not data["fee_product"]:
            return []
        rate = {"product_id": data["fee_product"], "billing_frequency": data["fee_frequency"]}
        return [
            {
                "subscription_rate": rate, "collection_schedule": data["fee_collection"],
                "initial_quantity": data["fee_quantity"] or "1", "proration": {"is_prorated": True},
                "starting_at_offset": AT_START,
            }
        ]  # fmt: skip

    def _credit(self) -> list[dict[str, Any]]:
        data = self.cleaned_data
        if not data["credit_amount"]:
            return []
        unit = data["credit_unit"]
        amount = {"unit_price": self._amount("credit_amount", unit), "quantity": 1, "credit_type_id": unit}
        return [
            {
                "product_id": self._of("credit"), "name": "Included credit", "priority": 50, "access_amount": amount,
                "commit_duration": {"value": 1, "unit": "PERIODS"}, "recurrence_frequency": data["credit_frequency"],
                "starting_at_offset": AT_START,
            }
        ]  # fmt: skip

    def _commit(self) -> list[dict[str, Any]]:
        data = self.cleaned_data
        if not data["commit_amount"]:
            return []
        if not data["commit_months"]:
            raise forms.ValidationError({"commit_months": "Say for how many months it can be used."})
        unit, currency = data["commit_unit"], self._currency()
        amount = self._amount("commit_amount", unit)
        if not data["commit_price"] and unit != currency:
            raise forms.ValidationError({"commit_price": "Say what it costs: its amount is in another unit."})
        price = self._amount("commit_price", currency) if data["commit_price"] else amount
        access = {"amount": amount, "starting_at_offset": AT_START,
                  "duration": {"value": data["commit_months"], "unit": "MONTHS"}}  # fmt: skip
        return [
            {
                "product_id": self._of("commit"), "type": "PREPAID", "name": "Prepaid commit", "priority": 100,
                "access_schedule": {"credit_type_id": unit, "schedule_items": [access]},
                "invoice_schedule": self._at_start(price, currency),
            }
        ]  # fmt: skip

    def _charge(self) -> list[dict[str, Any]]:
        if not self.cleaned_data["charge_amount"]:
            return []
        currency = self._currency()
        schedule = self._at_start(self._amount("charge_amount", currency), currency)
        return [{"product_id": self._of("charge"), "schedule": schedule}]

    @staticmethod
    def _at_start(price: str, currency: str) -> dict[str, Any]:
        item = {"date_offset": AT_START, "unit_price": price, "quantity": 1}
        return {"credit_type_id": currency, "schedule_items": [item]}

    def _discount(self) -> list[dict[str, Any]]:
        data = self.cleaned_data
        if not data["discount"]:
            return []
        try:
            off = Decimal(data["discount"])
        except InvalidOperation as error:
            raise forms.ValidationError({"discount": "Write a number, such as 10."}) from error
        if not 0 < off <= 100:
            raise forms.ValidationError({"discount": "From 0 to 100."})
        multiplier = plain(1 - off / 100)
        specifier = {"product_id": self._of("discount")}
        return [
            {
                "type": "MULTIPLIER", "multiplier": multiplier, "starting_at_offset": AT_START,
                "override_specifiers": [specifier],
            }
        ]  # fmt: skip

    def foretell(self, read: dict[str, Any]) -> list[str]:
        template = checked_template(self.body(), now=self.at)
        words = words_of_template(template, at=self.at)
        return [
            "These terms were tried on a contract that was undone: they can be agreed on.",
            *(f"{one.what}: {one.name}, {one.how_much}, {one.when}." for one in words),
        ]

    def carry_out(self, read: dict[str, Any]) -> Made:
        package = keep_package(read, self.body(), now=self.at)
        url = reverse("admin:catalog_package_change", args=[package.pk])
        return Made(f"{package.name} is made. Contracts can be made of it now.", url)


class PackageContractForm(NewContractForm):
    """A contract of a package: all terms come from it."""

    fields_of: ClassVar[Mapping[str, str]] = {**NewContractForm.fields_of, "package_id": "package"}
    sections = (Section("Who, of what and from when", ("customer", "package", "starting_at", "renews")),)
    package = choice("Package", ())

    def prepare(self) -> None:
        found = [(str(one.pk), one.name) for one in list_packages().order_by("name")]
        self.fields["package"].choices = found  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        return filled(
            {
                "customer_id": data["customer"], "package_id": data["package"],
                "starting_at": instant(data["starting_at"]), "transition": self.renewal(), **self.key,
            }
        )  # fmt: skip

    def create(self, read: dict[str, Any]) -> Contract:
        package, whole = of_package(read, self.body())
        return services.create_contract(**contract_terms(whole), package=package, now=self.at)


def _preset(_subject: Any, query: Mapping[str, str], _at: datetime) -> dict[str, Any]:
    """What a starting point says."""
    _, said = PRESETS.get(query.get("preset", ""), ("", {}))
    return said


def _of_package(_subject: Any, query: Mapping[str, str], at: datetime) -> dict[str, Any]:
    """From this hour, of the package or for the customer whose page led here."""
    key = as_uuid(query.get("package", ""))
    return {
        "starting_at": hour_of(at), "customer": query.get("customer", "")[:200], "package": "" if key is None else key
    }  # fmt: skip


PACKAGE = Making(
    title="New package",
    permission="catalog.create_package",
    form=PackageForm,
    submit="Create the package",
    effects=(
        "Contracts can be made of it, each with dates counted from its own start. Those that exist stay as they are.",
        "You will see its terms, tried on a contract, before anything is stored.",
    ),
    back=lambda _: list_of("package"),
    suggested=_preset,
    asks_first=True,
)
PACKAGE_CONTRACT = Making(
    title="New contract of a package",
    permission="contracts.create_contract",
    form=PackageContractForm,
    submit="Create the contract",
    effects=("You will see the drafts that it makes before anything is stored.",),
    back=lambda _: reverse("admin:contracts_contract_changelist"),
    suggested=_of_package,
    asks_first=True,
)
