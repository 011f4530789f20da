"""Each field that a client may send is carried out or refused: what nothing here takes says so, on every route.

The fields are those of the request types of Metronome's SDK, and of its published description where that is at hand
(tests/reference.py).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest

from core.api.documented import DOCUMENTED
from core.api.fields import UNSUPPORTED
from tests.described import description
from tests.reference import DESCRIPTION, needs_description
from tests.sdk_methods import DEEPEST, Where, anonymous, fields_of, sdk_methods

pytestmark = pytest.mark.django_db
SOMEBODY = "3f9b6d5e-0a6c-4f0e-9b0b-0d6f6a3c1c11"
Route = tuple[str, str]


@dataclass(frozen=True)
class Ours:
    """What one of our routes takes."""

    path: str
    method: str
    body: frozenset[Where]
    open: frozenset[Where]
    query: frozenset[str]


def _resolved(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in spec:
        found: Any = schema
        for part in spec["$ref"].split("/")[1:]:
            found = found[part]
        spec = found
    return spec


def _described(schema: Mapping[str, Any], spec: Mapping[str, Any], where: Where = ()) -> Iterator[Where]:
    """Every field of a JSON schema."""
    spec = _resolved(schema, spec)
    if len(where) > DEEPEST:
        return
    for word in ("allOf", "oneOf", "anyOf"):
        for part in spec.get(word, ()):
            yield from _described(schema, part, where)
    if "items" in spec:
        yield (*where, "[]")
        yield from _described(schema, spec["items"], (*where, "[]"))
    for name, inner in spec.get("properties", {}).items():
        yield (*where, name)
        yield from _described(schema, inner, (*where, name))


@cache
def ours() -> dict[Route, Ours]:
    """Our routes."""
    schema = description()
    found = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            fields = frozenset(_described(schema, content.get("schema", {})))
            parents = {where[:-1] for where in fields}
            found[method, anonymous(path)] = Ours(
                path=path,
                method=method,
                body=fields,
                open=frozenset(where for where in fields if where not in parents),
                query=frozenset(row["name"] for row in operation.get("parameters", ()) if row["in"] == "query"),
            )
    return found


@cache
def of_the_sdk() -> dict[Route, tuple[frozenset[Where], frozenset[str]]]:
    """By route: fields of bodies and queries, which the SDK's types do not tell apart."""
    found: dict[Route, set[Where]] = {}
    for method in sdk_methods():
        if method.takes is None:
            continue
        is_list = method.route in ours() and ("[]",) in ours()[method.route].body
        apart = {"body", *re.findall(r"\{(\w+)\}", method.path)}  # the body as a whole, and parts of the path
        fields = {("[]", *where) if is_list else where for where in fields_of(method.takes) if where[0] not in apart}
        found.setdefault(method.route, set()).update(fields)
    return {route: (frozenset(fields), frozenset()) for route, fields in found.items()}


@cache
def of_the_description() -> dict[Route, tuple[frozenset[Where], frozenset[str]]]:
    """By route: fields of the body, and of the query."""
    schema = json.loads(DESCRIPTION.read_text())
    found = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            told = (*operation.get("parameters", ()), *methods.get("parameters", ()))
            rows = [_resolved(schema, row) for row in told]
            found[method, anonymous(path)] = (
                frozenset(_described(schema, content.get("schema", {}))),
                frozenset(row["name"] for row in rows if row["in"] == "query"),
            )
    return found


def _holding(where: Where) -> Any:
    """A body that holds something at this place, and nothing else."""
    value: Any = {"some": "thing"}
    for part in reversed(where):
        value = [value] if part == "[]" else {part: value}
    return value


def _fault(http: httpx.Client, route: Ours, where: Where) -> str | None:
    """What is wrong with how a field that we do not take is answered."""
    path = re.sub(r"\{\w+\}", SOMEBODY, route.path)
    answer = http.request(route.method, path, json=_holding(where))
    dotted = ".".join("0" if part == "[]" else part for part in where)
    said = answer.json().get("message", "") if answer.content else ""
    if answer.status_code == 400 and f"{dotted}: {UNSUPPORTED}" in said:
        return None
    return f"{route.method} {route.path} {dotted}: {answer.status_code} {said[:200]}"


def _faults(
    http: httpx.Client, documented: Mapping[Route, tuple[frozenset[Where], frozenset[str]]]
) -> tuple[int, list[str]]:
    compared, found = 0, []
    for key, (fields, query) in documented.items():
        route = ours().get(key)
        if route is None:
            continue
        taken = route.body | {(name,) for name in route.query}
        found += [f"{route.method} {route.path}?{name}" for name in query - route.query]
        for where in sorted(fields):
            compared += 1
            inside = any(where[:depth] in route.open for depth in range(1, len(where)))  # any value may stand there
            parent = where[:-1]
            if where in taken or inside or (parent and parent not in taken) or where[-1] == "[]":
                continue
            fault = _fault(http, route, where)
            if fault is not None:
                found.append(fault)
    return compared, found


def test_each_field_of_the_sdk_is_carried_out_or_refused(http: httpx.Client) -> None:
    compared, found = _faults(http, of_the_sdk())
    assert found == []
    assert compared > 1000


@needs_description
def test_each_field_of_the_description_is_carried_out_or_refused(http: httpx.Client) -> None:
    compared, found = _faults(http, of_the_description())
    assert found == []
    assert compared > 1000


def test_the_names_that_are_refused_are_those_of_the_sdk() -> None:
    named = {name for body, query in of_the_sdk().values() for where in body for name in (*where, *query)} - {"[]"}
    assert named - DOCUMENTED == set()


def test_a_key_that_nobody_knows_is_ignored(http: httpx.Client) -> None:
    assert http.post("/v1/customers", json={"name": "Ada", "no_such_field": {"x": 1}}).status_code == 200


def test_what_asks_for_nothing_is_no_fault(http: httpx.Client) -> None:
    empty = {"no_such_field": None, "package_id": "", "discounts": [], "hierarchy_configuration": {}}
    assert http.post("/v1/customers", json={"name": "Ada", **empty}).status_code == 200
