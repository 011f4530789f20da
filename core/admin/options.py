"""The shape of every screen of records: searchable list, read-only page, and writes only through services.

`RecordAdmin` refuses adding, changing and deleting whatever permissions somebody has: what may be done to a record is
a `RecordAction` (core.admin.actions), which asks for its own permission and calls one service.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from core import custom_fields
from core.admin.actions import AddForm, RecordAction, action_view, add_page
from core.admin.export import ROWS_AT_ONCE, ListExport, stream_csv
from core.admin.timeline import page_of
from core.approvals import waiting_about
from core.registry import gated_acts

DATE_PARTS = frozenset({"year", "iso_year", "month", "day", "week", "week_day", "iso_week_day", "quarter"})

Facts = list[tuple[str, Any]]


class ListPage(ModelAdmin):
    """A list under the menu's name, with a landmark around it (Django's is called "Select … to change")."""

    change_list_template: Any = "admin/back_office/list.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list."""
        name = str(self.opts.verbose_name_plural)
        title = self.in_menu("title") or name[:1].upper() + name[1:]
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def in_menu(self, what: str) -> str:
        """What the site's menu says of this list: its `title`, or how its records are `made`; "" if nothing."""
        lists: dict[str, Any] = getattr(self.admin_site, "lists", {})
        return str(getattr(lists.get(f"{self.opts.app_label}_{self.opts.model_name}"), what, ""))


