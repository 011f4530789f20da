"""The fast reader and the strict one: whatever the fast one accepts, the strict one accepts, and reads the same."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.clock import now
from core.errors import TactusError
from tests.usage.test_bad_events import BODIES, EVENTS, ODD, fields, good, json_values
from tests.usage.test_bad_values import VALUES, batch_with
from usage.fast_intake import read_fast
from usage.intake import MAX_AGE, MAX_AHEAD, TRANSIT, read_batch
from usage.store import EventColumns, columns_of

LIMIT = 1000
LOADED = now()
"""The corpus has timestamps from when its module was loaded."""
MICROSECOND = timedelta(microseconds=1)


def strictly(body: bytes, moment: datetime) -> EventColumns | None:
    """What the strict reader makes of it; None where it refuses."""
    try:
        batch = read_batch(body, now=moment, max_events=LIMIT)
    except TactusError:
        return None
    return None if batch.faults else columns_of([event for _, event in batch.events])


def agree(body: bytes, moment: datetime | None = None) -> bool:
    """Compares the two; whether the fast one took it."""
    moment = moment or now()
    fast = read_fast(body, now=moment, max_events=LIMIT)
    if fast is not None:
        strict = strictly(body, moment)
        assert strict is not None, "accepted by the fast reader only"
        assert fast == strict
    return fast is not None


def as_sent(**changes: Any) -> bytes:
    return json.dumps([good(**changes)]).encode()


@pytest.mark.parametrize("name", EVENTS)
def test_bad_events_are_left_to_the_strict_reader(name: str) -> None:
    event, _ = EVENTS[name]
    for ensure_ascii in (True, False):
        text = json.dumps([good(transaction_id="good"), event, good()], ensure_ascii=ensure_ascii)
        assert not agree(text.encode(), LOADED)


@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_are_left_to_the_strict_reader(name: str) -> None:
    assert not agree(BODIES[name][0], LOADED)


@pytest.mark.parametrize("name", VALUES)
def test_bad_values_are_left_to_the_strict_reader(name: str) -> None:
    assert not agree(batch_with(VALUES[name][0]), LOADED)


@pytest.mark.parametrize("name", ODD)
def test_odd_events(name: str) -> None:
    for ensure_ascii in (True, False):
        agree(json.dumps([ODD[name]], ensure_ascii=ensure_ascii).encode(), LOADED)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"properties": ...},
        {"properties": {}},
        {"properties": {"n": None, "b": True, "f": False, "i": -12, "s": "a b", "d": 1.5, "e": 1e300 / 1e280}},
        {"properties": {"quote": 'a"b', "slash": "a\\b", "line": "a\nb", "tab": "\t"}},
        {"timestamp": "$3Z"},
        {"timestamp": "$6+00:00"},
        {"timestamp": "$0+00:00"},
        {"timestamp": "$1Z"},
        {"transaction_id": "a b"},
    ],
    ids=str,
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
@pytest.mark.parametrize("indent", [None, 1], ids=["flat", "indented"])
def test_ordinary_bodies_take_the_fast_road(changes: dict[str, Any], separators: Any, indent: Any) -> None:
    text = now().strftime("%Y-%m-%dT%H:%M:%S")
    changed = dict(changes)
    if "timestamp" in changes:
        digits = int(changes["timestamp"][1])
        changed["timestamp"] = text + ("." + "123456"[:digits] if digits else "") + changes["timestamp"][2:]
    batch = [good(**{"transaction_id": f"t{n}", **({} if n else changed)}) for n in range(3)]
    assert agree(json.dumps(batch, separators=separators, indent=indent, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"a" :2}',
        '{"a":1,"a"\n:2}',
        '{"a":1,"\\u0061":2}',
        '{"a":"\\":","a":1}',
        '{"a":{"b":1}}',
        '{"a":[1]}',
        '{"a":1e400}',
        '{"a":1e61}',
        '{"a":%s}' % ("9" * 61),
        '{"a":-%s}' % ("9" * 60),
        '{"a":0.%s}' % ("1" * 61),
        '{"a":"\\u0000"}',
        '{"a":"\\ud800"}',
        '{"\\ud800":1}',
        '{"a":"\x7f\x85"}',
        '{"a":-0}',
        '{"a":-0.0}',
        '{"a":1E5}',
        '{"a":1.50}',
        '{"b":1,"a":2}',
        "null",
    ],
)
def test_edges_of_properties(text: str) -> None:
    body = as_sent(properties=0).replace(b'"properties": 0', f'"properties": {text}'.encode())
    agree(body)
    agree(body.replace(b"}]", b'},{"transaction_id": "t", "transaction_id": "u"}]'))


@pytest.mark.parametrize("shape", ["%s.%06dZ", "%s.%06d+00:00"])
@pytest.mark.parametrize(
    ("back", "taken"),
    [
        (MAX_AGE + TRANSIT, True),
        (MAX_AGE + TRANSIT + MICROSECOND, False),
        (-MAX_AHEAD, True),
        (-MAX_AHEAD - MICROSECOND, False),
    ],
)
def test_the_limits_of_time_to_the_microsecond(shape: str, back: timedelta, taken: bool) -> None:
    moment = datetime(2026, 3, 5, 12, tzinfo=UTC)
    stamp = moment - back
    text = shape % (stamp.strftime("%Y-%m-%dT%H:%M:%S"), stamp.microsecond)
    assert agree(as_sent(timestamp=text), moment) is taken


fuzzing = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@fuzzing
@given(body=st.binary(max_size=200))
@example(body=b"[\xff]")
def test_random_bytes(body: bytes) -> None:
    agree(body)


@fuzzing
@given(events=st.lists(fields | json_values, min_size=1, max_size=4), compact=st.booleans(), ascii_only=st.booleans())
def test_random_events(events: list[Any], compact: bool, ascii_only: bool) -> None:
    text = json.dumps(events, separators=(",", ":") if compact else None, ensure_ascii=ascii_only)
    agree(text.encode("utf-8", "surrogatepass"))


@fuzzing
@given(seed=st.integers(0, 2**32), edits=st.integers(1, 3))
def test_damaged_bodies(seed: int, edits: int) -> None:
    """Bytes of a good batch replaced, dropped, added, or a piece of it copied to another place."""
    chance = random.Random(seed)
    body = bytearray(
        json.dumps([good(transaction_id=f"t{n}", properties={"a": "x", "b": n}) for n in range(3)]).encode()
    )
    for _ in range(edits):
        place, other = chance.randrange(len(body)), chance.randrange(len(body))
        piece = body[other : other + chance.randrange(30)] if chance.random() < 0.5 else chance.randbytes(1)
        if chance.random() < 0.5:
            piece = bytes([chance.choice(b'":,{}[]\\ u09.eE-\n')])
        body[place : place + chance.randrange(3)] = piece
    agree(bytes(body))


odd_stamps = st.from_regex(r"\A[0-9]{4}-[0-9W]{2}-[0-9]{2}[Tt ][0-9:.,]{5,16}(Z|z|\+00:00|-00:30|\+0000|)\Z")


@fuzzing
@given(texts=st.lists(odd_stamps, min_size=1, max_size=3))
def test_random_timestamps(texts: list[str]) -> None:
    day = now().strftime("%Y-%m-%d")
    for stamps in (texts, [day + text[10:] for text in texts]):
        agree(json.dumps([good(transaction_id=str(n), timestamp=text) for n, text in enumerate(stamps)]).encode())
