"""The ordinary ingest body, read by whole columns in compiled code.

`read_fast` accepts a body only where `usage.intake.read_batch` would accept every event of it, and reads the same
events; anything out of the ordinary is left to that. Ordinary: the documented fields, each at most once; properties of
texts, numbers, booleans and nulls, not nested; timestamps in UTC; no `\\u` escapes. tests/usage/test_fast_intake.py
compares the two over the bad-input corpus and over random and damaged bodies.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from types import NoneType
from typing import Any, Final

import msgspec

from core.exact_json import BadJson, parse_number
from usage.intake import CONTROL, MAX_AGE, MAX_AHEAD, MAX_EVENT_TYPE, MAX_ID, TRANSIT
from usage.store.columns import EventColumns, encode_all

_PLAIN: Final = {str, bool, NoneType}
_NUMBERS: Final = {int, Decimal}
_MAX_PLAIN_INTEGER: Final = 10**50
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_SHAPES: Final = (b"0000-00-00T00:00:00.000000Z", b"0000-00-00T00:00:00Z", b"0000-00-00T00:00:00.000Z",
                  b"0000-00-00T00:00:00.000000+00:00", b"0000-00-00T00:00:00+00:00")  # fmt: skip
_BLANKS: Final = (b" ", b"\n", b"\t", b"\r")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)", re.ASCII)
_SHAPE_BY_LENGTH: Final = {len(shape): shape for shape in _SHAPES}


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    transaction_id: str
    customer_id: str
    event_type: str
    timestamp: str
    properties: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(list[_Event], float_hook=parse_number).decode


def read_fast(body: bytes, *, now: datetime, max_events: int) -> EventColumns | None:
    """The events of an ordinary body, all of them acceptable; None for any other body, whatever is special about it."""
    events = _parse(body)
    if not 1 <= len(events) <= max_events:
        return None
    ids = [event.transaction_id for event in events]
    refs = [event.customer_id for event in events]
    types = [event.event_type for event in events]
    if not (_are_names(ids, MAX_ID) and _are_names(refs, MAX_ID) and _are_names(types, MAX_EVENT_TYPE)):
        return None
    instants = _instants([event.timestamp for event in events], now)
    if instants is None:
        return None
    return EventColumns(ids, refs, types, instants, encode_all([event.properties or {} for event in events]))


def _parse(body: bytes) -> Sequence[_Event]:
    """The events, as far as their JSON goes; none if anything about it is unusual."""
    # Single characters are cheaper to look for than pairs, and seldom there.
    if b"\\" in body and b"\\u" in body:
        return ()
    if any(blank in body and blank + b":" in body for blank in _BLANKS):
        return ()
    try:
        events = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, BadJson):
        return ()
    present = [event.properties for event in events if event.properties is not msgspec.UNSET]
    # Each key ends with a quote and a colon. More of those than keys: one stands twice, or is nested, or a text holds
    # the two.
    keys = 4 * len(events) + len(present) + sum(map(len, present))
    return events if body.count(b'":') == keys and _is_flat(present) else ()


def _is_flat(objects: list[dict[str, Any]]) -> bool:
    """Whether all values are plain, and no integer is too long."""
    kinds = set(map(type, chain.from_iterable(map(dict.values, objects))))
    if kinds <= _PLAIN:
        return True
    if not kinds <= _PLAIN | _NUMBERS:
        return False
    return int not in kinds or all(
        -_MAX_PLAIN_INTEGER < value < _MAX_PLAIN_INTEGER
        for found in objects
        for value in found.values()
        if type(value) is int
    )


def _are_names(texts: list[str], maximum: int) -> bool:
    """Whether each has 1 to `maximum` characters, none of them a control character."""
    different = set(texts)
    lengths = set(map(len, different))
    joined = "".join(different)
    return min(lengths) > 0 and max(lengths) <= maximum and (joined.isprintable() or not CONTROL.search(joined))


def _instants(texts: list[str], now: datetime) -> list[datetime] | None:
    """The instants, or None if one is not written in UTC the usual way, does not exist or is out of bounds."""
    if not (_are_alike(texts) or all(map(_INSTANT.fullmatch, texts))):
        return None
    try:
        found = list(map(datetime.fromisoformat, texts))
    except ValueError:
        return None
    if min(found) < now - MAX_AGE - TRANSIT or max(found) > now + MAX_AHEAD:
        return None
    return found


def _are_alike(texts: list[str]) -> bool:
    """Whether all are written in one of the usual shapes."""
    shape = _SHAPE_BY_LENGTH.get(len(texts[0]))
    return shape is not None and "".join(texts).encode().translate(_DIGITS) == shape * len(texts)
