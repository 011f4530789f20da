"""The ledger of a unit's balance, or of one grant: every movement with the balance after it, in a customer's words.

Posted movements come first, in order of time, then what is pending: what running drafts draw, and what has ended but
waits for them. The last balance is what the tile says; both are the API's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from balances.models import LedgerEntry
from billing.types import CurrencyView
from console.ranges import Choice, read_day
from console.selectors.access import Viewer
from console.selectors.customer_balances import (
    GRANTING,
    Drafts,
    Grant,
    PostedEntry,
    UnitBalance,
    customer_balances,
    posted_entries,
)
from core.api.paging import decode, encode
from core.errors import InvalidInput, NotFound
from engine.money import ZERO, add
from presentation import formatting
from presentation.formatting import Exact

PAGE = 40
NO_GRANT = "There is no such commit or credit."
PERIODS = {
    "all": "All time", "30d": "Last 30 days", "90d": "Last 90 days", "ytd": "This year", "custom": "Custom",
}  # fmt: skip
_ROLLING = {"30d": 30, "90d": 90}
Kind = LedgerEntry.Kind
WORDS = {
    Kind.AUTOMATED_INVOICE_DEDUCTION: ("", "Used", "Used by"),
    Kind.CANCELED: ("", "Given back", "Given back, void:"),
    Kind.CREDITED: ("", "Given back", "Given back for"),
    Kind.ROLLOVER: ("", "Carried over to the next term", "Carried over to the next term"),
    Kind.EXPIRATION: ("Expiry taken back", "Expired", "Expired"),
    Kind.SEAT_BASED_ADJUSTMENT: ("", "Number of seats changed", "Number of seats changed"),
    Kind.TRUEUP: ("True-up taken back", "Rest billed", "Rest billed by"),
}
"""Where it gives although it usually takes; else; and before the name of an invoice."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement. `amount` and `balance` (after it) in stored units; `status`: posted, pending, opening.

    `text` names no invoice: `invoice` does, in words, and `invoice_id` where it is. `begins`: access to what it moves
    begins then; at one time what has begun before comes first.
    """

    at: datetime
    key: str
    grant: str
    text: str
    amount: Decimal
    status: str = "posted"
    invoice: str = ""
    invoice_id: UUID | None = None
    note: str = ""
    balance: Decimal = ZERO
    begins: bool = False


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A movement, ready to show."""

    day: str
    text: str
    grant: str
    invoice: str
    invoice_id: UUID | None
    note: str
    amount: Exact
    balance: Exact
    is_pending: bool
    is_in: bool


@dataclass(frozen=True, slots=True)
class LedgerQuestion:
    """What was asked for: a grant ("" for all that can be spent) and the days `[start, end)`, None for no bound."""

    unit: str
    grant: str
    period: str
    start: datetime | None
    end: datetime | None
    error: str = ""

    @property
    def query(self) -> str:
        """The same as a query string."""
        days = {"from": self.first_day, "to": self.last_day} if self.period == "custom" else {}
        return urlencode({"unit": self.unit, "grant": self.grant, "period": self.period, **days})

    @property
    def first_day(self) -> str:
        """For a date input."""
        return f"{self.start:%Y-%m-%d}" if self.start else ""

    @property
    def last_day(self) -> str:
        """For a date input."""
        return f"{self.end - timedelta(days=1):%Y-%m-%d}" if self.end else ""


@dataclass(frozen=True, slots=True)
class LedgerPanel:
    """The newest movements first; `next` is the cursor for older ones, "" at the end."""

    question: LedgerQuestion
    code: str
    grants: tuple[Choice, ...]
    periods: tuple[Choice, ...]
    rows: tuple[LedgerRow, ...]
    opening: LedgerRow | None
    next: str
    count: int
    closing: Exact
    is_owed: bool
    has_invoices: bool


