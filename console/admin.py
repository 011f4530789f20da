"""Who may embed the console, and who does: origins and sessions. Codes and tokens are hashes and never shown."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextInputWidget

from console.models import EmbedOrigin, EmbedSession
from console.services import register_origin, remove_origin, revoke_sessions
from core.admin.actions import ActionResult, AddForm, RecordAction
from core.admin.filters import EndedFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from presentation import formatting, markup


def _remove(origin: EmbedOrigin, _data: dict[str, Any], at: datetime) -> ActionResult:
    remove_origin(origin=origin.origin, now=at)
    return ActionResult(f"{origin.origin} may no longer embed the console.", gone=True)


def _revoke(session: EmbedSession, _data: dict[str, Any], at: datetime) -> ActionResult:
    revoke_sessions(session_id=session.pk, now=at)
    return ActionResult("The session has ended.")


REMOVE = RecordAction(
    slug="remove",
    title="Remove origin",
    permission="console.edit_origins",
    run=_remove,
    effects=lambda origin: [
        f"Pages of {origin.origin} can no longer show the console.",
        "Sessions bound to it end at once.",
    ],
    submit="Remove this origin",
    icon="block",
    danger=True,
)
REVOKE = RecordAction(
    slug="revoke",
    title="Revoke session",
    permission="console.revoke_session",
    run=_revoke,
    effects=lambda _session: [
        "The console of this session stops at its next request.",
        "The host page may open a new one.",
    ],
    is_available=lambda session: session.revoked_at is None and session.expires_at > now(),
    submit="End this session",
    icon="block",
    danger=True,
)


class OriginForm(forms.Form):
    """An origin to allow."""

    origin = forms.CharField(
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://app.example.com"}),
        help_text="Exactly as browsers name it: scheme, host and port, no path. Only https, except on this machine.",
    )


def _add(data: dict[str, Any]) -> tuple[str, str]:
    row = register_origin(origin=data["origin"], now=now())
    return f"{row.origin} may embed the console.", reverse("admin:console_embedorigin_changelist")


@admin.register(EmbedOrigin)
class EmbedOriginAdmin(RecordAdmin):
    """The origins whose pages may frame the console, besides those of the environment."""

    list_display = ("origin", "created")
    list_before_template = "admin/back_office/origins_before.html"
    search_fields = ("origin__icontains",)
    record_actions = (REMOVE,)
    add_form = AddForm("New embed origin", "console.edit_origins", OriginForm, _add, "Allow origin")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, below those that the environment allows."""
        known = {"given_origins": settings.TACTUS_EMBED_ORIGINS}
        return super().changelist_view(request, {**known, **(extra_context or {})})

    def facts(self, request: HttpRequest, record: EmbedOrigin) -> Facts:
        return [("Origin", markup.code(record.origin)), ("Registered", markup.instant(record.created_at))]

    @column(description="Registered", ordering="created_at")
    def created(self, row: EmbedOrigin) -> SafeString:
        return markup.instant(row.created_at)


@admin.register(EmbedSession)
class EmbedSessionAdmin(RecordAdmin):
    """Who looked at the console, from where and until when."""

    list_display = ("opened", "customer_name", "start", "origin_text", "viewer", "state", "expires")
    list_filter = (EndedFilter,)
    search_fields = ("customer__name__icontains", "origin__icontains")
    search_help_text = "Customer, origin or id"
    paginator = InfinitePaginator
    ordering = ("-created_at",)
    sortable_by = ()
    record_actions = (REVOKE,)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "api_key").defer("start_hash")

    def facts(self, request: HttpRequest, record: EmbedSession) -> Facts:
        return [
            ("Customer", self.customer_name(record)),
            ("Started by", record.get_start_display()),
            ("Made with", str(record.api_key) if record.api_key else "the back office"),
            ("Origin", record.origin or "any registered one"),
            ("May", ", ".join(record.scopes)),
            ("Viewer", self.viewer(record)),
            ("State", self.state(record)),
            ("Opened", markup.instant(record.created_at)),
            ("First used", markup.instant(record.start_used_at)),
            ("Ends", markup.instant(record.expires_at)),
            ("Revoked", markup.instant(record.revoked_at)),
        ]

    @column(description="Opened")
    def opened(self, row: EmbedSession) -> SafeString:
        return markup.instant(row.created_at)

    @column(description="Customer")
    def customer_name(self, row: EmbedSession) -> SafeString:
        return markup.link(reverse("admin:customers_customer_change", args=[row.customer_id]), row.customer.name)

    @column(description="Origin")
    def origin_text(self, row: EmbedSession) -> str:
        return row.origin or "any registered one"

    @column(description="Viewer")
    def viewer(self, row: EmbedSession) -> str:
        return str(row.end_user.get("name") or row.end_user.get("email") or row.end_user.get("id") or formatting.DASH)

    @column(description="State")
    def state(self, row: EmbedSession) -> SafeString:
        if row.revoked_at is not None:
            return markup.badge("Revoked", "bad")
        return markup.badge("Live", "ok") if row.expires_at > now() else markup.badge("Ended")

    @column(description="Ends")
    def expires(self, row: EmbedSession) -> SafeString:
        return markup.instant(row.expires_at)
