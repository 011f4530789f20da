"""Where every event went: nothing disappears silently."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from catalog.selectors import list_metrics, metric_spec
from core.errors import InvalidInput
from customers.selectors import ids_by_ingest_name
from engine.usage import MetricSpec
from usage.store import RefusedEvent, UnbilledReason, UnmatchedEvent, UnmatchedQuery, get_store

EXPLAINED: Final = {
    UnbilledReason.NO_CUSTOMER: "no customer has this id or ingest alias",
    UnbilledReason.NO_METRIC: "no billable metric counts this event type with these properties",
    UnbilledReason.NO_VALUE: "a billable metric would count it, but its value is missing or not a number",
}
MOST_REFS: Final = 100


@dataclass(frozen=True, slots=True)
class UnknownRef:
    """A name that nobody has, and the events that came under it."""

    ref: str
    events: int
    first_received_at: datetime


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was received in `[start, end)` and where it went.

    By the counters kept at the door: sent = accepted + duplicates + rejected; conflicts (same id, other content) are
    among the duplicates. By the events themselves: stored = rated + unmatched, each reason counted by a condition of
    its own. Both meet in accepted = stored + dropped, the latter being what retention has removed since.
    """

    start: datetime
    end: datetime
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    dropped: int
    stored: int
    rated: int
    unmatched: dict[UnbilledReason, int]
    unknown_refs: tuple[UnknownRef, ...]

    @property
    def sent(self) -> int:
        """All events of all requests."""
        return self.accepted + self.duplicates + self.rejected

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not add up; () if all does."""
        placed = self.rated + sum(self.unmatched.values())
        found = []
        if self.accepted != self.stored + self.dropped:
            found.append(f"{self.accepted} were accepted, but {self.stored} are stored and {self.dropped} dropped")
        if self.stored != placed:
            found.append(f"{self.stored} are stored, but {self.rated} are rated and {placed - self.rated} unmatched")
        return tuple(found)


def reconcile(*, start: datetime, end: datetime) -> Reconciliation:
    """The report for events received in `[start, end)`. Raises InvalidInput unless these are whole minutes in order.

    Reads the events of that time once. Archived metrics count, as they do in billing.
    """
    _check(start, end)
    totals = get_store().ingest_totals(start, end, _specs())
    known = ids_by_ingest_name(names=[row.ref for row in totals.refs])
    rated = sum(row.counted for row in totals.refs if row.ref in known)
    unknown = sorted((row for row in totals.refs if row.ref not in known), key=lambda row: (-row.stored, row.ref))
    return Reconciliation(
        start=start,
        end=end,
        accepted=totals.accepted,
        duplicates=totals.duplicates,
        conflicts=totals.conflicts,
        rejected=totals.rejected,
        dropped=totals.dropped,
        stored=sum(row.stored for row in totals.refs),
        rated=rated,
        unmatched={
            UnbilledReason.NO_CUSTOMER: sum(row.counted + row.no_metric + row.no_value for row in unknown),
            UnbilledReason.NO_METRIC: sum(row.no_metric for row in totals.refs if row.ref in known),
            UnbilledReason.NO_VALUE: sum(row.no_value for row in totals.refs if row.ref in known),
        },
        unknown_refs=tuple(UnknownRef(row.ref, row.stored, row.first_received_at) for row in unknown[:MOST_REFS]),
    )


def list_unmatched(
    *,
    start: datetime,
    end: datetime,
    reasons: Sequence[UnbilledReason] = tuple(UnbilledReason),
    limit: int = 100,
    after: int = 0,
) -> tuple[UnmatchedEvent, ...]:
    """Events received in `[start, end)` that are not rated, for these reasons, in order of arrival, after `after`."""
    _check(start, end)
    store, specs = get_store(), _specs()
    refs = [row.ref for row in store.ingest_totals(start, end, specs).refs]
    known = ids_by_ingest_name(names=refs)
    unknown_refs = tuple(ref for ref in refs if ref not in known)
    return store.unmatched(UnmatchedQuery(start, end, specs, unknown_refs, tuple(reasons)), limit, after)


def list_conflicts(*, limit: int = 100, after: tuple[datetime, str] | None = None) -> tuple[RefusedEvent, ...]:
    """Ids that came again with other content, those seen last first. `after`: the time and the id of one of them."""
    return get_store().conflicts(limit, after)


def _specs() -> tuple[MetricSpec, ...]:
    return tuple(dict.fromkeys(metric_spec(metric) for metric in list_metrics(include_archived=True)))


def _check(start: datetime, end: datetime) -> None:
    for name, instant in (("starting_on", start), ("ending_before", end)):
        if instant.second or instant.microsecond:
            raise InvalidInput("must be a whole minute", field=name)
    if start >= end:
        raise InvalidInput("must be after starting_on", field="ending_before")
