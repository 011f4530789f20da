"""Who works here, for owners. What is done to an account is asked for here and decided by another owner."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice.approvals_page import NO_MAIL
from core import audit
from core.admin import timeline
from core.admin.actions import ActionResult, ReasonForm, RecordAction, refuse
from core.admin.export import ListExport
from core.admin.filters import ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.approvals import NEW_ACCOUNT, name_of
from core.clock import now
from core.errors import TactusError
from core.models import ApprovalRequest
from core.password_links import mail_is_set_up, newest_link
from core.registry import FINANCE, ROLES, SUPPORT, permissions_of
from core.staff import OWNER, role_of
from core.staff_accounts import (
    MANAGE,
    ask_details,
    ask_link,
    ask_new_account,
    ask_reactivation,
    ask_role,
    deactivate,
)
from presentation import formatting, markup

ASKED = "Asked for: nothing has happened yet. Another owner decides."
TWO = "Another owner decides; until then nothing changes."
SEVEN = "For 7 days the account is no second person to either of you."
ROLE_WORDS = {
    SUPPORT: "Looks after customers; adjusts balances within a small limit.",
    FINANCE: "Decides about adjustments and documents of others; sees revenue and the audit trail.",
    OWNER: "May do everything, and is held to limits and second persons like everybody.",
}
EXPORT_HEADER = ("username", "first_name", "last_name", "email", "role", "active", "signed_in_last", "since", "id")

admin.site.unregister([User, Group])


def _text(label: str, most: int, *, required: bool = True, hint: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=most,
        required=required,
        help_text=hint,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


def _role_field() -> forms.ChoiceField:
    choices = [(role, role) for role in (*ROLES, OWNER)]
    return forms.ChoiceField(label="Role", choices=choices, widget=UnfoldAdminSelectWidget())


class RoleForm(ReasonForm):
    """Which role from now on."""

    role = _role_field()
    field_order = ("role", "reason")


class DetailsForm(ReasonForm):
    """What the account says of its owner."""

    first_name = _text("First name", 150, required=False)
    last_name = _text("Last name", 150, required=False)
    email = _text("E-mail", 254, hint="Links to a new password go there.")
    field_order: tuple[str, ...] = ("first_name", "last_name", "email", "reason")


class NewAccountForm(DetailsForm):
    """Somebody new."""

    username = _text("Username", 150, hint="They sign in with it; it stays.")
    role = _role_field()
    field_order = ("first_name", "last_name", "username", "email", "role", "reason")


def _me() -> int:
    return audit.current_actor().user_id or 0


def _asking(
    ask: Callable[..., ApprovalRequest], *fields: str
) -> Callable[[Any, dict[str, Any], datetime], ActionResult]:
    """The run of an action that makes a request, whose page is seen next."""

    def run(user: User, data: dict[str, Any], at: datetime) -> ActionResult:
        wanted = {name: data[name] for name in fields}
        made = ask(user_id=user.pk, **wanted, reason=data["reason"], maker_id=_me(), now=at)
        return ActionResult(ASKED, url=_request_url(made))

    return run


def _request_url(row: ApprovalRequest) -> str:
    return reverse("admin:core_approvalrequest_change", args=[row.pk])


def _deactivate(user: User, data: dict[str, Any], at: datetime) -> ActionResult:
    deactivate(user_id=user.pk, by_id=_me(), reason=data["reason"], now=at)
    return ActionResult(f"{name_of(user)} cannot sign in any more.")


def _link_effects(user: User) -> list[str]:
    where = f"A link goes to {user.email}, with which only they set a password." if mail_is_set_up() else NO_MAIL
    return [TWO, where, "The password of now works until then.", SEVEN]


RECORD_ACTIONS = (
    RecordAction(
        slug="role", title="Change role", permission=MANAGE, run=_asking(ask_role, "role"),
        effects=lambda user: [TWO, f"{name_of(user)} is {role_of(user) or 'without a role'} now.", SEVEN],
        form=RoleForm, initial=lambda user: {"role": role_of(user)}, is_available=lambda user: user.is_active,
        submit="Ask for it", icon="group_work",
    ),
    RecordAction(
        slug="details", title="Change name or e-mail", permission=MANAGE,
        run=_asking(ask_details, "first_name", "last_name", "email"),
        effects=lambda _user: [TWO, "Links to a new password go to the new address from then on.", SEVEN],
        form=DetailsForm, is_available=lambda user: user.is_active, submit="Ask for it", icon="edit",
        initial=lambda user: {"first_name": user.first_name, "last_name": user.last_name, "email": user.email},
    ),
    RecordAction(
        slug="link", title="Send link to a new password", permission=MANAGE, run=_asking(ask_link),
        effects=_link_effects, form=ReasonForm, is_available=lambda user: user.is_active, submit="Ask for it",
        icon="key",
    ),
    RecordAction(
        slug="reactivate", title="Make active again", permission=MANAGE, run=_asking(ask_reactivation),
        effects=lambda user: [TWO, f"{name_of(user)} then sets a new password by a link.", SEVEN],
        form=ReasonForm, is_available=lambda user: not user.is_active, submit="Ask for it", icon="undo",
    ),
    RecordAction(
        slug="deactivate", title="Make inactive", permission=MANAGE, run=_deactivate,
        effects=lambda user: [
            f"{name_of(user)} is signed out and cannot sign in any more. This happens at once.",
            "To undo it, two owners are needed.",
        ],
        form=ReasonForm, is_available=lambda user: user.is_active, submit="Make inactive", icon="block", danger=True,
    ),
)  # fmt: skip


class StateFilter(ChosenFilter):
    title = "state"
    parameter_name = "state"
    options = (("active", "Active"), ("inactive", "Inactive"))

    def condition(self, value: str) -> Q:
        return Q(is_active=value == "active")


class RoleFilter(ChosenFilter):
    title = "role"
    parameter_name = "role"
    options = tuple((role, role) for role in (*ROLES, OWNER))

    def condition(self, value: str) -> Q:
        return Q(is_superuser=True) if value == OWNER else Q(is_superuser=False, groups__name=value)


def export_rows(people: Iterable[User]) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`."""
    for user in people:
        yield (
            user.username, user.first_name, user.last_name, user.email, role_of(user),
            "yes" if user.is_active else "no", user.last_login, user.date_joined, user.pk,
        )  # fmt: skip


