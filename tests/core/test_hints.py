"""A broker that is dead, frozen or slow delays nobody who sends a hint, and none of the work that is hinted at."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from celery import Celery, current_app
from metronome import Metronome

from billing_site.broker import celery_broker_url
from core import jobs
from core.jobs import enqueue
from core.transactions import use_case
from supervisor.children import Child
from supervisor.place import find_place
from supervisor.valkey import Valkey
from tests.scenarios.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]
LIMIT_SECONDS = 0.2
JOB = "core.forget_old_requests"


@dataclass
class Broker:
    """A Valkey of our own, and an application that sends to it."""

    url: str
    child: Child

    def freeze(self) -> None:
        os.kill(self.child.pid or 0, signal.SIGSTOP)

    def slow_down(self) -> None:
        """Every command waits for a second."""
        with redis.Redis.from_url(self.url) as client:
            client.client_pause(1000)

    def thaw(self) -> None:
        os.kill(self.child.pid or 0, signal.SIGCONT)

    def sent(self) -> int:
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            return int(client.llen("tactus:billing"))  # type: ignore[arg-type]


@pytest.fixture
def broker() -> Iterator[Broker]:
    folder = Path(tempfile.mkdtemp(prefix="tactus-broker-"))
    folder.chmod(0o711)
    place = find_place(folder)
    valkey = Valkey(place)
    child = valkey.child()
    child.start()
    known = current_app._get_current_object()
    app = Celery("hints", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = celery_broker_url(valkey.url)
    try:
        child.wait_ready(20)
        app.set_current()
        jobs.sender = jobs.Sender()
        yield Broker(valkey.url, child)
    finally:
        known.set_current()
        if child.pid:
            os.kill(child.pid, signal.SIGCONT)
        child.stop()
        jobs.sender.wait(20)
        jobs.sender = jobs.Sender()
        app.close()
        place.remove()
        shutil.rmtree(folder, ignore_errors=True)


def send() -> float:
    """Sends one hint; the seconds that took."""
    began = time.monotonic()
    with use_case():
        enqueue(JOB)
    return time.monotonic() - began


def test_a_healthy_broker_gets_them(broker: Broker) -> None:
    for _ in range(3):
        assert send() < LIMIT_SECONDS
    assert jobs.sender.wait(5)
    assert broker.sent() == 3


STATES: dict[str, Callable[[Broker], None]] = {
    "dead": lambda broker: broker.child.stop(),
    "frozen": Broker.freeze,
    "slow": Broker.slow_down,
}


@pytest.mark.parametrize("is_known", [True, False], ids=["connected before", "first"])
@pytest.mark.parametrize("state", STATES)
def test_nobody_waits_for_a_broker(broker: Broker, state: str, is_known: bool) -> None:
    """Not the request that finds out either, nor the first of a process, which has no connection yet."""
    if is_known:
        send()
        assert jobs.sender.wait(5)
    STATES[state](broker)
    assert max(send() for _ in range(20)) < LIMIT_SECONDS
    if state == "slow":  # they come all the same
        assert jobs.sender.wait(30)
        assert broker.sent() == 20 + is_known


def test_more_than_a_slow_broker_takes_is_dropped(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_WAITING", 5)
    jobs.sender = jobs.Sender()
    broker.freeze()
    assert max(send() for _ in range(20)) < LIMIT_SECONDS
    broker.thaw()
    assert jobs.sender.wait(20)
    assert broker.sent() < 10
    assert send() < LIMIT_SECONDS  # quiet


def test_a_forked_process_sends_its_own(broker: Broker) -> None:
    """As Celery's workers are: they have no thread of their parent's."""
    send()
    assert jobs.sender.wait(5)
    child = os.fork()
    if child == 0:
        jobs._send(JOB, {})
        os._exit(0 if jobs.sender.wait(10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert broker.sent() == 2


def test_what_was_hinted_at_is_done_without_hints(broker: Broker, sdk: Metronome) -> None:
    """A contract with periods that are due is answered at once, billed by the sweeps, and has its documents."""
    world = World(sdk)
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.use(customer, metric, 3, world.days_ago(19))
    broker.freeze()
    began = time.monotonic()
    world.open_contract(customer, card, 40, "WEEKLY")
    assert time.monotonic() - began < 3  # composing it takes most of that
    world.run_due_work()
    final = sdk.v1.customers.invoices.list(customer_id=customer, status="FINALIZED").data
    assert final
    for invoice in final:
        assert sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=invoice.id).read()[:4] == b"%PDF"
