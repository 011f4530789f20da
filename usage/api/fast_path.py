"""The hot path of `/v1/ingest`, in front of Django.

It answers the request that nearly every request is: POST, JSON, a key that was good seconds ago, no Idempotency-Key.
Everything else, and every refusal of what was sent, is left to the whole application, which gets the request as it
came; so both give the same answers and only `usage.api.ingest` decides what a refusal says.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from core.api.fast_path import Application, Environ, answer, failure, is_authorized, is_ordinary, take_body
from core.clock import now
from core.errors import TactusError
from core.exact_json import dumps
from usage import services
from usage.api.ingest import SCOPES, live_keys, outcomes
from usage.fast_intake import read_fast
from usage.intake import read_batch, unpack
from usage.store import EventColumns, columns_of

PATH: Final = "/v1/ingest"
_QUERIES: Final = {"": False, "partial=true": True, "partial=false": False}

logger = logging.getLogger(__name__)


class FastIngest:
    """WSGI middleware. `shared`: store through the process's shared writer, not on Django's connection."""

    def __init__(self, application: Application, *, shared: bool) -> None:
        self.application = application
        self.shared = shared

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answers, or lets the application answer."""
        query = environ.get("QUERY_STRING", "")
        if environ["PATH_INFO"] != PATH or query not in _QUERIES or not is_ordinary(environ):
            return self.application(environ, start_response)
        moment = now()
        if not is_authorized(environ, live_keys, SCOPES, now=moment):
            return self.application(environ, start_response)
        body = take_body(environ)
        columns = None if body is None else _read(body, environ.get("HTTP_CONTENT_ENCODING", ""), moment)
        if columns is None:
            return self.application(environ, start_response)
        try:
            repeated = services.ingest_columns(columns=columns, now=moment, shared=self.shared)
        except Exception as error:  # noqa: BLE001 - nobody above a bare WSGI application would answer
            return failure(error, environ, start_response, logger)
        if not _QUERIES[query]:
            return answer(b"", start_response, is_json=False)
        rows = outcomes(list(enumerate(columns.transaction_ids)), repeated)
        return answer(dumps({"data": rows}), start_response)


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
