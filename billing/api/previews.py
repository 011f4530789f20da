"""`/v1/customers/{customer_id}/previewEvents`: what events would cost."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import selectors
from billing.api.presenters import present_invoice
from billing.api.schema import InvoiceOutput
from billing.selectors.line_details import facts_of_lines
from core.api.fields import FlagField, Input, InstantField, TextField, WordField
from core.api.output import list_of
from core.api.views import ApiView, data
from core.clock import now
from core.errors import InvalidInput
from customers.selectors import require_customer
from engine.errors import InvalidTerms
from engine.usage import Event

COMPONENTS = "InvoicesPreview"
"""The beginning of these names in /openapi.json, wherever the code lies."""
MAX_EVENTS = 100
LAST = 2**62


class EventInput(Input):
    """An event that has not happened: it has no customer, and it may have no time (now) and no id."""

    event_type = TextField(maximum=200)
    timestamp = InstantField(required=False)
    transaction_id = TextField(maximum=128, required=False)
    properties = serializers.DictField(required=False)


class PreviewInput(Input):
    """What to add to the usage (`merge`), or to put in its place (`replace`, the default)."""

    events = serializers.ListField(child=EventInput(), max_length=MAX_EVENTS)
    mode = WordField(("REPLACE", "MERGE"), required=False)
    skip_zero_qty_line_items = FlagField(required=False)


class PreviewEvents(ApiView):
    """Previewing."""

    resource, access = "invoices", "read"

    @extend_schema(request=PreviewInput, responses=list_of(InvoiceOutput), tags=["Customers"])
    def post(self, request: Request, customer_id: UUID) -> Response:
        """The draft invoices of the customer's contracts as these events would make them. Nothing is stored."""
        body = self.read_body(request, PreviewInput)
        require_customer(customer_id=customer_id)
        merge = body.get("mode") == "MERGE"
        if merge and not body["events"]:
            raise InvalidInput("must hold at least one event to merge", field="events")
        at = now()
        views = selectors.preview_invoices(
            customer_id=customer_id, events=_events(body["events"], at), merge=merge, now=at
        )
        skip = body.get("skip_zero_qty_line_items", False)
        facts = facts_of_lines((line for view in views for line in view.lines), now=at)
        return data([present_invoice(view, facts, skip_zero_qty_line_items=skip) for view in views])


def _events(items: list[dict[str, Any]], at: datetime) -> list[Event]:
    """The events in their order, later than all that is stored. Raises InvalidInput naming the index."""
    counted = Counter(item["transaction_id"] for item in items if "transaction_id" in item)
    found = []
    for index, item in enumerate(items):
        name = item.get("transaction_id")
        if name is not None and counted[name] > 1:
            raise InvalidInput("stands twice in this request", field=f"events.{index}.transaction_id")
        try:
            event = Event(
                transaction_id=name or uuid4().hex,
                event_type=item["event_type"],
                timestamp=item.get("timestamp", at),
                arrival=LAST + index,
                properties=item.get("properties", {}),
            )
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"events.{index}.{error.field}") from error
        found.append(event)
    return found
