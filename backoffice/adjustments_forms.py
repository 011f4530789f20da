"""What staff fill in to adjust a customer's balances."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from balances.adjustment_models import Adjustment
from balances.admin.balances import access_text, amount_text, name_of, scope_words
from balances.models import DEFAULT_PRIORITY, AccessType, Balance, Segment
from balances.selectors.adjustments import default_expiry
from balances.selectors.live import Pending, left_in
from balances.services import AdjustmentReason, CreditRequest, LedgerEntryRequest, NewAdjustment
from billing.models import BillingPeriod
from catalog.models import CreditType
from core.admin.inputs import DayInput
from customers.models import Customer
from presentation import formatting
from presentation.formatting import parse_money

MOST_STARTS = 6
FIRST_YEAR = 2000
NOW = "now"
WHEN = "When it counts"
NAMED = "What it is called"
LIMITS = "Limit what it pays for"
STAFF = "For staff only"


@dataclass(frozen=True, slots=True)
class Choice:
    """A segment that can be adjusted, with its balance; the balance comes with its product's versions."""

    balance: Balance
    segment: Segment

    def title(self, at: datetime) -> str:
        """ "Starter credit, 1-31 Mar 2026" """
        return f"{name_of(self.balance, at)}, {access_text(self.segment.starting_at, self.segment.ending_before)}"

    def label(self, pending: Pending, at: datetime) -> str:
        """The same with what is left: "…: 12.00 USD left" """
        return f"{self.title(at)}: {amount_text(left_in(self.segment, pending), self.balance)} left"


@dataclass(frozen=True, slots=True)
class AdjustmentContext:
    """What the page needs to know of a customer: read once for each request."""

    customer: Customer
    at: datetime
    pending: Pending
    choices: Sequence[Choice]
    units: Sequence[CreditType]
    products: Sequence[tuple[str, str]]
    # what the last credit was booked under, by whomever; empty before there was one
    usual_product: str
    # what a credit may be limited to: (id, name) of what can be charged, tags, contracts
    payable: Sequence[tuple[str, str]]
    tags: Sequence[str]
    contracts: Sequence[tuple[str, str]]
    # open billing periods that have begun and that this customer pays, those that begin last first
    periods: Sequence[BillingPeriod]

    @property
    def starts(self) -> dict[str, datetime]:
        """When a credit may begin besides now: with an open draft, so that it pays all of it; by the form's word."""
        found = dict.fromkeys(period.period_start for period in self.periods)
        return {f"{start:%Y-%m-%dT%H}": start for start in list(found)[:MOST_STARTS]}


@dataclass(frozen=True, slots=True)
class Fold:
    """Fields that few need, behind a line that says what they are set to."""

    title: str
    set_to: str
    fields: Sequence[forms.BoundField]
    is_open: bool


