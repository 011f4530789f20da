"""Reserving, committing and releasing: any number at once, in order of arrival, in the caller's transaction.

The rows of what is spendable are locked first, in one order; whoever writes a reservation holds its row. So what is
free is known here for as long as it matters, each operation sees what the ones before it left, and the whole group is
written by one UPDATE and one INSERT, whose triggers prove that nothing was held twice
(reservations/sql).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from core.postgres.pipeline import Call, Execute, Rows, array
from engine.money import ZERO, add, subtract
from engine.reservations import Hold, HoldStatus, Refusal, commit, expire, free, release

GOOD_FOR: Final = 5
"""How many times as old as it should be a balance may be, while somebody works it out anew."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold `amount` until `expires_at`.

    `final_attempt`: the balance was worked out for this one, a refusal stands. `allow_stale`: a balance that has grown
    old is to be worked out after this, not before it.
    """

    id: UUID
    customer_id: UUID
    credit_type_id: UUID
    amount: Decimal
    now: datetime
    expires_at: datetime
    transaction_id: str | None = None
    uniqueness_key: str | None = None
    final_attempt: bool = False
    allow_stale: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """Bind a reservation to its event, for `amount` (None: all of it). `final_attempt`: as with `Reserve`."""

    id: UUID
    now: datetime
    lapses_at: datetime
    transaction_id: str | None = None
    amount: Decimal | None = None
    final_attempt: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Give a reservation back."""

    id: UUID
    now: datetime


Operation = Reserve | Commit | Release


@dataclass(frozen=True, slots=True)
class Row:
    """A reservation as it is stored."""

    hold: Hold
    spendable_id: int
    customer_id: UUID
    credit_type_id: UUID
    created_at: datetime
    expires_at: datetime
    committed_at: datetime | None = None
    lapses_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Carried out, or carried out before. `remaining`: what is free after it, not below 0.

    `served_stale`: by a balance that this one undertook to have worked out.
    """

    row: Row
    remaining: Decimal
    served_stale: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored. `available`: what is free, not below 0; `row`: the reservation that it was about."""

    why: Refusal
    available: Decimal
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Nothing was stored: another reservation has this transaction id or uniqueness key."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No such reservation."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was stored: work the balance out, then try again."""

    customer_id: UUID
    credit_type_id: UUID


Outcome = Done | Refused | Taken | Missing | Stale

# ARRAY, not IN: a row that somebody else has changed while it was waited for is checked once more, and a join with rows
# that are not locked may then say that it is not wanted.
_LOCK: Final = """
SELECT s.id, s.customer_id, s.credit_type_id, s.live, s.held, s.committed, s.as_of, s.valid_from, s.valid_until,
       s.asked_at, EXISTS (SELECT 1 FROM reservations_spendablechange c WHERE c.spendable_id = s.id)
FROM reservations_spendable s
WHERE s.id = ANY(ARRAY(
    SELECT spendable_id FROM reservations_reservation WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT named.id FROM unnest(%s::uuid[], %s::uuid[]) AS asked (customer_id, credit_type_id)
        JOIN reservations_spendable named USING (customer_id, credit_type_id)
))
ORDER BY s.id FOR NO KEY UPDATE OF s
"""
_COLUMNS: Final = (
    "id, status, reserved, amount, transaction_id, spendable_id,"
    " created_at, expires_at, committed_at, lapses_at, ended_at"
)
_NAMED: Final = f"SELECT {_COLUMNS} FROM reservations_reservation WHERE id = ANY(%s::uuid[])"  # noqa: S608
_EXPIRED: Final = (
    f"SELECT {_COLUMNS} FROM reservations_reservation"  # noqa: S608
    " WHERE spendable_id = %s::bigint AND status = 'HELD' AND expires_at <= %s::timestamptz"
)
_MOVE: Final = """
UPDATE reservations_reservation r SET status = new.status, amount = new.amount, transaction_id = new.transaction_id,
    committed_at = new.committed_at, lapses_at = new.lapses_at, ended_at = new.ended_at
