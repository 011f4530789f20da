"""Contracts for staff: the list, and the two acts that change billed terms.

The page stands in backoffice/contract_page.py.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import display as column
from unfold.widgets import UnfoldBooleanSwitchWidget

from contracts.admin.trials import CONVERT_TRIAL, MOVE_TRIAL_END, trial_facts
from contracts.models import Contract
from contracts.services import archive_contract, update_end_date
from core.admin.actions import ActionResult, ReasonForm, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ChosenFilter
from core.admin.inputs import HourInput
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from engine.money import plain
from presentation import formatting, markup

FREQUENCIES = {"WEEKLY": "Weekly", "MONTHLY": "Monthly", "QUARTERLY": "Quarterly", "ANNUAL": "Annually"}
DAYS = {
    "FIRST_OF_MONTH": "first of the month",
    "CONTRACT_START": "day of the contract's start",
    "CUSTOM_DATE": "a date of its own",
}


def state_of(contract: Contract, at: datetime) -> tuple[str, str]:
    """A contract's state in a word, and its tone. The row has no status: it follows from its dates."""
    if contract.archived_at is not None:
        return "Archived", ""
    if contract.starting_at > at:
        return "Future", "info"
    if contract.ending_before is not None and contract.ending_before <= at:
        return "Ended", "warn"
    return "Active", "ok"


def in_state(name: str, at: datetime) -> Q:
    """The same as a condition."""
    open_end = Q(ending_before__isnull=True) | Q(ending_before__gt=at)
    living = Q(archived_at__isnull=True)
    return {
        "active": living & Q(starting_at__lte=at) & open_end,
        "future": living & Q(starting_at__gt=at),
        "ended": living & Q(ending_before__lte=at),
        "archived": ~living,
    }[name]


class StateFilter(ChosenFilter):
    title = "state"
    parameter_name = "state"
    options = tuple((name, name.capitalize()) for name in ("active", "future", "ended", "archived"))

    def condition(self, value: str) -> Q:
        return in_state(value, now())


class FrequencyFilter(ChosenFilter):
    title = "billing frequency"
    parameter_name = "frequency"
    options = tuple(FREQUENCIES.items())

    def condition(self, value: str) -> Q:
        return Q(billing_frequency=value)


class EndForm(ReasonForm):
    """A contract's new end."""

    field_order = ("ending_before", "keep_finalized", "reason")

    ending_before = forms.DateTimeField(
        label="Ends before (UTC)",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        widget=HourInput(attrs={"step": "3600"}),
        help_text="On the hour. This instant is no longer part of the contract. Empty for no end.",
    )
    keep_finalized = forms.BooleanField(
        label="Refuse if a finalized invoice ends later",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Finalized invoices never change; without this they may reach past the new end.",
    )

    def clean_ending_before(self) -> datetime | None:
        """An instant on the hour, in a year that calendars know."""
        at: datetime | None = self.cleaned_data["ending_before"]
        if at is None:
            return None
        at = at.replace(tzinfo=UTC)
        if (at.minute, at.second) != (0, 0):
            raise forms.ValidationError("Must be on the hour.")
        if at.year > 2200:
            raise forms.ValidationError("Leave it empty for no end.")
        return at


class ArchiveForm(ReasonForm):
    """How to archive a contract."""

    field_order = ("void_invoices", "reason")

    void_invoices = forms.BooleanField(
        label="Void its finalized invoices as well",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Voiding cannot be undone. Leave it off to keep what was billed.",
    )


def _change_end(contract: Contract, data: dict[str, Any], at: datetime) -> ActionResult:
    update_end_date(
        contract_id=contract.pk,
        customer_id=contract.customer_id,
        ending_before=data["ending_before"],
        now=at,
        allow_ending_before_finalized_invoice=not data["keep_finalized"],
        reason=data["reason"],
    )
    end = data["ending_before"]
    return ActionResult(
        f"The contract ends before {formatting.instant(end)} UTC." if end else "The contract has no end now."
    )


