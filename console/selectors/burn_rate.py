"""How fast grants are used up, and what becomes of them at that rate.

It is what invoices and running drafts drew in the last 30 days, each spread evenly over the days that it bills,
divided by the days on which there was something to draw. It is kept apart by what the grants pay for. The forecast
draws each such flow from the grants that pay for the same, then from those that pay for everything, in the order in
which invoices draw them. A grant that drew nothing while later ones did evidently does not fit the usage: the forecast
leaves it alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from balances.models import LedgerEntry
from balances.selectors.segments import engine_segment
from console.selectors.customer_balances import EVERYTHING, Drafts, Part, PostedEntry, UnitBalance
from engine.balances import drawdown_order
from engine.calendar import Period
from engine.money import ZERO, add, divide, mul, round_places, subtract, total

Key = TypeVar("Key")
WINDOW = timedelta(days=30)
LEAST = timedelta(days=3)
DAY = timedelta(days=1)
DRAWS = (LedgerEntry.Kind.AUTOMATED_INVOICE_DEDUCTION, LedgerEntry.Kind.CANCELED, LedgerEntry.Kind.CREDITED)


@dataclass(frozen=True, slots=True)
class BurnRate:
    """What is drawn in a day, in stored units, measured over the last `days`, by what it pays for.

    `idle`: segments that do not fit.
    """

    flows: Mapping[str, Decimal]
    days: int
    idle: frozenset[UUID]

    @property
    def per_day(self) -> Decimal:
        """All of it."""
        return total(self.flows.values())


@dataclass(frozen=True, slots=True)
class BalancePoint:
    """The balance at a time, before and after what happens in that instant; `added` and `lost` are what happens."""

    at: datetime
    before: Decimal
    after: Decimal
    added: Decimal = ZERO
    lost: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast: the balance from now on, and what is left in each segment when it ends."""

    points: tuple[BalancePoint, ...]
    lost: Mapping[UUID, Decimal]


def burn_rate(
    unit_balance: UnitBalance, *, drafts: Drafts, entries: Mapping[UUID, Sequence[PostedEntry]], now: datetime
) -> BurnRate | None:
    """The recent burn rate of a unit's balance; None under three days of data."""
    parts = {part.id: part for grant in unit_balance.held for part in grant.parts if part.starting_at <= now}
    if not parts:
        return None
    since = max(now - WINDOW, min(part.starting_at for part in parts.values()))
    if now - since < LEAST:
        return None
    drawn: dict[UUID, Decimal] = {}
    until: dict[UUID, datetime] = {}
    for id_, amount, period in _draws(unit_balance, drafts, entries):
        start = max(period.start, parts[id_].starting_at)
        end = min(period.end, parts[id_].ending_before, now)
        _add(drawn, id_, _inside(amount, start, end, since))
        until[id_] = max(until.get(id_, end), end)
    sums: dict[str, Decimal] = {}
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for grant in unit_balance.held:
        for part in (part for part in grant.parts if part.id in parts):
            # what was used up was used up in the last period that drew it
            ended = min(part.ending_before, now)
            used_up = not part.left and not part.expired and not part.moved
            spans.setdefault(grant.scope, []).append(
                (max(part.starting_at, since), until.get(part.id, ended) if used_up else ended)
            )
            _add(sums, grant.scope, drawn.get(part.id, ZERO))
    flows = {
        scope: _share(amount, DAY, max(_covered(spans[scope]), DAY)) for scope, amount in sums.items() if amount > 0
    }
    return BurnRate(flows, (now - since).days, _idle(unit_balance, list(parts.values()), drawn, since, now))


