"""Writes of rates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max

from catalog.models import Product, ProductVersion, Rate, RateCard
from catalog.selectors import price_of, versions_of
from catalog.services.rate_cards import lock_rate_card
from core import audit
from core.audit import current_actor
from core.errors import InvalidInput
from core.events import publish
from core.transactions import require_transaction, use_case
from engine.errors import InvalidTerms
from engine.money import plain


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate to add over `[starting_at, ending_before)`, on the hour in UTC.

    FLAT has `price`, TIERED has `tiers` of (size, price), in the stored units of the card's currency (cents for USD).
    """

    product_id: UUID
    starting_at: datetime
    entitled: bool
    rate_type: str
    ending_before: datetime | None = None
    price: Decimal | None = None
    tiers: tuple[tuple[Decimal | None, Decimal], ...] = ()
    credit_type_id: UUID | None = None
    pricing_group_values: dict[str, str] = field(default_factory=dict)


def add_rate(*, rate_card_id: UUID, rate: NewRate, now: datetime) -> Rate:
    """Adds one rate; where it overlaps others of the same product and group values, it counts instead of them.

    Raises NotFound for the card, InvalidInput naming the field at fault.
    """
    with use_case():
        [added] = _add(rate_card_id, [rate], "", now)
    return added


def add_rates(*, rate_card_id: UUID, rates: Sequence[NewRate], now: datetime) -> list[Rate]:
    """Adds all rates, in their order, or none. Raises as `add_rate`; fields are named `rates.<index>.<field>`."""
    with use_case():
        return _add(rate_card_id, rates, "rates.{}.", now)


def _add(rate_card_id: UUID, rates: Sequence[NewRate], path: str, now: datetime) -> list[Rate]:
    """The one writer of rates: the card's lock orders them, `rate_sequence_once` proves it."""
    require_transaction()
    card = lock_rate_card(rate_card_id)
    products = Product.objects.in_bulk({rate.product_id for rate in rates})
    versions = versions_of(products)
    last: int = card.rates.aggregate(last=Max("sequence"))["last"] or 0
    rows = []
    for index, new in enumerate(rates):
        prefix = path.format(index)
        _check_product(products.get(new.product_id), versions.get(new.product_id, []), new, prefix)
        rows.append(_row(card, new, last + 1 + index, prefix, now))
    Rate.objects.bulk_create(rows)
    detail = {"rates": [_plain(row) for row in rows]}
    publish("rate_card.rates_added", card, at=now, payload=detail)
    audit.record("rate_card.add_rates", card, at=now, detail=detail)
    return rows


def _row(card: RateCard, new: NewRate, sequence: int, prefix: str, now: datetime) -> Rate:
    """The rate to store. Raises InvalidInput for a window, currency or price that cannot be."""
    if new.ending_before is not None and new.ending_before <= new.starting_at:
        raise InvalidInput("must be after starting_at", field=f"{prefix}ending_before")
    if new.credit_type_id not in (None, card.fiat_credit_type_id):
        raise InvalidInput("must be the currency of the rate card", field=f"{prefix}credit_type_id")
    row = Rate(
        sequence=sequence,
        rate_card=card,
        product_id=new.product_id,
        pricing_group_values=new.pricing_group_values,
        starting_at=new.starting_at,
        ending_before=new.ending_before,
        entitled=new.entitled,
        rate_type=new.rate_type,
        credit_type=card.fiat_credit_type,
        price=new.price,
        tiers=[_plain_tier(size, price) for size, price in new.tiers],
        created_at=now,
        created_by=current_actor().label,
    )
    try:
        price_of(row)
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=f"{prefix}{error.field}") from error
    return row


def _check_product(product: Product | None, versions: Sequence[ProductVersion], new: NewRate, prefix: str) -> None:
    """Whether the product can have this rate. Raises InvalidInput."""
    if product is None:
        raise InvalidInput("no such product", field=f"{prefix}product_id")
    if product.archived_at is not None:
        raise InvalidInput("the product is archived", field=f"{prefix}product_id")
    if product.type != Product.Type.USAGE:
        message = f"rates of {product.type} products are not supported by this version of Tactus"
        raise InvalidInput(message, field=f"{prefix}product_id")
    keys = [set(version.pricing_group_key) for version in _in_force(versions, new)]
    if set(new.pricing_group_values) not in keys:
        wanted = " or ".join(", ".join(sorted(key)) or "nothing" for key in keys)
        message = f"must name exactly the product's pricing group key: {wanted}"
        raise InvalidInput(message, field=f"{prefix}pricing_group_values")


def _in_force(versions: Sequence[ProductVersion], new: NewRate) -> list[ProductVersion]:
    """The product's versions that are in force at some time of the rate, in order."""
    found: list[ProductVersion] = []
    for version in versions:
        if version.starting_at is None or version.starting_at <= new.starting_at:
            found = [version]
        elif new.ending_before is None or version.starting_at < new.ending_before:
            found.append(version)
    return found


def _plain_tier(size: Decimal | None, price: Decimal) -> dict[str, str]:
    return {"price": plain(price)} if size is None else {"size": plain(size), "price": plain(price)}


def _plain(rate: Rate) -> dict[str, Any]:
    return {
        "id": str(rate.pk),
        "product_id": str(rate.product_id),
        "rate_type": rate.rate_type,
        "price": None if rate.price is None else plain(rate.price),
        "tiers": rate.tiers,
        "pricing_group_values": rate.pricing_group_values,
        "entitled": rate.entitled,
        "starting_at": rate.starting_at.isoformat(),
        "ending_before": rate.ending_before and rate.ending_before.isoformat(),
    }
