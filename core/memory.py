"""Memory goes back to the system after a request that took much of it."""

import ctypes
import gc
import threading
from typing import Any, Final

AFTER_SECONDS: Final = 1.0
"""By then the answer is sent and nothing of the request is left."""

_lock = threading.Lock()
_is_coming = False


def return_memory_soon() -> None:
    """Has `return_memory` called in a moment, on a thread of its own; once, however often it is asked for by then."""
    global _is_coming  # noqa: PLW0603 - of the process, as its memory is
    with _lock:
        if _is_coming:
            return
        _is_coming = True
    timer = threading.Timer(AFTER_SECONDS, _return_memory)
    timer.daemon = True
    timer.start()


def _return_memory() -> None:
    global _is_coming  # noqa: PLW0603
    with _lock:
        _is_coming = False
    return_memory()


def return_memory() -> None:
    """Collects cycles (serializers and their fields point at each other), and gives free pages back to the system.

    The threads of a web process have heaps of their own, which keep what a large request took until they are trimmed.
    """
    gc.collect()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


def _malloc_trim() -> Any:
    """The C library's; None where it has none."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
