"""Named schedules: values over time that belong to a rate card, a contract or a customer, under a name.

Metronome gives them no meaning of its own; integrations store what they like. Each owner's app has a table of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Max, Q

from core.errors import InvalidInput
from core.exact_json import dumps, loads
from core.transactions import require_transaction
from engine.timeline import Span, later_wins


class NamedScheduleEntry(models.Model):
    """A value from `starting_at` on, until `ending_before` if given; where several overlap, the one set last counts."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    # which of several schedules of one name is meant; only contracts have such
    properties = models.JSONField(default=dict)
    sequence = models.PositiveIntegerField()
    starting_at = models.DateTimeField()
    ending_before = models.DateTimeField(null=True)
    # JSON text: numbers keep every digit
    value = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        abstract = True
        ordering = ["sequence"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ending_before__isnull=True) | Q(starting_at__lt=F("ending_before")),
                name="%(app_label)s_named_schedule_ends_after_start",
            ),
            models.UniqueConstraint(fields=["owner", "sequence"], name="%(app_label)s_named_schedule_sequence_once"),
        ]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Segment:
    """A value while it counts: `[starting_at, ending_before)`."""

    starting_at: datetime
    ending_before: datetime | None
    value: Any


@dataclass(frozen=True, slots=True)
class NamedSchedule:
    """The segments of one schedule, in order of time and never two at once."""

    name: str
    properties: Mapping[str, str]
    segments: tuple[Segment, ...]


def set_value(
    entries: Any,
    *,
    name: str,
    starting_at: datetime,
    ending_before: datetime | None,
    value: Any,
    properties: Mapping[str, str] | None = None,
    now: datetime,
) -> NamedScheduleEntry:
    """Sets what counts from `starting_at` on, among the `entries` of one owner, whose lock the caller holds.

    The caller says so, in an event and an audited act of the owner's. Raises InvalidInput.
    """
    require_transaction()
    if ending_before is not None and ending_before <= starting_at:
        raise InvalidInput("must be after starting_at", field="ending_before")
    last: int = entries.aggregate(last=Max("sequence"))["last"] or 0
    made: NamedScheduleEntry = entries.create(
        name=name,
        properties=dict(properties or {}),
        sequence=last + 1,
        starting_at=starting_at,
        ending_before=ending_before,
        value=dumps(value).decode(),
        created_at=now,
    )
    return made


def detail_of(entry: NamedScheduleEntry) -> dict[str, str]:
    """An entry for the audit trail."""
    return {"schedule_name": entry.name, "starting_at": entry.starting_at.isoformat(), "value": entry.value}


def schedules_of(
    entries: Iterable[Any], *, covering: datetime | None = None, properties: Mapping[str, str] | None = None
) -> list[NamedSchedule]:
    """The schedules that the `entries` of one owner add up to, in the order in which they came to be.

    `covering`: only the segment at that instant; `properties`: only schedules that have at least these.
    """
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Span[Any]]] = {}
    for row in entries:
        if (properties or {}).items() <= row.properties.items():
            key = row.name, tuple(sorted(row.properties.items()))
            groups.setdefault(key, []).append(Span(row.sequence, row.starting_at, row.ending_before, row.value))
    found = []
    for (name, held), spans in groups.items():
        segments = tuple(Segment(part.start, part.end, loads(part.item.encode())) for part in later_wins(spans))
        if covering is not None:
            segments = tuple(part for part in segments if _covers(part, covering))
        found.append(NamedSchedule(name, dict(held), segments))
    return found


def _covers(segment: Segment, instant: datetime) -> bool:
    return segment.starting_at <= instant and (segment.ending_before is None or instant < segment.ending_before)
