"""The one writer of the ledger. What an entry does to its segment's sums is its trigger's work (balances/sql)."""

from collections.abc import Iterable, Mapping, Sequence
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


def add_manual_entry(
    *,
    balance_id: UUID,
    segment_id: UUID,
    customer_id: UUID,
    amount: Decimal,
    reason: str,
    now: datetime,
    contract_id: UUID | None = None,
    timestamp: datetime | None = None,
    per_group_amounts: Mapping[str, Decimal] | None = None,
    uniqueness_key: str | None = None,
) -> None:
    """Adds to a segment by hand, or with a negative amount takes away; what is left then never counts below 0.

    `per_group_amounts`: instead of to that segment alone, so much to each of these seats of the balance, `amount` in
    all. It counts at once; `timestamp` (by default each segment's start) is what the ledger shows, inside the segment.
    Raises NotFound, InvalidInput naming the field, Conflict for a used uniqueness key.
    """
    if per_group_amounts is None and amount == ZERO:
        raise InvalidInput("must not be 0", field="amount")
    said: dict[str, Any] = {"reason": reason, "now": now, "timestamp": timestamp, "uniqueness_key": uniqueness_key}
    try:
        with use_case():
            balance = find_balance(balance_id=balance_id, customer_id=customer_id, field="id")
            lock_balances(balance.customer_id)
            balance.refresh_from_db()
            if contract_id is not None and contract_id != balance.contract_id:
                raise InvalidInput("the balance is not of this contract", field="contract_id")
            if per_group_amounts is None:
                post_manual_entry(balance, segment_id=segment_id, amount=amount, **said)
            else:
                _post_for_seats(balance, segment_id=segment_id, amount=amount, amounts=per_group_amounts, **said)
    except IntegrityError as error:
        if violated(error) == "ledger_uniqueness_key_once":
            raise uniqueness_key_used() from error
        raise


def post_manual_entry(
    balance: Balance,
    *,
    segment_id: UUID,
    amount: Decimal,
    reason: str,
    now: datetime,
    timestamp: datetime | None = None,
    uniqueness_key: str | None = None,
) -> LedgerEntry:
    """The same, of an amount other than 0, as a part of a use case that holds the customer's balances.

    `balance` was read since the lock.

    Raises InvalidInput naming the field.
    """
    require_transaction()
    segment = _segment_of(balance, segment_id)
    at = timestamp or segment.starting_at
    if not segment.starting_at <= at < segment.ending_before:
        raise InvalidInput("must lie in the segment", field="timestamp")
    take_back_expiries([segment], now=now, reason=BY_HAND)
    made = entry(segment, kind=Kind.MANUAL, amount=amount, at=at, now=now, reason=reason, uniqueness_key=uniqueness_key)
    append([made])
    record_adjusted(balance, now=now, reason=reason, amount=amount, timestamp=at, segment_id=segment.pk)
    return made


def _post_for_seats(
    balance: Balance,
    *,
    segment_id: UUID,
    amount: Decimal,
    amounts: Mapping[str, Decimal],
    reason: str,
    now: datetime,
    timestamp: datetime | None,
    uniqueness_key: str | None,
) -> None:
    """An entry for each seat, in its own segment of the balance; all of them or none. Raises InvalidInput."""
    where = "per_group_amounts"
    if not _segment_of(balance, segment_id).seat_id:
        raise InvalidInput("only for balances that each seat has for itself (allocation INDIVIDUAL)", field=where)
    if not any(amounts.values()):
        raise InvalidInput("must give a seat more or less than 0", field=where)
    if total(amounts.values()) != amount:
        raise InvalidInput(f"must sum to amount: they are {plain(total(amounts.values()))} together", field=where)
    rows = balance.segments.filter(removed_at__isnull=True, seat_id__in=list(amounts))
    segments = {segment.seat_id: segment for segment in rows}
    made: list[LedgerEntry] = []
    for seat_id, share in amounts.items():
        segment = segments.get(seat_id)
        if segment is None:
            raise InvalidInput("the balance has nothing for this seat", field=f"{where}.{seat_id}")
        at = timestamp or segment.starting_at
        if not segment.starting_at <= at < segment.ending_before:
            raise InvalidInput(f"must lie in the segment of seat {seat_id}", field="timestamp")
        if share != ZERO:
            take_back_expiries([segment], now=now, reason=BY_HAND)
            # the key once: the first entry speaks for the whole request
            key = None if made else uniqueness_key
            made.append(
                entry(segment, kind=Kind.MANUAL, amount=share, at=at, now=now, reason=reason, uniqueness_key=key)
            )
    append(made)
    record_adjusted(
        balance,
        now=now,
        reason=reason,
        amount=amount,
        timestamp=min(one.effective_at for one in made),
        seat_amounts=tuple(SeatAmount(seat_id=one.segment.seat_id, amount=one.amount) for one in made),
    )


def _segment_of(balance: Balance, segment_id: UUID) -> Segment:
    """The segment of a living balance. Raises InvalidInput."""
    if balance.archived_at is not None:
        raise InvalidInput("the balance is archived", field="id")
    segment = balance.segments.filter(pk=segment_id, removed_at__isnull=True).first()
    if segment is None:
        raise InvalidInput("the balance has no such segment", field="segment_id")
    return segment
