"""One child process: how it starts, how it stops, and how soon it may start again after it died."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from supervisor.place import Account

LAUNCH = str(Path(__file__).with_name("launch.py"))
LOG_LIMIT_BYTES = 10 * 1024 * 1024
# A child that lived this long was healthy: the next death starts the back-off from the beginning.
HEALTHY_SECONDS = 20.0
BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    death_signal: signal.Signals,
    account: Account | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log`, tied to this process by `death_signal`."""
    who = (str(account.uid), str(account.gid)) if account else ("-", "-")
    launcher = [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), str(int(death_signal)), *who]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def rotate(log: Path) -> None:
    """Keep one older log file once the current one has grown past the limit."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def kill_session(session: int) -> None:
    """SIGKILL whatever still belongs to a dead child's session: pool processes whose leader was shot."""
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


@dataclass(slots=True, eq=False)
class Child:
    """A supervised process.

    `prepare` runs before each start (clean up after a crash), `ready` says whether it serves; both may be slow-ish but
    must not hang.
    """

    name: str
    command: Callable[[], Sequence[str]]
    log: Path
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    account: Account | None = None
    cwd: Path | None = None
    prepare: Callable[[], None] = lambda: None
    ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    deaths: int = 0
    stopping: bool = False
    on_change: Callable[["Child"], None] = field(default=lambda _child: None)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        """Start the process now."""
        self.prepare()
        rotate(self.log)
        self.process = spawn(
            self.command(),
            log=self.log,
            env=self.env,
            death_signal=self.stop_signal,
            account=self.account,
            cwd=self.cwd,
        )
        self.started_at = time.monotonic()
        self.on_change(self)

    def wait_ready(self, seconds: float, keep_going: Callable[[], bool] = lambda: True) -> None:
        """Block until it serves. Raises RuntimeError where it ended, took too long, or `keep_going` turned false."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start: see {self.log}\n{self.last_lines()}")
            if not keep_going():
                raise RuntimeError(f"{self.name}: start was interrupted")
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name} did not become ready within {seconds:.0f} s: see {self.log}\n{self.last_lines()}"
                )
            time.sleep(0.03)

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])

    def tick(self) -> str | None:
        """Start it again if it died and its back-off is over. Returns a sentence when something happened."""
        if self.stopping or self.process is None:
            return None
        now = time.monotonic()
        if self.next_start_at:
            if now < self.next_start_at:
                return None
            self.next_start_at = 0.0
            try:
                self.start()
            except (OSError, RuntimeError) as error:
                self.deaths += 1
                self.next_start_at = now + BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)]
                return f"cannot start again: {error}"
            return f"started again (pid {self.pid})"
        code = self.process.poll()
        if code is None:
            return None
        kill_session(self.process.pid)
        self.deaths = 0 if now - self.started_at > HEALTHY_SECONDS else self.deaths + 1
        delay = BACK_OFF_SECONDS[min(self.deaths, len(BACK_OFF_SECONDS) - 1)] if self.deaths > 1 else 0.0
        self.next_start_at = now + delay or now
        self.on_change(self)
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"{how}; starting again" + (f" in {delay:g} s" if delay else "")

    def ask_to_stop(self) -> None:
        """Send its stop signal, once."""
        self.stopping = True
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop it and wait; kill what does not go in time, and whatever its session left behind."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        kill_session(self.process.pid)
        self.on_change(self)
