"""Invoices for staff: the list with its filters, CSV, and the two acts that a finalized invoice allows.

The page of one invoice stands in backoffice/invoice_page.py, because it shows usage and audit beside the lines.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import display as column

from balances.admin.balances import amount_text, name_of
from balances.selectors import drawn_by_invoice
from catalog.models import CreditType
from core.admin.actions import ActionResult, ReasonForm, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from core.fields import enum_choices
from engine.invoice_states import InvoiceStatus
from engine.money import add, subtract
from invoices.models import InvoiceListing, Settlement
from invoices.parties import buyer_of, contract_name_of, seller_of
from invoices.selectors.settlement import UNPAID, settlement_state
from invoices.services.void import is_billed_again, regenerate_invoice, void_invoice
from presentation import formatting, markup
from presentation.formatting import plain_amount

TONES = {InvoiceStatus.DRAFT: "info", InvoiceStatus.FINALIZED: "ok", InvoiceStatus.VOID: "bad"}
EXPORT_HEADER = (
    "number", "status", "kind", "customer", "customer_id", "contract", "contract_id", "period_start", "period_end",
    "currency", "subtotal", "rounding", "total", "draft_total", "draft_total_at", "document_date",
    "due_date", "issued_at", "finalized_at", "voided_at", "id",
)  # fmt: skip


def _settled(invoice: InvoiceListing) -> Facts:
    """What became of an issued invoice, and what is still to be paid of it."""
    kept, unit = Settlement.objects.filter(pk=invoice.pk).first(), invoice.credit_type
    if kept is None:
        return []
    state = settlement_state(kept, on=now().date()).replace("_", " ").capitalize()
    if kept.state not in UNPAID:
        return [("Settlement", state)]
    left = subtract(kept.amount_due, add(kept.amount_paid, kept.amount_credited))
    figure = formatting.format_money(left, unit.minor_digits + unit.places, 0)
    return [("Settlement", f"{state}, {figure} {formatting.unit_code(unit)} by {formatting.day(kept.due_on)}")]


def status_badge(invoice: InvoiceListing) -> SafeString:
    """The state in a word; a draft whose finalization failed says so."""
    if invoice.status == InvoiceStatus.DRAFT and invoice.last_error:
        return markup.badge("Draft, failed", "bad")
    return markup.badge(invoice.get_status_display(), TONES[InvoiceStatus(invoice.status)])


def month_start(at: datetime) -> datetime:
    """Midnight UTC of the month's first day."""
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class StatusFilter(ChosenFilter):
    title = "status"
    parameter_name = "status"
    options = tuple(enum_choices(InvoiceStatus))


class AttentionFilter(ChosenFilter):
    """What somebody should look at."""

    title = "attention"
    parameter_name = "attention"
    options = (("failed", "Finalization failed"), ("due", "Due, not final yet"), ("unrated", "Usage without a rate"))

    def condition(self, value: str) -> Q:
        return {"failed": failed, "due": lambda: due(now()), "unrated": unrated}[value]()


class FinalizedFilter(ChosenFilter):
    title = "finalized"
    parameter_name = "finalized"
    options = (("this_month", "This month"), ("last_month", "Last month"))

    def condition(self, value: str) -> Q:
        this = month_start(now())
        last = month_start(this - timedelta(days=1))
        return Q(finalized_at__gte=this) if value == "this_month" else Q(finalized_at__gte=last, finalized_at__lt=this)


class CurrencyFilter(ChosenFilter):
    """The units that invoices are in."""

    title = "currency"
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        used = CreditType.objects.filter(pk__in=InvoiceListing.objects.order_by().values("credit_type").distinct())
        return tuple((str(unit.pk), formatting.unit_code(unit)) for unit in used)

    def condition(self, value: str) -> Q:
        return Q(credit_type_id=value)


def failed() -> Q:
    """Drafts whose last attempt to finalize failed."""
    return Q(status=InvoiceStatus.DRAFT) & ~Q(last_error="")


def due(at: datetime) -> Q:
    """Drafts whose period and grace are over."""
    return Q(status=InvoiceStatus.DRAFT, due_at__lte=at)


def unrated() -> Q:
    """Finalized invoices that leave usage out, because no rate priced it."""
    return Q(status=InvoiceStatus.FINALIZED) & ~Q(unrated=[])


