"""API keys: made once, shown once, stored as a hash.

Format: `tactus_live_` + 32 random base-62 characters (190 bits) + a 6-character CRC-32 checksum, so that a scanner can
tell a key from a look-alike without asking us. At this entropy a plain SHA-256 is enough; a slow hash would only slow
every request.
"""

import hashlib
import secrets
import string
import zlib
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from core import audit
from core.errors import InvalidInput
from core.models import ApiKey
from core.registry import scopes as known_scopes
from core.transactions import use_case
from engine.money import EXACT, checked, plain

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX = "tactus_live_"
_LAST_USED_STEP = timedelta(minutes=1)


def create_api_key(
    *,
    name: str,
    scopes: list[str],
    now: datetime,
    expires_at: datetime | None = None,
    made_by_id: int | None = None,
    adjustment_limit: Decimal | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its secret, which cannot be had again.

    `adjustment_limit`: USD cents that it may give or take alone, at once and within 24 hours; None, any, only for keys
    that no person (`made_by_id`) makes. Raises InvalidInput naming the field, for an unknown scope too.
    """
    unknown = sorted(set(scopes) - known_scopes())
    if unknown or not scopes:
        raise InvalidInput(
            f"unknown scope {', '.join(unknown) or '(none given)'}; known: {', '.join(sorted(known_scopes()))}",
            field="scopes",
        )
    if adjustment_limit is not None:
        checked(adjustment_limit, "adjustment_limit")
    elif made_by_id is not None:
        raise InvalidInput("is needed for a key that a person makes", field="adjustment_limit")
    body = "".join(secrets.choice(ALPHABET) for _ in range(32))
    secret = PREFIX + body + _checksum(body)
    with use_case():
        key = ApiKey.objects.create(
            name=name[:160],
            prefix=secret[: len(PREFIX) + 4],
            last4=secret[-4:],
            key_hash=hash_secret(secret),
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=expires_at,
            made_by_id=made_by_id,
            adjustment_limit=adjustment_limit,
        )
        detail = {"name": key.name, "scopes": key.scopes, "may_post_alone": limit_text(key)}
        audit.record("api_key.create", key, at=now, detail=detail)
    return key, secret


def limit_text(key: ApiKey) -> str:
    """What a key may give or take alone, for people: "250 USD", "no limit"."""
    limit = key.adjustment_limit
    return "no limit" if limit is None else f"{plain(limit.scaleb(-2, context=EXACT))} USD"


def revoke_api_key(*, key_id: UUID, now: datetime) -> ApiKey:
    """Ends a key at once. Doing it twice changes nothing."""
    with use_case():
        key = ApiKey.objects.select_for_update().get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = now
            key.save(update_fields=["revoked_at"])
            audit.record("api_key.revoke", key, at=now)
    return key


def find_live_key(secret: str, *, now: datetime) -> ApiKey | None:
    """The key of this secret, unless it is unknown, revoked or expired. Notes its use, at most once a minute."""
    if not looks_like_key(secret):
        return None
    key = ApiKey.objects.filter(key_hash=hash_secret(secret), revoked_at__isnull=True).first()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or now - key.last_used_at >= _LAST_USED_STEP:
        ApiKey.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lt=now), pk=key.pk).update(
            last_used_at=now
        )
    return key


def looks_like_key(secret: str) -> bool:
    """Whether the shape and the checksum are those of a key; refuses garbage without a query."""
    body, checksum = secret[len(PREFIX) : -6], secret[-6:]
    return (
        secret.startswith(PREFIX)
        and len(body) == 32
        and secret.isascii()
        and secrets.compare_digest(checksum, _checksum(body))
    )


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a bearer secret, as stored."""
    return hashlib.sha256(secret.encode()).digest()


def _checksum(body: str) -> str:
    number, text = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        text = ALPHABET[digit] + text
    return text.rjust(6, "0")
