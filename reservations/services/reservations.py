"""Holding a part of a customer's live balance before a costly call. Open periods draw on it too.

`reservations.services.reserving` grants and refuses by what was worked out last. Here is what works it
out: at once where something has changed or a refusal would rest on it, and within a second for usage that nobody
reserved. Rules: docs/algorithms/reservations.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import IntegrityError, connection

from balances.models import AccessType
from billing.selectors.live_balances import net_balance
from core.constraints import violated
from core.errors import Conflict, InvalidInput, NotCovered, NotFound, TactusError, Unavailable, uniqueness_key_used
from core.patience import bounded_waits, each_in_turn
from core.postgres.coalescing import CoalescingQueue
from core.postgres.connections import BY_KEY, connect_direct
from core.postgres.group_commit import GroupCommitWriter
from core.postgres.locks import advisory_session_lock
from core.postgres.pipeline import Pipeline, cursor_executor
from core.transactions import snapshot, use_case
from engine.money import plain
from engine.reservations import Refusal
from reservations.models import Reservation, Spendable
from reservations.selectors.reservations import steady_span, what_is_noted
from reservations.services.reserving import (
    Commit,
    Done,
    Operation,
    Outcome,
    Refused,
    Release,
    Reserve,
    Stale,
    Taken,
    apply_operations,
)
from reservations.services.spendable import BalanceSnapshot, open_spendable, record_balance_snapshot, unsettled
from usage.selectors import stored_transactions

ROUNDS: Final = 6
PATIENCE: Final = 20
TOO_LATE: Final = "this was not stored in time; read the object, or send the request again"
GATHER: Final = 0.001
"""Seconds."""
LOOK_AFTER: Final = timedelta(seconds=30)
BATCH: Final = 20


def reserve(
    *,
    customer_id: UUID,
    credit_type_id: UUID,
    amount: Decimal,
    ttl: timedelta,
    now: datetime,
    transaction_id: str | None = None,
    uniqueness_key: str | None = None,
    shared: bool = False,
) -> Done:
    """Holds `amount`, above 0, for `ttl`: nobody else gets it until it is released, expires or is settled.

    `transaction_id`: of the event to come, which settles it even if nobody commits it. `shared`: in one commit with
    what other requests of this process bring. Raises NotFound, InvalidInput, Conflict for a transaction id or
    uniqueness key that is taken, NotCovered by what is there at this moment, drafts and reservations taken off.
    """
    asked = Reserve(
        uuid4(), customer_id, credit_type_id, amount, now, now + ttl, transaction_id, uniqueness_key, allow_stale=shared
    )
    outcome = _carry_out(asked, now=now, shared=shared)
    if isinstance(outcome, Done) and outcome.served_stale:
        stale_balances.submit((customer_id, credit_type_id), now)
    if isinstance(outcome, Taken):
        raise _taken(uniqueness_key, transaction_id)
    return _done(outcome, amount)


def commit(
    *,
    reservation_id: UUID,
    now: datetime,
    transaction_id: str | None = None,
    amount: Decimal | None = None,
    shared: bool = False,
) -> Done:
    """Binds a reservation to its event for `amount` (None: all of it), until a balance contains the event.

    Again: the same answer. One that expired is held anew if the balance still covers it. Raises NotFound, InvalidInput,
    Conflict.
    """
    lapses_at = now + timedelta(hours=settings.TACTUS_RESERVATION_LAPSE_HOURS)
    asked = Commit(reservation_id, now, lapses_at, transaction_id, amount)
    try:
        return _done(_carry_out(asked, now=now, shared=shared), amount)
    except IntegrityError as error:
        if violated(error) != "reservation_transaction_once":
            raise
        raise _transaction_taken(transaction_id) from error


def release(*, reservation_id: UUID, now: datetime, shared: bool = False) -> Done:
    """Gives a reservation back; one that holds nothing any more stays what it is. Raises NotFound, Conflict."""
    return _done(_carry_out(Release(reservation_id, now), now=now, shared=shared), None)


def refresh_available_balance(*, customer_id: UUID, credit_type_id: UUID, now: datetime) -> int:
    """Works out what the customer can spend, from a snapshot that is taken after this is called, and notes it.

    Returns how many reservations it settled. Nobody who reserves meanwhile waits for it. Whoever waited while two
    others finished need not do it again: the second of them began after this was called.
    """
    row = open_spendable(customer_id=customer_id, credit_type_id=credit_type_id)
    seen, settled = row.rounds, None
    with advisory_session_lock(f"spendable:{row.pk}"):
        while settled is None and Spendable.objects.values_list("rounds", flat=True).get(pk=row.pk) < seen + 2:
            balance, stored = _balance_snapshot(row, now)
            settled = record_balance_snapshot(spendable_id=row.pk, balance=balance, stored=stored, now=now)
    return settled or 0


def settle_committed(*, now: datetime) -> int:
    """Sweep: settles reservations whose events have come where nobody has reserved since; returns how many."""
    rows = unsettled(now=now, older_than=LOOK_AFTER, limit=BATCH)
    return each_in_turn(
        rows,
        lambda row: refresh_available_balance(customer_id=row.customer_id, credit_type_id=row.credit_type_id, now=now),
    )


def _balance_snapshot(row: Spendable, now: datetime) -> tuple[BalanceSnapshot, frozenset[str]]:
    with snapshot():
        noted = what_is_noted(spendable_id=row.pk)
        stored = stored_transactions(transaction_ids=noted.transaction_ids)
        live = net_balance(
            customer_id=row.customer_id, now=now, credit_type_id=row.credit_type_id, access_type=AccessType.SPEND
        )
        span = steady_span(customer_id=row.customer_id, credit_type_id=row.credit_type_id, now=now)
    return BalanceSnapshot(live, now, *span, noted.rounds, noted.changes), stored


def _carry_out(asked: Operation, *, now: datetime, shared: bool) -> Outcome:
    """What comes of it. A balance that is not good enough is worked out first; then a refusal stands."""
    outcome = _apply(asked, shared=shared)
    for _ in range(ROUNDS):
        if not isinstance(outcome, Stale) or isinstance(asked, Release):
            return outcome
        refresh_available_balance(customer_id=outcome.customer_id, credit_type_id=outcome.credit_type_id, now=now)
        outcome = _apply(replace(asked, final_attempt=True), shared=shared)
    if isinstance(outcome, Stale):
        raise Unavailable("the customer's balances change faster than they can be added up; try again")
    return outcome


def _apply(asked: Operation, *, shared: bool) -> Outcome:
    if shared:
        pending = _writer.submit(asked)
        try:
            return pending.wait(PATIENCE, TOO_LATE)
        except psycopg.Error:
            with connection.wrap_database_errors:
                raise
    with use_case(), connection.cursor() as cursor:
        execute = cursor_executor(cursor)
        last, read_results = apply_operations(execute=execute, operations=[asked])
        return read_results(execute(*last))[0]


def _done(outcome: Outcome, amount: Decimal | None) -> Done:
    if isinstance(outcome, Done):
        return outcome
    if isinstance(outcome, Refused):
        raise _refusal(outcome, amount)
    raise NotFound("no such reservation", field="reservation_id")


def _refusal(refused: Refused, amount: Decimal | None) -> TactusError:
    row = refused.row
    match refused.why:
        case Refusal.NOT_COVERED if row is None:
            available = plain(refused.available)
            asked = "what was reserved" if amount is None else plain(amount)
            return NotCovered(f"the balance covers {available}, not {asked}", available=refused.available)
        case Refusal.NOT_COVERED:
            return Conflict("the reservation has expired, and the balance does not cover it any more")
        case Refusal.NEEDS_TRANSACTION:
            return InvalidInput("is needed: which event settles it", field="transaction_id")
        case Refusal.OTHER_TRANSACTION:
            return Conflict("the reservation is for another transaction_id")
        case Refusal.WAS_RELEASED:
            return Conflict("the reservation was released")
        case Refusal.WAS_COMMITTED:
            return Conflict("the reservation is committed; only its event ends it")
        case Refusal.MORE_THAN_RESERVED:
            most = "" if row is None else f" ({plain(row.hold.reserved)})"
            return InvalidInput(f"must be at most what was reserved{most}", field="amount")


def _taken(uniqueness_key: str | None, transaction_id: str | None) -> Conflict:
    if uniqueness_key is not None and Reservation.objects.filter(uniqueness_key=uniqueness_key).exists():
        return uniqueness_key_used()
    return _transaction_taken(transaction_id)


def _transaction_taken(transaction_id: str | None) -> Conflict:
    return Conflict(f"transaction_id: {transaction_id} settles another reservation")


def _write(connection: psycopg.Connection[Any], operations: Sequence[Operation]) -> list[Outcome]:
    pipeline = Pipeline.on(connection)
    last, read_results = apply_operations(execute=pipeline.execute, operations=operations)
    return read_results(pipeline.commit(*last))


def _connect() -> psycopg.Connection[Any]:
    return connect_direct("tactus-reserve", BY_KEY)


_writer: GroupCommitWriter[Operation, Outcome] = GroupCommitWriter("tactus-reserve", _connect, _write, gather=GATHER)


def _refresh_stale_balance(whose: tuple[UUID, UUID], now: datetime) -> None:
    def refresh(asked: tuple[UUID, UUID]) -> int:
        return refresh_available_balance(customer_id=asked[0], credit_type_id=asked[1], now=now)

    with bounded_waits():  # whoever comes next does not wait for this one
        each_in_turn([whose], refresh)


stale_balances: CoalescingQueue[tuple[UUID, UUID], datetime] = CoalescingQueue(
    "tactus-balances", _refresh_stale_balance
)
"""Balances that were granted from though they had grown old."""
