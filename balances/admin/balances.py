"""Commits and credits for staff: the list. The page, live, stands in backoffice/balance_page.py."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import display as column

from balances.models import AccessType, Balance, Segment
from catalog.models import CreditType, Product
from catalog.selectors import state_at
from core.admin.filters import ArchivedFilter, ChosenFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from engine.money import total
from presentation import formatting, markup

KINDS = {"PREPAID": "Prepaid commit", "POSTPAID": "Postpaid commit", "CREDIT": "Credit"}
SOON = (("3", "Within 3 days"), ("14", "Within 14 days"), ("30", "Within 30 days"))


def name_of(balance: Balance, at: datetime) -> str:
    """What people call it: its name, else its product's at this time. The product comes with its versions."""
    return balance.name or state_at(list(balance.product.versions.all()), balance.created_at or at).name


def amount_text(amount: Decimal, balance: Balance) -> str:
    """An amount of this balance: money, or units of usage."""
    if balance.access_type == AccessType.QUANTITY:
        return f"{markup.quantity(amount)} units"
    return formatting.money_text(amount, balance.credit_type)


def amount_cell(amount: Decimal, balance: Balance) -> SafeString:
    """The same in a table."""
    if balance.access_type == AccessType.QUANTITY:
        return format_html('<span class="bo-money">{} <small>units</small></span>', markup.quantity(amount))
    return markup.money(amount, balance.credit_type)


def access_text(start: datetime, end: datetime) -> str:
    """`[start, end)` by its days; hours are left to the pages that need them."""
    midnight = (start.hour, end.hour) == (0, 0)
    return (
        formatting.period(start, end)
        if midnight
        else f"{formatting.day(start)} {formatting.DASH} {formatting.day(end)}"
    )


def living_segments(balance: Balance) -> list[Segment]:
    """Its segments as they are scheduled now; prefetched."""
    return [segment for segment in balance.segments.all() if segment.removed_at is None]


def state_of(balance: Balance, at: datetime) -> tuple[str, str]:
    """Its state in a word, and its tone; it follows from the segments."""
    if balance.archived_at is not None:
        return "Archived", ""
    segments = living_segments(balance)
    if any(segment.starting_at <= at < segment.ending_before for segment in segments):
        return "Open", "ok"
    return ("Future", "info") if any(segment.starting_at > at for segment in segments) else ("Ended", "warn")


def ends_next(segments: Iterable[Segment], at: datetime) -> datetime | None:
    """When something of it expires next."""
    return min((row.ending_before for row in segments if row.ending_before > at and row.balance > 0), default=None)


def with_all(rows: QuerySet[Balance]) -> QuerySet[Balance]:
    """Balances with what their rows show: three queries besides their own, however many there are."""
    return rows.select_related("customer", "contract", "credit_type", "product").prefetch_related(
        Prefetch("segments", queryset=Segment.objects.filter(removed_at__isnull=True)), "product__versions"
    )


class KindFilter(ChosenFilter):
    title = "kind"
    parameter_name = "kind"
    options = tuple(KINDS.items())


class ExpiringFilter(ChosenFilter):
    title = "expiring"
    parameter_name = "expiring"
    options = SOON

    def condition(self, value: str) -> Q:
        at = now()
        soon = Segment.objects.filter(
            owner=OuterRef("pk"), removed_at__isnull=True, balance__gt=0, ending_before__gt=at,
            ending_before__lte=at + timedelta(days=int(value)),
        )  # fmt: skip
        return Q(Exists(soon), archived_at__isnull=True)


class UnitFilter(ChosenFilter):
    """The units that balances are in."""

    title = "unit"
    parameter_name = "unit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        used = CreditType.objects.filter(pk__in=Balance.objects.order_by().values("credit_type").distinct())
        return tuple((str(unit.pk), formatting.unit_code(unit)) for unit in used)

    def condition(self, value: str) -> Q:
        return Q(credit_type_id=value)


