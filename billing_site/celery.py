"""The Celery application and the whole beat table.

PostgreSQL owns all work; a message only says "look now". So every beat entry is a sweeper that may run twice, late or
not at all for a while without harm, and beat needs no schedule file.
"""

import os

from celery import Celery
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep

from billing_site.memory import settle_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev")

TASK_APPS = [
    "core",
    "customers",
    "catalog",
    "usage",
    "contracts",
    "balances",
    "billing",
    "reservations",
    "invoices",
    "console",
]

# Seconds between two wake-ups. `expires` drops a wake-up nobody took before the next one: they would only queue up
# behind each other.
BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "invoices.sweep_due": {"task": "invoices.sweep_due", "schedule": 10.0, "options": {"expires": 30}},
    "billing.refresh_draft_totals": {
        "task": "billing.refresh_draft_totals",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "reservations.sweep": {
        "task": "reservations.sweep",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "usage.roll": {"task": "usage.roll", "schedule": 1.0, "options": {"expires": 1}},
    "usage.prepare_storage": {"task": "usage.prepare_storage", "schedule": 3600.0, "options": {"expires": 3600}},
    "billing.drop_old_events": {"task": "billing.drop_old_events", "schedule": 3600.0, "options": {"expires": 3600}},
    "core.forget_old_requests": {"task": "core.forget_old_requests", "schedule": 3600.0, "options": {"expires": 3600}},
    "balances.check_ledgers": {"task": "balances.check_ledgers", "schedule": 300.0, "options": {"expires": 300}},
    "balances.withdraw_forgotten": {
        "task": "balances.withdraw_forgotten",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "console.forget_ended_sessions": {
        "task": "console.forget_ended_sessions",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
}

app = Celery("tactus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks(TASK_APPS)


def _settle(**_: object) -> None:
    """Before it forks, so that the children share what is there."""
    settle_memory()


worker_init.connect(_settle, weak=False)
