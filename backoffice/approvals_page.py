"""Requests for a second person (`core.approvals`): the queue, what was decided, and deciding. Adjustments of balances
have a list of their own (`balances.admin.adjustments`).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display as column

from balances.admin.adjustment_decisions import NoteForm, WhyNotForm
from catalog.models import CreditType
from core import approvals, audit
from core.admin import timeline
from core.admin.actions import ActionResult, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.approvals import name_of
from core.clock import now
from core.models import ApprovalRequest
from core.password_links import mail_is_set_up
from core.registry import gated_acts
from presentation import formatting, markup
from presentation.formatting import plain_amount

Status = ApprovalRequest.Status
TONES = {"PENDING": "warn", "DONE": "ok", "REJECTED": "bad", "WITHDRAWN": ""}
CENTS = CreditType(name="USD (cents)", code="USD", minor_digits=2, places=0)
"""What worth and limits are counted in."""
EXPORT_HEADER = (
    "asked_at", "status", "act", "what", "about", "about_id", "reason", "asked_by", "worth_usd", "limit_usd",
    "decided_by", "decided_at", "decision_note", "id",
)  # fmt: skip
NO_MAIL = (
    "No mail is set up here (EMAIL_URL), so no link is sent. At the server, “manage.py password_link USERNAME” prints "
    "one for the owner of the account."
)
ORDER = ("username", "first_name", "last_name", "email", "role")
"""Of parameters, which the database keeps in an order of its own; others come after these."""
SENDS_LINK = frozenset({"user.create", "user.reactivate", "user.send_link"})
"""Acts after which somebody gets a link to a password."""


def visible_requests(request: HttpRequest) -> QuerySet[ApprovalRequest]:
    """Of the acts that this person may ask for or decide; those about accounts are the owners'."""
    may = request.user.has_perm
    mine = [act.name for act in gated_acts().values() if may(act.ask) or may(act.approve)]
    return ApprovalRequest.objects.filter(act__in=mine)


def why_not(row: ApprovalRequest, user: Any, at: datetime) -> str:
    """Why this person may not decide; empty where they may."""
    if row.made_by_id == user.pk:
        return "You asked for this yourself: somebody else decides. You can withdraw it."
    if row.account_id == user.pk:
        return "This is about your own account: somebody else decides."
    if not user.has_perm(gated_acts()[row.act].approve):
        return "Your role may not decide this."
    if not approvals.is_independent(maker_id=row.made_by_id, checker_id=user.pk, now=at):
        who = name_of(row.made_by)
        return f"{who} had a part in making or changing your account within 7 days: you are no second person to them."
    return ""


def parameters(row: ApprovalRequest) -> list[tuple[str, Any]]:
    """What would be done, in words; of what changes, what it is and what it becomes."""
    asked = {key: value for key, value in row.parameters.items() if not key.startswith("previous_")}
    shown: list[tuple[str, Any]] = []
    for key, value in sorted(asked.items(), key=lambda item: (*ORDER, item[0]).index(item[0])):
        before = row.parameters.get(f"previous_{key}")
        label = key.replace("_", " ").replace("email", "e-mail").capitalize()
        if before is not None and before != value:
            shown.append((label, f"{before or formatting.DASH} becomes {value or formatting.DASH}"))
        elif before is None:
            shown += [(label, formatting.detail(text)) for _, text in timeline.detail({key: value})]
    return shown


def waiting(row: ApprovalRequest) -> bool:
    """Whether it waits for a decision."""
    return row.status == Status.PENDING


def decision(row: ApprovalRequest) -> str:
    """Who decided."""
    if waiting(row):
        return "waits for a second person"
    by = name_of(row.decided_by) if row.decided_by else ""
    if row.status == Status.WITHDRAWN:
        return "withdrawn by who asked" if row.decision_note != approvals.FORGOTTEN else "nobody decided in time"
    return f"{row.get_status_display().lower()} by {by}"


def _me() -> int:
    return audit.current_actor().user_id or 0


def _approve(row: ApprovalRequest, data: dict[str, Any], at: datetime) -> ActionResult:
    made = approvals.approve(request_id=row.pk, decider_id=_me(), note=data["note"], now=at)
    url = timeline.page_of(audit.subject_type_of(made), audit.subject_id_of(made)) if made is not None else ""
    return ActionResult(format_html("Done: {}. {}", row.title, markup.link(url, "See it") if url else ""))


