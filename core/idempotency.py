"""`Idempotency-Key`: the first request with a key is carried out, every later one gets its stored answer.

Three states survive a crash at any point: RUNNING (nothing committed: may be taken over after a while), COMMITTED (the
use case is committed but its answer was lost: never carried out again), ANSWERED (replayed, errors included). Keys are
kept for `KEEP`.
"""

import contextlib
import hashlib
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from core.errors import Conflict, InvalidInput
from core.exact_json import BadJson, canonical, loads
from core.models import ApiKey, IdempotentRequest
from core.patience import limit_waits

KEEP = timedelta(days=7)
TAKE_OVER_AFTER = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Claim:
    """A key taken for one request. Who takes it over later has another `started_at`: that fences off the first."""

    id: int
    started_at: datetime


_current: ContextVar[Claim | None] = ContextVar("idempotent_request", default=None)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer given before, to be sent again as it was."""

    status: int
    content_type: str
    body: bytes


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """What must be equal for two requests to be the same: method, full path with query, and the JSON of the body.

    The order of keys, white space and escapes make no difference: a client may write the same down anew. Numbers are
    the same as they are spelled. A body that is not JSON is the same byte by byte.
    """
    with contextlib.suppress(BadJson):
        body = canonical(loads(body))
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


def begin(*, api_key: ApiKey, key: str, digest: bytes, now: datetime) -> StoredAnswer | Claim:
    """Claims `key`: the stored answer if there is one, else the claim for `finish`.

    Raises InvalidInput for a malformed key, Conflict when it was used for another request or is still being worked on.
    """
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise InvalidInput("must be 1 to 255 printable ASCII characters", field="Idempotency-Key")
    with transaction.atomic():
        claim, created = IdempotentRequest.objects.get_or_create(
            api_key=api_key, key=key, defaults={"request_hash": digest, "started_at": now}
        )
        if created:
            return Claim(claim.pk, now)
        held = IdempotentRequest.objects.select_for_update().filter(pk=claim.pk).first()
        if held is None:  # abandoned a moment ago
            raise _still_running()
        if bytes(held.request_hash) != digest:
            raise Conflict("this Idempotency-Key was used for a different request")
        if held.state == IdempotentRequest.State.ANSWERED:
            return StoredAnswer(held.status or 200, held.content_type, bytes(held.body))
        if now - held.started_at < TAKE_OVER_AFTER:
            raise _still_running()
        if held.state == IdempotentRequest.State.COMMITTED:
            raise Conflict(
                "a request with this Idempotency-Key was carried out, but its answer was lost; read the object instead"
            )
        held.started_at = now
        held.save(update_fields=["started_at"])
        return Claim(held.pk, now)


def _still_running() -> Conflict:
    return Conflict("a request with this Idempotency-Key is still being carried out", retry_after=1)


def _rows(claim: Claim) -> QuerySet[IdempotentRequest]:
    """The claim's row as long as nobody else has taken it over."""
    return IdempotentRequest.objects.filter(pk=claim.id, started_at=claim.started_at)


def finish(claim: Claim, answer: StoredAnswer) -> None:
    """Stores the answer that every repetition gets."""
    _rows(claim).update(
        state=IdempotentRequest.State.ANSWERED,
        status=answer.status,
        content_type=answer.content_type[:100],
        body=answer.body,
    )


def abandon(claim: Claim) -> None:
    """Frees a key whose request was refused before anything was committed (403, 429): the next try is a first one."""
    _rows(claim).filter(state=IdempotentRequest.State.RUNNING).delete()


def release_current() -> None:
    """Frees the request's key: what it did was undone, and is no answer to keep. Without a claim, does nothing."""
    claim = _current.get()
    if claim is not None:
        abandon(claim)


def set_current(claim: Claim | None) -> None:
    """Makes `claim` the one that `record_commit` marks, for the rest of this request."""
    _current.set(claim)


def record_commit() -> None:
    """Marks the request's claim COMMITTED in the use case's own transaction. Without a claim, does nothing.

    Raises Conflict, which undoes the use case, if the request took so long that another one has taken over its key.
    """
    claim = _current.get()
    if claim is not None and not _rows(claim).update(state=IdempotentRequest.State.COMMITTED):
        raise _still_running()


def forget_old(*, now: datetime) -> int:
    """Deletes keys older than `KEEP`; returns how many."""
    old = IdempotentRequest.objects.filter(started_at__lt=now - KEEP)
    with transaction.atomic():
        limit_waits()
        return IdempotentRequest.objects.filter(pk__in=old.select_for_update(skip_locked=True).values("pk")).delete()[0]
