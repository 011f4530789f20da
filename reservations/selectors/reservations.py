"""Reads of reservations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet

from balances.models import AccessType, Segment
from core.errors import NotFound
from reservations.models import Reservation, Spendable, SpendableChange

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST_WAITING = 5_000


def get_reservation(*, reservation_id: UUID) -> Reservation:
    """The reservation with its unit. Raises NotFound."""
    found = Reservation.objects.select_related("spendable").filter(pk=reservation_id).first()
    if found is None:
        raise NotFound(f"no reservation {reservation_id}")
    return found


def list_reservations(
    *, customer_id: UUID, statuses: Collection[str] = (), now: datetime | None = None
) -> QuerySet[Reservation]:
    """A customer's reservations with their units. `now`: HELD ones whose time is over count as EXPIRED."""
    rows = Reservation.objects.select_related("spendable").filter(customer_id=customer_id)
    if not statuses:
        return rows
    wanted = Q(status__in=statuses)
    if now is not None:
        over = Q(status=Reservation.Status.HELD, expires_at__lte=now)
        if "EXPIRED" in statuses:
            wanted |= over
        if "HELD" in statuses and "EXPIRED" not in statuses:
            wanted &= ~over
    return rows.filter(wanted)


def status_of(row: Reservation, *, now: datetime) -> str:
    """Its status as the caller is told: EXPIRED as soon as its time is over, whoever has noted it."""
    is_over = row.status == Reservation.Status.HELD and row.expires_at <= now
    return Reservation.Status.EXPIRED.value if is_over else row.status


@dataclass(frozen=True, slots=True)
class Noted:
    """What a snapshot knows of a spendable: its count of rounds, the changes since, the events it waits for."""

    rounds: int
    changes: list[int]
    transaction_ids: list[str]


def what_is_noted(*, spendable_id: int) -> Noted:
    """To be read in the snapshot in which the balance is worked out. Three queries.

    Of more than `MOST_WAITING` events the newest: those that arrive now. The others are asked about by the sweep.
    """
    rounds = Spendable.objects.values_list("rounds", flat=True).get(pk=spendable_id)
    changes = list(SpendableChange.objects.filter(spendable_id=spendable_id).values_list("pk", flat=True))
    waiting = Reservation.objects.filter(
        spendable_id=spendable_id,
        transaction_id__isnull=False,
        status__in=[Reservation.Status.HELD, Reservation.Status.COMMITTED],
    ).order_by("-created_at")
    names = [name for name in waiting.values_list("transaction_id", flat=True)[:MOST_WAITING] if name is not None]
    return Noted(rounds, changes, names)


def steady_span(*, customer_id: UUID, credit_type_id: UUID, now: datetime) -> tuple[datetime, datetime]:
    """From when until when no access segment of the customer begins or ends, `now` being in it. One query."""
    rows = Segment.objects.filter(
        owner__customer_id=customer_id, owner__archived_at__isnull=True, owner__access_type=AccessType.SPEND,
        owner__credit_type_id=credit_type_id, removed_at__isnull=True,
    )  # fmt: skip
    edges = rows.aggregate(
        begun=Max("starting_at", filter=Q(starting_at__lte=now)),
        ended=Max("ending_before", filter=Q(ending_before__lte=now)),
        begins=Min("starting_at", filter=Q(starting_at__gt=now)),
        ends=Min("ending_before", filter=Q(ending_before__gt=now)),
    )
    return (
        max(edges["begun"] or BEGINNING, edges["ended"] or BEGINNING),
        min(edges["begins"] or FOREVER, edges["ends"] or FOREVER),
    )
