"""The one writer of the ledger. What an entry does to its segment's sums is its trigger's work (balances/sql)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from balances.events import SeatAmount
from balances.models import Balance, LedgerEntry, Segment
from balances.selectors.balances import find_balance
from balances.selectors.live import segment_state
from balances.selectors.purchases import Purchase
from balances.services.events import record_adjusted
from contracts.models import Contract
from contracts.selectors import payer_of
from core import audit
from core.constraints import violated
from core.errors import InvalidInput, uniqueness_key_used
from core.postgres.locks import advisory_xact_lock
from core.transactions import require_transaction, use_case
from engine.balances import Drawdown
from engine.money import ZERO, plain, total
from engine.settlement import expiry_amount

Kind = LedgerEntry.Kind
SUMS = ("granted", "manual", "used", "expired", "rolled_over", "trued_up", "balance")
BY_HAND = "an entry by hand came after it"


def lock_balances(payer_id: UUID) -> None:
    """Waits for the balances of a paying account: until this transaction ends nobody else writes their ledgers.

    Taken after the locks of contracts and invoices, never before: whoever holds it waits for no other row but a number
    series. That order is what keeps sweeps, edits and manual entries from waiting for each other.
    """
    advisory_xact_lock("balances", [str(payer_id)])


def append(entries: Iterable[LedgerEntry]) -> None:
    """Appends entries, those of nothing left out; the caller holds the customer's balances."""
    require_transaction()
    LedgerEntry.objects.bulk_create([entry for entry in entries if entry.amount != ZERO])


def entry(
    segment: Segment,
    *,
    kind: Kind,
    amount: Decimal,
    at: datetime,
    now: datetime,
    invoice_id: UUID | None = None,
    contract: Contract | None = None,
    reverses: LedgerEntry | None = None,
    reason: str = "",
    uniqueness_key: str | None = None,
) -> LedgerEntry:
    """An entry to append: `amount` counts from `at` on."""
    return LedgerEntry(
        segment=segment,
        kind=kind,
        amount=amount,
        effective_at=at,
        created_at=now,
        created_by=audit.current_actor().label,
        invoice_id=invoice_id,
        contract=contract,
        reverses=reverses,
        reason=reason,
        uniqueness_key=uniqueness_key,
    )


def draw(
    contract: Contract, *, invoice_id: UUID, drawdowns: Iterable[Drawdown], effective_at: datetime, now: datetime
) -> None:
    """Writes what a usage invoice drew: one deduction for each segment. The caller holds the customer's balances."""
    append(
        LedgerEntry(
            segment_id=UUID(drawn.segment_id), kind=Kind.AUTOMATED_INVOICE_DEDUCTION,
            amount=drawn.amount.copy_negate(), effective_at=effective_at, created_at=now, invoice_id=invoice_id,
            contract=contract,
        )
        for drawn in drawdowns
    )  # fmt: skip


def give_back(contract: Contract, *, invoice_id: UUID, now: datetime) -> None:
    """Returns what a voided invoice drew, once, entry by entry, as of when it was drawn. The contract is locked.

    What comes back to an archived balance expires with the rest of it.
    """
    require_transaction()
    lock_balances(payer_of(contract, now))
    drawn = LedgerEntry.objects.filter(
        invoice_id=invoice_id, kind__in=[Kind.AUTOMATED_INVOICE_DEDUCTION, Kind.TRUEUP], reversed_by__isnull=True
    )
    rows = Segment.objects.filter(pk__in=drawn.values("segment_id")).order_by("pk")
    segments = list(rows.select_related("owner"))
    take_back_expiries(segments, now=now, reason="the invoice was voided", invoice_id=invoice_id)
    append(
        LedgerEntry(
            segment_id=row.segment_id, kind=Kind.TRUEUP if row.kind == Kind.TRUEUP else Kind.CANCELED,
            amount=row.amount.copy_negate(),
            effective_at=row.effective_at, created_at=now, created_by=audit.current_actor().label,
            invoice_id=invoice_id, contract=contract,
            reverses=row, reason="the invoice was voided",
        )
        for row in list(drawn.order_by("id"))
    )  # fmt: skip
    for segment in segments:
        if segment.owner.archived_at is not None:
            segment.refresh_from_db(fields=SUMS)
            expire_segment(segment, at=segment.owner.archived_at, now=now, reason="archived")


