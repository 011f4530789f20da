"""Every refusal leaves as `{"message": …}` with the right status."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from psycopg.errors import QueryCanceled
from rest_framework import exceptions, status
from rest_framework.response import Response

from core.constraints import violated
from core.errors import (
    BatchRefused,
    Conflict,
    InvalidInput,
    NotAuthenticated,
    NotCovered,
    NotFound,
    RateLimited,
    TactusError,
    TookTooLong,
    TooLarge,
    Unavailable,
)
from core.exact_json import dumps
from engine.errors import InvalidTerms

logger = logging.getLogger(__name__)
NO_SUCH_ROUTE = "no such resource"
KEY_NEEDED = "an API key is needed: Authorization: Bearer <key>"


def describe(error: Exception) -> TactusError | None:
    """The refusal that `error` stands for, or None if it is a fault of ours."""
    return next((refusal(error) for kind, refusal in _REFUSALS if isinstance(error, kind)), None)


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


def _with_status(message: str, code: int) -> TactusError:
    error = TactusError(message)
    error.status = code
    return error


def _of_terms(error: InvalidTerms) -> TactusError:
    return InvalidInput(error.message, field=None if error.field in error.message else error.field)


def _of_database(error: OperationalError) -> TactusError:
    if isinstance(error.__cause__, QueryCanceled):  # by the limit of a statement
        return TookTooLong()
    return Unavailable("the database does not answer at the moment; try again")


def _of_constraint(error: IntegrityError) -> TactusError | None:
    """A value that must be unique may come in by any route; what else a constraint refuses is a fault of ours."""
    if violated(error) == "custom_field_value_once":
        return Conflict("another one has this value, which must be unique", field="custom_fields")
    return None


# The first row whose class fits is the answer: subclasses stand before their bases.
_REFUSALS: tuple[tuple[type[Exception], Callable[[Any], TactusError | None]], ...] = (
    (TactusError, lambda error: error),
    (InvalidTerms, _of_terms),
    (Http404, lambda error: NotFound(str(error) or NO_SUCH_ROUTE)),
    (RequestDataTooBig, lambda _: TooLarge("the body is larger than is accepted")),
    (UnreadablePostError, lambda _: InvalidInput("the body ended before its Content-Length")),
    (exceptions.ValidationError, lambda error: InvalidInput(flatten(error.detail))),
    (exceptions.NotAuthenticated, lambda _: NotAuthenticated(KEY_NEEDED)),
    (exceptions.AuthenticationFailed, lambda _: NotAuthenticated(KEY_NEEDED)),
    (exceptions.APIException, lambda error: _with_status(str(error.detail), error.status_code)),
    (DjangoValidationError, lambda error: InvalidInput("; ".join(error.messages))),
    (OperationalError, _of_database),
    (InterfaceError, lambda _: Unavailable("the database does not answer at the moment; try again")),
    (IntegrityError, _of_constraint),
    (DataError, lambda _: InvalidInput("a value is outside of what can be stored")),
)


def body_of(error: TactusError) -> dict[str, Any]:
    """The JSON body of a refusal."""
    body: dict[str, Any] = {"message": error.message}
    if isinstance(error, BatchRefused):
        body["errors"] = error.errors
    elif isinstance(error, NotCovered):
        body["available"] = error.available
    return body


def headers_of(error: TactusError) -> dict[str, str]:
    """Headers that tell the SDK whether trying again can help."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    elif error.status < 500:
        headers["x-should-retry"] = "false"
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["X-Metronome-Rate-Limit-Type"] = "client"
    return headers


def note(error: Exception, refusal: TactusError | None) -> None:
    """Logs, with its traceback, what the caller is not to blame for: our faults, and a database that is down."""
    if refusal is None or refusal.status >= 500:
        logger.error("request failed: %s", error, exc_info=error)
    elif isinstance(error, DataError):
        logger.warning("a check let through what the database refuses: %s", error, exc_info=error)


def exception_handler(error: Exception, _context: dict[str, Any]) -> Response:
    """Django REST framework's hook. A fault of ours is logged with its traceback and leaves as a plain 500."""
    refusal = describe(error)
    note(error, refusal)
    if refusal is None:
        return Response({"message": "internal error"}, status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    response = Response(body_of(refusal), status=refusal.status, headers=headers_of(refusal))
    response.exception = True
    return response


def json_error(error: TactusError) -> HttpResponse:
    """The same answer outside of DRF's views."""
    body = dumps(body_of(error))
    return HttpResponse(body, status=error.status, content_type="application/json", headers=headers_of(error))


def message(status_code: int, text: str) -> HttpResponse:
    """A bare `{"message": …}` answer."""
    return json_error(_with_status(text, status_code))


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's hook."""
    return message(400, "bad request")


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's hook."""
    return message(403, "not allowed")


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's hook."""
    return message(404, NO_SUCH_ROUTE)


def handler500(request: HttpRequest) -> HttpResponse:
    """Django's hook; the fault was logged by whoever caught it."""
    return message(500, "internal error")
