"""The bad-input corpus of `/v1/ingest`: never a 5xx, never half a batch, always a reason."""

import gzip
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.clock import now
from usage.store import get_store

pytestmark = pytest.mark.django_db
LATE = timedelta(minutes=1)  # more than a test takes that begins where the clock stood when this was loaded


def at(**delta: float) -> str:
    return (now() + timedelta(**delta)).isoformat()


def good(**changes: Any) -> dict[str, Any]:
    event = {
        "transaction_id": "good",
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": at(),
        "properties": {"units": "1"},
    }
    return {name: value for name, value in {**event, "transaction_id": "bad", **changes}.items() if value is not ...}


def stamp(text: Any) -> dict[str, Any]:
    return good(timestamp=text)


# Bad events by name, with the field that is to be named.
EVENTS: dict[str, tuple[Any, str]] = {
    "event null": (None, ""),
    "event string": ("event", ""),
    "event number": (1, ""),
    "event array": ([], ""),
    "event true": (True, ""),
    "event empty": ({}, "transaction_id"),
    "id missing": (good(transaction_id=...), "transaction_id"),
    "id null": (good(transaction_id=None), "transaction_id"),
    "id number": (good(transaction_id=7), "transaction_id"),
    "id boolean": (good(transaction_id=True), "transaction_id"),
    "id array": (good(transaction_id=["a"]), "transaction_id"),
    "id object": (good(transaction_id={"a": 1}), "transaction_id"),
    "id empty": (good(transaction_id=""), "transaction_id"),
    "id of 129": (good(transaction_id="x" * 129), "transaction_id"),
    "id of 129 wide": (good(transaction_id="\U0001f600" * 129), "transaction_id"),
    "id of 10,000": (good(transaction_id="x" * 10_000), "transaction_id"),
    "id with newline": (good(transaction_id="a\nb"), "transaction_id"),
    "id with tab": (good(transaction_id="a\tb"), "transaction_id"),
    "id with escape": (good(transaction_id="\x1b[31m"), "transaction_id"),
    "id with delete": (good(transaction_id="a\x7f"), "transaction_id"),
    "id with C1 control": (good(transaction_id="a\x85"), "transaction_id"),
    "customer missing": (good(customer_id=...), "customer_id"),
    "customer null": (good(customer_id=None), "customer_id"),
    "customer number": (good(customer_id=7), "customer_id"),
    "customer object": (good(customer_id={"id": "acme"}), "customer_id"),
    "customer empty": (good(customer_id=""), "customer_id"),
    "customer of 129": (good(customer_id="x" * 129), "customer_id"),
    "customer with carriage return": (good(customer_id="a\r"), "customer_id"),
    "type missing": (good(event_type=...), "event_type"),
    "type null": (good(event_type=None), "event_type"),
    "type number": (good(event_type=1), "event_type"),
    "type array": (good(event_type=["call"]), "event_type"),
    "type empty": (good(event_type=""), "event_type"),
    "type of 201": (good(event_type="x" * 201), "event_type"),
    "type with control": (good(event_type="a\x01"), "event_type"),
    "timestamp missing": (good(timestamp=...), "timestamp"),
    "timestamp null": (stamp(None), "timestamp"),
    "timestamp epoch": (stamp(1767225600), "timestamp"),
    "timestamp epoch milliseconds": (stamp(1767225600000), "timestamp"),
    "timestamp epoch text": (stamp("1767225600"), "timestamp"),
    "timestamp empty": (stamp(""), "timestamp"),
    "timestamp array": (stamp([2026]), "timestamp"),
    "timestamp naive": (stamp(now().replace(tzinfo=None).isoformat()), "timestamp"),
    "timestamp naive in a DST gap": (stamp("2026-03-29T02:30:00"), "timestamp"),
    "timestamp date only": (stamp(at()[:10]), "timestamp"),
    "timestamp week date": (stamp("2026-W01-1T00:00:00Z"), "timestamp"),
    "timestamp basic format": (stamp("20260101T000000Z"), "timestamp"),
    "timestamp comma fraction": (stamp(at()[:19] + ",5Z"), "timestamp"),
    "timestamp without seconds": (stamp(at()[:16] + "Z"), "timestamp"),
    "timestamp with blank": (stamp(at()[:10] + " " + at()[11:19] + "Z"), "timestamp"),
    "timestamp padded": (stamp(f" {at()}"), "timestamp"),
    "timestamp offset without colon": (stamp(at()[:19] + "+0000"), "timestamp"),
    "timestamp with zone name": (stamp(at()[:19] + " UTC"), "timestamp"),
    "timestamp leap second": (stamp("2016-12-31T23:59:60Z"), "timestamp"),
    "timestamp hour 24": (stamp(at()[:10] + "T24:00:00Z"), "timestamp"),
    "timestamp 30 February": (stamp("2026-02-30T00:00:00Z"), "timestamp"),
    "timestamp month 13": (stamp("2026-13-01T00:00:00Z"), "timestamp"),
    "timestamp year 0": (stamp("0000-01-01T00:00:00Z"), "timestamp"),
    "timestamp year 1": (stamp("0001-01-01T00:00:00+14:00"), "timestamp"),
    "timestamp year 9999": (stamp("9999-12-31T23:59:59-14:00"), "timestamp"),
    "timestamp five-digit year": (stamp("12026-01-01T00:00:00Z"), "timestamp"),
    "timestamp offset of 25 h": (stamp(at()[:19] + "+25:00"), "timestamp"),
    "timestamp Arabic digits": (stamp("٢٠٢٦-01-01T00:00:00Z"), "timestamp"),
    "timestamp 1970": (stamp("1970-01-01T00:00:00Z"), "timestamp"),
    "timestamp 35 days back": (stamp(at(days=-35)), "timestamp"),
    "timestamp 34 days and two minutes back": (stamp(at(days=-34, minutes=-2)), "timestamp"),
    "timestamp 25 h ahead": (stamp(at(hours=25)), "timestamp"),
    "timestamp a year ahead": (stamp(at(days=365)), "timestamp"),
    "properties string": (good(properties="units=1"), "properties"),
    "properties number": (good(properties=1), "properties"),
    "properties array": (good(properties=[{"units": 1}]), "properties"),
    "properties false": (good(properties=False), "properties"),
}


