"""The catalogue for staff: what can be sold and at which prices, what may be done stands on pages of the site."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column

from catalog import services
from catalog.models import BillableMetric, CreditType, Product, ProductVersion, RateCard
from catalog.price_table import price_table
from catalog.selectors import list_price_schedules, versions_of
from core.admin import timeline
from core.admin.actions import ActionResult, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ArchivedFilter, ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from engine.usage import Aggregation
from presentation import formatting, markup

LONGEST_SEARCH = 200


def _archiving(noun: str, permission: str, archive: Callable[[Any, datetime], Any], effect: str) -> RecordAction:
    """Archiving: what exists goes on, nothing new begins with it."""

    def run(record: Any, _data: dict[str, Any], at: datetime) -> ActionResult:
        archive(record.pk, at)
        return ActionResult(f"The {noun} is archived.")

    return RecordAction(
        slug="archive",
        title=f"Archive {noun}",
        permission=permission,
        run=run,
        effects=lambda _record: ["This cannot be undone.", effect],
        is_available=lambda record: record.archived_at is None,
        submit=f"Archive this {noun}",
        icon="archive",
        danger=True,
    )


ARCHIVE_PRODUCT = _archiving(
    "product",
    "catalog.create_product",
    lambda key, at: services.archive_product(product_id=key, now=at),
    "It gets no new rates; rates and contracts that exist go on as they are.",
)
ARCHIVE_METRIC = _archiving(
    "metric",
    "catalog.create_metric",
    lambda key, at: services.archive_metric(metric_id=key, now=at),
    "No new product can be measured by it; products that have it go on.",
)
ARCHIVE_CARD = _archiving(
    "rate card",
    "catalog.create_ratecard",
    lambda key, at: services.archive_rate_card(rate_card_id=key, now=at),
    "No new contract can have it; contracts that have it go on.",
)


class CatalogAdmin(RecordAdmin):
    """What the catalogue's screens share."""

    record_template = "admin/back_office/catalog.html"
    changes: ClassVar[bool] = True

    def record_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {
            "timeline_entries": timeline.of_subjects([(self.opts.model_name or "", record.pk)]),
            **self.panels(request, record),
        }

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Changing has a page of its own (backoffice.making), but for pricing units, which never change."""
        actions = super().available_actions(request, record)
        if record.archived_at is None and self.changes and request.user.has_perm(self.made_by):
            url = reverse(f"admin:catalog_{self.opts.model_name}_edit", args=[record.pk])
            actions.insert(0, {"title": "Change", "icon": "edit", "danger": False, "url": url})
        return actions

    def panels(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What this kind of record shows below its facts."""
        return {}

    @column(description="State")
    def state(self, row: Any) -> SafeString:
        return markup.badge("Archived") if row.archived_at else markup.badge("In use", "ok")

    @column(description="Made", ordering="created_at")
    def created(self, row: Any) -> SafeString:
        return markup.day_only(row.created_at)

    @column(description="Id")
    def identity(self, row: Any) -> SafeString:
        return markup.short_id(row.pk)


# --- files ---------------------------------------------------------------------------------------------------------


PRODUCT_COLUMNS = ("product", "type", "billable_metric", "created_at", "archived_at", "id")
METRIC_COLUMNS = (
    "billable_metric", "aggregation", "aggregation_key", "event_types", "only_events_where", "group_keys", "created_at",
    "archived_at", "id",
)  # fmt: skip
RATE_CARD_COLUMNS = ("rate_card", "currency", "aliases", "description", "created_at", "created_by", "archived_at", "id")


