"""Writes of rates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max

from catalog.events import RateCardRatesAdded
from catalog.models import CreditType, Product, ProductVersion, Rate, RateCard
from catalog.prices import PERCENTAGES, stored_price
from catalog.selectors import stored_price_of, versions_of
from catalog.services.rate_cards import lock_rate_card
from core import audit
from core.audit import current_actor
from core.errors import Conflict, InvalidInput
from core.events import publish
from core.transactions import require_transaction, use_case
from engine.errors import InvalidTerms

RATES_OF: dict[str, tuple[str, ...]] = {
    Product.Type.USAGE: ("FLAT", "TIERED", "VOLUME", "PACKAGE", "CUSTOM"),
    Product.Type.SUBSCRIPTION: ("FLAT", "SUBSCRIPTION"),
    Product.Type.COMPOSITE: PERCENTAGES,
}


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate to add over `[starting_at, ending_before)`, on the hour in UTC.

    `price`, `tiers` of (size, price), `minimum` and `package_size` as its type needs them, in the stored units of
    `credit_type_id` (the card's currency by default); `custom_rate` is the JSON text of a CUSTOM one. `commit_rate`:
    the arguments of `catalog.prices.stored_price`.
    """

    product_id: UUID
    starting_at: datetime
    entitled: bool
    rate_type: str
    ending_before: datetime | None = None
    price: Decimal | None = None
    tiers: tuple[tuple[Decimal | None, Decimal], ...] = ()
    minimum: Decimal | None = None
    package_size: Decimal | None = None
    custom_rate: str = ""
    commit_rate: dict[str, Any] | None = None
    credit_type_id: UUID | None = None
    pricing_group_values: dict[str, str] = field(default_factory=dict)
    billing_frequency: str = ""
    is_prorated: bool | None = None
    quantity: Decimal | None = None


def add_rate(*, rate_card_id: UUID, rate: NewRate, now: datetime) -> Rate:
    """Adds one rate; where it overlaps others of the same product and group values, it counts instead of them.

    Raises NotFound for the card, InvalidInput naming the field at fault.
    """
    with use_case():
        [added] = _add(rate_card_id, [rate], path="", now=now)
    return added


def add_rates(
    *,
    rate_card_id: UUID,
    rates: Sequence[NewRate],
    now: datetime,
    reason: str = "",
    after_sequence: int | None = None,
) -> list[Rate]:
    """Adds all rates, in their order, or none. Raises as `add_rate`; fields are named `rates.<index>.<field>`.

    `reason` goes to the audit trail. With `after_sequence` (`RatePlan.last_sequence`), Conflict unless that is still
    the card's newest rate: what was previewed is what is stored, and a second click adds nothing.
    """
    with use_case():
        return _add(rate_card_id, rates, path="rates.{}.", now=now, reason=reason, after_sequence=after_sequence)


def _add(
    rate_card_id: UUID,
    rates: Sequence[NewRate],
    *,
    path: str,
    now: datetime,
    reason: str = "",
    after_sequence: int | None = None,
) -> list[Rate]:
    """The one writer of rates: the card's lock orders them, `rate_sequence_once` proves it."""
    require_transaction()
    card = lock_rate_card(rate_card_id)
    builder = RateBuilder(card, rates)
    if after_sequence not in (None, builder.last_sequence):
        raise Conflict("the card has got other rates since", field="after_sequence")
    rows = []
    for index, new in enumerate(rates):
        prefix = path.format(index)
        builder.check(new, prefix)
        rows.append(builder.build(new, index, prefix=prefix, now=now))
    Rate.objects.bulk_create(rows)
    detail = {"rates": [_plain(row) for row in rows]}
    publish(RateCardRatesAdded(rate_card_id=card.pk, occurred_at=now, rate_ids=tuple(row.pk for row in rows)))
    audit.record("rate_card.add_rates", card, at=now, detail=detail, reason=reason)
    return rows


class RateBuilder:
    """Makes new rates rows of a card, unsaved: the same rules for adding them and for saying what they would do."""

    def __init__(self, card: RateCard, rates: Sequence[NewRate]) -> None:
        self._card = card
        self._products = Product.objects.in_bulk({rate.product_id for rate in rates})
        self._versions = versions_of(self._products)
        self._units = _Units(card, self._products)
        self.last_sequence: int = card.rates.aggregate(last=Max("sequence"))["last"] or 0

    def check(self, new: NewRate, prefix: str) -> None:
        """Whether the product can have this rate. Raises InvalidInput."""
        _check_product(self._products.get(new.product_id), self._versions.get(new.product_id, []), new, prefix)

    def build(self, new: NewRate, index: int, *, prefix: str, now: datetime) -> Rate:
        """The `index`-th row. Raises InvalidInput for a window, unit or price that cannot be."""
        unit = self._units.of(new, prefix)
        sequence = self.last_sequence + 1 + index
        return _row(self._card, new, unit=unit, sequence=sequence, prefix=prefix, now=now)


