"""What the seats of a subscription bring to the balances of a recurring grant, pooled or each for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from balances.models import Balance, LedgerEntry, RecurringGrant, Segment
from balances.services.grants import Grant, add_segments
from balances.services.ledger import append, entry, take_back_expiries
from contracts.models import Subscription
from contracts.selectors.subscriptions import end_of, history_of
from engine.errors import InvalidTerms
from engine.money import ZERO, add, subtract, total
from engine.quantities import Standing
from engine.recurring import GrantPeriod
from engine.recurring import RecurringGrant as EngineGrant
from engine.seat_grants import SeatGrant, individual_grants, pooled_grants, until

ADJUSTMENT = LedgerEntry.Kind.SEAT_BASED_ADJUSTMENT
SEATS_CHANGED: Final = "the number of seats was changed"
MOST_SEATS: Final = 1000
"""How many seats of a subscription may have commits or credits of their own."""


@dataclass(frozen=True, slots=True)
class Seats:
    """The seats that a recurring grant is for: what each of its periods gets from them."""

    row: RecurringGrant
    terms: EngineGrant
    subscription: Subscription
    held: tuple[Standing, ...]

    @property
    def is_pooled(self) -> bool:
        """Whether all seats share what they bring."""
        return self.row.allocation == RecurringGrant.Allocation.POOLED

    def grants(self, grant_period: GrantPeriod) -> list[SeatGrant]:
        """All that seats bring in a period, past and to come."""
        make = pooled_grants if self.is_pooled else individual_grants
        return make(self.terms, grant_period, self.held, is_prorated=self.row.seat_increase_is_prorated)

    def first(self, grant_period: GrantPeriod) -> list[Grant]:
        """The segments that a new balance begins with, those of seats that are to come included: they begin with them.

        What is to come into a pool is brought when it is due, because an entry counts at once.
        """
        found = self.grants(grant_period)
        if self.is_pooled:
            found = [one for one in found if one.starting_at == grant_period.period.start]
        return [self._segment(one, grant_period) for one in found]

    def next_change(self, now: datetime) -> datetime | None:
        """When something has to be brought into a pool next."""
        ahead = [standing.starting_at for standing in self.held if standing.starting_at > now]
        return min(ahead, default=None) if self.is_pooled else None

    def missing(self, grant_period: GrantPeriod, held: "_Held", *, now: datetime) -> "_Missing":
        """What a period's balance needs to hold what seats bring by now, and each seat's own what it is to bring, in a
        segment that begins then. Raises InvalidTerms where invoices drew more than what is left by a past change.
        """
        wanted = self.grants(grant_period)
        if not self.is_pooled:
            return self._each(grant_period, held, wanted, now)
        if "" not in held.segments:
            return _Missing()
        due = [one for one in wanted if one.starting_at <= max(now, grant_period.period.start)]
        return _Missing(entries=self._pool(held.segments[""], held, due, now))

    def _pool(
        self, segment: Segment, held: "_Held", wanted: Sequence[SeatGrant], now: datetime
    ) -> tuple[LedgerEntry, ...]:
        """Entries of what has changed, dated when it did."""
        brought: dict[datetime, Decimal] = {wanted[0].starting_at: segment.seat_granted or ZERO}
        for row in held.adjustments.get(segment.pk, ()):
            brought[row.effective_at] = add(brought.get(row.effective_at, ZERO), row.amount)
        asked = {one.starting_at: one.amount for one in wanted}
        differences = {
            at: subtract(asked.get(at, ZERO), brought.get(at, ZERO)) for at in sorted(brought.keys() | asked.keys())
        }
        return self._adjust(segment, differences, now)

    def _each(self, grant_period: GrantPeriod, held: "_Held", wanted: Sequence[SeatGrant], now: datetime) -> "_Missing":
        """A segment for each new seat, and entries where what a known one is due has changed."""
        asked = {one.seat_id or "": one for one in wanted}
        there = held.segments.keys() | held.removed  # what was taken out stays out
        fresh = tuple(self._segment(one, grant_period) for seat_id, one in asked.items() if seat_id not in there)
        entries: list[LedgerEntry] = []
        for seat_id, segment in held.segments.items():
            one = asked.get(seat_id)
            adjusted = total(row.amount for row in held.adjustments.get(segment.pk, ()))
            brought = add(segment.seat_granted or ZERO, adjusted)
            if one is not None and one.starting_at != segment.starting_at:
                take_back_expiries([segment], now=now, reason=SEATS_CHANGED)
                segment.starting_at = one.starting_at
                segment.save(update_fields=["starting_at"])
            at = segment.starting_at
            entries += self._adjust(segment, {at: subtract(ZERO if one is None else one.amount, brought)}, now)
        return _Missing(fresh, tuple(entries))

    @staticmethod
    def _adjust(segment: Segment, differences: dict[datetime, Decimal], now: datetime) -> tuple[LedgerEntry, ...]:
        if any(differences.values()):
            take_back_expiries([segment], now=now, reason=SEATS_CHANGED)
        whole = ZERO
        for amount in differences.values():
            whole = add(whole, amount)
        if whole < ZERO and add(segment.balance, whole) < ZERO:
            raise InvalidTerms("finalized invoices drew what these seats brought", "starting_at")
        # what is added first: no entry may take what is not there
        return tuple(
            entry(segment, kind=ADJUSTMENT, amount=amount, at=at, now=now)
            for at, amount in sorted(differences.items(), key=lambda pair: pair[1], reverse=True)
        )

    def _segment(self, one: SeatGrant, grant_period: GrantPeriod) -> Grant:
        seat = ("", "") if one.seat_id is None else (self.subscription.seat_group_key, one.seat_id)
        return Grant(one.amount, one.starting_at, grant_period.access.end, of_seats=True, seat=seat)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a balance holds for seats: its segments by seat, adjustments by segment, and the seats taken out of it."""

    segments: Mapping[str, Segment]
    adjustments: Mapping[UUID, Sequence[LedgerEntry]]
    removed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Missing:
    """What a balance needs: segments to add, and entries."""

    segments: tuple[Grant, ...] = ()
    entries: tuple[LedgerEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatPeriod:
    """A period's stored balance, and the seats that bring to it."""

    seats: Seats
    balance: Balance
    grant_period: GrantPeriod


def sync_seat_grants(due: Sequence[SeatPeriod], *, now: datetime) -> None:
    """Makes the balances of these periods hold what seats bring by now. Twice changes nothing; as many statements for
    many as for one. The caller holds the balances.

    Raises InvalidTerms where invoices drew more than what is left by a change in the past.
    """
    if not due:
        return
    standing: dict[UUID, dict[str, Segment]] = {}
    removed: dict[UUID, set[str]] = {}
    for row in Segment.objects.filter(owner__in=[one.balance.pk for one in due]):
        if row.removed_at is not None:
            removed.setdefault(row.owner_id, set()).update({row.seat_id} - {""})
        elif row.seat_granted is not None:
            standing.setdefault(row.owner_id, {})[row.seat_id] = row
    adjustments: dict[UUID, list[LedgerEntry]] = {}
    for made in LedgerEntry.objects.filter(segment__owner__in=[one.balance.pk for one in due], kind=ADJUSTMENT):
        adjustments.setdefault(made.segment_id, []).append(made)
    segments: list[tuple[Balance, Grant, str]] = []
    entries: list[LedgerEntry] = []
    for one in due:
        pk = one.balance.pk
        held = _Held(standing.get(pk, {}), adjustments, frozenset(removed.get(pk, ())))
        missing = one.seats.missing(one.grant_period, held, now=now)
        segments += [(one.balance, part, "") for part in missing.segments]
        entries += missing.entries
    if segments:
        add_segments(segments, now=now)
    append(entries)


def seats_of(row: RecurringGrant, *, terms: EngineGrant) -> Seats | None:
    """The seats that a recurring grant is for; None where it is for none."""
    subscription = row.subscription
    if subscription is None:
        return None
    subscription.contract = row.contract
    return Seats(row, terms, subscription, until(history_of(subscription), end_of(subscription)))


def check_seats(row: RecurringGrant, *, terms: EngineGrant) -> None:
    """Raises InvalidTerms unless the subscription, one of the contract's, can have such a grant."""
    where = "subscription_config.subscription_id"
    seats = seats_of(row, terms=terms)
    if seats is None or seats.is_pooled:
        return
    if seats.subscription.quantity_management_mode != Subscription.Mode.SEAT_BASED:
        raise InvalidTerms("allocation INDIVIDUAL needs a SEAT_BASED subscription", "subscription_config.allocation")
    check_number(seats.held, where=where)


def check_number(held: Sequence[Standing], *, where: str) -> None:
    """Raises InvalidTerms where more seats would have balances of their own than there may be."""
    if any(len(standing.assigned) > MOST_SEATS for standing in held):
        raise InvalidTerms(f"at most {MOST_SEATS} seats may have commits or credits of their own", where)
