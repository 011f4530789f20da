"""How a command or a test session comes by the embedded servers."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from supervisor.files import OwnerLock, read_json
from supervisor.place import ROOT, Place, find_place

# Commands that never ask the database anything.
SERVERLESS = {"", "help", "version", "check", "collectstatic", "compilemessages", "diffsettings", "findstatic"}
SERVERLESS |= {"makemessages", "spectacular", "startapp", "startproject"}
WAIT_SECONDS = 90.0


def var_dir() -> Path:
    """Folder of this installation's data: TACTUS_VAR, or `var` in the working copy."""
    return Path(os.environ.get("TACTUS_VAR") or ROOT / "var")


def needs_servers(argv: Sequence[str]) -> bool:
    """Whether the manage.py command line `argv` talks to PostgreSQL or Valkey."""
    words = argv[1:]
    if {"--help", "-h", "--version"} & set(words):
        return False
    command = words[0] if words else ""
    return command not in SERVERLESS or any(word.startswith("--database") for word in words)


@contextmanager
def embedded_servers() -> Iterator[None]:
    """Set DATABASE_URL and REDIS_URL, where they are not, to embedded servers that outlive this block."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    lease = acquire(var_dir())
    try:
        publish(lease)
        yield
    finally:
        lease.release()


@dataclass(slots=True)
class Lease:
    """A claim on running servers. `connection` is None where the supervisor owns them: it does not wait for us."""

    database_url: str
    redis_url: str
    connection: socket.socket | None

    def release(self) -> None:
        """Give the servers up; returns once a keeper that has nobody else left has stopped them."""
        if self.connection is None:
            return
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(60)
            while self.connection.recv(4096):
                continue
        except OSError:
            return
        finally:
            self.connection.close()
            self.connection = None


def publish(lease: Lease) -> None:
    """Put the URLs into the environment for this process and its children, without overriding the user's own."""
    for name, url in (("DATABASE_URL", lease.database_url), ("REDIS_URL", lease.redis_url)):
        if not os.environ.get(name):
            os.environ[name] = url


def throw_away_servers() -> Lease:
    """Fresh servers in a temporary folder, deleted when the lease ends or its holder dies."""
    folder = Path(tempfile.mkdtemp(prefix="tactus-test-"))
    # Root's servers run under another account, which must be able to walk through. What lies inside is private.
    folder.chmod(0o711)
    return acquire(folder, throw_away=True)


def acquire(var: Path, *, throw_away: bool = False) -> Lease:
    """Find the servers of the installation in `var`, or have a keeper start them. Raises SystemExit on failure."""
    place = find_place(var)
    keeper: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        owner = OwnerLock(place.lock_file).owner()
        state = read_json(place.state_file)
        if owner and state.get("pid") == owner and state.get("owner") == "supervisor":
            return Lease(state["database_url"], state["redis_url"], None)
        if owner and state.get("owner") != "supervisor" and (lease := _join(place)):
            return lease
        if keeper is not None and keeper.poll():
            raise SystemExit(
                f"The embedded servers could not be started: see {place.log}\n{_tail(place.log / 'keeper.log')}"
            )
        if not owner and (keeper is None or keeper.poll() is not None):
            keeper = _start_keeper(place, throw_away=throw_away)
        time.sleep(0.03)
    raise SystemExit(f"The embedded servers did not become ready within {WAIT_SECONDS:.0f} s: see {place.log}")


def _start_keeper(place: Place, *, throw_away: bool) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "supervisor.keeper",
        str(place.var),
        *(["--throw-away"] if throw_away else []),
    ]
    with (place.log / "keeper.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _join(place: Place) -> Lease | None:
    """Become a user of a living keeper, waiting for servers that are just starting; None where there is none."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(str(place.keeper_socket))
        with connection.makefile("rb") as stream:
            line = stream.readline()
        state = json.loads(line)
    except (OSError, ValueError):
        connection.close()
        return None
    return Lease(state["database_url"], state["redis_url"], connection)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""