def ledger_panel(viewer: Viewer, query: Mapping[str, str], *, now: datetime) -> LedgerPanel | None:
    """A page of the ledger; None where the customer has nothing. Raises NotFound for a grant that is not theirs."""
    after = decode(query["after"], "after") if query.get("after") else None
    found = _read(viewer, query, now)
    if found is None:
        return None
    question, unit_balance, grants, movements = found
    opening = movements[0] if movements and movements[0].status == "opening" else None
    newest = [movement for movement in reversed(movements) if movement is not opening]
    older = newest
    if after is not None:
        keys = [movement.key for movement in newest]
        older = newest[keys.index(str(after[0])) + 1 :] if str(after[0]) in keys else []
    shown = older[:PAGE]
    unit = unit_balance.unit
    return LedgerPanel(
        question=question,
        code=unit_balance.code,
        grants=(
            *([Choice("", "All that can be spent", not question.grant)] if unit_balance.held else ()),
            *(
                Choice(str(grant.id), f"{grant.name} ({_window(grant)})", str(grant.id) == question.grant)
                for grant in sorted(
                    unit_balance.grants, key=lambda grant: (grant.is_past(now), grant.name, str(grant.id))
                )
            ),
        ),
        periods=tuple(Choice(value, label, value == question.period) for value, label in PERIODS.items()),
        rows=tuple(_row(movement, unit) for movement in shown),
        opening=_row(opening, unit) if opening and len(older) <= PAGE else None,
        next=encode([shown[-1].key]) if len(older) > PAGE else "",
        count=len(newest),
        closing=formatting.exact(movements[-1].balance if movements else ZERO, unit),
        is_owed=any(grant.is_owed for grant in grants),
        has_invoices=viewer.may("invoices:read"),
    )


def ledger_table(
    viewer: Viewer, query: Mapping[str, str], *, now: datetime
) -> tuple[LedgerQuestion, CurrencyView | None, list[Movement]]:
    """The same movements, oldest first, for the file; no unit where there is nothing. Raises NotFound."""
    found = _read(viewer, query, now)
    if found is None:
        return LedgerQuestion("", "", "all", None, None), None, []
    question, unit_balance, _, movements = found
    return question, unit_balance.unit, movements


def _read(
    viewer: Viewer, query: Mapping[str, str], now: datetime
) -> tuple[LedgerQuestion, UnitBalance, list[Grant], list[Movement]] | None:
    found = customer_balances(viewer, now=now)
    wanted = query.get("grant", "")[:40]
    if found is None:
        if wanted:
            raise NotFound(NO_GRANT)
        return None
    unit_balance = found.unit_balance(query.get("unit", ""), now)
    if not wanted and not unit_balance.held:
        wanted = str(unit_balance.owed[0].id)
    chosen = next(
        (
            (unit_balance, grant)
            for unit_balance in found.unit_balances
            for grant in unit_balance.grants
            if str(grant.id) == wanted
        ),
        None,
    )
    if wanted and chosen is None:
        raise NotFound(NO_GRANT)
    unit_balance = chosen[0] if chosen else unit_balance
    grants = [chosen[1]] if chosen else unit_balance.held
    question = _question(query, unit_balance.key, wanted, now)
    entries = posted_entries(grants, now=now)
    first = {entry.row.pk for found in entries.values() for n, entry in _numbered(found) if n == 0}
    movements = [
        _movement(grant, entry, is_first=entry.row.pk in first)
        for grant in grants
        for entry in entries.get(grant.id, [])
    ]
    movements.sort(key=lambda movement: (movement.at, movement.begins))
    movements += _drawing(grants, found.drafts, now)
    movements += _settling(grants, now)
    return question, unit_balance, grants, _within(_balanced(movements), question, now)


def _drawing(grants: Iterable[Grant], drafts: Drafts, now: datetime) -> Iterator[Movement]:
    """What running drafts draw; another customer's are named as that one's, and are not to be opened here."""
    for grant in grants:
        for part in grant.parts:
            for draw in drafts.pending.get(part.id, ()) if part.starting_at <= now else ():
                of = drafts.of.get(draw.invoice_id, "")
                yield Movement(
                    draw.effective_at, f"draft {draw.invoice_id} {part.id}", grant.name, "Used so far by",
                    draw.amount.copy_negate(), "pending", _called("draft invoice", of), None if of else draw.invoice_id,
                    f"final after {formatting.last_day(draw.effective_at)}",
                )  # fmt: skip


def _numbered(entries: list[PostedEntry]) -> Iterator[tuple[int, PostedEntry]]:
    """Entries with how many grants of their segment came before, so that a correction is not called a grant."""
    seen: dict[UUID, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.row.pk):
        yield seen.get(entry.row.segment_id, 0), entry
        if entry.row.kind in GRANTING:
            seen[entry.row.segment_id] = seen.get(entry.row.segment_id, 0) + 1


def _settling(grants: Iterable[Grant], now: datetime) -> Iterator[Movement]:
    """What brings the ledger to what can be spent: what has ended but is not posted, what was taken beyond nothing."""
    for grant in grants:
        for part in grant.parts:
            ended = part.ending_before <= now
            if grant.is_owed and ended and part.left and grant.row.true_up_disabled:
                yield _pending(grant, part.ending_before, "Not used, and not billed", part.left.copy_negate(), part.id)
            elif part.waiting:
                yield _pending(grant, part.ending_before, "Expired", part.waiting.copy_negate(), part.id)
            elif part.overdrawn and part.starting_at <= now:
                text = "Below zero: not taken from other grants"
                yield _pending(grant, now, text, part.overdrawn, part.id)


