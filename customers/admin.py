"""Customers for staff: the list and the acts. The page of one stands in backoffice/customer_page.py."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display as column
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.admin.actions import ActionResult, ReasonForm, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ArchivedFilter, ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from core.errors import InvalidInput
from customers.models import Customer
from customers.services import MAX_ALIASES, MAX_NAME, archive_customer, set_ingest_aliases, set_name
from presentation import formatting, markup

SHOWN_ALIASES = 3


class ContractFilter(ChosenFilter):
    title = "contract"
    parameter_name = "contract"
    options = (("active", "Has an active contract"), ("none", "Has none"))

    def condition(self, value: str) -> Q:
        with_one = Q(pk__in=Customer.objects.order_by().filter(active_contract(now())).values("pk"))
        return with_one if value == "active" else ~with_one


def active_contract(at: datetime) -> Q:
    """Customers with a contract in force at `at`."""
    open_end = Q(contracts__ending_before__isnull=True) | Q(contracts__ending_before__gt=at)
    return Q(contracts__archived_at__isnull=True, contracts__starting_at__lte=at) & open_end


class AliasesField(forms.CharField):
    """One alias a line, as the service takes them. Bytes count: nothing but the line's end is trimmed."""

    def to_python(self, value: Any) -> Any:
        return [line for line in str(value or "").replace("\r\n", "\n").split("\n") if line]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def validate(self, value: Any) -> None:
        if any(len(alias) > 128 for alias in value):
            raise forms.ValidationError("An alias has at most 128 characters.")

    def run_validators(self, value: Any) -> None:
        if any("\x00" in alias for alias in value):
            raise forms.ValidationError("An alias cannot contain NUL.")


class NameForm(forms.Form):
    name = forms.CharField(max_length=MAX_NAME, widget=UnfoldAdminTextInputWidget())


class AliasesForm(forms.Form):
    ingest_aliases = AliasesField(
        label="Ingest aliases",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=f"One a line, at most {MAX_ALIASES:,}. This is the whole set: what you leave out is removed.",
    )


class SureForm(ReasonForm):
    field_order = ("name", "reason")
    name = forms.CharField(
        label="The customer's name",
        max_length=MAX_NAME,
        strip=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Type it exactly, to be sure that this is the one.",
    )


def _rename(customer: Customer, data: dict[str, Any], at: datetime) -> ActionResult:
    renamed = set_name(customer_id=customer.pk, name=data["name"], now=at)
    return ActionResult(f"The customer is now called {renamed.name}.")


def _set_aliases(customer: Customer, data: dict[str, Any], at: datetime) -> ActionResult:
    set_ingest_aliases(customer_id=customer.pk, ingest_aliases=data["ingest_aliases"], now=at)
    return ActionResult("The ingest aliases are changed.")


def _one_more_alias(customer: Customer, query: Mapping[str, str]) -> dict[str, Any]:
    """The aliases with `?name=` added, where a link asks for that."""
    name = query.get("name", "")[:128]
    aliases = [row.alias for row in customer.aliases.all()]
    return {"ingest_aliases": [*aliases, name]} if name and name not in aliases else {}


def _archive(customer: Customer, data: dict[str, Any], at: datetime) -> ActionResult:
    if data["name"] != customer.name:
        raise InvalidInput("this is not the customer's name", field="name")
    archive_customer(customer_id=customer.pk, now=at, reason=data["reason"])
    return ActionResult(f"{customer.name} is archived.")


def _archive_effects(customer: Customer) -> list[str]:
    contracts = list(customer.contracts.filter(archived_at__isnull=True).values_list("pk", flat=True))
    invoices = customer.invoice_listings.filter(contract__in=contracts)
    drafts, final = invoices.filter(status="DRAFT").count(), invoices.filter(status="FINALIZED").count()
    return [
        "The customer is archived for good, and all contracts with it. This cannot be undone.",
        f"{len(contracts):,} contract(s) end. {drafts:,} draft(s) are cancelled.",
        f"{final:,} finalized invoice(s) of these contracts become VOID.",
        "The ingest aliases stay taken: no other customer can have them.",
    ]


def _living(customer: Customer) -> bool:
    return customer.archived_at is None


