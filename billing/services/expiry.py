"""What is left of a segment expires once it has ended and no invoice can draw on it any more."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from balances.models import Balance, Segment
from balances.services import expire_segment, lock_balances, take_back_expiries
from billing.models import BilledSubscription, BillingCursor, BillingPeriod
from core.patience import each_in_turn
from core.transactions import use_case
from customers.test_clocks import in_our_time

BATCH = 200


def expire_ended_segments(*, now: datetime) -> int:
    """Sweep: posts the expiry of segments that have ended; returns how many. Twice changes nothing."""
    due = list(_due(now).values_list("owner__customer_id", flat=True).distinct()[:BATCH])
    return each_in_turn(due, lambda customer_id: _expire(customer_id, now))


def next_end_at(*, after: datetime) -> datetime | None:
    """When the next segment ends that holds something, after that time."""
    rows = Segment.objects.filter(in_our_time("owner__customer_id"), balance__gt=0, removed_at__isnull=True)
    at: datetime | None = rows.filter(ending_before__gt=after).aggregate(at=Min("ending_before"))["at"]
    return at


def take_back_expiries_in(
    payer_id: UUID, *, start: datetime, end: datetime, now: datetime, reason: str, invoice_id: UUID | None = None
) -> None:
    """A period `[start, end)` may draw on the account's balances again: what expired of them in it is taken back.

    Takes the lock of the account's balances. `invoice_id`: the void invoice that is the cause.
    """
    lock_balances(payer_id)
    rows = Segment.objects.filter(
        owner__customer_id=payer_id, owner__archived_at__isnull=True, removed_at__isnull=True, expired__gt=0,
        starting_at__lte=end, ending_before__gt=start,
    )  # fmt: skip
    take_back_expiries(rows.order_by("pk"), now=now, reason=reason, invoice_id=invoice_id)


def open_usage(segment: Segment) -> QuerySet[BillingPeriod]:
    """The open usage periods that may still draw on a segment."""
    owner = segment.owner
    rows = BillingPeriod.objects.filter(
        payer_id=owner.customer_id, type=BillingPeriod.Type.USAGE, state=BillingPeriod.State.OPEN,
        period_start__lt=segment.ending_before, period_end__gte=segment.starting_at,
    )  # fmt: skip
    if owner.contract_id is not None:
        return rows.filter(_on_or_under([owner.contract_id]))
    if owner.applicable_contract_ids is not None:
        return rows.filter(_on_or_under(owner.applicable_contract_ids))
    return rows


def _on_or_under(contract_ids: Iterable[UUID | str]) -> Q:
    """Of these contracts or of their children: `payer` says for which children they pay."""
    return Q(contract_id__in=contract_ids) | Q(contract__parent_id__in=contract_ids)


def unopened_usage(segment: Segment) -> QuerySet[BillingCursor]:
    """Contracts whose next period begins before the segment's end, and has no draft yet."""
    rows = BillingCursor.objects.filter(_billed_to(segment.owner.customer_id), next_period_at__lt=segment.ending_before)
    return rows if segment.owner.contract_id is None else rows.filter(_on_or_under([segment.owner.contract_id]))


def _billed_to(customer_id: UUID | OuterRef) -> Q:
    """Contracts that a customer pays for: its own, and children's."""
    own = Q(contract__customer_id=customer_id, contract__paying_customer__isnull=True)
    return own | Q(contract__paying_customer_id=customer_id)


def _expire(customer_id: UUID, now: datetime) -> int:
    """The customer's segments, in one transaction under the lock that all writers of its ledgers take."""
    with use_case():
        lock_balances(customer_id)
        rows = list(_due(now).filter(owner__customer_id=customer_id).select_related("owner").order_by("pk"))
        for segment in rows:
            expire_segment(segment, at=segment.ending_before, now=now)
    return len(rows)


def _due(now: datetime) -> QuerySet[Segment]:
    """Ended segments that hold something which nothing can draw: no open period, none to come, no voided one that may
    be made anew. What a postpaid commit holds is billed by its true-up, unless that is waived.
    """
    usage = Q(type=BillingPeriod.Type.USAGE)
    may_charge = usage | Q(contract__has_subscriptions=True)
    charged = usage | Exists(BilledSubscription.objects.filter(period_id=OuterRef("pk")))
    remade = Exists(BillingPeriod.objects.filter(reopened_from_id=OuterRef("pk"), voided_at__isnull=True))
    waiting = BillingPeriod.objects.filter(
        Q(state=BillingPeriod.State.OPEN) & may_charge | Q(voided_at__isnull=False) & charged & ~remade,
        payer_id=OuterRef("owner__customer_id"), contract__archived_at__isnull=True,
        period_start__lt=OuterRef("ending_before"), period_end__gte=OuterRef("starting_at"),
    )  # fmt: skip
    to_come = BillingCursor.objects.filter(
        _billed_to(OuterRef("owner__customer_id")), next_period_at__lt=OuterRef("ending_before"),
        next_period_at__lte=now,
    )  # fmt: skip
    return (
        Segment.objects.filter(
            in_our_time("owner__customer_id"),
            balance__gt=0,
            ending_before__lte=now,
            removed_at__isnull=True,
            owner__archived_at__isnull=True,
        )
        .exclude(owner__kind=Balance.Kind.POSTPAID, owner__true_up_disabled=False)
        .exclude(Exists(waiting))
        .exclude(Exists(to_come))
    )
