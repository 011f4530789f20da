"""What the paths in front of Django share: which requests they may answer, and how they fail.

Such a path answers the request that nearly every request is; everything else it leaves to the whole application, with
the body as it came. What a request misses on it stands in docs/guides/fast-paths.md; what every request must meet goes
in front of it, in billing_site/wsgi.py.
"""

import io
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
from django.conf import settings
from rest_framework.exceptions import ValidationError

from core.api.auth import bearer_token
from core.api.errors import describe, json_error
from core.api.fields import Input
from core.api.live_keys import LiveKeys
from core.errors import TactusError
from core.exact_json import BadJson, parse_number

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

HEADERS: Final = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
_TYPES: Final = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})


def is_ordinary(environ: Environ) -> bool:
    """Whether it is a POST of JSON, not too long, without an Idempotency-Key, that Django would not send elsewhere."""
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE", "").lower() in _TYPES
        and "HTTP_IDEMPOTENCY_KEY" not in environ
        and length.isascii()
        and length.isdigit()
        and 0 < int(length) <= settings.TACTUS_MAX_BODY_BYTES
        and _is_secure(environ)
    )


def is_authorized(environ: Environ, keys: LiveKeys, scopes: frozenset[str], *, now: datetime) -> bool:
    """Whether its key was good seconds ago and has one of the scopes."""
    secret = bearer_token(environ.get("HTTP_AUTHORIZATION", ""))
    key = keys.find(secret, now=now) if secret else None
    return key is not None and not scopes.isdisjoint(key.scopes)


def take_body(environ: Environ) -> bytes | None:
    """The body; None if it ended too early. Whoever comes next reads the same."""
    length = int(environ["CONTENT_LENGTH"])
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == length else None


class FlatReader:
    """Reads bodies of `kind`, an input whose fields stand alone and are all plain values.

    What it takes, `kind` takes too and reads the same, for its fields do the reading; what is out of the ordinary
    (escapes, keys that are unknown or stand twice, whatever a field refuses) is None, and left to that.
    """

    def __init__(self, kind: type[Input]) -> None:
        fields = kind().fields
        self._read = {name: field.to_internal_value for name, field in fields.items()}
        self._nullable = {name for name, field in fields.items() if field.allow_null}
        self._required = {name for name, field in fields.items() if field.required}

    def read(self, body: bytes) -> dict[str, Any] | None:
        """The values by name, as `kind.run_validation` gives them."""
        if b"\\" in body:
            return None
        try:
            found = _decode(body)
            if type(found) is not dict or not self._required <= found.keys():
                return None
            texts = 0
            for name, value in found.items():
                if value is not None:
                    texts += type(value) is str
                    found[name] = self._read[name](value)
                elif name not in self._nullable:
                    return None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, BadJson, KeyError, ValidationError):
            return None
        # Without escapes each quote begins or ends a key or a text. More of them: a key stands twice.
        return found if body.count(b'"') == 2 * (len(found) + texts) else None


_decode: Final = msgspec.json.Decoder(float_hook=parse_number).decode


def answer(body: bytes, start_response: Any, *, is_json: bool = True) -> Iterable[bytes]:
    """200 with this body."""
    kind = [("Content-Type", "application/json")] if is_json else []
    start_response("200 OK", [*HEADERS, *kind, ("Content-Length", str(len(body)))])
    return [body]


def failure(error: Exception, environ: Environ, start_response: Any, logger: logging.Logger) -> Iterable[bytes]:
    """What the whole application would answer to this error; faults of ours are logged with the request's id."""
    request_id = (environ.get("HTTP_X_REQUEST_ID") or str(uuid4()))[:64]
    path = environ["PATH_INFO"]
    refusal = describe(error)
    if refusal is None:
        logger.error("%s failed, request_id=%s", path, request_id, exc_info=error)
        refusal = TactusError("internal error")
        refusal.status = 500
    elif refusal.status >= 500:
        logger.warning("%s answered %s: %s, request_id=%s", path, refusal.status, refusal.message, request_id)
    response = json_error(refusal)
    start_response(f"{response.status_code} {response.reason_phrase}", [*HEADERS, *response.items()])
    return [response.content]


def _is_secure(environ: Environ) -> bool:
    """Whether Django would not send it elsewhere: to HTTPS."""
    if not settings.SECURE_SSL_REDIRECT:
        return True
    name, value = settings.SECURE_PROXY_SSL_HEADER or ("", "")
    return bool(environ.get(name) == value)