class RecordAdmin(ListPage):
    """A list and a page for records that the back office shows but never edits in place."""

    list_fullwidth = True
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    list_filter_submit = True
    list_disable_select_all = True
    actions: Any = None
    list_export: ClassVar[ListExport | None] = None
    record_template = "admin/back_office/record.html"
    record_actions: ClassVar[tuple[RecordAction, ...]] = ()
    add_form: ClassVar[AddForm | None] = None
    made_by: ClassVar[str] = ""
    """The permission of a page of the site that makes such records; nobody makes them here where it is empty."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        permission = self.made_by if self.add_form is None else self.add_form.permission
        return bool(permission) and request.user.has_perm(permission)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Parts of dates are for a list's date hierarchy, which checks them: elsewhere a year 0 would be an error."""
        return not DATE_PARTS & set(lookup.split("__")) and super().lookup_allowed(lookup, value, request)

    # --- the list ---------------------------------------------------------------------------------------------------

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Whatever `search_fields` find, and the record with exactly this id."""
        term = search_term.strip()[:200]
        if not term:
            return queryset, False
        if (found := _by_custom_field(queryset, term)) is not None:
            return found, False
        if (uuid := as_uuid(term)) is not None and (by_id := self.find_by_id(queryset, uuid)) is not None:
            return by_id, False
        return super().get_search_results(request, queryset, term)

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet | None:
        """What a typed id means in this list; None where ids are no UUIDs."""
        return queryset.filter(pk=uuid) if self.opts.pk.get_internal_type() == "UUIDField" else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way to all of it as a file."""
        export = ""
        if self.list_export is not None:
            query = request.GET.copy()
            query.pop("p", None)
            export = f"{reverse(f'{self.admin_site.name}:{self._export_url_name()}')}?{query.urlencode()}"
        return super().changelist_view(request, {"export_url": export, **(extra_context or {})})

    def export(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """All that the list is filtered to, not only a page of it, as a file in the list's order."""
        if self.list_export is None or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).queryset.iterator(chunk_size=ROWS_AT_ONCE)
        except IncorrectLookupParameters:
            listed = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
            return HttpResponseRedirect(f"{reverse(listed)}?e=1")
        return stream_csv(self.list_export.name, self.list_export.header, self.list_export.rows(found))

    def _export_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    # --- the page ---------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's page. There is nothing to post here."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return self.gone(request, object_id)
        return TemplateResponse(
            request, self.record_template, self.page_context(request, record, **(extra_context or {}))
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form that makes one; where nobody makes such records here, how they come to be."""
        if self.add_form is not None:
            return add_page(request, self.add_form, {**self.admin_site.each_context(request), "opts": self.opts})
        return self._not_here(request, "Not made here", self.in_menu("made"))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Records stay."""
        return self._not_here(
            request, "Nothing is deleted here", "What may be done to a record stands on its own page."
        )

    def _not_here(self, request: HttpRequest, title: str, reason: str) -> HttpResponse:
        """A refusal that no other role would be spared. Raises PermissionDenied for those who may not even look."""
        refusal = getattr(self.admin_site, "refusal", None)
        if refusal is None or not self.has_view_permission(request):
            raise PermissionDenied
        answer: HttpResponse = refusal(request, 403, title, reason)
        return answer

    def gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Home, with a message that there is no such record."""
        return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's own log knows nothing of services; the page shows the audit trail instead."""
        return self.change_view(request, object_id, extra_context=extra_context)

    def page_context(self, request: HttpRequest, record: Any, **extra: Any) -> dict[str, Any]:
        """What every template of a record's page gets."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": str(record),
            "record": record,
            "facts": [*self.facts(request, record), *_noted(record)],
            "record_actions": self.available_actions(request, record),
            "waiting_requests": list(self.waiting(record).values()),
            **self.record_context(request, record),
            **extra,
        }

    def facts(self, request: HttpRequest, record: Any) -> Facts:
        """Label and value pairs for the top of the page."""
        return []

    def record_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What this kind of record adds to its page: here, or where several apps are needed in `site.pages`."""
        pages: dict[str, Any] = getattr(self.admin_site, "pages", {})
        across_apps = pages.get(self.opts.label_lower)
        return across_apps(request, record) if across_apps else {}

    # --- what may be done -------------------------------------------------------------------------------------------

    def available_actions(self, request: HttpRequest, record: Model) -> list[dict[str, Any]]:
        """The actions that this member of staff may do to this record now, as buttons."""
        waiting = self.waiting(record)
        return [
            *self._custom_fields_button(request, record),
            *(
                {
                    "title": action.title,
                    "icon": action.icon,
                    "danger": action.danger,
                    "url": reverse(f"{self.admin_site.name}:{action.url_name(self.opts)}", args=[record.pk]),
                }
                for action in self.record_actions
                if request.user.has_perm(action.permission)
                and action.is_available(record)
                and action.gate not in waiting
            ),
        ]

    def _custom_fields_button(self, request: HttpRequest, record: Model) -> list[dict[str, Any]]:
        """The way to a record's custom fields, where it has such and the person may change them."""
        entity = custom_fields.entity_of(record)
        if not entity or not request.user.has_perm("core.edit_values"):
            return []
        url = reverse(f"{self.admin_site.name}:custom_fields", args=[entity, record.pk])
        return [{"title": "Custom fields", "icon": "new_label", "danger": False, "url": url}]

    def waiting(self, record: Model) -> dict[str, dict[str, Any]]:
        """What was asked for about this record and waits for a second person, by act; each is shown with its page.

        The button of such an action is not offered again.
        """
        if not any(action.gate for action in self.record_actions):
            return {}
        return {
            act: {
                "title": gated_acts()[act].title,
                "who": row.made_by.get_full_name() or row.made_by.get_username(),
                "at": row.made_at,
                "reason": row.reason,
                "url": page_of("approvalrequest", row.pk),
            }
            for act, row in waiting_about(record).items()
        }

    def get_urls(self) -> list[URLPattern]:
        """The file and the actions' confirm pages before the rest: Django's last pattern takes any path."""
        export = path("export.csv", self.admin_site.admin_view(self.export), name=self._export_url_name())
        pages = [
            path(
                f"<path:object_id>/{action.slug}/",
                self.admin_site.admin_view(action_view(self, action)),
                name=action.url_name(self.opts),
            )
            for action in self.record_actions
        ]
        return [*([export] if self.list_export else []), *pages, *super().get_urls()]


def _by_custom_field(queryset: QuerySet, term: str) -> QuerySet | None:
    """What `key=value` finds in a list of records with custom fields; None for other terms and lists."""
    key, equals, value = term.partition("=")
    if not (key and equals and value) or not custom_fields.has_them(queryset.model):
        return None
    return queryset.filter(custom_fields__contains={key.strip(): value.strip()})


def _noted(record: Model) -> Facts:
    """The custom fields of a record that has any."""
    return list(record.custom_fields.items()) if custom_fields.entity_of(record) else []  # type: ignore[attr-defined]


def as_uuid(text: str) -> UUID | None:
    """The UUID that `text` spells in full, if it does."""
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def words(term: str, *lookups: str) -> Q:
    """Every word of `term` in at least one of `lookups`."""
    condition = Q()
    for word in term.split()[:8]:
        either = Q()
        for lookup in lookups:
            either |= Q(**{lookup: word})
        condition &= either
    return condition
