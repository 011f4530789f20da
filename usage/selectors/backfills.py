"""How far usage is added up for each metric."""

from dataclasses import dataclass
from datetime import datetime

from catalog.models import BillableMetric
from catalog.selectors import list_metrics, metric_spec
from usage.store import SeriesProgress, get_store


@dataclass(frozen=True, slots=True)
class Backfill:
    """A metric, and how far its history has been added up. Its usage is exact all the time; until `is_ready`, reading
    it takes longer. `done` of `total` events have been gone through."""

    metric: BillableMetric
    is_ready: bool
    done: int
    total: int
    started_at: datetime | None

    @property
    def percent(self) -> int:
        """0 to 100; 100 only when ready."""
        if self.is_ready:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0


def list_backfills() -> list[Backfill]:
    """Every metric that is not archived, newest first. By its slowest group key; not begun: 0 of 0."""
    by_rules: dict[object, list[SeriesProgress]] = {}
    for series in get_store().progress():
        by_rules.setdefault(series.spec, []).append(series)
    found = []
    for metric in list_metrics():
        spec = metric_spec(metric)
        keys = {(), *(tuple(sorted(key)) for key in metric.group_keys)}
        own = [series for series in by_rules.get(spec, []) if series.keys in keys]
        slowest = min(own, key=lambda series: (series.is_ready, series.done), default=None)
        ready = slowest is not None and slowest.is_ready and {series.keys for series in own} == keys
        found.append(
            Backfill(
                metric,
                ready,
                slowest.done if slowest else 0,
                slowest.total if slowest else 0,
                slowest.created_at if slowest else None,
            )
        )
    return found
