"""API keys seen lately, for a path that cannot afford to ask the database about each request."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.keys import hash_secret
from core.models import ApiKey

TRUSTED_FOR: Final = timedelta(seconds=10)
"""How long a revoked key may go on working here. Its use is noted (`last_used_at`) when it is looked up anew."""
MOST_KEYS: Final = 1000


@dataclass(frozen=True, slots=True)
class LiveKey:
    """What was known of a key when it was looked up."""

    scopes: frozenset[str]
    until: datetime


class LiveKeys:
    """Keys that were good when they were looked up, at most `TRUSTED_FOR` ago. Holds hashes, not secrets."""

    def __init__(self) -> None:
        self._found: dict[bytes, LiveKey] = {}
        self._lock = threading.Lock()

    def remember(self, secret: str, key: ApiKey, *, now: datetime) -> None:
        """Trusts a key that was just found live."""
        until = now + TRUSTED_FOR
        if key.expires_at is not None:
            until = min(until, key.expires_at)
        with self._lock:
            if len(self._found) >= MOST_KEYS:
                self._found.clear()
            self._found[hash_secret(secret)] = LiveKey(frozenset(key.scopes), until)

    def find(self, secret: str, *, now: datetime) -> LiveKey | None:
        """The key, if it is still trusted; None says nothing about it: look it up."""
        key = self._found.get(hash_secret(secret))
        return key if key is not None and now < key.until else None
