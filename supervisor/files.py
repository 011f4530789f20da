"""Small private files: secrets, state, locks."""

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_private(path: Path, content: str) -> None:
    """Replace `path` in one step; only its owner can read it."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    scratch.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, or an empty one where the file is missing or unreadable."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def remembered_secret(path: Path, name: str) -> str:
    """The secret `name` kept in the JSON file `path`; made up and written on first use."""
    known = read_json(path)
    if name not in known:
        known[name] = secrets.token_urlsafe(24)
        write_private(path, json.dumps(known, indent=1))
    return str(known[name])


class OwnerLock:
    """At most one process owns an installation's servers. The kernel frees the lock when that process dies, anyhow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Try to become the owner."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.truncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd
        return True

    def owner(self) -> int | None:
        """Process id of the living owner, or None."""
        try:
            fd = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(fd, 20, 0) or b"0")
        else:
            return None
        finally:
            os.close(fd)
