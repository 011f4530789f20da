"""Which processes belong to an installation, and waiting for things to happen."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from supervisor.place import find_place


def processes_of(var: Path) -> dict[int, str]:
    """Living processes (pid -> command line) of the installation in `var`: by command line, environment or folder."""
    place = find_place(var)
    marks = [os.fsencode(path) for path in (place.var, place.home, place.sockets)]
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            known = command + b"\0" + (entry / "environ").read_bytes() + b"\0" + os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if command and any(mark in known for mark in marks) and int(entry.name) != os.getpid():
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def eventually(check: Callable[[], object], seconds: float = 20.0) -> object:
    """The first true value of `check`. Fails with its last answer or error when the time is over."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = check()
        except Exception as error:  # noqa: BLE001  # things are being killed: anything may fail for a while
            last = error
        if last and not isinstance(last, Exception):
            return last
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s; last: {last!r}")


def none_left(var: Path) -> Callable[[], bool]:
    """A check that no process of the installation lives; its failure names those that do."""

    def check() -> bool:
        left = processes_of(var)
        if left:
            raise AssertionError(left)
        return True

    return check
