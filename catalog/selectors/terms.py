"""A rate card as the engine bills by it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform

from catalog.models import BillableMetric, Product, ProductVersion, Rate
from catalog.selectors.metrics import metric_spec
from catalog.selectors.products import state_at, versions_of
from catalog.selectors.rate_cards import conversions_of
from catalog.selectors.rates import GroupValues, group_by_price, rate_version, spans
from core.postgres.snapshot_cache import Changes, SnapshotCache
from engine.calendar import Period, split
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.invoice import ProductTerms
from engine.rating import RateSchedule
from engine.terms import CompositeScope, CompositeTerms
from engine.timeline import later_wins
from engine.usage import MetricSpec

CATALOG_CHANGES = Changes("catalog_change")
"""Rates, products, rate cards, metrics, credit types and conversions (triggers: catalog/sql/catalog_change.sql)."""
# What of a product's state bears on its lines.
BILLED = (
    "name", "billable_metric_id", "pricing_group_key", "presentation_group_key", "quantity_conversion",
    "quantity_rounding", "tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CatalogTerms:
    """A usage product as a card prices it, and what its metric counts."""

    terms: ProductTerms
    spec: MetricSpec


@dataclass(frozen=True, slots=True)
class CardTerms:
    """What a card prices in a period.

    `subscriptions` are the schedules of subscription products by (product id, billing frequency); `conversions` what
    one unit of each custom credit type costs.
    """

    products: tuple[CatalogTerms, ...] = ()
    composites: tuple[CompositeTerms, ...] = ()
    subscriptions: Mapping[tuple[str, str], RateSchedule] | None = None
    conversions: Mapping[str, Decimal] | None = None


def card_terms(*, rate_card_id: UUID, period: Period, planned: Sequence[Rate] = ()) -> CardTerms:
    """The products that the card has a rate for at any time in `period`, in the order of their first such rate.

    A product whose settings change inside the period has terms for each stretch; a composite one is as at the period's
    start. Rates whose group values do not fit the pricing group key of the time do not count. `planned`:
    rates that are not stored (`plan_rates`), as if added last. Four queries, whatever the size of the card; one while
    the catalog does not change.
    """
    if planned:
        return _read_card(rate_card_id, period, planned)
    return _CARDS.get((rate_card_id, period), lambda: _read_card(rate_card_id, period), CATALOG_CHANGES)


def _weight(card: CardTerms) -> int:
    return 1 + sum(len(product.terms.schedules) for product in card.products)


_CARDS: SnapshotCache[CardTerms] = SnapshotCache(_weight, room=40_000)
"""Some 40 MB at most: about 1 KB for a rate."""


def _read_card(rate_card_id: UUID, period: Period, planned: Sequence[Rate] = ()) -> CardTerms:
    stored = list(
        Rate.objects.filter(Q(ending_before__isnull=True) | Q(ending_before__gt=period.start))
        .filter(rate_card_id=rate_card_id, starting_at__lt=period.end)
        .annotate(product_type=F("product__type"), card_name=F("rate_card__name"))  # cheaper than objects for each
        .order_by("sequence")
    )
    kinds: dict[UUID, str] = {rate.product_id: rate.product_type for rate in stored}
    card_name = stored[0].card_name if stored else None
    rows: list[Rate] = list(stored)
    rows += [
        rate
        for rate in planned
        if rate.starting_at < period.end and (rate.ending_before is None or rate.ending_before > period.start)
    ]
    versions = versions_of(rate.product_id for rate in rows)
    schedules: dict[UUID, dict[tuple[GroupValues, str], RateSchedule]] = {}
    for (product_id, values, frequency), rates in group_by_price(rows).items():
        if product_id not in kinds:
            kinds[product_id] = rates[0].product.type
        schedule = RateSchedule(tuple(rate_version(part, card_name) for part in later_wins(spans(rates))))
        schedules.setdefault(product_id, {})[values, frequency] = schedule
    products: list[CatalogTerms] = []
    composites: list[CompositeTerms] = []
    subscriptions: dict[tuple[str, str], RateSchedule] = {}
    for product_id, priced in schedules.items():
        if kinds[product_id] == Product.Type.USAGE:
            by_values = {values: schedule for (values, _), schedule in priced.items()}
            products += _usage_terms(versions[product_id], by_values, period)
        elif kinds[product_id] == Product.Type.COMPOSITE:
            composites += [_composite(state_at(versions[product_id], period.start), one) for one in priced.values()]
        else:
            subscriptions |= {(str(product_id), frequency): one for (_, frequency), one in priced.items()}
    return CardTerms(tuple(products), tuple(composites), subscriptions, conversions_of(rate_card_id=rate_card_id))


def subscription_schedules(
    *, rate_card_id: UUID, product_ids: Collection[UUID], planned: Sequence[Rate] = ()
) -> dict[tuple[str, str], RateSchedule]:
    """The card's prices of these subscription products over all time, by (product id, billing frequency). One query.

    `planned`: rates that are not stored, as if added last.
    """
    rows = list(
        Rate.objects.filter(rate_card_id=rate_card_id, product_id__in=product_ids)
        .select_related("rate_card")
        .order_by("sequence")
    )
    rows += [rate for rate in planned if rate.product_id in product_ids]
    return {
        (str(product_id), frequency): RateSchedule(tuple(rate_version(part) for part in later_wins(spans(rates))))
        for (product_id, _, frequency), rates in group_by_price(rows).items()
    }


def _usage_terms(
    versions: Sequence[ProductVersion], priced: Mapping[GroupValues, RateSchedule], period: Period
) -> list[CatalogTerms]:
    found = []
    for window, state in _states(versions, period):
        metric = state.billable_metric
        if metric is None:
            continue
        fitting = {
            values: schedule
            for values, schedule in priced.items()
            if {name for name, _ in values} == set(state.pricing_group_key)
        }
        terms = _product_terms(state, metric, fitting, None if window == period else window)
        found.append(CatalogTerms(terms, metric_spec(metric)))
    return found


def _states(versions: Sequence[ProductVersion], period: Period) -> list[tuple[Period, ProductVersion]]:
    """The product's states in the period, in order of time; changes that no line shows make no new one."""
    starts = [version.starting_at for version in versions if version.starting_at is not None]
    found: list[tuple[Period, ProductVersion]] = []
    for window in split(period, starts):
        state = state_at(versions, window.start)
        if found and all(getattr(found[-1][1], name) == getattr(state, name) for name in BILLED):
            found[-1] = (Period(found[-1][0].start, window.end), found[-1][1])
        else:
            found.append((window, state))
    return found