def _reject(row: ApprovalRequest, data: dict[str, Any], at: datetime) -> ActionResult:
    approvals.reject(request_id=row.pk, decider_id=_me(), note=data["note"], now=at)
    return ActionResult("Rejected: nothing was done.")


def _withdraw(row: ApprovalRequest, data: dict[str, Any], at: datetime) -> ActionResult:
    approvals.withdraw(request_id=row.pk, maker_id=_me(), note=data["note"], now=at)
    return ActionResult("Withdrawn: nothing was done.")


def _effects(row: ApprovalRequest) -> list[str]:
    lines = [f"{row.title}, as {name_of(row.made_by)} asked. It is done at once."]
    lines += [f"{label}: {value}" for label, value in parameters(row)]
    if row.act in SENDS_LINK:
        mailed = "A link to set a password goes to the account's address. Nobody else sees it."
        lines.append(mailed if mail_is_set_up() else NO_MAIL)
    return [*lines, f"Reason: {row.reason}"]


RECORD_ACTIONS = (
    RecordAction(
        slug="approve", title="Approve", permission="core.decide_request", run=_approve, effects=_effects,
        form=NoteForm, is_available=waiting, submit="Approve and do it", icon="check",
    ),
    RecordAction(
        slug="reject", title="Reject", permission="core.decide_request", run=_reject, form=WhyNotForm,
        effects=lambda row: [f"{row.title}: nothing is done. This cannot be undone."],
        is_available=waiting, submit="Reject", icon="close", danger=True,
    ),
    RecordAction(
        slug="withdraw", title="Withdraw", permission="core.view_approvalrequest", run=_withdraw, form=NoteForm,
        effects=lambda row: [f"{row.title}: nothing is done. Ask again if you need it."],
        is_available=waiting, submit="Withdraw it", icon="undo",
    ),
)  # fmt: skip


class StatusFilter(ChosenFilter):
    title = "status"
    parameter_name = "status"
    options = tuple((value, str(label)) for value, label in Status.choices)


class ActFilter(ChosenFilter):
    title = "what"
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        may = request.user.has_perm
        return tuple((act.name, act.title) for act in gated_acts().values() if may(act.ask) or may(act.approve))


class PersonFilter(ChosenFilter):
    title = "asked for or decided by"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        rows = visible_requests(request).order_by()
        people = User.objects.filter(Q(pk__in=rows.values("made_by")) | Q(pk__in=rows.values("decided_by")))
        return tuple((str(user.pk), name_of(user)) for user in people.order_by("first_name", "last_name", "username"))

    def condition(self, value: str) -> Q:
        return Q(made_by=int(value)) | Q(decided_by=int(value))