def _row(card: RateCard, new: NewRate, *, unit: CreditType, sequence: int, prefix: str, now: datetime) -> Rate:
    """The rate to store. Raises InvalidInput for a window, unit or price that cannot be."""
    if new.ending_before is not None and new.ending_before <= new.starting_at:
        raise InvalidInput("must be after starting_at", field=f"{prefix}ending_before")
    if (new.rate_type == Rate.Type.CUSTOM) != bool(new.custom_rate):
        message = "a CUSTOM rate needs it" if not new.custom_rate else "only for a CUSTOM rate"
        raise InvalidInput(message, field=f"{prefix}custom_rate")
    try:
        cost = stored_price(
            new.rate_type, price=new.price, tiers=new.tiers, minimum=new.minimum, package_size=new.package_size
        )
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=f"{prefix}{error.field}") from error
    try:
        commit_rate = None if new.commit_rate is None else stored_price(**new.commit_rate)
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=f"{prefix}commit_rate.{error.field}") from error
    return Rate(
        sequence=sequence,
        rate_card=card,
        product_id=new.product_id,
        pricing_group_values=new.pricing_group_values,
        starting_at=new.starting_at,
        ending_before=new.ending_before,
        entitled=new.entitled,
        rate_type=new.rate_type,
        credit_type=unit,
        price=new.price,
        tiers=cost.get("tiers", []),
        minimum=new.minimum,
        package_size=new.package_size,
        custom_rate=new.custom_rate,
        commit_rate=commit_rate,
        billing_frequency=new.billing_frequency,
        is_prorated=new.is_prorated,
        quantity=new.quantity,
        created_at=now,
        created_by=current_actor().label,
    )


class _Units:
    """The units that a card knows, and the one that each product is priced in from its first rate on."""

    def __init__(self, card: RateCard, product_ids: Iterable[UUID]) -> None:
        self._card = card
        conversions = card.conversions.select_related("custom_credit_type")
        self._known = {card.fiat_credit_type_id: card.fiat_credit_type}
        self._known |= {entry.custom_credit_type_id: entry.custom_credit_type for entry in conversions}
        rates = card.rates.filter(product_id__in=product_ids).exclude(rate_type__in=PERCENTAGES)
        self._chosen: dict[UUID, UUID] = dict(rates.values_list("product_id", "credit_type_id").distinct())

    def of(self, new: NewRate, prefix: str) -> CreditType:
        """The rate's unit. Raises InvalidInput for one that the card cannot convert, or another than before."""
        wanted = new.credit_type_id or self._card.fiat_credit_type_id
        unit = self._known.get(wanted)
        if unit is None:
            message = "must be the rate card's currency or one of its credit_type_conversions"
            raise InvalidInput(message, field=f"{prefix}credit_type_id")
        if new.rate_type not in PERCENTAGES and self._chosen.setdefault(new.product_id, wanted) != wanted:
            message = "a product keeps the credit type of its first rate on a card"
            raise InvalidInput(message, field=f"{prefix}credit_type_id")
        return unit


def _check_product(product: Product | None, versions: Sequence[ProductVersion], new: NewRate, prefix: str) -> None:
    """Whether the product can have this rate. Raises InvalidInput."""
    if product is None:
        raise InvalidInput("no such product", field=f"{prefix}product_id")
    if product.archived_at is not None:
        raise InvalidInput("the product is archived", field=f"{prefix}product_id")
    allowed = RATES_OF.get(product.type)
    if allowed is None:
        message = f"{product.type} products have no rates: their price stands on the contract"
        raise InvalidInput(message, field=f"{prefix}product_id")
    for cost, path in (
        (new.rate_type, "rate_type"),
        ((new.commit_rate or {}).get("rate_type"), "commit_rate.rate_type"),
    ):
        if cost is not None and cost not in allowed:
            message = f"a {product.type} product has rates of type {', '.join(allowed)}"
            raise InvalidInput(message, field=f"{prefix}{path}")
    _check_subscription(product, new, prefix)
    keys = [set(version.pricing_group_key) for version in _in_force(versions, new)]
    if set(new.pricing_group_values) not in keys:
        wanted = " or ".join(", ".join(sorted(key)) or "nothing" for key in keys)
        message = f"must name exactly the product's pricing group key: {wanted}"
        raise InvalidInput(message, field=f"{prefix}pricing_group_values")


def _check_subscription(product: Product, new: NewRate, prefix: str) -> None:
    """Subscriptions are charged by frequency; only SUBSCRIPTION rates have defaults of their own."""
    if product.type == Product.Type.SUBSCRIPTION:
        if not new.billing_frequency:
            raise InvalidInput("is needed for a SUBSCRIPTION product", field=f"{prefix}billing_frequency")
        if new.commit_rate is not None:
            raise InvalidInput("does not apply to a SUBSCRIPTION product", field=f"{prefix}commit_rate")
    elif new.billing_frequency:
        raise InvalidInput(f"does not apply to a {product.type} product", field=f"{prefix}billing_frequency")
    subscribed = new.rate_type == Rate.Type.SUBSCRIPTION
    if new.is_prorated is not None and not (subscribed and new.is_prorated):
        raise InvalidInput("must be true, and only for a SUBSCRIPTION rate", field=f"{prefix}is_prorated")
    if new.quantity is not None and not subscribed:
        raise InvalidInput("only for a SUBSCRIPTION rate", field=f"{prefix}quantity")


def _in_force(versions: Sequence[ProductVersion], new: NewRate) -> list[ProductVersion]:
    """The product's versions that are in force at some time of the rate, in order."""
    found: list[ProductVersion] = []
    for version in versions:
        if version.starting_at is None or version.starting_at <= new.starting_at:
            found = [version]
        elif new.ending_before is None or version.starting_at < new.ending_before:
            found.append(version)
    return found


def _plain(rate: Rate) -> dict[str, Any]:
    return {
        "id": str(rate.pk),
        "product_id": str(rate.product_id),
        "rate_type": rate.rate_type,
        **{name: value for name, value in stored_price_of(rate).items() if name != "rate_type"},
        "credit_type_id": str(rate.credit_type_id),
        "commit_rate": rate.commit_rate,
        "billing_frequency": rate.billing_frequency or None,
        "pricing_group_values": rate.pricing_group_values,
        "entitled": rate.entitled,
        "starting_at": rate.starting_at.isoformat(),
        "ending_before": rate.ending_before and rate.ending_before.isoformat(),
    }
