"""Where every event went: the proof for a stretch of time, what nothing counts, ids sent again with other content."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.explorer_page import find_customers
from console.ranges import Choice
from core.clock import now
from presentation import formatting
from usage.admin import ShownEvent, shown_events, shown_properties
from usage.selectors import (
    EXPLAINED,
    Reconciliation,
    UnbilledReason,
    list_conflicts,
    list_unmatched,
    match_events,
    reconcile,
)
from usage.store import RefusedEvent

PERMISSION = "usage.view_usageevent"
SPANS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "custom": ("Custom", timedelta(0)),
}
LONGEST = timedelta(days=35)
PAGE = 50
LONGEST_NAME = 128
TITLES = {
    UnbilledReason.NO_CUSTOMER: "Nobody's name",
    UnbilledReason.NO_METRIC: "No metric",
    UnbilledReason.NO_VALUE: "No value",
}


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time asked for, whole UTC minutes; `error` says why something else than asked is shown."""

    span: str
    start: datetime
    end: datetime
    error: str = ""

    @property
    def spans(self) -> tuple[Choice, ...]:
        """What can be chosen."""
        return tuple(Choice(value, name, value == self.span) for value, (name, _) in SPANS.items())

    @property
    def from_(self) -> str:
        """The start as a picker takes it."""
        return f"{self.start:%Y-%m-%dT%H:%M}"

    @property
    def to(self) -> str:
        """The end as a picker takes it."""
        return f"{self.end:%Y-%m-%dT%H:%M}"

    @property
    def words(self) -> str:
        """In words."""
        return formatting.period(self.start, self.end)

    @property
    def query(self) -> str:
        """Exactly this stretch, also later on."""
        return urlencode({"span": "custom", "from": self.from_, "to": self.to})


@dataclass(frozen=True, slots=True)
class Reason:
    """How many events are not rated for a reason, and the address of their list."""

    title: str
    explanation: str
    events: int
    url: str


@dataclass(frozen=True, slots=True)
class ShownConflict:
    """An id that came twice: what stands (None where retention dropped it) and what was refused last."""

    refused: RefusedEvent
    first: ShownEvent | None
    second: tuple[tuple[str, str], ...]
    second_properties: tuple[tuple[str, str, bool], ...]


def read_window(query: Mapping[str, str], at: datetime) -> Window:
    """The window of a query string; one that cannot be is the last hour, with the reason."""
    end = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    usual = Window("1h", end - timedelta(hours=1), end)
    span = query.get("span", "1h")
    if span not in SPANS:
        return Window("1h", usual.start, end, "That stretch of time is not known.")
    if span != "custom":
        return Window(span, end - SPANS[span][1], end)
    start, until = _instant(query.get("from", "")), _instant(query.get("to", ""))
    if start is None or until is None:
        return Window("1h", usual.start, end, "Give both ends, as a date and a time.")
    if start >= until:
        return Window("1h", usual.start, end, "The end must be after the start.")
    if until - start > LONGEST:
        return Window("1h", usual.start, end, f"At most {LONGEST.days} days at a time.")
    return Window("custom", start, until)


def reconciliation(request: HttpRequest) -> HttpResponse:
    """Whether what was accepted is what was rated and what was not, in figures."""
    _require(request)
    window = read_window(request.GET.dict(), now())
    report = reconcile(start=window.start, end=window.end)
    return _page(
        request,
        "reconciliation.html",
        "Reconciliation",
        {"window": window, "report": report, "reasons": _reasons(report, window), "may_name": _may_name(request)},
    )


