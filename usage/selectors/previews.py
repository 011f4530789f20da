"""Quantities as they would be with events that are not stored."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from engine.merging import ValueCount, fine_windows, merged, merged_unique, new_values
from engine.usage import Aggregation, Event, UsageRow, aggregate, group_of
from usage.selectors.quantities import get_usage
from usage.store import UsageQuery, get_store


def not_stored(events: Sequence[Event]) -> list[Event]:
    """The events whose transaction id nobody has sent yet. One statement."""
    known = {event.transaction_id for event in get_store().search([event.transaction_id for event in events])}
    return [event for event in events if event.transaction_id not in known]


def usage_of(events: Sequence[Event], queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
    """What `get_usage` would say if these events were all there are."""
    return [tuple(aggregate(query.spec, _passing(events, query), query.windows, query.group_keys)) for query in queries]


def usage_with(
    *, customer_id: UUID, events: Sequence[Event], queries: Sequence[UsageQuery]
) -> list[tuple[UsageRow, ...]]:
    """What `get_usage` would say if these events were stored as well, after all others.

    Reads sums, not events: at most two statements for each query and one for the aliases.
    """
    asked: list[UsageQuery] = []
    for query in queries:
        if query.spec.aggregation is Aggregation.UNIQUE:
            asked += [query, _values_of(query, _passing(events, query))]
        elif query.spec.aggregation is Aggregation.LATEST:
            asked.append(
                replace(query, windows=tuple(fine_windows(query.windows, _passing(events, query))), independent=True)
            )
        else:
            asked.append(replace(query, independent=True))
    answers = iter(get_usage(customer_id=customer_id, queries=asked))
    found = []
    for query in queries:
        stored, fresh = next(answers), _passing(events, query)
        if query.spec.aggregation is not Aggregation.UNIQUE:
            rows = merged(query.spec, stored, fresh, query.windows, group_keys=query.group_keys)
        else:
            starts = {window: index for index, window in enumerate(query.windows)}
            known = [ValueCount(starts[row.window], row.group[:-1], row.group[-1] or "") for row in next(answers)]
            rows = merged_unique(query.spec, stored, known, fresh, query.windows, group_keys=query.group_keys)
        found.append(tuple(rows))
    return found


def _values_of(query: UsageQuery, events: Sequence[Event]) -> UsageQuery:
    """Where stored events that a UNIQUE metric counts have one of the values that `events` have."""
    spec, key = query.spec, query.spec.aggregation_key or ""
    counting = replace(spec, aggregation=Aggregation.COUNT)
    return replace(
        query,
        spec=counting,
        group_keys=(*query.group_keys, key),
        group_filters={**query.group_filters, key: tuple(sorted(new_values(spec, events)))},
        independent=True,
    )


def _passing(events: Sequence[Event], query: UsageQuery) -> Sequence[Event]:
    """The events that pass the query's filters."""
    if not query.group_filters:
        return events
    keys, values = tuple(query.group_filters), tuple(query.group_filters.values())
    return [
        event
        for event in events
        if all(text in allowed for text, allowed in zip(group_of(event, keys), values, strict=True))
    ]
