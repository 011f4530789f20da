"""A PgBouncer in transaction mode with few sessions, in front of a database of its own."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from supervisor.children import spawn
from supervisor.place import Account, service_account
from supervisor.ports import choose_port
from tests.infra.processes import eventually

SESSIONS = 3
PROGRAM = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass(frozen=True, slots=True)
class Bounced:
    """`url` leads through PgBouncer, `direct_url` to the server."""

    url: str
    direct_url: str
    port: int


@contextmanager
def pgbouncer() -> Iterator[Bounced]:
    """A new database behind a new PgBouncer; both go when the block ends."""
    assert PROGRAM, "PgBouncer is missing: `make test` installs it"
    server = os.environ["DATABASE_URL"]
    name = f"bounced_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type, unused-ignore]
        direct_url = urlsplit(server)._replace(path=f"/{name}").geturl()
        try:
            with _started(direct_url, name) as port:
                yield Bounced(f"postgresql://tactus@127.0.0.1:{port}/{name}", direct_url, port)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type, unused-ignore]


@contextmanager
def _started(direct_url: str, name: str) -> Iterator[int]:
    server = conninfo_to_dict(direct_url)
    account = _account(str(server["host"]))
    folder = Path(tempfile.mkdtemp(prefix="tactus-pgbouncer-"))
    port = choose_port("", 20_000 + os.getpid() % 20_000, "127.0.0.1", set())
    config = folder / "pgbouncer.ini"
    config.touch(mode=0o600)
    config.write_text(_config(server, name, folder, port), encoding="ascii")
    for path in (folder, config):
        os.chown(path, account.uid, account.gid)
    log = Path(f"{folder}.log")
    process = spawn(
        [str(PROGRAM), str(config)], log=log, env={"PATH": "/usr/bin:/bin"}, death_signal=signal.SIGKILL,
        account=account if os.geteuid() == 0 else None, cwd=folder,
    )  # fmt: skip
    try:
        eventually(lambda: _answers(process, port, name, log))
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink(missing_ok=True)


def _config(server: dict[str, object], name: str, folder: Path, port: int) -> str:
    there = " ".join(
        f"{key}={server[given]}"
        for key, given in (("host", "host"), ("port", "port"), ("user", "user"), ("password", "password"))
        if server.get(given)
    )
    version = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"(\d+)\.(\d+)", version)
    assert number, version
    # Newer ones can carry prepared statements of the protocol over; nobody is to need that.
    none_prepared = "max_prepared_statements = 0" if (int(number[1]), int(number[2])) >= (1, 21) else ""
    return f"""
[databases]
{name} = {there} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {SESSIONS}
max_client_conn = 200
pidfile = {folder}/pid
{none_prepared}
"""


def _account(host: str) -> Account:
    """Whoever may enter the server's socket folder; it refuses to run as root."""
    if os.geteuid() == 0 and not host.startswith("/"):
        return service_account()
    status = Path(host if host.startswith("/") else "/").stat() if os.geteuid() == 0 else None
    return Account(status.st_uid, status.st_gid, "") if status else Account(os.geteuid(), os.getegid(), "")


def _answers(process: "subprocess.Popen[bytes]", port: int, name: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")
    with psycopg.connect(host="127.0.0.1", port=port, user="tactus", dbname=name, connect_timeout=3):
        return True
