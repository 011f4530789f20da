"""What an API key with a limit gives away in credits and commits: measured, and counted like adjustments posted alone.

A credit is given; a commit is sold, and gives away what it grants above what is invoiced for it (docs/adr/0015). Above
the limit the request is refused. Requests of all others cost nothing here.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from balances.adjustment_models import KeyGift
from balances.models import AccessType, Balance, RecurringGrant, Segment
from balances.selectors.adjustments import allowance_of, usd_equivalent_of
from balances.services.purchases import schedule_of
from catalog.models import CreditType
from core import audit
from core.errors import NotAllowed, Unavailable
from core.models import ApiKey
from core.postgres.locks import try_advisory_xact_lock
from core.transactions import require_transaction
from engine.limits import Approval, approval
from engine.money import ZERO, add, mul, subtract, total
from engine.recurring import GrantPeriod
from presentation.formatting import format_money

MOST_PERIODS: Final = 1200
"""Of a recurring one; what has more is as good as endless."""


@dataclass(frozen=True, slots=True)
class Given:
    """An amount in the stored unit of `unit`; None where nobody can say how much it will be."""

    amount: Decimal | None
    unit: CreditType
    access_type: str


def is_counted() -> bool:
    """Whether this request is one of an API key with a limit."""
    return audit.current_actor().is_limited


def count_given(given: Iterable[Given], *, source_id: UUID, customer_id: UUID, field: str, now: datetime) -> None:
    """Counts what is given away to a customer, in the transaction that gives it.

    Raises NotAllowed naming the field where it is more than the key may give alone, or nobody knows; Unavailable while
    another transaction is using up the same limits: whoever holds the customer's balances cannot wait for that.
    """
    require_transaction()
    actor = audit.current_actor()
    if actor.api_key_id is None or not actor.is_limited:
        return
    worth = _worth(given, customer_id)
    if worth == ZERO:
        return
    key = ApiKey.objects.select_related("made_by").get(pk=actor.api_key_id)
    if not try_advisory_xact_lock("adjustments", [whose_limits(key), f"customer:{customer_id}"]):
        raise Unavailable("another request is using up the same limit, and nothing was stored; try again")
    allowance = allowance_of(maker=key.made_by, api_key=key, customer_id=customer_id, now=now)
    why = approval(worth, allowance)
    if worth is None or why is not Approval.NONE:
        what = "what nobody can measure in USD" if worth is None else f"{format_money(worth, 2, 0)} USD"
        more = "" if why in (Approval.AMOUNT, Approval.NO_WORTH) else ", with what was given within 24 hours,"
        raise NotAllowed(
            f"{what}{more} is more than this API key may give alone; ask for it in the back office, or use a key with "
            "a higher limit",
            field=field,
        )
    KeyGift.objects.create(
        customer_id=customer_id, api_key=key, made_by=key.made_by, made_at=now, source_id=source_id, worth=worth,
        limit_worth=allowance.limit, key_limit=key.adjustment_limit,
    )  # fmt: skip


def whose_limits(key: ApiKey) -> str:
    """What to take turns for before using up the limits of a key and of its maker."""
    return f"key:{key.pk}" if key.made_by_id is None else f"maker:{key.made_by_id}"


def given_by(balance: Balance, *, granted: Decimal, charged: Decimal) -> Given:
    """What a balance gives away that grants so much, and for which so much is asked in its invoice schedule."""
    asked = ZERO if balance.do_not_invoice or balance.invoice_contract_id is None else charged
    amount = ZERO if balance.kind == Balance.Kind.POSTPAID else _unpaid(
        granted, asked, is_credit=balance.kind == Balance.Kind.CREDIT,
        alike=balance.access_type == AccessType.SPEND and balance.invoice_credit_type_id == balance.credit_type_id,
    )  # fmt: skip
    return Given(amount, balance.credit_type, balance.access_type)


@contextmanager
def counting_changes(balance: Balance, *, field: str, now: datetime) -> Iterator[None]:
    """Around a change of a balance: counts by how much more it then gives away. Raises as `count_given`."""
    if not is_counted():
        yield
        return
    before = _standing(balance)
    yield
    after = _standing(balance)
    amount = subtract(after.amount or ZERO, before.amount or ZERO)
    more = Given(amount, after.unit, after.access_type)
    count_given([more], source_id=balance.pk, customer_id=balance.customer_id, field=field, now=now)


@dataclass(frozen=True, slots=True)
class Coming:
    """What a recurring grant gives away in a whole period, and in each to come by its start (None: without end)."""

    whole: Decimal
    ending_before: datetime | None
    periods: dict[datetime, Decimal] | None


def coming_of(row: RecurringGrant, *, periods: Iterable[GrantPeriod], ending_before: datetime | None) -> Coming:
    """What it gives away by its terms. `periods`: those that count, in order; `ending_before`: their end."""
    is_credit = row.kind == RecurringGrant.Kind.CREDIT
    alike = row.access_type == AccessType.SPEND and row.invoice_credit_type_id == row.credit_type_id

    def unpaid(granted: Decimal, charged: Decimal | None) -> Decimal:
        return _unpaid(granted, charged or ZERO, is_credit=is_credit, alike=alike)

    charged = mul(row.invoice_unit_price or ZERO, row.invoice_quantity or ZERO)
    whole = unpaid(mul(row.access_unit_price, row.access_quantity), charged)
    if whole <= ZERO:
        return Coming(ZERO, ending_before, {})
    if ending_before is None or row.subscription_id is not None:
        return Coming(whole, ending_before, None)
    first = list(islice(periods, MOST_PERIODS + 1))
    if len(first) > MOST_PERIODS:
        return Coming(whole, ending_before, None)
    return Coming(whole, ending_before, {one.period.start: unpaid(one.amount, one.charge) for one in first})


def more_of(after: Coming, *, before: Coming | None = None) -> Decimal | None:
    """By how much more a recurring grant gives away than before (None: it is new); None where that has no end."""
    if before is None:
        return None if after.periods is None else total(after.periods.values())
    ends = (before.ending_before, after.ending_before)
    is_longer = ends[0] is not None and (ends[1] is None or ends[1] > ends[0])
    if after.whole <= before.whole and not is_longer:
        return ZERO
    if after.periods is None:
        return None
    known = before.periods
    if known is None:
        known = dict.fromkeys(after.periods, before.whole)
    return total(subtract(amount, known.get(start, ZERO)) for start, amount in after.periods.items())


def _unpaid(granted: Decimal, charged: Decimal, *, is_credit: bool, alike: bool) -> Decimal:
    """What is granted above what is charged. Where the two are in units that do not compare, a commit is sold."""
    if is_credit or not charged:
        return granted
    return subtract(granted, charged) if alike else ZERO


def _standing(balance: Balance) -> Given:
    left = total(Segment.objects.filter(owner=balance).values_list("balance", flat=True))
    return given_by(balance, granted=left, charged=total(item.amount for item in schedule_of(balance)))


def _worth(given: Iterable[Given], customer_id: UUID) -> Decimal | None:
    """In USD cents, of those that give anything; None where one cannot be measured."""
    amounts: dict[tuple[UUID, str], list[Given]] = {}
    for one in given:
        if one.amount is None:
            return None
        if one.amount > ZERO:
            amounts.setdefault((one.unit.pk, one.access_type), []).append(one)
    worth = ZERO
    for alike in amounts.values():
        found = usd_equivalent_of(
            amount=_sum(alike), unit=alike[0].unit, customer_id=customer_id, access_type=alike[0].access_type
        )
        if found is None:
            return None
        worth = add(worth, found)
    return worth


def _sum(alike: Sequence[Given]) -> Decimal:
    return total(one.amount for one in alike if one.amount is not None)
