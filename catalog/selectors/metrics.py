"""Reads of billable metrics."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from catalog.models import BillableMetric
from core.errors import NotFound
from engine.usage import Aggregation, EventTypeFilter, MetricSpec, PropertyFilter


def get_metric(*, metric_id: UUID, field: str | None = None) -> BillableMetric:
    """The metric, archived or not. Raises NotFound, naming `field` if given."""
    found = BillableMetric.objects.filter(pk=metric_id).first()
    if found is None:
        raise NotFound(f"no billable metric {metric_id}", field=field)
    return found


def list_metrics(*, include_archived: bool = False) -> QuerySet[BillableMetric]:
    """Metrics; archived ones only when asked for."""
    rows = BillableMetric.objects.all()
    return rows if include_archived else rows.filter(archived_at__isnull=True)


def metric_spec(metric: BillableMetric) -> MetricSpec:
    """The metric as the engine counts by it."""
    types = metric.event_type_filter
    return MetricSpec(
        aggregation=Aggregation(metric.aggregation_type),
        aggregation_key=metric.aggregation_key or None,
        event_type_filter=EventTypeFilter(_values(types, "in_values"), _values(types, "not_in_values"))
        if types
        else None,
        property_filters=tuple(
            PropertyFilter(rule["name"], rule.get("exists"), _values(rule, "in_values"), _values(rule, "not_in_values"))
            for rule in metric.property_filters
        ),
    )


def _values(rule: dict[str, Any], name: str) -> tuple[str, ...] | None:
    values = rule.get(name)
    return None if values is None else tuple(values)
