"""The usage explorer: one customer's quantities of one metric over time, split by a group key, as table and file.

It shows what `/v1/usage` and `/v1/usage/groups` answer, and what the customer sees in the console's units view.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from catalog.models import BillableMetric
from catalog.selectors import list_metrics
from console.ranges import STEPS, Choice, UsageQuestion, preset_choices, read_question, step_choices
from console.selectors.periods import billing_periods
from console.selectors.quantities import Quantities, csv_rows, draw, key_choices, quantities
from console.selectors.units import plan_metrics
from core.admin.export import csv_response
from core.clock import now
from customers.models import Customer
from customers.selectors import ids_by_ingest_name, list_customers
from presentation import formatting
from presentation.charts.stacked_bars import MAX_SERIES, StackedBars

LONGEST = 200
MOST_CUSTOMERS = 12
PERMISSION = "usage.view_usageevent"


@dataclass(frozen=True, slots=True)
class Exploration:
    """A question about a customer, what else could be asked, and the answer; `found` is None without a metric."""

    customer: Customer
    question: UsageQuestion
    presets: tuple[Choice, ...]
    steps: tuple[Choice, ...]
    metrics: tuple[tuple[str, tuple[Choice, ...]], ...]
    keys: tuple[Choice, ...]
    found: Quantities | None

    @property
    def days(self) -> str:
        """The range in words."""
        return formatting.period(self.question.start, self.question.end)

    @property
    def first_day(self) -> str:
        """As a date picker takes it."""
        return f"{self.question.start:%Y-%m-%d}"

    @property
    def last_day(self) -> str:
        """As a date picker takes it."""
        return f"{self.question.end - STEPS['day']:%Y-%m-%d}"

    @property
    def query(self) -> str:
        """The same question as a query string."""
        return urlencode({"customer": str(self.customer.pk)}) + "&" + self.question.query

    @property
    def chart(self) -> StackedBars | None:
        """The answer as a chart with its table; None where nothing counted."""
        return draw(self.found) if self.found and not self.found.is_empty else None

    @property
    def hidden(self) -> int:
        """How many parts stand in the file only."""
        if self.found is None or self.found.kind.adds_up:
            return 0
        return max(0, len(self.found.wholes) + self.found.left_out - MAX_SERIES)


def explorer(request: HttpRequest) -> HttpResponse:
    """The page: a form, and what it asks for."""
    _require(request)
    term, customers = _asked(request)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Usage explorer",
        "term": term,
        "customers": customers,
        "exploration": explore(customers[0], request.GET.dict()) if len(customers) == 1 else None,
    }
    return TemplateResponse(request, "admin/back_office/explorer.html", context)


def explorer_csv(request: HttpRequest) -> HttpResponse:
    """The same answer as a file; without one customer to answer for, back to the form."""
    _require(request)
    _, customers = _asked(request)
    exploration = explore(customers[0], request.GET.dict()) if len(customers) == 1 else None
    if exploration is None or exploration.found is None:
        return HttpResponseRedirect(reverse("admin:usage_explorer"))
    header, rows = csv_rows(exploration.found)
    return csv_response(f"usage-{exploration.first_day}-{exploration.last_day}.csv", header, rows)


def _asked(request: HttpRequest) -> tuple[str, list[Customer]]:
    """What was typed, and whom it means: the customer that the page showed, as long as its name still stands there."""
    term, shown = (request.GET.get(name, "").strip()[:LONGEST] for name in ("customer", "shown"))
    customers = list_customers(archived=None, customer_ids=[UUID(shown)]).filter(name=term) if _is_id(shown) else ()
    return term, list(customers) or find_customers(term)


def find_customers(term: str) -> list[Customer]:
    """Whom `term` means: the one with this id or alias, or this name; else those whose name has it in it."""
    if not term:
        return []
    owner = ids_by_ingest_name(names=[term]).get(term)
    if owner is not None:
        return list(list_customers(archived=None, customer_ids=[owner]))
    rows = list_customers(archived=None).filter(name__icontains=term).order_by("archived_at", "name", "id")
    found = list(rows[:MOST_CUSTOMERS])
    exact = [customer for customer in found if customer.name == term]
    return exact if len(exact) == 1 else found


def explore(customer: Customer, query: dict[str, str]) -> Exploration:
    """The answer to a query string; what it asks amiss falls back to the usual, and `question.error` says why."""
    at = now()
    periods = billing_periods(customer_id=customer.pk, now=at)
    question = read_question({"by": "", **query}, periods=periods, now=at)
    on_plan = plan_metrics(customer_id=customer.pk, now=at)
    known = {metric.pk for metric in on_plan}
    others = [metric for metric in list_metrics().order_by("name", "id") if metric.pk not in known]
    metric = _chosen(on_plan, others, question.show)
    keys = key_choices(metric) if metric else {}
    found = (
        None
        if metric is None
        else quantities(
            customer_id=customer.pk,
            metric=metric,
            keys=keys.get(question.by, ()),
            start=question.start,
            end=question.end,
            step=question.step,
        )
    )
    return Exploration(
        customer=customer,
        question=question,
        presets=tuple(preset_choices(periods, question)),
        steps=step_choices(question),
        metrics=tuple(
            (title, tuple(Choice(str(m.pk), m.name, m == metric) for m in group))
            for title, group in (("On the plan", on_plan), ("Others", others))
            if group
        ),
        keys=(
            Choice("", "Nothing", question.by not in keys),
            *(Choice(word, ", ".join(key), question.by == word) for word, key in keys.items()),
        ),
        found=found,
    )


def _chosen(on_plan: list[BillableMetric], others: list[BillableMetric], asked: str) -> BillableMetric | None:
    """The metric asked for, archived or not; else the first of the plan's."""
    known = [*on_plan, *others]
    found = next((metric for metric in known if str(metric.pk) == asked), None)
    if found is None and _is_id(asked):
        found = list_metrics(include_archived=True).filter(pk=asked).first()
    return found or next(iter(known), None)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