def _void(invoice: InvoiceListing, data: dict[str, Any], at: datetime) -> ActionResult:
    void_invoice(invoice_id=invoice.pk, now=at, reason=data["reason"])
    return ActionResult(f"{invoice.number} is void.")


def _void_effects(invoice: InvoiceListing) -> list[str]:
    total = formatting.money_text(invoice.total, invoice.credit_type)
    given_back = drawn_by_invoice(invoice.pk)
    return [
        f"{invoice.number} of {buyer_of(invoice).name} over {total} becomes void. This cannot be undone.",
        "Its number, its lines and its PDF stay readable.",
        *(f"{name_of(owner, now())} gets back {amount_text(drawn, owner)}." for owner, drawn in given_back),
        "Nothing bills this period again until you regenerate the invoice.",
        "The customer sees it as void at once, and so does everyone who reads the API.",
    ]


def _may_regenerate(invoice: InvoiceListing) -> bool:
    """A void invoice whose period nothing bills again."""
    is_void = invoice.status == InvoiceStatus.VOID and invoice.contract.archived_at is None
    return is_void and not is_billed_again(invoice)


def _regenerate(invoice: InvoiceListing, data: dict[str, Any], at: datetime) -> ActionResult:
    new = regenerate_invoice(invoice_id=invoice.pk, now=at, reason=data["reason"])
    return ActionResult(f"The period is billed again: {new}.", new)


def _regenerate_effects(invoice: InvoiceListing) -> list[str]:
    period = formatting.period(invoice.period_start, invoice.period_end)
    over = invoice.due_at <= now()
    return [
        f"{period} of {invoice.customer.name} is billed again, at the rates and the usage of now.",
        "The new invoice is final at once and takes the next number."
        if over
        else "The new invoice is a draft until its period and grace are over.",
        f"{invoice.number} stays void; the new invoice names it as its origin.",
    ]


VOID = RecordAction(
    slug="void",
    title="Void invoice",
    permission="invoices.void_invoice",
    run=_void,
    effects=_void_effects,
    form=ReasonForm,
    is_available=lambda invoice: invoice.status == InvoiceStatus.FINALIZED,
    submit="Void this invoice",
    icon="block",
    danger=True,
    gate="invoice.void",
)
REGENERATE = RecordAction(
    slug="regenerate",
    title="Regenerate invoice",
    permission="invoices.regenerate_invoice",
    run=_regenerate,
    effects=_regenerate_effects,
    form=ReasonForm,
    is_available=_may_regenerate,
    submit="Bill this period again",
    icon="autorenew",
    gate="invoice.regenerate",
)


def export_rows(rows: Iterable[InvoiceListing]) -> Iterator[tuple[Any, ...]]:
    """The columns of `EXPORT_HEADER`; amounts in people's units (dollars, not cents)."""
    for row in rows:
        unit = row.credit_type
        amounts = (plain_amount(amount, unit) for amount in (row.subtotal, row.rounding, row.total, row.draft_total))
        subtotal, rounding, total, draft_total = amounts
        yield (
            row.number, row.status, row.type, buyer_of(row).name, row.customer_id, contract_name_of(row),
            row.contract_id,
            row.period_start, row.period_end, formatting.unit_code(unit), subtotal, rounding, total, draft_total,
            row.draft_total_at, row.document_date, row.due_date, row.issued_at, row.finalized_at, row.voided_at, row.pk,
        )  # fmt: skip


