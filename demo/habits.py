"""How much each customer of the story uses when, as events. A day of a story always gives the same ones."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from demo.story import (
    COMPLETION,
    CONCURRENCY,
    EMBED,
    EMBEDDING,
    LATE,
    SEARCH,
    SESSION,
    STORAGE,
    TRAINING,
    Calendar,
    Customer,
    Habit,
)
from usage.store import NewEvent

# Weight of each UTC hour, and per mille of an average working day for Monday to Sunday.
_OFFICE = (1, 1, 1, 1, 2, 3, 6, 10, 14, 15, 15, 13, 12, 14, 15, 14, 11, 8, 5, 4, 3, 2, 2, 1)
HOURS = {
    "office-europe": _OFFICE,
    "office-america": _OFFICE[-7:] + _OFFICE[:-7],
    "evening": (13, 14, 14, 12, 9, 6, 4, 2, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14),
    "always": (8, 8, 7, 7, 7, 8, 9, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 9, 9, 9, 8, 8),
}
WEEK = {
    "office-europe": (1000, 1060, 1080, 1030, 900, 180, 150),
    "office-america": (980, 1050, 1070, 1040, 930, 260, 240),
    "evening": (800, 790, 810, 880, 1150, 1420, 1330),
    "always": (1000, 1010, 1010, 1000, 990, 930, 920),
}
GAUGE_HOURS = 3


@dataclass(frozen=True, slots=True)
class Day:
    """One customer's day: how much of its average working day it uses, in millionths, and how old the story is."""

    customer: Customer
    habit: Habit
    start: datetime
    age_days: int
    level: int

    def amount(self, average: int) -> int:
        """`average` of a working day, on this day."""
        return average * self.level // 1_000_000


def history(customer: Customer, calendar: Calendar, *, thin: int = 1) -> Iterator[NewEvent]:
    """What a customer used from its contract's start (or the story's) until now or its end, in order of time.

    `thin` divides the number of events, but not of the tokens that they carry: quick loads for tests.
    """
    if customer.habit is None:
        return
    start = calendar[customer.agreement.starts].replace(hour=0)
    end = calendar[customer.archived] if customer.archived else calendar.now
    while start < end:
        day = day_of(customer, customer.habit, start, calendar)
        rng = random.Random(f"{customer.aliases[0]} {start:%Y-%m-%d}")  # noqa: S311 - a story, not a secret
        events = sorted(_events(day, rng, thin), key=lambda event: event[0])
        for number, (at, event_type, properties) in enumerate(events):
            if at < end:
                ref = customer.aliases[-1] if came_late(customer, at, properties, calendar) else customer.aliases[0]
                yield NewEvent(f"{customer.aliases[0]}-{start:%Y%m%d}-{number:04d}", ref, event_type, at, properties)
        start += timedelta(days=1)


def came_late(customer: Customer, at: datetime, properties: Mapping[str, Any], calendar: Calendar) -> bool:
    """Whether an event belongs to the usage that its customer sent late."""
    within = calendar["late_from"] <= at < calendar["late_until"]
    return within and customer.aliases[0] == LATE.alias and properties.get("project") == LATE.project


def day_of(customer: Customer, habit: Habit, start: datetime, calendar: Calendar) -> Day:
    """How busy a day is: the weekday, the growth since the story's start, and a little chance."""
    age = max((start - calendar.start).days, 0)
    chance = random.Random(f"level {customer.aliases[0]} {start:%Y-%m-%d}").randint(880, 1120)  # noqa: S311
    grown = 1000 + habit.growth * age // 7
    return Day(customer, habit, start, age, max(grown, 200) * WEEK[habit.rhythm][start.weekday()] * chance // 1000)


def _events(day: Day, rng: random.Random, thin: int) -> Iterator[tuple[datetime, str, dict[str, str]]]:
    habit = day.habit
    yield from _tokens(day, rng, thin)
    for _ in range(day.amount(habit.searches) // thin):
        yield moment(day, rng), SEARCH, place(habit, rng)
    for _ in range(day.amount(habit.sessions) // thin):
        yield moment(day, rng), SESSION, session(habit, rng)
    if habit.concurrent:
        for hour in range(0, 24, GAUGE_HOURS):
            yield day.start + timedelta(hours=hour), CONCURRENCY, concurrency(day, hour, rng)
    if habit.gigabytes:
        yield day.start + timedelta(hours=23), STORAGE, storage(day)
    if habit.training_seconds and day.start.weekday() in (1, 3):
        yield moment(day, rng), TRAINING, training(day, rng)


def _tokens(day: Day, rng: random.Random, thin: int) -> Iterator[tuple[datetime, str, dict[str, str]]]:
    """Completions and embeddings, summed up by the sender: each event stands for many calls."""
    habit = day.habit
    count = max(day.amount(habit.events) // thin, len(habit.models))
    share = max(count // len(habit.models), 1)
    for model, (tokens_in, tokens_out) in habit.models.items():
        for _ in range(share):
            size = rng.randint(400, 1600)
            used = [
                day.amount(total) * part // (1000 * share)
                for total, part in ((tokens_in, size), (tokens_out, (size + rng.randint(400, 1600)) // 2))
            ]
            yield moment(day, rng), *completion(habit, model, used[0], used[1], rng)


def completion(
    habit: Habit, model: str, tokens_in: int, tokens_out: int, rng: random.Random
) -> tuple[str, dict[str, str]]:
    """Type and properties of an event that carries tokens. Numbers as text, as Metronome advises."""
    properties = {"model": model, **place(habit, rng), "input_tokens": str(tokens_in)}
    if model == EMBED:
        return EMBEDDING, properties
    return COMPLETION, {**properties, "output_tokens": str(tokens_out)}


def moment(day: Day, rng: random.Random) -> datetime:
    """Some time of the day, busy hours more often."""
    [hour] = rng.choices(range(24), HOURS[day.habit.rhythm])
    return day.start + timedelta(hours=hour, seconds=rng.randrange(3600), milliseconds=rng.randrange(1000))


def place(habit: Habit, rng: random.Random) -> dict[str, str]:
    """A project and a region, by their weights."""
    return {"project": _pick(habit.projects, rng), "region": _pick(habit.regions, rng)}


def session(habit: Habit, rng: random.Random) -> dict[str, str]:
    """A session of one of the customer's end users; some come often, most rarely."""
    return {"end_user": f"user-{min(rng.randrange(habit.users), rng.randrange(habit.users)):05d}"}


def concurrency(day: Day, hour: int, rng: random.Random) -> dict[str, str]:
    """How many sessions are open at once in this hour."""
    weights = HOURS[day.habit.rhythm]
    sessions = day.amount(day.habit.concurrent) * weights[hour] * rng.randint(800, 1200) // (max(weights) * 1000)
    return {"sessions": str(max(sessions, 1))}


def storage(day: Day) -> dict[str, str]:
    """What is stored at the end of the day: a little more each day."""
    thousandths = day.habit.gigabytes * (1000 + day.age_days * 4)
    return {"gigabytes": f"{thousandths // 1000}.{thousandths % 1000:03d}"}


def training(day: Day, rng: random.Random) -> dict[str, str]:
    """A fine-tuning run that finished."""
    seconds = day.amount(day.habit.training_seconds) * rng.randint(500, 1500) // 1000
    return {"gpu_seconds": str(seconds), "project": _pick(day.habit.projects, rng)}


def _pick(weights: Mapping[str, int], rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