def settle_true_ups(
    contract: Contract,
    *,
    invoice_id: UUID,
    purchases: Sequence[Purchase],
    amounts: Mapping[UUID, Decimal],
    now: datetime,
) -> None:
    """What the true-ups of a final invoice bill is no longer owed. `amounts`: what it asks for, by charge.

    The caller holds the account's balances and has written what the invoice draws itself.
    """
    require_transaction()
    append(
        entry(
            purchase.obligation, kind=Kind.TRUEUP, amount=amounts[purchase.charge_id].copy_negate(),
            at=purchase.obligation.ending_before, now=now, invoice_id=invoice_id, contract=contract,
        )
        for purchase in purchases
        if purchase.obligation is not None
    )  # fmt: skip


def expire_segments(segments: Iterable[Segment], *, at: datetime, now: datetime, reason: str = "") -> None:
    """What is left of these segments is no more, from `at` on; one statement. The caller holds the balances."""
    append(
        entry(
            segment, kind=Kind.EXPIRATION, amount=expiry_amount(segment_state(segment)).copy_negate(), at=at, now=now,
            reason=reason,
        )
        for segment in segments
    )  # fmt: skip


def expire_segment(segment: Segment, *, at: datetime, now: datetime, reason: str = "") -> None:
    """What is left of a segment is no more, from `at` on. The caller holds the customer's balances."""
    amount = expiry_amount(segment_state(segment)).copy_negate()
    append([entry(segment, kind=Kind.EXPIRATION, amount=amount, at=at, now=now, reason=reason)])


def take_back_expiries(
    segments: Iterable[Segment], *, now: datetime, reason: str, invoice_id: UUID | None = None
) -> None:
    """What was posted as expired of these segments is there again, as of when it expired; the sweep decides anew.

    A posted expiry is the last entry of a segment: whatever else is to be booked on it, and whatever may let something
    draw on it again, comes here first. The segments were read since the caller holds the customer's balances; their
    sums are read anew. `invoice_id`: the void invoice that is the cause.
    """
    require_transaction()
    ended = {segment.pk: segment for segment in segments if segment.expired != ZERO}
    if not ended:
        return
    posted = LedgerEntry.objects.filter(
        segment__in=list(ended), kind=Kind.EXPIRATION, amount__lt=0, reversed_by__isnull=True
    )
    append(
        entry(
            ended[row.segment_id], kind=Kind.EXPIRATION, amount=row.amount.copy_negate(), at=row.effective_at, now=now,
            invoice_id=invoice_id, reverses=row, reason=reason,
        )
        for row in list(posted.order_by("id"))
    )  # fmt: skip
    for segment in ended.values():
        segment.refresh_from_db(fields=SUMS)


@dataclass(frozen=True, slots=True)
class ManualEntry:
    """What is to be added to a segment by hand, or with a negative amount taken away, in the balance's stored unit.

    `per_group_amounts`: instead of to that segment alone, so much to each of these seats of the balance, `amount` in
    all. `timestamp` (by default each segment's start) is what the ledger shows, inside the segment.
    """

    segment_id: UUID
    amount: Decimal
    reason: str
    timestamp: datetime | None = None
    per_group_amounts: Mapping[str, Decimal] | None = None
    uniqueness_key: str | None = None

    def __post_init__(self) -> None:
        if self.per_group_amounts is None and self.amount == ZERO:
            raise InvalidInput("must not be 0", field="amount")


def add_manual_entry(
    *, balance_id: UUID, customer_id: UUID, now: datetime, contract_id: UUID | None = None, **terms: Any
) -> None:
    """Posts a `ManualEntry` of these `terms`; what is left then never counts below 0. It counts at once.

    Raises NotFound, InvalidInput naming the field, Conflict for a used uniqueness key.
    """
    asked = ManualEntry(**terms)
    with uniqueness_keys(), use_case():
        balance = locked_balance(balance_id=balance_id, customer_id=customer_id, contract_id=contract_id)
        post_manual_entries(balance, asked=asked, now=now)


