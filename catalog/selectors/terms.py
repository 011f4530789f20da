"""A rate card as the engine bills by it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from catalog.models import BillableMetric, ProductVersion, Rate
from catalog.selectors.metrics import metric_spec
from catalog.selectors.products import state_at, versions_of
from catalog.selectors.rates import GroupValues, group_by_price, rate_version, spans
from catalog.timeline import later_wins
from engine.calendar import Period
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.invoice import ProductTerms
from engine.rating import RateSchedule
from engine.usage import MetricSpec


@dataclass(frozen=True, slots=True)
class CatalogTerms:
    """A usage product as a card prices it, and what its metric counts."""

    terms: ProductTerms
    spec: MetricSpec


def list_product_terms(*, rate_card_id: UUID, period: Period, planned: Sequence[Rate] = ()) -> list[CatalogTerms]:
    """The usage products that the card has a rate for at any time in `period`, in the order of their first such rate.

    A product is as its state in force at the period's start says; rates whose group values do not fit that state's
    pricing group key do not count. `planned`: rates that are not stored (`plan_rates`), as if added last.
    Two queries, whatever the size of the card.
    """
    rows = list(
        Rate.objects.filter(Q(ending_before__isnull=True) | Q(ending_before__gt=period.start))
        .filter(rate_card_id=rate_card_id, starting_at__lt=period.end)
        .select_related("rate_card")
        .order_by("sequence")
    )
    rows += [
        rate
        for rate in planned
        if rate.starting_at < period.end and (rate.ending_before is None or rate.ending_before > period.start)
    ]
    versions = versions_of(rate.product_id for rate in rows)
    states = {product_id: state_at(history, period.start) for product_id, history in versions.items()}
    schedules: dict[UUID, dict[GroupValues, RateSchedule]] = {}
    for (product_id, values, _), rates in group_by_price(rows).items():
        priced = schedules.setdefault(product_id, {})
        if {name for name, _ in values} == set(states[product_id].pricing_group_key):
            priced[values] = RateSchedule(tuple(rate_version(part) for part in later_wins(spans(rates))))
    found = []
    for product_id, by_values in schedules.items():
        state = states[product_id]
        if state.billable_metric is not None:
            terms = _product_terms(state, state.billable_metric, by_values)
            found.append(CatalogTerms(terms, metric_spec(state.billable_metric)))
    return found


def _product_terms(
    state: ProductVersion, metric: BillableMetric, schedules: dict[GroupValues, RateSchedule]
) -> ProductTerms:
    conversion, rounding = state.quantity_conversion, state.quantity_rounding
    return ProductTerms(
        product_id=str(state.product_id),
        name=state.name,
        metric_id=str(metric.pk),
        metric_name=metric.name,
        pricing_group_key=tuple(state.pricing_group_key),
        presentation_group_key=tuple(state.presentation_group_key),
        schedules=schedules,
        tags=frozenset(state.tags),
        quantity_conversion=conversion
        and QuantityConversion(Decimal(conversion["conversion_factor"]), ConversionOperation(conversion["operation"])),
        quantity_rounding=rounding
        and QuantityRounding(RoundingMethod(rounding["rounding_method"]), rounding["decimal_places"]),
    )


def priced_metric_ids(*, rate_card_ids: Collection[UUID], at: datetime) -> set[UUID]:
    """The metrics behind the products that the cards have a rate for at `at`. Two queries."""
    in_force = Rate.objects.filter(Q(ending_before__isnull=True) | Q(ending_before__gt=at), starting_at__lte=at)
    product_ids = in_force.filter(rate_card_id__in=rate_card_ids).values_list("product_id", flat=True).distinct()
    states = [state_at(history, at) for history in versions_of(product_ids).values()]
    return {state.billable_metric_id for state in states if state.billable_metric_id is not None}
