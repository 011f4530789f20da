"""Reads of rate cards and pricing units."""

from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import CreditType, CreditTypeConversion, ProductOrder, Rate, RateCard
from core.errors import NotFound


def get_rate_card(*, rate_card_id: UUID, field: str | None = None) -> RateCard:
    """The card, archived or not, with its aliases and currency. Raises NotFound, naming `field` if given."""
    found = _cards().filter(pk=rate_card_id).first()
    if found is None:
        raise NotFound(f"no rate card {rate_card_id}", field=field)
    return found


def list_rate_cards() -> QuerySet[RateCard]:
    """Cards that new contracts may use, with aliases and currency (two queries)."""
    return _cards().filter(archived_at__isnull=True)


def list_credit_types() -> QuerySet[CreditType]:
    """Pricing units in use."""
    return CreditType.objects.filter(archived_at__isnull=True)


def ordered_product_ids(*, rate_card_id: UUID) -> list[UUID]:
    """The products that the card has rates of: those with a place first, then in the order of their first rate."""
    placed = list(ProductOrder.objects.filter(rate_card_id=rate_card_id).values_list("product_id", flat=True))
    priced = Rate.objects.filter(rate_card_id=rate_card_id).order_by("sequence").values_list("product_id", flat=True)
    return list(dict.fromkeys([*placed, *priced]))


def conversions_of(*, rate_card_id: UUID) -> dict[str, Decimal]:
    """Fiat for one unit, by custom credit type id."""
    rows = CreditTypeConversion.objects.filter(rate_card_id=rate_card_id)
    return {str(unit): fiat for unit, fiat in rows.values_list("custom_credit_type_id", "fiat_per_custom_credit")}


def _cards() -> QuerySet[RateCard]:
    return RateCard.objects.select_related("fiat_credit_type").prefetch_related(
        "aliases", "conversions__custom_credit_type"
    )