def _draws(
    unit_balance: UnitBalance, drafts: Drafts, entries: Mapping[UUID, Sequence[PostedEntry]]
) -> Iterator[tuple[UUID, Decimal, Period]]:
    """What invoices and running drafts drew: segment, amount, and the period that was billed."""
    for grant in unit_balance.held:
        for entry in entries.get(grant.id, ()):
            if entry.row.kind in DRAWS and entry.period_start and entry.period_end:
                period = Period(entry.period_start, entry.period_end)
                yield entry.row.segment_id, entry.row.amount.copy_negate(), period
        for part in grant.parts:
            for draw in drafts.pending.get(part.id, ()):
                yield part.id, draw.amount, Period(drafts.began[draw.invoice_id], draw.effective_at)


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How long at least one of these was."""
    covered, reached = timedelta(0), datetime.min.replace(tzinfo=UTC)
    for start, end in sorted(spans):
        if end > max(start, reached):
            covered += end - max(start, reached)
            reached = end
    return covered


def forecast(unit_balance: UnitBalance, rate: BurnRate, *, until: datetime, now: datetime) -> Forecast:
    """What becomes of the balance up to `until` if things go on like this."""
    parts = {
        part.id: part for grant in unit_balance.held for part in grant.parts if part.ending_before > now and part.left
    }
    scopes = {part.id: grant.scope for grant in unit_balance.held for part in grant.parts}
    order = _order(parts.values(), unit_balance)
    left = {id_: parts[id_].left for id_ in order}
    lost: dict[UUID, Decimal] = {}
    edges = {at for part in parts.values() for at in (part.starting_at, part.ending_before) if now < at <= until}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    edges |= {midnight + DAY * n for n in range(1, (until - midnight).days + 1)} | {until}
    points, at = [], now
    balance = total(left[id_] for id_ in order if parts[id_].is_open(now))
    points.append(BalancePoint(now, balance, balance))
    for edge in sorted(edges):
        fit = [id_ for id_ in order if parts[id_].is_open(at) and id_ not in rate.idle]
        for scope, per_day in rate.flows.items():
            _draw(left, [id_ for id_ in fit if scopes[id_] in (scope, EVERYTHING)], _share(per_day, edge - at, DAY))
        before = total(left[id_] for id_ in order if parts[id_].is_open(at))
        gone = {id_: left[id_] for id_ in order if parts[id_].ending_before == edge}
        lost |= gone
        added = total(left[id_] for id_ in order if parts[id_].starting_at == edge)
        after = total(left[id_] for id_ in order if parts[id_].is_open(edge))
        points.append(BalancePoint(edge, before, after, added, total(gone.values())))
        at = edge
    return Forecast(tuple(points), lost)


def _draw(left: dict[UUID, Decimal], order: Sequence[UUID], wanted: Decimal) -> None:
    """Takes what is wanted from these segments, one after the other, as far as they have it."""
    for id_ in order:
        drawn = min(wanted, left[id_])
        left[id_], wanted = subtract(left[id_], drawn), subtract(wanted, drawn)


def _order(parts: Iterable[Part], unit_balance: UnitBalance) -> list[UUID]:
    """The segments' ids in the order in which invoices draw them."""
    segments = [engine_segment(part.row, available=part.left) for part in parts]
    return [UUID(segment.segment_id) for segment in drawdown_order(segments, unit_balance.products)]


def _add(sums: dict[Key, Decimal], key: Key, amount: Decimal) -> None:
    if amount:
        sums[key] = add(sums.get(key, ZERO), amount)


def _inside(amount: Decimal, start: datetime, end: datetime, since: datetime) -> Decimal:
    """The share of what was drawn evenly over `[start, end)` that falls into the window."""
    inside = end - max(start, since)
    return _share(amount, inside, end - start) if inside > timedelta(0) else ZERO


def _idle(
    unit_balance: UnitBalance, parts: list[Part], drawn: Mapping[UUID, Decimal], since: datetime, now: datetime
) -> frozenset[UUID]:
    """Open segments that drew nothing in the whole window although a later one in the order did."""
    open_ = {part.id: part for part in parts if part.is_open(now) and part.left}
    used = {part.id: part for part in parts if drawn.get(part.id) and part.ending_before > now}
    order = _order({**open_, **used}.values(), unit_balance)
    last = max((n for n, id_ in enumerate(order) if id_ in used), default=-1)
    return frozenset(id_ for id_ in order[: last + 1] if id_ not in used and open_[id_].starting_at <= since)


def _share(amount: Decimal, part: timedelta, whole: timedelta) -> Decimal:
    """`amount` x part / whole, to enough digits for an estimate."""
    micro = timedelta(microseconds=1)
    return round_places(divide(mul(amount, Decimal(part // micro)), Decimal(whole // micro)), 6)
