"""Holds the embedded servers for short-lived users: `python -m supervisor.keeper VAR [--throw-away]`.

Each user (a manage.py command, a test session) keeps one connection to the keeper's socket open. When the last one
closes, however its owner ended, the keeper stops the servers and goes. With --throw-away nothing is durable and the
data is deleted at the end.

Protocol: the keeper sends one line of JSON (database_url, redis_url) when the servers are ready. A user that is done
shuts down its side and reads to the end, which comes at once while others remain, and after the servers have stopped
for the last one.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from supervisor.children import Child
from supervisor.files import OwnerLock, write_private
from supervisor.place import Place, find_place
from supervisor.postgres import Postgres
from supervisor.valkey import Valkey

# Nobody came within this time after the start: whoever started us is gone.
FIRST_USER_SECONDS = 20.0


class Keeper:
    """Serves users until the last one is gone."""

    def __init__(self, place: Place, *, throw_away: bool) -> None:
        self.postgres = Postgres(place, durable=not throw_away)
        self.valkey = Valkey(place)
        self.place = place
        self.children: list[Child] = [self.valkey.child(), self.postgres.child()]
        self.selector = selectors.DefaultSelector()
        self.users: set[socket.socket] = set()
        self.last_user: socket.socket | None = None
        self.stop_asked = False

    def run(self) -> None:
        """Start, serve, stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self.place.keeper_socket.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.place.keeper_socket))
        listener.listen(64)
        self.selector.register(listener, selectors.EVENT_READ)
        try:
            for child in self.children:
                child.start()
            for child in self.children:
                child.wait_ready(60, lambda: not self.stop_asked)
            self.postgres.ensure_database()
            state = {
                "owner": "keeper",
                "pid": os.getpid(),
                "database_url": self.postgres.url,
                "redis_url": self.valkey.url,
            }
            write_private(self.place.state_file, json.dumps(state))
            self._serve(listener, json.dumps(state).encode() + b"\n")
        finally:
            self.place.state_file.unlink(missing_ok=True)
            listener.close()
            self.place.keeper_socket.unlink(missing_ok=True)
            for child in self.children:
                child.ask_to_stop()
            for child in self.children:
                child.stop()

    def _serve(self, listener: socket.socket, greeting: bytes) -> None:
        first_user_by = time.monotonic() + FIRST_USER_SECONDS
        while not self.stop_asked:
            for key, _ in self.selector.select(0.2):
                if key.fileobj is listener:
                    self._welcome(listener, greeting)
                elif isinstance(key.fileobj, socket.socket):
                    self._hear(key.fileobj)
            for child in self.children:
                if news := child.tick():
                    print(f"{child.name} {news}", file=sys.stderr, flush=True)
            if not self.users and time.monotonic() > first_user_by:
                break

    def _welcome(self, listener: socket.socket, greeting: bytes) -> None:
        user, _ = listener.accept()
        self.users.add(user)
        self.selector.register(user, selectors.EVENT_READ)
        with contextlib.suppress(OSError):
            user.sendall(greeting)

    def _hear(self, user: socket.socket) -> None:
        try:
            if user.recv(64):
                return
        except OSError:
            pass
        self.selector.unregister(user)
        self.users.discard(user)
        if self.users:
            user.close()
        else:
            # The last one: it waits, on its still open half, until our exit closes the connection.
            self.last_user = user
            self.stop_asked = True

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True


def main() -> int:
    """Take the lock and keep the servers; status 0 where somebody else owns them already."""
    throw_away = "--throw-away" in sys.argv[2:]
    place = find_place(Path(sys.argv[1]))
    lock = OwnerLock(place.lock_file)
    # A command that only asks who owns the lock holds it for a moment.
    deadline = time.monotonic() + 0.3
    while not lock.take():
        if time.monotonic() > deadline:
            return 0
        time.sleep(0.02)
    place.state_file.unlink(missing_ok=True)
    try:
        Keeper(place, throw_away=throw_away).run()
    finally:
        if throw_away:
            place.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
