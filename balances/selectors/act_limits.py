"""What whoever acts may do alone: the limits of adjustments hold for every act that has a worth (`core.approvals`)."""

from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User

from balances.selectors.adjustments import limit_of, usd_equivalent_of
from catalog.models import CreditType
from core.approvals import ActLimit
from core.audit import Actor
from engine.money import ZERO


def act_limit(actor: Actor) -> ActLimit | None:
    """The limit of a member of staff; None for the system and for keys that no person answers for.

    Whoever is not active any more may do nothing alone.
    """
    if actor.user_id is None:
        return None
    person = User.objects.filter(pk=actor.user_id, is_active=True).first()
    return ActLimit(ZERO if person is None else limit_of(person), actor.user_id)


def worth_of(amount: Decimal, unit: CreditType, customer_id: UUID) -> Decimal | None:
    """What an amount in the unit's stored scale is worth in USD cents, for limits only; None where nobody can say."""
    return ZERO if amount == ZERO else usd_equivalent_of(amount=amount, unit=unit, customer_id=customer_id)
