"""The story goes on: what is used at this moment, sent over HTTP.

Tokens flow at the rate of the customer's habits for this hour, in as many events as asked for; searches, sessions and
the like, which are counted one by one, happen as often as they do.
"""

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from demo import habits
from demo.story import CONCURRENCY, CUSTOMERS, SEARCH, SESSION, STORAGE, Calendar, Habit

TICK = 1.5
LEAST_TOKENS = 300
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
LONGEST_GAP = timedelta(minutes=1)

Event = dict[str, Any]


@dataclass(slots=True)
class Traffic:
    """A sender. `rate` bounds the token events a second; `say` hears when the server goes away and comes back."""

    client: httpx.Client
    rate: int
    clock: Callable[[], datetime]
    say: Callable[[str], object]
    rng: random.Random
    sent: int = 0

    def run(self, stop: threading.Event) -> None:
        """Sends until `stop` is set. Raises PermissionError where the server refuses the key."""
        before = self.clock()
        while not stop.wait(TICK):
            at = self.clock()
            batch = list(events_of(max(before, at - LONGEST_GAP), at, self.rate, self.rng))
            before = at
            if batch:
                self._send(batch, stop)

    def _send(self, batch: list[Event], stop: threading.Event) -> None:
        """The same batch again and again until it is stored: its transaction ids make that safe."""
        wait, away = FIRST_WAIT, False
        while not stop.is_set():
            try:
                answer = self.client.post("/v1/ingest", json=batch)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code in (401, 403):
                    raise PermissionError(answer.text)
                if answer.is_success:
                    self.sent += len(batch)
                    if away:
                        self.say("the server is back")
                    return
                if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    self.say(f"a batch was refused: {answer.text[:200]}")
                    return
                reason = f"status {answer.status_code}"
            if not away:
                self.say(f"waiting for the server ({reason})")
            away = True
            stop.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)


def events_of(start: datetime, end: datetime, rate: int, rng: random.Random) -> Iterator[Event]:
    """What all customers with a contract in force use between two moments a few seconds apart."""
    calendar = Calendar(end)
    active = [(c, c.habit) for c in CUSTOMERS if c.habit is not None and c.archived is None]
    weights = sum(habit.events for _, habit in active)
    seconds = (end - start).total_seconds()
    for customer, habit in active:
        day = habits.day_of(customer, habit, calendar.today, calendar)
        share = seconds * _per_second(habit, end)
        wanted = rate * seconds * habit.events / weights
        for event_type, properties in [*_tokens(day, share, wanted, rng), *_counted(day, share, seconds, end, rng)]:
            yield {
                "transaction_id": f"live-{uuid.UUID(int=rng.getrandbits(128), version=4)}",
                "customer_id": customer.aliases[0],
                "event_type": event_type,
                "timestamp": (start + (end - start) * rng.random()).isoformat(),
                "properties": properties,
            }


def _per_second(habit: Habit, at: datetime) -> float:
    """Which part of a day's usage falls into a second of this hour."""
    hours = habits.HOURS[habit.rhythm]
    return hours[at.hour] / sum(hours) / 3600


def _tokens(day: habits.Day, share: float, wanted: float, rng: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Completions and embeddings; fewer than wanted where they would be smaller than a call ever is."""
    models = day.habit.models
    for model, (average_in, average_out) in models.items():
        total = int(day.amount(average_in) * share)
        count = _about(min(wanted / len(models), day.amount(average_in) * share / LEAST_TOKENS), rng)
        for _ in range(count):
            size = rng.randint(400, 1600)
            each = max(total // max(count, 1), LEAST_TOKENS) * size // 1000
            yield habits.completion(day.habit, model, each, each * average_out // average_in, rng)


def _counted(
    day: habits.Day, share: float, seconds: float, at: datetime, rng: random.Random
) -> Iterator[tuple[str, dict[str, str]]]:
    """Searches, sessions, gauges: each with its own frequency."""
    habit = day.habit
    for _ in range(_about(day.amount(habit.searches) * share, rng)):
        yield SEARCH, habits.place(habit, rng)
    for _ in range(_about(day.amount(habit.sessions) * share, rng)):
        yield SESSION, habits.session(habit, rng)
    if habit.concurrent and _about(seconds / 300, rng):
        yield CONCURRENCY, habits.concurrency(day, at.hour, rng)
    if habit.gigabytes and _about(seconds / 3600, rng):
        yield STORAGE, habits.storage(day)


def _about(expected: float, rng: random.Random) -> int:
    """A whole number that is `expected` on average."""
    whole = int(expected)
    return whole + (rng.random() < expected - whole)
