"""Facts that travel up: `publish` appends one to the outbox and runs its reactions (`billing_site/reactions.py`).

Reactions run in the same transaction, so a reader never sees a contract without its drafts; work that may wait or that
speaks to the outside is enqueued by them (`core.jobs`). See docs/adr/0003.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from core.models import Event
from core.transactions import require_transaction


def publish(
    name: str,
    subject: models.Model,
    *,
    at: datetime,
    customer_id: UUID | None = None,
    payload: dict[str, Any] | None = None,
) -> Event:
    """Appends the fact `name` (past tense, `invoice.finalized`) about `subject`.

    The payload is JSON-able, decimals as strings. Raises RuntimeError outside a use case's transaction.
    """
    require_transaction()
    event = Event.objects.create(
        name=name,
        subject_type=subject._meta.model_name or "",
        subject_id=subject.pk,
        customer_id=customer_id,
        payload=payload or {},
        occurred_at=at,
    )
    for path in settings.EVENT_REACTIONS.get(name, ()):
        import_string(path)(event)
    return event
