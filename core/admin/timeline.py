"""What happened to something: domain events and acts from the audit trail, as one list for people.

Titles, pages and what is kept from people are the apps' (`core.registry`, `core.events.titles`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse

from core.audit import number_of
from core.events import titles
from core.models import AuditEntry, OutboxEvent
from core.registry import hidden_details, record_pages

LONGEST = 200
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
"""How payloads write one."""

Value = str | datetime
"""What people read of a payload: words, or an instant, which the page words."""

Subject = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline. `detail`: label and value pairs; `url`: the page of what it is about, if it has one."""

    at: datetime
    title: str
    who: str
    reason: str
    detail: list[tuple[str, Value]]
    subject: str
    url: str


def of_subjects(subjects: Iterable[Subject], *, limit: int = 100) -> list[TimelineEntry]:
    """Acts and events about these records, newest first. An event that an act tells at the same instant is left out."""
    condition = about(subjects)
    entries = list(audit_entries().filter(condition)[:limit])
    told = {(entry.at, entry.subject_id) for entry in entries}
    events = [
        event
        for event in OutboxEvent.objects.filter(condition).order_by("-id")[:limit]
        if (event.occurred_at, event.subject_id) not in told
    ]
    found = [of_entry(entry) for entry in entries] + [of_event(event) for event in events]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def about(subjects: Iterable[Subject]) -> Q:
    """Acts or events about any of these records."""
    by_kind: dict[str, list[UUID]] = {}
    for kind, key in subjects:
        by_kind.setdefault(kind, []).append(key)
    condition = Q(pk__in=())
    for kind, keys in by_kind.items():
        condition |= Q(subject_type=kind, subject_id__in=keys)
    return condition


def of_customer(customer_id: UUID, *, limit: int = 100) -> list[TimelineEntry]:
    """The events about a customer and all that is theirs, newest first."""
    return [of_event(event) for event in OutboxEvent.objects.filter(customer_id=customer_id).order_by("-id")[:limit]]


def audit_entries() -> QuerySet[AuditEntry]:
    """Newest first, with whoever acted; one query."""
    return AuditEntry.objects.select_related("user", "api_key").order_by("-id")


def of_entry(entry: AuditEntry) -> TimelineEntry:
    """A line about an act."""
    return TimelineEntry(
        at=entry.at,
        title=title(entry.action, entry.detail),
        who=who(entry),
        reason=entry.reason,
        detail=detail(entry.detail),
        subject=entry.subject_type,
        url=page_of(entry.subject_type, entry.subject_id),
    )


def of_event(event: OutboxEvent) -> TimelineEntry:
    """A line about an event."""
    return TimelineEntry(
        at=event.occurred_at,
        title=title(event.name, event.payload),
        who="",
        reason="",
        detail=detail(event.payload),
        subject=event.subject_type,
        url=page_of(event.subject_type, event.subject_id),
    )


def who(entry: AuditEntry) -> str:
    """The person or the API key behind an act; Tactus itself where there is neither."""
    if entry.user is not None:
        return called(entry.user)
    return f"API key {entry.api_key.name}" if entry.api_key is not None else "Tactus"


def called(user: User) -> str:
    """What a member of staff is called."""
    return user.get_full_name() or user.get_username()


def title(name: str, payload: Any = None) -> str:
    """A name as people say it, with the document's number if there is one: "Invoice finalized, TA-2026-0028"."""
    said = titles().get(name) or _plain_words(name)
    number = payload.get("number") if isinstance(payload, dict) else None
    return f"{said}, {number}" if number else said


def _plain_words(name: str) -> str:
    """For rows of an earlier version whose name nobody states any more."""
    return name.replace(".", " ").replace("_", " ").capitalize()


def detail(payload: Any) -> list[tuple[str, Value]]:
    """What people can read of a payload: plain values, how many of a list of things, what came to a list or left it.

    A list `x` beside a list `previous_x` is told as what was added and what was removed.
    """
    if not isinstance(payload, dict):
        return []
    compared = {key for key, value in payload.items() if isinstance(value, list) and f"previous_{key}" in payload}
    told = hidden_details() | compared | {f"previous_{key}" for key in compared}
    shown: list[tuple[str, Value]] = [
        (_label(key), text)
        for key, value in payload.items()
        if key not in told and (text := _readable(value, ids=key.endswith("_ids")))
    ]
    for key in sorted(compared):
        now, before = payload[key], payload[f"previous_{key}"] or []
        changes = (("added", now, before), ("removed", before, now))
        listed = [(word, ", ".join(str(one) for one in some if one not in other)) for word, some, other in changes]
        shown += [(word, text[:LONGEST]) for word, text in listed if text]
    return shown


def _label(key: str) -> str:
    """`added_override_ids` -> "added overrides" """
    words = key.removesuffix("_ids").replace("_", " ")
    return f"{words}s" if key.endswith("_ids") else words


def _readable(value: Any, *, ids: bool = False) -> Value:
    """A value for people; empty for what has none. Of a list of things or of ids: how many."""
    if value is None or isinstance(value, bool | dict):
        return ""
    if isinstance(value, list):
        plain = not ids and all(isinstance(item, str | int) for item in value)
        return ", ".join(map(str, value))[:LONGEST] if plain or not value else f"{len(value):,}"
    text = str(value)
    return datetime.fromisoformat(text) if INSTANT.fullmatch(text) else text[:LONGEST]


def kind_of(subject_type: str) -> str:
    """A kind of record as people call it."""
    return record_pages().get(subject_type, (subject_type, ""))[0]


def page_of(kind: str, key: UUID) -> str:
    """The address of a record's page; empty for kinds that have none."""
    if kind not in record_pages() or (kind == "user" and number_of(key) is None):
        return ""
    try:
        return reverse(record_pages()[kind][1], args=[key if (number := number_of(key)) is None else number])
    except NoReverseMatch:
        return ""
