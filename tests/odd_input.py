"""Malformed values by kind of field, and a way to hold an endpoint to them: a 4xx that names the field, never a 500."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from django.apps import apps

# Raw JSON, so that what no encoder would write can be sent as well.
NOT_TEXT = ["null", "5", "true", "[]", "{}", '""']
ODD: dict[str, list[str]] = {
    "text": [*NOT_TEXT, r'"a\u0000b"', r'"\ud800"', r'"bell \u0007"', json.dumps("x" * 6000)],
    "cut_text": [*NOT_TEXT, r'"a\u0000b"', r'"\ud800"', r'"bell \u0007"'],
    "id": [*NOT_TEXT, '"nope"', '"2714e483-4ff1-48e4-9e25-ac732e8f24f20"', r'"\u0000"', json.dumps("0" * 32 + "g")],
    "amount": [
        *("null", "true", "[]", "{}", '""', "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-1", '"NaN"'),
        *('"1E+400"', '"1_000"', '"١٢"', '"0x10"', '"1,5"', "9" * 40, "9" * 5000, "1e59", '" 1"'),
    ],
    "factor": ["null", "true", "[]", "NaN", "1e400", "0", "-1", '"NaN"', '"١٢"', "9" * 5000],
    "days": ["null", "true", '"0"', "1.5", "-1", "3651", "NaN", "[]", "9" * 5000],
    "places": ["null", "true", '"0"', "1.5", "99", "-99", "NaN", "9" * 5000],
    "hour": [
        *("null", "5", "true", "[]", "{}", '""', "1700000000", '"2024-01-01"', '"2024-01-01T00:00:00"'),
        *('"2024-01-01T00:30:00Z"', '"2024-01-01T00:00:00.5Z"', '"2024-13-01T00:00:00Z"', '"2024-01-01 00:00:00Z"'),
        *('"2024-01-01T23:59:60Z"', '"9999-12-31T23:59:59-14:00"', '"0001-01-01T00:00:00+14:00"'),
        *('"2023-02-29T00:00:00Z"', '"2025-W01-1T00:00:00Z"', '"20240101T000000Z"', '"٢٠٢٤-01-01T00:00:00Z"'),
    ],
    "flag": ["null", '"true"', "1", "0", "[]", "{}", '""'],
    "word": ["null", "5", "true", "[]", "{}", '""', '"NOPE"', r'"\u0000"'],
    "list": ["null", '"x"', "5", "true", "{}", "[null]", "[5]", "[[[]]]"],
    "object": ["null", '"x"', "5", "true", "[]", "[{}]"],
    "texts": ['{"k": 5}', '{"k": null}', '{"k": ["v"]}', '{"": "v"}', '"x"', "5", "[]", json.dumps({"k": "v" * 600})],
}
ODD["instant"] = [value for value in ODD["hour"] if ":30:" not in value and ".5Z" not in value]
# What the parser refuses before it knows of any field.
UNPARSED = ("NaN", "Infinity", "u0000", "ud800", "e400", "e59", "9" * 61)
SHAPES: dict[str, bytes] = {
    "nothing": b"",
    "empty": b" ",
    "array": b"[]",
    "text": b'"x"',
    "null": b"null",
    "truncated": b'{"name": "x',
    "duplicate keys": b'{"name": "x", "name": "y"}',
    "nested in an unknown key": b'{"unknown": ' + b"[" * 40 + b"]" * 40 + b"}",
    "nested very deeply": b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"name": "\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
}


@dataclass(frozen=True)
class Endpoint:
    """A writing endpoint: a good body, the kind of each field by dotted path, and the fields it cannot do without.

    A kind that ends in `?` takes null as "left out".
    """

    url: str
    body: dict[str, Any]
    fields: dict[str, str]
    required: tuple[str, ...] = ()
    method: str = "POST"


def faults(http: httpx.Client, endpoint: Endpoint) -> list[str]:
    """What is wrong with the answers to malformed variants of a good body. Nothing may be stored."""
    before = stored()
    found = [*_odd_values(http, endpoint), *_missing(http, endpoint), *_shapes(http, endpoint)]
    if stored() != before:
        found.append(f"something was stored: {stored()} instead of {before}")
    return found


def _odd_values(http: httpx.Client, endpoint: Endpoint) -> Iterator[str]:
    seen: set[str] = set()
    for path, kind in endpoint.fields.items():
        name = next(part for part in reversed(path.split(".")) if not part.isdigit())
        odd = [raw for raw in ODD[kind.removesuffix("?")] if raw != "null" or not kind.endswith("?")]
        # The whole table for the first field of a kind; the others must only be of that kind.
        for raw in [odd[0], odd[1], odd[-1]] if kind in seen else odd:
            seen.add(kind)
            answer = send(http, endpoint, replace(endpoint.body, path, raw))
            message = answer.json().get("message", "") if answer.status_code < 500 else ""
            if answer.status_code != 400 or not message:
                yield f"{path}={raw[:60]}: {answer.status_code} {answer.text[:200]}"
            elif name not in message and not any(mark in raw for mark in UNPARSED):
                yield f"{path}={raw[:60]}: does not name {name}: {message[:200]}"


def _missing(http: httpx.Client, endpoint: Endpoint) -> Iterator[str]:
    for name in endpoint.required:
        kept = {key: value for key, value in endpoint.body.items() if key != name}
        answer = send(http, endpoint, json.dumps(kept).encode())
        if answer.status_code != 400 or name not in answer.json()["message"]:
            yield f"without {name}: {answer.status_code} {answer.text[:200]}"


def _shapes(http: httpx.Client, endpoint: Endpoint) -> Iterator[str]:
    for label, content in SHAPES.items():
        answer = send(http, endpoint, content)
        if answer.status_code != 400 or not answer.json()["message"]:
            yield f"{label}: {answer.status_code} {answer.text[:200]}"
    form = send(http, endpoint, b"name=x", "application/x-www-form-urlencoded")
    if form.status_code != 415:
        yield f"form: {form.status_code}"


def replace(body: dict[str, Any], path: str, raw: str) -> bytes:
    """`body` as JSON with the raw text in place of what `path` points at (dotted; numbers are list indices)."""
    changed = copy.deepcopy(body)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    target: Any = changed
    for part in way:
        target = target[part]
    target[last] = "@odd@"
    return json.dumps(changed).replace('"@odd@"', raw).encode()


def stored() -> dict[str, int]:
    """How many rows each of our tables has."""
    ours = ("customers", "catalog", "core", "contracts", "invoices")
    return {
        model._meta.label: model._default_manager.count()
        for app in ours
        for model in apps.get_app_config(app).get_models()
        if model._meta.label != "core.ApiKey"
    }


def send(
    http: httpx.Client, endpoint: Endpoint, content: bytes, content_type: str = "application/json"
) -> httpx.Response:
    return http.request(endpoint.method, endpoint.url, content=content, headers={"Content-Type": content_type})
