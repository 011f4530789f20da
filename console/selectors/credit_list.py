"""The grants of a unit's balance, one by one, with their access segments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from balances.selectors import invoiced_amounts
from billing.lines import currency_view
from console.selectors.access import Viewer
from console.selectors.credit_summary import per_mille
from console.selectors.customer_balances import Grant, Part, UnitBalance, customer_balances
from engine.money import ZERO, add, mul, total
from presentation import formatting
from presentation.formatting import Money

VIEWS = {"": "Current", "past": "Past"}


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of a grant or of one of its segments. `more`: movements that only some have, with their names."""

    granted: Money
    used: Money
    expired: Money
    left: Money
    more: tuple[tuple[str, Money], ...]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """An access segment."""

    window: str
    state: str
    tone: str
    note: str
    sums: Sums


@dataclass(frozen=True, slots=True)
class CreditRow:
    """A grant. `per_mille` of it is used, or of a commitment: fulfilled."""

    id: UUID
    name: str
    kind: str
    window: str
    state: str
    tone: str
    note: str
    sums: Sums
    per_mille: int
    is_owed: bool
    facts: tuple[tuple[str, str], ...]
    segments: tuple[SegmentRow, ...]


@dataclass(frozen=True, slots=True)
class CreditList:
    """Current or past grants; `views`: (value, label, how many)."""

    unit: str
    code: str
    view: str
    views: tuple[tuple[str, str, int], ...]
    rows: tuple[CreditRow, ...]

    @property
    def left_label(self) -> str:
        """What the last column holds."""
        return "To be used" if all(row.is_owed for row in self.rows) else "Left"


def credit_list(viewer: Viewer, *, unit: str, view: str, now: datetime) -> CreditList | None:
    """The grants of the unit that was asked for, the one that ends first first; None where there is nothing."""
    found = customer_balances(viewer, now=now)
    if found is None:
        return None
    unit_balance = found.unit_balance(unit, now)
    past = [grant for grant in unit_balance.grants if grant.is_past(now)]
    current = [grant for grant in unit_balance.grants if not grant.is_past(now)]
    chosen = sorted(past, key=_ended, reverse=True) if view == "past" else sorted(current, key=_ended)
    prices = _prices(chosen)
    return CreditList(
        unit=unit_balance.key,
        code=unit_balance.code,
        view=view,
        views=(("", VIEWS[""], len(current)), ("past", VIEWS["past"], len(past))),
        rows=tuple(_row(grant, unit_balance, prices.get(grant.id, ZERO), now) for grant in chosen),
    )


def _ended(grant: Grant) -> tuple[datetime, str]:
    return max((part.ending_before for part in grant.parts), default=grant.row.created_at), str(grant.id)


def _row(grant: Grant, unit_balance: UnitBalance, price: Decimal, now: datetime) -> CreditRow:
    parts = sorted(grant.parts, key=lambda part: (part.starting_at, str(part.id)))
    starts = min((part.starting_at for part in parts), default=now)
    ends = max((part.ending_before for part in parts), default=now)
    state, tone, note = _state(grant, starts, ends, now)
    granted = total(add(part.granted, part.adjusted) for part in parts)
    used = total(part.used for part in parts)
    return CreditRow(
        id=grant.id,
        name=grant.name,
        kind=grant.kind_label,
        window=formatting.access(starts, ends) if parts else "",
        state=state,
        tone=tone,
        note=note,
        sums=_sums(parts, unit_balance),
        per_mille=per_mille(used, granted),
        is_owed=grant.is_owed,
        facts=tuple(_facts(grant, price)),
        segments=tuple(_segment(grant, part, unit_balance, now) for part in parts),
    )


def _segment(grant: Grant, part: Part, unit_balance: UnitBalance, now: datetime) -> SegmentRow:
    state, tone, note = _state(grant, part.starting_at, part.ending_before, now)
    return SegmentRow(
        formatting.access(part.starting_at, part.ending_before), state, tone, note, _sums([part], unit_balance)
    )


def _state(grant: Grant, starts: datetime, ends: datetime, now: datetime) -> tuple[str, str, str]:
    if now < starts:
        return "to come", "muted", f"from {formatting.day(starts)}"
    if ends <= now:
        return "ended", "muted", formatting.last_day(ends)
    verb = "to be used" if grant.is_owed else "expires"
    return "in force", "info" if grant.is_owed else "ok", f"{verb} {formatting.until(ends, now)}"


def _sums(parts: list[Part], unit_balance: UnitBalance) -> Sums:
    def money(name: str) -> Money:
        return formatting.money(total(getattr(part, name) for part in parts), unit_balance.unit)

    more = {
        "Adjusted by hand": "adjusted",
        "Carried over": "moved",
        "Billed as true-up": "billed",
        "Of it in running invoices": "pending",
    }
    return Sums(
        granted=money("granted"),
        used=money("used"),
        expired=money("expired"),
        left=money("left"),
        more=tuple((label, money(name)) for label, name in more.items() if any(getattr(p, name) for p in parts)),
    )


def _facts(grant: Grant, price: Decimal) -> Iterator[tuple[str, str]]:
    if grant.reason:
        yield "Why it was given", grant.reason
    yield "Counts" if grant.is_owed else "Pays for", grant.scope
    if grant.row.contract is not None:
        yield "Contract", str(grant.row.contract)
    fraction = grant.row.rollover_fraction
    if fraction is not None and fraction > ZERO:
        yield (
            "At renewal",
            f"up to {formatting.quantity(mul(fraction, Decimal(100)))}{formatting.SPACE}% of it is carried over",
        )
    unit = grant.row.invoice_credit_type
    if grant.is_owed:
        yield "What is not used", "is not billed" if grant.row.true_up_disabled else "is billed as true-up"
    elif price and unit is not None:
        asked = formatting.money(price, currency_view(unit))
        yield "Price", f"{asked.figure} {asked.code}"


def _prices(grants: Sequence[Grant]) -> dict[UUID, Decimal]:
    """What is asked for each grant, in the stored unit of its invoices. One query."""
    return invoiced_amounts([grant.id for grant in grants])
