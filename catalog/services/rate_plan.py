"""What adding rates would do to a card's prices, before anybody does it. Nothing is written here.

The rules are those of `add_rates`: the same builder makes the rows, the same order decides which rate counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.models import Rate, RateCard
from catalog.selectors import stored_price_of, versions_of
from catalog.selectors.rates import GroupValues, group_by_price, spans
from catalog.services.rates import NewRate, RateBuilder
from core.errors import InvalidInput
from engine.timeline import Span, later_wins, lay_over

Key = tuple[UUID, GroupValues, str]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price over `[starting_at, ending_before)`: what counts there today (None: no price) and what would."""

    product_id: UUID
    product_name: str
    tags: tuple[str, ...]
    pricing_group_values: dict[str, str]
    billing_frequency: str
    starting_at: datetime
    ending_before: datetime | None
    before: Rate | None
    after: Rate


@dataclass(frozen=True, slots=True)
class RatePlan:
    """`rates` are those that change something, `rows` the same as they would be stored; `unchanged` counts the others.

    `errors`: index among all that were asked for, and why; with any, there are no changes. `last_sequence`: the card
    as it was looked at, for `add_rates`.
    """

    rates: tuple[NewRate, ...]
    rows: tuple[Rate, ...]
    unchanged: int
    errors: tuple[tuple[int, InvalidInput], ...]
    changes: tuple[PriceChange, ...]
    last_sequence: int


def plan_rates(*, card: RateCard, rates: Sequence[NewRate], now: datetime) -> RatePlan:
    """What `add_rates` would do. A constant number of queries.

    A rate that says what counts already over all its time is left out: an exported card changes nothing.
    """
    builder = RateBuilder(card, rates)
    wanted = {rate.product_id for rate in rates}
    stored = list(
        card.rates.filter(product_id__in=wanted).select_related("credit_type", "rate_card").order_by("sequence")
    )
    before = {key: later_wins(spans(members)) for key, members in group_by_price(stored).items()}
    after: dict[Key, list[Span[Rate]]] = {key: list(parts) for key, parts in before.items()}
    taken: list[NewRate] = []
    rows: list[Rate] = []
    errors: list[tuple[int, InvalidInput]] = []
    for index, new in enumerate(rates):
        key = _key(new)
        try:
            row = builder.build(new, len(rows), prefix="", now=now)
            if _says_the_same(after.get(key, ()), row):
                continue
            builder.check(new, "")
        except InvalidInput as error:
            errors.append((index, error))
            continue
        [span] = spans([row])
        after[key] = lay_over(after.get(key, ()), span)
        taken.append(new)
        rows.append(row)
    unchanged = len(rates) - len(taken) - len(errors)
    if errors:
        return RatePlan((), (), unchanged, tuple(errors), (), builder.last_sequence)
    return RatePlan(tuple(taken), tuple(rows), unchanged, (), _changes(rows, before, after), builder.last_sequence)


def already_stored(*, card: RateCard, rates: Sequence[NewRate], after_sequence: int, now: datetime) -> bool:
    """Whether exactly these rates were the next to be added after `after_sequence`: a confirmation sent twice."""
    builder = RateBuilder(card, rates)
    try:
        rows = [builder.build(new, index, prefix="", now=now) for index, new in enumerate(rates)]
    except InvalidInput:
        return False
    stored = list(card.rates.filter(sequence__gt=after_sequence).order_by("sequence")[: len(rows)])
    return len(stored) == len(rows) > 0 and all(
        _window(one) == _window(other) and _terms_of(one) == _terms_of(other)
        for one, other in zip(stored, rows, strict=True)
    )


def _terms_of(rate: Rate) -> dict[str, Any]:
    """Everything that a rate says except for what and when."""
    return {
        **stored_price_of(rate),
        "credit_type": rate.credit_type_id,
        "entitled": rate.entitled,
        "commit_rate": rate.commit_rate,
        "is_prorated": rate.is_prorated,
        "quantity": rate.quantity,
    }


def _says_the_same(parts: Iterable[Span[Rate]], row: Rate) -> bool:
    """Whether `parts`, in order of time, give exactly `row`'s terms at every instant of its window."""
    reached, terms = row.starting_at, _terms_of(row)
    for part in parts:
        if part.end is not None and part.end <= reached:
            continue
        if part.start > reached or _terms_of(part.item) != terms:
            return False
        if part.end is None or (row.ending_before is not None and part.end >= row.ending_before):
            return True
        reached = part.end
    return False


def _key(rate: NewRate) -> Key:
    return rate.product_id, tuple(sorted(rate.pricing_group_values.items())), rate.billing_frequency


def _window(rate: Rate) -> tuple[Any, ...]:
    return (
        rate.product_id, rate.pricing_group_values, rate.billing_frequency, rate.starting_at, rate.ending_before,
    )  # fmt: skip


def _changes(
    rows: Sequence[Rate], before: Mapping[Key, Sequence[Span[Rate]]], after: Mapping[Key, Sequence[Span[Rate]]]
) -> tuple[PriceChange, ...]:
    versions = versions_of(row.product_id for row in rows)
    first = rows[0].sequence if rows else 0
    found: list[PriceChange] = []
    for key in dict.fromkeys((row.product_id, _sorted(row), row.billing_frequency) for row in rows):
        state = versions[key[0]][-1]
        for part in after[key]:
            if part.sequence < first:
                continue
            for start, end, old in _pieces(before.get(key, ()), part.start, part.end):
                if old is not None and _terms_of(old) == _terms_of(part.item):
                    continue
                found.append(
                    PriceChange(
                        product_id=key[0],
                        product_name=state.name,
                        tags=tuple(state.tags),
                        pricing_group_values=dict(key[1]),
                        billing_frequency=key[2],
                        starting_at=start,
                        ending_before=end,
                        before=old,
                        after=part.item,
                    )
                )
    return tuple(
        sorted(
            found,
            key=lambda change: (
                change.product_name.casefold(),
                str(change.product_id),
                sorted(change.pricing_group_values.items()),
                change.billing_frequency,
                change.starting_at,
            ),
        )
    )


def _sorted(rate: Rate) -> GroupValues:
    return tuple(sorted(rate.pricing_group_values.items()))


def _pieces(
    parts: Iterable[Span[Rate]], start: datetime, end: datetime | None
) -> list[tuple[datetime, datetime | None, Rate | None]]:
    """`[start, end)` cut where what counts changes, with what counts in each piece."""
    found: list[tuple[datetime, datetime | None, Rate | None]] = []
    reached = start
    for part in parts:
        if part.end is not None and part.end <= reached:
            continue
        if end is not None and part.start >= end:
            break
        if part.start > reached:
            found.append((reached, part.start, None))
            reached = part.start
        until = end if part.end is None or (end is not None and end < part.end) else part.end
        found.append((reached, until, part.item))
        if until is None or until == end:
            return found
        reached = until
    return [*found, (reached, end, None)]