RENAME = RecordAction(
    slug="rename",
    title="Rename",
    permission="customers.rename_customer",
    run=_rename,
    effects=lambda _customer: [
        "The new name shows everywhere at once. PDFs that were rendered before keep the old one."
    ],
    form=NameForm,
    initial=lambda customer: {"name": customer.name},
    is_available=_living,
    submit="Rename",
    icon="edit",
)
ALIASES = RecordAction(
    slug="aliases",
    title="Ingest aliases",
    permission="customers.edit_aliases",
    run=_set_aliases,
    effects=lambda _customer: [
        "Events sent under an alias belong to this customer, also those that came before it was added.",
        "Without an alias its events count for nobody. Open drafts follow at once; finalized invoices never change.",
    ],
    form=AliasesForm,
    initial=lambda customer: {"ingest_aliases": [row.alias for row in customer.aliases.all()]},
    suggested=_one_more_alias,
    is_available=_living,
    submit="Replace the aliases",
    icon="alternate_email",
)
ARCHIVE = RecordAction(
    slug="archive",
    title="Archive customer",
    permission="customers.archive_customer",
    run=_archive,
    effects=_archive_effects,
    form=SureForm,
    is_available=_living,
    submit="Archive this customer",
    icon="archive",
    danger=True,
    gate="customer.archive",
)


EXPORT_HEADER = (
    "customer", "ingest_aliases", "active_contracts", "salesforce_account_id", "created_at", "archived_at", "id",
)  # fmt: skip


def export_rows(rows: Iterable[Customer]) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`; aliases one after another, with a space between."""
    at = now()
    for row in rows:
        yield (
            row.name, " ".join(alias.alias for alias in row.aliases.all()), _active_contracts(row, at),
            row.salesforce_account_id, row.created_at, row.archived_at, row.pk,
        )  # fmt: skip


def _active_contracts(customer: Customer, at: datetime) -> int:
    """How many are in force; of a customer that comes with its contracts."""
    living = [contract for contract in customer.contracts.all() if contract.archived_at is None]
    return sum(one.starting_at <= at and (one.ending_before is None or one.ending_before > at) for one in living)


@admin.register(Customer)
class CustomerAdmin(RecordAdmin):
    """The list of customers."""

    made_by = "customers.create_customer"
    list_display = ("title", "alias_list", "contract_count", "state", "created", "identity")
    list_filter = (ArchivedFilter, ContractFilter, ("created_at", RangeDateFilter))
    search_fields = ("name__icontains", "aliases__alias__istartswith", "salesforce_account_id__exact")
    search_help_text = "Name, alias, Salesforce id or id"
    list_export = ListExport("customers.csv", EXPORT_HEADER, export_rows)
    record_template = "admin/back_office/customer.html"
    record_actions = (RENAME, ALIASES, ARCHIVE)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("aliases", "contracts")

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet | None:
        """The customer with this id, or the one that has it for an alias."""
        return queryset.filter(Q(pk=uuid) | Q(aliases__alias=str(uuid))).distinct()

    def facts(self, request: HttpRequest, record: Customer) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Salesforce account", record.salesforce_account_id or formatting.DASH),
            ("Since", markup.instant(record.created_at)),
            ("Changed", markup.instant(record.updated_at)),
            *([("Archived", markup.instant(record.archived_at))] if record.archived_at else []),
        ]

    @column(description="Customer", ordering="name")
    def title(self, row: Customer) -> str:
        return row.name

    @column(description="Ingest aliases")
    def alias_list(self, row: Customer) -> SafeString | str:
        aliases = [alias.alias for alias in row.aliases.all()]
        if not aliases:
            return formatting.DASH
        more = len(aliases) - SHOWN_ALIASES
        text = ", ".join(aliases[:SHOWN_ALIASES])
        return format_html("{}{}", text, f" and {more:,} more" if more > 0 else "")

    @column(description="Contracts")
    def contract_count(self, row: Customer) -> str:
        living = sum(contract.archived_at is None for contract in row.contracts.all())
        active = _active_contracts(row, now())
        return f"{active:,} active" if active else (f"{living:,}, none active" if living else "none")

    @column(description="State")
    def state(self, row: Customer) -> SafeString:
        return markup.badge("Archived") if row.archived_at else markup.badge("Active", "ok")

    @column(description="Since", ordering="created_at")
    def created(self, row: Customer) -> SafeString:
        return markup.day_only(row.created_at)

    @column(description="Id")
    def identity(self, row: Customer) -> SafeString:
        return markup.short_id(row.pk)