@admin.register(InvoiceListing)
class InvoiceAdmin(RecordAdmin):
    """The list of invoices."""

    list_display = ("invoice", "customer_name", "period", "state", "amount", "dates", "note")
    list_display_links = ("invoice",)
    list_filter = (
        StatusFilter,
        AttentionFilter,
        FinalizedFilter,
        ("customer", AutocompleteSelectFilter),
        CurrencyFilter,
        ("period_start", RangeDateFilter),
    )
    date_hierarchy = "period_start"
    search_fields = (
        "number__istartswith",
        "customer__name__icontains",
        "customer__aliases__alias",
        "contract__name__icontains",
    )
    search_help_text = "Number, customer, alias, contract or id"
    list_before_template = "admin/back_office/invoice_tabs.html"
    list_export = ListExport("invoices.csv", EXPORT_HEADER, export_rows)
    record_template = "admin/back_office/invoice.html"
    record_actions = (VOID, REGENERATE)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list is a view over two tables: whoever may see invoices may see it."""
        return request.user.has_perm("invoices.view_invoice")

    def facts(self, request: HttpRequest, record: InvoiceListing) -> Facts:
        origin = record.regenerated_from
        return [
            ("Id", markup.code(record.pk)),
            ("Kind", record.get_type_display()),
            ("Seller", seller_of(record).name),
            ("Drafted", markup.instant(record.created_at)),
            *([("Finalized", markup.instant(record.finalized_at))] if record.finalized_at else []),
            *([("Voided", markup.instant(record.voided_at))] if record.voided_at else []),
            *(
                [
                    (
                        "Regenerated from",
                        markup.link(reverse("admin:invoices_invoicelisting_change", args=[origin.pk]), origin),
                    )
                ]
                if origin
                else []
            ),
            *_settled(record),
            *([("Content hash", markup.code(record.content_hash))] if record.content_hash else []),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .select_related("customer", "contract__rate_card__fiat_credit_type", "credit_type", "regenerated_from")
        )

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet:
        """An invoice's id, or all invoices of a customer or a contract by theirs."""
        return queryset.filter(Q(pk=uuid) | Q(customer_id=uuid) | Q(contract_id=uuid))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"tabs": list(tabs(request)), **(extra_context or {})})

    @column(description="Invoice", ordering="number")
    def invoice(self, row: InvoiceListing) -> SafeString:
        return format_html('<span class="bo-strong">{}</span>', row.number or "Draft")

    @column(description="Customer", ordering="customer__name")
    def customer_name(self, row: InvoiceListing) -> SafeString:
        return markup.link(reverse("admin:customers_customer_change", args=[row.customer_id]), buyer_of(row).name)

    @column(description="Period", ordering="period_start")
    def period(self, row: InvoiceListing) -> SafeString:
        return markup.period(row.period_start, row.period_end)

    @column(description="Status", ordering="status")
    def state(self, row: InvoiceListing) -> SafeString:
        return status_badge(row)

    @column(description="Total")
    def amount(self, row: InvoiceListing) -> SafeString:
        if row.status != InvoiceStatus.DRAFT:
            return markup.money(row.total, row.credit_type)
        if row.draft_total is None or row.draft_total_at is None:
            return format_html('<span class="bo-note">{}</span>', "not computed yet")
        return format_html('<span class="bo-draft">{}</span>', markup.money(row.draft_total, row.credit_type))

    @column(description="Finalized / due", ordering="due_at")
    def dates(self, row: InvoiceListing) -> SafeString:
        if row.finalized_at is not None:
            return markup.day_only(row.finalized_at)
        return format_html(
            '<span class="bo-nowrap"><span class="bo-note">due</span> {}</span>', markup.day_only(row.due_at)
        )

    @column(description="Note")
    def note(self, row: InvoiceListing) -> SafeString | str:
        if row.status == InvoiceStatus.DRAFT and row.last_error:
            return format_html('<span class="bo-bad-text" title="{}">{}</span>', row.last_error, row.last_error[:60])
        if row.status == InvoiceStatus.DRAFT and row.draft_total_at is not None:
            hint = f"as of {formatting.instant(row.draft_total_at)} UTC"
            shown = f"so far, {row.draft_total_at:%H:%M}"
            return format_html('<span class="bo-note bo-nowrap" title="{}">{}</span>', hint, shown)
        if row.unrated:
            return format_html('<span class="bo-warn-text">{}</span>', "usage without a rate")
        return "regenerated" if row.regenerated_from_id else ""


def tabs(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """The queues above the list; each keeps whatever else is filtered."""
    queues: tuple[tuple[str, dict[str, str]], ...] = (
        ("All", {}),
        ("Drafts", {"status": "DRAFT"}),
        ("Failed", {"attention": "failed"}),
        ("Finalized", {"status": "FINALIZED"}),
        ("Void", {"status": "VOID"}),
    )
    for title, chosen in queues:
        params = request.GET.copy()
        for name in ("status", "attention", "p", "e"):
            params.pop(name, None)
        active = {name: request.GET[name] for name in ("status", "attention") if request.GET.get(name)}
        params.update(chosen)
        yield {"title": title, "url": f"?{params.urlencode()}", "active": active == chosen}
