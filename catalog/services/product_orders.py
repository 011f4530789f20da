"""Writes of the order of products on a card."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from catalog.events import RateCardProductsOrdered
from catalog.models import ProductOrder, RateCard
from catalog.selectors import ordered_product_ids
from catalog.services.rate_cards import lock_rate_card
from core import audit
from core.errors import InvalidInput
from core.events import publish
from core.transactions import require_transaction, use_case


def set_product_order(*, rate_card_id: UUID, product_ids: Sequence[UUID], now: datetime) -> RateCard:
    """Puts these products first, in this order; the others of the card follow.

    Raises NotFound, InvalidInput.
    """
    with use_case():
        card = lock_rate_card(rate_card_id)
        standing = ordered_product_ids(rate_card_id=card.pk)
        for index, product_id in enumerate(product_ids):
            if product_id not in standing:
                raise InvalidInput("the card has no rate of this product", field=f"product_order.{index}")
            if product_id in product_ids[:index]:
                raise InvalidInput("stands twice", field=f"product_order.{index}")
        _write(card, [*product_ids, *(other for other in standing if other not in product_ids)], now)
    return card


def move_products(*, rate_card_id: UUID, moves: Sequence[tuple[UUID, int]], now: datetime) -> RateCard:
    """Moves products to new places (from 0), one after the other. Raises NotFound, InvalidInput."""
    with use_case():
        card = lock_rate_card(rate_card_id)
        standing = ordered_product_ids(rate_card_id=card.pk)
        for index, (product_id, position) in enumerate(moves):
            if product_id not in standing:
                raise InvalidInput("the card has no rate of this product", field=f"product_moves.{index}.product_id")
            if position >= len(standing):
                raise InvalidInput(f"must be below {len(standing)}", field=f"product_moves.{index}.position")
            standing.remove(product_id)
            standing.insert(position, product_id)
        _write(card, standing, now)
    return card


def _write(card: RateCard, product_ids: Sequence[UUID], now: datetime) -> None:
    """The one writer of the order; the caller holds the card's lock."""
    require_transaction()
    ProductOrder.objects.filter(rate_card=card).delete()
    ProductOrder.objects.bulk_create(
        [ProductOrder(rate_card=card, product_id=product_id, position=at) for at, product_id in enumerate(product_ids)]
    )
    detail = {"product_order": [str(product_id) for product_id in product_ids]}
    publish(RateCardProductsOrdered(rate_card_id=card.pk, occurred_at=now, product_ids=tuple(product_ids)))
    audit.record("rate_card.order_products", card, at=now, detail=detail)