def text_of(event: str) -> bytes:
    """A batch of one good event and one of this JSON text, in which $T is a good timestamp."""
    return f"[{json.dumps({**good(), 'transaction_id': 'good'})}, {event.replace('$T', at())}]".encode()


def with_properties(text: str) -> bytes:
    head = '{"transaction_id": "bad", "customer_id": "acme", "event_type": "call", "timestamp": "$T"'
    return text_of(f'{head}, "properties": {text}}}')


# Whole bodies by name, with their status.
BODIES: dict[str, tuple[bytes, int]] = {
    "body empty": (b"", 400),
    "body blank": (b" \n", 400),
    "body null": (b"null", 400),
    "body true": (b"true", 400),
    "body object": (json.dumps(good()).encode(), 400),
    "body wrapped": (json.dumps({"usage": [good()]}).encode(), 400),
    "body text": (b'"[]"', 400),
    "body empty array": (b"[]", 400),
    "body no JSON": (b"transaction_id=1", 400),
    "body XML": (b"<events/>", 400),
    "body two documents": (b"[] []", 400),
    "body trailing comma": (json.dumps([good()]).encode()[:-1] + b",]", 400),
    "body cut off": (json.dumps([good(), good()]).encode()[:-20], 400),
    "body with comment": (b"/* */" + json.dumps([good()]).encode(), 400),
    "body single quotes": (str([good()]).encode(), 400),
    "body byte order mark": (b"\xef\xbb\xbf" + json.dumps([good()]).encode(), 400),
    "body UTF-16": (json.dumps([good()]).encode("utf-16"), 400),
    "body Latin-1": (json.dumps([good(customer_id="é")], ensure_ascii=False).encode("latin-1"), 400),
    "body overlong UTF-8": (b'["\xc0\x80"]', 400),
    "body NUL bytes": (b"\x00" * 50, 400),
    "body nested arrays": (b"[" * 100_000, 400),
    "body nested arrays closed": (b"[" * 3_000 + b"]" * 3_000, 400),
    "1,001 events": (json.dumps([good(transaction_id=str(i)) for i in range(1001)]).encode(), 413),
    "10,001 nulls": (json.dumps([None] * 10_001).encode(), 413),
    "body over 10 MB": (b" " * (10 * 1024 * 1024) + b"[]", 413),
    "NaN": (with_properties('{"units": NaN}'), 400),
    "Infinity": (with_properties('{"units": -Infinity}'), 400),
    "number with leading zero": (with_properties('{"units": 01}'), 400),
    "number with plus": (with_properties('{"units": +1}'), 400),
    "number hexadecimal": (with_properties('{"units": 0x1F}'), 400),
    "raw control character": (with_properties('{"units": "\x01"}'), 400),
    "bad escape": (with_properties('{"units": "\\x41"}'), 400),
    "properties 33 deep": (with_properties('{"a": ' + "[" * 33 + "]" * 33 + "}"), 400),
    "properties 900 deep": (with_properties('{"a": ' + "[" * 900 + "]" * 900 + "}"), 400),
    "unknown field 3,000 deep": (text_of('{"other": ' + "[" * 3000 + "]" * 3000 + "}"), 400),
    "unknown field 100,000 deep": (text_of('{"other": ' + '{"a":' * 100_000 + "1" + "}" * 100_001), 400),
}

