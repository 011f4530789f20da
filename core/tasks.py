"""Celery entries of the kernel: one job for each sweep that an app declares."""

from celery import shared_task

from core.clock import now
from core.sweeps import list_sweeps, run_sweep


def _make_job(name: str) -> None:
    @shared_task(name=name)
    def run() -> None:
        run_sweep(name, clock=now)


for _sweep in list_sweeps():
    _make_job(_sweep.name)