FROM unnest(%s::uuid[], %s::text[], %s::numeric[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    AS new (id, status, amount, transaction_id, committed_at, lapses_at, ended_at)
WHERE r.id = new.id
"""
_ADD: Final = """
INSERT INTO reservations_reservation
    (id, spendable_id, customer_id, status, reserved, amount, transaction_id, uniqueness_key, created_at, expires_at)
SELECT new.id, new.spendable_id, s.customer_id, 'HELD', new.amount, new.amount, new.transaction_id, new.uniqueness_key,
       new.created_at, new.expires_at
FROM unnest(%s::uuid[], %s::bigint[], %s::numeric[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    AS new (id, spendable_id, amount, transaction_id, uniqueness_key, created_at, expires_at)
    JOIN reservations_spendable s ON s.id = new.spendable_id
ON CONFLICT DO NOTHING RETURNING id
"""
_ASK: Final = "UPDATE reservations_spendable SET asked_at = %s::timestamptz WHERE id = ANY(%s::bigint[])"


@dataclass(slots=True)
class _Account:
    """A locked row of what is spendable, as the operations so far left it."""

    id: int
    customer_id: UUID
    credit_type_id: UUID
    room: Decimal
    as_of: datetime | None
    valid_from: datetime | None
    valid_until: datetime | None
    asked_at: datetime | None
    has_changed: bool
    is_asked: bool = False
    is_swept: bool = False

    def is_usable(self, now: datetime) -> bool:
        """Whether the balance may be trusted at `now`, old or not."""
        if self.has_changed or self.as_of is None or self.valid_from is None or self.valid_until is None:
            return False
        return self.valid_from <= now < self.valid_until and abs(now - self.as_of) < GOOD_FOR * fresh_for()

    def undertake(self, now: datetime) -> bool:
        """Whether it is old, and nobody else has undertaken to work it out: the one who asks has then."""
        if any(moment is not None and abs(now - moment) < fresh_for() for moment in (self.as_of, self.asked_at)):
            return False
        self.asked_at, self.is_asked = now, True
        return True

    @property
    def remaining(self) -> Decimal:
        """What is free, not below 0."""
        return max(self.room, ZERO)


def fresh_for() -> timedelta:
    """How old a balance may grow before somebody works it out anew: usage that nobody reserved counts this soon."""
    return timedelta(seconds=settings.TACTUS_RESERVATION_FRESH_SECONDS)


def apply_operations(
    *, execute: Execute, operations: Sequence[Operation]
) -> tuple[list[Call], Callable[[list[Rows]], list[Outcome]]]:
    """Carries out what can be, in this order. Two to six statements, however many there are.

    Returns the statements that store it, so that they can go out with the commit, and what makes of their rows what
    came of each. `execute`: in the transaction that this is part of. The statements raise the driver's IntegrityError
    where two commits name one transaction id: then each is to be tried by itself.
    """
    group = _Group(execute, operations)
    outcomes = [group.carry_out(operation) for operation in operations]
    last = group.storing()

    def read_results(rows: list[Rows]) -> list[Outcome]:
        stored = {id_ for found in rows for (id_,) in found}
        return [group.after_all(outcome, stored) for outcome in outcomes]

    return last, read_results


class _Group:
    """Operations of one transaction, and the rows that they are about."""

    def __init__(self, execute: Execute, operations: Sequence[Operation]) -> None:
        self._execute = execute
        self._now = max(operation.now for operation in operations)
        self._accounts, self._rows = self._lock(operations)
        self._by_unit = {(one.customer_id, one.credit_type_id): one for one in self._accounts.values()}
        self._moved: dict[UUID, None] = {}
        self._added: dict[UUID, Reserve] = {}

    def carry_out(self, operation: Operation) -> Outcome:
        """What comes of the next operation; nothing is written yet."""
        match operation:
            case Reserve():
                return self._reserve(operation)
            case Commit():
                return self._commit(operation)
            case Release():
                row = self._rows.get(operation.id)
                return Missing() if row is None else self._become(row, release(row.hold), operation)

    def storing(self) -> list[Call]:
        """What writes down what was decided: first what gives room, then what takes it, whose rows are the ids."""
        calls: list[Call] = []
        if self._moved:
            rows = [self._rows[one] for one in self._moved]
            calls.append((_MOVE, [
                array([row.hold.id for row in rows]), array([row.hold.status.value for row in rows]),
                array([row.hold.amount for row in rows]), array([row.hold.transaction_id for row in rows]),
                array([row.committed_at for row in rows]), array([row.lapses_at for row in rows]),
                array([row.ended_at for row in rows]),
            ]))  # fmt: skip
        if self._added:
            added = list(self._added.values())
            calls.append((_ADD, [
                array(self._added), array([self._rows[one.id].spendable_id for one in added]),
                array([one.amount for one in added]), array([one.transaction_id for one in added]),
                array([one.uniqueness_key for one in added]), array([one.now for one in added]),
                array([one.expires_at for one in added]),
            ]))  # fmt: skip
        asked = [account.id for account in self._accounts.values() if account.is_asked]
        if asked:
            calls.append((_ASK, [str(self._now), array(asked)]))
        return calls

    def after_all(self, outcome: Outcome, stored: set[UUID]) -> Outcome:
        """What came of an operation, now that all is written: another reservation may have had the same name."""
        if not isinstance(outcome, Done) or outcome.row.hold.id not in self._added:
            return outcome
        return outcome if outcome.row.hold.id in stored else Taken()

    def _lock(self, operations: Sequence[Operation]) -> tuple[dict[int, _Account], dict[UUID, Row]]:
        named = array([one.id for one in operations if not isinstance(one, Reserve)])
        wanted = {(one.customer_id, one.credit_type_id) for one in operations if isinstance(one, Reserve)}
        units = [array([unit[0] for unit in wanted]), array([unit[1] for unit in wanted])]
        locked, stored = self._execute((_LOCK, [named, *units]), (_NAMED, [named]))
        accounts = {
            id_: _Account(id_, customer_id, credit_type_id, free(live, held, committed), *rest)
            for id_, customer_id, credit_type_id, live, held, committed, *rest in locked
        }
        return accounts, {row.hold.id: row for row in _read(stored, accounts)}

    def _reserve(self, asked: Reserve) -> Outcome:
        account = self._by_unit.get((asked.customer_id, asked.credit_type_id))
        if account is None or not account.is_usable(asked.now):
            return Stale(asked.customer_id, asked.credit_type_id)
        served_stale = not asked.final_attempt and account.undertake(asked.now)
        if served_stale and not asked.allow_stale:
            return Stale(asked.customer_id, asked.credit_type_id)
        if not self._covers(account, asked.amount):
            return self._not_covered(account, final_attempt=asked.final_attempt)
        hold = Hold(asked.id, HoldStatus.HELD, asked.amount, asked.amount, asked.transaction_id)
        row = Row(hold, account.id, account.customer_id, account.credit_type_id, asked.now, asked.expires_at)
        self._rows[asked.id], self._added[asked.id] = row, asked
        account.room = subtract(account.room, asked.amount)
        return Done(row, account.remaining, served_stale)

    def _commit(self, asked: Commit) -> Outcome:
        row = self._rows.get(asked.id)
        if row is None:
            return Missing()
        account = self._accounts[row.spendable_id]
        if row.hold.status is HoldStatus.EXPIRED:
            if not account.is_usable(asked.now):
                return Stale(account.customer_id, account.credit_type_id)
            self._covers(account, row.hold.reserved if asked.amount is None else asked.amount)
        new = commit(row.hold, transaction_id=asked.transaction_id, amount=asked.amount, room=account.room)
        return self._become(row, new, asked)

    def _become(self, row: Row, new: Hold | Refusal, asked: Commit | Release) -> Outcome:
        account = self._accounts[row.spendable_id]
        if new is Refusal.NOT_COVERED and isinstance(asked, Commit):
            return self._not_covered(account, final_attempt=asked.final_attempt, row=row)
        if isinstance(new, Refusal):
            return Refused(new, account.remaining, row)
        if new == row.hold:
            return Done(row, account.remaining)
        account.room = subtract(add(account.room, row.hold.weight), new.weight)
        if isinstance(asked, Commit):
            row = replace(row, hold=new, committed_at=asked.now, lapses_at=asked.lapses_at, ended_at=None)
        else:
            row = replace(row, hold=new, ended_at=asked.now)
        self._rows[new.id] = row
        self._moved[new.id] = None
        return Done(row, account.remaining)

    def _covers(self, account: _Account, amount: Decimal) -> bool:
        """Whether there is room for it, once what has expired is let go, if need be."""
        if account.room < amount and not account.is_swept:
            account.is_swept = True
            [expired] = self._execute((_EXPIRED, [str(account.id), str(self._now)]))
            for row in _read(expired, self._accounts):
                # One that was moved a moment ago is not as it is stored any more.
                if row.hold.id not in self._moved:
                    account.room = add(account.room, row.hold.weight)
                    self._rows[row.hold.id] = replace(row, hold=expire(row.hold), ended_at=self._now)
                    self._moved[row.hold.id] = None
        return account.room >= amount

    @staticmethod
    def _not_covered(account: _Account, *, final_attempt: bool, row: Row | None = None) -> Outcome:
        if not final_attempt:
            return Stale(account.customer_id, account.credit_type_id)
        return Refused(Refusal.NOT_COVERED, account.remaining, row)


def _read(found: Iterable[Any], accounts: dict[int, _Account]) -> list[Row]:
    rows = []
    for id_, status, reserved, amount, transaction_id, spendable_id, *times in found:
        account = accounts.get(spendable_id)
        if account is None:  # not there yet when the accounts were locked
            continue
        hold = Hold(id_, HoldStatus(status), reserved, amount, transaction_id)
        rows.append(Row(hold, spendable_id, account.customer_id, account.credit_type_id, *times))
    return rows
