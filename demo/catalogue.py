"""The story's metrics, products and rate cards in the database. What an interrupted load made is found again."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog import selectors, services
from demo.story import CARDS, CHARGES, METRICS, PRODUCTS, Calendar, Card, Metric, Price, Product

MARK = "demo"
"""The custom field that holds the story's key of a metric or product."""


def make_catalogue(calendar: Calendar) -> dict[str, UUID]:
    """Everything that is sold; rate card ids by alias. Made ten days before the story starts."""
    at = min(calendar.start, calendar["thirty_first"]) - timedelta(days=10)
    metrics = {entry.custom_fields.get(MARK): entry.pk for entry in selectors.list_metrics()}
    for metric in METRICS:
        if metric.key not in metrics:
            metrics[metric.key] = _make_metric(metric, at)
    products = {entry.custom_fields.get(MARK): entry.pk for entry in selectors.list_products()}
    for product in PRODUCTS:
        if product.key not in products:
            products[product.key] = _make_product(product, metrics[product.key], at)
    for key, name in CHARGES.items():
        if key not in products:
            fields = {"name": name}
            services.create_product(product_type="FIXED", fields=fields, custom_fields={MARK: key}, now=at)
    currencies = {unit.code: unit.pk for unit in selectors.list_credit_types() if unit.is_currency}
    cards = {entry.custom_fields.get(MARK): entry.pk for entry in selectors.list_rate_cards()}
    for card in CARDS:
        if card.alias not in cards:
            cards[card.alias] = _make_card(card, currencies[card.currency], calendar.start.year, at)
        if not selectors.list_effective_rates(rate_card_id=cards[card.alias], starting_at=at):
            rates = [_rate(price, products[price.product], calendar, at) for price in card.prices]
            services.add_rates(rate_card_id=cards[card.alias], rates=rates, now=at)
    return {card.alias: cards[card.alias] for card in CARDS}


def product_ids() -> dict[str, UUID]:
    """The story's products by key."""
    return {entry.custom_fields[MARK]: entry.pk for entry in selectors.list_products() if MARK in entry.custom_fields}


def _make_metric(metric: Metric, at: datetime) -> UUID:
    filters: list[dict[str, Any]] = [{"name": name, "exists": True} for name in metric.groups]
    if metric.counts:
        filters.append({"name": metric.counts, "exists": True})
    if metric.model:
        filters.append({"name": "model", "in_values": [metric.model]})
    return services.create_metric(
        name=metric.name,
        aggregation_type=metric.aggregation,
        aggregation_key=metric.counts,
        event_type_filter={"in_values": [metric.event_type]},
        property_filters=filters,
        group_keys=[[name] for name in metric.groups],
        custom_fields={MARK: metric.key},
        now=at,
    ).pk


def _make_product(product: Product, metric_id: UUID, at: datetime) -> UUID:
    fields: dict[str, Any] = {
        "name": product.name,
        "billable_metric_id": str(metric_id),
        "pricing_group_key": list(product.pricing_key),
        "presentation_group_key": list(product.presentation_key),
    }
    if product.divide_by:
        fields["quantity_conversion"] = {
            "conversion_factor": str(product.divide_by), "operation": "DIVIDE", "name": product.unit,
        }  # fmt: skip
    if product.decimals is not None:
        fields["quantity_rounding"] = {"rounding_method": "ROUND_UP", "decimal_places": product.decimals}
    return services.create_product(product_type="USAGE", fields=fields, custom_fields={MARK: product.key}, now=at).pk


def _make_card(card: Card, currency_id: UUID, year: int, at: datetime) -> UUID:
    return services.create_rate_card(
        name=card.name.format(year=year),
        description=card.description,
        fiat_credit_type_id=currency_id,
        aliases=[services.AliasWindow(card.alias)],
        custom_fields={MARK: card.alias},
        now=at,
    ).pk


def _rate(price: Price, product_id: UUID, calendar: Calendar, at: datetime) -> services.NewRate:
    return services.NewRate(
        product_id=product_id,
        starting_at=calendar[price.since] if price.since != "start" else at,
        entitled=True,
        rate_type="TIERED" if price.tiers else "FLAT",
        price=None if price.price is None else Decimal(price.price),
        tiers=tuple((None if size is None else Decimal(size), Decimal(amount)) for size, amount in price.tiers),
        pricing_group_values=price.values,
    )
