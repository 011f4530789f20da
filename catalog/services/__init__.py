"""Every write of the catalogue."""

from catalog.services.credit_types import archive_credit_type, create_credit_type
from catalog.services.metrics import archive_metric, create_metric, update_metric
from catalog.services.named_schedules import update_named_schedule
from catalog.services.packages import archive_package, create_package
from catalog.services.product_orders import move_products, set_product_order
from catalog.services.products import (
    COLUMNS,
    COMPOSITE_ONLY,
    USAGE_ONLY,
    archive_product,
    create_product,
    update_product,
)
from catalog.services.rate_cards import AliasWindow, Conversion, archive_rate_card, create_rate_card, update_rate_card
from catalog.services.rate_plan import PriceChange, RatePlan, already_stored, plan_rates
from catalog.services.rates import NewRate, add_rate, add_rates

__all__ = [
    "COLUMNS",
    "COMPOSITE_ONLY",
    "USAGE_ONLY",
    "AliasWindow",
    "Conversion",
    "NewRate",
    "PriceChange",
    "RatePlan",
    "add_rate",
    "add_rates",
    "already_stored",
    "archive_credit_type",
    "archive_metric",
    "archive_package",
    "archive_product",
    "archive_rate_card",
    "create_credit_type",
    "create_metric",
    "create_package",
    "create_product",
    "create_rate_card",
    "move_products",
    "plan_rates",
    "set_product_order",
    "update_metric",
    "update_named_schedule",
    "update_product",
    "update_rate_card",
]
