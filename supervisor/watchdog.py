"""Ends all children when the supervisor is gone: `python -I -S watchdog.py < PIPE`.

The supervisor writes `NAME SIGNAL PID` for each start and `NAME - -` for each end. However the supervisor ends, kill -9
included, the kernel closes the pipe; then this process stops what is still there, in order, and kills what does not go.
The parent-death signal does most of that on Linux; this also reaches grandchildren, and works elsewhere.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

SERVERS = ("valkey", "postgres")
APPLICATION_SECONDS = 8.0
SERVER_SECONDS = 20.0


def main() -> None:
    """Follow the supervisor until the pipe closes, then clean up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: dict[str, tuple[int, int]] = {}
    for line in sys.stdin:
        name, number, pid = line.split()
        if pid == "-":
            children.pop(name, None)
        else:
            children[name] = (int(number), int(pid))
    end([child for name, child in children.items() if name not in SERVERS], APPLICATION_SECONDS)
    end([children[name] for name in SERVERS if name in children], SERVER_SECONDS)


def end(children: Iterable[tuple[int, int]], seconds: float) -> None:
    """Signal the leaders of these sessions, wait for the whole sessions to empty, kill the rest."""
    children = list(children)
    sessions = {pid for _, pid in children}
    for number, pid in children:
        _signal(pid, number)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _members(sessions):
        time.sleep(0.05)
    for pid in _members(sessions):
        _signal(pid, signal.SIGKILL)


def _members(sessions: set[int]) -> list[int]:
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) in sessions and not _is_zombie(entry):
                members.append(int(entry.name))
        except (ProcessLookupError, PermissionError):
            continue
    return members


def _is_zombie(entry: Path) -> bool:
    try:
        return entry.joinpath("stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
