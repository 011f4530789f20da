"""When a request with an Idempotency-Key is the same as the one before."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.idempotency import request_hash

JSON = {"Content-Type": "application/json"}


def post(http: httpx.Client, body: str, key: str = "k", path: str = "/v1/customers") -> httpx.Response:
    return http.post(path, content=body.encode(), headers=JSON | {"Idempotency-Key": key})


@pytest.mark.parametrize(
    "again",
    [
        '{"ingest_aliases":["a"],"name":"Ada","custom_fields":{"y":"2","x":"1"}}',
        '{\n  "name": "Ada",\n  "ingest_aliases": [ "a" ],\n  "custom_fields": {"x": "1", "y": "2"}\n}',
        r'{"name":"\u0041da","ingest_aliases":["a"],"custom_fields":{"x":"1","y":"2"}}',
    ],
)
def test_the_same_json_written_otherwise_is_the_same(http: httpx.Client, again: str) -> None:
    first = post(http, '{"name":"Ada","ingest_aliases":["a"],"custom_fields":{"x":"1","y":"2"}}')
    second = post(http, again)
    assert (first.status_code, second.status_code, second.content) == (200, 200, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("other", ['{"name":"Eve"}', '{"name":"Ada","x":1}', '{"name":["Ada"]}', "{", '{"name":"ada"}'])
def test_other_json_is_another_request(http: httpx.Client, other: str) -> None:
    assert post(http, '{"name":"Ada"}').status_code == 200
    assert post(http, other).status_code == 409


def test_ingest_and_reserve_too(http: httpx.Client) -> None:
    event = {"transaction_id": "t", "customer_id": "c", "event_type": "e", "timestamp": "2026-11-17T00:00:00Z"}
    turned = dict(reversed(event.items()))
    for path, body, again in (
        ("/v1/ingest", [event], [turned]),
        ("/tactus/v1/balances/reserve", {"amount": 1, "customer_id": "x"}, {"customer_id": "x", "amount": 1}),
    ):
        first, second = (post(http, json.dumps(one, indent=n), path, path) for n, one in enumerate((body, again)))
        assert second.status_code == first.status_code
        assert second.headers["Idempotent-Replayed"] == "true"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('aä\\"/', max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def turned(value: Any) -> Any:
    """The same with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: turned(part) for key, part in reversed(value.items())}
    return [turned(part) for part in value] if isinstance(value, list) else value


@given(values, values)
def test_two_bodies_are_the_same_request_if_their_json_is(one: Any, other: Any) -> None:
    def digest(value: Any, **style: Any) -> bytes:
        return request_hash("POST", "/v1/x", json.dumps(value, **style).encode())

    assert digest(one) == digest(turned(one), indent=2) == digest(one, ensure_ascii=False)
    # 1 and True are equal in Python, not in JSON
    assert (digest(one) == digest(other)) is (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
