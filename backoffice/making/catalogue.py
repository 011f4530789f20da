"""Making metrics, rate cards and pricing units, and changing them."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.urls import reverse
from rest_framework.serializers import Serializer

from backoffice.making.fields import (
    LinesField,
    choice,
    filled,
    stored_amount,
    text,
)
from backoffice.making.frame import Made, Making, MakingForm, Section
from catalog import services
from catalog.api import credit_types, metrics, rate_cards
from catalog.models import BillableMetric, CreditType, Product, RateCard
from catalog.selectors import list_credit_types, list_metrics
from catalog.services.rate_cards import AliasWindow, Conversion
from engine.usage import Aggregation

HOW = {
    "COUNT": "Number of events",
    "SUM": "Sum of a property",
    "MAX": "Greatest value of a property",
    "UNIQUE": "Number of different values of a property",
    "LATEST": "Last value of a property",
}
"""Aggregations as people say them."""


def page_of(record: BillableMetric | Product | RateCard | CreditType) -> str:
    """The page of what was made."""
    return reverse(f"admin:catalog_{record._meta.model_name}_change", args=[record.pk])


def list_of(model: str) -> str:
    """The list of such records."""
    return reverse(f"admin:catalog_{model}_changelist")


def keys_of(lines: Iterable[str]) -> list[list[str]]:
    """Group keys, one a line: `region, model`."""
    return [[name.strip() for name in line.split(",") if name.strip()] for line in lines]


def rule_of(line: str) -> dict[str, Any]:
    """A rule on one property: `model`, `model = a, b`, `model != a, b` or `!model`. Raises forms.ValidationError."""
    for sign, kind in (("!=", "not_in_values"), ("=", "in_values")):
        name, found, values = line.partition(sign)
        if found:
            wanted = [one.strip() for one in values.split(",") if one.strip()]
            if not name.strip() or not wanted:
                raise forms.ValidationError({"property_filters": f"“{line[:80]}” needs a property and values."})
            return {"name": name.strip(), "exists": True, kind: wanted}
    return {"name": line.removeprefix("!").strip(), "exists": not line.startswith("!")}


class MetricForm(MakingForm):
    """A billable metric."""

    reads = metrics.CreateInput
    fields_of = {"event_type_filter": "event_types", "property_filters": "property_filters", "group_keys": "group_keys"}
    sections = (
        Section("What it counts", ("name", "aggregation_type", "aggregation_key")),
        Section("Which events", ("event_types", "property_filters")),
        Section("How its usage can be told apart", ("group_keys",), "By these, prices can differ and invoices list."),
    )
    name = text("Name", help_text="As on your price list: “Tokens”, “API calls”.")
    aggregation_type = choice("How it counts", tuple((one.value, HOW.get(one.value, one.value)) for one in Aggregation))
    aggregation_key = text(
        "Property that is added up",
        required=False,
        help_text="The property of an event, such as tokens. Not for Count.",
    )
    event_types = LinesField("Event types", help_text="One a line. Empty: events of every type.")
    property_filters = LinesField(
        "Only events where",
        help_text="One rule a line: “region” (is there), “region = eu, us”, “region != test”, “!trial” (is not there).",
    )
    group_keys = LinesField(
        "Group keys",
        help_text="One a line; several properties together with commas: “region” or “region, model”. "
        "Events without them do not count.",
    )

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        rules = [rule_of(line) for line in data["property_filters"]]
        keys = keys_of(data["group_keys"])
        # what is added up or grouped by has to be there: said here, so that nobody has to say it twice
        ruled = {rule["name"] for rule in rules}
        needed = [
            *([data["aggregation_key"]] if data["aggregation_key"] else []),
            *(name for key in keys for name in key),
        ]
        rules += [{"name": name, "exists": True} for name in dict.fromkeys(needed) if name not in ruled]
        types = {"in_values": data["event_types"]} if data["event_types"] else None
        return filled(
            {
                "name": data["name"], "aggregation_type": data["aggregation_type"],
                "aggregation_key": data["aggregation_key"], "event_type_filter": types, "property_filters": rules,
                "group_keys": keys,
            }
        )  # fmt: skip

    def carry_out(self, read: dict[str, Any]) -> Made:
        metric = services.create_metric(**read, now=self.at)
        return Made(f"{metric.name} is made. Next: a product that prices it.", page_of(metric))


class RateCardForm(MakingForm):
    """A rate card."""

    reads: ClassVar[type[Serializer[Any]]] = rate_cards.CreateInput
    fields_of: ClassVar[Mapping[str, str]] = {"credit_type_conversions": "conversions"}
    sections = (
        Section("The card", ("name", "description", "fiat_credit_type_id", "aliases")),
        Section("Other pricing units", ("conversions",), "Where prices are in credits or tokens of your own."),
    )
    name = text("Name")
    description = text("Description", required=False, most=1000)
    fiat_credit_type_id = choice("Currency", (), help_text="Fixed for good.")
    aliases = LinesField("Aliases", rows=2, help_text="One a line; contracts can name the card by them.")
    conversions = LinesField(
        "One unit costs", rows=2, help_text="One a line, in the card's currency: “AI credits = 0.01”."
    )

    def prepare(self) -> None:
        self.units = {str(unit.pk): unit for unit in list_credit_types()}
        found = [(key, unit.code or unit.name) for key, unit in self.units.items() if unit.is_currency]
        found.sort(key=lambda one: (one[1] != "USD", one[1]))
        self.fields["fiat_credit_type_id"].choices = found  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        currency = self.units[data["fiat_credit_type_id"]]
        names = {unit.name: key for key, unit in self.units.items() if not unit.is_currency}
        conversions = []
        for line in data["conversions"]:
            name, _, cost = line.rpartition("=")
            if name.strip() not in names:
                raise forms.ValidationError({"conversions": f"No pricing unit is called “{name.strip()[:80]}”."})
            try:
                amount = stored_amount(cost, currency)
            except forms.ValidationError as error:
                raise forms.ValidationError({"conversions": error.messages}) from error
            conversions.append({"custom_credit_type_id": names[name.strip()], "fiat_per_custom_credit": amount})
        body = {name: data[name] for name in ("name", "description", "fiat_credit_type_id")}
        return filled(
            body | {"aliases": [{"name": n} for n in data["aliases"]], "credit_type_conversions": conversions}
        )

    def carry_out(self, read: dict[str, Any]) -> Made:
        windows: dict[str, Any] = {
            "aliases": [AliasWindow(**one) for one in read.pop("aliases", ())],
            "credit_type_conversions": [Conversion(**one) for one in read.pop("credit_type_conversions", ())],
        }
        card = services.create_rate_card(**read, **windows, now=self.at)
        return Made(
            f"{card.name} is made. Now its first rates.", reverse("admin:catalog_ratecard_add_rates", args=[card.pk])
        )


class UnitForm(MakingForm):
    """A custom pricing unit."""

    reads = credit_types.CreateInput
    sections = (Section("The unit", ("name",)),)
    name = text("Name", most=100, help_text="It appears on invoices: “AI credits”.")

    def carry_out(self, read: dict[str, Any]) -> Made:
        unit = services.create_credit_type(name=read["name"], now=self.at)
        return Made(f"{unit.name} is made. Rate cards can convert it now.", page_of(unit))

    def body(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"]}


class MetricChangeForm(MakingForm):
    """What may change of a metric: its name, and further group keys."""

    reads = metrics.UpdateInput
    fields_of = {"add_group_keys": "add_group_keys"}
    sections = (Section("What changes", ("name", "add_group_keys")),)
    name = text("Name")
    add_group_keys = LinesField(
        "Group keys to add",
        help_text="One a line; several properties together with commas. They hold for all of the past too.",
    )

    def body(self) -> dict[str, Any]:
        return filled(
            {"name": self.cleaned_data["name"], "add_group_keys": keys_of(self.cleaned_data["add_group_keys"])}
        )

    def carry_out(self, read: dict[str, Any]) -> Made:
        metric = services.update_metric(metric_id=self.subject.pk, **read, now=self.at)
        return Made(f"{metric.name} is changed.", page_of(metric))


class RateCardChangeForm(RateCardForm):
    """What may change of a card: its name, description, aliases, and further conversions."""

    reads = rate_cards.UpdateInput
    fields_of: ClassVar[Mapping[str, str]] = {"add_credit_type_conversions": "conversions"}
    sections = (
        Section("The card", ("name", "description", "aliases")),
        Section("Further pricing units", ("conversions",), "Conversions that it has stay as they are."),
    )

    def prepare(self) -> None:
        super().prepare()
        del self.fields["fiat_credit_type_id"]
        self.fields["aliases"].label = "Aliases to give it"
        self.fields["aliases"].help_text = "One a line, from now on for good. Those that it has stay."

    def body(self) -> dict[str, Any]:
        self.cleaned_data["fiat_credit_type_id"] = str(self.subject.fiat_credit_type_id)
        asked = super().body() | {"rate_card_id": str(self.subject.pk)}
        asked.pop("fiat_credit_type_id")
        if conversions := asked.pop("credit_type_conversions", None):
            asked["add_credit_type_conversions"] = conversions
        return asked

    def carry_out(self, read: dict[str, Any]) -> Made:
        windows: dict[str, Any] = {
            "add_credit_type_conversions": [Conversion(**one) for one in read.pop("add_credit_type_conversions", ())],
        }
        if "aliases" in read:
            windows["aliases"] = [AliasWindow(**one) for one in read.pop("aliases")]
        card = services.update_rate_card(**read, **windows, now=self.at)
        return Made(f"{card.name} is changed.", page_of(card))


def living_metric(key: UUID) -> BillableMetric | None:
    """The metric, unless it is archived."""
    return list_metrics(include_archived=False).filter(pk=key).first()


def living_card(key: UUID) -> RateCard | None:
    """The card, unless it is archived."""
    return RateCard.objects.select_related("fiat_credit_type").filter(pk=key, archived_at__isnull=True).first()


METRIC = Making(
    title="New billable metric",
    permission="catalog.create_metric",
    form=MetricForm,
    submit="Create the metric",
    effects=("What it counts is fixed for good; its name can change and group keys can be added.",),
    back=lambda _: list_of("billablemetric"),
)
RATE_CARD = Making(
    title="New rate card",
    permission="catalog.create_ratecard",
    form=RateCardForm,
    submit="Create the rate card",
    effects=("It has no rates yet: the next page adds them.", "An alias that another card holds moves here."),
    back=lambda _: list_of("ratecard"),
)
UNIT = Making(
    title="New pricing unit",
    permission="catalog.create_unit",
    form=UnitForm,
    submit="Create the pricing unit",
    effects=("Rates, commits and credits can be in it once a rate card says what one costs.",),
    back=lambda _: list_of("credittype"),
)
METRIC_CHANGE = Making(
    title="Change billable metric",
    permission="catalog.create_metric",
    form=MetricChangeForm,
    submit="Change the metric",
    effects=("What it counts never changes. Invoices that are final keep what they say.",),
    back=page_of,
    find=living_metric,
    suggested=lambda metric, _query, _at: {"name": metric.name},
)
RATE_CARD_CHANGE = Making(
    title="Change rate card",
    permission="catalog.create_ratecard",
    form=RateCardChangeForm,
    submit="Change the card",
    effects=(
        "Contracts keep the card that they have.",
        "An alias that another card holds moves here: new contracts that name it get this card.",
    ),
    back=page_of,
    find=living_card,
    suggested=lambda card, _query, _at: {"name": card.name, "description": card.description},
)
