"""Custom fields for staff: the keys that there are, and the values of a record."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from core import custom_fields
from core.admin import timeline
from core.admin.actions import ActionResult, AddForm, RecordAction, refuse
from core.admin.export import ListExport
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from core.errors import TactusError
from core.models import CustomFieldKey
from presentation import markup

WORDS = {
    "billable_metric": "Billable metrics", "commit": "Commits", "contract": "Contracts", "contract_credit": "Credits",
    "contract_product": "Products", "customer": "Customers", "discount": "Discounts", "invoice": "Invoices",
    "rate_card": "Rate cards", "scheduled_charge": "Scheduled charges", "subscription": "Subscriptions",
}  # fmt: skip


def words_of(entity: str) -> str:
    """What staff call records of this kind."""
    return WORDS.get(entity, entity.replace("_", " ").capitalize())


class KeyForm(forms.Form):
    """A new key."""

    entity = forms.ChoiceField(label="Records", widget=UnfoldAdminSelectWidget())
    key = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget())
    enforce_uniqueness = forms.BooleanField(
        label="No two records may have the same value",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = sorted(custom_fields.entities(), key=words_of)
        choices: Any = self.fields["entity"]
        choices.choices = [(name, words_of(name)) for name in known]


def _having(key: CustomFieldKey) -> int:
    return custom_fields.records(key.entity).filter(custom_fields__has_key=key.key).count()


def _remove(key: CustomFieldKey, _data: dict[str, Any], at: datetime) -> ActionResult:
    gone = custom_fields.remove_key(entity=key.entity, key=key.key, now=at)
    return ActionResult(f"The key {key.key} is removed, and its value from {gone:,} record(s).", gone=True)


REMOVE = RecordAction(
    slug="remove",
    title="Remove key",
    permission="core.edit_keys",
    run=_remove,
    effects=lambda key: [
        f"{_having(key):,} record(s) have a value of it. These values go with the key; this cannot be undone."
    ],
    submit="Remove the key and its values",
    icon="delete",
    danger=True,
)


def export_rows(rows: Iterable[CustomFieldKey]) -> Iterator[tuple[Any, ...]]:
    """The columns of the file."""
    return ((row.entity, row.key, row.enforce_uniqueness, row.created_at) for row in rows)


def _add(data: dict[str, Any]) -> tuple[str, str]:
    made = custom_fields.add_key(**data, now=now())
    return f"{words_of(made.entity)} can have {made.key} now.", reverse("admin:core_customfieldkey_changelist")


@admin.register(CustomFieldKey)
class CustomFieldKeyAdmin(RecordAdmin):
    """The list of keys."""

    list_display = ("key", "records", "unique", "added")
    list_filter = ("enforce_uniqueness",)
    search_fields = ("key__icontains", "entity__icontains")
    record_actions = (REMOVE,)
    add_form = AddForm("New custom field key", "core.edit_keys", KeyForm, _add, "Add the key")
    list_export = ListExport(
        "custom-field-keys.csv", ("entity", "key", "enforce_uniqueness", "created_at"), export_rows
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return custom_fields.list_keys()

    def facts(self, request: HttpRequest, record: CustomFieldKey) -> Facts:
        return [
            ("Key", markup.code(record.key)),
            ("Records", words_of(record.entity)),
            ("Unique", "yes" if record.enforce_uniqueness else "no"),
            ("Records that have a value", f"{_having(record):,}"),
            ("Added", markup.instant(record.created_at)),
        ]

    def record_context(self, request: HttpRequest, record: CustomFieldKey) -> dict[str, Any]:
        return {"timeline_entries": timeline.of_subjects([("customfieldkey", record.pk)])}

    @column(description="Records", ordering="entity")
    def records(self, row: CustomFieldKey) -> str:
        return words_of(row.entity)

    @column(description="Unique", boolean=True, ordering="enforce_uniqueness")
    def unique(self, row: CustomFieldKey) -> bool:
        return row.enforce_uniqueness

    @column(description="Added", ordering="created_at")
    def added(self, row: CustomFieldKey) -> SafeString:
        return markup.instant(row.created_at)


class ValuesForm(forms.Form):
    """A value for each key that such records may have."""

    def __init__(self, *args: Any, keys: list[CustomFieldKey], values: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for index, one in enumerate(keys):
            self.fields[f"value_{index}"] = forms.CharField(
                label=one.key,
                max_length=200,
                required=False,
                initial=values.get(one.key, ""),
                widget=UnfoldAdminTextInputWidget(),
                help_text="No other record may have the same." if one.enforce_uniqueness else "",
            )


def edit_values(request: HttpRequest, entity: str, object_id: Any) -> HttpResponse:
    """The page on which a record's values are changed; what is emptied is taken away."""
    if not request.user.has_perm("core.edit_values") or entity not in custom_fields.entities():
        raise PermissionDenied
    record = custom_fields.records(entity).filter(pk=object_id).first()
    back = timeline.page_of(custom_fields.page_model(entity), object_id) or reverse("admin:index")
    if record is None:
        messages.warning(request, "There is no such record.")
        return HttpResponseRedirect(reverse("admin:index"))
    keys = list(custom_fields.list_keys(entities_=[entity]))
    posted = request.method == "POST"
    form = ValuesForm(request.POST if posted else None, keys=keys, values=record.custom_fields)
    if posted and form.is_valid():
        given = {one.key: form.cleaned_data[f"value_{index}"] for index, one in enumerate(keys)}
        try:
            custom_fields.replace_values(entity=entity, entity_id=record.pk, values=given, now=now())
        except TactusError as error:
            refuse(form, error)
        else:
            messages.success(request, "The custom fields are changed.")
            return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": f"Custom fields of {record}",
        "form": form,
        "submit": "Save",
        "back": back,
        "nothing": "" if keys else f"There are no keys for {words_of(entity).lower()} yet: add one first.",
    }
    return TemplateResponse(
        request, "admin/back_office/custom_fields.html", context, status=400 if form.errors else 200
    )
