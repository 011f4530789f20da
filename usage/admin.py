"""Usage for staff: events found by customer or transaction id. How ingest is doing stands in backoffice.

Read-only, through the store; no list of all events, because there may be billions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.exact_json import dumps
from customers.selectors import ids_by_ingest_name, list_customers
from presentation.formatting import ELLIPSIS
from usage.store import StoredEvent, get_store

LONGEST = 200
MOST = 100
MOST_PROPERTIES = 40
LONGEST_NAME = 60
LONGEST_VALUE = 120


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event with the customer that it belongs to now ("" while nobody has its name) and its properties as text.

    `note`: what a list says about it besides.
    """

    event: StoredEvent
    customer_id: UUID | None
    customer_name: str
    properties: tuple[tuple[str, str], ...]
    note: str = ""


def search_events(request: HttpRequest) -> HttpResponse:
    """The newest events of one customer (by id or alias), or those of some transaction ids."""
    _require(request)
    term = request.GET.get("q", "").strip()[:LONGEST]
    found: Sequence[StoredEvent] = ()
    if term:
        store = get_store()
        found = store.search([term]) or store.recent(_refs(term), MOST)
    return _page(
        request,
        "events.html",
        "Events",
        {"term": term, "events": shown_events(found), "most": MOST, "full": len(found) == MOST},
    )


def shown_events(events: Sequence[StoredEvent]) -> list[ShownEvent]:
    """Events with whom they belong to; two queries however many there are."""
    owners = ids_by_ingest_name(names={event.customer_ref for event in events})
    names = dict(list_customers(archived=None, customer_ids=set(owners.values())).values_list("pk", "name"))
    return [
        ShownEvent(
            event,
            owner := owners.get(event.customer_ref),
            names.get(owner, "") if owner else "",
            shown_properties(event.properties),
        )
        for event in events
    ]


def shown_properties(properties: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and values as text, as many and as long as a table holds."""
    return tuple((name[:LONGEST_NAME], _text(value)) for name, value in islice(properties.items(), MOST_PROPERTIES))


def _refs(term: str) -> list[str]:
    """All names of the customer that `term` names; else `term` itself: events may have come before their customer."""
    owner = ids_by_ingest_name(names=[term]).get(term)
    if owner is None:
        return [term]
    customer = list_customers(archived=None, customer_ids=[owner]).get()
    return [str(owner), *(alias.alias for alias in customer.aliases.all())]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + ELLIPSIS


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("usage.view_usageevent"):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    shown = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/back_office/{template}", shown)