@admin.register(User)
class PeopleAdmin(RecordAdmin):
    """The accounts of staff. Nothing is typed into them: every change is asked for, with a reason."""

    list_display = ("name", "username", "role", "state", "seen")
    list_display_links = ("name",)
    list_filter = (RoleFilter, StateFilter)
    search_fields = ("username__icontains", "first_name__icontains", "last_name__icontains", "email__icontains")
    search_help_text = "Name, username or e-mail"
    list_before_template = "admin/back_office/people_before.html"
    list_export = ListExport("people.csv", EXPORT_HEADER, export_rows)
    record_template = "admin/back_office/person.html"
    record_actions = RECORD_ACTIONS
    ordering = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only this list's own filters: an address could ask for the hashes of passwords, letter by letter."""
        return lookup in ("role", "state")

    def get_urls(self) -> list[URLPattern]:
        """Where Django sets somebody's password is nothing; its last pattern would lead on from there."""
        nothing = self.admin_site.admin_view(self.no_page)
        return [path("<path:object_id>/password/", nothing, name="auth_user_no_password"), *super().get_urls()]

    def no_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Not for owners either."""
        raise Http404

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"staff_tab": "people", "may_ask": request.user.has_perm(MANAGE)}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Nobody makes themselves inactive."""
        own = record.pk == request.user.pk
        found = super().available_actions(request, record)
        return [action for action in found if not (own and action["title"] == "Make inactive")]

    def page_context(self, request: HttpRequest, record: User, **extra: Any) -> dict[str, Any]:
        return super().page_context(request, record, **{"title": name_of(record), **extra})

    def facts(self, request: HttpRequest, record: User) -> Facts:
        return [
            ("Username", markup.code(record.username)),
            ("E-mail", record.email or formatting.DASH),
            ("Role", role_of(record) or "none"),
            ("Signed in last", markup.instant(record.last_login) if record.last_login else "never"),
            ("Account since", markup.instant(record.date_joined)),
            ("Password", "set" if record.has_usable_password() else "none yet"),
            ("Link to a new password", link_state(record)),
            *[("No second person to", text) for text in dependent_on(record, now())],
        ]

    def record_context(self, request: HttpRequest, record: User) -> dict[str, Any]:
        requests = list(ApprovalRequest.objects.filter(account=record).order_by("-made_at")[:20])
        waits = [(row, _request_url(row)) for row in requests if row.status == ApprovalRequest.Status.PENDING]
        about = [("user", audit.subject_id_of(record)), *(("approvalrequest", row.pk) for row in requests)]
        return {
            "badge": _badge(record),
            "own": record.pk == request.user.pk,
            "waits": waits,
            "mail_note": "" if mail_is_set_up() else NO_MAIL,
            "timeline_entries": timeline.of_subjects(about),
        }

    @column(description="Name", ordering="first_name")
    def name(self, user: User) -> str:
        return name_of(user)

    @column(description="Role")
    def role(self, user: User) -> str:
        return role_of(user) or formatting.DASH

    @column(description="State", ordering="is_active")
    def state(self, user: User) -> SafeString:
        return _badge(user)

    @column(description="Signed in last", ordering="last_login")
    def seen(self, user: User) -> SafeString:
        return markup.instant(user.last_login)


