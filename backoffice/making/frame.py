"""The frame of every page that makes or changes something: form, effect, one service call, a message.

A form says the API's body; the API's own serializer reads it, so that no rule stands twice, and what it refuses is
shown at the field that said it.
"""

import json
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms.forms import DeclarativeFieldsMetaclass
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from rest_framework import serializers

from core.admin.options import as_uuid
from core.approvals import NeedsApproval
from core.clock import now
from core.errors import TactusError

TOO_MUCH = "This is worth more than you may do alone. Grant it by “Adjust balance”, where a second person decides."


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under one heading."""

    title: str
    names: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What staff read afterwards, and the page they see next."""

    message: str
    url: str


class _AbstractForm(DeclarativeFieldsMetaclass, ABCMeta):
    """Forms with methods that each kind has to have."""


class MakingForm(forms.Form, metaclass=_AbstractForm):
    """A form about `subject` (None where something new stands alone), at the time `at`.

    `body` says the API's body; `fields_of` which form field stands for which path of it, the longest prefix first.
    """

    reads: ClassVar[type[serializers.Serializer[Any]]]
    fields_of: ClassVar[Mapping[str, str]] = {}
    sections: ClassVar[tuple[Section, ...]] = ()

    def __init__(self, *args: Any, subject: Any = None, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject, self.at = subject, at
        self.prepare()

    @property
    def key(self) -> dict[str, str]:
        """The part of a body that keeps it from being carried out twice, once its effect was shown."""
        key = as_uuid(str(self.data.get("key", "")))
        return {} if key is None else {"uniqueness_key": f"back-office-{key}"}

    def seal(self) -> str:
        """A short sign of what was filled in: what is carried out has to be what was foretold."""
        said = {name: value for name, value in self.body().items() if name != "uniqueness_key"}
        return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def prepare(self) -> None:
        """Fills in what may be chosen."""

    def reader(self) -> type[serializers.Serializer[Any]]:
        """The API's input that reads the body; of those that have one for each kind, the one that was chosen."""
        return self.reads

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """What was filled in, as the API's body. Raises forms.ValidationError by field."""

    @abstractmethod
    def carry_out(self, read: dict[str, Any]) -> Made:
        """The one service call. Raises TactusError."""

    def foretell(self, read: dict[str, Any]) -> list[str]:
        """What would happen, worked out; nothing where the effects that the page names are all. Raises TactusError."""
        return []

    def clean(self) -> dict[str, Any]:
        """Reads the body as the API does; `read` holds it then."""
        data = super().clean() or {}
        if self.errors:
            return data
        body = self.body()
        read = self.reader()(data=body)
        if read.is_valid():
            self.read = dict(read.validated_data)
        else:
            for where, message in flat(read.errors):
                self.refuse(where, message)
        return data

    def refuse(self, where: str, message: str) -> None:
        """Shows a refusal beside the field that said what is at `where`, else above the form with its name."""
        known = sorted(self.fields_of, key=len, reverse=True)
        found = next((self.fields_of[path] for path in known if where == path or where.startswith(f"{path}.")), "")
        said_of = (where, where.rpartition(".")[2], where.partition(".")[0])
        name = found or next((one for one in said_of if one in self.fields), "")
        said = message.removeprefix(f"{where}: ")
        if name in self.fields:
            self.add_error(name, said[:1].upper() + said[1:])
        else:
            self.add_error(None, f"{where}: {said}" if where else said[:1].upper() + said[1:])

    def shown_sections(self) -> list[dict[str, Any]]:
        """The sections with their fields."""
        return [
            {"title": one.title, "note": one.note, "fields": [self[name] for name in one.names]}
            for one in self.sections
        ]


@dataclass(frozen=True, slots=True)
class Making:
    """A page that makes something, or adds something to a record that `find` finds by the id in the address."""

    title: str
    permission: str
    form: type[MakingForm]
    submit: str
    effects: tuple[str, ...]
    back: Callable[[Any], str]
    find: Callable[[UUID], Model | None] | None = None
    suggested: Callable[[Any, Mapping[str, str], datetime], dict[str, Any]] = lambda _subject, query, _at: dict(query)
    asks_first: bool = False


def making_view(page: Making) -> Callable[..., HttpResponse]:
    """The view of such a page."""

    def view(request: HttpRequest, object_id: UUID | None = None) -> HttpResponse:
        if not request.user.has_perm(page.permission):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        subject = page.find(object_id) if page.find is not None and object_id is not None else None
        if page.find is not None and subject is None:
            raise Http404
        at = now()
        if request.method != "POST":
            form = page.form(initial=page.suggested(subject, request.GET.dict(), at), subject=subject, at=at)
            return _shown(request, page, form)
        form = page.form(request.POST, subject=subject, at=at)
        return (_carried_out(request, page, form) if form.is_valid() else None) or _shown(request, page, form)

    vars(view)["permission"] = page.permission  # for refusals that say which roles may
    return view


def _carried_out(request: HttpRequest, page: Making, form: MakingForm) -> HttpResponse | None:
    """What is seen after a form that was read: the effect first, or what was made; None where it is refused."""
    try:
        if page.asks_first and request.POST.get("confirmed") != form.seal():
            return _shown(request, page, form, form.foretell(form.read))
        made = form.carry_out(form.read)
    except NeedsApproval:
        form.add_error(None, TOO_MUCH)
    except TactusError as error:
        form.refuse(error.field or "", error.message)
    else:
        messages.success(request, made.message)
        return HttpResponseRedirect(made.url)
    return None


def _shown(request: HttpRequest, page: Making, form: MakingForm, effects: Sequence[str] | None = None) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": page.title,
        "under": form.subject,
        "page": page,
        "form": form,
        "effects": page.effects if effects is None else effects,
        "previewed": effects is not None,
        "seal": form.seal() if effects is not None else "",
        "key": uuid4() if effects is not None else "",
        "back": page.back(form.subject),
    }
    return TemplateResponse(request, "admin/back_office/make.html", context, status=400 if form.errors else 200)


def flat(errors: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every refusal of a serializer with the path of what it is about."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            below = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            yield from flat(inner, below)
    elif isinstance(errors, Iterable) and not isinstance(errors, str):
        for inner in errors:
            yield from flat(inner, path)
    else:
        yield path, str(errors)
