"""The key under which a transaction id is remembered for ever."""

import hashlib
from uuid import UUID


def event_key(transaction_id: str) -> UUID:
    """The first 128 bits of SHA-256 over the id's UTF-8: what PostgreSQL computes with `sha256` too (`KEY_SQL`)."""
    return UUID(bytes=hashlib.sha256(transaction_id.encode()).digest()[:16])


KEY_SQL = "encode(substr(sha256(convert_to({}, 'UTF8')), 1, 16), 'hex')::uuid"
"""The same in SQL; `{}` is an expression of type text."""
