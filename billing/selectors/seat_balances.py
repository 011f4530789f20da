"""What each seat of a contract's subscriptions still has of its own, as it stands now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from balances.models import Segment
from balances.selectors.live import segment_ledgers, usable
from billing.selectors.live_balances import pending_draws
from contracts.models import Contract, Subscription
from contracts.selectors import payer_of, subscriptions_of
from contracts.selectors.subscriptions import end_of, history_of
from core.errors import InvalidInput
from engine.quantities import standing_at

MOST_BALANCES = 100


@dataclass(frozen=True, slots=True)
class Access:
    """Which access counts: what is accessible at `covering`, or what meets the time from `first` to `last`."""

    covering: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None

    def of(self, rows: QuerySet[Segment], now: datetime) -> QuerySet[Segment]:
        """The segments that count; without any condition, those that are accessible now."""
        if self.first is None and self.last is None:
            at = self.covering or now
            return rows.filter(starting_at__lte=at, ending_before__gt=at)
        if self.first is not None:
            rows = rows.filter(ending_before__gt=self.first)
        return rows if self.last is None else rows.filter(starting_at__lte=self.last)


@dataclass(frozen=True, slots=True)
class SeatHolding:
    """What one seat has of one commit or credit. `balance` can be drawn now; `granted` is what it began with."""

    segment: Segment
    balance: Decimal
    granted: Decimal
    ledger: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SeatBalance:
    """A seat and all that it has, in the order of access."""

    seat_id: str
    holdings: tuple[SeatHolding, ...]


@dataclass(frozen=True, slots=True)
class SeatPage:
    """A page of seats in the order of their ids, and how many come after it."""

    seats: tuple[SeatBalance, ...]
    left: int


def seat_balances(
    *,
    contract: Contract,
    now: datetime,
    limit: int,
    after: str | None = None,
    subscription_ids: Collection[UUID] = (),
    seat_ids: Collection[str] = (),
    skip_missing: bool = False,
    access: Access | None = None,
    ledgers: bool = False,
    detailed: bool = False,
) -> SeatPage:
    """What seats have of their own; drafts' drawdown is taken off. Seats that are assigned now are there without any.

    `detailed`: a page ends once its seats have MOST_BALANCES commits and credits. Raises InvalidInput for seats that no
    subscription ever had (unless `skip_missing`) and for subscriptions without seats.
    """
    rows = _subscriptions(contract, subscription_ids)
    known, assigned = _seats(rows, now)
    held = Segment.objects.filter(
        owner__contract=contract, owner__archived_at__isnull=True, removed_at__isnull=True
    ).exclude(seat_id="")  # fmt: skip
    if subscription_ids:  # what was rolled over belongs to a seat, but to no subscription
        held = held.filter(owner__recurring__subscription__in=rows)
    held = (access or Access()).of(held, now)
    if seat_ids:
        missing = [seat_id for seat_id in seat_ids if seat_id not in known]
        if missing and not skip_missing:
            raise InvalidInput(f"the contract's subscriptions have no seat {missing[0]}", field="seat_ids")
        listed = sorted(set(seat_ids) & known)
    else:
        listed = sorted(assigned | set(held.values_list("seat_id", flat=True).distinct()))
    waiting = [seat_id for seat_id in listed if after is None or seat_id > after]
    chosen = waiting[:limit]
    by_seat: dict[str, list[Segment]] = {seat_id: [] for seat_id in chosen}
    for segment in held.filter(seat_id__in=chosen).select_related("owner").order_by("starting_at", "owner_id", "id"):
        by_seat[segment.seat_id].append(segment)
    if detailed:
        chosen = _greedy(chosen, by_seat)
    mine = [segment for seat_id in chosen for segment in by_seat[seat_id]]
    pending = pending_draws(payer_id=payer_of(contract, now)) if mine else {}
    entries = segment_ledgers(mine, pending, now=now) if ledgers else {}
    seats = tuple(
        SeatBalance(
            seat_id,
            tuple(
                SeatHolding(
                    segment, usable(segment, pending, now=now), segment.granted, tuple(entries.get(segment.pk, ()))
                )
                for segment in by_seat[seat_id]
            ),
        )
        for seat_id in chosen
    )
    return SeatPage(seats, len(waiting) - len(chosen))


def _subscriptions(contract: Contract, wanted: Collection[UUID]) -> list[Subscription]:
    rows = [
        row
        for row in subscriptions_of([contract.pk]).get(contract.pk, [])
        if row.quantity_management_mode == Subscription.Mode.SEAT_BASED
    ]
    if not wanted:
        return rows
    found = {row.pk: row for row in rows}
    for index, subscription_id in enumerate(wanted):
        if subscription_id not in found:
            raise InvalidInput("the contract has no such SEAT_BASED subscription", field=f"subscription_ids.{index}")
    return [found[subscription_id] for subscription_id in dict.fromkeys(wanted)]


def _seats(rows: Sequence[Subscription], now: datetime) -> tuple[set[str], set[str]]:
    """All seats that the subscriptions ever had, and those that are assigned now."""
    known: set[str] = set()
    assigned: set[str] = set()
    for row in rows:
        held = history_of(row)
        for standing in held:
            known.update(standing.assigned)
        end = end_of(row)
        current = standing_at(held, now)
        if current is not None and (end is None or now < end):
            assigned.update(current.assigned)
    return known, assigned


def _greedy(chosen: Sequence[str], by_seat: dict[str, list[Segment]]) -> list[str]:
    """As many seats as come before the page has MOST_BALANCES; the one that reaches it is whole."""
    found: list[str] = []
    count = 0
    for seat_id in chosen:
        if count >= MOST_BALANCES:
            break
        found.append(seat_id)
        count += len(by_seat[seat_id])
    return found
