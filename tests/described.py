"""Holds answers against our own description, strictly: each key described, null only where it says so."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import pytest
from drf_spectacular.generators import SchemaGenerator

MEDIA = "application/json"
Path = tuple[re.Pattern[str], dict[str, Any]]


@cache
def description() -> dict[str, Any]:
    """/openapi.json."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def faults(method: str, path: str, body: bytes, status: int = 200) -> list[str]:
    """What the description does not allow in the answer to this request; refusals are not described."""
    operation = _operation(method, path)
    if operation is None or status >= 300:
        return []
    answer = operation["responses"].get(str(status))
    if answer is None:
        return [f"{method} {path}: {status} is not described"]
    content = answer.get("content", {})
    if content and MEDIA not in content:
        return []
    if path == "/v1/ingest" and not body:  # it answers in words only where partial=true
        return []
    if not content:
        return [f"{path} has a body: {body[:100]!r}"] if body else []
    validator = _validator(content[MEDIA]["schema"])
    value = httpx.Response(200, content=body).json()
    return [f"{method} {path} {_where(fault)}: {fault.message[:300]}" for fault in validator.iter_errors(value)]


def check(response: httpx.Response) -> None:
    """Fails the test whose request was answered like this, if the answer is not as described."""
    request = response.request
    found = faults(request.method, request.url.path, response.read(), response.status_code)
    if found:  # by an exception that no client takes for its own
        pytest.fail("\n".join(found[:20]), pytrace=False)


class CheckedTransport(httpx.WSGITransport):
    """The application in the test's own thread, each of its answers held against the description."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.request = request
        check(response)
        return response


@cache
def _paths() -> tuple[Path, ...]:
    return tuple(
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods)
        for path, methods in sorted(description()["paths"].items(), key=lambda row: row[0].count("{"))
    )


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, methods in _paths():
        if pattern.fullmatch(path):
            return methods.get(method.lower())
    return None


_validators: dict[str, Any] = {}


def _validator(schema: dict[str, Any]) -> Any:
    name = repr(schema)
    if name not in _validators:
        whole = {"components": _components(), **strict(schema)}
        _validators[name] = jsonschema_rs.Draft4Validator(whole, validate_formats=True)
    return _validators[name]


@cache
def _components() -> dict[str, Any]:
    schemas = description()["components"]["schemas"]
    return {"schemas": {name: strict(schema) for name, schema in schemas.items()}}


def strict(schema: Any) -> Any:
    """The same as JSON schema: what OpenAPI 3.0 says by `nullable` in its words, and no key that is not described."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items() if name not in ("nullable", "properties")}
    if "properties" in schema:
        made["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


def _where(fault: Any) -> str:
    return ".".join(str(part) for part in fault.instance_path)


def nodes(schema: dict[str, Any], doc: dict[str, Any], path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every part of a schema with its path (`data[].name`), references and compositions resolved."""
    schema = resolved(schema, doc)
    yield path, schema
    if depth > 10:
        return
    if isinstance(schema.get("items"), dict):
        yield from nodes(schema["items"], doc, f"{path}[]", depth + 1)
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, doc, f"{path}.{name}", depth + 1)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from nodes(schema["additionalProperties"], doc, f"{path}.*", depth + 1)


def resolved(schema: dict[str, Any], doc: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to; beside a reference only `nullable` counts, alternatives give all they allow."""
    if "$ref" in schema:
        found: Any = doc
        for part in schema["$ref"].split("/")[1:]:
            found = found[part]
        return resolved(found, doc)
    made = {name: part for name, part in schema.items() if name not in ("allOf", "oneOf", "anyOf")}
    whole = [resolved(part, doc) for part in schema.get("allOf", ())]
    either = [resolved(part, doc) for name in ("oneOf", "anyOf") for part in schema.get(name, ())]
    for part in (*whole, *either):
        for name in ("items", "type", "additionalProperties"):
            if name in part:
                made.setdefault(name, part[name])
    required = {name for part in (*whole, made) for name in part.get("required", ())}
    if either:
        required |= set.intersection(*(set(part.get("required", ())) for part in either))
    found = {"properties": _properties(either, [*whole, made]), "required": sorted(required)}
    if any(part.get("nullable") for part in either):
        found["nullable"] = True
    return made | {name: value for name, value in found.items() if value}


def _properties(either: list[dict[str, Any]], whole: list[dict[str, Any]]) -> dict[str, Any]:
    """Those of all parts; of one that alternatives describe in different ways, each of these."""
    found: dict[str, Any] = {}
    for part in either:
        for name, value in part.get("properties", {}).items():
            same = name not in found or found[name] == value
            found[name] = value if same else {"oneOf": [found[name], value]}
    for part in whole:
        found |= part.get("properties", {})
    return found
