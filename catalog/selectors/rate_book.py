"""What the rows of a rate sheet may name."""

from datetime import datetime

from catalog.models import Product, ProductVersion, RateCard
from catalog.rate_sheet import Book, BookProduct
from catalog.selectors.products import state_at


def get_rate_book(*, card: RateCard, now: datetime) -> Book:
    """All products as they are now, and the card's units, its currency first. Three queries."""
    products = {row.pk: row for row in Product.objects.order_by("created_at", "id")}
    versions: dict[object, list[ProductVersion]] = {}
    for version in ProductVersion.objects.select_related("billable_metric"):
        versions.setdefault(version.product_id, []).append(version)
    states = {key: state_at(history, now) for key, history in versions.items()}
    units = [card.fiat_credit_type]
    units += [entry.custom_credit_type for entry in card.conversions.select_related("custom_credit_type")]
    return Book(
        {
            key: BookProduct(
                key,
                states[key].name,
                row.type,
                tuple(states[key].pricing_group_key),
                row.archived_at is not None,
                states[key].billable_metric,
            )
            for key, row in products.items()
        },
        units,
    )
