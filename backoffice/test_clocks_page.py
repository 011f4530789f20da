"""Test clocks for staff: set one up, put a customer on it, let it go on. There are none in production."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column
from unfold.widgets import UnfoldAdminTextInputWidget

from core.admin import timeline
from core.admin.actions import ActionResult, AddForm, RecordAction
from core.admin.inputs import HourInput
from core.admin.options import Facts, RecordAdmin
from core.clock import machine_now
from customers.models import TestClock
from customers.services import MAX_NAME, create_customer
from customers.test_clocks import advance_test_clock, create_test_clock, list_test_clocks
from presentation import markup


class InstantField(forms.DateTimeField):
    """A minute, in UTC."""

    widget = HourInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **kwargs)

    def clean(self, value: Any) -> Any:
        """Aware, whatever the server's zone."""
        at = super().clean(value)
        return at and at.replace(tzinfo=UTC)


class ClockForm(forms.Form):
    name = forms.CharField(max_length=160, widget=UnfoldAdminTextInputWidget())
    at = InstantField(label="Stands at (UTC)", help_text="The present of its customers. It never goes back.")


class AdvanceForm(forms.Form):
    to = InstantField(label="Go on to (UTC)", help_text="At most two years at once.")


class CustomerForm(forms.Form):
    name = forms.CharField(max_length=MAX_NAME, widget=UnfoldAdminTextInputWidget())
    ingest_alias = forms.CharField(
        max_length=128,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The name under which its events arrive; without one, its id.",
    )


def _ready(clock: TestClock) -> bool:
    return clock.target_at is None


def _advance(clock: TestClock, data: dict[str, Any], at: datetime) -> ActionResult:
    advance_test_clock(clock_id=clock.pk, to=data["to"], now=at)
    return ActionResult(f"{clock.name} is on its way. Its page shows where it stands.")


def _add_customer(clock: TestClock, data: dict[str, Any], at: datetime) -> ActionResult:
    alias = data["ingest_alias"]
    made = create_customer(name=data["name"], ingest_aliases=[alias] if alias else [], test_clock_id=clock.pk, now=at)
    return ActionResult(
        f"{made.name} lives on {clock.name}.", url=reverse("admin:customers_customer_change", args=[made.pk])
    )


ADVANCE = RecordAction(
    slug="advance",
    title="Advance",
    permission="customers.advance_clock",
    run=_advance,
    effects=lambda clock: [
        f"All that is due for its {clock.customers.count():,} customer(s) on the way happens in order, as it would.",
        "Periods begin, invoices are issued, balances are granted and expire.",
        "The clock never goes back.",
    ],
    form=AdvanceForm,
    initial=lambda clock: {"to": clock.now_at},
    is_available=_ready,
    submit="Advance the clock",
    icon="fast_forward",
)
ADD_CUSTOMER = RecordAction(
    slug="customer",
    title="New customer",
    permission="customers.advance_clock",
    run=_add_customer,
    effects=lambda _clock: ["A customer stays on its test clock for life. Its invoices have numbers of their own."],
    form=CustomerForm,
    submit="Create customer",
    icon="person_add",
)


def _add(data: dict[str, Any]) -> tuple[str, str]:
    clock = create_test_clock(name=data["name"], at=data["at"], now=machine_now())
    page = reverse("admin:customers_testclock_change", args=[clock.pk])
    return f"{clock.name} is set up. Put a customer on it.", page


@admin.register(TestClock)
class TestClockAdmin(RecordAdmin):
    """The list of clocks, and the page of each."""

    list_display = ("name", "stands", "state", "customer_count")
    search_fields = ("name__icontains",)
    record_actions = (ADVANCE, ADD_CUSTOMER)
    add_form = AddForm(
        "New test clock", "customers.advance_clock", ClockForm, _add, "Set up the clock", lambda: {"at": machine_now()}
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return list_test_clocks()

    def facts(self, request: HttpRequest, record: TestClock) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Stands at", markup.instant(record.now_at)),
            ("State", self.state(record)),
            *([("Going to", markup.instant(record.target_at))] if record.target_at else []),
            *([("Does not get on", record.last_error)] if record.last_error else []),
            *[
                ("Customer", markup.link(reverse("admin:customers_customer_change", args=[one.pk]), one.name))
                for one in record.customers.all()
            ],
            ("Set up", markup.instant(record.created_at)),
        ]

    def record_context(self, request: HttpRequest, record: TestClock) -> dict[str, Any]:
        return {"timeline_entries": timeline.of_subjects([("testclock", record.pk)])}

    @column(description="Stands at", ordering="now_at")
    def stands(self, row: TestClock) -> SafeString:
        return markup.instant(row.now_at)

    @column(description="State")
    def state(self, row: TestClock) -> SafeString:
        if row.last_error:
            return markup.badge("Does not get on", "bad")
        return markup.badge("Ready", "ok") if row.target_at is None else markup.badge("On its way", "warn")

    @column(description="Customers")
    def customer_count(self, row: TestClock) -> str:
        return f"{len(row.customers.all()):,}"
