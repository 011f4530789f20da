"""A card's rates as a file, and two cards side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from backoffice.rate_editor import find_card, page_of
from catalog.models import Rate, RateCard
from catalog.price_table import difference, prices_of, values_text
from catalog.price_text import write_price
from catalog.rate_sheet import sheet_of_rates, text_of
from catalog.selectors import EffectiveRate, list_effective_rates
from catalog.selectors.rates import stored_price_of
from core.admin.export import csv_response, safe_text
from core.admin.inputs import HourInput
from core.clock import now
from presentation import formatting
from presentation.prices import PriceRows

FROM_EVER = datetime(1, 1, 1, tzinfo=UTC)
MOST_ROWS = 500


def rates_csv(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The whole schedule in the format that the editor reads back."""
    _may_read(request)
    card = find_card(object_id)
    header, rows = sheet_of_rates(list_effective_rates(rate_card_id=card.pk, starting_at=FROM_EVER))
    response = HttpResponse("\ufeff" + text_of(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rates-{card.pk}.csv"'
    return response


@dataclass(frozen=True, slots=True)
class ComparedPrice:
    """One price on both cards; None where a card has none at that moment."""

    product_id: UUID
    product_name: str
    values: str
    left: Rate | None
    right: Rate | None
    difference: str

    @property
    def left_prices(self) -> PriceRows:
        """The left card's price for a table."""
        return prices_of(self.left) if self.left else ()

    @property
    def right_prices(self) -> PriceRows:
        """The right card's price for a table."""
        return prices_of(self.right) if self.right else ()


class CompareForm(forms.Form):
    """With which card, when, and what to show."""

    other = forms.ModelChoiceField(queryset=RateCard.objects.none(), label="Compare with", empty_label="Choose a card")
    at = forms.DateTimeField(
        label="At (UTC)",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        widget=HourInput(),
    )
    only = forms.BooleanField(label="Differences only", required=False)

    def __init__(self, *args: Any, card: RateCard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = RateCard.objects.exclude(pk=card.pk).select_related("fiat_credit_type").order_by("name", "id")
        choice = self.fields["other"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 - says what the class says above
        choice.queryset = others

    def clean_at(self) -> datetime | None:
        """The moment in UTC."""
        at: datetime | None = self.cleaned_data["at"]
        return None if at is None else at.replace(tzinfo=UTC)


def compare(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """Two cards at one moment: a page, or a file with `format=csv`."""
    _may_read(request)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    card = find_card(object_id)
    at = now()
    asked = "other" in request.GET
    given = request.GET.copy()
    given["at"] = given.get("at") or f"{at:%Y-%m-%dT%H:%M}"
    form = CompareForm(given, card=card) if asked else CompareForm(card=card, initial={"at": at, "only": True})
    rows: list[ComparedPrice] | None = None
    other: RateCard | None = None
    same = 0
    if asked and form.is_valid():
        other, moment = form.cleaned_data["other"], form.cleaned_data["at"] or at
        every = compare_cards(card, other, moment)
        rows = [row for row in every if row.difference != "same"] if form.cleaned_data["only"] else every
        same = len([row for row in every if row.difference == "same"])
        at = moment
        if request.GET.get("format") == "csv":
            return _compared_csv(card, other, rows)
    query = request.GET.copy()
    query["format"] = "csv"
    context = {
        **admin.site.each_context(request),
        "opts": RateCard._meta,
        "original": card,
        "title": "Compare",
        "card": card,
        "other": other,
        "at": at,
        "form": form,
        "rows": None if rows is None else rows[:MOST_ROWS],
        "hidden": max(0, len(rows or ()) - MOST_ROWS),
        "counts": _counts(rows or ()),
        "same": same,
        "csv_query": query.urlencode(),
        "back": page_of(card),
    }
    status = 400 if asked and form.errors else 200
    return TemplateResponse(request, "admin/back_office/rate_compare.html", context, status=status)


def compare_cards(left: RateCard, right: RateCard, at: datetime) -> list[ComparedPrice]:
    """Every price that either card has at `at`, by product and group values. Four queries."""
    lefts, rights = _at(left, at), _at(right, at)
    found = []
    for key, known in {**rights, **lefts}.items():
        before = lefts[key].rate if key in lefts else None
        after = rights[key].rate if key in rights else None
        said = difference(before, after)
        if before is None or after is None:
            said = f"only on {(left if after is None else right).name}"
        found.append(ComparedPrice(key[0], known.state.name, values_text(dict(key[1]), key[2]), before, after, said))
    return sorted(found, key=lambda row: (row.product_name.casefold(), str(row.product_id), row.values))


def _at(card: RateCard, at: datetime) -> dict[tuple[UUID, tuple[tuple[str, str], ...], str], EffectiveRate]:
    return {
        (
            entry.rate.product_id,
            tuple(sorted(entry.rate.pricing_group_values.items())),
            entry.rate.billing_frequency,
        ): entry
        for entry in list_effective_rates(rate_card_id=card.pk, starting_at=at)
        if entry.starting_at <= at
    }


def _counts(rows: Sequence[ComparedPrice]) -> dict[str, int]:
    return {
        "differ": sum(row.left is not None and row.right is not None and row.difference != "same" for row in rows),
        "left": sum(row.right is None for row in rows),
        "right": sum(row.left is None for row in rows),
    }


def _compared_csv(left: RateCard, right: RateCard, rows: Sequence[ComparedPrice]) -> HttpResponse:
    header = ("Product", "Product id", "For", safe_text(left.name), "Unit", safe_text(right.name), "Unit", "Difference")
    return csv_response(
        f"compare-{left.pk}-{right.pk}.csv",
        header,
        [
            (row.product_name, row.product_id, row.values, *_cells(row.left), *_cells(row.right), row.difference)
            for row in rows
        ],
    )


def _cells(rate: Rate | None) -> tuple[str, str]:
    if rate is None:
        return "", ""
    return write_price(stored_price_of(rate), rate.credit_type.minor_digits), formatting.unit_code(rate.credit_type)


def _may_read(request: HttpRequest) -> None:
    if not request.user.has_perm("catalog.view_ratecard"):
        raise PermissionDenied
