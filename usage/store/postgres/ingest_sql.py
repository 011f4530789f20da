"""Storing batches, each event once.

Two ways with the same outcome. `write_unseen` trusts that every id is new: COPY of the keys, COPY of the events,
counters, commit, all in one exchange; the primary key of `usage_eventkey` refuses it as a whole where that was wrong.
`write_checked` asks for each key whether it is new and stores those that are.

Keys are inserted in their own order, then conflicts in theirs, then counters, so that writers which share ids wait for
each other in one order and never deadlock.
"""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

import psycopg

from core.exact_json import dumps
from usage.store.postgres.copy_protocol import BIGINT_ARRAY, UUID_ARRAY, bigint_array, run, run_script, uuid_array
from usage.store.postgres.copy_rows import EVENT_COLUMNS, KEY_BYTES, Rows, digest_in, key_in

MAX_CONTENT: Final = 4000
"""A refused content longer than this many bytes is kept without its properties."""

_COPY_KEYS: Final = b"COPY usage_eventkey (key, digest) FROM STDIN (FORMAT binary);"
_COPY_EVENTS: Final = f"COPY usage_usageevent ({EVENT_COLUMNS}) FROM STDIN (FORMAT binary);".encode()
_ADD_KEYS: Final = (
    b"WITH fresh AS (INSERT INTO usage_eventkey (key, digest) SELECT * FROM unnest($1, $2)"
    b" ON CONFLICT (key) DO NOTHING RETURNING key)"
    b" SELECT string_agg(uuid_send(key), ''::bytea) FROM fresh"
)
_OTHER_CONTENT: Final = (
    b"SELECT uuid_send(sent.key) FROM unnest($1, $2) AS sent (key, digest), LATERAL ("
    b"SELECT digest FROM usage_eventkey k WHERE k.key = sent.key OFFSET 0) stored WHERE stored.digest <> sent.digest"
)
_CONFLICTS: Final = (
    "INSERT INTO usage_eventconflict AS c (transaction_id, first_seen_at, last_seen_at, times, content)"
    " VALUES (%s, %s, %s, %s, %s::jsonb) ON CONFLICT (transaction_id) DO UPDATE"
    " SET last_seen_at = excluded.last_seen_at, times = c.times + excluded.times, content = excluded.content"
)
_COUNT: Final = (
    "INSERT INTO usage_ingestminute AS m (minute, shard, accepted, duplicates, conflicts, rejected) VALUES {}"
    " ON CONFLICT (minute, shard) DO UPDATE SET accepted = m.accepted + excluded.accepted,"
    " duplicates = m.duplicates + excluded.duplicates, conflicts = m.conflicts + excluded.conflicts,"
    " rejected = m.rejected + excluded.rejected"
)
SHARDS: Final = 64

Repeated = tuple[int, ...]
"""The places in a batch of the events that were not stored, because their ids were there before."""


def write_unseen(connection: psycopg.Connection[Any], group: Sequence[Rows]) -> bool:
    """Stores the batches in a transaction of their own, or returns False if an id is not new or stands twice, with
    nothing stored.

    Raises psycopg.Error.
    """
    key_rows = sorted(chain.from_iterable(batch.key_rows for batch in group))
    accepted: Counter[datetime] = Counter()
    for batch in group:
        accepted[batch.received_at] += len(batch)
    counting = count_statement(accepted=accepted).encode()
    event_rows = list(chain.from_iterable(batch.event_rows for batch in group))
    try:
        run_script(connection, _COPY_KEYS + _COPY_EVENTS + counting, (key_rows, event_rows))
    except psycopg.errors.UniqueViolation:
        return False
    return True


def write_checked(connection: psycopg.Connection[Any], group: Sequence[Rows]) -> list[Repeated]:
    """Stores what is new of the batches in the transaction that is open; what was repeated, per batch.

    Where an id stands twice, the first event with it wins. Raises psycopg.Error.
    """
    first: dict[bytes, bytes] = {}
    for key_row in chain.from_iterable(batch.key_rows for batch in group):
        first.setdefault(key_in(key_row), key_row)
    fresh = _add_keys(connection, sorted(first.values()))
    event_rows: list[bytes] = []
    found: list[Repeated] = []
    for batch in group:
        repeated = []
        for place, key_row in enumerate(batch.key_rows):
            key = key_in(key_row)
            if key in fresh:
                fresh.discard(key)
                event_rows.append(batch.event_rows[place])
            else:
                repeated.append(place)
        found.append(tuple(repeated))
    if event_rows:
        run_script(connection, _COPY_EVENTS, (event_rows,))
    conflicts = _note_conflicts(connection, group, found) if any(found) else Counter[datetime]()
    accepted, duplicates = Counter[datetime](), Counter[datetime]()
    for batch, places in zip(group, found, strict=True):
        accepted[batch.received_at] += len(batch) - len(places)
        duplicates[batch.received_at] += len(places)
    run_script(connection, count_statement(accepted, duplicates, conflicts).encode(), ())
    return found


