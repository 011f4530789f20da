"""The burn-down of a unit's balance: by day, from the ledger up to now and by the recent burn rate after that.

What an issued invoice drew counts where its ledger entry does, on the day on which its period ended. What the running
drafts draw is shown by day, from the same breakdowns as the usage page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from balances.models import LedgerEntry
from console.selectors.access import Viewer
from console.selectors.burn_rate import DRAWS, BalancePoint, BurnRate, Forecast, burn_rate, forecast
from console.selectors.customer_balances import (
    Drafts,
    Part,
    PostedEntry,
    UnitBalance,
    customer_balances,
    posted_entries,
)
from engine.calendar import Period
from engine.money import ZERO, add, subtract, total
from presentation import formatting
from presentation.charts.burn_down import WEEKLY_FROM, BurnDown, Column, Level, burn_down

DAY, WEEK, YEAR = timedelta(days=1), timedelta(days=7), timedelta(days=365)
AT_LEAST_BACK = timedelta(days=30)
GRANTS = (LedgerEntry.Kind.SEGMENT_START, LedgerEntry.Kind.INITIAL_BALANCE, LedgerEntry.Kind.SEAT_BASED_ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class BurnDownPanel:
    """The chart, and in words how it was made; no chart where there is no access to draw."""

    chart: BurnDown | None
    covers: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of the balance: in one instant, or evenly over `[at, until)`. Used and expired are below 0."""

    at: datetime
    until: datetime
    amount: Decimal
    kind: str


def burn_down_panel(viewer: Viewer, *, unit: str, now: datetime) -> BurnDownPanel | None:
    """The panel of the unit that was asked for; None where the customer has nothing."""
    found = customer_balances(viewer, now=now, by_day=True)
    if found is None:
        return None
    unit_balance = found.unit_balance(unit, now)
    window = _window(unit_balance, now)
    if window is None:
        return BurnDownPanel(None, "", ())
    entries = posted_entries(unit_balance.held, now=now)
    rate = burn_rate(unit_balance, drafts=found.drafts, entries=entries, now=now)
    moves = [*_posted_moves(entries, now), *_waiting_moves(unit_balance), *_daily(unit_balance, found.drafts)]
    ahead = forecast(unit_balance, rate, until=window[1], now=now) if rate else None
    if ahead:
        window = window[0], _until_empty(ahead, window[1], now)
    return BurnDownPanel(
        chart=_chart(unit_balance, moves, ahead, window, now),
        covers=f"{formatting.day(now)}, now",
        notes=tuple(_notes(unit_balance, rate)),
    )


def forecast_sentence(unit_balance: UnitBalance, rate: BurnRate | None) -> str:
    """How the forecast was worked out."""
    if rate is None:
        return "A forecast appears after three days of use."
    if not rate.per_day:
        return f"Nothing was used in the last {rate.days} days, so the forecast expects no use."
    figure = formatting.money(rate.per_day, unit_balance.unit)
    return (
        f"Forecast: the average of those of the last {rate.days} days on which there was something left,"
        f" {figure.figure} {unit_balance.code} a day, goes on; grants are used in the order in which invoices use them."
    )


def _notes(unit_balance: UnitBalance, rate: BurnRate | None) -> Iterator[str]:
    yield forecast_sentence(unit_balance, rate)
    if any(entry.used for grant in unit_balance.held for entry in grant.parts):
        yield "What an issued invoice used is taken off where its period ended; the running period is shown by day."


def _window(unit_balance: UnitBalance, now: datetime) -> tuple[datetime, datetime] | None:
    """The days to draw: the access windows that are open, at least a month back, at most a year either way."""
    parts = [part for grant in unit_balance.held for part in grant.parts]
    begun = [part for part in parts if part.starting_at <= now]
    if not begun:
        return None
    first = min(part.starting_at for part in begun)
    opened = min((part.starting_at for part in begun if part.ending_before > now), default=first)
    start = max(first, min(opened, now - AT_LEAST_BACK), now - YEAR)
    end = min(max((part.ending_before for part in begun if part.ending_before > now), default=now), now + YEAR)
    return _midnight(start), _midnight(max(end, now)) + DAY


def _until_empty(ahead: Forecast, end: datetime, now: datetime) -> datetime:
    """Where the drawing may end: two weeks after nothing is left for good."""
    last = max((point.at for point in ahead.points if point.before or point.after), default=now)
    return min(end, _midnight(max(last, now + WEEK)) + 2 * WEEK)


def _posted_moves(entries: Mapping[UUID, Sequence[PostedEntry]], now: datetime) -> Iterator[Move]:
    for rows in entries.values():
        for entry in rows:
            row = entry.row
            at = min(row.segment.starting_at if row.kind in GRANTS else entry.at, now)
            kind = "used" if row.kind in DRAWS else "added"
            if kind == "added" and (row.amount < 0 or row.kind == LedgerEntry.Kind.EXPIRATION):
                kind = "expired"
            yield Move(at, at, row.amount, kind)


def _waiting_moves(unit_balance: UnitBalance) -> Iterator[Move]:
    """What has expired but for running drafts."""
    for grant in unit_balance.held:
        for part in grant.parts:
            if part.waiting:
                yield Move(part.ending_before, part.ending_before, part.waiting.copy_negate(), "expired")