def _product_terms(
    state: ProductVersion,
    metric: BillableMetric,
    schedules: Mapping[GroupValues, RateSchedule],
    window: Period | None,
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
        quantity_conversion=conversion
        and QuantityConversion(Decimal(conversion["conversion_factor"]), ConversionOperation(conversion["operation"])),
        quantity_rounding=rounding
        and QuantityRounding(RoundingMethod(rounding["rounding_method"]), rounding["decimal_places"]),
        tags=frozenset(state.tags),
        window=window,
    )


def _composite(state: ProductVersion, schedule: RateSchedule) -> CompositeTerms:
    return CompositeTerms(
        product_id=str(state.product_id),
        name=state.name,
        schedule=schedule,
        product_ids=frozenset(state.composite_product_ids),
        product_tags=frozenset(state.composite_tags),
        scope=CompositeScope(state.composite_scope),
        exclude_free_usage=state.exclude_free_usage,
        include_composites=state.include_composite_spend,
        tags=frozenset(state.tags),
    )


def priced_names(*, rate_card_ids: Collection[UUID]) -> set[str]:
    """Every name of the products that the cards have or had a rate for. One query."""
    product_ids = Rate.objects.filter(rate_card_id__in=rate_card_ids).values("product_id")
    return set(ProductVersion.objects.filter(product_id__in=product_ids).values_list("name", flat=True).distinct())


def priced_group_values(*, rate_card_ids: Collection[UUID], key: str) -> set[str]:
    """The values of a pricing group key that the cards have or had a rate for. One query."""
    rates = Rate.objects.filter(rate_card_id__in=rate_card_ids, pricing_group_values__has_key=key)
    return set(rates.values_list(KeyTextTransform(key, "pricing_group_values"), flat=True).distinct())


def priced_metric_ids(*, rate_card_ids: Collection[UUID], at: datetime) -> set[UUID]:
    """The metrics behind the products that the cards have a rate for at `at`. Two queries."""
    in_force = Rate.objects.filter(Q(ending_before__isnull=True) | Q(ending_before__gt=at), starting_at__lte=at)
    product_ids = in_force.filter(rate_card_id__in=rate_card_ids).values_list("product_id", flat=True).distinct()
    states = [state_at(history, at) for history in versions_of(product_ids).values()]
    return {state.billable_metric_id for state in states if state.billable_metric_id is not None}
