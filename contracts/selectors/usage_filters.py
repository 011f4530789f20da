"""Reads of usage filters."""

from collections.abc import Collection
from uuid import UUID

from contracts.models import UsageFilter
from engine.calendar import Period


def usage_filter_spans(*, contract_id: UUID, period: Period) -> list[tuple[Period, dict[str, tuple[str | None, ...]]]]:
    """The stretches of `period` with what passes in each, {} for everything; [] for a contract without filters.

    One query.
    """
    rows = list(UsageFilter.objects.filter(contract_id=contract_id, starting_at__lt=period.end))
    if not rows:
        return []
    found: list[tuple[Period, dict[str, tuple[str | None, ...]]]] = []
    start, passing = period.start, dict[str, tuple[str | None, ...]]()
    for row in rows:
        if row.starting_at > start:
            found.append((Period(start, row.starting_at), passing))
            start = row.starting_at
        passing = {row.group_key: tuple(row.group_values)}
    return [*found, (Period(start, period.end), passing)]


def usage_filters_of(contract_ids: Collection[UUID]) -> dict[UUID, list[UsageFilter]]:
    """The filters of these contracts, by contract and in order of time. One query, none for none."""
    found: dict[UUID, list[UsageFilter]] = {}
    for row in UsageFilter.objects.filter(contract_id__in=list(contract_ids)) if contract_ids else ():
        found.setdefault(row.contract_id, []).append(row)
    return found