def _daily(unit_balance: UnitBalance, drafts: Drafts) -> list[Move]:
    """What the running drafts draw from this balance, by day."""
    parts = {part.id for grant in unit_balance.held for part in grant.parts}
    by_day: dict[tuple[datetime, datetime], Decimal] = {}
    for day in drafts.days:
        if day.segment_id in parts:
            by_day[day.start, day.end] = add(by_day.get((day.start, day.end), ZERO), day.amount)
    return [Move(*span, amount.copy_negate(), "used") for span, amount in by_day.items() if amount]


def _chart(
    unit_balance: UnitBalance,
    moves: Sequence[Move],
    ahead: Forecast | None,
    window: tuple[datetime, datetime],
    now: datetime,
) -> BurnDown:
    start, end = window
    net = unit_balance.net(now)
    overdrawn = subtract(net, total(move.amount for move in moves))
    if overdrawn:  # what was taken by hand beyond what was there does not count against the rest
        moves = [*moves, Move(now, now, overdrawn, "added")]
    past = _levels(moves, start, now)
    expected = [point for point in ahead.points if point.at <= end] if ahead else []
    step = WEEK if end - start > WEEKLY_FROM else DAY
    columns, at = [], start
    while at < end:
        columns.append(
            _column(Period(at, min(at + step, end)), unit_balance, now, moves=moves, past=past, expected=expected)
        )
        at += step
    return burn_down(
        columns,
        [_level(point, unit_balance) for point in past],
        [_level(point, unit_balance) for point in expected],
        expiries=sorted(
            {
                part.ending_before
                for grant in unit_balance.held
                for part in grant.parts
                if part.left and part.is_open(now)
            }
        ),
        now=now,
        unit=unit_balance.code,
        show=lambda value: (
            formatting.money(formatting.to_minor_units(value, unit_balance.unit), unit_balance.unit).figure
        ),
        description=_describe(unit_balance, ahead, now),
    )


def _levels(moves: Sequence[Move], start: datetime, now: datetime) -> list[BalancePoint]:
    """The balance from `start` to `now`, at every time at which its course changes."""
    edges = {at for move in moves for at in (move.at, move.until) if start < at <= now} | {start, now}
    jumps: dict[datetime, Decimal] = {}
    slopes: list[Move] = []
    balance = ZERO
    for move in moves:
        if move.until > move.at:
            slopes.append(move)
        elif move.at < start:
            balance = add(balance, move.amount)
        else:
            jumps[move.at] = add(jumps.get(move.at, ZERO), move.amount)
    for slope in slopes:
        if slope.until <= start:
            balance = add(balance, slope.amount)
    after: dict[datetime, Decimal] = {}
    for slope in slopes:  # days tile, so that each lies between two edges
        if slope.until > start:
            after[slope.until] = add(after.get(slope.until, ZERO), slope.amount)
    found = []
    for edge in sorted(edges):
        before = add(balance, after.get(edge, ZERO)) if edge > start else balance
        balance = add(before, jumps.get(edge, ZERO))
        found.append(BalancePoint(edge, before, balance))
    return found


def _column(
    span: Period,
    unit_balance: UnitBalance,
    now: datetime,
    *,
    moves: Sequence[Move],
    past: Sequence[BalancePoint],
    expected: Sequence[BalancePoint],
) -> Column:
    start, end = span.start, span.end

    def person(amount: Decimal) -> Decimal:
        return formatting.to_major_units(amount, unit_balance.unit)

    if start > now:
        known = {point.at: point for point in expected}
        if not known:
            return Column(start, end, ZERO, ZERO, ZERO, None, True)
        inside = [point for point in expected if start <= point.at < end]
        added, lost = total(point.added for point in inside), total(point.lost for point in inside)
        used = subtract(subtract(add(known[start].before, added), lost), known[end].before)
        return Column(start, end, person(added), person(used), person(lost), person(known[end].before), True)
    sums = {
        kind: total(move.amount for move in moves if move.kind == kind and start <= move.at < end)
        for kind in ("added", "used", "expired")
    }
    last = [point for point in past if point.at <= end][-1]
    return Column(
        start,
        end,
        person(sums["added"]),
        person(sums["used"].copy_negate()),
        person(sums["expired"].copy_negate()),
        person(last.before if last.at == end and last.at < now else last.after),
        False,
    )


def _level(point: BalancePoint, unit_balance: UnitBalance) -> Level:
    return Level(
        point.at,
        formatting.to_major_units(point.before, unit_balance.unit),
        formatting.to_major_units(point.after, unit_balance.unit),
    )


def _describe(unit_balance: UnitBalance, ahead: Forecast | None, now: datetime) -> str:
    """The picture's conclusion."""
    net = formatting.money(unit_balance.net(now), unit_balance.unit)
    text = f"{net.figure} {unit_balance.code} can be spent now."
    opened: list[Part] = [part for _, part in unit_balance.open_parts(now) if part.left]
    if opened:
        text += f" The next part expires {formatting.through(opened[0].ending_before)}."
    if ahead:
        lost = total(ahead.lost.values())
        empty = next((m.at for m in ahead.points if not m.after and m.before), None)
        used_up = next((m.at for m in ahead.points if not m.before and not m.after), None)
        if lost:
            figure = formatting.money(lost, unit_balance.unit).figure
            text += f" At the present pace {figure} {unit_balance.code} would expire unused."
        elif used_up or empty:
            text += f" At the present pace it is used up by {formatting.day(used_up or empty or now)}."
    return text


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