def product_rows(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The columns of `PRODUCT_COLUMNS`; the name and the metric as they are now."""
    for row in rows:
        yield row.name_now, row.type, row.metric_now, row.created_at, row.archived_at, row.pk


def metric_rows(rows: Iterable[BillableMetric]) -> Iterator[tuple[Any, ...]]:
    """The columns of `METRIC_COLUMNS`."""
    for row in rows:
        yield (
            row.name, row.aggregation_type, row.aggregation_key, _event_types(row), _rules(row.property_filters),
            _group_keys(row), row.created_at, row.archived_at, row.pk,
        )  # fmt: skip


def rate_card_rows(rows: Iterable[RateCard]) -> Iterator[tuple[Any, ...]]:
    """The columns of `RATE_CARD_COLUMNS`; prices are in the file of each card."""
    for row in rows:
        yield (
            row.name, formatting.unit_code(row.fiat_credit_type), _aliases(row), row.description, row.created_at,
            row.created_by, row.archived_at, row.pk,
        )  # fmt: skip


def _event_types(metric: BillableMetric) -> str:
    wanted, unwanted = metric.event_type_filter.get("in_values"), metric.event_type_filter.get("not_in_values")
    return ", ".join(wanted) if wanted else (f"all but {', '.join(unwanted)}" if unwanted else "all")


def _group_keys(metric: BillableMetric) -> str:
    return "; ".join(" + ".join(key) for key in metric.group_keys)


def _aliases(card: RateCard) -> str:
    return ", ".join(sorted({alias.name for alias in card.aliases.all()}))


# --- products ------------------------------------------------------------------------------------------------------


class TypeFilter(ChosenFilter):
    title = "type"
    parameter_name = "type"
    options = tuple((value, str(label)) for value, label in Product.Type.choices)


@admin.register(Product)
class ProductAdmin(CatalogAdmin):
    """Products, each as it is now; the page has all its versions."""

    made_by = "catalog.create_product"
    record_actions = (ARCHIVE_PRODUCT,)
    list_display = ("title", "kind", "metric", "state", "created", "identity")
    list_filter = (TypeFilter, ArchivedFilter)
    search_fields = ("versions__name__icontains", "versions__billable_metric__name__icontains")
    search_help_text = "Name, metric or id"
    list_export = ListExport("products.csv", PRODUCT_COLUMNS, product_rows)

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
            ("Id", markup.code(record.pk)),
            ("Type", record.get_type_display()),
            ("State", self.state(record)),
            ("Made", markup.instant(record.created_at)),
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
        return row.metric_now or formatting.DASH


# --- billable metrics ----------------------------------------------------------------------------------------------


class AggregationFilter(ChosenFilter):
    title = "aggregation"
    parameter_name = "aggregation"
    options = tuple((one.value, one.value) for one in Aggregation)

    def condition(self, value: str) -> Q:
        return Q(aggregation_type=value)


@admin.register(BillableMetric)
class BillableMetricAdmin(CatalogAdmin):
    """What is counted."""

    made_by = "catalog.create_metric"
    record_actions = (ARCHIVE_METRIC,)
    list_display = ("name", "counts", "event_types", "groups", "state", "created", "identity")
    list_filter = (AggregationFilter, ArchivedFilter)
    search_fields = ("name__icontains", "aggregation_key__exact")
    search_help_text = "Name, aggregation key or id"
    list_export = ListExport("billable-metrics.csv", METRIC_COLUMNS, metric_rows)

    def facts(self, request: HttpRequest, record: BillableMetric) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Counts", self.counts(record)),
            ("Event types", self.event_types(record)),
            ("Only events where", _rules(record.property_filters) or "any"),
            ("Group keys", self.groups(record)),
            ("State", self.state(record)),
            ("Made", markup.instant(record.created_at)),
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
        return _event_types(row)

    @column(description="Group keys")
    def groups(self, row: BillableMetric) -> str:
        return _group_keys(row) or formatting.DASH


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


@admin.register(RateCard)
class RateCardAdmin(CatalogAdmin):
    """Price lists; the page shows the whole schedule of a card."""

    made_by = "catalog.create_ratecard"
    record_actions = (ARCHIVE_CARD,)
    list_display = ("name", "currency", "alias_list", "state", "created", "identity")
    list_filter = (ArchivedFilter,)
    search_fields = ("name__icontains", "aliases__name__exact", "description__icontains")
    search_help_text = "Name, alias or id"
    list_export = ListExport("rate-cards.csv", RATE_CARD_COLUMNS, rate_card_rows)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("fiat_credit_type").prefetch_related("aliases")

    def facts(self, request: HttpRequest, record: RateCard) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Currency", formatting.unit_code(record.fiat_credit_type)),
            ("Aliases", self.alias_list(record)),
            ("Description", record.description or formatting.DASH),
            ("State", self.state(record)),
            ("Made", markup.instant(record.created_at)),
            ("By", record.created_by or formatting.DASH),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    def panels(self, request: HttpRequest, record: RateCard) -> dict[str, Any]:
        find = request.GET.get("find", "").strip()[:LONGEST_SEARCH]
        schedules = list_price_schedules(rate_card_id=record.pk, now=now())
        contracts = reverse("admin:contracts_contract_changelist")
        return {
            "prices": price_table(schedules, now(), find),
            "price_count": len(schedules),
            "find": find,
            "export_url": reverse("admin:catalog_ratecard_rates", args=[record.pk]),
            "contracts_url": f"{contracts}?q={record.pk}" if request.user.has_perm("contracts.view_contract") else "",
        }

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Adding rates and comparing have pages of their own (backoffice.rate_editor, rate_compare)."""
        pages = [("Compare", "compare_arrows", "admin:catalog_ratecard_compare")]
        if request.user.has_perm("catalog.add_rates") and record.archived_at is None:
            pages.append(("Add rates", "add", "admin:catalog_ratecard_add_rates"))
        return [
            {"title": title, "icon": icon, "danger": False, "url": reverse(name, args=[record.pk])}
            for title, icon, name in pages
        ] + super().available_actions(request, record)

    @column(description="Currency", ordering="fiat_credit_type__name")
    def currency(self, row: RateCard) -> str:
        return formatting.unit_code(row.fiat_credit_type)

    @column(description="Aliases")
    def alias_list(self, row: RateCard) -> str:
        return _aliases(row) or formatting.DASH


# --- pricing units -------------------------------------------------------------------------------------------------


@admin.register(CreditType)
class CreditTypeAdmin(CatalogAdmin):
    """Currencies and other units that prices may be in."""

    made_by = "catalog.create_unit"
    changes = False
    list_display = ("name", "code", "stored", "is_currency", "identity")
    search_fields = ("name__icontains", "code__iexact")
    search_help_text = "Name, code or id"
    list_per_page = 100

    def facts(self, request: HttpRequest, record: CreditType) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Name", record.name),
            ("Code", record.code or formatting.DASH),
            ("Stored in", self.stored(record)),
        ]

    @column(description="Stored in")
    def stored(self, row: CreditType) -> str:
        places = f", {row.places} decimals" if row.places else ", no decimals"
        return ("hundredths (cents)" if row.minor_digits == 2 else "whole units") + places
