"""The head of the page of credits: what can be spent, what is owed, and what is about to expire."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from console.selectors.access import Viewer
from console.selectors.holdings import Grant, Part, Purse, holdings, posted
from console.selectors.pace import Pace, outlook, pace
from engine.money import ZERO, add, round_places, total
from presentation import formatting
from presentation.formatting import Money

STAGES = (
    (timedelta(days=3), "bad", "Urgent"),
    (timedelta(days=14), "warn", "Soon"),
    (timedelta(days=30), "info", "Notice"),
)
FARTHEST = STAGES[-1][0]
MOST_ALERTS = 3


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """A unit to look at, with what can be spent in it."""

    key: str
    net: Money
    chosen: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that will expire: how urgent in a word and a colour, what is at risk, and how that is known."""

    tone: str
    word: str
    headline: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """The purse that is looked at. `per_mille` of what was granted is left."""

    key: str
    net: Money
    net_note: str
    granted: Money
    granted_note: str
    used: Money
    used_note: str
    per_mille: int
    expiry_day: str
    expiry_note: str
    has_held: bool


@dataclass(frozen=True, slots=True)
class Commitment:
    """A postpaid commitment: an obligation to use, and nothing that the customer holds."""

    name: str
    used: Money
    agreed: Money
    note: str
    per_mille: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it."""

    units: tuple[UnitChoice, ...]
    tiles: Tiles
    commitments: tuple[Commitment, ...]
    alerts: tuple[Alert, ...]
    more_alerts: int


def standing(viewer: Viewer, *, unit: str, now: datetime) -> Standing | None:
    """The head of the page for the unit that was asked for; None where the customer has nothing."""
    found = holdings(viewer, now=now)
    if found is None:
        return None
    chosen = found.purse(unit, now)
    held = [grant for purse in found.purses for grant in purse.held]
    entries = posted(held, now=now)
    alerts: list[tuple[datetime, Alert]] = []
    for purse in found.purses:
        speed = pace(purse, drafts=found.drafts, entries=entries, now=now)
        alerts += _alerts(purse, speed, now)
    alerts.sort(key=lambda pair: pair[0])
    return Standing(
        units=tuple(
            UnitChoice(purse.key, formatting.money(purse.net(now), purse.unit), purse.key == chosen.key)
            for purse in found.purses
        )
        if len(found.purses) > 1
        else (),
        tiles=_tiles(chosen, now),
        commitments=tuple(_commitments(chosen, now)),
        alerts=tuple(alert for _, alert in alerts[:MOST_ALERTS]),
        more_alerts=max(0, len(alerts) - MOST_ALERTS),
    )


def _tiles(purse: Purse, now: datetime) -> Tiles:
    open_ = [part for _, part in purse.open_parts(now)]
    granted = total(add(part.granted, part.adjusted) for part in open_)
    used = total(part.used for part in open_)
    pending = total(part.pending for part in open_)
    net = purse.net(now)
    ending = [(grant, part) for grant, part in purse.open_parts(now) if part.left]
    return Tiles(
        key=purse.key,
        net=formatting.money(net, purse.unit),
        net_note=_net_note(purse, pending, now),
        granted=formatting.money(granted, purse.unit),
        granted_note=_granted_note(purse, len({part.row.owner_id for part in open_}), now),
        used=formatting.money(used, purse.unit),
        used_note=_used_note(used, granted, open_),
        per_mille=per_mille(net, granted),
        expiry_day=formatting.last_day(ending[0][1].ending_before) if ending else "",
        expiry_note=_expiry_note(purse, ending, now),
        has_held=bool(purse.held),
    )


def _net_note(purse: Purse, pending: Decimal, now: datetime) -> str:
    if pending:
        figure = formatting.money(pending, purse.unit).figure
        return f"Now, after {figure} that the running period has used so far"
    return f"On {formatting.day(now)}"


def _granted_note(purse: Purse, count: int, now: datetime) -> str:
    text = f"In {formatting.plural(count, 'grant')} that can be used now" if count else "No grant can be used now"
    coming = total(part.left for grant in purse.held for part in grant.parts if part.starting_at > now)
    return f"{text}; {formatting.money(coming, purse.unit).figure} more to come" if coming else text


def _used_note(used: Decimal, granted: Decimal, open_: list[Part]) -> str:
    if not open_:
        return "Of what can be used now"
    gone = total(add(part.expired, part.moved) for part in open_)
    share = formatting.percent(used, granted)
    text = f"{share} of what was granted" if share else "Of what was granted"
    return f"{text}; part of it expired or was carried over" if gone else text


def _expiry_note(purse: Purse, ending: list[tuple[Grant, Part]], now: datetime) -> str:
    if not ending:
        return "Nothing is left that could expire"
    end = ending[0][1].ending_before
    same = [(grant, part) for grant, part in ending if part.ending_before == end]
    figure = formatting.money(total(part.left for _, part in same), purse.unit)
    names = " and ".join(dict.fromkeys(grant.name for grant, _ in same)) if len(same) < 3 else f"{len(same)} grants"
    return f"{figure.figure} {figure.code} of {names}, {formatting.until(end, now)}"


def _commitments(purse: Purse, now: datetime) -> Iterator[Commitment]:
    for grant in purse.owed:
        agreed = total(add(part.granted, part.adjusted) for part in grant.parts)
        used = total(part.used for part in grant.parts)
        left = total(part.left for part in grant.parts)
        if not left and grant.is_past(now):
            continue
        yield Commitment(
            name=grant.name,
            used=formatting.money(used, purse.unit),
            agreed=formatting.money(agreed, purse.unit),
            note=_owed_note(grant, left, purse, now),
            per_mille=per_mille(used, agreed),
        )


def _owed_note(grant: Grant, left: Decimal, purse: Purse, now: datetime) -> str:
    end = max(part.ending_before for part in grant.parts)
    if not left:
        return f"Fulfilled. It runs until {formatting.last_day(end)}."
    figure = f"{formatting.money(left, purse.unit).figure} {purse.code}"
    if end <= now:
        text = f"It ended {formatting.through(end)} with {figure} not used."
        return text if grant.row.true_up_disabled else f"{text} The rest is billed."
    text = f"{figure} still to be used by {formatting.last_day(end)}. You pay usage as it is billed"
    return f"{text}." if grant.row.true_up_disabled else f"{text}; what is not used by then is billed as well."


def _alerts(purse: Purse, speed: Pace | None, now: datetime) -> Iterator[tuple[datetime, Alert]]:
    ahead = outlook(purse, speed, until=now + FARTHEST, now=now) if speed else None
    for grant, part in purse.open_parts(now):
        at_risk = part.left if ahead is None else ahead.lost.get(part.id, ZERO)
        # a forecast is no account: less than a coin is nothing
        if part.ending_before - now > FARTHEST or not round_places(at_risk, purse.unit.places):
            continue
        tone, word = next((tone, word) for within, tone, word in STAGES if part.ending_before - now <= within)
        figure = formatting.money(at_risk, purse.unit)
        verb = "will expire" if speed is None else "is likely to expire unused"
        ends = f"{formatting.through(part.ending_before)}, {formatting.until(part.ending_before, now)}"
        headline = f"{figure.figure} {figure.code} of {grant.name} {verb} {ends}."
        yield part.ending_before, Alert(tone, word, headline, _risk(purse, part, figure, at_risk, speed))


def _risk(purse: Purse, part: Part, figure: Money, at_risk: Decimal, speed: Pace | None) -> str:
    """How the amount at risk is known."""
    if speed is None:
        return "That is all that is left of it."
    if at_risk == part.left:
        return f"At the pace of the last {speed.days} days none of it would be used by then."
    there = formatting.money(part.left, purse.unit)
    return (
        f"{there.figure} {there.code} is left now; about {figure.figure} would remain if you go on as in the last"
        f" {speed.days} days."
    )


def per_mille(part: Decimal, whole: Decimal) -> int:
    """`part` of `whole` in thousandths, for a bar; from 0 to 1000."""
    return 0 if whole <= 0 else max(0, min(1000, int(part * 1000 / whole)))
