"""The programs of Tactus itself: how web server, worker, beat and the demo's parts are started."""

import http.client
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from billing_site.supervisor.children import Child
from billing_site.supervisor.place import ROOT

HERE = str(ROOT / "manage.py")
WEB_THREADS = 4


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


def programs(
    *, env: Mapping[str, str], log: Path, host: str, port: int, demo_port: int, commands: Collection[str]
) -> list[Child]:
    """Web server, worker and beat, then those of the demo whose command exists, in starting order."""
    workers = int(os.environ.get("WEB_WORKERS", "2"))
    bin_folder = Path(sys.executable).parent
    local = "127.0.0.1" if host in {"0.0.0.0", ""} else host  # noqa: S104  # compared with, not bound to

    def program(
        name: str, command: list[str], extra: Mapping[str, str], ready: Callable[[], bool] = lambda: True
    ) -> Child:
        return Child(
            name=name,
            command=lambda: command,
            log=log / f"{name}.log",
            env={**env, **extra},
            cwd=ROOT,
            ready=ready,
            stop_seconds=15.0,
        )

    web = [str(bin_folder / "granian"), "--interface", "wsgi", "--host", host, "--port", str(port)]
    web += ["--workers", str(workers), "--blocking-threads", str(WEB_THREADS), "--backlog", "1024", "--no-ws"]
    web += ["--respawn-failed-workers", "--workers-kill-timeout", "5", "--log-level", "warning"]
    web += ["billing_site.wsgi:application"]
    celery = [str(bin_folder / "celery"), "--app", "billing_site.celery", "--no-color"]
    worker = [
        *celery,
        "worker",
        "--concurrency",
        "2",
        "--without-gossip",
        "--without-mingle",
        "--hostname",
        f"tactus-{port}@%h",
    ]
    beat = [*celery, "beat", "--pidfile", ""]
    children = [
        program(
            "web",
            web,
            {"TACTUS_DB_POOL_SIZE": str(WEB_THREADS + 2), "TACTUS_STATEMENT_TIMEOUT_MS": "10000"},
            lambda: answers(local, port, "/readyz"),
        ),
        program("worker", worker, {"TACTUS_STATEMENT_TIMEOUT_MS": "60000"}),
        program("beat", beat, {}),
    ]
    if "serve_demo_host" in commands:
        children.append(program("demo-host", [sys.executable, HERE, "serve_demo_host", "--port", str(demo_port)], {}))
    if "demo_traffic" in commands and env.get("TACTUS_DEMO", "1") != "0":
        children.append(program("demo-traffic", [sys.executable, HERE, "demo_traffic"], {}))
    return children
