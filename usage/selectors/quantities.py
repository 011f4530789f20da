"""A customer's quantities, and the events behind them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.errors import InvalidInput
from customers.models import IngestAlias
from engine.usage import Group, UsageRow
from usage.store import EventPage, StoredEvent, UsageQuery, get_store
from usage.store.base import Position


def refs_of(customer_id: UUID) -> list[str]:
    """The names under which a customer's events may have been sent: its id, then its ingest aliases."""
    aliases = IngestAlias.objects.filter(customer_id=customer_id).order_by("position").values_list("alias", flat=True)
    return [str(customer_id), *aliases]


def get_usage(
    *, customer_id: UUID, queries: Sequence[UsageQuery], refs: Sequence[str] = ()
) -> list[tuple[UsageRow, ...]]:
    """The customer's exact quantities, one tuple of rows per query, ordered by group and window.

    A row stands for each window and group in which an event counted; windows and groups without one have no row. A
    group value of None is an absent property. All of one moment, in three statements; in two for
    whoever knows the customer's `refs_of` this moment.
    """
    return get_store().aggregate_each(refs or refs_of(customer_id), queries)


def groups_of_customers(*, customer_ids: Sequence[UUID], queries: Sequence[UsageQuery]) -> list[tuple[Group, ...]]:
    """The groups under which usage of any of these customers counted, for each query, sorted; two statements more than
    none.
    """
    if not customer_ids or not queries:
        return [() for _ in queries]
    aliases = IngestAlias.objects.filter(customer_id__in=customer_ids).values_list("alias", flat=True)
    found = get_store().aggregate_each([*map(str, customer_ids), *aliases], queries)
    return [tuple(dict.fromkeys(row.group for row in rows)) for rows in found]


def list_line_events(
    *, customer_id: UUID, query: UsageQuery, limit: int = 50, after: Position | None = None
) -> EventPage:
    """The events behind a line: exactly those that `get_usage` counts for the same query, in order of time.

    `after` is the `next` of the page before; anything else raises InvalidInput.
    """
    if after is not None and not _is_position(after):
        raise InvalidInput("not a cursor that this list gave out", field="after")
    return get_store().source_events(refs_of(customer_id), query, limit, after)


def list_recent_events(*, customer_id: UUID, limit: int = 50) -> tuple[StoredEvent, ...]:
    """The customer's newest events, newest first."""
    return get_store().recent(refs_of(customer_id), limit)


def _is_position(after: object) -> bool:
    match after:
        case (datetime() as timestamp, int() as arrival):
            return timestamp.tzinfo is not None and 0 < arrival < 2**63
    return False
