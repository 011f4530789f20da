"""Every write of the catalogue."""

from catalog.services.metrics import archive_metric, create_metric, rename_metric
from catalog.services.products import COLUMNS, USAGE_ONLY, archive_product, create_product, update_product
from catalog.services.rate_cards import AliasWindow, archive_rate_card, create_rate_card, update_rate_card
from catalog.services.rate_plan import PriceChange, RatePlan, already_stored, plan_rates
from catalog.services.rates import NewRate, add_rate, add_rates

__all__ = [
    "COLUMNS",
    "USAGE_ONLY",
    "AliasWindow",
    "NewRate",
    "PriceChange",
    "RatePlan",
    "add_rate",
    "add_rates",
    "already_stored",
    "archive_metric",
    "archive_product",
    "archive_rate_card",
    "create_metric",
    "create_product",
    "create_rate_card",
    "plan_rates",
    "rename_metric",
    "update_product",
    "update_rate_card",
]
