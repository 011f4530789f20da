"""What whoever acts may do alone: the limits of adjustments hold for every act that has a worth (`core.approvals`)."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import User

from balances.models import AccessType, Balance, Segment
from balances.selectors.adjustments import limit_of, usd_equivalent_of
from catalog.models import CreditType
from core.approvals import ActLimit
from core.audit import Actor
from core.models import ApiKey
from engine.balances import Drawdown
from engine.money import ZERO, add, total


def act_limit(actor: Actor) -> ActLimit | None:
    """The limit of a member of staff, or of a key: the smaller one of its own and of the person's who made it.

    None for the system, and for keys that have no limit. Whoever is not active any more may do nothing alone.
    """
    if actor.user_id is not None:
        person = User.objects.filter(pk=actor.user_id).first()
        return ActLimit(ZERO if person is None else limit_of(person), actor.user_id)
    if actor.api_key_id is None or not actor.is_limited:
        return None
    key = ApiKey.objects.select_related("made_by").get(pk=actor.api_key_id)
    own: Decimal = key.adjustment_limit
    return ActLimit(own if key.made_by is None else min(own, limit_of(key.made_by)), key.made_by_id)


def worth_of(
    amount: Decimal, unit: CreditType, customer_id: UUID, access_type: str = AccessType.SPEND
) -> Decimal | None:
    """What an amount in the unit's stored scale is worth in USD cents, for limits only; None where nobody can say.

    Contracts that are archived count too: an act that archives one asks what it took away.
    """
    if amount == ZERO:
        return ZERO
    return usd_equivalent_of(
        amount=amount, unit=unit, customer_id=customer_id, access_type=access_type, even_archived=True
    )


def worth_left(segments: Iterable[Segment]) -> Decimal | None:
    """What is left on these segments is worth, in USD cents; they come with their balances and units."""
    left: dict[tuple[UUID, str, UUID], tuple[Decimal, Balance]] = {}
    for segment in segments:
        owner = segment.owner
        key = (owner.credit_type_id, owner.access_type, owner.customer_id)
        left[key] = (add(left[key][0] if key in left else ZERO, max(segment.balance, ZERO)), owner)
    return sum_of(
        worth_of(amount, owner.credit_type, owner.customer_id, owner.access_type) for amount, owner in left.values()
    )


def worth_drawn(owner: Balance, amount: Decimal) -> Decimal | None:
    """What an invoice drew of a balance is worth, in USD cents; nothing for what only counted towards a commit."""
    if owner.kind == Balance.Kind.POSTPAID:
        return ZERO
    return worth_of(amount, owner.credit_type, owner.customer_id, owner.access_type)


def owners_of(drawdowns: Iterable[Drawdown]) -> list[tuple[Balance, Decimal]]:
    """What a computed invoice draws, with the balances it draws it of. One query."""
    drawn = {UUID(one.segment_id): one.amount for one in drawdowns}
    rows = Segment.objects.filter(pk__in=list(drawn)).select_related("owner__credit_type")
    return [(row.owner, drawn[row.pk]) for row in rows]


def sum_of(worths: Iterable[Decimal | None]) -> Decimal | None:
    """All of them together; None where nobody can say of one."""
    found = list(worths)
    return None if None in found else total(each for each in found if each is not None)
