"""The API described by itself: OpenAPI as JSON, and a page for people that needs no script."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views import View
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView

from core.registry import api_groups

DEEPEST = 4


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Tells drf-spectacular what our authentication is."""

    target_class = "core.api.auth.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class OpenApiJson(SpectacularJSONAPIView):
    """GET /openapi.json"""

    authentication_classes = ()
    permission_classes = ()


class ApiPage(View):
    """GET /docs: every operation with its parameters, body and answer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        operations = described()
        groups = [(name, slugify(name), list(rows)) for name, rows in groupby(operations, lambda row: row.group)]
        context = {"groups": groups, "count": len(operations), "base_url": settings.TACTUS_PUBLIC_URL}
        return render(request, "base/api.html", context)


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one key of a body; nested keys have dotted names, `[]` stands for each item of an array."""

    name: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What the page says of one operation."""

    group: str
    id: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]


@cache
def described() -> tuple[Operation, ...]:
    """All operations, by group; they do not change while the process lives."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = [
        _operation(schema, path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return tuple(sorted(found, key=lambda row: row.group))


def _operation(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Operation:
    summary, _, text = operation.get("description", "").partition("\n")
    parameters = [
        Field(row["name"], _type(row["schema"]), bool(row.get("required")), row.get("description", ""))
        for row in operation.get("parameters", ())
        if row["in"] == "query"
    ]
    return Operation(
        group=_group(path),
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=summary,
        text=text.strip(),
        parameters=tuple(parameters),
        body=tuple(_fields(schema, _content(operation.get("requestBody", {})))),
        answer=tuple(_fields(schema, _content(operation["responses"].get("200", {})))),
    )


def _group(path: str) -> str:
    """`/v1/contract-pricing/rate-cards/create` -> `Rate cards`."""
    words = [word for word in path.split("/") if word and not word.startswith("{") and word not in ("v1", "v2")]
    if words[0] == "tactus":
        return "Tactus's own"
    for word, heading in api_groups().items():
        if word in words:
            return heading
    return words[1 if words[0] == "contract-pricing" else 0].replace("-", " ").capitalize()


def _content(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _fields(schema: dict[str, Any], spec: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Field]:
    spec = _resolved(schema, spec)
    if spec.get("type") == "array":
        yield from _fields(schema, spec["items"], f"{prefix}[]", depth)
        return
    if depth == DEEPEST:
        return
    required = spec.get("required", ())
    for key, value in spec.get("properties", {}).items():
        inner = _resolved(schema, value)
        name = f"{prefix}.{key}".lstrip(".")
        yield Field(name, _type(inner), key in required, inner.get("description", ""))
        yield from _fields(schema, inner, name, depth + 1)


def _resolved(schema: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference, with what stands beside it."""
    [reference] = [part["$ref"] for part in (spec, *spec.get("allOf", ())) if "$ref" in part][:1] or [""]
    if not reference:
        return spec
    found: dict[str, Any] = schema["components"]["schemas"][reference.rsplit("/", 1)[-1]]
    return found | {name: value for name, value in spec.items() if name not in ("$ref", "allOf")}


def _type(spec: dict[str, Any]) -> str:
    kind = spec.get("format") or spec.get("type") or "object"
    words = [word for word in spec.get("enum", ()) if word]
    return " | ".join(words) if words else kind + (" or null" if spec.get("nullable") else "")
