"""The Celery application.

PostgreSQL owns all work; a message only says "look now". So every beat entry is a sweep that may run twice, late or not
at all for a while without harm, and beat needs no schedule file.
"""

import os

from celery import Celery
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep

from billing_site.memory import settle_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")

app = Celery("tactus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


def _schedule(sender: Celery, **_: object) -> None:
    """Once Django's apps are loaded, which say what there is to sweep."""
    from billing_site.wiring import beat_schedule  # noqa: PLC0415 - settings import this module

    sender.conf.beat_schedule = beat_schedule()


app.on_after_finalize.connect(_schedule, weak=False)


def _settle(**_: object) -> None:
    """Before it forks, so that the children share what is there."""
    settle_memory()


worker_init.connect(_settle, weak=False)
