"""Domain events: what became true, for whoever is above or outside.

An app states its events as frozen dataclasses in its `events.py`. `publish` appends one to the outbox and runs its
reactions (`billing_site/wiring.py`) in the same transaction, so that a reader never sees a contract without its drafts;
work that may wait or that speaks to the outside is enqueued by them (`core.jobs`). See docs/adr/0003 and 0018.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from core.exact_json import plain_data
from core.models import OutboxEvent
from core.registry import audit_titles, registrations
from core.transactions import require_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Base of all events. A field says its unit in its name or in the class's docstring; instants are UTC.

    Fields are ids, text, numbers (`Decimal` where exact), instants, flags, and tuples of these or of frozen dataclasses
    of these: never a dict, and nothing in the shape of the API. A change that would mislead who reads old rows raises
    `VERSION`.
    """

    name: ClassVar[str]
    """What happened, in the past tense: `invoice.finalized`."""
    title: ClassVar[str]
    """What people read instead of the name."""
    VERSION: ClassVar[int] = 1
    SUBJECT: ClassVar[tuple[str, str]]
    """The model that it is about, and the field that holds the record's id."""

    occurred_at: datetime

    @property
    def subject_id(self) -> UUID:
        """The id of the record that it is about."""
        return cast("UUID", getattr(self, self.SUBJECT[1]))


E = TypeVar("E", bound=DomainEvent)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows from an event in its own transaction: a row of the table in `billing_site/wiring.py`."""

    event_type: type[DomainEvent]
    handler: Callable[[Any], object]
    is_for_all: bool = False
    """It takes all events of this type that are published together, as a sequence."""


def on(event_type: type[E], *handlers: Callable[[E], object]) -> tuple[Reaction, ...]:
    """Rows of the table of reactions: these services, in this order, each taking this event."""
    return tuple(Reaction(event_type, handler) for handler in handlers)


def on_all(event_type: type[E], *handlers: Callable[[Sequence[E]], object]) -> tuple[Reaction, ...]:
    """The same for services that take all events of this type that are published together, and see to them at once."""
    return tuple(Reaction(event_type, handler, is_for_all=True) for handler in handlers)


def publish(event: DomainEvent) -> OutboxEvent:
    """Appends an event to the outbox and runs its reactions. Raises RuntimeError outside a use case's transaction."""
    return publish_all([event])[0]


def publish_all(events: Sequence[DomainEvent]) -> list[OutboxEvent]:
    """Appends events to the outbox in their order, in one statement, then runs their reactions.

    What reactions publish themselves comes after all of them. Raises RuntimeError outside a use case's transaction.
    """
    require_transaction()
    rows = OutboxEvent.objects.bulk_create([_outbox_row(event) for event in events])
    by_type: dict[type[DomainEvent], list[DomainEvent]] = {}
    for event in events:
        by_type.setdefault(type(event), []).append(event)
    for event_type, together in by_type.items():
        for reaction in _reactions().get(event_type, ()):
            for given in [together] if reaction.is_for_all else together:
                reaction.handler(given)
    return rows


def _outbox_row(event: DomainEvent) -> OutboxEvent:
    return OutboxEvent(
        name=event.name,
        version=event.VERSION,
        subject_type=event.SUBJECT[0],
        subject_id=event.subject_id,
        customer_id=getattr(event, "customer_id", None),
        payload=_payload(event),
        occurred_at=event.occurred_at,
    )


@cache
def _reactions() -> dict[type[DomainEvent], tuple[Reaction, ...]]:
    table: Iterable[Reaction] = import_string(settings.EVENT_REACTIONS)
    found: dict[type[DomainEvent], tuple[Reaction, ...]] = {}
    for reaction in table:
        found[reaction.event_type] = (*found.get(reaction.event_type, ()), reaction)
    return found


def _payload(event: DomainEvent) -> dict[str, Any]:
    """What the row's own columns do not hold, as JSON: decimals as plain text, instants in RFC 3339."""
    whole = cast("dict[str, Any]", plain_data(event))
    return {key: value for key, value in whole.items() if key not in _in_columns(type(event))}


def _in_columns(event_type: type[DomainEvent]) -> frozenset[str]:
    return frozenset({"occurred_at", "customer_id", event_type.SUBJECT[1]})


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a reader of the outbox has come: transaction, and event in it. The default is the very beginning."""

    xact: int = 0
    id: int = 0


def cursor_of(row: OutboxEvent) -> Cursor:
    """The cursor of a reader that has seen to this row and all before it."""
    return Cursor(row.xact, row.pk)


_AFTER = """
SELECT * FROM core_outboxevent
WHERE (xact, id) > (%(xact)s::text::xid8, %(id)s) AND xact < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xact, id LIMIT %(limit)s
"""
_AHEAD = "SELECT %s::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot())"


def read_after(cursor: Cursor, *, limit: int) -> list[OutboxEvent]:
    """The next events after `cursor`, at most `limit`, in the one order in which all readers see them.

    None is ever added before a cursor: events show only once every transaction that began to write before theirs has
    ended, so one that commits late is not skipped. (A long writing transaction holds all readers up until it ends.)
    Raises LookupError for a cursor of another server: after a restore from a dump, transactions count anew
    (docs/adr/0018).
    """
    rows = list(OutboxEvent.objects.raw(_AFTER, {"xact": cursor.xact, "id": cursor.id, "limit": limit}))
    if not rows and cursor.xact:
        with connection.cursor() as sql:
            sql.execute(_AHEAD, [cursor.xact])
            if sql.fetchone()[0]:
                raise LookupError(f"no transaction {cursor.xact} has begun on this server")
    return rows


def event_of(row: OutboxEvent) -> DomainEvent:
    """The event as it was published. Raises LookupError for a name or version that no app states any more."""
    event_type = event_types().get(row.name)
    if event_type is None or row.version != event_type.VERSION:
        raise LookupError(f"nobody reads {row.name} in version {row.version}")
    columns = {"occurred_at": row.occurred_at, "customer_id": row.customer_id, event_type.SUBJECT[1]: row.subject_id}
    known = {field.name for field in fields(event_type)}
    held = row.payload | {key: value for key, value in columns.items() if key in known}
    return msgspec.convert(held, event_type)


# --- what there is ----------------------------------------------------------------------------------------------------


@cache
def event_types() -> dict[str, type[DomainEvent]]:
    """Every event that an app states in its `events.py`, by name."""
    found: dict[str, type[DomainEvent]] = {}
    for app in registrations():
        if find_spec(f"{app.name}.events") is None or app.name == __package__:
            continue
        for stated in vars(import_module(f"{app.name}.events")).values():
            if isinstance(stated, type) and issubclass(stated, DomainEvent) and "name" in vars(stated):
                found[stated.name] = stated
    return found


@cache
def titles() -> dict[str, str]:
    """What people read instead of the name of an event or of an audited act."""
    return {name: event_type.title for name, event_type in event_types().items()} | audit_titles()
