"""Events by transaction id, with whom and what they count for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.models import BillableMetric
from catalog.selectors import list_metrics, metric_spec
from customers.models import Customer, IngestAlias
from engine.usage import Event, matches
from usage.store import StoredEvent, get_store


@dataclass(frozen=True, slots=True)
class EventMatch:
    """A stored event, the customer that its ref names now, if any, and the active metrics whose filters it passes."""

    event: StoredEvent
    customer: Customer | None
    metrics: tuple[BillableMetric, ...]


def match_events(*, transaction_ids: Sequence[str]) -> list[EventMatch]:
    """The stored events of these ids in order of arrival, without the ids that are unknown. Four statements."""
    found = get_store().search(transaction_ids)
    customers = _customers_of({event.customer_ref for event in found})
    metrics = [(metric, metric_spec(metric)) for metric in list_metrics()] if found else []
    result = []
    for event in found:
        seen = Event(event.transaction_id, event.event_type, event.timestamp, event.arrival, event.properties)
        passing = tuple(metric for metric, spec in metrics if matches(spec, seen))
        result.append(EventMatch(event, customers.get(event.customer_ref), passing))
    return result


def _customers_of(refs: Iterable[str]) -> dict[str, Customer]:
    ids = {str(found): ref for ref in refs if (found := _uuid(ref)) is not None and str(found) == ref}
    aliases = IngestAlias.objects.filter(alias__in=refs).select_related("customer")
    by_alias = {row.alias: row.customer for row in aliases}
    by_id = {str(customer.pk): customer for customer in Customer.objects.filter(pk__in=ids)}
    return {**by_alias, **by_id}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
