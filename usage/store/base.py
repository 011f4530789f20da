"""The interface of an event store, and what every backend guarantees (tests/usage/test_store_conformance.py checks it).

- Durable: when `append` returns, the accepted events survive the death of every process and of the machine's power.
- Once: a transaction id is stored once, for ever; the first event with it wins, inside a batch and between batches. An
  `append` that was interrupted may be repeated with the same events.
- Exact: `aggregate` gives what `engine.usage.aggregate` gives for the same events: decimals, never floats; any order of
  arrival; no window of staleness.
- Source events: `source_events` lists exactly the events that an aggregate counted.

A *ref* is the customer's id or ingest alias as it was sent. Who a ref belongs to is decided by the reader, so an alias
added later brings its earlier events along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from engine.calendar import Period, consecutive
from engine.usage import MetricSpec, UsageRow

if TYPE_CHECKING:
    from usage.store.columns import EventColumns

GroupFilters = Mapping[str, tuple[str | None, ...]]
"""Property name to the texts that pass; None among them lets events pass that lack the property."""

Position = tuple[datetime, int]
"""An event's place in time: (timestamp, arrival). The cursor of pages of source events."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as sent. `properties`: parsed JSON, its numbers int or Decimal; `timestamp`: aware."""

    transaction_id: str
    customer_ref: str
    event_type: str
    timestamp: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AppendResult:
    """The transaction ids of one batch, as many as were sent. `accepted` are stored by it, in the order sent;
    `duplicates` were there before (an id that stands n times in a batch is a duplicate at least n - 1 times)."""

    accepted: tuple[str, ...]
    duplicates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """One metric's usage over windows of one billing period, from its start.

    `windows` are in order and do not overlap. `group_keys`: property names to group by. `group_filters` drop events
    before aggregation, whether or not their names are grouped by. `independent`: each window's own aggregate (the usage
    API); else the increments that billing uses, which sum to the whole (engine.usage).
    Raises engine.errors.InvalidTerms for windows out of order.
    """

    metric_id: UUID
    spec: MetricSpec
    windows: tuple[Period, ...]
    group_keys: tuple[str, ...] = ()
    group_filters: GroupFilters = field(default_factory=lambda: MappingProxyType({}))
    independent: bool = False

    def __post_init__(self) -> None:
        consecutive(self.windows, "windows")


@dataclass(frozen=True, slots=True)
class RollupSpec:
    """Rules that are asked about often, and the group keys (compound ones) by which: kept added up by the store."""

    spec: MetricSpec
    group_keys: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesProgress:
    """How far the store has added up rules by some keys (sorted; () for none).

    `is_ready`: it has caught up with history; until then answers come from raw events: as exact, but slower. `done` of
    `total` events have been gone through; `total` counts those of the beginning.
    """

    spec: MetricSpec
    keys: tuple[str, ...]
    is_ready: bool
    done: int
    total: int
    created_at: datetime
    rolled_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as stored. `arrival` orders events by when they came in; `value` is what it brings to the metric
    asked about, as text (None where no metric was asked about, or where the metric counts events)."""

    arrival: int
    transaction_id: str
    customer_ref: str
    event_type: str
    timestamp: datetime
    properties: Mapping[str, Any]
    received_at: datetime
    value: str | None = None

    @property
    def position(self) -> Position:
        """Its place in time."""
        return self.timestamp, self.arrival


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events in order of time; `next` asks for those after them, None at the end."""

    events: tuple[StoredEvent, ...]
    next: Position | None


class UnbilledReason(StrEnum):
    """Why an event is not billed."""

    NO_CUSTOMER = "NO_CUSTOMER"
    NO_METRIC = "NO_METRIC"
    NO_VALUE = "NO_VALUE"


@dataclass(frozen=True, slots=True)
class RefTotals:
    """The events of one ref: `stored`; `counted` by some of the rules; `no_metric`: they pass no filters; `no_value`:
    they pass some, but their value is missing or no number. Each counted by a condition of its own."""

    ref: str
    stored: int
    counted: int
    no_metric: int
    no_value: int
    first_received_at: datetime


@dataclass(frozen=True, slots=True)
class IngestTotals:
    """What a stretch of time brought, by the counters kept at the door, and by the events themselves (`refs`).

    Conflicts are among the duplicates too. `dropped`: accepted then, gone since by retention.
    """

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    dropped: int
    refs: tuple[RefTotals, ...]


@dataclass(frozen=True, slots=True)
class UnmatchedQuery:
    """Events received in `[start, end)` that are not rated, for these reasons. `unknown_refs`: refs of nobody."""

    start: datetime
    end: datetime
    specs: tuple[MetricSpec, ...]
    unknown_refs: tuple[str, ...]
    reasons: tuple[UnbilledReason, ...] = tuple(UnbilledReason)


