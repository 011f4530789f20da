"""Sweeps: declared once, in their app's `apps.py`; beat, `run_due_work` and tests carry out the same ones."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any, cast

from django.db import OperationalError
from django.utils.module_loading import import_string

from core.patience import bounded_waits, passes_over
from core.registry import BILLING, Sweep, registrations


@cache
def list_sweeps() -> tuple[Sweep, ...]:
    """All sweeps, each after those whose work it looks for. Raises ValueError where that cannot be."""
    declared = {sweep.name: sweep for app in registrations() for sweep in app.sweeps}
    if len(declared) != sum(len(app.sweeps) for app in registrations()):
        raise ValueError("two sweeps have one name")
    ordered: dict[str, Sweep] = {}
    for sweep in declared.values():
        _place(sweep, declared, ordered, ())
    return tuple(ordered.values())


def _place(sweep: Sweep, declared: dict[str, Sweep], ordered: dict[str, Sweep], waiting: tuple[str, ...]) -> None:
    if sweep.name in waiting:
        raise ValueError(f"sweeps wait for each other: {', '.join((*waiting, sweep.name))}")
    for name in sweep.after:
        if name not in declared:
            raise ValueError(f"{sweep.name} waits for {name}, which is no sweep")
        _place(declared[name], declared, ordered, (*waiting, sweep.name))
    ordered.setdefault(sweep.name, sweep)


def run_sweep(name: str, *, clock: Callable[[], datetime]) -> int:
    """What a sweep's job does: first what it comes after, then itself, as long as there is work and time.

    Returns how many items were done.
    """
    sweeps = {sweep.name: sweep for sweep in list_sweeps()}
    end = monotonic() + sweeps[name].budget_seconds
    done = 0
    for sweep in sweeps.values():
        if sweep.name == name or sweep.name in _before(name, sweeps):
            more = {"patience": sweep.patience} if sweep.patience else {}
            while made := _carry_out(sweep, now=clock(), **more):
                done += made
                if monotonic() >= end:
                    return done
    return done


def run_due_work(*, clock: Callable[[], datetime]) -> int:
    """All work that is due, in the foreground; returns how many items. One sweep may make work for another."""
    total, progress = 0, True
    while progress:
        made = sum(_carry_out(sweep, now=clock()) for sweep in list_sweeps() if sweep.foreground)
        total, progress = total + made, made > 0
    return total


def run_customer_work(*, now: datetime) -> int:
    """All that is due at `now` for the customers of the clock that is acted on; returns how many items."""
    total, progress = 0, True
    while progress:
        made = sum(_carry_out(sweep, now=now) for sweep in list_sweeps() if sweep.next_due)
        total, progress = total + made, made > 0
    return total


def next_due(*, after: datetime) -> datetime | None:
    """When something is due next for the customers of the clock that is acted on; None: nothing is to come."""
    times = (import_string(sweep.next_due)(after=after) for sweep in list_sweeps() if sweep.next_due)
    return min((at for at in times if at is not None), default=None)


def never(*, after: datetime) -> datetime | None:  # noqa: ARG001 - as each `next_due` is called
    """For a sweep at which a test clock need not stop."""
    return None


@cache
def queue_of(job: str) -> str:
    """The queue of a job by its name."""
    queues = {name: queue for app in registrations() for name, queue in app.job_queues.items()}
    queues |= {sweep.name: sweep.queue for sweep in list_sweeps()}
    return queues.get(job, BILLING)


def _before(name: str, sweeps: dict[str, Sweep]) -> set[str]:
    """All sweeps that one comes after, directly or not."""
    found: set[str] = set()
    for other in sweeps[name].after:
        found |= {other} | _before(other, sweeps)
    return found


def _carry_out(sweep: Sweep, **more: Any) -> int:
    """One call of its function, which waits for nobody for long: what is locked is left for the next run."""
    function = cast("Callable[..., int]", import_string(sweep.function))
    with bounded_waits():
        try:
            return function(**more)
        except OperationalError as error:
            if not passes_over(error):
                raise
            return 0
