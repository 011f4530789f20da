"""What is spendable as it was last worked out; the reservations that end by themselves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Min, Q

from balances.services.ledger import lock_balances
from catalog.models import CreditType
from core.errors import InvalidInput
from core.patience import limit_waits
from core.transactions import use_case
from customers.selectors import get_active_customer
from customers.test_clocks import in_our_time
from reservations.models import Reservation, Spendable, SpendableChange

BATCH = 500
KEEP = timedelta(days=7)
Status = Reservation.Status


@dataclass(frozen=True, slots=True)
class BalanceSnapshot:
    """A live balance worked out from one snapshot of everything. `rounds`, `changes`: what that snapshot knew."""

    live: Decimal
    as_of: datetime
    valid_from: datetime
    valid_until: datetime
    rounds: int
    changes: Collection[int]


def open_spendable(*, customer_id: UUID, credit_type_id: UUID) -> Spendable:
    """The row of what the customer can spend in this unit, made when it is first asked for.

    Raises NotFound, InvalidInput naming the field. The first time it waits for whoever is writing the customer's
    ledgers: whatever they do after that is noticed.
    """
    found = Spendable.objects.filter(customer_id=customer_id, credit_type_id=credit_type_id).first()
    if found is not None:
        return found
    get_active_customer(customer_id=customer_id, field="customer_id")
    if not CreditType.objects.filter(pk=credit_type_id).exists():
        raise InvalidInput("no such credit type", field="credit_type_id")
    with transaction.atomic(durable=True):
        limit_waits()
        lock_balances(customer_id)
        return Spendable.objects.get_or_create(customer_id=customer_id, credit_type_id=credit_type_id)[0]


def record_balance_snapshot(
    *, spendable_id: int, balance: BalanceSnapshot, stored: Collection[str], now: datetime
) -> int | None:
    """Takes a worked-out balance over; reservations whose events are in it are settled. How many, or None: too late.

    `stored`: those transaction ids of its reservations whose events the balance contains. Not a use case of the request
    that asked for it: what that is about may still be refused.
    """
    with transaction.atomic(durable=True):
        limit_waits()
        row = Spendable.objects.select_for_update(no_key=True).get(pk=spendable_id)
        if row.rounds != balance.rounds:
            return None
        settled = settle(spendable_id=spendable_id, stored=stored, now=now)
        row.live, row.as_of = balance.live, balance.as_of
        row.valid_from, row.valid_until = balance.valid_from, balance.valid_until
        row.rounds += 1
        row.save(update_fields=["live", "as_of", "valid_from", "valid_until", "rounds"])
        SpendableChange.objects.filter(pk__in=balance.changes).delete()
    return settled


def settle(*, spendable_id: int, stored: Collection[str], now: datetime) -> int:
    """Ends the reservations of these events. The caller holds the row, and puts a balance there that contains them."""
    if not stored:
        return 0
    waiting = Reservation.objects.filter(
        spendable_id=spendable_id, status__in=[Status.HELD, Status.COMMITTED], transaction_id__in=stored
    )
    return waiting.update(status=Status.SETTLED, ended_at=now)


def expire_due_reservations(*, now: datetime) -> int:
    """Sweep: lets go what is held too long; returns how many. Reserving does not wait for it."""
    due = in_our_time("customer_id") & Q(status=Status.HELD, expires_at__lte=now)
    return _end(due, "expires_at", Status.EXPIRED, now)


def lapse_due_reservations(*, now: datetime) -> int:
    """Sweep: lets go what is committed to events that never came; returns how many.

    What did come was settled by whoever worked the balance out just before (reservations.services.reservations).
    """
    due = in_our_time("customer_id") & Q(status=Status.COMMITTED, lapses_at__lte=now)
    return _end(due, "lapses_at", Status.LAPSED, now)


def forget_old_reservations(*, now: datetime) -> int:
    """Sweep: deletes reservations that ended more than `KEEP` ago; returns how many."""
    old = Reservation.objects.filter(in_our_time("customer_id"), ended_at__lt=now - KEEP)
    old = old.order_by("ended_at").select_for_update(skip_locked=True)
    with use_case():
        return Reservation.objects.filter(pk__in=old.values("pk")[:BATCH]).delete()[0]


def next_expiry_at(*, after: datetime) -> datetime | None:
    """When the next reservation is held too long, after that time."""
    rows = Reservation.objects.filter(in_our_time("customer_id"), status=Status.HELD, expires_at__gt=after)
    at: datetime | None = rows.aggregate(at=Min("expires_at"))["at"]
    return at


def next_lapse_at(*, after: datetime) -> datetime | None:
    """When the next reservation lapses whose event has not come, after that time."""
    rows = Reservation.objects.filter(in_our_time("customer_id"), status=Status.COMMITTED, lapses_at__gt=after)
    at: datetime | None = rows.aggregate(at=Min("lapses_at"))["at"]
    return at


def _end(due: Q, since: str, status: str, now: datetime) -> int:
    """One transaction for all whose balance nobody else holds, which are locked first, as everybody does."""
    with use_case():
        held = Spendable.objects.select_for_update(no_key=True, skip_locked=True).filter(
            pk__in=Reservation.objects.filter(due).values("spendable_id")
        )
        free = list(held.order_by("pk").values_list("pk", flat=True)[:BATCH])
        ended = Reservation.objects.filter(due, spendable_id__in=free).order_by(since).values("pk")[:BATCH]
        return Reservation.objects.filter(due, pk__in=ended).update(status=status, ended_at=now) if free else 0


def unsettled(*, now: datetime, older_than: timedelta, limit: int) -> list[Spendable]:
    """What was not worked out for a while, though committed reservations wait for their events; longest ago first."""
    rows = Spendable.objects.filter(in_our_time("customer_id"), committed__gt=0)
    rows = rows.filter(Q(as_of__isnull=True) | Q(as_of__lt=now - older_than))
    return list(rows.order_by(F("as_of").asc(nulls_first=True), "pk")[:limit])
