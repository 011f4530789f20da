"""The catalogue for staff: what can be sold and at which prices, read-only. It is edited through the API."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column

from catalog.models import BillableMetric, CreditType, Product, ProductVersion, RateCard
from catalog.selectors import EffectiveRate, list_effective_rates, versions_of
from core import display
from core.admin import timeline
from core.admin.filters import ArchivedFilter, ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now

FROM_EVER = datetime(1, 1, 1, tzinfo=UTC)
MOST_RATES = 500
EDITED_BY = {
    "ratecard": "/v1/contract-pricing/rate-cards/addRates",
    "product": "/v1/contract-pricing/products/update",
    "billablemetric": "/v1/billable-metrics/create",
}


class CatalogAdmin(RecordAdmin):
    """What the catalogue's screens share."""

    record_template = "admin/back_office/catalog.html"

    def record_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {
            "edited_by": EDITED_BY.get(self.opts.model_name or ""),
            "moments": timeline.of_subjects([(self.opts.model_name or "", record.pk)]),
            **self.panels(request, record),
        }

    def panels(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What this kind of record shows below its facts."""
        return {}

    @column(description="State")
    def state(self, row: Any) -> SafeString:
        return display.badge("Archived") if row.archived_at else display.badge("In use", "ok")

    @column(description="Made", ordering="created_at")
    def created(self, row: Any) -> SafeString:
        return display.day_only(row.created_at)

    @column(description="Id")
    def identity(self, row: Any) -> SafeString:
        return display.short_id(row.pk)


# --- products ------------------------------------------------------------------------------------------------------


class TypeFilter(ChosenFilter):
    title = "type"
    parameter_name = "type"
    options = tuple((value, str(label)) for value, label in Product.Type.choices)


@admin.register(Product)
class ProductAdmin(CatalogAdmin):
    """Products, each as it is now; the page has all its versions."""

    list_display = ("title", "kind", "metric", "state", "created", "identity")
    list_filter = (TypeFilter, ArchivedFilter)
    search_fields = ("versions__name__icontains", "versions__billable_metric__name__icontains")
    search_help_text = "Name, metric or id"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        in_force = ProductVersion.objects.filter(product=OuterRef("pk")).filter(
            Q(starting_at__isnull=True) | Q(starting_at__lte=now())
        )
        newest = in_force.order_by(F("starting_at").desc(nulls_last=True), "-number")  # NULL is before all times
        return (
            super()
            .get_queryset(request)
            .annotate(
                name_now=Subquery(newest.values("name")[:1]),
                metric_now=Subquery(newest.values("billable_metric__name")[:1]),
            )
        )

    def page_context(self, request: HttpRequest, record: Any, **extra: Any) -> dict[str, Any]:
        return super().page_context(request, record, **{"title": record.name_now, **extra})

    def facts(self, request: HttpRequest, record: Any) -> Facts:
        return [
            ("Id", display.code(record.pk)),
            ("Type", record.get_type_display()),
            ("State", self.state(record)),
            ("Made", display.instant(record.created_at)),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    def panels(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {"versions": list(reversed(versions_of([record.pk]).get(record.pk, [])))}

    @column(description="Product")
    def title(self, row: Any) -> str:
        return str(row.name_now)

    @column(description="Type", ordering="type")
    def kind(self, row: Product) -> str:
        return str(row.get_type_display())

    @column(description="Billable metric")
    def metric(self, row: Any) -> str:
        return row.metric_now or display.NONE


# --- billable metrics ----------------------------------------------------------------------------------------------


class AggregationFilter(ChosenFilter):
    title = "aggregation"
    parameter_name = "aggregation"
    options = tuple((value, value) for value in BillableMetric.Aggregation.values)

    def condition(self, value: str) -> Q:
        return Q(aggregation_type=value)


@admin.register(BillableMetric)
class BillableMetricAdmin(CatalogAdmin):
    """What is counted."""

    list_display = ("name", "counts", "event_types", "groups", "state", "created", "identity")
    list_filter = (AggregationFilter, ArchivedFilter)
    search_fields = ("name__icontains", "aggregation_key__exact")
    search_help_text = "Name, aggregation key or id"

    def facts(self, request: HttpRequest, record: BillableMetric) -> Facts:
        return [
            ("Id", display.code(record.pk)),
            ("Counts", self.counts(record)),
            ("Event types", self.event_types(record)),
            ("Only events where", _rules(record.property_filters) or "any"),
            ("Group keys", self.groups(record)),
            ("State", self.state(record)),
            ("Made", display.instant(record.created_at)),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    @column(description="Counts", ordering="aggregation_type")
    def counts(self, row: BillableMetric) -> str:
        return (
            f"{row.aggregation_type} of {row.aggregation_key}"
            if row.aggregation_key
            else f"{row.aggregation_type} of events"
        )

    @column(description="Event types")
    def event_types(self, row: BillableMetric) -> str:
        wanted, unwanted = row.event_type_filter.get("in_values"), row.event_type_filter.get("not_in_values")
        return ", ".join(wanted) if wanted else (f"all but {', '.join(unwanted)}" if unwanted else "all")

    @column(description="Group keys")
    def groups(self, row: BillableMetric) -> str:
        return "; ".join(" + ".join(key) for key in row.group_keys) or display.NONE


def _rules(filters: Iterable[dict[str, Any]]) -> str:
    said = []
    for rule in filters:
        if rule.get("exists") is False:
            said.append(f"{rule['name']} is absent")
        elif rule.get("in_values"):
            said.append(f"{rule['name']} is {' or '.join(map(str, rule['in_values']))}")
        elif rule.get("not_in_values"):
            said.append(f"{rule['name']} is not {' or '.join(map(str, rule['not_in_values']))}")
        else:
            said.append(f"{rule['name']} is there")
    return ", ".join(said)


# --- rate cards ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price over time. `prices`: (units, price) pairs, one without units for a flat price."""

    values: str
    prices: tuple[tuple[str, SafeString], ...]
    unit: str
    starting_at: datetime
    ending_before: datetime | None
    state: str
    is_current: bool
    entitled: bool


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """A product's prices on a card, in order of group values and time."""

    product_id: UUID
    name: str
    rows: tuple[PriceRow, ...]


def schedule(rates: Iterable[EffectiveRate], at: datetime) -> tuple[PricedProduct, ...]:
    """A card's rates by product, as they count: overlaps are resolved, the one in force at `at` is marked."""
    by_product: dict[UUID, list[EffectiveRate]] = {}
    for rate in rates:
        by_product.setdefault(rate.rate.product_id, []).append(rate)
    return tuple(
        PricedProduct(key, members[-1].state.name, tuple(_price_row(member, at) for member in members))
        for key, members in by_product.items()
    )


def _price_row(entry: EffectiveRate, at: datetime) -> PriceRow:
    rate = entry.rate
    current = entry.starting_at <= at and (entry.ending_before is None or entry.ending_before > at)
    state = "in force" if current else ("to come" if entry.starting_at > at else "past")
    return PriceRow(
        values=", ".join(f"{key} {value}" for key, value in rate.pricing_group_values.items()),
        prices=tuple(_prices(rate)),
        unit=display.unit_code(rate.credit_type),
        starting_at=entry.starting_at,
        ending_before=entry.ending_before,
        state=state,
        is_current=current,
        entitled=rate.entitled,
    )


def _prices(rate: Any) -> Iterable[tuple[str, SafeString]]:
    if not rate.tiers:
        yield "", display.money(rate.price, rate.credit_type, decimals=None)
        return
    start = Decimal(0)
    for tier in rate.tiers:
        size = None if tier.get("size") is None else Decimal(tier["size"])
        if size is None:
            units = f"above {display.quantity(start)}" if start else "all"
        else:
            units = f"{'next' if start else 'first'} {display.quantity(size)}"
            start += size
        yield units, display.money(Decimal(tier["price"]), rate.credit_type, decimals=None)


@admin.register(RateCard)
class RateCardAdmin(CatalogAdmin):
    """Price lists; the page shows the whole schedule of a card."""

    list_display = ("name", "currency", "alias_list", "state", "created", "identity")
    list_filter = (ArchivedFilter,)
    search_fields = ("name__icontains", "aliases__name__exact", "description__icontains")
    search_help_text = "Name, alias or id"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("fiat_credit_type").prefetch_related("aliases")

    def facts(self, request: HttpRequest, record: RateCard) -> Facts:
        return [
            ("Id", display.code(record.pk)),
            ("Currency", display.unit_code(record.fiat_credit_type)),
            ("Aliases", self.alias_list(record)),
            ("Description", record.description or display.NONE),
            ("State", self.state(record)),
            ("Made", display.instant(record.created_at)),
            ("By", record.created_by or display.NONE),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    def panels(self, request: HttpRequest, record: RateCard) -> dict[str, Any]:
        rates = list_effective_rates(rate_card_id=record.pk, starting_at=FROM_EVER)
        contracts = reverse("admin:contracts_contract_changelist")
        return {
            "schedule": schedule(rates[:MOST_RATES], now()),
            "hidden_rates": max(0, len(rates) - MOST_RATES),
            "contracts_url": f"{contracts}?q={record.pk}" if request.user.has_perm("contracts.view_contract") else "",
        }

    @column(description="Currency", ordering="fiat_credit_type__name")
    def currency(self, row: RateCard) -> str:
        return display.unit_code(row.fiat_credit_type)

    @column(description="Aliases")
    def alias_list(self, row: RateCard) -> str:
        return ", ".join(sorted({alias.name for alias in row.aliases.all()})) or display.NONE


# --- pricing units -------------------------------------------------------------------------------------------------


@admin.register(CreditType)
class CreditTypeAdmin(CatalogAdmin):
    """Currencies and other units that prices may be in."""

    list_display = ("name", "code", "stored", "is_currency", "identity")
    search_fields = ("name__icontains", "code__iexact")
    search_help_text = "Name, code or id"
    list_per_page = 100

    def facts(self, request: HttpRequest, record: CreditType) -> Facts:
        return [
            ("Id", display.code(record.pk)),
            ("Name", record.name),
            ("Code", record.code or display.NONE),
            ("Stored in", self.stored(record)),
        ]

    @column(description="Stored in")
    def stored(self, row: CreditType) -> str:
        places = f", {row.places} decimals" if row.places else ", no decimals"
        return ("hundredths (cents)" if row.minor_digits == 2 else "whole units") + places
