"""Who is looking, and from which pages."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from console.models import AccessToken, EmbedOrigin
from core.keys import hash_secret


@dataclass(frozen=True, slots=True)
class Viewer:
    """The customer whose console this is, as one live access token allows it to be seen."""

    session_id: UUID
    customer_id: UUID
    scopes: frozenset[str]
    options: dict[str, Any] = field(default_factory=dict)

    def may(self, scope: str) -> bool:
        """Whether the session was given `scope`."""
        return scope in self.scopes


def embed_origins() -> list[str]:
    """The exact origins whose pages may frame the console: registered ones, then those of the environment."""
    registered = EmbedOrigin.objects.order_by("origin").values_list("origin", flat=True)
    return list(dict.fromkeys([*registered, *settings.TACTUS_EMBED_ORIGINS]))


def find_viewer(token: str, *, now: datetime) -> Viewer | None:
    """Who holds this access token; None where it is unknown, expired or revoked."""
    found = (
        AccessToken.objects.select_related("session")
        .filter(token_hash=hash_secret(token), expires_at__gt=now)
        .filter(session__revoked_at__isnull=True, session__expires_at__gt=now)
        .first()
    )
    if found is None:
        return None
    session = found.session
    return Viewer(session.pk, session.customer_id, frozenset(session.scopes), session.options)
