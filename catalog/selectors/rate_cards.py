"""Reads of rate cards and pricing units."""

from uuid import UUID

from django.db.models import QuerySet

from catalog.models import CreditType, RateCard
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


def _cards() -> QuerySet[RateCard]:
    return RateCard.objects.select_related("fiat_credit_type").prefetch_related("aliases")
