"""What staff may adjust on their own: limits by role, what an amount is worth, what was posted within a day.

An API key with a limit is a way of its maker's: both limits hold, and what it posts counts for both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q, QuerySet, Sum

from balances.adjustment_models import Adjustment, KeyGift
from balances.models import AccessType, Balance, Segment
from balances.selectors.segments import engine_segment
from catalog.models import CreditType, CreditTypeConversion
from contracts.models import Contract
from core.approvals import influenced_by
from core.models import ApiKey
from core.staff import roles_of
from engine.balances import BalanceSegment
from engine.errors import InvalidTerms
from engine.limits import WINDOW, Allowance, Approval, approval
from engine.money import ZERO, add, mul

CENTS = Decimal(100)
A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """Whether an adjustment needs a second person, and by which figures.

    `usd_equivalent`: in USD cents, None if not known.
    """

    usd_equivalent: Decimal | None
    allowance: Allowance
    approval: Approval


def limits() -> dict[str, Decimal]:
    """What each role may post alone, in USD cents. Raises ImproperlyConfigured for a setting that is no number."""
    return {role: mul(_number(text, "TACTUS_ADJUSTMENT_LIMITS"), CENTS) for role, text in _limits().items()}


def limit_of(user: User) -> Decimal:
    """What this person may post alone, in USD cents: the highest of their roles; 0 without one, or if they left."""
    if not user.is_active:
        return ZERO
    known = limits()
    return max((known.get(role, ZERO) for role in roles_of(user)), default=ZERO)


def usd_per_unit() -> dict[str, Decimal]:
    """What one unit of a currency counts as in USD, for limits only."""
    table: dict[str, str] = settings.TACTUS_ADJUSTMENT_WORTH
    return {code: _number(text, "TACTUS_ADJUSTMENT_WORTH") for code, text in table.items()} | {"USD": Decimal(1)}


def usd_equivalent_of(
    *,
    amount: Decimal,
    unit: CreditType,
    customer_id: UUID,
    access_type: str = AccessType.SPEND,
    even_archived: bool = False,
) -> Decimal | None:
    """What an amount in the unit's stored scale moves, in USD cents; None where that is not known.

    A custom unit counts at the dearest conversion of the rate cards that the customer's contracts use, with
    `even_archived` those of archived ones too. Units of usage (QUANTITY) have no worth of their own.
    """
    if access_type != AccessType.SPEND:
        return None
    if unit.is_currency:
        return _in_usd_cents(abs(amount), unit)
    contracts = Contract.objects.filter(customer_id=customer_id)
    cards = (contracts if even_archived else contracts.filter(archived_at__isnull=True)).values("rate_card")
    rows = CreditTypeConversion.objects.filter(rate_card__in=cards, custom_credit_type=unit)
    found = [
        _in_usd_cents(mul(abs(amount), row.fiat_per_custom_credit), row.rate_card.fiat_credit_type)
        for row in rows.select_related("rate_card__fiat_credit_type")
    ]
    return None if not found or None in found else max(each for each in found if each is not None)


def allowance_of(*, maker: User | None, customer_id: UUID, now: datetime, api_key: ApiKey | None = None) -> Allowance:
    """The limit of this person and of the key that they ask through, and what counts against both. Two queries.

    A key that no person made (`maker` None) has its own limit alone. Only adjustments that nobody else decided count:
    those that a second person approved were looked at. What keys gave away in credits counts, too.
    """
    nobody, key_limit = Q(pk__in=()), None if api_key is None else api_key.adjustment_limit
    by_maker = nobody if maker is None else Q(made_by=maker)
    by_key = nobody if api_key is None else Q(api_key=api_key)
    for_customer = Q(customer_id=customer_id)
    within = (by_maker | by_key | for_customer) & Q(made_at__gt=now - WINDOW)
    sums = {
        name: Sum("worth", filter=whose)
        for name, whose in (("maker", by_maker), ("key", by_key), ("customer", for_customer))
    }
    alone = Adjustment.objects.filter(within, status=Adjustment.Status.POSTED, approval=Approval.NONE).aggregate(**sums)
    given = KeyGift.objects.filter(within).aggregate(**sums)
    counted = {name: add(alone[name] or ZERO, given[name] or ZERO) for name in sums}
    limit = limit_of(maker) if maker is not None else key_limit or ZERO
    return Allowance(
        limit,
        by_maker=counted["maker"],
        for_customer=counted["customer"],
        key_limit=key_limit,
        by_key=counted["key"],
    )


def assess(
    *,
    maker: User | None,
    customer_id: UUID,
    amount: Decimal,
    unit: CreditType,
    access_type: str,
    now: datetime,
    api_key: ApiKey | None = None,
) -> ApprovalDecision:
    """Whether this person, or this key, may post this alone now. What is true under the lock of the service counts."""
    usd_equivalent = usd_equivalent_of(amount=amount, unit=unit, customer_id=customer_id, access_type=access_type)
    allowance = allowance_of(maker=maker, customer_id=customer_id, now=now, api_key=api_key)
    return ApprovalDecision(usd_equivalent, allowance, approval(usd_equivalent, allowance))


def deciders(*, but: User, now: datetime) -> list[User]:
    """Who may approve what this person asks for, by name: nobody whom they made or changed of late."""
    rows = User.objects.with_perm("balances.approve_adjustment", backend="django.contrib.auth.backends.ModelBackend")
    return list(
        rows.exclude(pk=but.pk)
        .exclude(pk__in=influenced_by(user=but, now=now))
        .order_by("first_name", "last_name", "username")
    )


def default_expiry(*, customer_id: UUID, now: datetime) -> date:
    """The day at whose start, UTC, a credit ends unless somebody says otherwise (TACTUS_CREDIT_EXPIRY)."""
    asked: str = settings.TACTUS_CREDIT_EXPIRY
    if asked == "contract":
        living = Contract.objects.filter(customer_id=customer_id, archived_at__isnull=True)
        ends = list(living.exclude(ending_before__lte=now).values_list("ending_before", flat=True))
        known = [end for end in ends if end is not None]
        return max(known).date() if known and len(known) == len(ends) else (now + A_YEAR).date()
    days = _number(asked, "TACTUS_CREDIT_EXPIRY")
    return (now + timedelta(days=int(days))).date()


def adjustment_rows() -> QuerySet[Adjustment]:
    """Adjustments with all that their rows show; one query."""
    return Adjustment.objects.select_related(
        "customer",
        "credit_type",
        "segment__owner__product",
        "product",
        "made_by",
        "api_key",
        "decided_by",
        "entry",
        "credit",
        "contract",
    )


def segment_after(row: Adjustment, now: datetime) -> BalanceSegment:
    """The segment that an adjustment is about, as the engine would know it had the adjustment been posted now.

    Raises InvalidTerms for one that cannot be.
    """
    if row.segment is not None:
        return engine_segment(row.segment, available=add(row.segment.balance, row.amount))
    if row.access_from is None or row.access_until is None:
        raise InvalidTerms("a credit needs its access", "access_from")
    owner = Balance(
        customer_id=row.customer_id,
        kind=Balance.Kind.CREDIT,
        credit_type=row.credit_type,
        created_at=now,
        name=row.credit_name,
        priority=row.priority,
        cost_basis=ZERO,
        applicable_product_ids=row.applicable_product_ids,
        applicable_product_tags=row.applicable_product_tags,
        applicable_contract_ids=None if row.contract_id is None else [str(row.contract_id)],
    )
    made = Segment(owner=owner, starting_at=row.access_from, ending_before=row.access_until)
    return engine_segment(made, available=row.amount)


def waiting_for(user: User) -> int:
    """How many adjustments this person could decide."""
    return Adjustment.objects.filter(status=Adjustment.Status.PENDING).exclude(made_by=user).count()


def units_of(*, customer_id: UUID) -> Iterator[CreditType]:
    """The units a customer deals in, likeliest first: currencies of their contracts, units of their balances, USD."""
    contracts = Q(pk__in=Contract.objects.filter(customer_id=customer_id).values("rate_card__fiat_credit_type"))
    converted = CreditTypeConversion.objects.filter(rate_card__contracts__customer_id=customer_id)
    custom = Q(pk__in=converted.values("custom_credit_type"))
    held = Q(pk__in=CreditType.objects.filter(code="USD").values("pk"))
    for condition in (contracts, custom & ~contracts, held & ~contracts & ~custom):
        yield from CreditType.objects.filter(condition, archived_at__isnull=True).order_by("name", "pk")


def _in_usd_cents(amount: Decimal, unit: CreditType) -> Decimal | None:
    if unit.code == "USD":
        return amount
    counts = usd_per_unit().get(unit.code)
    if counts is None:
        return None
    return mul(mul(amount.scaleb(-unit.minor_digits), counts), CENTS)


def _limits() -> dict[str, str]:
    table: dict[str, str] = settings.TACTUS_ADJUSTMENT_LIMITS
    return table


def _number(text: str, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ImproperlyConfigured(f"{name}: {text!r} is no number") from error
    if not value.is_finite() or value < ZERO:
        raise ImproperlyConfigured(f"{name}: {text!r} must be 0 or more")
    return value
