"""JSON that an event may not hold: the fault of that event, with its index and field, and of nothing else."""

import json
from itertools import chain
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.exact_json import dumps, loads
from tests.usage.test_bad_events import at, good, json_values, post, refused
from usage.store import get_store

pytestmark = pytest.mark.django_db


def with_properties(text: str) -> str:
    return json.dumps(good(properties=0)).replace('"properties": 0', f'"properties": {text}')


def with_field(name: str, text: str) -> str:
    """A good event with one more field, or with another value in one that it has."""
    return json.dumps(good(**{name: "@"})).replace('"@"', text)


def with_key(text: str) -> str:
    """A good event with one more field, of this name and value."""
    return json.dumps(good())[:-1] + f", {text}}}"


# Bad events as raw JSON by name, with the field that is to be named.
VALUES: dict[str, tuple[str, str]] = {
    "NUL in a value": (with_properties(r'{"units": "\u0000"}'), "properties"),
    "NUL in a key": (with_properties(r'{"un\u0000its": "1"}'), "properties"),
    "NUL in a nested value": (with_properties(r'{"a": [{"b": "x\u0000"}]}'), "properties"),
    "NUL in an unknown field": (with_field("other", r'"\u0000"'), "other"),
    "NUL in the id": (with_field("transaction_id", r'"a\u0000"'), "transaction_id"),
    "NUL in the customer": (with_field("customer_id", r'"a\u0000"'), "customer_id"),
    "NUL in the type": (with_field("event_type", r'"a\u0000"'), "event_type"),
    "NUL in the timestamp": (with_field("timestamp", rf'"{at()}\u0000"'), "timestamp"),
    "NUL in a field's name": (with_key(r'"\u0000": 1'), ""),
    "NUL for an event": (r'"\u0000"', ""),
    "half a pair in a value": (with_properties(r'{"units": "\ud800"}'), "properties"),
    "half a pair in a key": (with_properties(r'{"\udc00": "1"}'), "properties"),
    "half a pair in the id": (with_field("transaction_id", r'"\ud800"'), "transaction_id"),
    "half a pair in a field's name": (with_key(r'"\udfff": 1'), ""),
    "half a pair in an array": (r'["\ud800"]', ""),
    "1e100": (with_properties('{"units": 1e100}'), "properties"),
    "1e400": (with_properties('{"units": 1e400}'), "properties"),
    "1e-400": (with_properties('{"units": 1e-400}'), "properties"),
    "5e-324": (with_properties('{"units": 5e-324}'), "properties"),
    "1e999999999": (with_properties('{"units": 1e999999999}'), "properties"),
    "1e100 nested": (with_properties('{"a": {"b": [0, 1e100]}}'), "properties"),
    "1e100 for an id": (with_field("transaction_id", "1e100"), "transaction_id"),
    "1e100 in an unknown field": (with_field("other", "[1e100]"), "other"),
    "1e100 for an event": ("1e100", ""),
    "integer of 61 digits": (with_properties('{"units": %s}' % ("9" * 61)), "properties"),
    "integer of 4,000 digits": (with_properties('{"units": %s}' % ("9" * 4000)), "properties"),
    "integer of 5,000 digits": (with_properties('{"units": %s}' % ("9" * 5000)), "properties"),
    "fraction of 61 digits": (with_properties('{"units": 0.%s}' % ("1" * 61)), "properties"),
    "fraction of 5,000 digits": (with_properties('{"units": 0.%s}' % ("1" * 5000)), "properties"),
    "property twice": (with_properties('{"units": 1, "units": 2}'), "properties"),
    "property twice, once escaped": (with_properties(r'{"units": 1, "unit\u0073": 1}'), "properties"),
    "nested property twice": (with_properties('{"a": [{"b": 1, "b": 1}]}'), "properties"),
    "properties twice": (with_key('"properties": {}'), "properties"),
    "id twice": (with_key('"transaction_id": "bad"'), "transaction_id"),
    "unknown field twice": (with_key('"other": 1, "other": 1'), "other"),
    "half a pair twice": (with_key(r'"\ud800": 1, "\ud800": 1'), ""),
    "key twice in an unknown field": (with_field("other", '{"a": 1, "a": 1}'), "other"),
    "key twice and fields missing": ('{"event_type": "a", "event_type": "a"}', "event_type"),
}  # fmt: skip


def batch_with(*events: str) -> bytes:
    """The events between two good ones."""
    first, last = (json.dumps(good(transaction_id=name)) for name in ("first", "last"))
    return f"[{', '.join([first, *events, last])}]".encode()


