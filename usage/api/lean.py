"""The hot path of `/v1/ingest`, in front of Django.

It answers the request that nearly every request is: POST, JSON, a key that was good seconds ago, no Idempotency-Key.
Everything else, and every refusal of what was sent, is left to the whole application, which gets the request as it
came; so both give the same answers and only `usage.api.ingest` decides what a refusal says.
"""

import io
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.conf import settings

from core.api.auth import bearer_token
from core.api.errors import describe, json_error
from core.clock import now
from core.errors import TactusError
from core.exact_json import dumps
from usage import services
from usage.api.ingest import SCOPES, live_keys, outcomes
from usage.fast_intake import read_fast
from usage.intake import read_batch, unpack
from usage.store import EventColumns, columns_of

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

PATH: Final = "/v1/ingest"
_QUERIES: Final = {"": False, "partial=true": True, "partial=false": False}
_TYPES: Final = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_HEADERS: Final = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]

logger = logging.getLogger(__name__)


class LeanIngest:
    """WSGI middleware. `shared`: store through the process's shared writer, not on Django's connection."""

    def __init__(self, application: Application, *, shared: bool) -> None:
        self.application = application
        self.shared = shared

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answers, or lets the application answer."""
        if environ["PATH_INFO"] != PATH or not _is_ordinary(environ):
            return self.application(environ, start_response)
        moment = now()
        if not _may_ingest(environ, moment):
            return self.application(environ, start_response)
        length = int(environ["CONTENT_LENGTH"])
        body: bytes = environ["wsgi.input"].read(length)
        columns = _read(body, environ.get("HTTP_CONTENT_ENCODING", ""), moment) if len(body) == length else None
        if columns is None:
            environ["wsgi.input"] = io.BytesIO(body)
            return self.application(environ, start_response)
        try:
            repeated = services.ingest_columns(columns=columns, now=moment, shared=self.shared)
        except Exception as error:  # noqa: BLE001 - nobody above a bare WSGI application would answer
            return _failure(error, environ, start_response)
        answer = b""
        headers = _HEADERS
        if _QUERIES[environ["QUERY_STRING"]]:
            answer = dumps({"data": outcomes(list(enumerate(columns.transaction_ids)), repeated)})
            headers = [*_HEADERS, ("Content-Type", "application/json")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(answer)))])
        return [answer]


def _is_ordinary(environ: Environ) -> bool:
    """Whether this path knows how to answer it."""
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE", "").lower() in _TYPES
        and environ.get("QUERY_STRING", "") in _QUERIES
        and "HTTP_IDEMPOTENCY_KEY" not in environ
        and length.isascii()
        and length.isdigit()
        and 0 < int(length) <= settings.TACTUS_MAX_BODY_BYTES
        and _is_secure(environ)
    )


def _is_secure(environ: Environ) -> bool:
    """Whether Django would not send it elsewhere: to HTTPS."""
    if not settings.SECURE_SSL_REDIRECT:
        return True
    name, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    return bool(environ.get(name) == value)


def _may_ingest(environ: Environ, moment: datetime) -> bool:
    secret = bearer_token(environ.get("HTTP_AUTHORIZATION", ""))
    key = live_keys.find(secret, now=moment) if secret else None
    return key is not None and not SCOPES.isdisjoint(key.scopes)


def _read(body: bytes, encoding: str, moment: datetime) -> EventColumns | None:
    """The events, or None where the answer is a refusal."""
    try:
        text = unpack(body, encoding, settings.TACTUS_MAX_BODY_BYTES)
        columns = read_fast(text, now=moment, max_events=settings.TACTUS_INGEST_MAX_EVENTS)
        if columns is not None:
            return columns
        batch = read_batch(text, now=moment, max_events=settings.TACTUS_INGEST_MAX_EVENTS)
    except TactusError:
        return None
    return None if batch.faults else columns_of([event for _, event in batch.events])


def _failure(error: Exception, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """The answer where storing failed, and a line in the log with the request's id."""
    request_id = environ.get("HTTP_X_REQUEST_ID") or str(uuid4())
    refusal = describe(error)
    if refusal is None:
        logger.error("ingest failed, request_id=%s", request_id[:64], exc_info=error)
        refusal = TactusError("internal error")
        refusal.status = 500
    else:
        logger.warning("ingest answered %s: %s, request_id=%s", refusal.status, refusal.message, request_id[:64])
    response = json_error(refusal)
    start_response(f"{response.status_code} {response.reason_phrase}", [*_HEADERS[1:], *response.items()])
    return [response.content]
