"""A sender of usage that never gives up, and writes down what it was promised.

It sends each batch until it gets a final answer, and notes it in its journal, on disk, before it goes on.
"""

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from core.clock import now
from engine.money import total

BATCH = 100


@dataclass
class Driver:
    """Several threads that ingest for one customer. What they send follows from `seed`, their order does not."""

    url: str
    api_key: str
    journal: Path
    customer: str
    event_type: str
    seed: int
    threads: int = 8
    sent: dict[str, Decimal] = field(default_factory=dict)
    noted: int = 0
    interrupted: int = 0
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for number in range(self.threads):
            thread = threading.Thread(target=self._work, args=(number,), daemon=True)
            self._running.append(thread)
            thread.start()

    def finish(self, seconds: float = 30) -> None:
        """Lets each thread bring its last batch to an end."""
        self._stop.set()
        for thread in self._running:
            thread.join(seconds)
            assert not thread.is_alive(), "a batch got no final answer"

    @property
    def acknowledged(self) -> dict[str, Decimal]:
        """Transaction id to units, of every event that was answered with 200."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return {name: Decimal(units) for name, units in (line.split(" ") for line in lines)}

    @property
    def units(self) -> Decimal:
        return total(self.sent.values())

    def wait_for(self, more: int, seconds: float = 30) -> None:
        """Until `more` further events are acknowledged: what was broken works again."""
        goal = self.noted + more
        deadline = time.monotonic() + seconds
        while self.noted < goal:
            assert time.monotonic() < deadline, f"no progress in {seconds:.0f} s; refused: {self.refused[:3]}"
            time.sleep(0.05)

    def _work(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}")
        with httpx.Client(headers={"Authorization": f"Bearer {self.api_key}"}, timeout=10) as client:
            earlier: list[dict[str, Any]] = []
            for turn in itertools.count():
                if self._stop.is_set():
                    return
                batch = [self._event(chance, f"{self.seed}/{number}/{turn}/{i}") for i in range(BATCH)]
                # Some of what was acknowledged long ago comes again, in another order, with other content.
                again = [
                    {**event, "properties": {"units": "1000000"}}
                    for event in chance.sample(earlier, min(5, len(earlier)))
                ]
                earlier = (earlier + batch)[-400:]
                everything = batch + again
                chance.shuffle(everything)
                self._deliver(client, everything)
                self._note(batch)

    def _event(self, chance: random.Random, name: str) -> dict[str, Any]:
        units = Decimal(chance.randrange(1, 10**9)) / 10**6
        with self._lock:
            self.sent[name] = units
        return {
            "transaction_id": name,
            "customer_id": self.customer,
            "event_type": self.event_type,
            "timestamp": now().isoformat(),
            "properties": {"units": str(units)},
        }

    def _deliver(self, client: httpx.Client, batch: list[dict[str, Any]]) -> None:
        while True:
            try:
                answer = client.post(f"{self.url}/v1/ingest", json=batch)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == httpx.codes.OK:
                return
            if answer is not None and answer.status_code < 500 and answer.status_code not in (408, 409, 429):
                with self._lock:
                    self.refused.append(answer.text)
                raise AssertionError(f"refused: {answer.status_code} {answer.text}")
            with self._lock:
                self.interrupted += 1
            time.sleep(0.05)

    def _note(self, batch: list[dict[str, Any]]) -> None:
        lines = "".join(f"{event['transaction_id']} {event['properties']['units']}\n" for event in batch)
        with self._lock, self.journal.open("a") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
            self.noted += len(batch)


def until(check: Callable[[], object], seconds: float) -> None:
    """Waits until `check` gives something true; errors count as false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if check():
                return
        except Exception:  # noqa: BLE001 - things are being killed
            time.sleep(0.05)
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s")
