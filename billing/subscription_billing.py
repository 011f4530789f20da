"""What a contract's subscriptions charge, and the one billing period that each charge stands on.

A charge is known by its subscription, the start of the time that it pays for, and its number there: more than 1 only
where increases are billed immediately. Once a period with it has closed it stands there, whatever is agreed later; the
charges of a voided document wait until its period is billed anew.

Every question is bounded in time: what it costs does not grow with the contract's age.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Final
from uuid import UUID

from billing.models import BilledSubscription, BillingPeriod
from billing.periods import billed_from, covered_periods, periods_to_bill, usage_periods
from catalog.models import Rate
from contracts.models import Contract, Subscription
from contracts.selectors import subscriptions_of
from contracts.selectors.subscriptions import FOREVER, MOMENT, list_charges, periods_of, rates_of
from engine.calendar import Period
from engine.rating import RateSchedule
from engine.subscriptions import (
    BilledQuantity,
    Collection,
    InvoiceBehavior,
    SubscriptionCharge,
    on_scheduled_invoice,
    on_usage_invoice,
)
from engine.terms import SubscriptionTerms

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
Key = tuple[str, datetime, int]
"""Subscription id, start of what is paid for, number."""


@dataclass(frozen=True, slots=True)
class BilledCharge:
    """A charge that a closed period holds: how many units until when. `stands` unless the period was billed anew."""

    period_id: UUID
    quantity: Decimal
    ending_before: datetime
    stands: bool


class SubscriptionBilling:
    """A contract's subscription charges at this moment. What was read once is kept: use it for one answer only.

    `rates`: rates that are not stored, as if the contract's card had them.
    """

    def __init__(self, contract: Contract, rates: Sequence[Rate] = ()) -> None:
        self.contract = contract
        self._planned = rates
        self._billed: dict[Key, list[BilledCharge]] = {}
        self._billed_since: datetime | None = None
        self._covered: list[Period] = []
        self._usage_since: datetime | None = None

    @cached_property
    def rows(self) -> list[Subscription]:
        """The contract's subscriptions; no query for a contract that never had one."""
        if not self.contract.has_subscriptions:
            return []
        found = subscriptions_of([self.contract.pk]).get(self.contract.pk, [])
        for row in found:
            row.contract = self.contract  # as it is about to be, not as it is stored
        return found

    def __bool__(self) -> bool:
        return bool(self.rows)

    def charges(
        self, until: datetime, since: datetime | None = None, rows: Sequence[Subscription] | None = None
    ) -> list[SubscriptionCharge]:
        """What is billed here of the subscriptions' periods that begin before `until` (with `since`: end after it).

        `rows`: only of these.
        """
        first = billed_from(self.contract)
        return [
            charge
            for charge in list_charges(
                self.rows if rows is None else rows, self._rates, until, since, self._billed_at_once(until, since)
            )
            if charge.due_at > first or (charge.due_at == first and charge.terms.window.start >= first)
        ]

    def on(self, period: BillingPeriod) -> tuple[SubscriptionTerms, ...]:
        """The charges that stand on a period: on an open one those that belong there, on a closed one what it holds."""
        if not self:
            return ()
        if period.state == BillingPeriod.State.CLOSED:
            return self._held_by(period)
        # a charge of a period that ends where this one begins was due before it, or in advance on it
        charges = self.charges(period.period_end + MOMENT, period.period_start - MOMENT)
        if charges:
            self._read_billed(min(charge.terms.window.start for charge in charges))
        waiting = [charge for charge in charges if not self.is_settled(charge)]
        if period.type == BillingPeriod.Type.SCHEDULED:
            return tuple(
                charge.terms
                for charge in waiting
                if charge.due_at == period.period_start and self.needs_own_invoice(charge)
            )
        return _on_usage(waiting, Period(period.period_start, period.period_end))

    def of_period(self, period: Period) -> tuple[SubscriptionTerms, ...]:
        """The charges of a usage period that need not be stored."""
        return _on_usage(self.charges(period.end + MOMENT, period.start - MOMENT), period) if self else ()

    def own_invoices(self, now: datetime) -> list[SubscriptionCharge]:
        """The charges that need SCHEDULED invoices: what is due, and what each subscription's next period asks."""
        found: list[SubscriptionCharge] = []
        for row in self.rows:
            advance = row.collection_schedule == Collection.ADVANCE
            until = self._next_period(row, now) if advance else None
            mine = self.charges((until or now) + MOMENT, rows=[row])
            found += [charge for charge in mine if not self.is_settled(charge) and self.needs_own_invoice(charge)]
        return found

    def next_period_at(self, now: datetime) -> datetime | None:
        """When a billing period of any subscription begins next."""
        times = [at for row in self.rows if (at := self._next_period(row, now)) is not None]
        return min(times, default=None)

    def billed(self, charge: SubscriptionCharge) -> list[BilledCharge]:
        """The closed periods that hold this charge."""
        self._read_billed(charge.terms.window.start)
        return self._billed.get(key_of(charge), [])

    def is_settled(self, charge: SubscriptionCharge) -> bool:
        """Whether a period that stands holds it."""
        return any(billed.stands for billed in self.billed(charge))

    def needs_own_invoice(self, charge: SubscriptionCharge) -> bool:
        """Whether it needs a SCHEDULED invoice: for more than nothing, and no usage period to be billed takes it."""
        return on_scheduled_invoice(charge, self._to_bill_around(charge.due_at))

    def settled(self) -> dict[Key, BilledCharge]:
        """What periods that stand hold, by charge, since the contract began."""
        self._read_billed(BEGINNING)
        return {key: billed for key, found in self._billed.items() for billed in found if billed.stands}

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str], RateSchedule]:
        return rates_of(self.contract, self.rows, self._planned)

    def _held_by(self, period: BillingPeriod) -> tuple[SubscriptionTerms, ...]:
        held = period.billed_subscriptions.values_list("subscription_id", "starting_at", "ordinal")
        mine = {(str(subscription_id), start, ordinal) for subscription_id, start, ordinal in held}
        if not mine:
            return ()
        starts = [start for _, start, _ in mine]
        charges = self.charges(max(period.period_end, *starts) + MOMENT, min(starts))
        return tuple(charge.terms for charge in charges if key_of(charge) in mine)

    def _billed_at_once(self, until: datetime, since: datetime | None) -> Mapping[str, Sequence[BilledQuantity]]:
        """What stands of subscriptions whose increases are billed immediately, by id; no query where there is none."""
        rows = [row for row in self.rows if row.invoice_behavior == InvoiceBehavior.BILL_IMMEDIATELY]
        if not rows:
            return {}
        first = BEGINNING
        if since is not None:
            starts = [next((period.start for period in periods_of(row, until, since)), until) for row in rows]
            first = min(starts)
        self._read_billed(first)
        wanted = {str(row.pk) for row in rows}
        found: dict[str, list[BilledQuantity]] = {}
        for (subscription_id, start, ordinal), billed in self._billed.items():
            if subscription_id in wanted:
                standing = [BilledQuantity(start, ordinal, one.quantity) for one in billed if one.stands]
                found.setdefault(subscription_id, []).extend(standing)
        return found

    def _read_billed(self, since: datetime) -> None:
        """Has all that is billed for times from `since` on at hand; one query, another only for earlier ones."""
        if self._billed_since is not None and since >= self._billed_since:
            return
        self._billed, self._billed_since = {}, since
        for row in BilledSubscription.objects.filter(
            subscription__contract_id=self.contract.pk, starting_at__gte=since
        ):
            billed = BilledCharge(row.period_id, row.quantity, row.ending_before, not row.superseded)
            key = str(row.subscription_id), row.starting_at, row.ordinal
            self._billed.setdefault(key, []).append(billed)

    def _to_bill_around(self, instant: datetime) -> Iterable[Period]:
        """The usage periods that are still to be billed and hold an instant, begin or end there."""
        since = instant - MOMENT
        if self._usage_since is None or since < self._usage_since:
            self._covered, self._usage_since = covered_periods(usage_periods(self.contract, since)), since
        # one behind another: what ends by then comes first
        first = bisect_right(self._covered, since, key=lambda period: period.end)
        for period in periods_to_bill(self.contract, islice(self._covered, first, None), since):
            if period.start > instant:
                break
            yield period

    @staticmethod
    def _next_period(row: Subscription, now: datetime) -> datetime | None:
        return next((period.start for period in periods_of(row, FOREVER, now) if period.start > now), None)


def _on_usage(charges: Iterable[SubscriptionCharge], period: Period) -> tuple[SubscriptionTerms, ...]:
    return tuple(charge.terms for charge in charges if on_usage_invoice(charge, period))


def key_of(charge: SubscriptionCharge) -> Key:
    """What a charge is known by."""
    return charge.terms.subscription_id, charge.terms.window.start, charge.ordinal


def billed_differently(charge: SubscriptionCharge, billed: BilledCharge) -> bool:
    """Whether a closed period says something else of a charge than what is agreed now.

    What was paid in advance for a time that is then cut short stays paid.
    """
    shorter = charge.terms.window.end < billed.ending_before
    longer = charge.terms.window.end > billed.ending_before
    return charge.terms.quantity != billed.quantity or longer or (shorter and not charge.is_advance)
