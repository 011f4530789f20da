"""Which contracts the prices of a rate card reach."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from contracts.models import Contract, Override
from contracts.selectors.overrides import engine_override
from engine.overrides import Override as EngineOverride
from engine.overrides import OverrideType
from engine.specifiers import Subject

MOST_OVERRIDES = 2000

Window = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class PriceInTime:
    """A price of a card over a window, as overrides look at it."""

    subject: Subject
    window: Window


def list_contracts_on_card(*, rate_card_id: UUID, windows: Sequence[Window]) -> QuerySet[Contract]:
    """Contracts on the card, not archived, in force at some time of any window; by customer."""
    reached = Q(pk__in=())
    for start, end in windows:
        one = Q(ending_before__isnull=True) | Q(ending_before__gt=start)
        reached |= one if end is None else one & Q(starting_at__lt=end)
    rows = Contract.objects.filter(reached, rate_card_id=rate_card_id, archived_at__isnull=True)
    return rows.select_related("customer").order_by("customer__name", "starting_at", "id")


def shielded_prices(
    *, rate_card_id: UUID, prices: Sequence[PriceInTime]
) -> Mapping[UUID, Mapping[int, tuple[Window, ...]]]:
    """By contract and index of `prices`: when an OVERWRITE override of the contract stands before the card's price.

    Only what is not commit-specific and not removed counts. One query, of at most 2,000 overrides.
    """
    rows = Override.objects.filter(
        contract__rate_card_id=rate_card_id,
        contract__archived_at__isnull=True,
        type=OverrideType.OVERWRITE,
        is_commit_specific=False,
        removed_by__isnull=True,
    ).order_by("contract_id", "sequence")
    found: dict[UUID, dict[int, tuple[Window, ...]]] = {}
    for row in rows[:MOST_OVERRIDES]:
        override = engine_override(row)
        for index, price in enumerate(prices):
            common = _common(override, price)
            if common is not None:
                by_price = found.setdefault(row.contract_id, {})
                by_price[index] = (*by_price.get(index, ()), common)
    return found


def covers(window: Window, parts: Iterable[Window]) -> bool:
    """Whether `parts` together hold every instant of `window`."""
    reached, end = window
    for start, until in sorted(parts, key=lambda part: part[0]):
        if start > reached:
            return False
        if until is None or (end is not None and until >= end):
            return True
        reached = max(reached, until)
    return False


def _common(override: EngineOverride, price: PriceInTime) -> Window | None:
    """When the override stands before the price; None for never."""
    if not override.matches(price.subject):
        return None
    start = max(override.starting_at, price.window[0])
    ends = [end for end in (override.ending_before, price.window[1]) if end is not None]
    end = min(ends) if ends else None
    return None if end is not None and end <= start else (start, end)
