"""Back-office screens of the kernel: API keys, the audit trail, domain events.

They stand here because the kernel lies below `presentation`, which says how an instant or a state reads.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display as column
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
)

from balances.selectors.adjustments import limit_of
from core.admin import timeline
from core.admin.actions import ActionResult, ConfirmForm, RecordAction, refuse
from core.admin.export import ListExport
from core.admin.filters import EndedFilter
from core.admin.inputs import DayInput
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from core.errors import TactusError
from core.keys import create_api_key, revoke_api_key
from core.models import ApiKey, AuditEntry, OutboxEvent
from core.registry import customer_model, scopes
from engine.money import plain
from presentation import formatting, markup

# --- API keys ------------------------------------------------------------------------------------------------------


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=160, widget=UnfoldAdminTextInputWidget(), help_text="Who or what will use it.")
    scopes = forms.MultipleChoiceField(
        choices=lambda: [("*", "Everything"), *((scope, scope) for scope in sorted(scopes() - {"*"}))],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="What it may do: no more than its user needs.",
    )
    expires_on = forms.DateField(required=False, widget=DayInput(), help_text="Midnight UTC; empty for never.")
    adjustment_limit = forms.CharField(
        label="May give or take alone, USD, at once and within 24 hours",
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, most: Decimal, **kwargs: Any) -> None:
        """`most`: USD cents that whoever makes the key may post alone; the key may do no more."""
        super().__init__(*args, **kwargs)
        self.most = most
        field = self.fields["adjustment_limit"]
        field.initial = plain(most.scaleb(-2))
        field.help_text = (
            "Entries by hand and credits above it wait for a second person, or are refused. Empty: "
            f"{_usd(most)}, what you may post alone yourself; what the key posts counts for you, too."
        )

    def clean_adjustment_limit(self) -> Decimal:
        """USD cents, within what its maker may post alone."""
        text = self.cleaned_data["adjustment_limit"]
        if not text:
            return self.most
        try:
            limit = formatting.parse_money(text, minor_digits=2, places=0)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if limit > self.most:
            raise forms.ValidationError(f"May be {_usd(self.most)} at most: what you may post alone yourself.")
        return limit

    def clean_expires_on(self) -> datetime | None:
        """The instant of expiry; not in the past."""
        chosen = self.cleaned_data["expires_on"]
        if chosen is None:
            return None
        at = datetime(chosen.year, chosen.month, chosen.day, tzinfo=UTC)
        if at <= now():
            raise forms.ValidationError("This day has begun already.")
        return at


def _revoke(key: ApiKey, _data: dict[str, Any], at: datetime) -> ActionResult:
    revoke_api_key(key_id=key.pk, now=at)
    return ActionResult(f"{key.name} is revoked: its next request is refused.")


REVOKE = RecordAction(
    slug="revoke",
    title="Revoke API key",
    permission="core.revoke_apikey",
    run=_revoke,
    effects=lambda key: [
        f"Requests with {key.prefix}…{key.last4} are refused from now on.",
        f"It was last used {formatting.ago(key.last_used_at, now())}.",
        "A revoked key cannot be brought back; make a new one first if something still needs it.",
    ],
    form=ConfirmForm,
    is_available=lambda key: key.revoked_at is None,
    submit="Revoke this key",
    icon="block",
    danger=True,
)


@admin.register(ApiKey)
class ApiKeyAdmin(RecordAdmin):
    """Keys are made here or by `manage.py create_api_key`; the secret is shown once."""

    list_display = ("name", "shown", "scope_list", "alone", "state", "created", "last_used")
    list_filter = (EndedFilter,)
    search_fields = ("name__icontains", "last4__exact")
    search_help_text = "Name or last four characters"
    record_actions = (REVOKE,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.create_apikey")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A form, and after it the secret: in this one answer and never again."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        maker: Any = request.user
        form = KeyForm(request.POST if request.method == "POST" else None, most=limit_of(maker))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "New API key", "form": form}
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                key, secret = create_api_key(
                    name=data["name"],
                    scopes=data["scopes"],
                    expires_at=data["expires_on"],
                    made_by_id=maker.pk,
                    adjustment_limit=data["adjustment_limit"],
                    now=now(),
                )
            except TactusError as error:
                refuse(form, error)
            else:
                messages.success(request, f"{key.name} is made.")
                shown = {**context, "title": key.name, "key": key, "secret": secret, "alone": self.alone(key)}
                return TemplateResponse(request, "admin/back_office/new_key.html", shown)
        return TemplateResponse(
            request,
            "admin/back_office/form.html",
            context | {"submit": "Create key"},
            status=400 if form.errors else 200,
        )

    def facts(self, request: HttpRequest, record: ApiKey) -> Facts:
        return [
            ("Key", markup.code(f"{record.prefix}…{record.last4}")),
            ("State", _key_badge(record)),
            ("Scopes", ", ".join(record.scopes)),
            ("May give or take alone", self.alone(record)),
            ("Made by", timeline.called(record.made_by) if record.made_by else "the server's command line"),
            ("Created", markup.instant(record.created_at)),
            ("Expires", markup.instant(record.expires_at) if record.expires_at else "never"),
            ("Last used", markup.instant(record.last_used_at) if record.last_used_at else "never"),
            ("Revoked", markup.instant(record.revoked_at)),
        ]

    def record_context(self, request: HttpRequest, record: ApiKey) -> dict[str, Any]:
        return {"timeline_entries": timeline.of_subjects([("apikey", record.pk)])}

    @column(description="Key")
    def shown(self, key: ApiKey) -> SafeString:
        return markup.code(f"{key.prefix}…{key.last4}")

    @column(description="Scopes")
    def scope_list(self, key: ApiKey) -> str:
        return "everything" if "*" in key.scopes else ", ".join(key.scopes)

    @column(description="Alone, in 24 hours", ordering="adjustment_limit")
    def alone(self, key: ApiKey) -> str:
        return "no limit" if key.adjustment_limit is None else _usd(key.adjustment_limit)

    @column(description="State")
    def state(self, key: ApiKey) -> SafeString:
        return _key_badge(key)

    @column(description="Created", ordering="created_at")
    def created(self, key: ApiKey) -> SafeString:
        return markup.instant(key.created_at)

    @column(description="Last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> SafeString:
        return markup.instant(key.last_used_at)


def _usd(cents: Decimal) -> str:
    return f"{formatting.format_money(cents, 2, 0)} USD"


def _key_badge(key: ApiKey) -> SafeString:
    if key.revoked_at is not None:
        return markup.badge("Revoked", "bad")
    if key.expires_at is not None and key.expires_at <= now():
        return markup.badge("Expired", "warn")
    return markup.badge("Live", "ok")


# --- what happened -------------------------------------------------------------------------------------------------


AUDIT_COLUMNS = (
    "at", "what", "action", "who", "about", "about_id", "reason", "detail", "address", "request_id", "id",
)  # fmt: skip


def audit_rows(entries: Iterable[AuditEntry]) -> Iterator[tuple[Any, ...]]:
    """The columns of `AUDIT_COLUMNS`."""
    for entry in entries:
        told = (f"{label}: {formatting.detail(value)}" for label, value in timeline.detail(entry.detail))
        yield (
            entry.at, timeline.title(entry.action, entry.detail), entry.action, timeline.who(entry),
            timeline.kind_of(entry.subject_type), entry.subject_id, entry.reason, "; ".join(told), entry.ip,
            entry.request_id, entry.pk,
        )  # fmt: skip


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """Who changed what, when and why. Append-only: a trigger refuses anything else."""

    list_display = ("when", "what", "who", "about", "reason", "address")
    list_filter = (("at", RangeDateFilter),)
    search_fields = ("action__istartswith", "user__username__iexact", "reason__icontains", "request_id__exact")
    search_help_text = "Action, person, reason, request id, or a record's id"
    list_export = ListExport("audit-trail.csv", AUDIT_COLUMNS, audit_rows)
    paginator = InfinitePaginator
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user", "api_key")

    def find_by_id(self, queryset: QuerySet, uuid: Any) -> QuerySet:
        return queryset.filter(subject_id=uuid)

    def facts(self, request: HttpRequest, record: AuditEntry) -> Facts:
        return [
            ("When", markup.instant(record.at)),
            ("Action", markup.code(record.action)),
            ("Who", timeline.who(record)),
            ("About", _subject(record.subject_type, record.subject_id)),
            ("Reason", record.reason or formatting.DASH),
            ("From address", record.ip or formatting.DASH),
            ("Request", markup.code(record.request_id) if record.request_id else formatting.DASH),
            *((label.capitalize(), formatting.detail(value)) for label, value in timeline.detail(record.detail)),
        ]

    @column(description="When")
    def when(self, entry: AuditEntry) -> SafeString:
        return markup.instant(entry.at)

    @column(description="What")
    def what(self, entry: AuditEntry) -> str:
        return timeline.title(entry.action, entry.detail)

    @column(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return timeline.who(entry)

    @column(description="Address")
    def address(self, entry: AuditEntry) -> str:
        return entry.ip or formatting.DASH

    @column(description="About")
    def about(self, entry: AuditEntry) -> SafeString:
        return _subject(entry.subject_type, entry.subject_id)


@admin.register(OutboxEvent)
class OutboxEventAdmin(RecordAdmin):
    """The outbox: domain events, newest first."""

    list_display = ("when", "what", "name", "about", "summary")
    list_filter = (("occurred_at", RangeDateFilter),)
    search_fields = ("name__istartswith",)
    search_help_text = "Name of the event, or a record's id"
    paginator = InfinitePaginator
    ordering = ("-id",)
    sortable_by = ()

    def find_by_id(self, queryset: QuerySet, uuid: Any) -> QuerySet:
        return queryset.filter(subject_id=uuid) | queryset.filter(customer_id=uuid)

    def facts(self, request: HttpRequest, record: OutboxEvent) -> Facts:
        return [
            ("When", markup.instant(record.occurred_at)),
            ("Event", markup.code(f"{record.name} v{record.version}")),
            ("About", _subject(record.subject_type, record.subject_id)),
            ("Customer", _subject(customer_model(), record.customer_id) if record.customer_id else formatting.DASH),
            *((label.capitalize(), formatting.detail(value)) for label, value in timeline.detail(record.payload)),
        ]

    @column(description="When")
    def when(self, event: OutboxEvent) -> SafeString:
        return markup.instant(event.occurred_at)

    @column(description="What")
    def what(self, event: OutboxEvent) -> str:
        return timeline.title(event.name, event.payload)

    @column(description="About")
    def about(self, event: OutboxEvent) -> SafeString:
        return _subject(event.subject_type, event.subject_id)

    @column(description="Detail")
    def summary(self, event: OutboxEvent) -> str:
        return ", ".join(f"{label} {formatting.detail(value)}" for label, value in timeline.detail(event.payload))[:120]


def _subject(kind: str, key: Any) -> SafeString:
    url = timeline.page_of(kind, key)
    text = format_html("{} {}", timeline.kind_of(kind), markup.short_id(key))
    return markup.link(url, text) if url else text
