"""What a contract's subscriptions charge, and the one invoice that each charge stands on.

A charge is known by its subscription and the start of the time that it pays for. Once an invoice with it is final it
stands there, whatever is agreed later; a void invoice's charges wait until it is regenerated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from catalog.models import Rate
from contracts.models import Contract, Subscription
from contracts.selectors import subscriptions_of
from contracts.selectors.subscriptions import FOREVER, MOMENT, list_charges, periods_of, rates_of
from engine.calendar import Period
from engine.money import ZERO, add
from engine.rating import RateSchedule
from engine.subscriptions import Collection, SubscriptionCharge, on_scheduled_invoice, on_usage_invoice
from engine.terms import SubscriptionTerms
from invoices.models import Invoice, InvoiceLine
from invoices.periods import billed_from, covered_periods, periods_to_bill

Key = tuple[str, datetime]


def with_subscribes(rows: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Invoices that say whether their contracts have subscriptions at all (`subscribes`): then nobody needs to ask."""
    return rows.annotate(subscribes=Exists(Subscription.objects.filter(contract=OuterRef("contract"))))


@dataclass(frozen=True, slots=True)
class Held:
    """A charge that an invoice holds: how many units until when. `stands` unless the invoice was made anew."""

    invoice_id: UUID
    quantity: Decimal
    ending_before: datetime
    stands: bool


class Subscribed:
    """A contract's subscription charges at this moment. What was read once is kept: use it for one answer only."""

    def __init__(self, contract: Contract, planned: Sequence[Rate] = ()) -> None:
        self.contract = contract
        self._planned = planned
        self._open: list[Period] = []
        self._coming: Iterator[Period] | None = None

    @cached_property
    def rows(self) -> list[Subscription]:
        """The contract's subscriptions."""
        found = subscriptions_of([self.contract.pk]).get(self.contract.pk, [])
        for row in found:
            row.contract = self.contract  # as it is about to be, not as it is stored
        return found

    def __bool__(self) -> bool:
        return bool(self.rows)

    def charges(self, until: datetime) -> list[SubscriptionCharge]:
        """What is billed here of the billing periods that begin before `until`."""
        first = billed_from(self.contract)
        return [
            charge
            for charge in list_charges(self.rows, self._rates, until)
            if charge.due_at > first or (charge.due_at == first and charge.terms.window.start >= first)
        ]

    def on(self, row: Invoice) -> tuple[SubscriptionTerms, ...]:
        """The charges that stand on an invoice: on a draft those that belong there, on a final one those it holds."""
        if not self:
            return ()
        charges = self.charges(row.period_end + MOMENT)
        if row.status != Invoice.Status.DRAFT:
            return tuple(
                charge.terms for charge in charges if row.pk in {held.invoice_id for held in self.held(charge)}
            )
        waiting = [charge for charge in charges if not self.is_settled(charge)]
        if row.kind == Invoice.Kind.SCHEDULED:
            return tuple(
                charge.terms for charge in waiting if charge.due_at == row.period_start and self.stands_alone(charge)
            )
        return self._of_period(waiting, Period(row.period_start, row.period_end))

    def of_period(self, period: Period) -> tuple[SubscriptionTerms, ...]:
        """The charges of a usage period that need not have an invoice."""
        return self._of_period(self.charges(period.end + MOMENT), period) if self else ()

    def alone(self, now: datetime) -> list[SubscriptionCharge]:
        """The charges that need SCHEDULED invoices: what is due, and what each subscription's next period asks."""
        found = []
        for row in self.rows:
            advance = row.collection_schedule == Collection.ADVANCE
            until = self._next_period(row, now) if advance else None
            for charge in self.charges((until or now) + MOMENT):
                mine = charge.terms.subscription_id == str(row.pk)
                if mine and not self.is_settled(charge) and self.stands_alone(charge):
                    found.append(charge)
        return found

    def next_period_at(self, now: datetime) -> datetime | None:
        """When a billing period of any subscription begins next."""
        times = [at for row in self.rows if (at := self._next_period(row, now)) is not None]
        return min(times, default=None)

    def held(self, charge: SubscriptionCharge) -> list[Held]:
        """The final and void invoices that hold this charge."""
        return self._holders.get(_key(charge.terms), [])

    def is_settled(self, charge: SubscriptionCharge) -> bool:
        """Whether an invoice that stands holds it."""
        return any(held.stands for held in self.held(charge))

    def stands_alone(self, charge: SubscriptionCharge) -> bool:
        """Whether it needs a SCHEDULED invoice: it is for something, and no usage invoice that is open takes it."""
        return on_scheduled_invoice(charge, self._open_before(charge.due_at))

    def settled(self) -> dict[Key, Held]:
        """What invoices that stand hold, by charge."""
        return {key: held for key, found in self._holders.items() for held in found if held.stands}

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str], RateSchedule]:
        return rates_of(self.contract, self.rows, self._planned)

    @cached_property
    def _usage(self) -> list[Invoice]:
        return list(Invoice.objects.filter(contract_id=self.contract.pk, kind=Invoice.Kind.USAGE))

    @cached_property
    def _holders(self) -> dict[Key, list[Held]]:
        lines = InvoiceLine.objects.filter(
            invoice__contract_id=self.contract.pk, subscription__isnull=False, type="subscription"
        )
        anew = set(
            Invoice.objects.filter(contract_id=self.contract.pk, regenerated_from__isnull=False).values_list(
                "regenerated_from_id", flat=True
            )
        )
        sums: dict[tuple[Key, UUID], tuple[Decimal, datetime]] = {}
        for line in lines:
            if line.starting_at is None or line.ending_before is None:
                continue
            where = (str(line.subscription_id), line.starting_at), line.invoice_id
            before = sums[where][0] if where in sums else ZERO
            sums[where] = add(before, line.quantity or ZERO), line.ending_before
        found: dict[Key, list[Held]] = {}
        for (key, invoice_id), (quantity, end) in sums.items():
            found.setdefault(key, []).append(Held(invoice_id, quantity, end, invoice_id not in anew))
        return found

    def _open_before(self, instant: datetime) -> Iterable[Period]:
        """The usage periods that are still to be billed and begin before an instant."""
        if self._coming is None:
            self._coming = periods_to_bill(self.contract, covered_periods(self._usage))
        while not self._open or self._open[-1].start < instant:
            following = next(self._coming, None)
            if following is None:
                break
            self._open.append(following)
        return (period for period in self._open if period.start < instant)

    @staticmethod
    def _next_period(row: Subscription, now: datetime) -> datetime | None:
        return next((period.start for period in periods_of(row, FOREVER) if period.start > now), None)

    @staticmethod
    def _of_period(charges: Iterable[SubscriptionCharge], period: Period) -> tuple[SubscriptionTerms, ...]:
        return tuple(charge.terms for charge in charges if on_usage_invoice(charge, period))


def _key(terms: SubscriptionTerms) -> Key:
    return terms.subscription_id, terms.window.start


def held_differently(charge: SubscriptionCharge, held: Held) -> bool:
    """Whether a final invoice says something else of a charge than what is agreed now.

    What was paid in advance for a time that is then cut short stays paid.
    """
    shorter = charge.terms.window.end < held.ending_before
    longer = charge.terms.window.end > held.ending_before
    return charge.terms.quantity != held.quantity or longer or (shorter and not charge.is_advance)