def _pending(grant: Grant, at: datetime, text: str, amount: Decimal, part: UUID) -> Movement:
    return Movement(at, f"settle {part}", grant.name, text, amount, "pending", note="not final yet")


def _balanced(movements: Iterable[Movement]) -> list[Movement]:
    balance, found = ZERO, []
    for movement in movements:
        balance = add(balance, movement.amount)
        found.append(replace(movement, balance=balance))
    return found


def _within(movements: list[Movement], question: LedgerQuestion, now: datetime) -> list[Movement]:
    """Those of the period, after a row with what was there before it. Pending ones belong to this moment."""
    start, end = question.start, question.end
    if start is None and end is None:
        return movements

    def moment(movement: Movement) -> datetime:
        return now if movement.status == "pending" else movement.at

    before = [movement for movement in movements if start is not None and moment(movement) < start]
    inside = [
        movement
        for movement in movements
        if (start is None or moment(movement) >= start) and (end is None or moment(movement) < end)
    ]
    if start is None:
        return inside
    opening = before[-1].balance if before else ZERO
    first = Movement(start, "opening", "", "Balance before", opening, "opening", balance=opening)
    return [first, *inside]


def _movement(grant: Grant, entry: PostedEntry, *, is_first: bool) -> Movement:
    row = entry.row
    named = _called(f"invoice {entry.number}", entry.of) if entry.number else ""
    return Movement(
        at=entry.at,
        key=str(row.pk),
        grant=grant.name,
        text=_text(grant, row, is_first=is_first, has_invoice=bool(named)),
        amount=row.amount,
        invoice=named,
        invoice_id=row.invoice_id if named and not entry.of else None,
        begins=entry.at == row.segment.starting_at,
    )


def _called(name: str, of: str) -> str:
    return f"{name} of {of}" if of else name


def _text(grant: Grant, entry: LedgerEntry, *, is_first: bool, has_invoice: bool) -> str:
    """What happened; where it names an invoice, the text ends before the name."""
    if entry.kind == Kind.MANUAL:
        return f"Adjustment: {entry.reason}"
    if entry.kind in GRANTING:
        told = _granting(grant, is_first=is_first, gives=entry.amount > 0)
        return f"{told}: {entry.reason}" if entry.reason else told
    gives, plain, named = WORDS[Kind(entry.kind)]
    if entry.amount > 0 and gives:
        return gives
    return named if has_invoice else plain


def _granting(grant: Grant, *, is_first: bool, gives: bool) -> str:
    if not is_first:
        return "Grant raised" if gives else "Grant reduced"
    if grant.row.rolled_over_from_id:
        return "Carried over from the term before"
    if grant.is_owed:
        return "Commitment begins"
    return f"{grant.kind_label} granted" if grant.kind == "CREDIT" else "Commit available"


def _row(movement: Movement, unit: CurrencyView) -> LedgerRow:
    amount = formatting.exact(movement.amount, unit)
    return LedgerRow(
        day="Pending" if movement.status == "pending" else formatting.day(movement.at),
        text=movement.text,
        grant=movement.grant,
        invoice=movement.invoice,
        invoice_id=movement.invoice_id,
        note=movement.note,
        amount=replace(amount, figure=f"+{amount.figure}") if movement.amount > 0 else amount,
        balance=formatting.exact(movement.balance, unit),
        is_pending=movement.status == "pending",
        is_in=movement.amount > 0,
    )


def _window(grant: Grant) -> str:
    if not grant.parts:
        return "no access"
    return formatting.access(
        min(part.starting_at for part in grant.parts), max(part.ending_before for part in grant.parts)
    )


def _question(query: Mapping[str, str], unit: str, grant: str, now: datetime) -> LedgerQuestion:
    period = query.get("period", "all")
    try:
        start, end = _bounds(period, query, now)
    except InvalidInput as error:
        return LedgerQuestion(unit, grant, "all", None, None, f"{error.message} Shown instead: all time.")
    return LedgerQuestion(unit, grant, period, start, end)


def _bounds(period: str, query: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if period == "all":
        return None, None
    if period in _ROLLING:
        return tomorrow - timedelta(days=_ROLLING[period]), tomorrow
    if period == "ytd":
        return tomorrow.replace(year=now.year, month=1, day=1), tomorrow
    if period != "custom":
        raise InvalidInput("That period is not known.")
    start = read_day(query["from"]) if query.get("from") else tomorrow - timedelta(days=30)
    end = read_day(query["to"]) + timedelta(days=1) if query.get("to") else tomorrow
    if end <= start:
        raise InvalidInput("The last day must not be before the first.")
    return start, end
