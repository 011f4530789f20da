"""Events by transaction id, with whom and what they count for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from catalog.models import BillableMetric
from catalog.selectors import list_metrics, metric_spec
from customers.models import Customer
from customers.selectors import ids_by_ingest_name, list_customers
from engine.usage import Event, matches
from usage.store import StoredEvent, get_store


@dataclass(frozen=True, slots=True)
class EventMatch:
    """A stored event, the customer that its ref names now, if any, and the active metrics whose filters it passes.

    `came_again`: its id was sent again with other content, which was refused.
    """

    event: StoredEvent
    customer: Customer | None
    metrics: tuple[BillableMetric, ...]
    came_again: bool = False


def match_events(*, transaction_ids: Sequence[str]) -> list[EventMatch]:
    """The stored events of these ids in order of arrival, without the ids that are unknown. Seven statements."""
    found = get_store().search(transaction_ids)
    again = get_store().conflicting([event.transaction_id for event in found])
    customers = _customers_of({event.customer_ref for event in found})
    metrics = [(metric, metric_spec(metric)) for metric in list_metrics()] if found else []
    result = []
    for event in found:
        seen = Event(event.transaction_id, event.event_type, event.timestamp, event.arrival, event.properties)
        passing = tuple(metric for metric, spec in metrics if matches(spec, seen))
        result.append(EventMatch(event, customers.get(event.customer_ref), passing, event.transaction_id in again))
    return result


def stored_transactions(*, transaction_ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids whose events are stored. One query."""
    return get_store().known(transaction_ids) if transaction_ids else frozenset()


def _customers_of(refs: Collection[str]) -> dict[str, Customer]:
    ids = ids_by_ingest_name(names=refs)
    customers = list_customers(archived=None, customer_ids=set(ids.values())).in_bulk()
    return {ref: customers[customer_id] for ref, customer_id in ids.items()}
