"""Adjustments for staff: the queue for the second person, what was decided, and by which limit.

Asking for one stands in backoffice/adjustments_page.py, because it shows what drafts draw.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import display as column

from balances.adjustment_models import Adjustment
from balances.admin.adjustment_decisions import (
    RECORD_ACTIONS,
    balance_name,
    maker,
    person,
    shares_text,
    signed,
    target,
    usd,
    waiting,
)
from balances.admin.balances import products_called, scope_words
from balances.models import AccessType
from balances.selectors.adjustments import adjustment_rows, limits
from balances.services.adjustments import (
    APPROVE,
    waiting_time,
)
from catalog.models import CreditType
from core.admin import timeline
from core.admin.export import ListExport
from core.admin.filters import ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from engine.money import plain
from presentation import formatting, markup
from presentation.formatting import plain_amount

TONES = {"PENDING": "warn", "POSTED": "ok", "REJECTED": "bad", "WITHDRAWN": ""}
EXPORT_HEADER = (
    "asked_at", "status", "customer", "customer_id", "what", "amount", "unit", "reason_code", "public_reason", "note",
    "ticket", "asked_by", "why_two", "worth_usd", "limit_usd", "maker_24h_usd", "customer_24h_usd", "decided_by",
    "decided_at", "decision_note", "balance_id", "product_ids", "product_tags", "contract_id", "priority", "id",
    "api_key", "key_limit_usd", "key_24h_usd",
)  # fmt: skip


def limit_lines() -> list[tuple[str, str]]:
    """Each role and what it may post alone."""
    unit = usd()
    return [(role, formatting.money_text(limit, unit)) for role, limit in limits().items()]


def balance_id(row: Adjustment) -> UUID | None:
    """The balance that it changed or made, or would change."""
    return row.credit_id or (row.segment.owner_id if row.segment else None)


class StatusFilter(ChosenFilter):
    title = "status"
    parameter_name = "status"
    options = tuple((value, str(label)) for value, label in Adjustment.Status.choices)


class ReasonFilter(ChosenFilter):
    title = "reason"
    parameter_name = "reason_code"
    options = tuple((value, str(label)) for value, label in Adjustment.ReasonCode.choices)


class TwoFilter(ChosenFilter):
    title = "decided by"
    parameter_name = "people"
    options = (("one", "Posted at once"), ("two", "Needs a second person"))

    def condition(self, value: str) -> Q:
        return Q(approval="") if value == "one" else ~Q(approval="")


@admin.register(Adjustment)
class AdjustmentAdmin(RecordAdmin):
    """The queue and the archive of adjustments."""

    list_display = ("what", "customer_name", "change", "reason", "asked", "state", "decided")
    list_display_links = ("what",)
    list_filter = (
        StatusFilter,
        ReasonFilter,
        TwoFilter,
        ("customer", AutocompleteSelectFilter),
        ("made_at", RangeDateFilter),
    )
    search_fields = (
        "customer__name__icontains",
        "public_reason__icontains",
        "note__icontains",
        "ticket_url__icontains",
        "made_by__username__iexact",
        "made_by__last_name__icontains",
        "api_key__name__icontains",
        "decided_by__username__iexact",
    )
    search_help_text = "Customer, reason, note, ticket, person, API key or id"
    list_before_template = "admin/back_office/adjustments_before.html"
    list_export = ListExport("adjustments.csv", EXPORT_HEADER, lambda rows: export_rows(rows, usd()))
    record_template = "admin/back_office/adjustment.html"
    record_actions = RECORD_ACTIONS
    ordering = ("-made_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return adjustment_rows().order_by(*self.ordering)

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet:
        """An adjustment's id, or all of a customer or about a balance by theirs."""
        about = Q(segment__owner_id=uuid) | Q(credit_id=uuid)
        return queryset.filter(Q(pk=uuid) | Q(customer_id=uuid) | about)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {
            "approvals_of": "balances",
            "tabs": list(tabs(request)),
            "limits": limit_lines(),
            "hours": int(waiting_time().total_seconds() // 3600),
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Deciding is for others than the maker, withdrawing for the maker."""
        own = record.made_by_id == request.user.pk
        hidden = {"Approve", "Reject"} if own else {"Withdraw"}
        return [action for action in super().available_actions(request, record) if action["title"] not in hidden]

    def page_context(self, request: HttpRequest, record: Adjustment, **extra: Any) -> dict[str, Any]:
        title = f"{signed(record)} for {record.customer.name}"
        return super().page_context(request, record, **{"title": title, **extra})

    def facts(self, request: HttpRequest, record: Adjustment) -> Facts:
        about = balance_id(record)
        link = markup.link(reverse("admin:balances_balance_change", args=[about]), target(record)) if about else None
        unit = usd()
        access = (
            [("Usable", markup.period(record.access_from, record.access_until))]
            if record.access_from and record.access_until
            else []
        )
        ticket = [("Ticket", markup.link(record.ticket_url, record.ticket_url))] if record.ticket_url else []
        return [
            ("Customer", self.customer_name(record)),
            ("What", link or target(record)),
            *access,
            *([("Each seat", shares_text(record))] if record.seat_amounts else []),
            *([("Counts from", markup.instant(record.entry_at))] if record.entry_at else []),
            *([("Pays for", scope_of(record)), ("Priority", markup.quantity(record.priority))] if access else []),
            ("Reason", record.get_reason_code_display()),
            ("The customer reads", record.public_reason),
            *([("Note", record.note)] if record.note else []),
            *ticket,
            ("Asked for by", maker(record)),
            ("Asked for", markup.instant(record.made_at)),
            ("Limit", markup.money(record.limit_worth, unit)),
            *([("Limit of the key", markup.money(record.key_limit, unit))] if record.api_key else []),
            (
                "Counts as",
                format_html(
                    '{} <span class="bo-note bo-block">{}, {} for the customer in the day before</span>',
                    markup.money(record.worth, unit),
                    posted_before(record, unit),
                    formatting.money_text(record.for_customer, unit),
                ),
            ),
            ("Decision", decision(record)),
            *([("Decided", markup.instant(record.decided_at))] if record.decided_at else []),
            *([("Said", record.decision_note)] if record.decision_note else []),
            ("Id", markup.code(record.pk)),
        ]

    def record_context(self, request: HttpRequest, record: Adjustment) -> dict[str, Any]:
        return {
            "badge": markup.badge(record.get_status_display(), TONES[record.status]),
            "own": waiting(record) and record.made_by_id == request.user.pk,
            "waits": waiting(record),
            "why": record.get_approval_display(),
            "may_decide": request.user.has_perm(APPROVE),
            "gone_at": record.made_at + waiting_time(),
            "timeline_entries": timeline.of_subjects([("adjustment", record.pk)]),
        }

    @column(description="Customer", ordering="customer__name")
    def customer_name(self, row: Adjustment) -> SafeString:
        return markup.link(reverse("admin:customers_customer_change", args=[row.customer_id]), row.customer.name)

    @column(description="Amount", ordering="worth")
    def change(self, row: Adjustment) -> SafeString:
        return format_html('<span class="bo-nowrap">{}</span>', signed(row))

    @column(description="What")
    def what(self, row: Adjustment) -> str:
        return target(row).partition(",")[0] if row.segment is None else balance_name(row.segment.owner)

    @column(description="Reason", ordering="reason_code")
    def reason(self, row: Adjustment) -> SafeString:
        return format_html(
            '<span>{} <span class="bo-note bo-block">{}</span></span>',
            row.get_reason_code_display(),
            row.public_reason[:80],
        )

    @column(description="Asked for", ordering="made_at")
    def asked(self, row: Adjustment) -> SafeString:
        return format_html('<span>{} <span class="bo-note bo-block">{}</span></span>', maker(row), _ago(row.made_at))

    @column(description="Status", ordering="status")
    def state(self, row: Adjustment) -> SafeString:
        return markup.badge(row.get_status_display(), TONES[row.status])

    @column(description="Decision")
    def decided(self, row: Adjustment) -> str:
        return decision(row)


def posted_before(row: Adjustment, unit: CreditType) -> str:
    """What whoever asked, and the key that they asked through, had posted alone in the day before."""
    known = [f"{formatting.money_text(row.by_key, unit)} by this key"] if row.api_key else []
    if row.made_by is not None:
        known.append(f"{formatting.money_text(row.by_maker, unit)} by this person")
    return ", ".join(known)


def scope_of(row: Adjustment) -> str:
    """What the credit pays for, in words."""
    names = products_called(row.applicable_product_ids) if row.applicable_product_ids else []
    return scope_words(names, row.applicable_product_tags, str(row.contract) if row.contract else None)


def decision(row: Adjustment) -> str:
    """Who decided, or why somebody has to."""
    if waiting(row):
        return f"needs a second person: {row.get_approval_display()}"
    if row.decided_by is not None:
        return f"{row.get_status_display().lower()} by {person(row.decided_by)}"
    return "posted at once, within the limit" if row.status == Adjustment.Status.POSTED else "nobody decided in time"


def filtered(kind: RecordAdmin, request: HttpRequest, most: int) -> list[Any] | None:
    """All rows that a list's address filters to, not only a page's; None if they are more than `most`, or if no list
    understands the address.
    """
    try:
        found = list(kind.get_changelist_instance(request).queryset[: most + 1])
    except IncorrectLookupParameters:
        return None
    return found if len(found) <= most else None


def back_to_list(request: HttpRequest, name: str, most: int) -> HttpResponse:
    """The list again, with why there is no file: half a file would be a wrong sum."""
    messages.error(request, f"A file has at most {most:,} of these. Filter the list further, then export it again.")
    return HttpResponseRedirect(f"{reverse(name)}?{request.GET.urlencode()}")


def export_rows(rows: Iterable[Adjustment], unit: CreditType) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`."""
    for row in rows:
        quantity = row.segment is not None and row.segment.owner.access_type == AccessType.QUANTITY
        yield (
            row.made_at, row.status, row.customer.name, row.customer_id, target(row),
            row.amount if quantity else plain_amount(row.amount, row.credit_type),
            "units" if quantity else formatting.unit_code(row.credit_type), row.reason_code, row.public_reason,
            row.note,
            row.ticket_url, row.made_by.get_username() if row.made_by else "", row.approval,
            plain_amount(row.worth, unit),
            plain_amount(row.limit_worth, unit), plain_amount(row.by_maker, unit),
            plain_amount(row.for_customer, unit), row.decided_by.get_username() if row.decided_by else "",
            row.decided_at, row.decision_note, balance_id(row), " ".join(row.applicable_product_ids),
            ", ".join(row.applicable_product_tags), row.contract_id, "" if row.segment else plain(row.priority), row.pk,
            row.api_key.name if row.api_key else "", plain_amount(row.key_limit, unit),
            plain_amount(row.by_key, unit) if row.api_key else "",
        )  # fmt: skip


def tabs(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """The queues above the list; each keeps whatever else is filtered."""
    active = request.GET.get("status", "")
    for title, status in (
        ("Waiting", "PENDING"),
        ("All", ""),
        *((w, w.upper()) for w in ("Posted", "Rejected", "Withdrawn")),
    ):
        params = request.GET.copy()
        for name in ("status", "p", "e"):
            params.pop(name, None)
        if status:
            params["status"] = status
        yield {"title": title, "url": f"?{params.urlencode()}", "active": active == status}


def _ago(at: datetime) -> str:
    return formatting.ago(at, now())
