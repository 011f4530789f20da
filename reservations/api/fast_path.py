"""The hot path of reserving, committing and releasing, in front of Django.

It answers what is well formed and comes with a key that was good seconds ago, in the words of
`reservations.api.reservations`; everything else is left to the whole application.
"""

import logging
from collections.abc import Iterable
from typing import Any, Final

from django.db import close_old_connections, connection

from core.api.fast_path import Application, Environ, FlatReader, answer, failure, is_authorized, is_ordinary, take_body
from core.clock import now
from core.exact_json import dumps
from customers.test_clocks import any_test_clocks
from reservations.api.reservations import (
    SCOPES,
    CommitInput,
    ReleaseInput,
    ReserveInput,
    asked_to_commit,
    asked_to_release,
    asked_to_reserve,
    live_keys,
    present,
)

_OPERATIONS: Final = {
    "/tactus/v1/balances/reserve": (FlatReader(ReserveInput), asked_to_reserve),
    "/tactus/v1/balances/commit": (FlatReader(CommitInput), asked_to_commit),
    "/tactus/v1/balances/release": (FlatReader(ReleaseInput), asked_to_release),
}

logger = logging.getLogger(__name__)


class FastReservations:
    """WSGI middleware. `shared`: write through the process's shared writer, not on Django's connection."""

    def __init__(self, application: Application, *, shared: bool) -> None:
        self.application = application
        self.shared = shared

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answers, or lets the application answer."""
        known = _OPERATIONS.get(environ["PATH_INFO"])
        if known is None or not is_ordinary(environ) or environ.get("HTTP_CONTENT_ENCODING"):
            return self.application(environ, start_response)
        if any_test_clocks():  # the whole application knows whose time it is
            return self.application(environ, start_response)
        moment = now()
        if not is_authorized(environ, live_keys, SCOPES, now=moment):
            return self.application(environ, start_response)
        reader, operation = known
        body = reader.read(take_body(environ) or b"")
        if body is None:
            return self.application(environ, start_response)
        try:
            done = operation(body, moment, shared=self.shared)
        except Exception as error:  # noqa: BLE001 - nobody above a bare WSGI application would answer
            return failure(error, environ, start_response, logger)
        finally:
            # What Django does around its own requests: a connection that was used goes back. Most use none.
            if self.shared and connection.connection is not None:
                close_old_connections()
        return answer(dumps({"data": present(done)}), start_response)
