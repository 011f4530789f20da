"""Making products, and changing them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from rest_framework.serializers import Serializer

from backoffice.making.catalogue import list_of, page_of
from backoffice.making.fields import NONE, HourField, LinesField, choice, filled, instant, number, several, text
from backoffice.making.frame import Made, Making, MakingForm, Section
from catalog import services
from catalog.api import products
from catalog.models import Product
from catalog.selectors import list_metrics, list_products, state_at
from engine.conversion import ConversionOperation, RoundingMethod

TYPES = (
    ("USAGE", "Usage: what a metric counts"),
    ("SUBSCRIPTION", "Subscription: a price per period, or per seat"),
    ("FIXED", "Fixed: commits, credits and single charges hang on it"),
    ("COMPOSITE", "Composite: a percentage of other products"),
)


def product_choices(at: datetime, *types: str) -> list[tuple[str, str]]:
    """What may be sold, by name as it is at `at`; of these types, all without one."""
    rows = list_products().filter(type__in=types) if types else list_products()
    named = [(str(row.pk), state_at(list(row.versions.all()), at).name) for row in rows]
    return sorted(named, key=lambda one: one[1].casefold())


class ProductForm(MakingForm):
    """A product, or what changes of one."""

    reads: ClassVar[type[Serializer[Any]]] = products.CreateInput
    fields_of = {
        "quantity_conversion": "conversion_factor",
        "quantity_conversion.operation": "conversion_operation",
        "quantity_rounding": "rounding_method",
        "quantity_rounding.decimal_places": "decimal_places",
    }
    sections: ClassVar[tuple[Section, ...]] = (
        Section("What it is", ("name", "type", "tags")),
        Section(
            "A usage product",
            (
                "billable_metric_id", "pricing_group_key", "presentation_group_key", "conversion_factor",
                "conversion_operation", "rounding_method", "decimal_places",
            ),
            "Only for usage: what is counted, and how the quantity is priced and shown.",
        ),
        Section(
            "A composite product",
            ("composite_product_ids", "composite_tags"),
            "Only for composite: what it is a percentage of.",
        ),
    )  # fmt: skip
    name = text("Name", help_text="As on the invoice.")
    type = choice("Type", TYPES, help_text="Fixed for good.")
    tags = LinesField("Tags", rows=2, help_text="One a line. Overrides, commits and credits can be limited to a tag.")
    billable_metric_id = choice("Billable metric", (), required=False)
    pricing_group_key = LinesField(
        "Prices differ by", rows=2, help_text="Properties, one a line: each of their values has a rate of its own."
    )
    presentation_group_key = LinesField(
        "Listed on the invoice by",
        rows=2,
        help_text="Properties, one a line: each of their values has a line of its own.",
    )
    conversion_factor = number(
        "Conversion factor", help_text="Such as 1000000 to price per million. Empty: as counted."
    )
    conversion_operation = choice(
        "The quantity is",
        ((ConversionOperation.DIVIDE.value, "divided by it"), (ConversionOperation.MULTIPLY.value, "multiplied by it")),
    )
    rounding_method = choice(
        "Quantity is rounded", tuple((one.value, one.value.replace("_", " ").lower()) for one in RoundingMethod),
        required=False,
    )  # fmt: skip
    decimal_places = number("To so many decimals")
    composite_product_ids = several("Of these products")
    composite_tags = LinesField("Of products with these tags", rows=2)

    def prepare(self) -> None:
        found = [(str(row.pk), row.name) for row in list_metrics(include_archived=False).order_by("name")]
        self.fields["billable_metric_id"].choices = [("", NONE), *found]  # type: ignore[attr-defined]
        parts = product_choices(self.at, "USAGE", "SUBSCRIPTION", "COMPOSITE")
        self.fields["composite_product_ids"].choices = parts  # type: ignore[attr-defined]

    def body(self) -> dict[str, Any]:
        data = self.cleaned_data
        body = {name: data[name] for name in data if not name.startswith(("conversion", "rounding", "decimal"))}
        if data["conversion_factor"]:
            operation = data["conversion_operation"]
            body["quantity_conversion"] = {"conversion_factor": data["conversion_factor"], "operation": operation}
        if data["rounding_method"]:
            places = data["decimal_places"] or "0"
            if not places.removeprefix("-").isdecimal():
                raise forms.ValidationError({"decimal_places": "Must be a whole number."})
            body["quantity_rounding"] = {"rounding_method": data["rounding_method"], "decimal_places": int(places[:4])}
        return filled(body)

    def columns(self, read: dict[str, Any]) -> dict[str, Any]:
        """What the service stores."""
        return products.columns_of(read)

    def carry_out(self, read: dict[str, Any]) -> Made:
        made = services.create_product(product_type=read["type"], fields=self.columns(read), now=self.at)
        return Made(f"{read['name']} is made. Next: its rate on a rate card.", page_of(made))


class ProductChangeForm(ProductForm):
    """What changes of a product from an hour on; what is left empty stays."""

    reads = products.UpdateInput
    sections = (Section("From when", ("starting_at",)), *ProductForm.sections)
    starting_at = HourField(
        "From", help_text="On the hour; it may lie in the past. Finalized invoices stay as they are."
    )

    def prepare(self) -> None:
        super().prepare()
        del self.fields["type"]
        self.fields["name"].required = False

    def body(self) -> dict[str, Any]:
        start = instant(self.cleaned_data["starting_at"])
        return super().body() | {"starting_at": start, "product_id": str(self.subject.pk)}

    def carry_out(self, read: dict[str, Any]) -> Made:
        changed = services.update_product(
            product_id=self.subject.pk, starting_at=read["starting_at"], fields=self.columns(read), now=self.at
        )
        return Made("The product is changed.", page_of(changed))

    def shown_sections(self) -> list[dict[str, Any]]:
        there = [Section(one.title, tuple(n for n in one.names if n in self.fields), one.note) for one in self.sections]
        return [
            {"title": one.title, "note": one.note, "fields": [self[name] for name in one.names]}
            for one in there
            if self.subject.type in ("USAGE", "COMPOSITE") or not one.note
        ]


def living_product(key: UUID) -> Product | None:
    """The product, unless it is archived."""
    return list_products().filter(pk=key).first()


PRODUCT = Making(
    title="New product",
    permission="catalog.create_product",
    form=ProductForm,
    submit="Create the product",
    effects=("Nothing is billed by it before a rate card has a rate for it.",),
    back=lambda _: list_of("product"),
)
PRODUCT_CHANGE = Making(
    title="Change product",
    permission="catalog.create_product",
    form=ProductChangeForm,
    submit="Change the product",
    effects=(
        "What you leave empty stays as it is.",
        "Open drafts follow from the hour you choose; finalized invoices never change.",
    ),
    back=page_of,
    find=living_product,
)
