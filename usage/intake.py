"""From the bytes of an ingest request to events: what is accepted, and why something is not.

No serializers: this is the hot path. A batch is stored whole or refused whole, with the faults of its events
(400); too large a body or batch is a 413, what is not sent as JSON a 415. What is no JSON, or nested too deeply, is a
fault of the body; keys, texts and numbers that JSON has and Tactus does not accept are faults of their event.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from core.api.fields import parse_instant
from core.errors import BatchRefused, InvalidInput, TactusError, TooLarge
from core.exact_json import BadJson, Flaw, find_flaw, loads, loads_marked
from usage.store import NewEvent

MAX_AGE: Final = timedelta(days=34)
TRANSIT: Final = timedelta(seconds=60)
"""How much older than `MAX_AGE` an event may be on arrival: what was exactly 34 days old when it was sent is accepted
after its time on the way, the client's retries and small differences between clocks. There is none ahead of time."""
MAX_AHEAD: Final = timedelta(hours=24)

MAX_ID: Final = 128
MAX_EVENT_TYPE: Final = 200
MAX_RATIO: Final = 100
MAX_ERRORS: Final = 100
MAX_SHOWN: Final = 80

CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class UnsupportedMediaError(TactusError):
    """415: the body is not JSON, or is compressed in a way that is not accepted."""

    status = 415


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the event at `index` of a batch is refused: its first faulty field ("" for the event as a whole)."""

    index: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A read batch: its good events with their index, and the faults of the others."""

    events: tuple[tuple[int, NewEvent], ...]
    faults: tuple[Fault, ...]
    transaction_ids: tuple[str | None, ...]

    def refuse_faults(self) -> None:
        """Raises BatchRefused naming the faulty events, if there are any."""
        if not self.faults:
            return
        first = self.faults[0]
        others = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        where = f"event {first.index}" + (f": {first.field}" if first.field else "")
        errors: list[dict[str, object]] = [
            {"index": fault.index, "field": fault.field, "message": fault.message} for fault in self.faults[:MAX_ERRORS]
        ]
        raise BatchRefused(f"nothing was stored: {where} {first.message}{others}", errors)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding: gzip, or none.

    Raises UnsupportedMediaError for another one; TooLarge if it unpacks to more than `limit` bytes or to more than
    `MAX_RATIO` times its size; InvalidInput if it is not gzip after all.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip"):
        raise UnsupportedMediaError(f"Content-Encoding {encoding[:40]!r} is not supported; send gzip or none")
    bound = min(limit, MAX_RATIO * len(body))
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, bound + 1)
    except zlib.error as error:
        raise InvalidInput("the body is not valid gzip") from error
    if len(found) > bound:
        raise TooLarge(f"the body unpacks to more than {limit} bytes or {MAX_RATIO} times its size")
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInput("the body is not one whole gzip stream")
    return found


def read_batch(
    body: bytes, *, now: datetime, max_events: int, presents: tuple[datetime, datetime] | None = None
) -> Batch:
    """The events of a JSON array of 1 to `max_events`. Raises InvalidInput, or TooLarge for more events.

    `presents`: the earliest and the latest time that is now to a customer, where some live on test clocks.
    """
    if not body.strip():
        raise InvalidInput("the body is empty; a JSON array of events is needed")
    items, is_marked = _parse(body)
    if not isinstance(items, list):
        raise InvalidInput("the body must be a JSON array of events")
    if not items:
        raise InvalidInput("the batch holds no event")
    if len(items) > max_events:
        raise TooLarge(f"a batch holds at most {max_events} events; this one has {len(items)}")
    return read_events([_flawed(item) or item for item in items] if is_marked else items, now=now, presents=presents)


def _parse(body: bytes) -> tuple[Any, bool]:
    """The JSON value, and whether flaws are marked in it."""
    try:
        return loads(body), False
    except BadJson:  # perhaps because of some events only; this way is slower and tells which
        try:
            return loads_marked(body), True
        except BadJson as error:
            raise InvalidInput(str(error)) from error


def read_events(items: Sequence[Any], *, now: datetime, presents: tuple[datetime, datetime] | None = None) -> Batch:
    """Each item of parsed JSON as an event or a fault."""
    first, last = presents or (now, now)
    oldest, newest = first - MAX_AGE - TRANSIT, last + MAX_AHEAD
    events, faults = [], []
    for index, item in enumerate(items):
        try:
            events.append((index, _event(item, oldest, newest)))
        except _RefusedError as refused:
            faults.append(Fault(index, refused.field, refused.message))
    return Batch(tuple(events), tuple(faults), tuple(_id_of(item) for item in items))


class _RefusedError(Exception):
    def __init__(self, field: str, message: str, transaction_id: str | None = None) -> None:
        self.field, self.message, self.transaction_id = field, message, transaction_id
        super().__init__(field, message)


def _flawed(item: Any) -> _RefusedError | None:
    """Why an item of `loads_marked` is refused before its fields are read; with its id, if that is one."""
    flaw = find_flaw(item)
    if flaw is None:
        return None
    field, reason, fields = "", flaw.message, {}
    if isinstance(item, Flaw):
        field, fields = item.key, dict(item.pairs)
    elif isinstance(item, dict):
        fields = item
        field = _first_flawed(item)
        value = item[field]
        if isinstance(value, dict) and not find_flaw(field):
            reason = f"{_first_flawed(value)[:MAX_SHOWN]!r}: {flaw.message}"
    has_id = field != "transaction_id" and find_flaw(fields.get("transaction_id")) is None
    shown = "" if find_flaw(field) else field[:MAX_SHOWN]
    return _RefusedError(shown, f"is not accepted: {reason}", _id_of(fields) if has_id else None)


def _first_flawed(fields: dict[str, Any]) -> str:
    return next(name for name, value in fields.items() if find_flaw(name) or find_flaw(value))


def _event(item: Any, oldest: datetime, newest: datetime) -> NewEvent:
    if isinstance(item, _RefusedError):
        raise item
    if not isinstance(item, dict):
        raise _RefusedError("", "must be a JSON object")
    transaction_id = _text(item, "transaction_id", MAX_ID)
    customer_ref = _text(item, "customer_id", MAX_ID)
    event_type = _text(item, "event_type", MAX_EVENT_TYPE)
    if item.get("timestamp") is None:
        raise _RefusedError("timestamp", "is required")
    try:
        timestamp = parse_instant(item["timestamp"])
    except ValueError as error:
        raise _RefusedError("timestamp", str(error)) from error
    if timestamp < oldest:
        raise _RefusedError("timestamp", "is more than 34 days in the past")
    if timestamp > newest:
        raise _RefusedError("timestamp", "is more than 24 hours in the future")
    properties = item.get("properties")
    if properties is not None and not isinstance(properties, dict):
        raise _RefusedError("properties", "must be a JSON object")
    return NewEvent(transaction_id, customer_ref, event_type, timestamp, properties or {})


def _text(item: dict[str, Any], name: str, maximum: int) -> str:
    value = item.get(name)
    if value is None:
        raise _RefusedError(name, "is required")
    if not isinstance(value, str):
        raise _RefusedError(name, "must be a string")
    if not 1 <= len(value) <= maximum:
        raise _RefusedError(name, f"must be 1 to {maximum} characters long")
    if CONTROL.search(value):
        raise _RefusedError(name, "must not hold control characters")
    return value


def _id_of(item: Any) -> str | None:
    if isinstance(item, _RefusedError):
        return item.transaction_id
    value = item.get("transaction_id") if isinstance(item, dict) else None
    return value[:MAX_ID] if isinstance(value, str) else None
