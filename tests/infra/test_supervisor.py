"""A whole Tactus under fire: kill -9 of every part, of the supervisor itself, and starts on what is left."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from celery import Celery

from billing_site.broker import celery_broker_url
from core.clock import now
from supervisor.place import find_place
from supervisor.temporary import Temporary
from tests.infra.processes import eventually, none_left, processes_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("infra")]


@pytest.fixture(scope="module")
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tactus-infra-"))
    yield folder
    find_place(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def tactus(var: Path) -> Iterator[Temporary]:
    with Temporary(var, TACTUS_DEMO="0", WEB_WORKERS="1") as running:
        yield running


@pytest.fixture(autouse=True)
def started(tactus: Temporary) -> None:
    """Each test finds it running, whatever the one before did."""
    if tactus.process is None or tactus.process.poll() is not None:
        tactus.start()


def is_ready(tactus: Temporary) -> bool:
    return httpx.get(f"{tactus.state['public_url']}/readyz", timeout=2).status_code == httpx.codes.OK


def api_key_works(tactus: Temporary) -> bool:
    headers = {"Authorization": f"Bearer {tactus.credentials['api_key']}"}
    return (
        httpx.get(f"{tactus.state['public_url']}/v1/customers", headers=headers, timeout=5).status_code
        == httpx.codes.OK
    )


def worker_answers(tactus: Temporary) -> bool:
    with Celery(broker=celery_broker_url(tactus.state["redis_url"])) as app:
        app.conf.broker_transport_options = {"global_keyprefix": "tactus:"}
        return bool(app.control.ping(timeout=1.0))


def beat_lives(tactus: Temporary) -> bool:
    return Path(f"/proc/{tactus.state['children']['beat']}").exists()


def test_everything_answers(tactus: Temporary) -> None:
    assert set(tactus.state["children"]) >= {"postgres", "valkey", "web", "worker", "beat"}
    assert is_ready(tactus)
    assert api_key_works(tactus)
    assert eventually(lambda: worker_answers(tactus))


def call(tactus: Temporary, path: str, body: dict[str, object]) -> Any:
    headers = {"Authorization": f"Bearer {tactus.credentials['api_key']}"}
    answer = httpx.post(f"{tactus.state['public_url']}{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()["data"]


def test_beat_and_worker_do_what_is_due(tactus: Temporary) -> None:
    """A sweep that nobody but beat wakes, one that a job wakes, and documents from a queue of their own."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    customer = call(tactus, "/v1/customers", {"name": "Swept"})["id"]
    product = call(tactus, "/v1/contract-pricing/products/create", {"name": "Credit", "type": "FIXED"})["id"]
    ended = {
        "amount": 500,
        "starting_at": (today - timedelta(days=9)).isoformat(),
        "ending_before": (today - timedelta(days=2)).isoformat(),
    }
    credit = {"product_id": product, "priority": 1, "access_schedule": {"schedule_items": [ended]}}
    call(tactus, "/v1/contracts/customerCredits/create", {"customer_id": customer, **credit})
    call(tactus, "/v1/contracts/create", {"customer_id": customer, "starting_at": "2026-01-01T00:00:00Z"})

    def ledger() -> list[str]:
        asked = {"customer_id": customer, "include_ledgers": True}
        [row] = call(tactus, "/v1/contracts/customerBalances/list", asked)
        return [entry["type"] for entry in row["ledger"]]

    def documents() -> int:
        with psycopg.connect(tactus.state["database_url"]) as connection:
            [count] = connection.execute("SELECT count(*) FROM invoices_invoicedocument").fetchone() or (0,)
            return int(count)

    def finalized() -> int:
        path = f"{tactus.state['public_url']}/v1/customers/{customer}/invoices?status=FINALIZED"
        headers = {"Authorization": f"Bearer {tactus.credentials['api_key']}"}
        return len(httpx.get(path, headers=headers, timeout=30).json()["data"])

    assert eventually(finalized, 60)
    assert eventually(lambda: documents() == finalized(), 60)
    assert eventually(lambda: "CREDIT_EXPIRATION" in ledger(), 60), ledger()


