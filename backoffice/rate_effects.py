"""What planned rates would do: prices, the contracts that they reach or that have a price of their own, drafts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from billing.selectors import Repriced, reprice_drafts
from catalog.models import CreditType, Rate, RateCard
from catalog.price_table import difference, prices_of, values_text
from catalog.services import PriceChange, RatePlan
from contracts.admin import state_of
from contracts.models import Contract
from contracts.selectors import PriceInTime, covers, list_contracts_on_card, shielded_prices
from engine.money import subtract
from engine.specifiers import Subject
from invoices.selectors import count_finalized
from presentation import markup
from presentation.prices import PriceRows

MOST_CHANGES = 200
MOST_CONTRACTS = 50
MOST_DRAFTS = 10
MOST_WINDOWS = 20

Window = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One price, today and then. `tone` is bad where it rises from nothing or falls out of the entitlement."""

    product_name: str
    values: str
    starting_at: datetime
    ending_before: datetime | None
    before: PriceRows
    after: PriceRows
    difference: str
    retroactive: bool
    entitlement: str


@dataclass(frozen=True, slots=True)
class TouchedContract:
    """A contract that the changes reach; `shielded` names the products that have a price of its own."""

    contract: Contract
    state: str
    tone: str
    shielded: str
    wholly: bool


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft's total today and then."""

    repriced: Repriced
    difference: Decimal | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What the preview shows. Counts are of all; the lists are as long as a page can hold."""

    changes: tuple[ChangeRow, ...]
    change_count: int
    contracts: tuple[TouchedContract, ...]
    contract_count: int
    shielded_count: int
    drafts: tuple[DraftRow, ...]
    draft_count: int
    sums: tuple[tuple[SafeString, SafeString], ...]
    finalized: int
    retroactive: bool


def effects_of(card: RateCard, plan: RatePlan, at: datetime) -> Effects:
    """Everything that the planned rates reach; a bounded number of queries."""
    windows = merged([(change.starting_at, change.ending_before) for change in plan.changes])
    contracts = list_contracts_on_card(rate_card_id=card.pk, windows=windows)
    touched = list(contracts[:MOST_CONTRACTS])
    shields = shielded_prices(rate_card_id=card.pk, prices=[_price(change) for change in plan.changes])
    drafts, draft_count = reprice_drafts(
        rate_card_id=card.pk, windows=windows, planned=plan.rows, limit=MOST_DRAFTS, now=at
    )
    rows = tuple(DraftRow(one, _difference(one)) for one in drafts)
    return Effects(
        changes=tuple(_change(change, at) for change in plan.changes[:MOST_CHANGES]),
        change_count=len(plan.changes),
        contracts=tuple(_contract(row, shields.get(row.pk, {}), plan.changes, at) for row in touched),
        contract_count=len(touched) if len(touched) < MOST_CONTRACTS else contracts.count(),
        shielded_count=contracts.filter(pk__in=list(shields)).count() if shields else 0,
        drafts=rows,
        draft_count=draft_count,
        sums=_sums(rows),
        finalized=count_finalized(rate_card_id=card.pk, windows=windows),
        retroactive=any(change.starting_at < at for change in plan.changes),
    )


def merged(windows: Sequence[Window]) -> list[Window]:
    """The same times with as few windows as hold them; beyond twenty, the one that holds all."""
    found: list[Window] = []
    for start, end in sorted(windows, key=lambda window: window[0]):
        if found and (found[-1][1] is None or found[-1][1] >= start):
            last_start, last_end = found[-1]
            longer = None if last_end is None or end is None else max(last_end, end)
            found[-1] = (last_start, longer)
        else:
            found.append((start, end))
    return found if len(found) <= MOST_WINDOWS else [(found[0][0], found[-1][1])]


def _change(change: PriceChange, at: datetime) -> ChangeRow:
    return ChangeRow(
        product_name=change.product_name,
        values=values_text(change.pricing_group_values, change.billing_frequency),
        starting_at=change.starting_at,
        ending_before=change.ending_before,
        before=prices_of(change.before) if change.before else (),
        after=prices_of(change.after),
        difference=difference(change.before, change.after),
        retroactive=change.starting_at < at,
        entitlement=_entitlement(change.before, change.after),
    )


def _entitlement(before: Rate | None, after: Rate) -> str:
    if before is not None and before.entitled == after.entitled:
        return "" if after.entitled else "not entitled, as before"
    if not after.entitled:
        return "not entitled: usage is not charged"
    return "" if before is None else "entitled from then on"


def _price(change: PriceChange) -> PriceInTime:
    return PriceInTime(
        Subject(
            str(change.product_id),
            frozenset(change.tags),
            frozenset(change.pricing_group_values.items()),
            billing_frequency=change.billing_frequency or None,
        ),
        (change.starting_at, change.ending_before),
    )


def _contract(row: Contract, shields: Any, changes: Sequence[PriceChange], at: datetime) -> TouchedContract:
    named: dict[str, bool] = {}
    for index, windows in shields.items():
        change = changes[index]
        values = values_text(change.pricing_group_values)
        name = f"{change.product_name} ({values})" if values else change.product_name
        window = _inside(row, (change.starting_at, change.ending_before))
        named[name] = named.get(name, True) and (window is None or covers(window, windows))
    said = [name if whole else f"{name} for part of the time" for name, whole in named.items()]
    most = ", ".join(said[:5]) + (f" and {len(said) - 5} more" if len(said) > 5 else "")
    return TouchedContract(
        row, *state_of(row, at), most, len(shields) == len(changes) and all(named.values()) and bool(named)
    )


def _inside(row: Contract, window: Window) -> Window | None:
    """The window's part in which the contract is in force."""
    start = max(row.starting_at, window[0])
    ends = [end for end in (row.ending_before, window[1]) if end is not None]
    end = min(ends) if ends else None
    return None if end is not None and end <= start else (start, end)


def _difference(one: Repriced) -> Decimal | None:
    return None if one.before is None or one.after is None else subtract(one.after, one.before)


def _sums(rows: Sequence[DraftRow]) -> tuple[tuple[SafeString, SafeString], ...]:
    """By currency: what the drafts shown come to today, and then."""
    units: dict[UUID, CreditType] = {}
    totals: dict[UUID, list[Decimal]] = {}
    for row in rows:
        one = row.repriced
        if one.before is not None and one.after is not None:
            unit = one.period.credit_type
            units[unit.pk] = unit
            old, new = totals.get(unit.pk, [Decimal(0), Decimal(0)])
            totals[unit.pk] = [old + one.before, new + one.after]
    return tuple((markup.money(old, units[key]), markup.money(new, units[key])) for key, (old, new) in totals.items())