# Requests by name: headers, body, status.
REQUESTS: dict[str, tuple[dict[str, str], bytes, int]] = {
    "no content type": ({"Content-Type": ""}, b"[]", 415),
    "content type text": ({"Content-Type": "text/plain"}, b"[]", 415),
    "content type form": ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415),
    "content type multipart": ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
    "content type XML": ({"Content-Type": "application/xml"}, b"[]", 415),
    "charset UTF-16": ({"Content-Type": "application/json; charset=utf-16"}, b"[]", 415),
    "charset Latin-1": ({"Content-Type": "application/json; charset=iso-8859-1"}, b"[]", 415),
    "encoding deflate": ({"Content-Encoding": "deflate"}, b"[]", 415),
    "encoding br": ({"Content-Encoding": "br"}, b"[]", 415),
    "encoding twice": ({"Content-Encoding": "gzip, gzip"}, b"[]", 415),
    "encoding unknown": ({"Content-Encoding": "\\x00"}, b"[]", 415),
    "gzip that is none": ({"Content-Encoding": "gzip"}, json.dumps([good()]).encode(), 400),
    "gzip empty": ({"Content-Encoding": "gzip"}, b"", 400),
    "gzip cut off": ({"Content-Encoding": "gzip"}, gzip.compress(json.dumps([good()] * 9).encode())[:-9], 400),
    "gzip with rubbish after it": (
        {"Content-Encoding": "gzip"},
        gzip.compress(json.dumps([good()]).encode()) + b"x",
        400,
    ),
    "gzip of two members": ({"Content-Encoding": "gzip"}, gzip.compress(json.dumps([good()]).encode()) * 2, 400),
    "gzip bad checksum": ({"Content-Encoding": "gzip"}, gzip.compress(b"[]")[:-8] + b"\x00" * 8, 400),
    "gzip bomb": ({"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000), 413),
    "gzip over 10 MB": (
        {"Content-Encoding": "gzip"},
        gzip.compress(b'["' + bytes(range(48, 58)) * 1_100_000 + b'"]', 1) + b"",
        413,
    ),
    "gzip twice over": ({"Content-Encoding": "gzip"}, gzip.compress(gzip.compress(json.dumps([good()]).encode())), 400),
    "Content-Length lies": ({"Content-Length": "7"}, json.dumps([good()]).encode(), 400),
    "Content-Length no number": ({"Content-Length": "many"}, b"[]", 400),
    "Content-Length negative": ({"Content-Length": "-1"}, b"[]", 400),
    "partial maybe": ({"X-Query": "partial=maybe"}, b"[]", 400),
    "partial with NUL": ({"X-Query": "partial=%00"}, b"[]", 400),
    "key wrong": ({"Authorization": "Bearer tactus_live_x"}, b"[]", 401),
    "key missing": ({"Authorization": ""}, b"[]", 401),
    "key in basic": ({"Authorization": "Basic dGVzdA=="}, b"[]", 401),
}


def post(http: httpx.Client, body: bytes, query: str = "", **headers: str) -> httpx.Response:
    url = "/v1/ingest" + (f"?{query}" if query else "")
    return http.post(url, content=body, headers={"Content-Type": "application/json", **headers})


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert isinstance(body["message"], str)
    assert body["message"]
    return dict(body)


@pytest.mark.parametrize("name", EVENTS)
def test_one_bad_event_refuses_its_batch(http: httpx.Client, name: str) -> None:
    event, field = EVENTS[name]
    body = json.dumps([good(transaction_id="good"), event, good(transaction_id="good 2")]).encode()
    answer = refused(post(http, body), 400)
    [error] = answer["errors"]
    assert (error["index"], error["field"]) == (1, field)
    assert error["message"] in answer["message"]
    assert get_store().count() == 0


@pytest.mark.parametrize("name", EVENTS)
def test_partial_stores_the_good_ones(http: httpx.Client, name: str) -> None:
    event, field = EVENTS[name]
    body = json.dumps([good(transaction_id="good"), event, good(transaction_id="good")]).encode()
    answer = post(http, body, "partial=true")
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]
    assert (found["accepted"], found["duplicate"], found["rejected"]) == (1, 1, 1)
    assert [row["status"] for row in found["events"]] == ["accepted", "rejected", "duplicate"]
    assert found["events"][1]["field"] == field
    assert found["events"][1]["message"]
    assert [stored.transaction_id for stored in get_store().search(["good", "bad"])] == ["good"]


