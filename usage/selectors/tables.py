"""Usage as tables, for `/v1/usage` and `/v1/usage/groups`: each window's own aggregate, nothing carried over."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from catalog.models import BillableMetric
from catalog.selectors import get_metric, list_metrics, metric_spec
from contracts.selectors import billing_schedule, list_contracts
from core.errors import InvalidInput, NotFound
from core.exact_json import dumps
from customers.models import Customer
from customers.selectors import list_customers, require_customer
from engine.calendar import Period, period_at, split
from engine.usage import Group, UsageRow
from usage.selectors.quantities import get_usage
from usage.store import UsageQuery, get_store

MAX_WINDOWS: Final = 10_000
MAX_GROUP_VALUES: Final = 200
PAIRS_A_PAGE: Final = 50
ROWS_A_PAGE: Final = 1_000

_STEPS: Final = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class GroupBy:
    """A simple group key of a metric, and the values wanted of it (None: all)."""

    key: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class UsageCell:
    """A customer's usage of a metric in a window; `value` is None where no event counted.

    `groups`: by value of the group key, None where none was asked for.
    """

    customer_id: UUID
    metric_id: UUID
    metric_name: str
    window: Period
    value: Decimal | None
    groups: Mapping[str, Decimal | None] | None


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Whole (customer, metric) pairs in the order of their ids; `next` is the last pair shown, None at the end."""

    cells: tuple[UsageCell, ...]
    next: tuple[UUID, UUID] | None


@dataclass(frozen=True, slots=True)
class GroupCell:
    """A group's usage in a window.

    `group`: its value of each key, None for an absent property; {} where nothing was grouped by, and then `value` is
    None where no event counted. `mark` names the cell within its table.
    """

    window: Period
    group: Mapping[str, str | None]
    value: Decimal | None
    mark: str


def usage_windows(period: Period, size: str) -> tuple[Period, ...]:
    """`period` cut by UTC hours or days; uncut for NONE. Raises InvalidInput for more than `MAX_WINDOWS`."""
    if size == "NONE":
        return (period,)
    step = _STEPS[size]
    if (period.end - period.start) / step > MAX_WINDOWS:
        raise InvalidInput(f"at most {MAX_WINDOWS} windows at a time", field="ending_before")
    first = period.start.replace(minute=0, second=0, microsecond=0)
    first = first.replace(hour=0) if size == "DAY" else first
    count = int((period.end - first) / step) + 1
    return tuple(split(period, [first + n * step for n in range(1, count + 1)]))


def current_period(*, customer_id: UUID, now: datetime) -> Period:
    """The billing period around `now` of the customer's oldest contract in force. Raises InvalidInput if none is."""
    contract = list_contracts(customer_id=customer_id, covering_date=now).order_by("starting_at", "id").first()
    if contract is None:
        raise InvalidInput("the customer has no contract in force", field="current_period")
    return period_at(billing_schedule(contract), contract.starting_at, contract.ending_before, now)


