"""A month of renewals: on each day the contracts whose terms end then."""

from calendar import Calendar, day_name
from datetime import UTC, date, datetime
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber, TruncDate
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.renewal_words import Ending, ending_of
from backoffice.renewals_page import PERMISSION, day_of
from contracts.selectors.term_ends import ending_between
from core.clock import now
from presentation import formatting

EACH_DAY: Final = 4
"""How many a day shows; the list of the day has all."""


def calendar_page(request: HttpRequest) -> HttpResponse:
    """The month that `month=2026-04` names, else the one that runs."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    at = now()
    first = day_of(f"{request.GET.get('month', '')}-01") or datetime(at.year, at.month, 1, tzinfo=UTC)
    after = _month_from(first, 1)
    found, counts = _by_day(first, after, at)
    total = sum(counts.values())
    context = {
        **admin.site.each_context(request),
        "title": "Calendar of renewals",
        "month": _words(first),
        "weekdays": day_name,
        "weeks": [
            [_day(day, found, counts, first, at) for day in week]
            for week in Calendar().monthdatescalendar(first.year, first.month)
        ],
        "total": f"{total:,} {'term ends' if total == 1 else 'terms end'}",
        "none": not total,
        "before": _link(_month_from(first, -1)),
        "after": _link(after),
        "list": reverse("admin:contracts_renewals"),
    }
    return TemplateResponse(request, "admin/back_office/renewals_calendar.html", context)


def _by_day(first: datetime, after: datetime, at: datetime) -> tuple[dict[date, list[Ending]], dict[date, int]]:
    """The first few of each day, and how many there are. A fixed number of queries."""
    rows = ending_between(first, after).annotate(day=TruncDate("ending_before", tzinfo=UTC))
    counted = rows.order_by().values("day").annotate(many=Count("pk")).values_list("day", "many")
    place = Window(RowNumber(), partition_by=[F("day")], order_by=[F("ending_before"), F("pk")])
    found: dict[date, list[Ending]] = {}
    for row in rows.annotate(place=place).filter(place__lte=EACH_DAY):
        found.setdefault(row.day, []).append(ending_of(row, at))
    return found, dict(counted)


def _day(
    day: date, found: dict[date, list[Ending]], counts: dict[date, int], first: datetime, at: datetime
) -> dict[str, Any]:
    rows = found.get(day, []) if day.month == first.month else []
    more = counts.get(day, 0) - len(rows) if rows else 0
    return {
        "date": day,
        "words": f"{day_name[day.weekday()]} {formatting.day(day)}",
        "outside": day.month != first.month,
        "today": day == at.date(),
        "rows": rows,
        "more": f"{more:,}" if more else "",
        "all": f"{reverse('admin:contracts_renewals')}?day={day:%Y-%m-%d}",
    }


def _month_from(first: datetime, months: int) -> datetime:
    number = first.year * 12 + first.month - 1 + months
    return first.replace(year=number // 12, month=number % 12 + 1)


def _words(first: datetime) -> str:
    return f"{first:%B} {first.year}"


def _link(first: datetime) -> dict[str, str]:
    return {"title": _words(first), "url": f"?month={first:%Y-%m}"}
