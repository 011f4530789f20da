"""Reads of the catalogue."""

from catalog.selectors.metrics import get_metric, list_metrics, metric_spec
from catalog.selectors.packages import get_package, list_packages, package_for
from catalog.selectors.products import get_product, list_products, state_at, versions_of
from catalog.selectors.rate_cards import (
    conversions_of,
    get_rate_card,
    list_credit_types,
    list_rate_cards,
    ordered_product_ids,
)
from catalog.selectors.rates import (
    EffectiveRate,
    PriceSchedule,
    RateSelector,
    list_effective_rates,
    list_price_schedules,
    price_of,
    rate_version,
    stored_price_of,
)
from catalog.selectors.terms import (
    CATALOG_CHANGES,
    CardTerms,
    CatalogTerms,
    card_terms,
    priced_group_values,
    priced_metric_ids,
    priced_names,
    subscription_schedules,
)

__all__ = [
    "CATALOG_CHANGES",
    "CardTerms",
    "CatalogTerms",
    "EffectiveRate",
    "PriceSchedule",
    "RateSelector",
    "card_terms",
    "conversions_of",
    "get_metric",
    "get_package",
    "get_product",
    "get_rate_card",
    "list_credit_types",
    "list_effective_rates",
    "list_metrics",
    "list_packages",
    "list_price_schedules",
    "list_products",
    "list_rate_cards",
    "metric_spec",
    "ordered_product_ids",
    "package_for",
    "price_of",
    "priced_group_values",
    "priced_metric_ids",
    "priced_names",
    "rate_version",
    "state_at",
    "stored_price_of",
    "subscription_schedules",
    "versions_of",
]
