"""The burn-down of a purse: its balance by day, from the ledger up to now and by the recent pace after that.

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
from console.selectors.holdings import Drafts, Part, Posted, Purse, holdings, posted
from console.selectors.pace import DRAWS, Moment, Outlook, Pace, outlook, pace
from engine.calendar import Period
from engine.money import ZERO, add, subtract, total
from presentation import formatting
from presentation.charts.burn_down import WEEKLY_FROM, BurnDown, Column, Level, burn_down

DAY, WEEK, YEAR = timedelta(days=1), timedelta(days=7), timedelta(days=365)
AT_LEAST_BACK = timedelta(days=30)
GRANTS = (LedgerEntry.Kind.SEGMENT_START, LedgerEntry.Kind.INITIAL_BALANCE, LedgerEntry.Kind.SEAT_BASED_ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class BurnPanel:
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


def burn_panel(viewer: Viewer, *, unit: str, now: datetime) -> BurnPanel | None:
    """The panel of the purse that was asked for; None where the customer has nothing."""
    found = holdings(viewer, now=now, by_day=True)
    if found is None:
        return None
    purse = found.purse(unit, now)
    window = _window(purse, now)
    if window is None:
        return BurnPanel(None, "", ())
    entries = posted(purse.held, now=now)
    speed = pace(purse, drafts=found.drafts, entries=entries, now=now)
    moves = [*_posted_moves(entries, now), *_waiting_moves(purse), *_daily(purse, found.drafts)]
    ahead = outlook(purse, speed, until=window[1], now=now) if speed else None
    if ahead:
        window = window[0], _until_empty(ahead, window[1], now)
    return BurnPanel(
        chart=_chart(purse, moves, ahead, window, now),
        covers=f"{formatting.day(now)}, now",
        notes=tuple(_notes(purse, speed)),
    )


def pace_sentence(purse: Purse, speed: Pace | None) -> str:
    """How the forecast was worked out."""
    if speed is None:
        return "A forecast appears after three days of use."
    if not speed.per_day:
        return f"Nothing was used in the last {speed.days} days, so the forecast expects no use."
    figure = formatting.money(speed.per_day, purse.unit)
    return (
        f"Forecast: the average of those of the last {speed.days} days on which there was something left,"
        f" {figure.figure} {purse.code} a day, goes on; grants are used in the order in which invoices use them."
    )


def _notes(purse: Purse, speed: Pace | None) -> Iterator[str]:
    yield pace_sentence(purse, speed)
    if any(entry.used for grant in purse.held for entry in grant.parts):
        yield "What an issued invoice used is taken off where its period ended; the running period is shown by day."


def _window(purse: Purse, now: datetime) -> tuple[datetime, datetime] | None:
    """The days to draw: the access windows that are open, at least a month back, at most a year either way."""
    parts = [part for grant in purse.held for part in grant.parts]
    begun = [part for part in parts if part.starting_at <= now]
    if not begun:
        return None
    first = min(part.starting_at for part in begun)
    opened = min((part.starting_at for part in begun if part.ending_before > now), default=first)
    start = max(first, min(opened, now - AT_LEAST_BACK), now - YEAR)
    end = min(max((part.ending_before for part in begun if part.ending_before > now), default=now), now + YEAR)
    return _midnight(start), _midnight(max(end, now)) + DAY


def _until_empty(ahead: Outlook, end: datetime, now: datetime) -> datetime:
    """Where the drawing may end: two weeks after nothing is left for good."""
    last = max((moment.at for moment in ahead.moments if moment.before or moment.after), default=now)
    return min(end, _midnight(max(last, now + WEEK)) + 2 * WEEK)


def _posted_moves(entries: Mapping[UUID, Sequence[Posted]], now: datetime) -> Iterator[Move]:
    for rows in entries.values():
        for row in (entry.row for entry in rows):
            at = min(row.segment.starting_at if row.kind in GRANTS else row.effective_at, now)
            kind = "used" if row.kind in DRAWS else "added"
            if kind == "added" and row.amount < 0:
                kind = "expired"
            yield Move(at, at, row.amount, kind)


def _waiting_moves(purse: Purse) -> Iterator[Move]:
    """What has expired but for running drafts."""
    for grant in purse.held:
        for part in grant.parts:
            if part.waiting:
                yield Move(part.ending_before, part.ending_before, part.waiting.copy_negate(), "expired")


def _daily(purse: Purse, drafts: Drafts) -> list[Move]:
    """What the running drafts draw from this purse, by day."""
    parts = {part.id for grant in purse.held for part in grant.parts}
    by_day: dict[tuple[datetime, datetime], Decimal] = {}
    for day in drafts.days:
        if day.segment_id in parts:
            by_day[day.start, day.end] = add(by_day.get((day.start, day.end), ZERO), day.amount)
    return [Move(*span, amount.copy_negate(), "used") for span, amount in by_day.items() if amount]


def _chart(
    purse: Purse, moves: Sequence[Move], ahead: Outlook | None, window: tuple[datetime, datetime], now: datetime
) -> BurnDown:
    start, end = window
    net = purse.net(now)
    overdrawn = subtract(net, total(move.amount for move in moves))
    if overdrawn:  # what was taken by hand beyond what was there does not count against the rest
        moves = [*moves, Move(now, now, overdrawn, "added")]
    past = _levels(moves, start, now)
    expected = [moment for moment in ahead.moments if moment.at <= end] if ahead else []
    step = WEEK if end - start > WEEKLY_FROM else DAY
    columns, at = [], start
    while at < end:
        columns.append(_column(Period(at, min(at + step, end)), purse, now, moves=moves, past=past, expected=expected))
        at += step
    return burn_down(
        columns,
        [_level(moment, purse) for moment in past],
        [_level(moment, purse) for moment in expected],
        expiries=sorted(
            {part.ending_before for grant in purse.held for part in grant.parts if part.left and part.is_open(now)}
        ),
        now=now,
        unit=purse.code,
        show=lambda value: formatting.money(formatting.to_minor_units(value, purse.unit), purse.unit).figure,
        description=_describe(purse, ahead, now),
    )


def _levels(moves: Sequence[Move], start: datetime, now: datetime) -> list[Moment]:
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
        found.append(Moment(edge, before, balance))
    return found


def _column(
    span: Period,
    purse: Purse,
    now: datetime,
    *,
    moves: Sequence[Move],
    past: Sequence[Moment],
    expected: Sequence[Moment],
) -> Column:
    start, end = span.start, span.end

    def person(amount: Decimal) -> Decimal:
        return formatting.to_major_units(amount, purse.unit)

    if start > now:
        known = {moment.at: moment for moment in expected}
        if not known:
            return Column(start, end, ZERO, ZERO, ZERO, None, True)
        inside = [moment for moment in expected if start <= moment.at < end]
        added, lost = total(moment.added for moment in inside), total(moment.lost for moment in inside)
        used = subtract(subtract(add(known[start].before, added), lost), known[end].before)
        return Column(start, end, person(added), person(used), person(lost), person(known[end].before), True)
    sums = {
        kind: total(move.amount for move in moves if move.kind == kind and start <= move.at < end)
        for kind in ("added", "used", "expired")
    }
    last = [moment for moment in past if moment.at <= end][-1]
    return Column(
        start,
        end,
        person(sums["added"]),
        person(sums["used"].copy_negate()),
        person(sums["expired"].copy_negate()),
        person(last.before if last.at == end and last.at < now else last.after),
        False,
    )


def _level(moment: Moment, purse: Purse) -> Level:
    return Level(
        moment.at,
        formatting.to_major_units(moment.before, purse.unit),
        formatting.to_major_units(moment.after, purse.unit),
    )


def _describe(purse: Purse, ahead: Outlook | None, now: datetime) -> str:
    """The picture's conclusion."""
    net = formatting.money(purse.net(now), purse.unit)
    text = f"{net.figure} {purse.code} can be spent now."
    opened: list[Part] = [part for _, part in purse.open_parts(now) if part.left]
    if opened:
        text += f" The next part expires {formatting.through(opened[0].ending_before)}."
    if ahead:
        lost = total(ahead.lost.values())
        empty = next((m.at for m in ahead.moments if not m.after and m.before), None)
        used_up = next((m.at for m in ahead.moments if not m.before and not m.after), None)
        if lost:
            text += (
                f" At the present pace {formatting.money(lost, purse.unit).figure} {purse.code} would expire unused."
            )
        elif used_up or empty:
            text += f" At the present pace it is used up by {formatting.day(used_up or empty or now)}."
    return text


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