@admin.register(Balance)
class BalanceAdmin(RecordAdmin):
    """The list of commits and credits. What is left is what the ledgers say; drafts are counted on the page."""

    list_display = ("title", "customer_name", "kind_word", "granted", "amount", "expires", "state", "identity")
    list_display_links = ("title",)
    list_filter = (
        KindFilter,
        ArchivedFilter,
        ExpiringFilter,
        ("customer", AutocompleteSelectFilter),
        UnitFilter,
        ("created_at", RangeDateFilter),
    )
    search_fields = (
        "name__icontains",
        "customer__name__icontains",
        "customer__aliases__alias",
        "product__versions__name__icontains",
    )
    search_help_text = "Name, product, customer, alias or id"
    list_before_template = "admin/back_office/balances_before.html"
    record_template = "admin/back_office/balance.html"
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return with_all(super().get_queryset(request))

    def find_by_id(self, queryset: QuerySet, uuid: UUID) -> QuerySet:
        """A balance's id, a segment's, or all balances of a customer or a contract by theirs."""
        segments = Segment.objects.filter(pk=uuid).values("owner")
        return queryset.filter(Q(pk=uuid) | Q(pk__in=segments) | Q(customer_id=uuid) | Q(contract_id=uuid))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        export = f"{reverse('admin:balances_ledgers')}?{request.GET.urlencode()}"
        return super().changelist_view(request, {"export": export, **(extra_context or {})})

    def page_context(self, request: HttpRequest, record: Balance, **extra: Any) -> dict[str, Any]:
        return super().page_context(request, record, **{"title": name_of(record, now()), **extra})

    def facts(self, request: HttpRequest, record: Balance) -> Facts:
        return [
            ("Id", markup.code(record.pk)),
            ("Customer", self.customer_name(record)),
            *(
                [
                    (
                        "Contract",
                        markup.link(
                            reverse("admin:contracts_contract_change", args=[record.contract_id]), record.contract
                        ),
                    )
                ]
                if record.contract
                else [("Pays for", "all contracts" if record.applicable_contract_ids is None else "some contracts")]
            ),
            ("Counts", "money" if record.access_type == AccessType.SPEND else "units of usage"),
            ("Priority", markup.quantity(record.priority)),
            ("Rate", "commit rate" if record.rate_type == "COMMIT_RATE" else "list rate"),
            ("Pays for products", _scope(record)),
            *(
                [("Rolls over", f"{markup.quantity(record.rollover_fraction * 100)} %")]
                if record.rollover_fraction
                else []
            ),
            ("Made", markup.instant(record.created_at)),
            ("By", record.created_by or formatting.DASH),
            *([("Archived", markup.instant(record.archived_at))] if record.archived_at else []),
            *([("Note", record.description)] if record.description else []),
            *((key, value) for key, value in record.custom_fields.items()),
        ]

    @column(description="Commit or credit", ordering="name")
    def title(self, row: Balance) -> str:
        return name_of(row, now())

    @column(description="Customer", ordering="customer__name")
    def customer_name(self, row: Balance) -> SafeString:
        return markup.link(reverse("admin:customers_customer_change", args=[row.customer_id]), row.customer.name)

    @column(description="Kind", ordering="kind")
    def kind_word(self, row: Balance) -> str:
        return KINDS[row.kind]

    @column(description="Granted")
    def granted(self, row: Balance) -> SafeString:
        return amount_cell(total(segment.granted for segment in living_segments(row)), row)

    @column(description="Left, drafts not counted")
    def amount(self, row: Balance) -> SafeString:
        """Live amounts would cost a composed draft for each customer of the page; the link leads to them."""
        return format_html(
            '<a class="bo-link" href="{}" title="Live, with drafts">{}</a>',
            reverse("admin:balances_balance_change", args=[row.pk]),
            amount_cell(total(segment.balance for segment in living_segments(row)), row),
        )

    @column(description="Expires next")
    def expires(self, row: Balance) -> SafeString:
        return markup.day_only(ends_next(living_segments(row), now()))

    @column(description="State")
    def state(self, row: Balance) -> SafeString:
        return markup.badge(*state_of(row, now()))

    @column(description="Id")
    def identity(self, row: Balance) -> SafeString:
        return markup.short_id(row.pk)


def _scope(record: Balance) -> str:
    """What it pays for; products by their names, in one query."""
    names = products_called(record.applicable_product_ids) if record.applicable_product_ids else []
    words = scope_words(names, record.applicable_product_tags)
    return f"what {len(record.specifiers):,} specifiers name" if record.specifiers else words


def products_called(ids: Iterable[str]) -> list[str]:
    """The names of these products today, in the order of their names."""
    rows = Product.objects.filter(pk__in=list(ids)).prefetch_related("versions")
    return sorted(state_at(list(row.versions.all()), now()).name for row in rows)


def scope_words(products: Sequence[str], tags: Sequence[str], contract: str | None = None) -> str:
    """ "Tokens, Images, all tagged gpu; on Pro plan only" """
    parts = [*products, *(f"all tagged {tag}" for tag in tags)]
    words = ", ".join(parts) or "everything"
    return f"{words}; on {contract} only" if contract else words