def unmatched(request: HttpRequest) -> HttpResponse:
    """The events of a window that nothing counts, for one reason or any."""
    _require(request)
    window = read_window(request.GET.dict(), now())
    asked = request.GET.get("reason", "")
    reasons = (UnbilledReason(asked),) if asked in set(UnbilledReason) else tuple(UnbilledReason)
    rows = list_unmatched(
        start=window.start, end=window.end, reasons=reasons, limit=PAGE + 1, after=_arrival(request.GET.get("after"))
    )
    shown = rows[:PAGE]
    events = shown_events([row.event for row in shown])
    return _page(
        request,
        "unmatched.html",
        "Events that nothing counts",
        {
            "window": window,
            "choices": [
                Choice("", "Any reason", len(reasons) > 1),
                *(Choice(str(reason), TITLES[reason], reasons == (reason,)) for reason in UnbilledReason),
            ],
            "explanation": EXPLAINED[reasons[0]] if len(reasons) == 1 else "",
            "events": [replace(event, note=TITLES[row.reason]) for event, row in zip(events, shown, strict=True)],
            "may_name": _may_name(request),
            "next": f"{window.query}&{urlencode({'reason': asked, 'after': shown[-1].event.arrival})}"
            if len(rows) > PAGE
            else "",
        },
    )


def conflicts(request: HttpRequest) -> HttpResponse:
    """Ids that came again with other content: what stands, and what was refused."""
    _require(request)
    cursor = _seen(request.GET.get("seen", ""), request.GET.get("id", ""))
    rows = list_conflicts(limit=PAGE + 1, after=cursor)
    shown = rows[:PAGE]
    last = shown[-1] if len(rows) > PAGE else None
    return _page(
        request,
        "conflicts.html",
        "Conflicts",
        {
            "conflicts": _conflicts(shown),
            "next": urlencode({"seen": last.last_seen_at.isoformat(), "id": last.transaction_id}) if last else "",
        },
    )


def give_name(request: HttpRequest) -> HttpResponse:
    """Whose a name shall be: leads to that customer's aliases, with the name filled in."""
    _require(request)
    if not _may_name(request):
        raise PermissionDenied
    name, term = request.GET.get("name", "")[:LONGEST_NAME], request.GET.get("customer", "").strip()[:200]
    found = [customer for customer in find_customers(term) if customer.archived_at is None]
    return _page(request, "give_name.html", "Give a name to a customer", {"name": name, "term": term, "found": found})


def _reasons(report: Reconciliation, window: Window) -> list[Reason]:
    url = reverse("admin:usage_unmatched")
    return [
        Reason(TITLES[reason], EXPLAINED[reason], count, f"{url}?{window.query}&reason={reason}")
        for reason, count in report.unmatched.items()
    ]


def _conflicts(rows: tuple[RefusedEvent, ...]) -> list[ShownConflict]:
    first = {
        match.event.transaction_id: match.event
        for match in match_events(transaction_ids=[row.transaction_id for row in rows])
    }
    shown = {event.event.transaction_id: event for event in shown_events(list(first.values()))}
    return [
        ShownConflict(row, kept := shown.get(row.transaction_id), _sent(row), _differences(row, kept)) for row in rows
    ]


def _sent(refused: RefusedEvent) -> tuple[tuple[str, str], ...]:
    """What was refused, without its properties, in the words that stand beside it."""
    names = (("customer", "customer_id"), ("event type", "event_type"), ("timestamp", "timestamp"))
    found = {word: refused.content[name] for word, name in names if name in refused.content}
    if "properties_left_out" in refused.content:
        found["properties"] = "too long to be kept"
    return shown_properties(found)


def _differences(refused: RefusedEvent, first: ShownEvent | None) -> tuple[tuple[str, str, bool], ...]:
    """The refused properties, and of each whether the event that stands says something else."""
    sent = refused.content.get("properties")
    stands = dict(first.properties) if first else None
    return tuple(
        (name, value, stands is not None and stands.get(name) != value)
        for name, value in shown_properties(sent if isinstance(sent, Mapping) else {})
    )


def _may_name(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("customers.edit_aliases"))


def _instant(text: str) -> datetime | None:
    """A picker's minute, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None or not 2000 <= found.year <= 2200:
        return None
    return found.replace(second=0, microsecond=0, tzinfo=UTC)


def _arrival(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _seen(at: str, name: str) -> tuple[datetime, str] | None:
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (found, name[:LONGEST_NAME]) if found.tzinfo is not None and found.year <= 9000 else None


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    shown = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/back_office/{template}", shown)
