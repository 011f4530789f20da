"""The API described by itself: OpenAPI as JSON, and a page for people that needs no script from elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView


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
    """GET /docs: every operation with its parameters and body, as plain HTML."""

    def get(self, request: HttpRequest) -> HttpResponse:
        schema = SchemaGenerator().get_schema(request=None, public=True)
        return render(request, "base/api.html", {"groups": _groups(schema), "info": schema["info"]})


def _groups(schema: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for route, methods in schema["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["Other"])[0].replace("_", " ").capitalize()
            groups.setdefault(tag, []).append(
                {
                    "method": method.upper(),
                    "path": route,
                    "summary": operation.get("summary") or operation.get("description", "").split("\n")[0],
                    "parameters": [p for p in operation.get("parameters", ()) if p["in"] == "query"],
                    "fields": _fields(schema, operation),
                }
            )
    return sorted(groups.items())


def _fields(schema: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    found = schema.get("components", {}).get("schemas", {}).get(name, content)
    required = set(found.get("required", ()))
    return [
        {
            "name": field,
            "type": spec.get("type") or "object",
            "format": spec.get("format", ""),
            "required": field in required,
        }
        for field, spec in found.get("properties", {}).items()
    ]
