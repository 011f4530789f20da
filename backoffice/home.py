"""The home page: what needs somebody, what is going on. Every figure links to the list that it counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import OperationalError
from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from backoffice.approvals_page import visible_requests
from backoffice.invoice_rows import InvoiceRow, invoice_table
from balances.adjustment_models import Adjustment, LedgerCheck
from catalog.models import CreditType
from contracts.admin import in_state
from contracts.models import Contract
from core.models import ApprovalRequest
from customers.models import Customer
from engine.invoice_states import InvoiceStatus
from invoices.admin import due, failed, month_start, unrated
from invoices.models import InvoiceListing
from presentation import formatting, markup
from usage.store import get_store

LAST_FINALIZED = 8
# the reconciler runs every hour
LATE = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class HomeTile:
    """One figure, the list that it counts, and what it covers. `tone` is bad or warn where somebody should look."""

    label: str
    figure: str | SafeString
    note: str
    url: str
    tone: str = ""


def home_context(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    """The tiles that this person may see, and the invoices that became final last."""
    may = request.user.has_perm
    attention: list[HomeTile] = []
    activity: list[HomeTile] = []
    revenue: list[HomeTile] = []
    last: list[InvoiceRow] = []
    if may("invoices.view_invoice"):
        attention, activity = invoice_tiles(now)
        rows = InvoiceListing.objects.filter(status=InvoiceStatus.FINALIZED).select_related("customer", "credit_type")
        last = invoice_table(rows.order_by("-finalized_at", "-number")[:LAST_FINALIZED])
    if may("balances.view_adjustment"):
        attention.append(approvals_tile(request))
    if may("balances.view_ledgercheck"):
        attention.append(ledgers_tile(now))
    if may("invoices.view_revenue"):
        revenue += revenue_tiles(now)
    if may("contracts.view_contract"):
        active = Contract.objects.filter(in_state("active", now)).count()
        activity.append(
            HomeTile("Active contracts", f"{active:,}", "in force now", f"{_list('contracts_contract')}?state=active")
        )
    if may("customers.view_customer"):
        customers = Customer.objects.filter(archived_at__isnull=True).count()
        activity.append(
            HomeTile("Customers", f"{customers:,}", "not archived", f"{_list('customers_customer')}?state=living")
        )
    if may("usage.view_usageevent"):
        activity += usage_tiles(now)
    return {
        "groups": [
            (title, tiles)
            for title, tiles in (("Needs you", attention), ("Revenue", revenue), ("Going on", activity))
            if tiles
        ],
        "needs": any(tile.tone for tile in attention),
        "last_finalized": last,
        "as_of": now,
    }


def invoice_tiles(now: datetime) -> tuple[list[HomeTile], list[HomeTile]]:
    """What needs somebody (failed, overdue, unpriced), and what goes its way (drafts, this month's invoices)."""
    invoices = _list("invoices_invoicelisting")
    counts = InvoiceListing.objects.aggregate(
        failed=Count("pk", filter=failed()),
        due=Count("pk", filter=due(now)),
        unrated=Count("pk", filter=unrated()),
        open=Count("pk", filter=_drafts()),
        month=Count("pk", filter=_this_month(now)),
        next_due=Min("due_at", filter=_drafts() & Q(due_at__gt=now)),
    )
    attention = [
        HomeTile(
            "Failed to finalize", f"{counts['failed']:,}", "drafts with an error", f"{invoices}?attention=failed",
            "bad" if counts["failed"] else "",
        ),
        HomeTile(
            "Due, not final yet", f"{counts['due']:,}", "taken within a minute", f"{invoices}?attention=due",
            "warn" if counts["due"] else "",
        ),
        HomeTile(
            "Usage without a rate", f"{counts['unrated']:,}", "finalized invoices that leave usage out",
            f"{invoices}?attention=unrated", "warn" if counts["unrated"] else "",
        ),
    ]  # fmt: skip
    going_on = [
        *([_next_final(counts["next_due"], now)] if counts["next_due"] else []),
        HomeTile("Open drafts", f"{counts['open']:,}", "running or in their grace", f"{invoices}?status=DRAFT"),
        HomeTile(
            "Finalized this month",
            f"{counts['month']:,}",
            f"since 1 {now:%b}",
            f"{invoices}?finalized=this_month&status=FINALIZED",
        ),
    ]
    return attention, going_on


def _next_final(due_at: datetime, now: datetime) -> HomeTile:
    """When drafts become final next, and how many: until then they can be looked at."""
    count = InvoiceListing.objects.filter(_drafts(), due_at=due_at).count()
    return HomeTile(
        "Become final next", _count(count, "draft"), f"{formatting.until(due_at, now)}, {formatting.instant(due_at)}",
        f"{_list('invoices_invoicelisting')}?status=DRAFT&o=6",
    )  # fmt: skip


def approvals_tile(request: HttpRequest) -> HomeTile:
    """What waits for a second person, of what this one may see; it leads to where some of it is."""
    adjustments = Adjustment.objects.filter(status=Adjustment.Status.PENDING).count()
    requests = visible_requests(request).filter(status=ApprovalRequest.Status.PENDING).count()
    count = adjustments + requests
    page = "core_approvalrequest" if requests and not adjustments else "balances_adjustment"
    return HomeTile(
        "To approve", f"{count:,}", "wait for a second person", f"{_list(page)}?status=PENDING", "warn" if count else ""
    )


def ledgers_tile(now: datetime) -> HomeTile:
    """Whether all ledgers add up: what the reconciler found last, and whether it still looks."""
    last = LedgerCheck.objects.first()
    url = _list("balances_ledgercheck")
    if last is None:
        return HomeTile("Ledgers", "Not checked yet", "the first check runs in a few minutes", url)
    seen = f"{_count(last.segments, 'segment')}, {formatting.ago(last.checked_at, now)}"
    if last.differing_count:
        page = reverse("admin:balances_ledgercheck_change", args=[last.pk])
        return HomeTile("Ledgers", f"{last.differing_count:,} do not add up", seen, page, "bad")
    if now - last.checked_at > LATE:
        return HomeTile("Ledgers", "Check is late", seen, url, "warn")
    return HomeTile("Ledgers", "Add up", seen, url)


def revenue_tiles(now: datetime) -> list[HomeTile]:
    """What was billed this month and what open drafts come to, by currency. For those who may see revenue.

    Drafts dated later, such as a true-up at a contract's end, are told apart: they are not what runs up now.
    """
    invoices = _list("invoices_invoicelisting")
    billed = _totals(InvoiceListing.objects.filter(_this_month(now)), "total")
    drafts = InvoiceListing.objects.filter(_drafts(), draft_total__isnull=False)
    open_ = _totals(drafts.filter(period_start__lte=now), "draft_total")
    later = {unit.pk: total for unit, total, _ in _totals(drafts.filter(period_start__gt=now), "draft_total")}
    return [
        *(
            HomeTile(
                f"Billed this month, {formatting.unit_code(unit)}",
                markup.money(total, unit),
                _count(count, "finalized invoice"),
                f"{invoices}?finalized=this_month&status=FINALIZED&currency={unit.pk}",
            )
            for unit, total, count in billed
        ),
        *(
            HomeTile(
                f"In open drafts, {formatting.unit_code(unit)}",
                markup.money(total, unit),
                _drafted(count, later.get(unit.pk), unit),
                f"{invoices}?status=DRAFT&currency={unit.pk}&period_start_to={now:%Y-%m-%d}",
            )
            for unit, total, count in open_
        ),
    ]


def _drafted(count: int, later: Decimal | None, unit: CreditType) -> str:
    said = f"{_count(count, 'draft')}, as last computed"
    return f"{said}; {formatting.money_text(later, unit, decimals=2)} more is dated later" if later else said


def usage_tiles(now: datetime) -> list[HomeTile]:
    """How ingest is doing."""
    url = reverse("admin:usage_ingest")
    try:
        health = get_store().health(now)
    except OperationalError:
        return [HomeTile("Events", "unreachable", "the event store does not answer", url, "bad")]
    return [
        HomeTile(
            "Events, last hour",
            f"{health.received_last_hour:,}",
            f"{health.received_last_minute:,} in the last minute",
            url,
        ),
        HomeTile("Last event", formatting.ago(health.last_received_at, now), _stored(health.events_estimate), url),
    ]


def _totals(rows: Any, column: str) -> list[tuple[CreditType, Any, int]]:
    """Sum and count by currency, greatest count first; two queries."""
    found = list(
        rows.order_by().values("credit_type").annotate(amount=Sum(column), number=Count("pk")).order_by("-number")
    )
    units = CreditType.objects.in_bulk([row["credit_type"] for row in found])
    return [(units[row["credit_type"]], row["amount"], row["number"]) for row in found]


def _stored(estimate: int) -> str:
    """The database estimates its tables now and then; a young one not yet."""
    return f"about {estimate:,} stored" if estimate else "received"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _drafts() -> Q:
    return Q(status=InvoiceStatus.DRAFT)


def _this_month(now: datetime) -> Q:
    return Q(status=InvoiceStatus.FINALIZED, finalized_at__gte=month_start(now))


def _list(name: str) -> str:
    return reverse(f"admin:{name}_changelist")