def link_state(user: User) -> SafeString | str:
    """What became of the link that was ordered last."""
    link = newest_link(user)
    if link is None:
        return "never sent"
    if link.sent_at is not None:
        return markup.instant(link.sent_at)
    if link.try_at is None:
        return "could not be sent"
    return "waits to be sent" if link.tries == 0 else "could not be sent yet, is tried again"


def dependent_on(user: User, at: datetime) -> list[str]:
    """Who had a part in making or changing this account, and until when that counts."""
    rows = ApprovalRequest.objects.filter(
        account=user, status=ApprovalRequest.Status.DONE, decided_at__gt=at - NEW_ACCOUNT
    ).select_related("made_by", "decided_by")
    until: dict[str, datetime] = {}
    for row in rows.order_by("decided_at"):
        for person in (row.made_by, row.decided_by):
            if person is not None and person != user and row.decided_at is not None:
                until[name_of(person)] = row.decided_at + NEW_ACCOUNT
    return [f"{name}, until {formatting.instant(end)}" for name, end in until.items()]


def new_account(request: HttpRequest) -> HttpResponse:
    """A request for an account of somebody new."""
    if not request.user.has_perm(MANAGE):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    posted = request.method == "POST"
    form = NewAccountForm(request.POST) if posted else NewAccountForm(initial={"role": SUPPORT})
    if posted and form.is_valid():
        try:
            made = ask_new_account(**_fields(form.cleaned_data), maker_id=request.user.pk or 0, now=now())
        except TactusError as error:
            refuse(form, error)
        else:
            messages.success(request, ASKED)
            return HttpResponseRedirect(_request_url(made))
    context = {
        **admin.site.each_context(request),
        "title": "New account",
        "form": form,
        "effects": [TWO, "They set their own password by a link." if mail_is_set_up() else NO_MAIL, SEVEN],
        "back": reverse("admin:auth_user_changelist"),
    }
    status = 400 if form.errors else 200
    return TemplateResponse(request, "admin/back_office/new_account.html", context, status=status)


def roles(request: HttpRequest) -> HttpResponse:
    """What each role may do: as the apps declare it, not to be changed here."""
    if not request.user.has_perm("auth.view_user"):
        raise PermissionDenied
    known: Mapping[str, str] = {
        f"{app}.{codename}": name
        for app, codename, name in Permission.objects.values_list("content_type__app_label", "codename", "name")
    }
    shown = []
    for role in ROLES:
        acts = sorted(known[name] for name in permissions_of(role) & known.keys() if ".view_" not in name)
        shown.append({"name": role, "words": ROLE_WORDS[role], "acts": acts})
    shown.append({"name": OWNER, "words": ROLE_WORDS[OWNER], "acts": []})
    context = {**admin.site.each_context(request), "title": "Roles", "roles": shown, "staff_tab": "roles"}
    return TemplateResponse(request, "admin/back_office/roles.html", context)


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in NewAccountForm.field_order}


def _badge(user: User) -> SafeString:
    return markup.badge("Active", "ok") if user.is_active else markup.badge("Inactive", "bad")
