"""Bodies that nobody read: an answer may be known before it, and the connection is to be used again.

Granian closes a connection whose request was not read to its end, and does not say so: the client's next request,
already on its way, dies. So the rest is read first, within bounds; beyond them the answer says `Connection: close`.
"""

from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import IO, Any, Final

from core.api.fast_path import Application, Environ

REST_BYTES: Final = 1024 * 1024
"""The most that is read for the sake of the connection alone."""
READERS: Final = 6
"""How many threads of a process may do so at a time: a client that sends nothing holds its thread, and only these."""
WAIT_SECONDS: Final = 0.2
_PIECE: Final = 65_536
_readers = BoundedSemaphore(READERS)


class ReadsTheRest:
    """WSGI middleware, around what may answer before it has read. Other servers than granian see to this themselves."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Lets the application answer, and reads what it left."""
        if not _may_leave_some(environ):
            return self.application(environ, start_response)
        body = environ["wsgi.input"] = _Counted(environ["wsgi.input"], environ.get("CONTENT_LENGTH", ""))
        asks_first = "HTTP_EXPECT" in environ  # the client may not have begun to send it

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if not (body.is_read or (not asks_first and body.read_rest())):
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, exc_info)

        return self.application(environ, start)


def _may_leave_some(environ: Environ) -> bool:
    has_body = environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ
    return has_body and environ.get("SERVER_SOFTWARE") == "Granian" and environ["SERVER_PROTOCOL"].startswith("HTTP/1")


class _Counted:
    """A body that knows how much of it was read. `length`: as its header says, if there is one."""

    def __init__(self, source: IO[bytes], length: str) -> None:
        self._source = source
        self._length = int(length) if length.isascii() and length.isdecimal() else None
        self._count = 0
        self._ended = False

    @property
    def is_read(self) -> bool:
        return self._ended or self._count == self._length

    def read(self, size: int = -1) -> bytes:
        return self._noted(self._source.read(size), size)

    def readline(self, size: int = -1) -> bytes:
        return self._noted(self._source.readline(size), size)

    def readlines(self, _hint: int = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def read_rest(self) -> bool:
        """Reads on, if the bounds allow it; whether it was all."""
        end = self._count + REST_BYTES
        if (self._length or 0) > end or not _readers.acquire(timeout=WAIT_SECONDS):
            return False
        try:
            while not self.is_read and self._count <= end:
                self.read(_PIECE)
        finally:
            _readers.release()
        return self.is_read

    def _noted(self, found: bytes, size: int) -> bytes:
        self._count += len(found)
        self._ended = self._ended or (size != 0 and not found)
        return found
