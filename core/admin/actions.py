"""What staff may do to a record: a page that says what will happen, a form, one service call, a message.

A service refuses with a `TactusError`; its words are shown beside the form and nothing was written.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from core.admin.timeline import page_of
from core.approvals import NeedsApproval, ask
from core.clock import now
from core.errors import TactusError
from core.transactions import reads_snapshot


class RecordScreen(Protocol):
    """What a confirm page needs of the admin whose record it is about; `core.admin.options.RecordAdmin` is one."""

    admin_site: Any
    opts: Any

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether this member of staff may see the record."""

    def get_object(self, request: HttpRequest, object_id: str) -> Any:
        """The record, or None."""

    def gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The answer where there is no such record."""


class ReasonForm(forms.Form):
    """Asks why. The reason goes to the audit trail."""

    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit trail beside your name.",
    )


class ConfirmForm(forms.Form):
    """A confirmation without fields."""


def always(_record: Any) -> bool:
    """For actions that every record offers."""
    return True


def nothing(_record: Any) -> dict[str, Any]:
    """For forms that start empty."""
    return {}


def unasked(_record: Any, _query: Mapping[str, str]) -> dict[str, Any]:
    """For forms that no link fills in."""
    return {}


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What staff read afterwards, and the record whose page they see next: the same one, or the list if it is gone.

    `url`: the page they see next, where it is of another kind.
    """

    message: str
    record: Model | None = None
    gone: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class RecordAction:
    """One thing that may be done.

    `run(record, data, now)` makes the one service call; `effects(record)` says beforehand what will happen;
    `is_available(record)` whether it makes sense now; `suggested(record, query)` fills the form in as a link proposes.
    With a `preview(record, data)` the effect depends on what was filled in: it is shown between the form and the call.
    `gate` names the `registry.GatedAct` that it asks for where it is more than one person may do alone: what was filled
    in becomes the request's parameters, `reason` its reason.
    """

    slug: str
    title: str
    permission: str
    run: Callable[[Any, dict[str, Any], datetime], ActionResult]
    effects: Callable[[Any], list[str]]
    preview: Callable[[Any, dict[str, Any]], list[str]] | None = None
    form: type[forms.Form] = ConfirmForm
    initial: Callable[[Any], dict[str, Any]] = nothing
    suggested: Callable[[Any, Mapping[str, str]], dict[str, Any]] = unasked
    is_available: Callable[[Any], bool] = always
    submit: str = ""
    icon: str = ""
    danger: bool = False
    gate: str = ""

    def url_name(self, opts: Any) -> str:
        """The name of its page's route."""
        return f"{opts.app_label}_{opts.model_name}_{self.slug.replace('-', '_')}"


def action_view(admin: RecordScreen, action: RecordAction) -> Callable[..., HttpResponse]:
    """The view of an action's confirm page."""

    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm(action.permission) or not admin.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        record = admin.get_object(request, unquote(object_id))
        if record is None:
            return admin.gone(request, object_id)
        page = page_url(admin, record)
        posted = request.method == "POST"
        initial = {} if posted else {**action.initial(record), **action.suggested(record, request.GET.dict())}
        form = action.form(request.POST) if posted else action.form(initial=initial)
        if posted and form.is_valid():
            if action.preview is not None and "confirmed" not in request.POST:
                effects = reads_snapshot(action.preview)(record, form.cleaned_data)
                return confirm_page(request, admin, record, action, form, page, effects)
            if answer := _carry_out(request, admin, record, action, form):
                return answer
        return confirm_page(request, admin, record, action, form, page)

    return view


def _carry_out(
    request: HttpRequest, admin: RecordScreen, record: Model, action: RecordAction, form: forms.Form
) -> HttpResponse | None:
    """The one call, or the request where a second person has to decide; None where it is refused: the form says so."""
    page = page_url(admin, record)
    try:
        try:
            result = action.run(record, form.cleaned_data, now())
        except NeedsApproval as held:
            return _ask_second_person(request, record, action, form, held, page)
    except TactusError as error:
        refuse(form, error)
        return None
    messages.success(request, result.message)
    return HttpResponseRedirect(after(admin, result, page))


