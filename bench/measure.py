"""CPU time and memory by part: the client, the web processes, PostgreSQL, the workers; processes of a bench."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from supervisor.temporary import Temporary

PARTS = ("web", "postgres", "worker", "roller", "beat", "valkey")
REST = "postgres for the rest (roller, reads)"


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds since each process began, and resident memory in MB of the parts of Tactus that hold state."""

    cpu: dict[tuple[str, int], float]
    memory: dict[str, float]


def sample(tactus: Temporary) -> Sample:
    """All processes of the installation, now."""
    cpu: dict[tuple[str, int], float] = {}
    memory: dict[str, float] = {}
    backends = _backends(tactus)
    for part, pid in tactus.state["children"].items():
        if part not in PARTS:
            continue
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for process in family:
            try:
                name = backends.get(process.pid, "postgres itself") if part == "postgres" else part
                cpu[name, process.pid] = _seconds(process.pid)
                if process is root:
                    cpu[_whose(name), -pid] = _seconds_of_ended(process)
                if part in ("web", "worker"):
                    memory[part] = memory.get(part, 0.0) + process.memory_full_info().uss / 2**20
            except (psutil.NoSuchProcess, OSError):
                continue
    return Sample(cpu, memory)


def spent(before: Sample, after: Sample) -> dict[str, float]:
    """CPU seconds by part between two samples, processes that ended in between included."""
    found: dict[str, float] = {}
    for (part, pid), seconds in after.cpu.items():
        found[part] = found.get(part, 0.0) + seconds - before.cpu.get((part, pid), 0.0)
    # A process that ended appears in its parent's sum with all its time, that from before the first sample too.
    for (part, pid), seconds in before.cpu.items() - after.cpu.items():
        if (part, pid) not in after.cpu:
            found[_whose(part)] -= seconds
    return found


def _whose(part: str) -> str:
    """The part that ended processes of `part` count for."""
    return REST if part.startswith("postgres") else part


def _seconds_of_ended(process: psutil.Process) -> float:
    """Of its children that have ended: sessions come and go."""
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


def _backends(tactus: Temporary) -> dict[int, str]:
    """What each session of PostgreSQL is for."""
    with psycopg.connect(tactus.state["database_url"]) as connection:
        query = (
            "SELECT pid, application_name = 'tactus-ingest' FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        return {pid: "postgres for ingest" if writes else REST for pid, writes in connection.execute(query).fetchall()}


def _seconds(pid: int) -> float:
    """To the nanosecond, over all threads; /proc/PID/stat counts in hundredths and misses short turns."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def end_properly() -> None:
    """Has SIGTERM end the bench as Ctrl-C does: what it started goes too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def run_module(name: str, *arguments: str) -> int:
    """Runs a module of the bench in a process of its own, which is told if this one is ended. Its status."""
    with subprocess.Popen([sys.executable, "-m", name, *arguments]) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
