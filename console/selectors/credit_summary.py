"""The head of the page of credits: what can be spent, what is owed, and what is about to expire."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from console.selectors.access import Viewer
from console.selectors.burn_rate import BurnRate, burn_rate, forecast
from console.selectors.customer_balances import Grant, Part, UnitBalance, customer_balances, posted_entries
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
    """The unit that is looked at. `per_mille` of what was granted is left."""

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
class CreditSummary:
    """All of it."""

    units: tuple[UnitChoice, ...]
    tiles: Tiles
    commitments: tuple[Commitment, ...]
    alerts: tuple[Alert, ...]
    more_alerts: int


def credit_summary(viewer: Viewer, *, unit: str, now: datetime) -> CreditSummary | None:
    """The head of the page for the unit that was asked for; None where the customer has nothing."""
    found = customer_balances(viewer, now=now)
    if found is None:
        return None
    chosen = found.unit_balance(unit, now)
    held = [grant for unit_balance in found.unit_balances for grant in unit_balance.held]
    entries = posted_entries(held, now=now)
    alerts: list[tuple[datetime, Alert]] = []
    for unit_balance in found.unit_balances:
        rate = burn_rate(unit_balance, drafts=found.drafts, entries=entries, now=now)
        alerts += _alerts(unit_balance, rate, now)
    alerts.sort(key=lambda pair: pair[0])
    return CreditSummary(
        units=tuple(
            UnitChoice(
                unit_balance.key,
                formatting.money(unit_balance.net(now), unit_balance.unit),
                unit_balance.key == chosen.key,
            )
            for unit_balance in found.unit_balances
        )
        if len(found.unit_balances) > 1
        else (),
        tiles=_tiles(chosen, now),
        commitments=tuple(_commitments(chosen, now)),
        alerts=tuple(alert for _, alert in alerts[:MOST_ALERTS]),
        more_alerts=max(0, len(alerts) - MOST_ALERTS),
    )


def _tiles(unit_balance: UnitBalance, now: datetime) -> Tiles:
    open_ = [part for _, part in unit_balance.open_parts(now)]
    granted = total(add(part.granted, part.adjusted) for part in open_)
    used = total(part.used for part in open_)
    pending = total(part.pending for part in open_)
    net = unit_balance.net(now)
    ending = [(grant, part) for grant, part in unit_balance.open_parts(now) if part.left]
    return Tiles(
        key=unit_balance.key,
        net=formatting.money(net, unit_balance.unit),
        net_note=_net_note(unit_balance, pending, now),
        granted=formatting.money(granted, unit_balance.unit),
        granted_note=_granted_note(unit_balance, len({part.row.owner_id for part in open_}), now),
        used=formatting.money(used, unit_balance.unit),
        used_note=_used_note(used, granted, open_),
        per_mille=per_mille(net, granted),
        expiry_day=formatting.last_day(ending[0][1].ending_before) if ending else "",
        expiry_note=_expiry_note(unit_balance, ending, now),
        has_held=bool(unit_balance.held),
    )


def _net_note(unit_balance: UnitBalance, pending: Decimal, now: datetime) -> str:
    if pending:
        figure = formatting.money(pending, unit_balance.unit).figure
        return f"Now, after {figure} that the running period has used so far"
    return f"On {formatting.day(now)}"


def _granted_note(unit_balance: UnitBalance, count: int, now: datetime) -> str:
    text = f"In {formatting.plural(count, 'grant')} that can be used now" if count else "No grant can be used now"
    coming = total(part.left for grant in unit_balance.held for part in grant.parts if part.starting_at > now)
    return f"{text}; {formatting.money(coming, unit_balance.unit).figure} more to come" if coming else text


def _used_note(used: Decimal, granted: Decimal, open_: list[Part]) -> str:
    if not open_:
        return "Of what can be used now"
    gone = total(add(part.expired, part.moved) for part in open_)
    share = formatting.percent(used, granted)
    text = f"{share} of what was granted" if share else "Of what was granted"
    return f"{text}; part of it expired or was carried over" if gone else text


def _expiry_note(unit_balance: UnitBalance, ending: list[tuple[Grant, Part]], now: datetime) -> str:
    if not ending:
        return "Nothing is left that could expire"
    end = ending[0][1].ending_before
    same = [(grant, part) for grant, part in ending if part.ending_before == end]
    figure = formatting.money(total(part.left for _, part in same), unit_balance.unit)
    names = " and ".join(dict.fromkeys(grant.name for grant, _ in same)) if len(same) < 3 else f"{len(same)} grants"
    return f"{figure.figure} {figure.code} of {names}, {formatting.until(end, now)}"


def _commitments(unit_balance: UnitBalance, now: datetime) -> Iterator[Commitment]:
    for grant in unit_balance.owed:
        agreed = total(add(part.granted, part.adjusted) for part in grant.parts)
        used = total(part.used for part in grant.parts)
        left = total(part.left for part in grant.parts)
        if not left and grant.is_past(now):
            continue
        yield Commitment(
            name=grant.name,
            used=formatting.money(used, unit_balance.unit),
            agreed=formatting.money(agreed, unit_balance.unit),
            note=_owed_note(grant, left, unit_balance, now),
            per_mille=per_mille(used, agreed),
        )


def _owed_note(grant: Grant, left: Decimal, unit_balance: UnitBalance, now: datetime) -> str:
    end = max(part.ending_before for part in grant.parts)
    if not left:
        return f"Fulfilled. It runs until {formatting.last_day(end)}."
    figure = f"{formatting.money(left, unit_balance.unit).figure} {unit_balance.code}"
    if end <= now:
        text = f"It ended {formatting.through(end)} with {figure} not used."
        return text if grant.row.true_up_disabled else f"{text} The rest is billed."
    text = f"{figure} still to be used by {formatting.last_day(end)}. You pay usage as it is billed"
    return f"{text}." if grant.row.true_up_disabled else f"{text}; what is not used by then is billed as well."


def _alerts(unit_balance: UnitBalance, rate: BurnRate | None, now: datetime) -> Iterator[tuple[datetime, Alert]]:
    ahead = forecast(unit_balance, rate, until=now + FARTHEST, now=now) if rate else None
    for grant, part in unit_balance.open_parts(now):
        at_risk = part.left if ahead is None else ahead.lost.get(part.id, ZERO)
        # a forecast is no account: less than a coin is nothing
        if part.ending_before - now > FARTHEST or not round_places(at_risk, unit_balance.unit.places):
            continue
        tone, word = next((tone, word) for within, tone, word in STAGES if part.ending_before - now <= within)
        figure = formatting.money(at_risk, unit_balance.unit)
        verb = "will expire" if rate is None else "is likely to expire unused"
        ends = f"{formatting.through(part.ending_before)}, {formatting.until(part.ending_before, now)}"
        headline = f"{figure.figure} {figure.code} of {grant.name} {verb} {ends}."
        yield part.ending_before, Alert(tone, word, headline, _risk(unit_balance, part, figure, at_risk, rate))


def _risk(unit_balance: UnitBalance, part: Part, figure: Money, at_risk: Decimal, rate: BurnRate | None) -> str:
    """How the amount at risk is known."""
    if rate is None:
        return "That is all that is left of it."
    if at_risk == part.left:
        return f"At the pace of the last {rate.days} days none of it would be used by then."
    there = formatting.money(part.left, unit_balance.unit)
    return (
        f"{there.figure} {there.code} is left now; about {figure.figure} would remain if you go on as in the last"
        f" {rate.days} days."
    )


def per_mille(part: Decimal, whole: Decimal) -> int:
    """`part` of `whole` in thousandths, for a bar; from 0 to 1000."""
    return 0 if whole <= 0 else max(0, min(1000, int(part * 1000 / whole)))