def _ask_second_person(
    request: HttpRequest, record: Model, action: RecordAction, form: forms.Form, held: NeedsApproval, page: str
) -> HttpResponse:
    """What one may not do alone becomes a request, whose page is seen next, or the record's, which tells of it."""
    parameters = json.loads(json.dumps(form.cleaned_data, cls=DjangoJSONEncoder))
    made = ask(
        act=action.gate, subject=record, title=f"{action.title}: {record}", reason=parameters.pop("reason", ""),
        parameters=parameters, worth=held.worth, limit=held.limit, maker_id=request.user.pk or 0, now=now(),
    )  # fmt: skip
    messages.warning(request, "This is more than you may do alone. Nothing has happened yet: a second person decides.")
    return HttpResponseRedirect(page_of("approvalrequest", made.pk) or page)


def after(admin: RecordScreen, result: ActionResult, page: str) -> str:
    """Where staff go when it is done."""
    if result.url:
        return result.url
    if result.gone:
        return reverse(f"{admin.admin_site.name}:{admin.opts.app_label}_{admin.opts.model_name}_changelist")
    return page if result.record is None else page_url(admin, result.record)


def page_url(admin: RecordScreen, record: Model) -> str:
    """The address of a record's page."""
    return reverse(f"{admin.admin_site.name}:{admin.opts.app_label}_{admin.opts.model_name}_change", args=[record.pk])


@dataclass(frozen=True, slots=True)
class AddForm:
    """The page of a list on which staff add a record by a short form.

    `run` makes it of the cleaned data and answers what staff read afterwards and the page they see next; what it
    refuses (TactusError) is shown at its field. `initial` fills in the empty form.
    """

    title: str
    permission: str
    form: type[forms.Form]
    run: Callable[[dict[str, Any]], tuple[str, str]]
    submit: str
    initial: Callable[[], dict[str, Any]] = dict


def add_page(request: HttpRequest, page: AddForm, context: dict[str, Any]) -> HttpResponse:
    """The form, or the redirect after it was carried out. Raises PermissionDenied."""
    if not request.user.has_perm(page.permission):
        raise PermissionDenied
    form = page.form(request.POST) if request.method == "POST" else page.form(initial=page.initial())
    if request.method == "POST" and form.is_valid():
        try:
            message, url = page.run(form.cleaned_data)
        except TactusError as error:
            refuse(form, error)
        else:
            messages.success(request, message)
            return HttpResponseRedirect(url)
    context = {**context, "title": page.title, "form": form, "submit": page.submit}
    return TemplateResponse(request, "admin/back_office/form.html", context, status=400 if form.errors else 200)


def refuse(form: forms.Form, error: TactusError) -> None:
    """Shows a service's refusal beside the field that it names, if the form has it, else above the form."""
    field = error.field if error.field in form.fields else None
    form.add_error(field, error.message.removeprefix(f"{error.field}: ").capitalize())


def confirm_page(
    request: HttpRequest,
    admin: RecordScreen,
    record: Model,
    action: RecordAction,
    form: forms.Form,
    back: str,
    preview: list[str] | None = None,
) -> TemplateResponse:
    """The page that names the effects before anything happens. `preview`: those of what was filled in."""
    possible = action.is_available(record)
    effects = preview or (action.effects(record) if possible else [])
    foretell = getattr(admin.admin_site, "foretell", None)
    if action.gate and foretell is not None and possible:
        data = form.cleaned_data if form.is_bound and form.is_valid() else {}
        effects = [*effects, *foretell(request, action, record, data)]
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": record,
        "title": action.title,
        "record_action": action,
        "effects": effects,
        "previewed": preview is not None,
        "asks_first": action.preview is not None and preview is None,
        "possible": possible,
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, "admin/back_office/confirm.html", context, status=400 if form.errors else 200)