NOISE = re.compile(r"\b(?:WARNING|ERROR|FATAL|PANIC|Traceback|[A-Za-z]*Warning:)|\[(?:warning|error|critical)\b")
# what a server or a library says of the machine that runs this, and of its own log file
OF_THE_MACHINE = ("overcommit_memory", "SecurityWarning", "logfile -> ")


def test_a_healthy_start_and_its_work_log_no_warning(tactus: Temporary, var: Path) -> None:
    """Migrations, two dozen documents that a job and a sweep render at the same time, wake-ups that nobody took."""
    assert eventually(lambda: worker_answers(tactus))
    found = [
        f"{log.name}: {line}"
        for log in sorted((var / "log").glob("*.log"))
        for line in log.read_text(errors="replace").splitlines()
        if NOISE.search(line) and not any(words in line for words in OF_THE_MACHINE)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("victim", "serves_again"),
    [
        ("postgres", api_key_works),
        ("valkey", worker_answers),
        ("worker", worker_answers),
        ("beat", beat_lives),
        ("web", is_ready),
    ],
)
def test_killed_child_comes_back(tactus: Temporary, victim: str, serves_again) -> None:
    old = tactus.state["children"]
    os.kill(old[victim], signal.SIGKILL)
    new = eventually(lambda: (pid := tactus.state["children"].get(victim)) and pid != old[victim] and pid)
    assert new
    assert eventually(lambda: serves_again(tactus), 30)
    untouched = set(old) - {victim}
    assert {name: tactus.state["children"].get(name) for name in untouched} == {name: old[name] for name in untouched}


def test_killed_watchdog_is_replaced(tactus: Temporary, var: Path) -> None:
    def watchdogs() -> list[int]:
        return [pid for pid, command in processes_of(var).items() if "watchdog.py" in command]

    (old,) = watchdogs()
    os.kill(old, signal.SIGKILL)
    assert eventually(lambda: watchdogs() not in ([], [old]))


def test_manage_finds_the_running_servers(tactus: Temporary) -> None:
    query = "select pg_postmaster_start_time()"
    ask = f"from django.db import connection as c; k = c.cursor(); k.execute('{query}'); print(k.fetchone()[0])"
    said = subprocess.run(
        [*tactus.manage, "shell", "-v", "0", "-c", ask], env=tactus.env, capture_output=True, text=True, check=True
    )
    with psycopg.connect(tactus.state["database_url"]) as connection:
        row = connection.execute(query).fetchone()
    assert row
    assert said.stdout.strip() == str(row[0])


def test_second_supervisor_and_reset_refuse(tactus: Temporary, var: Path) -> None:
    for module in ("supervisor", "supervisor.reset"):
        command = [tactus.manage[2], "-m", module]
        done = subprocess.run(command, env=tactus.env, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1, done
        assert "running" in done.stdout + done.stderr
    assert is_ready(tactus)


def test_sigterm_leaves_no_process_and_keeps_the_data(tactus: Temporary, var: Path) -> None:
    before = tactus.credentials
    tactus.stop(signal.SIGTERM)
    assert tactus.process is not None
    assert tactus.process.returncode == 0
    assert not processes_of(var)

    seconds = tactus.start()
    assert seconds < 30, "under 10 s on an idle machine"
    assert tactus.credentials == before
    assert api_key_works(tactus)


def test_killed_supervisor_takes_everything_along(tactus: Temporary, var: Path) -> None:
    tactus.stop(signal.SIGKILL)
    eventually(none_left(var), 30)

    tactus.start()
    assert api_key_works(tactus)


def test_supervisor_and_watchdog_killed_together(tactus: Temporary, var: Path) -> None:
    """The kernel's parent-death signal alone must do."""
    (watchdog,) = [pid for pid, command in processes_of(var).items() if "watchdog.py" in command]
    os.kill(watchdog, signal.SIGSTOP)
    tactus.stop(signal.SIGKILL)
    os.kill(watchdog, signal.SIGKILL)
    eventually(none_left(var), 30)
