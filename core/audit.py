"""The audit trail: who did it. The caller is set once per request or admin action; services only name the change."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from core.events import titles
from core.models import AuditEntry
from core.transactions import require_transaction


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever stands behind the present request: an API key, a member of staff, or nobody (the system itself)."""

    api_key_id: UUID | None = None
    user_id: int | None = None
    request_id: str = ""
    ip: str | None = None
    label: str = "Tactus"
    is_limited: bool = False
    """Whether it is an API key that may give away only so much alone (`ApiKey.adjustment_limit`)."""


_actor: ContextVar[Actor] = ContextVar("actor", default=Actor())  # noqa: B039 - frozen


def current_actor() -> Actor:
    """The actor of this request or task."""
    return _actor.get()


def set_actor(actor: Actor) -> object:
    """Sets the actor until `reset_actor` gets the returned token."""
    return _actor.set(actor)


def reset_actor(token: Any) -> None:
    """Ends what `set_actor` began."""
    _actor.reset(token)


def record(
    action: str, subject: models.Model, *, at: datetime, detail: dict[str, Any] | None = None, reason: str = ""
) -> AuditEntry:
    """Appends a row for `action` (`invoice.void`) in the transaction of the change.

    Raises RuntimeError outside one, LookupError for an action that has no title for people: its app's `audit_titles`,
    or the event of that name.
    """
    return record_all([Act(action, subject, detail or {}, reason)], at=at)[0]


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to a record, for the trail."""

    action: str
    subject: models.Model
    detail: dict[str, Any]
    reason: str = ""


def record_all(acts: Iterable[Act], *, at: datetime) -> list[AuditEntry]:
    """The same for many acts of one moment, in their order; one statement."""
    require_transaction()
    actor = _actor.get()
    rows = []
    for act in acts:
        if act.action not in titles():
            raise LookupError(f"no app says what {act.action} is called")
        rows.append(
            AuditEntry(
                at=at,
                api_key_id=actor.api_key_id,
                user_id=actor.user_id,
                action=act.action,
                subject_type=getattr(act.subject, "subject_type", None) or act.subject._meta.model_name or "",
                subject_id=act.subject.pk,
                detail=act.detail,
                reason=act.reason,
                request_id=actor.request_id,
                ip=actor.ip,
            )
        )
    return AuditEntry.objects.bulk_create(rows)
