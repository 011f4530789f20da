"""Counting rules as rows: what a series of rollups was made by, and who may share it."""

import hashlib
from typing import Any
from uuid import UUID

from core.exact_json import dumps
from engine.usage import Aggregation, EventTypeFilter, MetricSpec, PropertyFilter


def rules_of(spec: MetricSpec) -> dict[str, Any]:
    """The rules as JSON; equal for specs that count alike. COUNT has no aggregation key."""
    types = spec.event_type_filter
    return {
        "aggregation": str(spec.aggregation),
        "key": None if spec.aggregation is Aggregation.COUNT else spec.aggregation_key,
        "types": types and [_list(types.in_values), _list(types.not_in_values)],
        "properties": [
            [rule.name, rule.exists, _list(rule.in_values), _list(rule.not_in_values)] for rule in spec.property_filters
        ],
    }


def spec_of(rules: dict[str, Any]) -> MetricSpec:
    """The spec that `rules_of` wrote down."""
    types = rules["types"]
    return MetricSpec(
        Aggregation(rules["aggregation"]),
        rules["key"],
        types and EventTypeFilter(_tuple(types[0]), _tuple(types[1])),
        tuple(
            PropertyFilter(name, exists, _tuple(among), _tuple(not_among))
            for name, exists, among, not_among in rules["properties"]
        ),
    )


def fingerprint(spec: MetricSpec) -> UUID:
    """Names the rules: 128 bits of SHA-256 over them."""
    return UUID(bytes=hashlib.sha256(dumps(rules_of(spec))).digest()[:16])


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