def tabs(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """The queues above the list; each keeps whatever else is filtered."""
    active = request.GET.get("status", "")
    for title, status in (*((str(label), value) for value, label in Status.choices), ("All", "")):
        params = request.GET.copy()
        for name in ("status", "p", "e"):
            params.pop(name, None)
        if status:
            params["status"] = status
        yield {"title": title, "url": f"?{params.urlencode()}", "active": active == status}


def export_rows(rows: Iterable[ApprovalRequest]) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`."""
    for row in rows:
        yield (
            row.made_at, row.status, row.act, row.title, timeline.kind_of(row.subject_type), row.subject_id,
            row.reason, row.made_by.get_username(),
            None if row.worth is None else plain_amount(row.worth, CENTS),
            None if row.limit_worth is None else plain_amount(row.limit_worth, CENTS),
            row.decided_by.get_username() if row.decided_by else "", row.decided_at, row.decision_note, row.pk,
        )  # fmt: skip


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(RecordAdmin):
    """What waits for a second person, and what one decided."""

    list_display = ("what", "act_name", "worth_cell", "asked", "state", "decided")
    list_display_links = ("what",)
    list_filter = (StatusFilter, ActFilter, PersonFilter, ("made_at", RangeDateFilter))
    search_fields = (
        "title__icontains",
        "reason__icontains",
        "decision_note__icontains",
        "made_by__username__iexact",
        "made_by__last_name__icontains",
        "decided_by__username__iexact",
    )
    search_help_text = "What, reason, note, person, or a record's id"
    list_before_template = "admin/back_office/requests_before.html"
    list_export = ListExport("approval-requests.csv", EXPORT_HEADER, export_rows)
    record_template = "admin/back_office/request.html"
    record_actions = RECORD_ACTIONS
    ordering = ("-made_at", "-id")
    sortable_by = ("what", "asked")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Other requests are not there at all: not in the list, its file, nor under their address."""
        return visible_requests(request).select_related("made_by", "decided_by", "account").order_by(*self.ordering)

    def find_by_id(self, queryset: QuerySet, uuid: Any) -> QuerySet:
        return queryset.filter(Q(pk=uuid) | Q(subject_id=uuid))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"approvals_of": "requests", "tabs": list(tabs(request)), "hours": _hours()}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Deciding is for a second person, withdrawing for the first."""
        if record.made_by_id == request.user.pk:
            hidden = {"Approve", "Reject"}
        else:
            hidden = {"Withdraw"}
            hidden |= {"Approve", "Reject"} if waiting(record) and why_not(record, request.user, now()) else set()
        return [action for action in super().available_actions(request, record) if action["title"] not in hidden]

    def facts(self, request: HttpRequest, record: ApprovalRequest) -> Facts:
        url = timeline.page_of(record.subject_type, record.subject_id)
        if not url and record.account is not None:
            url = timeline.page_of("user", audit.subject_id_of(record.account))
        kind = timeline.kind_of(record.subject_type)
        measured = record.limit_worth is not None
        return [
            ("What", gated_acts()[record.act].title),
            *([("About", markup.link(url, kind))] if url else []),
            *parameters(record),
            ("Reason", record.reason),
            *(
                [("Worth", _money(record.worth)), ("Limit of who asked", _money(record.limit_worth))]
                if measured
                else []
            ),
            ("Asked for by", name_of(record.made_by)),
            ("Asked for", markup.instant(record.made_at)),
            ("Decision", decision(record)),
            *([("Decided", markup.instant(record.decided_at))] if record.decided_at else []),
            *([("Said", record.decision_note)] if record.decision_note else []),
            ("Id", markup.code(record.pk)),
        ]

    def record_context(self, request: HttpRequest, record: ApprovalRequest) -> dict[str, Any]:
        at = now()
        waits = waiting(record)
        about = [("approvalrequest", record.pk), (record.subject_type, record.subject_id)]
        if record.account is not None:
            about.append(("user", audit.subject_id_of(record.account)))
        return {
            "badge": markup.badge(record.get_status_display(), TONES[record.status]),
            "waits": waits,
            "why_not": why_not(record, request.user, at) if waits else "",
            "deciders": [name_of(user) for user in approvals.deciders(row=record, now=at)] if waits else [],
            "mail_note": NO_MAIL if record.act in SENDS_LINK and not mail_is_set_up() else "",
            "gone_at": record.made_at + approvals.waiting_time(),
            "timeline_entries": timeline.of_subjects(about),
        }

    @column(description="What", ordering="title")
    def what(self, row: ApprovalRequest) -> str:
        return row.title

    @column(description="Kind", ordering="act")
    def act_name(self, row: ApprovalRequest) -> str:
        return gated_acts()[row.act].title

    @column(description="Worth")
    def worth_cell(self, row: ApprovalRequest) -> SafeString | str:
        return _money(row.worth) if row.limit_worth is not None else formatting.DASH

    @column(description="Asked for", ordering="made_at")
    def asked(self, row: ApprovalRequest) -> SafeString:
        ago = formatting.ago(row.made_at, now())
        return format_html('<span>{} <span class="bo-note bo-block">{}</span></span>', name_of(row.made_by), ago)

    @column(description="Status", ordering="status")
    def state(self, row: ApprovalRequest) -> SafeString:
        return markup.badge(row.get_status_display(), TONES[row.status])

    @column(description="Decision")
    def decided(self, row: ApprovalRequest) -> str:
        return decision(row)


def _money(cents: Any) -> SafeString | str:
    return "nobody can say" if cents is None else markup.money(cents, CENTS)


def _hours() -> int:
    return int(approvals.waiting_time().total_seconds() // 3600)
