"""Ingest health: what comes in, how far it is added up, what was refused, and whether a confirmed event is on disk.

The upper part asks again every ten seconds while somebody looks; it reads counters, never the events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from console.ranges import Choice
from core.clock import now
from presentation import formatting
from presentation.charts.stacked_bars import Point, StackedBars, stacked_bars
from usage.selectors import IngestHealth, IngestMinutes, ingest_health, ingest_minutes, list_backfills

PERMISSION = "usage.view_usageevent"
SPANS = {"1": ("1 hour", 1), "6": ("6 hours", 5), "24": ("24 hours", 15), "72": ("3 days", 60)}
"""Hours to look back: their name, and the minutes of one column."""
SLOW_LAG = timedelta(seconds=10)
MOST_BACKFILLS = 50


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its name and what it covers; `tone` is bad or warn where somebody should look, `url` leads on."""

    label: str
    figure: str
    note: str
    tone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """The part that refreshes itself; `health` is None where the store does not answer."""

    as_of: datetime
    hours: str
    spans: tuple[Choice, ...]
    tiles: tuple[Tile, ...]
    chart: StackedBars | None
    backfills: tuple[Any, ...]
    ready: int


def health_page(request: HttpRequest) -> HttpResponse:
    """The page."""
    _require(request)
    shown = {**admin.site.each_context(request), "title": "Ingest health", "live": live(request)}
    return TemplateResponse(request, "admin/back_office/ingest.html", shown)


def health_live(request: HttpRequest) -> HttpResponse:
    """Its upper part alone."""
    _require(request)
    return TemplateResponse(request, "admin/back_office/parts/ingest_live.html", {"live": live(request)})


def live(request: HttpRequest) -> Live:
    """What the page says now. Five statements."""
    at = now()
    asked = request.GET.get("hours", "")
    hours = asked if asked in SPANS else "1"
    spans = tuple(Choice(value, name, value == hours) for value, (name, _) in SPANS.items())
    try:
        health = ingest_health(now=at)
        minutes = ingest_minutes(start=_floor(at, hours) - timedelta(hours=int(hours)), end=at)
        backfills = list_backfills()
    except OperationalError:
        gone = Tile("Event store", "unreachable", "The database of events does not answer.", "bad")
        return Live(at, hours, spans, (gone,), None, (), 0)
    open_ = [row for row in backfills if not row.is_ready]
    return Live(
        at,
        hours,
        spans,
        tuple(tiles(health, at)),
        chart_of(minutes, hours, at),
        tuple(open_[:MOST_BACKFILLS]),
        len(backfills) - len(open_),
    )


def tiles(health: IngestHealth, at: datetime) -> list[Tile]:
    """The counters as tiles; what somebody should look at has a tone."""
    store, hour = health.store, health.last_hour
    per_second = f"{store.received_last_minute / 60:,.1f} a second"
    return [
        Tile("Last minute", f"{store.received_last_minute:,}", f"events accepted, {per_second}"),
        Tile("Last hour", f"{hour.accepted:,}", "events accepted"),
        Tile(
            "Last event",
            formatting.ago(store.last_received_at, at),
            f"{formatting.instant(store.last_received_at)} UTC",
        ),
        _lag(health, at),
        Tile("Duplicates", f"{hour.duplicates - hour.conflicts:,}", "in the last hour, sent again and not counted"),
        Tile(
            "Conflicts",
            f"{hour.conflicts:,}",
            "in the last hour: a known id with other content",
            "warn" if hour.conflicts else "",
            reverse("admin:usage_conflicts"),
        ),
        Tile("Rejected", f"{hour.rejected:,}", "in the last hour: malformed, refused with a reason",
             "warn" if hour.rejected else ""),
        Tile("Durable", "yes", "a confirmed event is on disk")
        if store.durable
        else Tile("Durable", "no", "the server confirms before the disk has it", "bad"),
        Tile(
            "Stored",
            f"{store.events_estimate:,}" if store.events_estimate else formatting.DASH,
            "events, as the database estimates now and then",
        ),
    ]  # fmt: skip


def _lag(health: IngestHealth, at: datetime) -> Tile:
    """How far adding up is behind. Answers are exact all the same: they add the newest events themselves."""
    lag = health.lag
    if lag is None:
        return Tile("Adding up", "not begun", "no metric is kept added up yet; usage is read from events")
    if not lag.events:
        return Tile("Adding up", "up to date", "every event is in the totals")
    behind = at - lag.oldest_received_at if lag.oldest_received_at else timedelta(0)
    count = f"{lag.events:,} events" if lag.is_all else f"more than {lag.events:,} events"
    return Tile(
        "Adding up",
        f"{max(0, int(behind.total_seconds())):,} s behind",
        f"{count} to go; answers are exact meanwhile",
        "warn" if behind > SLOW_LAG else "",
    )


def chart_of(minutes: Sequence[IngestMinutes], hours: str, at: datetime) -> StackedBars | None:
    """Events by minute, or by several in a longer span; None where nothing was sent."""
    name, size = SPANS[hours]
    if not any(row.sent for row in minutes):
        return None
    step = timedelta(minutes=size)
    first = _floor(at, hours) - timedelta(hours=int(hours))
    columns: dict[int, dict[str, int]] = {}
    for row in minutes:
        column = columns.setdefault((row.minute - first) // step, {})
        for label, value in (
            ("Accepted", row.accepted),
            ("Duplicates", row.duplicates - row.conflicts),
            ("Conflicts", row.conflicts),
            ("Rejected", row.rejected),
        ):
            if value:
                column[label] = column.get(label, 0) + value
    points = []
    for n in range(int(hours) * 60 // size + 1):
        begins = first + n * step
        label = f"{begins:%H:%M}" if hours == "1" else f"{formatting.day(begins, year=False)}, {begins:%H:%M}"
        short = f"{begins:%H:%M}" if _is_marked(begins, hours) else ""
        points.append(Point(label, short, {text: Decimal(value) for text, value in columns.get(n, {}).items()}))
    by = "minute" if size == 1 else "hour" if size == 60 else f"{size} minutes"
    return stacked_bars(
        points,
        title=f"Events by {by}, last {name}",
        unit="events",
        show=formatting.quantity,
        axis="From (UTC)",
        wide=1100,
    )


def _is_marked(begins: datetime, hours: str) -> bool:
    return begins.minute % 10 == 0 if hours == "1" else begins.minute == 0


def _floor(at: datetime, hours: str) -> datetime:
    """The beginning of the column that holds `at`."""
    _, size = SPANS[hours]
    return at.replace(minute=at.minute - at.minute % size, second=0, microsecond=0)


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