def _end_preview(contract: Contract, data: dict[str, Any]) -> list[str]:
    """What a new end does to the contract's invoices, counted before it happens."""
    end: datetime | None = data["ending_before"]
    before = formatting.instant(contract.ending_before) if contract.ending_before else "open"
    after = f"{formatting.instant(end)} UTC" if end else "open"
    said = [f"The end moves from {before} to {after}."]
    invoices = contract.invoice_listings.all()
    if end is not None:
        drafts = invoices.filter(status="DRAFT")
        dropped = drafts.filter(period_start__gte=end).count()
        cut = drafts.filter(period_start__lt=end, period_end__gt=end).count()
        late = invoices.filter(status="FINALIZED", period_end__gt=end).count()
        said += (
            [f"{_count(dropped, 'draft')} beginning at or after the new end {'is' if dropped == 1 else 'are'} dropped."]
            if dropped
            else []
        )
        said += (
            [f"{_count(cut, 'draft')} {'is' if cut == 1 else 'are'} cut short there; usage after it is not billed."]
            if cut
            else []
        )
        if late:
            verb = "so this will be refused" if data["keep_finalized"] else "they stay as they are"
            said.append(
                f"{_count(late, 'finalized invoice')} {'ends' if late == 1 else 'end'} after the new end: {verb}."
            )
        if not (dropped or cut or late):
            said.append("No invoice changes.")
    else:
        said.append("Billing periods go on; drafts that the old end cut short run to the end of their period again.")
    return said


def _archive(contract: Contract, data: dict[str, Any], at: datetime) -> ActionResult:
    archive_contract(
        contract_id=contract.pk,
        customer_id=contract.customer_id,
        void_invoices=data["void_invoices"],
        now=at,
        reason=data["reason"],
    )
    return ActionResult("The contract is archived.")


def _archive_effects(contract: Contract) -> list[str]:
    drafts = contract.invoice_listings.filter(status="DRAFT").count()
    final = contract.invoice_listings.filter(status="FINALIZED").count()
    return [
        "The contract ends for good. This cannot be undone.",
        f"{_count(drafts, 'draft')} will be cancelled: that usage is never billed under this contract."
        if drafts
        else "It has no drafts.",
        f"{_count(final, 'finalized invoice')} stay{'s' if final == 1 else ''} as billed, unless you choose so below.",
    ]


def _end_text(end: datetime | None) -> str:
    return f"ends before {formatting.instant(end)} UTC" if end else "no end"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


CHANGE_END = RecordAction(
    slug="change-end",
    title="Change end date",
    permission="contracts.change_end",
    run=_change_end,
    effects=lambda contract: [
        f"Now: {_end_text(contract.ending_before)}.",
        "Drafts follow the new end; finalized invoices never change. You will see the effect before anything happens.",
    ],
    preview=_end_preview,
    form=EndForm,
    initial=lambda contract: {"ending_before": contract.ending_before, "keep_finalized": True},
    is_available=lambda contract: contract.archived_at is None,
    submit="Change end date",
    icon="event_busy",
    gate="contract.change_end",
)
ARCHIVE = RecordAction(
    slug="archive",
    title="Archive contract",
    permission="contracts.archive_contract",
    run=_archive,
    effects=_archive_effects,
    form=ArchiveForm,
    is_available=lambda contract: contract.archived_at is None,
    submit="Archive this contract",
    icon="archive",
    danger=True,
    gate="contract.archive",
)


EXPORT_HEADER = (
    "contract", "customer", "customer_id", "state", "billing_frequency", "rate_card", "rate_card_id", "currency",
    "starting_at", "ending_before", "net_payment_terms_days", "uniqueness_key", "created_at", "created_by",
    "archived_at", "id",
)  # fmt: skip


