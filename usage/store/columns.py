"""A batch of events by column: what the hot path hands to a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from usage.store.base import NewEvent

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")


def encode_all(properties: Sequence[Mapping[str, Any]]) -> Sequence[bytes]:
    """Each as canonical JSON: keys in order, no blanks, numbers exact. The same content gives the same bytes."""
    return _ENCODER.encode_lines(properties).split(b"\n")[:-1]


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Events in the order sent, a value of each per column. `timestamps` are aware; `properties` are canonical JSON."""

    transaction_ids: Sequence[str]
    customer_refs: Sequence[str]
    event_types: Sequence[str]
    timestamps: Sequence[datetime]
    properties: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.transaction_ids)


def columns_of(events: Sequence[NewEvent]) -> EventColumns:
    """The same events by column."""
    return EventColumns(
        [event.transaction_id for event in events],
        [event.customer_ref for event in events],
        [event.event_type for event in events],
        [event.timestamp for event in events],
        encode_all([event.properties for event in events]),
    )