@dataclass(frozen=True, slots=True)
class UnmatchedEvent:
    """An event that is not billed, and why."""

    event: StoredEvent
    reason: UnbilledReason


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An id that came again with other content, so many times; the first event stands. `content`: the last refused."""

    transaction_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    times: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How ingest is doing. `events_estimate` may lag behind by minutes; the rest is exact. `durable`: whether the
    server really waits for the disk before it confirms a commit."""

    events_estimate: int
    received_last_minute: int
    received_last_hour: int
    last_received_at: datetime | None
    durable: bool


@dataclass(frozen=True, slots=True)
class IngestMinutes:
    """What was sent in the UTC minute (or from the minute on) that begins at `minute`. Conflicts (a known id with other
    content) are among the duplicates."""

    minute: datetime
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int

    @property
    def sent(self) -> int:
        """All events of all requests."""
        return self.accepted + self.duplicates + self.rejected


@dataclass(frozen=True, slots=True)
class RollupLag:
    """The stored events that are not added up yet: how many (`is_all`: no more than that), and when the first of them
    came in."""

    events: int
    is_all: bool
    oldest_received_at: datetime | None


class UsageStore(Protocol):
    """An event store. Calls may come from many threads and processes at once."""

    def append(self, events: Sequence[NewEvent], received_at: datetime) -> AppendResult:
        """Stores a batch, all or nothing, as a use case of its own (never inside a transaction)."""

    def append_columns(
        self, columns: "EventColumns", received_at: datetime, *, shared: bool = False
    ) -> tuple[int, ...]:
        """Stores a batch like `append`; the places in it of the events that were not stored, being duplicates.

        `shared`: on a connection of the store's own, in one commit with what other threads bring at the same time.
        Raises core.errors.Unavailable where too much is waiting already.
        """

    def count_rejected(self, number: int, received_at: datetime) -> None:
        """Adds to the counters of events that were refused, in a transaction of its own."""

    def aggregate(self, refs: Sequence[str], query: UsageQuery) -> tuple[UsageRow, ...]:
        """The quantities of each group in each window in which an event counted, ordered by group and window."""

    def aggregate_each(self, refs: Sequence[str], queries: Sequence[UsageQuery]) -> list[tuple[UsageRow, ...]]:
        """`aggregate` for each query, of one moment, in a constant number of statements."""

    def ensure_rollup(self, rollups: Sequence[RollupSpec], now: datetime) -> int:
        """Sees to it that these are kept added up from now on, history included; returns how many are new."""

    def drop_rollup(self, rollups: Sequence[RollupSpec]) -> None:
        """No longer keeps these rules added up, by whatever keys; they are answered from raw events then."""

    def roll(self, now: datetime, patience: timedelta = timedelta(0)) -> int:
        """Adds up what came in; returns how many events it took, 0 when there was nothing to do.

        What was added up less than `patience` before `now` may wait for more to come: bigger steps cost less.

        What `aggregate` answers never depends on it, only how fast. It may be interrupted and repeated at any time; of
        several at once one works.
        """

    def progress(self) -> list[SeriesProgress]:
        """All that is kept added up."""

    def source_events(
        self, refs: Sequence[str], query: UsageQuery, limit: int, after: Position | None = None
    ) -> EventPage:
        """The events that `aggregate` counts for the same arguments, in order of time, at most `limit` of them."""

    def search(self, transaction_ids: Sequence[str]) -> tuple[StoredEvent, ...]:
        """The events of these transaction ids, in order of arrival; unknown ids are left out."""

    def known(self, transaction_ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that are stored, dropped events included; in a snapshot with `aggregate`, what it counts."""

    def recent(self, refs: Sequence[str], limit: int) -> tuple[StoredEvent, ...]:
        """The newest events of these refs by timestamp, newest first."""

    def conflicts(self, limit: int, after: tuple[datetime, str] | None = None) -> tuple[RefusedEvent, ...]:
        """Ids that came again with other content, those seen last first. `after`: the last one's time and id."""

    def conflicting(self, transaction_ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that came again with other content."""

    def ingest_totals(self, start: datetime, end: datetime, specs: Sequence[MetricSpec]) -> IngestTotals:
        """What was received in `[start, end)`, whole UTC minutes, and which of it these rules count; of one moment."""

    def unmatched(self, query: UnmatchedQuery, limit: int, after: int = 0) -> tuple[UnmatchedEvent, ...]:
        """These events in order of arrival, those that arrived after `after`."""

    def prepare(self, now: datetime) -> int:
        """Makes room ahead for the events of the coming weeks; returns how much was missing."""

    def drop_before(self, before: datetime) -> tuple[datetime, ...]:
        """Forgets events of whole months before `before`, once they are added up; returns the months.

        Their ids stay known, and what was followed when they came stays counted.
        """

    def count(self, refs: Sequence[str] | None = None) -> int:
        """How many events are stored, of these refs or in all. Exact, so it may take as long as a scan."""

    def health(self, now: datetime) -> StoreHealth:
        """Counters for an operator."""

    def minutes(self, start: datetime, end: datetime) -> tuple[IngestMinutes, ...]:
        """What was sent in the minutes that begin in `[start, end]`, in order; empty minutes are left out."""

    def lag(self) -> RollupLag | None:
        """How far adding up is behind what is stored; None while nothing is kept added up."""