def export_rows(rows: Iterable[Contract]) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`."""
    at = now()
    for row in rows:
        card = row.rate_card
        yield (
            str(row), row.customer.name, row.customer_id, state_of(row, at)[0], row.billing_frequency,
            card.name if card else "", row.rate_card_id,
            formatting.unit_code(card.fiat_credit_type) if card else "USD", row.starting_at, row.ending_before,
            row.net_payment_terms_days, row.uniqueness_key, row.created_at, row.created_by, row.archived_at, row.pk,
        )  # fmt: skip


@admin.register(Contract)
class ContractAdmin(RecordAdmin):
    """The list of contracts; what changes terms stands on pages of the site (backoffice.making)."""

    made_by = "contracts.create_contract"

    list_display = ("title", "customer_name", "state", "frequency", "card", "starts", "ends", "created")
    list_display_links = ("title",)
    list_filter = (
        StateFilter,
        FrequencyFilter,
        ("customer", AutocompleteSelectFilter),
        ("starting_at", RangeDateFilter),
    )
    search_fields = (
        "name__icontains",
        "customer__name__icontains",
        "customer__aliases__alias",
        "uniqueness_key__exact",
    )
    search_help_text = "Name, customer, alias or id"
    list_export = ListExport("contracts.csv", EXPORT_HEADER, export_rows)
    record_template = "admin/back_office/contract.html"
    record_actions = (MOVE_TRIAL_END, CONVERT_TRIAL, CHANGE_END, ARCHIVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("customer", "rate_card__fiat_credit_type", "package")

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet:
        return queryset.filter(Q(pk=uuid) | Q(customer_id=uuid) | Q(rate_card_id=uuid) | Q(package_id=uuid))

    def facts(self, request: HttpRequest, record: Contract) -> Facts:
        card = record.rate_card
        elsewhere = (
            ("NetSuite sales order", record.netsuite_sales_order_id),
            ("Salesforce opportunity", record.salesforce_opportunity_id),
            ("Total contract value", "" if record.total_contract_value is None else plain(record.total_contract_value)),
        )
        frequency = f"{FREQUENCIES[record.billing_frequency]}, counted from the {DAYS[record.billing_day]}"
        return [
            (
                "Customer",
                markup.link(
                    reverse("admin:customers_customer_change", args=[record.customer_id]), record.customer.name
                ),
            ),
            (
                "Rate card",
                markup.link(reverse("admin:catalog_ratecard_change", args=[card.pk]), card.name) if card else "none",
            ),
            *(
                [("Package", markup.link(reverse("admin:catalog_package_change", args=[package.pk]), package.name))]
                if (package := record.package)
                else []
            ),
            ("Currency", formatting.unit_code(card.fiat_credit_type) if card else "USD"),
            ("Billed", frequency),
            ("Starts", markup.instant(record.starting_at)),
            ("Ends before", markup.instant(record.ending_before) if record.ending_before else "open"),
            *trial_facts(record),
            ("Payment terms", f"net {record.net_payment_terms_days} days"),
            ("Anchor", markup.instant(record.billing_anchor_at)),
            *(
                [("First invoice from", markup.instant(record.invoice_generation_starting_at))]
                if record.invoice_generation_starting_at
                else []
            ),
            ("Made", markup.instant(record.created_at)),
            ("By", record.created_by or formatting.DASH),
            *([("Archived", markup.instant(record.archived_at))] if record.archived_at else []),
            *((name, value) for name, value in elsewhere if value),
            *([("Uniqueness key", markup.code(record.uniqueness_key))] if record.uniqueness_key else []),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    @column(description="Contract", ordering="name")
    def title(self, row: Contract) -> str:
        return str(row)

    @column(description="Customer", ordering="customer__name")
    def customer_name(self, row: Contract) -> SafeString:
        return markup.link(reverse("admin:customers_customer_change", args=[row.customer_id]), row.customer.name)

    @column(description="State")
    def state(self, row: Contract) -> SafeString:
        return markup.badge(*state_of(row, now()))

    @column(description="Billed", ordering="billing_frequency")
    def frequency(self, row: Contract) -> str:
        return FREQUENCIES[row.billing_frequency]

    @column(description="Rate card", ordering="rate_card__name")
    def card(self, row: Contract) -> str:
        return row.rate_card.name if row.rate_card else formatting.DASH

    @column(description="Starts", ordering="starting_at")
    def starts(self, row: Contract) -> SafeString:
        return markup.day_only(row.starting_at)

    @column(description="Ends before", ordering="ending_before")
    def ends(self, row: Contract) -> SafeString | str:
        return markup.day_only(row.ending_before) if row.ending_before else "open"

    @column(description="Made", ordering="created_at")
    def created(self, row: Contract) -> SafeString:
        return markup.day_only(row.created_at)
