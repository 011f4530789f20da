"""`Idempotency-Key`: the first request with a key is carried out, every later one gets its stored answer (errors included).

Three states survive a crash at any point: RUNNING (nothing committed: may be taken over after a minute), COMMITTED (the use case is
committed but its answer was lost: never carried out again), ANSWERED (replayed). Keys are kept for `KEEP`.
"""

import hashlib
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.models import ApiKey, IdempotentRequest

KEEP = timedelta(days=7)
TAKE_OVER_AFTER = timedelta(seconds=90)
_current: ContextVar[int | None] = ContextVar("idempotent_request", default=None)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer given before, to be sent again as it was."""

    status: int
    content_type: str
    body: bytes


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """What must be equal for two requests to be the same: method, full path with query, raw body."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


def begin(*, api_key: ApiKey, key: str, digest: bytes, now: datetime) -> StoredAnswer | int:
    """Claims `key`: the stored answer if there is one, else the claim's id for `finish`.

    Raises InvalidInput for a malformed key, Conflict when the key was used for another request or is still being worked on.
    """
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidInput("must be 1 to 255 printable ASCII characters", field="Idempotency-Key")
    with transaction.atomic():
        claim, created = IdempotentRequest.objects.get_or_create(
            api_key=api_key, key=key, defaults={"request_hash": digest, "started_at": now}
        )
        if created:
            return claim.pk
        claim = IdempotentRequest.objects.select_for_update().get(pk=claim.pk)
        if bytes(claim.request_hash) != digest:
            raise Conflict("this Idempotency-Key was used for a different request")
        if claim.state == IdempotentRequest.State.ANSWERED:
            return StoredAnswer(claim.status or 200, claim.content_type, bytes(claim.body))
        if now - claim.started_at < TAKE_OVER_AFTER:
            raise Conflict("a request with this Idempotency-Key is still being carried out", retry_after=1)
        if claim.state == IdempotentRequest.State.COMMITTED:
            raise Conflict(
                "a request with this Idempotency-Key was carried out, but its answer was lost; read the object instead"
            )
        claim.started_at = now
        claim.save(update_fields=["started_at"])
        return claim.pk


def finish(claim: int, answer: StoredAnswer) -> None:
    """Stores the answer that every repetition gets."""
    IdempotentRequest.objects.filter(pk=claim).update(
        state=IdempotentRequest.State.ANSWERED,
        status=answer.status,
        content_type=answer.content_type[:100],
        body=answer.body,
    )


def abandon(claim: int) -> None:
    """Frees a key whose request was refused before anything began (401, 429): the next try is a first one."""
    IdempotentRequest.objects.filter(pk=claim, state=IdempotentRequest.State.RUNNING).delete()


def set_current(claim: int | None) -> None:
    """Makes `claim` the one that `record_commit` marks, for the rest of this request."""
    _current.set(claim)


def record_commit() -> None:
    """Marks the request's claim COMMITTED in the use case's own transaction. Without a claim, does nothing."""
    claim = _current.get()
    if claim is not None:
        IdempotentRequest.objects.filter(pk=claim).update(state=IdempotentRequest.State.COMMITTED)


def forget_old(*, now: datetime) -> int:
    """Deletes keys older than `KEEP`; returns how many."""
    return IdempotentRequest.objects.filter(started_at__lt=now - KEEP).delete()[0]
