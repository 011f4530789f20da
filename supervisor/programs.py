"""The programs of Tactus itself: how web server, worker, beat and the demo's parts are started."""

import http.client
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.children import Child
from supervisor.place import ROOT

MANAGE = str(ROOT / "manage.py")
# More than there are connections in the pool: requests that ingest or reserve wait for a shared writer, not for one of
# those, and the more of them wait, the more share a commit.
WEB_THREADS = 24
POOL_SIZE = 6
# Each thread would have a heap of its own, and keep in it what the largest of its requests took.
FEW_HEAPS = {"MALLOC_ARENA_MAX": "2"}


def answers(host: str, port: int, path: str) -> bool:
    """Whether GET `path` says 200."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Site:
    """What the programs need to know: where to listen, what to write to, the environment they share."""

    env: Mapping[str, str]
    log: Path
    host: str
    port: int
    demo_port: int
    api_key: str

    @property
    def local_host(self) -> str:
        """The host under which this machine reaches the web server."""
        return "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104  # compared, not bound

    def program(self, name: str, *command: str, ready: Callable[[], bool] = lambda: True, **extra: str) -> Child:
        """One child in the working copy, with `extra` environment."""
        env = {**self.env, **extra}
        return Child(name=name, command=lambda: command, log=self.log / f"{name}.log", env=env, cwd=ROOT, ready=ready)


def web_server(site: Site) -> Child:
    """Granian. Its threads share a connection pool, because they come and go."""
    command = [_tool("granian"), "--interface", "wsgi", "--host", site.host, "--port", str(site.port)]
    command += ["--workers", os.environ.get("WEB_WORKERS", "2"), "--blocking-threads", str(WEB_THREADS)]
    command += ["--backlog", "1024", "--no-ws", "--respawn-failed-workers", "--workers-kill-timeout", "5"]
    # It warns of the threads at each start, though they only wait for a writer.
    command += ["--log-level", "error", "billing_site.wsgi:application"]
    return site.program(
        "web",
        *command,
        ready=lambda: answers(site.local_host, site.port, "/readyz"),
        TACTUS_DB_POOL_SIZE=str(POOL_SIZE),
        TACTUS_STATEMENT_TIMEOUT_MS="10000",
        **FEW_HEAPS,
    )


def demo_page(site: Site, commands: Collection[str]) -> Child | None:
    """The page that embeds the console, listening at TACTUS_DEMO_HOST_URL."""
    if "serve_demo_host" not in commands:
        return None
    return site.program(
        "demo-host",
        sys.executable,
        MANAGE,
        "serve_demo_host",
        ready=lambda: answers("localhost", site.demo_port, "/"),
        TACTUS_API_KEY=site.api_key,
    )


def background_programs(site: Site, commands: Collection[str]) -> list[Child]:
    """Worker, beat, the roller, and the demo's usage that goes on arriving.

    The roller has a process of its own: behind other tasks the events not yet added up would pile up, and every read
    of usage walks them.
    """
    celery = [_tool("celery"), "--app", "billing_site.celery", "--no-color"]
    worker = [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    worker += ["--queues", "billing,documents,delivery"]
    worker += ["--hostname", f"tactus-{site.port}@%h"]
    children = [
        site.program("worker", *worker, TACTUS_STATEMENT_TIMEOUT_MS="60000"),
        site.program("beat", *celery, "beat", "--pidfile", ""),
        site.program("roller", sys.executable, MANAGE, "roll_usage", "--every", "500"),
    ]
    if "demo_traffic" in commands and site.env.get("TACTUS_DEMO", "1") != "0":
        traffic = [sys.executable, MANAGE, "demo_traffic"]
        children.append(site.program("demo-traffic", *traffic, TACTUS_API_KEY=site.api_key))
    return children


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)
