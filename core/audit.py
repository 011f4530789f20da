"""The audit trail: who did it. The caller is set once per request or admin action; services only name the change."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import models

from core.events import titles
from core.models import ApprovalRequest, AuditEntry
from core.transactions import require_transaction

TO_BE_MADE: Final = UUID("8f0c2f6a-5d0e-4c35-9c39-0f6d9d1f7f4b")
"""Within it, names of accounts that are still to be made have ids."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever stands behind the present request: an API key, a member of staff, or nobody (the system itself)."""

    api_key_id: UUID | None = None
    user_id: int | None = None
    request_id: str = ""
    ip: str | None = None
    user_agent: str = ""
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
                subject_type=subject_type_of(act.subject),
                subject_id=subject_id_of(act.subject),
                detail=act.detail,
                reason=act.reason,
                request_id=actor.request_id,
                ip=actor.ip,
                user_agent=actor.user_agent[:200],
            )
        )
    return AuditEntry.objects.bulk_create(rows)


def list_entries(
    *,
    starting_on: datetime | None = None,
    ending_before: datetime | None = None,
    resource_type: str | None = None,
    resource_id: UUID | None = None,
) -> models.QuerySet[AuditEntry]:
    """Entries with who did it, in one query: of `[starting_on, ending_before)`, about one record, or all."""
    rows = AuditEntry.objects.select_related("api_key", "user")
    if starting_on is not None:
        rows = rows.filter(at__gte=starting_on)
    if ending_before is not None:
        rows = rows.filter(at__lt=ending_before)
    if resource_type is not None and resource_id is not None:
        rows = rows.filter(subject_type=resource_type, subject_id=resource_id)
    return rows


def subject_type_of(subject: models.Model) -> str:
    """What kind of record it is, as the trail names kinds."""
    named = None if isinstance(subject, ApprovalRequest) else getattr(subject, "subject_type", None)
    return named or subject._meta.model_name or ""


def subject_id_of(subject: models.Model) -> UUID:
    """The id that the trail knows a record by: its own, or that of an account (a number) written as a UUID.

    An account that is still to be made is known by its name.
    """
    if subject.pk is None:
        return uuid5(TO_BE_MADE, str(subject))
    return subject.pk if isinstance(subject.pk, UUID) else UUID(int=subject.pk)


def number_of(key: UUID) -> int | None:
    """The number of an account's id as `subject_id_of` wrote it; None for other ids."""
    return key.int if key.int < 2**31 else None
