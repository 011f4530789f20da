"""Events as rows of binary COPY: everything that can be worked out before a batch waits for its turn."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final

from usage.store.columns import EventColumns
from usage.store.postgres.copy_protocol import field, length_of, pack_int4, pack_int8

try:  # Python 3.11's own, at half the price of OpenSSL's for texts as short as an id
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    sha256 = hashlib.sha256

KEY_BYTES: Final = 16
_ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_KEY_START: Final = b"\0\2" + pack_int4(KEY_BYTES)
_INSTANT_LENGTH: Final = pack_int4(8)
_DIGEST_LENGTH: Final = pack_int4(8)
# Keeps the first 16 bytes of the hash.
_pack_key_row: Final = Struct(f">6s{KEY_BYTES}s4s8s").pack
_start_digest: Final = hashlib.blake2b(digest_size=8).copy  # a copy is cheaper than a new one

EVENT_COLUMNS: Final = 'transaction_id, customer_ref, event_type, "timestamp", properties, received_at'


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch ready for COPY: the rows of the key table and of the events table, in the order sent."""

    columns: EventColumns
    received_at: datetime
    key_rows: Sequence[bytes]
    event_rows: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.key_rows)


def rows_of(columns: EventColumns, received_at: datetime) -> Rows:
    """The rows of a batch. The key is `usage.store.postgres.keys.event_key`; the digest, 64 bits of BLAKE2 over
    everything else that was sent."""
    ids = [text.encode() for text in columns.transaction_ids]
    refs = {ref: field(ref) for ref in set(columns.customer_refs)}
    kinds = {kind: field(kind) for kind in set(columns.event_types)}
    # What stands behind the id in a row, except the time of receipt; jsonb begins with its version.
    contents = [
        b"".join((refs[ref], kinds[kind], _INSTANT_LENGTH, instant, pack_int4(len(properties) + 1), b"\1", properties))
        for ref, kind, instant, properties in zip(
            columns.customer_refs,
            columns.event_types,
            pack_instants(columns.timestamps),
            columns.properties,
            strict=True,
        )
    ]
    last = _INSTANT_LENGTH + pack_instants([received_at])[0]
    return Rows(
        columns,
        received_at,
        [
            _pack_key_row(_KEY_START, sha256(id_).digest(), _DIGEST_LENGTH, _digest(content))
            for id_, content in zip(ids, contents, strict=True)
        ],
        [b"\0\6%b%b%b%b" % (length_of(id_), id_, content, last) for id_, content in zip(ids, contents, strict=True)],
    )


def _digest(content: bytes) -> bytes:
    hashed = _start_digest()
    hashed.update(content)
    return hashed.digest()


def key_in(key_row: bytes) -> bytes:
    """The 16 bytes of the key."""
    return key_row[6:22]


def digest_in(key_row: bytes) -> bytes:
    """The 8 bytes of the digest."""
    return key_row[26:34]


def pack_instants(instants: Sequence[datetime]) -> Sequence[bytes]:
    """PostgreSQL's binary timestamptz: microseconds since 2000."""
    return [pack_int8((instant - _ORIGIN) // _MICROSECOND) for instant in instants]
