"""Every write of the console: who may frame it, embed sessions, their tokens, one-time downloads.

Secrets are 256 random bits, stored as SHA-256 only. What is presented decides what it is by its prefix, so that a
code can never pass as an access token. How a host embeds the console: docs/guides/embedding.md; why without cookies:
docs/adr/0009.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db.models import Q

from console.models import AccessToken, DownloadLink, EmbedOrigin, EmbedSession
from console.selectors.access import embed_origins
from core import audit
from core.errors import InvalidInput, NotAuthenticated, NotFound
from core.keys import hash_secret
from core.transactions import require_transaction, use_case
from customers.models import Customer

CODE_LIFE = timedelta(seconds=60)
URL_LIFE = timedelta(hours=1)
ACCESS_LIFE = timedelta(minutes=15)
DOWNLOAD_LIFE = timedelta(seconds=60)
KEEP_ENDED = timedelta(days=1)

SCOPES = ("usage:read", "invoices:read", "credits:read")
CODE_PREFIX, URL_PREFIX, ACCESS_PREFIX = "tactus_code_", "tactus_url_", "tactus_console_"

_NO_SESSION = "this session does not exist or has ended"


@dataclass(frozen=True, slots=True)
class Access:
    """A fresh access token, shown once. `seconds` is its life from now on; `renewable`: `renew_access` may follow."""

    token: str
    seconds: int
    renewable: bool
    session: EmbedSession


def register_origin(*, origin: str, now: datetime) -> EmbedOrigin:
    """Lets pages of `origin` frame the console. Doing it twice changes nothing. Raises InvalidInput for anything but
    an origin.
    """
    exact = checked_origin(origin)
    with use_case():
        row, created = EmbedOrigin.objects.get_or_create(origin=exact, defaults={"created_at": now})
        if created:
            audit.record("embed_origin.register", row, at=now, detail={"origin": exact})
    return row


def remove_origin(*, origin: str, now: datetime) -> None:
    """Pages of `origin` may no longer frame the console; sessions bound to it end."""
    with use_case():
        row = EmbedOrigin.objects.select_for_update().filter(origin=origin).first()
        if row is not None:
            audit.record("embed_origin.remove", row, at=now, detail={"origin": origin})
            EmbedSession.objects.filter(origin=origin, revoked_at__isnull=True).update(revoked_at=now)
            row.delete()


def checked_origin(text: str, *, field: str = "origin") -> str:
    """`text` if it is an exact web origin: https, or http on this very machine; no path, no wildcard, no user.

    Raises InvalidInput.
    """
    parts = urlsplit(text)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise InvalidInput("must be an origin like https://app.example.com", field=field) from error
    host = parts.hostname or ""
    local = host in ("localhost", "127.0.0.1")
    if parts.scheme not in (("https", "http") if local else ("https",)) or text != f"{parts.scheme}://{host}{port}":
        raise InvalidInput("must be an exact origin like https://app.example.com", field=field)
    if not host or not all(part.replace("-", "").isalnum() and part.isascii() for part in host.split(".")):
        raise InvalidInput("must be an exact origin like https://app.example.com", field=field)
    return text


def create_embed_session(
    *,
    customer_id: UUID,
    now: datetime,
    api_key_id: UUID | None = None,
    origin: str = "",
    scopes: Sequence[str] = SCOPES,
    end_user: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[EmbedSession, str]:
    """A session for one customer's console, and the single-use code (60 s) that opens it.

    `origin`: the one page origin that may use it, "" for any registered one. The host is the authority on who is
    signed in: the session lives as long as one access token, then a new code is needed. Raises NotFound for an
    unknown customer, InvalidInput for an origin that is not registered or an unknown scope.
    """
    if origin and origin not in embed_origins():
        raise InvalidInput("is not registered for embedding", field="origin")
    session, code = _start(
        EmbedSession.Start.CODE,
        prefix=CODE_PREFIX,
        life=CODE_LIFE,
        expires_at=now + CODE_LIFE + ACCESS_LIFE,
        customer_id=customer_id,
        api_key_id=api_key_id,
        origin=origin,
        scopes=_checked_scopes(scopes),
        end_user=dict(end_user or {}),
        options=dict(options or {}),
        now=now,
    )
    return session, code


def create_url_session(
    *,
    customer_id: UUID,
    now: datetime,
    api_key_id: UUID | None = None,
    scopes: Sequence[str] = SCOPES,
    options: Mapping[str, Any] | None = None,
) -> tuple[EmbedSession, str]:
    """A session for `getEmbeddableUrl`: its token may be used again and again for one hour, because frames reload.

    Raises NotFound for an unknown customer, InvalidInput for an unknown scope.
    """
    return _start(
        EmbedSession.Start.URL,
        prefix=URL_PREFIX,
        life=URL_LIFE,
        expires_at=now + URL_LIFE,
        customer_id=customer_id,
        api_key_id=api_key_id,
        scopes=_checked_scopes(scopes),
        options=dict(options or {}),
        now=now,
    )


def exchange(*, secret: str, parent_origin: str, now: datetime) -> Access:
    """A code or a URL's token for an access token. `parent_origin`: the framing page's origin, "" where there is none.

    A code works once; a second use ends what the first one opened, because one of the two was a thief.
    Raises NotAuthenticated.
    """
    with use_case():
        session = _startable(secret)
        replayed = (
            session is not None and session.start == EmbedSession.Start.CODE and session.start_used_at is not None
        )
        if session is not None and replayed:
            session.revoked_at = session.revoked_at or now
            session.save(update_fields=["revoked_at"])
        elif session is not None and _may_open(session, parent_origin, now):
            session.start_used_at = now
            session.save(update_fields=["start_used_at"])
            return _issue(session, now)
    raise NotAuthenticated(_NO_SESSION)


def renew_access(*, token: str, now: datetime) -> Access:
    """Another access token for the session of a live one, while the hour of its URL lasts.

    Raises NotAuthenticated, also for sessions that began with a code: their host gives out a new code instead.
    """
    with use_case():
        session = _session_of(token, now)
        if session is not None and session.start == EmbedSession.Start.URL:
            return _issue(session, now)
    raise NotAuthenticated(_NO_SESSION)


def end_access(*, token: str, now: datetime) -> None:
    """The page went away: its token ends, and with it a session that began with a code. An unknown token changes
    nothing.
    """
    with use_case():
        session = _session_of(token, now)
        if session is not None and session.start == EmbedSession.Start.CODE:
            session.revoked_at = now
            session.save(update_fields=["revoked_at"])
        AccessToken.objects.filter(token_hash=hash_secret(token)).delete()


def revoke_sessions(*, now: datetime, session_id: UUID | None = None, customer_id: UUID | None = None) -> int:
    """Ends one session, or all of a customer, at once; returns how many were alive.

    Raises InvalidInput unless exactly one of the two is given, NotFound for an unknown session.
    """
    if (session_id is None) == (customer_id is None):
        raise InvalidInput("give either session_id or customer_id", field="session_id")
    with use_case():
        chosen = EmbedSession.objects.filter(Q(pk=session_id) if session_id else Q(customer_id=customer_id))
        if session_id and not chosen.exists():
            raise NotFound("no such embed session")
        alive = list(chosen.filter(revoked_at__isnull=True, expires_at__gt=now).select_for_update())
        for session in alive:
            session.revoked_at = now
            session.save(update_fields=["revoked_at"])
            audit.record("embed_session.revoke", session, at=now)
    return len(alive)


def create_download(*, session_id: UUID, path: str, query: str, now: datetime) -> str:
    """A one-time link's token (60 s): the file at `path` of this session's customer. A frame's download carries no
    header.
    """
    token = secrets.token_urlsafe(32)
    with use_case():
        DownloadLink.objects.create(
            token_hash=hash_secret(token),
            session_id=session_id,
            path=path,
            query=query,
            created_at=now,
            expires_at=now + DOWNLOAD_LIFE,
        )
    return token


def use_download(*, token: str, now: datetime) -> DownloadLink:
    """The file behind a one-time link, which is used up by this. Raises NotFound."""
    with use_case():
        link = (
            DownloadLink.objects.select_for_update(of=("self",))
            .select_related("session__customer")
            .filter(token_hash=hash_secret(token), used_at__isnull=True, expires_at__gt=now)
            .filter(session__revoked_at__isnull=True, session__expires_at__gt=now)
            .first()
        )
        if link is None:
            raise NotFound("this download link was used already or has expired")
        link.used_at = now
        link.save(update_fields=["used_at"])
    return link


def forget_ended_sessions(*, now: datetime) -> int:
    """Sweep: drops sessions, with their tokens and links, a day after their end; returns how many. The audit trail
    stays.
    """
    with use_case():
        ended = EmbedSession.objects.filter(expires_at__lt=now - KEEP_ENDED).select_for_update(skip_locked=True)
        found = list(ended.values_list("pk", flat=True)[:500])
        EmbedSession.objects.filter(pk__in=found).delete()
    return len(found)


def _checked_scopes(scopes: Sequence[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(f"must be some of {', '.join(SCOPES)}", field="scopes")
    return sorted(set(scopes))


def _start(
    start: EmbedSession.Start, *, prefix: str, life: timedelta, customer_id: UUID, now: datetime, **fields: Any
) -> tuple[EmbedSession, str]:
    secret = prefix + secrets.token_urlsafe(32)
    with use_case():
        name = Customer.objects.filter(pk=customer_id).values_list("name", flat=True).first()
        if name is None:
            raise NotFound("no such customer")
        session = EmbedSession.objects.create(
            start=start,
            customer_id=customer_id,
            start_hash=hash_secret(secret),
            start_expires_at=now + life,
            created_at=now,
            **fields,
        )
        audit.record(
            "embed_session.create",
            session,
            at=now,
            detail={
                "customer_id": str(customer_id),
                "customer": name,
                "start": start,
                "scopes": session.scopes,
                "end_user": session.end_user,
            },
        )
    return session, secret


def _startable(secret: str) -> EmbedSession | None:
    require_transaction()
    if not secret.startswith((CODE_PREFIX, URL_PREFIX)):
        return None
    return EmbedSession.objects.select_for_update().filter(start_hash=hash_secret(secret)).first()


def _may_open(session: EmbedSession, parent_origin: str, now: datetime) -> bool:
    alive = session.revoked_at is None and now < session.start_expires_at and now < session.expires_at
    return alive and session.origin in ("", parent_origin)


def _session_of(token: str, now: datetime) -> EmbedSession | None:
    require_transaction()
    if not token.startswith(ACCESS_PREFIX):
        return None
    return (
        EmbedSession.objects.select_for_update(of=("self",))
        .filter(tokens__token_hash=hash_secret(token), tokens__expires_at__gt=now)
        .filter(revoked_at__isnull=True, expires_at__gt=now)
        .first()
    )


def _issue(session: EmbedSession, now: datetime) -> Access:
    token = ACCESS_PREFIX + secrets.token_urlsafe(32)
    expires_at = min(now + ACCESS_LIFE, session.expires_at)
    AccessToken.objects.create(token_hash=hash_secret(token), session=session, created_at=now, expires_at=expires_at)
    renewable = session.start == EmbedSession.Start.URL and expires_at < session.expires_at
    return Access(token, int((expires_at - now).total_seconds()), renewable, session)