@pytest.mark.parametrize("query", ["", "partial=true"], ids=["whole", "partial"])
@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_store_nothing(http: httpx.Client, name: str, query: str) -> None:
    body, status = BODIES[name]
    refused(post(http, body, query), status)
    assert get_store().count() == 0


@pytest.mark.parametrize("name", REQUESTS)
def test_bad_requests_store_nothing(http: httpx.Client, name: str) -> None:
    headers, body, status = REQUESTS[name]
    query = headers.get("X-Query", "")
    refused(post(http, body, query, **{k: v for k, v in headers.items() if k != "X-Query"}), status)
    assert get_store().count() == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_other_methods_are_refused(http: httpx.Client, method: str) -> None:
    assert http.request(method, "/v1/ingest").status_code == 405
    assert get_store().count() == 0


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (("usage:ingest",), 200),
        (("usage:write",), 200),
        (("*",), 200),
        (("usage:read",), 403),
        (("customers:write",), 403),
    ],
)
def test_scopes(scoped_http: Any, scopes: tuple[str, ...], status: int) -> None:
    assert post(scoped_http(*scopes), json.dumps([good()]).encode()).status_code == status
    assert get_store().count() == (1 if status == 200 else 0)


# Odd, but events: stored as they are.
ODD: dict[str, dict[str, Any]] = {
    "id of 1": good(transaction_id="x"),
    "id of 128": good(transaction_id="x" * 128),
    "id of 128 wide": good(transaction_id="\U0001f600" * 128),
    "id blank": good(transaction_id=" "),
    "id with zero-width and RTL marks": good(transaction_id="a\u200b\u200f"),
    "id SQL": good(transaction_id="'; DROP TABLE usage_usageevent; --"),
    "id path": good(transaction_id="../../etc/passwd%00"),
    "id formula": good(transaction_id='=HYPERLINK("x")'),
    "id HTML": good(transaction_id="<script>alert(1)</script>"),
    "customer unknown": good(customer_id="nobody knows"),
    "customer of 128": good(customer_id="é" * 128),
    "type of 200": good(event_type="t" * 200),
    "timestamp 34 days back": stamp((now() - timedelta(days=34) + LATE).isoformat()),
    "timestamp 24 h ahead": stamp((now() + timedelta(hours=24) - LATE).isoformat()),
    "timestamp lower case": stamp(at()[:19].lower() + "z"),
    "timestamp nine decimals": stamp(at()[:19] + ".123456789Z"),
    "timestamp ten decimals": stamp(at()[:19] + ".0123456789Z"),
    "timestamp 5,000 decimals": stamp(at()[:19] + "." + "9" * 5000 + "+00:00"),
    "timestamp with offset": stamp(at()[:19] + "-00:30"),
    "properties missing": good(properties=...),
    "properties null": good(properties=None),
    "properties empty": good(properties={}),
    "properties of every kind": good(properties={"n": None, "b": True, "i": 10**59, "s": "", "a": [[]], "o": {"": 0}}),
    "properties 30 deep": good(properties={"a": json.loads("[" * 29 + "]" * 29)}),
    "10,000 properties": good(properties={f"p{i}": i for i in range(10_000)}),
    "1 MB property": good(properties={"text": "x" * 1_000_000}),
    "unknown fields": good(price=1, is_admin=True, customer="other", id=7, received_at="1970-01-01T00:00:00Z"),
    "property names of ours": good(properties={"id": 1, "timestamp": "x", "__proto__": {}, "%s": "%s"}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_events_are_stored_as_they_are(http: httpx.Client, name: str) -> None:
    sent = ODD[name]
    answer = post(http, json.dumps([sent]).encode())
    assert (answer.status_code, answer.content) == (200, b"")
    [stored] = get_store().search([sent["transaction_id"]])
    assert (stored.customer_ref, stored.event_type) == (sent["customer_id"], sent["event_type"])
    assert stored.properties == (sent.get("properties") or {})
    assert stored.received_at <= now()


def test_every_fault_is_named_once(http: httpx.Client) -> None:
    events = [event for event, _ in EVENTS.values()] * 3
    answer = refused(post(http, json.dumps(events).encode()), 400)
    assert [error["index"] for error in answer["errors"]] == list(range(100))
    assert f"(and {len(events) - 1} more)" in answer["message"]


fuzzing = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@fuzzing
@given(body=st.binary(max_size=200))
@example(body=b"[\xff]")
def test_random_bytes(http: httpx.Client, body: bytes) -> None:
    refused(post(http, body), 400)
    assert post(http, body, **{"Content-Encoding": "gzip"}).status_code in (400, 413)
    assert get_store().count() == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        name: json_values | st.just(value)
        for name, value in {**good(), "transaction_id": "fuzz", "timestamp": at(hours=-1)}.items()
    },
)


@fuzzing
@given(events=st.lists(fields | json_values, min_size=1, max_size=4))
def test_random_events_are_stored_or_refused_whole(http: httpx.Client, events: list[Any]) -> None:
    before = get_store().count()
    answer = post(http, json.dumps(events).encode("utf-8", "surrogatepass"))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        refused(answer, 400)
        assert get_store().count() == before
    else:
        ids = {event["transaction_id"] for event in events}
        assert {stored.transaction_id for stored in get_store().search(sorted(ids))} == ids


@fuzzing
@given(data=st.data())
def test_a_damaged_good_batch(http: httpx.Client, data: st.DataObject) -> None:
    """One byte of a good batch replaced, dropped or added."""
    body = bytearray(json.dumps([good(transaction_id="a"), good(transaction_id="b")]).encode())
    position = data.draw(st.integers(0, len(body) - 1))
    body[position : position + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=1))
    before = get_store().count()
    answer = post(http, bytes(body))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert get_store().count() == before
