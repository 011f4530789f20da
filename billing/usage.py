"""The quantities that an invoice is made of: which questions its terms ask, and who answers them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from billing.terms import Terms
from catalog.selectors import CatalogTerms
from engine.calendar import Period
from engine.invoice import UsageInput, usage_windows
from engine.usage import UsageRow
from usage.selectors import UsageQuery, get_usage
from usage.store import GroupFilters

NOTHING: Final[GroupFilters] = MappingProxyType({})

UsageSource = Callable[[UUID, Sequence[UsageQuery]], list[tuple[UsageRow, ...]]]
"""Where quantities come from: a customer and questions, an answer for each."""


def stored_usage(customer_id: UUID, queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
    """The usage that is stored."""
    return get_usage(customer_id=customer_id, queries=queries)


def usage_query(entry: CatalogTerms, windows: Sequence[Period], passing: GroupFilters = NOTHING) -> UsageQuery:
    """The question to the usage store behind one product's lines. `passing`: the contract's usage filter."""
    return UsageQuery(
        metric_id=UUID(entry.terms.metric_id),
        spec=entry.spec,
        windows=tuple(windows),
        group_keys=entry.terms.group_keys,
        group_filters=passing,
    )


def read_usage(terms: Terms, source: UsageSource, cuts: Iterable[datetime] = ()) -> list[UsageInput]:
    """The quantities that an invoice by these terms needs, in windows that end at `cuts` (instants) too."""
    windows = usage_windows(terms.engine, [*cuts, *terms.filter_cuts])
    spans = [(_within(windows, one.window), one.passing) for one in terms.filters] or [(windows, NOTHING)]
    asked: dict[tuple[str, tuple[str, ...], int], UsageQuery] = {}
    for entry in terms.catalog:  # products that share metric and keys share the question
        for number, (inside, passing) in enumerate(spans):
            key = entry.terms.metric_id, entry.terms.group_keys, number
            asked.setdefault(key, usage_query(entry, inside, passing))
    answers = dict(zip(asked, source(terms.customer_id, list(asked.values())), strict=True))
    return [
        UsageInput(
            entry.terms.product_id,
            tuple(
                row
                for number in range(len(spans))
                for row in answers[entry.terms.metric_id, entry.terms.group_keys, number]
            ),
            entry.terms.window,
        )
        for entry in terms.catalog
    ]


def _within(windows: Sequence[Period], span: Period) -> list[Period]:
    return [window for window in windows if window.start in span]