def list_usage(
    *,
    windows: Sequence[Period],
    customer_ids: Sequence[UUID] | None = None,
    metrics: Mapping[UUID, GroupBy | None] | None = None,
    after: tuple[UUID, UUID] | None = None,
) -> UsagePage:
    """Each customer's usage of each metric, a cell for every window.

    None stands for all customers, and for all metrics that are not archived.
    Raises NotFound for an unknown id, InvalidInput for a group key that the metric does not have.
    """
    wanted = _metrics(metrics)
    cells: list[UsageCell] = []
    pairs = 0
    last: tuple[UUID, UUID] | None = None
    room = min(PAIRS_A_PAGE, -(-ROWS_A_PAGE // max(len(windows), 1)))
    for customer in _customers(customer_ids, after):
        beyond = [entry for entry in wanted if after is None or (customer.pk, entry[0].pk) > after]
        if beyond and pairs == room:
            return UsagePage(tuple(cells), last)
        shown = beyond[: room - pairs]
        cells += _cells(customer, shown, windows)
        pairs += len(shown)
        if shown:
            last = customer.pk, shown[-1][0].pk
        if len(shown) < len(beyond):
            return UsagePage(tuple(cells), last)
    return UsagePage(tuple(cells), None)


def _metrics(asked: Mapping[UUID, GroupBy | None] | None) -> list[tuple[BillableMetric, GroupBy | None]]:
    if asked is None:
        return [(metric, None) for metric in list_metrics().order_by("id")]
    found = {metric.pk: metric for metric in list_metrics(include_archived=True).filter(pk__in=asked)}
    for metric_id, group_by in asked.items():
        if metric_id not in found:
            raise NotFound(f"no billable metric {metric_id}", field="billable_metrics")
        if group_by is not None and [group_by.key] not in found[metric_id].group_keys:
            raise InvalidInput(f"{group_by.key!r} is not a simple group key", field="billable_metrics.group_by")
    return [(found[metric_id], asked[metric_id]) for metric_id in sorted(asked)]


def _customers(asked: Sequence[UUID] | None, after: tuple[UUID, UUID] | None) -> list[Customer]:
    rows = list_customers(archived=None, customer_ids=asked).order_by("id")
    if asked is not None:
        missing = set(asked) - set(rows.values_list("pk", flat=True))
        if missing:
            raise NotFound(f"no customer {min(missing)}", field="customer_ids")
    if after is not None:
        rows = rows.filter(pk__gte=after[0])
    return list(rows[: PAIRS_A_PAGE + 2])


def _cells(
    customer: Customer, wanted: Sequence[tuple[BillableMetric, GroupBy | None]], windows: Sequence[Period]
) -> list[UsageCell]:
    """The cells of one customer, read in a constant number of statements."""
    refs = [str(customer.pk), *(row.alias for row in customer.aliases.all())]
    queries = [query for metric, group_by in wanted for query in _queries(metric, group_by, windows)]
    answers = iter(get_store().aggregate_each(refs, queries))
    cells = []
    for metric, group_by in wanted:
        values = {row.window: row.quantity for row in next(answers)}
        groups = {} if group_by is None else _by_window(next(answers), group_by, windows)
        cells += [
            UsageCell(customer.pk, metric.pk, metric.name, window, values.get(window), groups.get(window))
            for window in windows
        ]
    return cells


def _queries(metric: BillableMetric, group_by: GroupBy | None, windows: Sequence[Period]) -> list[UsageQuery]:
    """The question about the whole, and the one about the groups where they are wanted."""
    whole = UsageQuery(metric.pk, metric_spec(metric), tuple(windows), independent=True)
    if group_by is None:
        return [whole]
    filters = {} if group_by.values is None else {group_by.key: group_by.values}
    return [whole, replace(whole, group_keys=(group_by.key,), group_filters=filters)]


def _by_window(
    rows: Sequence[UsageRow], group_by: GroupBy, windows: Sequence[Period]
) -> dict[Period, dict[str, Decimal | None]]:
    """The value of each group in each window: the groups asked for, else those seen, at most `MAX_GROUP_VALUES`."""
    seen = sorted({row.group[0] for row in rows if row.group[0] is not None})
    names = seen[:MAX_GROUP_VALUES] if group_by.values is None else group_by.values
    table: dict[Period, dict[str, Decimal | None]] = {window: dict.fromkeys(names) for window in windows}
    for row in rows:
        if row.group[0] in table[row.window]:
            table[row.window][row.group[0]] = row.quantity
    return table


def list_usage_by_group(
    *,
    customer_id: UUID,
    metric_id: UUID,
    windows: Sequence[Period],
    group_key: Sequence[str] = (),
    group_filters: Mapping[str, Sequence[str]] | None = None,
    limit: int = 100,
    after: str | None = None,
) -> tuple[list[GroupCell], str | None]:
    """Cells in the order of windows, then groups, and the mark of the last one if there are more.

    Raises NotFound for an unknown id; InvalidInput for a group key that is not a whole one of the metric's, for a
    filter on a key that is not grouped by, and for an unknown `after`.
    """
    require_customer(customer_id=customer_id, field="customer_id")
    metric = get_metric(metric_id=metric_id, field="billable_metric_id")
    keys = tuple(group_key)
    if keys and sorted(keys) not in [sorted(key) for key in metric.group_keys]:
        raise InvalidInput("must be a group key of the metric, with all of its parts", field="group_key")
    filters = {name: tuple(values) for name, values in (group_filters or {}).items() if values}
    if not filters.keys() <= set(keys):
        raise InvalidInput("may only name keys that stand in group_key", field="group_filters")
    query = UsageQuery(metric_id, metric_spec(metric), tuple(windows), keys, filters, independent=True)
    [rows] = get_usage(customer_id=customer_id, queries=[query])
    cells = _group_cells(rows, keys, windows)
    start = 0
    if after is not None:
        marks = [cell.mark for cell in cells]
        if after not in marks:
            raise InvalidInput("not a cursor that this list gave out", field="next_page")
        start = marks.index(after) + 1
    page = cells[start : start + limit]
    return page, page[-1].mark if start + limit < len(cells) else None


def _group_cells(rows: Sequence[UsageRow], keys: Sequence[str], windows: Sequence[Period]) -> list[GroupCell]:
    if not keys:
        values = {row.window: row.quantity for row in rows}
        return [GroupCell(window, {}, values.get(window), _mark(window, ())) for window in windows]
    # The store sorts by group; a stable sort by window keeps that order within each.
    return [
        GroupCell(row.window, dict(zip(keys, row.group, strict=True)), row.quantity, _mark(row.window, row.group))
        for row in sorted(rows, key=lambda row: row.window)
    ]


def _mark(window: Period, group: Group) -> str:
    return hashlib.sha256(dumps([window.start, *group])).hexdigest()[:32]
