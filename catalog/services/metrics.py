"""Writes of billable metrics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.events import (
    BillableMetricArchived,
    BillableMetricCreated,
    BillableMetricGroupKeysAdded,
    BillableMetricRenamed,
)
from catalog.models import BillableMetric
from core import audit
from core.errors import InvalidInput, NotFound
from core.events import publish
from core.transactions import require_transaction, use_case
from engine.usage import Aggregation

COUNT = Aggregation.COUNT
MOST_GROUP_KEYS = 50


def create_metric(
    *,
    name: str,
    aggregation_type: str,
    aggregation_key: str | None = None,
    event_type_filter: dict[str, Any] | None = None,
    property_filters: Sequence[dict[str, Any]] = (),
    group_keys: Sequence[Sequence[str]] = (),
    custom_fields: dict[str, str] | None = None,
    now: datetime,
) -> BillableMetric:
    """A new metric; what it counts is fixed from now on. Filters and group keys are in the wire's shapes.

    Raises InvalidInput where the parts do not fit together: a key, of the aggregation or a group, without its filter.
    """
    _check_aggregation(aggregation_type, aggregation_key, property_filters)
    _check_group_keys(group_keys, property_filters)
    with use_case():
        metric = BillableMetric.objects.create(
            name=name,
            aggregation_type=aggregation_type,
            aggregation_key=aggregation_key or "",
            event_type_filter=event_type_filter or {},
            property_filters=list(property_filters),
            group_keys=[list(key) for key in group_keys],
            custom_fields=custom_fields or {},
            created_at=now,
        )
        detail = {"name": name, "aggregation_type": aggregation_type, "aggregation_key": aggregation_key}
        publish(
            BillableMetricCreated(
                billable_metric_id=metric.pk,
                occurred_at=now,
                metric_name=name,
                aggregation_type=aggregation_type,
                aggregation_key=aggregation_key,
            )
        )
        audit.record("billable_metric.create", metric, at=now, detail=detail)
    return metric


def update_metric(
    *, metric_id: UUID, name: str | None = None, add_group_keys: Sequence[Sequence[str]] = (), now: datetime
) -> BillableMetric:
    """Gives a metric another name, or further group keys. What it counts never changes.

    Keys added here need no property filter, since filters are fixed: an event without the property is in the group of
    those without. They hold for all of the past: the rollup worker fills their rollups from history, and until it has,
    usage by them is read from events. Raises NotFound, InvalidInput for an archived metric or a key that it has.
    """
    with use_case():
        metric = _lock(metric_id)
        if metric.archived_at is not None:
            raise InvalidInput("the billable metric is archived", field="billable_metric_id")
        detail: dict[str, Any] = {}
        if name is not None:
            detail |= {"name": name, "previous_name": metric.name}
            publish(
                BillableMetricRenamed(
                    billable_metric_id=metric.pk, occurred_at=now, metric_name=name, previous_name=metric.name
                )
            )
            metric.name = name
        if add_group_keys:
            added = [list(key) for key in add_group_keys]
            _check_distinct(added, metric.group_keys)
            if len(metric.group_keys) + len(added) > MOST_GROUP_KEYS:
                raise InvalidInput(f"a metric has at most {MOST_GROUP_KEYS} group keys", field="add_group_keys")
            metric.group_keys = [*metric.group_keys, *added]
            detail["add_group_keys"] = added
            publish(
                BillableMetricGroupKeysAdded(
                    billable_metric_id=metric.pk, occurred_at=now, group_keys=tuple(tuple(key) for key in added)
                )
            )
        metric.save(update_fields=["name", "group_keys"])
        audit.record("billable_metric.update", metric, at=now, detail=detail)
    return metric


def archive_metric(*, metric_id: UUID, now: datetime) -> BillableMetric:
    """Keeps a metric from new products; those that have it go on metering. Twice changes nothing. Raises NotFound."""
    with use_case():
        metric = _lock(metric_id)
        if metric.archived_at is None:
            metric.archived_at = now
            metric.save(update_fields=["archived_at"])
            publish(BillableMetricArchived(billable_metric_id=metric.pk, occurred_at=now))
            audit.record("billable_metric.archive", metric, at=now)
    return metric


def _lock(metric_id: UUID) -> BillableMetric:
    require_transaction()
    metric = BillableMetric.objects.select_for_update(no_key=True).filter(pk=metric_id).first()
    if metric is None:
        raise NotFound(f"no billable metric {metric_id}", field="id")
    return metric


def _check_aggregation(aggregation_type: str, key: str | None, filters: Sequence[dict[str, Any]]) -> None:
    if aggregation_type == COUNT:
        if key:
            raise InvalidInput("does not apply to COUNT", field="aggregation_key")
        return
    if not key:
        raise InvalidInput(f"is needed for {aggregation_type}", field="aggregation_key")
    rules = [rule for rule in filters if rule["name"] == key]
    if not rules:
        raise InvalidInput("must be the name of one of the property filters", field="aggregation_key")
    if any(rule.get("exists") is False for rule in rules):
        raise InvalidInput("its property filter says that it must not exist", field="aggregation_key")


def _check_group_keys(group_keys: Sequence[Sequence[str]], filters: Sequence[dict[str, Any]]) -> None:
    sure = {rule["name"] for rule in filters if rule.get("exists") or rule.get("in_values")}
    _check_distinct(group_keys, (), "group_keys")
    for index, key in enumerate(group_keys):
        for position, name in enumerate(key):
            if name not in sure:
                message = f"{name[:80]} needs a property filter with exists: true or in_values"
                raise InvalidInput(message, field=f"group_keys.{index}.{position}")


def _check_distinct(
    group_keys: Sequence[Sequence[str]], earlier: Sequence[Sequence[str]], path: str = "add_group_keys"
) -> None:
    seen = {frozenset(key) for key in earlier}
    for index, key in enumerate(group_keys):
        if len(set(key)) != len(key):
            raise InvalidInput("a property stands twice", field=f"{path}.{index}")
        if frozenset(key) in seen:
            raise InvalidInput("the same properties stand in an earlier key", field=f"{path}.{index}")
        seen.add(frozenset(key))