@contextmanager
def uniqueness_keys() -> Iterator[None]:
    """Around a use case. Raises Conflict where it used a uniqueness key that an entry has, or one that waits."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) in ("ledger_uniqueness_key_once", "adjustment_uniqueness_key_once"):
            raise uniqueness_key_used() from error
        raise


def locked_balance(*, balance_id: UUID, customer_id: UUID, contract_id: UUID | None) -> Balance:
    """A balance to write to by hand, under the customer's balances. Raises NotFound, InvalidInput naming the field."""
    require_transaction()
    balance = find_balance(balance_id=balance_id, customer_id=customer_id, field="id")
    lock_balances(balance.customer_id)
    balance.refresh_from_db()
    if contract_id is not None and contract_id != balance.contract_id:
        raise InvalidInput("the balance is not of this contract", field="contract_id")
    return balance


def manual_entries(balance: Balance, *, asked: ManualEntry, now: datetime) -> list[LedgerEntry]:
    """The entries that it makes, checked and not written: one, or one for each seat that gets more or less than 0.

    `balance` was read since its customer's balances are held. Raises InvalidInput naming the field.
    """
    segment = _segment_of(balance, asked.segment_id)
    if asked.per_group_amounts is not None:
        shares = _shares(balance, segment, asked, asked.per_group_amounts)
    else:
        shares = [(segment, asked.amount)]
    made: list[LedgerEntry] = []
    for one, amount in shares:
        at = asked.timestamp or one.starting_at
        if not one.starting_at <= at < one.ending_before:
            where = "the segment" if asked.per_group_amounts is None else f"the segment of seat {one.seat_id}"
            raise InvalidInput(f"must lie in {where}", field="timestamp")
        if amount != ZERO:
            # the key once: the first entry speaks for the whole request
            key = None if made else asked.uniqueness_key
            made.append(
                entry(one, kind=Kind.MANUAL, amount=amount, at=at, now=now, reason=asked.reason, uniqueness_key=key)
            )
    return made


def post_manual_entries(balance: Balance, *, asked: ManualEntry, now: datetime) -> list[LedgerEntry]:
    """Writes them, as a part of a use case that holds the customer's balances. Raises as `manual_entries`."""
    require_transaction()
    made = manual_entries(balance, asked=asked, now=now)
    take_back_expiries([one.segment for one in made], now=now, reason=BY_HAND)
    append(made)
    in_seats = asked.per_group_amounts is not None
    record_adjusted(
        balance,
        now=now,
        reason=asked.reason,
        amount=asked.amount,
        timestamp=min(one.effective_at for one in made),
        segment_id=None if in_seats else asked.segment_id,
        seat_amounts=tuple(SeatAmount(seat_id=one.segment.seat_id, amount=one.amount) for one in made)
        if in_seats
        else (),
    )
    return made


def _shares(
    balance: Balance, named: Segment, asked: ManualEntry, amounts: Mapping[str, Decimal]
) -> list[tuple[Segment, Decimal]]:
    """What each seat gets in its own segment of the balance; all of them or none. Raises InvalidInput."""
    where = "per_group_amounts"
    if not named.seat_id:
        raise InvalidInput("only for balances that each seat has for itself (allocation INDIVIDUAL)", field=where)
    if not any(amounts.values()):
        raise InvalidInput("must give a seat more or less than 0", field=where)
    if total(amounts.values()) != asked.amount:
        raise InvalidInput(f"must sum to amount: they are {plain(total(amounts.values()))} together", field=where)
    rows = balance.segments.filter(removed_at__isnull=True, seat_id__in=list(amounts))
    segments = {segment.seat_id: segment for segment in rows}
    unknown = next((seat_id for seat_id in amounts if seat_id not in segments), None)
    if unknown is not None:
        raise InvalidInput("the balance has nothing for this seat", field=f"{where}.{unknown}")
    return [(segments[seat_id], share) for seat_id, share in amounts.items()]


def _segment_of(balance: Balance, segment_id: UUID) -> Segment:
    """The segment of a living balance. Raises InvalidInput."""
    if balance.archived_at is not None:
        raise InvalidInput("the balance is archived", field="id")
    segment = balance.segments.filter(pk=segment_id, removed_at__isnull=True).first()
    if segment is None:
        raise InvalidInput("the balance has no such segment", field="segment_id")
    return segment
