"""Every refusal leaves as `{"message": …}` with the right status."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from core.errors import BatchRefused, Conflict, NotAuthenticated, RateLimited, TactusError, TooLarge, Unavailable
from core.exact_json import dumps
from engine.errors import InvalidTerms

logger = logging.getLogger(__name__)
NO_SUCH_ROUTE = "no such resource"


def describe(error: Exception) -> TactusError | None:
    """The refusal that `error` stands for, or None if it is a fault of ours."""
    if isinstance(error, TactusError):
        return error
    if isinstance(error, InvalidTerms):
        return TactusError(str(error))
    if isinstance(error, Http404):
        return _with_status(TactusError(str(error) or NO_SUCH_ROUTE), 404)
    if isinstance(error, RequestDataTooBig):
        return TooLarge("the body is larger than is accepted")
    if isinstance(error, exceptions.ValidationError):
        return TactusError(flatten(error.detail))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotAuthenticated("an API key is needed: Authorization: Bearer <key>")
    if isinstance(error, exceptions.APIException):
        return _with_status(TactusError(str(error.detail)), error.status_code)
    if isinstance(error, DjangoValidationError):
        return TactusError("; ".join(error.messages))
    if isinstance(error, OperationalError | InterfaceError):
        return Unavailable("the database does not answer at the moment; nothing was lost, try again")
    if isinstance(error, DataError):
        return TactusError("a value is outside of what can be stored")
    return None


def _with_status(error: TactusError, code: int) -> TactusError:
    error.status = code
    return error


def flatten(detail: Any, path: str = "") -> str:
    """DRF's nested error detail as one line that names each field: `tiers.0.price: …; name: …`."""
    if isinstance(detail, dict):
        parts = [
            flatten(value, path if key == "non_field_errors" else f"{path}.{key}".lstrip("."))
            for key, value in detail.items()
        ]
    elif isinstance(detail, list):
        nested = any(isinstance(item, dict | list) for item in detail)
        parts = [flatten(item, f"{path}.{i}".lstrip(".") if nested else path) for i, item in enumerate(detail) if item]
    else:
        return f"{path}: {detail}" if path else str(detail)
    return "; ".join(part for part in parts if part)


def body_of(error: TactusError) -> dict[str, Any]:
    """The JSON body of a refusal."""
    return {"message": error.message, **({"errors": error.errors} if isinstance(error, BatchRefused) else {})}


def headers_of(error: TactusError) -> dict[str, str]:
    """Headers that tell the SDK whether trying again can help."""
    headers: dict[str, str] = {}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    elif isinstance(error, Conflict) or error.status < 500:
        headers["x-should-retry"] = "false"
    else:
        headers["Retry-After"] = "1"
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["X-Metronome-Rate-Limit-Type"] = "client"
    return headers


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook. A fault of ours is logged with its traceback and leaves as a plain 500."""
    refusal = describe(error)
    if refusal is None:
        logger.error("request failed", exc_info=error)
        return Response({"message": "internal error"}, status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    response = Response(body_of(refusal), status=refusal.status)
    for name, value in headers_of(refusal).items():
        response[name] = value
    response.exception = True
    return response


def json_error(error: TactusError) -> HttpResponse:
    """The same answer outside of DRF's views."""
    response = HttpResponse(dumps(body_of(error)), status=error.status, content_type="application/json")
    for name, value in headers_of(error).items():
        response[name] = value
    return response


def message(status_code: int, text: str) -> HttpResponse:
    """A bare `{"message": …}` answer."""
    return json_error(_with_status(TactusError(text), status_code))


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return message(400, "bad request")


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return message(403, "not allowed")


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return message(404, NO_SUCH_ROUTE)


def handler500(request: HttpRequest) -> HttpResponse:
    return message(500, "internal error")