class WhyForm(forms.Form):
    """What both kinds of adjustment ask."""

    order: ClassVar[tuple[str, ...]] = ()
    # fields that few need, by the title of the fold that they stand behind
    folded: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = forms.CharField(
        max_length=60,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="As people write it: 25 or 1,234.50.",
    )
    reason_code = forms.ChoiceField(
        label="Reason", choices=Adjustment.ReasonCode.choices, widget=UnfoldAdminSelectWidget()
    )
    public_reason = forms.CharField(
        label="In words, for the customer",
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The customer reads it in the ledger.",
    )
    note = forms.CharField(
        label="Internal note",
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For staff only.",
    )
    ticket_url = forms.CharField(
        label="Ticket",
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "url", "autocomplete": "off"}),
        help_text="Its address, https://…",
    )

    def __init__(self, context: AdjustmentContext, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context = context
        self.prepare()
        self.order_fields(self.order)

    def prepare(self) -> None:
        """Fills in what may be chosen."""

    @abstractmethod
    def unit(self) -> CreditType | None:
        """What the amount counts; None while that is not chosen. Units of usage have none of their own."""

    @abstractmethod
    def asked(self) -> LedgerEntryRequest | CreditRequest:
        """What is asked for."""

    @abstractmethod
    def set_to(self, title: str) -> Sequence[str]:
        """What the fields behind a fold are set to, in words."""

    def needs_choice(self, name: str) -> bool:
        """Whether nobody could leave the field as it comes, so that it stands before the folds."""
        field = self.fields[name]
        return field.required and self.get_initial_for_field(field, name) in (None, "")

    def first_fields(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        behind = {name for names in self.folded.values() for name in names}
        return [field for field in self.visible_fields() if field.name not in behind or self.needs_choice(field.name)]

    def folds(self) -> list[Fold]:
        """The rest. Closed when the page is opened; open where something behind was filled in or refused."""
        first = {field.name for field in self.first_fields()}
        found = []
        for title, names in self.folded.items():
            fields = [self[name] for name in names if name in self.fields and name not in first]
            touched = self.is_bound and any(field.errors or field.name in self.changed_data for field in fields)
            found.append(Fold(title, ", ".join(self.set_to(title)), fields, touched))
        return found

    def chosen_text(self, name: str) -> str:
        """What a list or a day is set to, as people read it; "" for nothing."""
        value, field = self[name].value(), self.fields[name]
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(str(value or ""), ""))  # type: ignore[arg-type]
        if isinstance(field, forms.DateField):
            try:
                value = field.to_python(value)
            except forms.ValidationError:
                return str(value)
            return formatting.day(value) if value else ""
        return str(value or "").strip()

    def clean(self) -> dict[str, Any]:
        """The amount is read once its unit is known."""
        data = super().clean() or self.cleaned_data
        text, unit = data.get("amount"), self.unit()
        if text is not None and unit is not None:
            places = unit.places if unit.is_currency else None
            try:
                data["amount"] = parse_money(text, minor_digits=unit.minor_digits, places=places)
            except ValueError as error:
                self.add_error("amount", str(error))
        return data

    def new(self) -> NewAdjustment:
        """What the service takes."""
        data = self.cleaned_data
        reason = AdjustmentReason(data["reason_code"], data["public_reason"], data["note"], data["ticket_url"])
        return NewAdjustment(customer_id=self.context.customer.pk, asked=self.asked(), reason=reason, id=data["key"])


class CreditForm(WhyForm):
    """A new credit."""

    folded: ClassVar[Mapping[str, tuple[str, ...]]] = {
        WHEN: ("begins", "starting_at", "ending_before"),
        NAMED: ("name", "product_id"),
        LIMITS: ("applicable_product_ids", "applicable_product_tags", "contract_id", "priority"),
        STAFF: ("ticket_url", "note"),
    }
    order = (
        "amount", "credit_type_id", "reason_code", "public_reason",
        *(name for names in folded.values() for name in names),
    )  # fmt: skip

    credit_type_id = forms.ChoiceField(label="Unit", widget=UnfoldAdminSelectWidget())
    begins = forms.ChoiceField(
        label="Pays usage from",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="To make good what has happened already, begin with the draft that it stands in.",
    )
    starting_at = forms.DateField(
        label="Or from a day of your own",
        required=False,
        widget=DayInput(),
        help_text="00:00 UTC of this day, past or to come.",
    )
    ending_before = forms.DateField(
        label="Expires on", widget=DayInput(), help_text="What is left then is gone at 00:00 UTC of this day."
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="As the customer sees the credit; empty: its product's name.",
    )
    product_id = forms.ChoiceField(
        label="Product", widget=UnfoldAdminSelectWidget(), help_text="What reports book it under."
    )
    applicable_product_ids = forms.MultipleChoiceField(
        label="Products it pays for",
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": 6}),
        help_text="None: all. Several with Ctrl or Cmd.",
    )
    applicable_product_tags = forms.MultipleChoiceField(
        label="Tags it pays for",
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(attrs={"size": 4}),
        help_text="Products with any of these tags, beside those above.",
    )
    contract_id = forms.ChoiceField(label="Contract it pays on", required=False, widget=UnfoldAdminSelectWidget())
    priority = forms.DecimalField(
        required=False,
        max_digits=12,
        decimal_places=4,
        initial=DEFAULT_PRIORITY,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=f"Of several balances the lower number pays first. Empty: {DEFAULT_PRIORITY}.",
    )

    def prepare(self) -> None:
        """The units that the customer deals in, products that a credit may hang on, one year's access."""
        self.choose("credit_type_id", [(str(unit.pk), formatting.unit_code(unit)) for unit in self.context.units])
        if len(self.context.units) == 1:
            self.fields["credit_type_id"].widget = forms.HiddenInput()
            self.fields["amount"].label = f"Amount, {formatting.unit_code(self.context.units[0])}"
        self.choose("begins", [(NOW, f"now, {self.hour:%H:%M} UTC"), *self.draft_starts()])
        products, usual = self.context.products, self.context.usual_product
        # never one by chance: reports book the credit under it, and without a name the customer reads it
        self.choose("product_id", products if len(products) == 1 else [("", "Choose a product"), *products])
        self.fields["product_id"].initial = usual or self.fields["product_id"].initial
        self.choose("contract_id", [("", "All contracts"), *self.context.contracts])
        self.choose("applicable_product_ids", self.context.payable)
        self.choose("applicable_product_tags", [(tag, tag) for tag in self.context.tags])
        if not self.context.tags:
            del self.fields["applicable_product_tags"]
        expiry = default_expiry(customer_id=self.context.customer.pk, now=self.context.at)
        self.fields["ending_before"].initial = expiry

    def choose(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """What a list offers; the first is meant unless somebody says otherwise."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = list(choices)
            if not isinstance(field, forms.MultipleChoiceField):
                field.initial = choices[0][0] if choices else None

    def unit(self) -> CreditType | None:
        chosen = self.cleaned_data.get("credit_type_id")
        return next((unit for unit in self.context.units if str(unit.pk) == chosen), None)

    @property
    def hour(self) -> datetime:
        """The one that has begun: a credit from now on begins with it."""
        return self.context.at.replace(minute=0, second=0, microsecond=0)

    def draft_starts(self) -> list[tuple[str, str]]:
        """The starts of open drafts as choices: "1 Nov 2026, with the draft 1-30 Nov 2026"."""
        spans: dict[datetime, dict[str, None]] = {}
        for one in self.context.periods:
            spans.setdefault(one.period_start, {})[formatting.period(one.period_start, one.period_end)] = None
        return [
            (word, f"{formatting.day(start)}, with the draft {' and '.join(spans[start])}")
            for word, start in self.context.starts.items()
        ]

    def set_to(self, title: str) -> Sequence[str]:
        if title == WHEN:
            day = self.chosen_text("starting_at")
            start = day or self.chosen_text("begins") or "now"
            return [f"from {start}", f"expires {self.chosen_text('ending_before') or 'on no day yet'}"]
        if title == NAMED:
            product = "" if self.needs_choice("product_id") else self.chosen_text("product_id")
            return [
                self.chosen_text("name") or "named as its product",
                *([f"booked under {product}"] if product else []),
            ]
        if title == LIMITS:
            names = {**dict(self.context.payable), **{tag: f"all tagged {tag}" for tag in self.context.tags}}
            chosen = [
                names[value]
                for name in ("applicable_product_ids", "applicable_product_tags")
                if name in self.fields
                for value in self[name].value() or ()
                if value in names
            ]
            contract = self.chosen_text("contract_id").replace("All", "all")
            return [" and ".join(chosen) or "everything", f"on {contract}", f"priority {self['priority'].value()}"]
        return staff_words(self)

    def asked(self) -> CreditRequest:
        data = self.cleaned_data
        start = data["starting_at"]
        return CreditRequest(
            product_id=UUID(data["product_id"]),
            credit_type_id=UUID(data["credit_type_id"]),
            amount=data["amount"],
            starting_at=_midnight(start) if start else self.context.starts.get(data["begins"], self.hour),
            ending_before=_midnight(data["ending_before"]),
            name=data["name"],
            applicable_product_ids=tuple(data["applicable_product_ids"]),
            applicable_product_tags=tuple(data.get("applicable_product_tags", ())),
            contract_id=UUID(data["contract_id"]) if data["contract_id"] else None,
            priority=Decimal(DEFAULT_PRIORITY) if data["priority"] is None else data["priority"],
        )

    def scope(self) -> str:
        """What the credit that is asked for pays for, in words."""
        asked = self.asked()
        names = dict(self.context.payable)
        products = [names[product_id] for product_id in asked.applicable_product_ids]
        return scope_words(
            products, asked.applicable_product_tags, dict(self.context.contracts).get(str(asked.contract_id))
        )

    def clean_ending_before(self) -> date:
        """A day that calendars know, and after the first one."""
        chosen: date = self.cleaned_data["ending_before"]
        if chosen.year > 2200:
            raise forms.ValidationError("Must be before 2201.")
        if chosen <= self.context.at.date():
            raise forms.ValidationError("Must be a day to come.")
        return chosen

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        start, end = data.get("starting_at"), data.get("ending_before")
        if start and end and start >= end:
            self.add_error("starting_at", "Must be before it expires.")
        if start and start.year < FIRST_YEAR:
            self.add_error("starting_at", f"Must be in {FIRST_YEAR} or later.")
        if start and data.get("begins") not in (None, "", NOW):
            self.add_error("starting_at", "Choose one: a draft's start above, or a day of your own.")
        return data


class EntryForm(WhyForm):
    """An entry in the ledger of a balance that is there."""

    folded: ClassVar[Mapping[str, tuple[str, ...]]] = {STAFF: ("ticket_url", "note")}
    order = ("segment_id", "direction", "amount", "reason_code", "public_reason", *folded[STAFF])

    segment_id = forms.ChoiceField(label="Balance", widget=UnfoldAdminSelectWidget())
    direction = forms.ChoiceField(
        label="What to do",
        choices=(("add", "Add to it"), ("take", "Take from it")),
        widget=UnfoldAdminSelectWidget(),
    )

    def prepare(self) -> None:
        """The segments that have not ended."""
        field = self.fields["segment_id"]
        if isinstance(field, forms.ChoiceField):
            pending, at = self.context.pending, self.context.at
            field.choices = [(str(each.segment.pk), each.label(pending, at)) for each in self.context.choices]

    def set_to(self, title: str) -> Sequence[str]:
        return staff_words(self)

    def chosen(self) -> Choice | None:
        """The segment that is meant."""
        wanted = self.cleaned_data.get("segment_id")
        return next((each for each in self.context.choices if str(each.segment.pk) == wanted), None)

    def unit(self) -> CreditType | None:
        found = self.chosen()
        if found is None:
            return None
        # units of usage are written as they are, and may be split
        whole = CreditType(name="units")
        return whole if found.balance.access_type == AccessType.QUANTITY else found.balance.credit_type

    def asked(self) -> LedgerEntryRequest:
        data = self.cleaned_data
        amount: Decimal = data["amount"]
        return LedgerEntryRequest(
            UUID(data["segment_id"]), amount.copy_negate() if data["direction"] == "take" else amount
        )


def staff_words(form: WhyForm) -> list[str]:
    """Whether a ticket and a note are given."""
    return [form.chosen_text("ticket_url") or "no ticket", "a note" if form.chosen_text("note") else "no note"]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
