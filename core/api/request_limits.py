"""What one request may take: time, and its share of the process. Others are answered while large writes run."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from core.api.errors import describe, json_error, note
from core.errors import RateLimited, TookTooLong
from core.memory import return_memory_soon
from core.postgres.time_limit import time_limit

Answer = HttpResponse | StreamingHttpResponse
WAITS_SECONDS: Final = 5.0
"""How long a write waits for its turn: as long as requests wait for a connection."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class WriteShare:
    """How many writes of a process run at once, how many of them heavy ones, and how many may wait.

    So writes take neither all connections nor all threads from reads. Thread-safe.
    """

    def __init__(self, *, at_once: int, heavy: int) -> None:
        self._turns = threading.BoundedSemaphore(at_once)
        self._heavy = threading.BoundedSemaphore(heavy)
        self._most = 3 * at_once
        self._here = 0
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, *, is_heavy: bool) -> Iterator[None]:
        """Waits for a turn, a heavy write does not. Raises RateLimited at once where too many are there already."""
        if is_heavy and not self._heavy.acquire(blocking=False):
            raise RateLimited("other large requests are being carried out; try again", retry_after=2)
        try:
            with self._place(), self._waited():
                yield
        finally:
            if is_heavy:
                self._heavy.release()

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._lock:
            if self._here >= self._most:
                raise RateLimited("too many requests are being carried out; try again")
            self._here += 1
        try:
            yield
        finally:
            with self._lock:
                self._here -= 1

    @contextmanager
    def _waited(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=WAITS_SECONDS):
            raise RateLimited("too many requests are being carried out; try again")
        try:
            yield
        finally:
            self._turns.release()


class RequestLimitsMiddleware:
    """Inside ApiMiddleware, which frees the Idempotency-Key of what is refused here."""

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response
        self._share = WriteShare(at_once=settings.TACTUS_WRITES_AT_ONCE, heavy=settings.TACTUS_HEAVY_WRITES_AT_ONCE)

    def __call__(self, request: HttpRequest) -> Answer:
        with time_limit(settings.TACTUS_REQUEST_SECONDS):
            return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Answer], args: Any, kwargs: Any) -> Answer | None:
        """Django's hook: the view is known, its body not yet read."""
        kind = getattr(view, "cls", None)
        if kind is None or request.method in _READS or getattr(kind, "access", None) == "read":
            return None
        if getattr(kind, "shares_commits", False):
            return None
        is_heavy = _length(request) > settings.TACTUS_HEAVY_BODY_BYTES and not getattr(kind, "is_bulk", False)
        try:
            with self._share.turn(is_heavy=is_heavy):
                return view(request, *args, **kwargs)
        except RateLimited as error:
            return json_error(error)
        finally:
            if is_heavy:
                return_memory_soon()

    def process_exception(self, request: HttpRequest, error: Exception) -> Answer | None:
        """Django's hook: what a page of ours raised; views of the API answer for themselves."""
        refusal = describe(error) if isinstance(error, TookTooLong | OperationalError) else None
        if refusal is None:
            return None
        note(error, refusal)
        return json_error(refusal)


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else 0