@pytest.mark.parametrize("name", VALUES)
def test_a_bad_value_is_the_fault_of_its_event(http: httpx.Client, name: str) -> None:
    event, field = VALUES[name]
    answer = refused(post(http, batch_with(event)), 400)
    [error] = answer["errors"]
    assert (error["index"], error["field"]) == (1, field)
    assert f"event 1: {field} is" in answer["message"] or field == ""
    assert error["message"] in answer["message"]
    assert get_store().count() == 0

    answer = post(http, batch_with(event), "partial=true")
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]
    assert (found["accepted"], found["duplicate"], found["rejected"]) == (2, 0, 1)
    assert [row["status"] for row in found["events"]] == ["accepted", "rejected", "accepted"]
    assert (found["events"][1]["field"], found["events"][1]["message"]) == (field, error["message"])
    assert [stored.transaction_id for stored in get_store().search(["first", "last", "bad"])] == ["first", "last"]


def test_the_id_is_told_where_there_is_one(http: httpx.Client) -> None:
    told = {
        "bad": ["1e100", "property twice", "unknown field twice", "NUL in a field's name"],
        None: ["NUL in the id", "half a pair in the id", "1e100 for an id", "id twice", "half a pair in an array"],
    }
    events = [VALUES[name][0] for name in chain.from_iterable(told.values())]
    found = post(http, batch_with(*events), "partial=true").json()["data"]
    ids = [row["transaction_id"] for row in found["events"]]
    assert ids == ["first", *["bad"] * 4, *[None] * 5, "last"]


def test_all_of_them_at_once(http: httpx.Client) -> None:
    events = [event for event, _ in VALUES.values()]
    found = post(http, batch_with(*events), "partial=true").json()["data"]
    assert (found["accepted"], found["rejected"]) == (2, len(events))
    assert [row.get("field") for row in found["events"]] == [None, *(field for _, field in VALUES.values()), None]


def test_the_message_says_which_property_and_why(http: httpx.Client) -> None:
    events = ['{"a": {"units": 1e100}}', r'{"name": "\u0000"}', '{"id": 1, "id": 2}', '{"n": %s}' % ("9" * 61)]
    found = post(http, batch_with(*map(with_properties, events)), "partial=true").json()["data"]
    assert [row["message"] for row in found["events"][1:-1]] == [
        "is not accepted: 'a': number 1e100 is out of range",
        "is not accepted: 'name': text holds a NUL or an unpaired surrogate",
        "is not accepted: the key 'id' stands twice in one object",
        "is not accepted: 'n': an integer has more digits than are accepted",
    ]


@pytest.mark.parametrize("query", ["", "partial=true"], ids=["whole", "partial"])
@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (with_properties('{"a": 1e100, "b": ' + "[" * 33 + "]" * 33 + "}"), "nested deeper"),
        (with_properties('{"a": ' + '{"b": ' * 33 + "1" + "}" * 33 + ', "a": 1}'), "nested deeper"),
        (with_properties('{"a": 1e100, "b": NaN}'), "NaN is not a JSON number"),
        (with_properties('{"a": 1e100, }'), "not valid JSON"),
    ],
    ids=["depth", "depth below a repeated key", "no number", "no JSON"],
)
def test_json_and_depth_come_first(http: httpx.Client, event: str, reason: str, query: str) -> None:
    assert reason in refused(post(http, batch_with(event), query), 400)["message"]
    assert get_store().count() == 0


# What JSON texts can hold besides what `json_values` has, as it is written.
bad_values = st.sampled_from(
    [r'"\u0000"', r'"\ud800"', "1e100", "-5e-324", "9" * 61, "0." + "3" * 61, '{"a": 1, "a": 1}', r'{"\udc00": 0}']
)
places = st.sampled_from(["transaction_id", "customer_id", "event_type", "timestamp", "properties", "other"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(bad=bad_values, place=places, others=st.lists(json_values, max_size=2), data=st.data())
def test_wherever_a_bad_value_stands(
    http: httpx.Client, bad: str, place: str, others: list[Any], data: st.DataObject
) -> None:
    """Some arrays or objects around it, some others beside it, somewhere in a batch of good events."""
    for _ in range(data.draw(st.integers(0, 5))):
        bad = f"[{bad}]" if data.draw(st.booleans()) else f'{{"k": {bad}}}'
    text = ", ".join([*(json.dumps(other) for other in others if is_json(other)), bad])
    before = get_store().count()
    index = data.draw(st.integers(0, 3))
    names = [f"{before}/{number}" for number in range(3)]
    events = [json.dumps(good(transaction_id=name)) for name in names]
    events.insert(index, with_field(place, f"[{text}]"))
    found = post(http, f"[{','.join(events)}]".encode(), "partial=true").json()["data"]
    [fault] = [row for row in found["events"] if row["status"] == "rejected"]
    assert (fault["index"], fault["field"]) == (index, place)
    assert get_store().count() == before + 3


def is_json(value: Any) -> bool:
    """Whether it has nothing that JSON, or we, would refuse."""
    try:
        return bool(dumps(loads(json.dumps(value, allow_nan=False).encode())))
    except (ValueError, UnicodeEncodeError):
        return False