def _add_keys(connection: psycopg.Connection[Any], key_rows: Sequence[bytes]) -> set[bytes]:
    """The keys that were new, and are stored now."""
    [[keys]] = run(connection, _ADD_KEYS, *_arrays(key_rows))
    return {keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)} if keys else set()


def _arrays(key_rows: Sequence[bytes]) -> tuple[tuple[bytes, bytes], tuple[int, int]]:
    keys, digests = uuid_array([*map(key_in, key_rows)]), bigint_array([*map(digest_in, key_rows)])
    return (keys, digests), (UUID_ARRAY, BIGINT_ARRAY)


def _note_conflicts(
    connection: psycopg.Connection[Any], group: Sequence[Rows], found: Sequence[Repeated]
) -> Counter[datetime]:
    """Records the repeated events whose content is not what is stored under their id; how many, by time of receipt."""
    sent = [batch.key_rows[place] for batch, places in zip(group, found, strict=True) for place in places]
    # An id may be repeated with the stored content and with another: each row is judged by itself.
    rows = sorted(set(sent))
    other = {key for [key] in run(connection, _OTHER_CONTENT, *_arrays(rows))}
    if not other:
        return Counter()
    stored = _digests(connection, sorted(key for key in other if key))
    counted: Counter[datetime] = Counter()
    notes: dict[str, tuple[datetime, int, str]] = {}
    for batch, places in zip(group, found, strict=True):
        for place in places:
            key_row = batch.key_rows[place]
            if key_in(key_row) not in other or stored.get(key_in(key_row)) == digest_in(key_row):
                continue
            name = batch.columns.transaction_ids[place]
            counted[batch.received_at] += 1
            notes[name] = (batch.received_at, notes[name][1] + 1 if name in notes else 1, _content(batch, place))
    with psycopg.Cursor(connection) as cursor:
        for name in sorted(notes, key=str.encode):
            seen, times, content = notes[name]
            cursor.execute(_CONFLICTS, [name, seen, seen, times, content])
    return counted


def _digests(connection: psycopg.Connection[Any], keys: Sequence[bytes]) -> dict[bytes, bytes]:
    query = b"SELECT uuid_send(key), int8send(digest) FROM usage_eventkey WHERE key = ANY($1)"
    return {key: digest for key, digest in run(connection, query, [uuid_array(keys)], [UUID_ARRAY]) if key and digest}


def _content(batch: Rows, place: int) -> str:
    """The refused event as JSON."""
    columns = batch.columns
    event: dict[str, object] = {
        "customer_id": columns.customer_refs[place],
        "event_type": columns.event_types[place],
        "timestamp": columns.timestamps[place],
    }
    head = dumps(event).decode()
    properties = columns.properties[place]
    tail = f'"properties":{properties.decode()}' if len(properties) <= MAX_CONTENT else '"properties_left_out":true'
    return f"{head[:-1]},{tail}}}"


def count_statement(
    accepted: Counter[datetime] | None = None,
    duplicates: Counter[datetime] | None = None,
    conflicts: Counter[datetime] | None = None,
    rejected: Counter[datetime] | None = None,
) -> str:
    """Adds to the ingest counters, by time of receipt. Only numbers and instants in it: needs no quoting."""
    kinds = [kind or Counter[datetime]() for kind in (accepted, duplicates, conflicts, rejected)]
    totals: dict[datetime, list[int]] = {}
    for column, kind in enumerate(kinds):
        for moment, number in kind.items():
            minute = moment.replace(second=0, microsecond=0)
            totals.setdefault(minute, [0, 0, 0, 0])[column] += number
    shard = os.getpid() % SHARDS
    values = [f"('{minute.isoformat()}',{shard},{','.join(map(str, row))})" for minute, row in sorted(totals.items())]
    return _COUNT.format(",".join(values))
