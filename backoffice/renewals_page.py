"""Renewals: contracts whose terms end soon, what is agreed about each and what was decided; a list and a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.renewal_words import ending_of, notice_due
from contracts.models import Contract
from contracts.selectors.term_ends import decided, ending_between, overdue
from core.admin.export import ROWS_AT_ONCE, stream_csv
from core.admin.options import as_uuid
from core.clock import now
from customers.models import Customer

PERMISSION: Final = "contracts.view_contract"
PER_PAGE: Final = 50
LONGEST: Final = 200
TABS: Final = (
    ("30", "Next 30 days"), ("60", "Next 60 days"), ("90", "Next 90 days"), ("overdue", "Past due or failed"),
    ("decided", "Decided"),
)  # fmt: skip
NOTHING: Final = {
    "overdue": "Nothing is past due, and no attempt failed.",
    "decided": "Nothing has been decided yet: that happens at the end of a term with a renewal policy.",
}
COLUMNS: Final = (
    "customer", "customer_id", "contract", "contract_id", "ends", "policy", "state", "will", "notice_due",
    "notice_given", "outcome", "why", "decided_at", "new_contract_id", "attempts", "last_error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What the list is asked for: a tab, or one day; and whose."""

    show: str
    day: datetime | None
    term: str

    @property
    def query(self) -> str:
        """The same as a query string."""
        which = {"day": f"{self.day:%Y-%m-%d}"} if self.day else {"show": self.show}
        return urlencode(which | ({"q": self.term} if self.term else {}))

    def rows(self, at: datetime) -> QuerySet[Contract]:
        """What it asks for, in order."""
        if self.day is not None:
            found = ending_between(self.day, self.day + timedelta(days=1))
        elif self.show == "overdue":
            found = overdue(now=at)
        elif self.show == "decided":
            found = decided()
        else:
            found = ending_between(at, at + timedelta(days=int(self.show)))
        return found.filter(_of_customer(self.term)) if self.term else found


def renewals(request: HttpRequest) -> HttpResponse:
    """The list, fifty on a page."""
    _require(request)
    at, question = now(), _asked(request)
    page = Paginator(question.rows(at), PER_PAGE).get_page(request.GET.get("p"))
    rest = {"q": question.term} if question.term else {}
    context = {
        **admin.site.each_context(request),
        "title": "Renewals",
        "question": question,
        "tabs": [
            {"title": title, "url": f"?{urlencode({'show': key, **rest})}",
             "active": question.day is None and key == question.show}
            for key, title in TABS
        ],
        "page": page,
        "endings": [ending_of(row, at) for row in page],
        "nothing": NOTHING.get(question.show, "No term ends in these days."),
        "calendar": reverse("admin:contracts_renewals_calendar"),
        "export": f"{reverse('admin:contracts_renewals_csv')}?{question.query}",
    }  # fmt: skip
    return TemplateResponse(request, "admin/back_office/renewals.html", context)


def renewals_csv(request: HttpRequest) -> Any:
    """All that the list is filtered to, as a file."""
    _require(request)
    at = now()
    rows = _asked(request).rows(at).iterator(chunk_size=ROWS_AT_ONCE)
    return stream_csv("renewals.csv", COLUMNS, export_rows(rows, at))


def export_rows(rows: Iterable[Contract], at: datetime) -> Iterator[tuple[Any, ...]]:
    """The columns of `COLUMNS`."""
    for row in rows:
        line, policy = ending_of(row, at), getattr(row, "renewal_policy", None)
        made = line.decision
        yield (
            row.customer.name, row.customer_id, str(row), row.pk, row.ending_before, line.policy, line.badge[0],
            line.will, notice_due(policy, row), policy and policy.noticed_at, line.outcome and line.outcome[0],
            line.why, made and made.decided_at, made and made.new_contract_id, policy.attempts if policy else 0,
            policy.last_error if policy else "",
        )  # fmt: skip


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _asked(request: HttpRequest) -> Question:
    show = request.GET.get("show", "")
    term = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    return Question(show if show in dict(TABS) else TABS[0][0], day_of(request.GET.get("day", "")), term)


def day_of(text: str) -> datetime | None:
    """The day that an address names, if it does and calendars of the back office show it."""
    try:
        at = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if 2000 <= at.year <= 2200 else None


def _of_customer(term: str) -> Q:
    key = as_uuid(term)
    if key is not None:
        return Q(customer_id=key) | Q(pk=key)
    named = Q(customer__name__icontains=term) | Q(name__icontains=term)
    return named | Q(customer__in=Customer.objects.filter(aliases__alias=term))
