"""Packages for staff: the list, and the page of each with its terms and the contracts made of it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display as column

from backoffice.making.packages import PRESETS
from backoffice.package_words import length, words_of
from catalog.models import RateCard
from catalog.package_models import Package
from catalog.selectors import list_packages
from catalog.services import archive_package
from core.admin import timeline
from core.admin.actions import ActionResult, RecordAction
from core.admin.export import ListExport
from core.admin.filters import ArchivedFilter
from core.admin.options import Facts, RecordAdmin
from core.clock import now
from core.exact_json import loads
from presentation import formatting, markup

COLUMNS = ("package", "aliases", "contract_name", "duration", "rate_card_id", "rate_card_alias", "contracts",
           "created_at", "created_by", "archived_at", "id")  # fmt: skip


def _archive(package: Package, _data: dict[str, Any], at: datetime) -> ActionResult:
    archive_package(package_id=package.pk, now=at)
    return ActionResult("The package is archived.")


ARCHIVE = RecordAction(
    slug="archive",
    title="Archive package",
    permission="catalog.create_package",
    run=_archive,
    effects=lambda _: ["This cannot be undone.", "No new contract can be made of it; those that were made go on."],
    is_available=lambda package: package.archived_at is None,
    submit="Archive this package",
    icon="archive",
    danger=True,
)


def export_rows(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The columns of `COLUMNS`."""
    for row in rows:
        terms = loads(row.template.encode())
        yield (
            row.name, _aliases(row), terms.get("contract_name", ""), length(terms.get("duration")),
            terms.get("rate_card_id", ""), terms.get("rate_card_alias", ""), row.contract_count, row.created_at,
            row.created_by, row.archived_at, row.pk,
        )  # fmt: skip


def _aliases(package: Package) -> str:
    return ", ".join(dict.fromkeys(alias.name for alias in package.aliases.all()))


@admin.register(Package)
class PackageAdmin(RecordAdmin):
    """What can be agreed on by many: the list, and each package's terms."""

    made_by = "catalog.create_package"
    record_template = "admin/back_office/package.html"
    list_before_template = "admin/back_office/packages_before.html"
    record_actions = (ARCHIVE,)
    list_display = ("name", "alias_list", "lasts", "contracts", "state", "created", "identity")
    list_filter = (ArchivedFilter,)
    search_fields = ("name__icontains", "aliases__name__exact")
    search_help_text = "Name, alias or id"
    list_export = ListExport("packages.csv", COLUMNS, export_rows)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        living = Q(contracts__archived_at__isnull=True)
        return list_packages(archive_filter="ALL").annotate(
            contract_count=Count("contracts", filter=living, distinct=True)
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, below the ways to begin one."""
        begin = [
            {"title": title, "url": f"{reverse('admin:catalog_package_add')}?preset={key}"}
            for key, (title, _) in PRESETS.items()
        ]
        may = request.user.has_perm(self.made_by)
        return super().changelist_view(request, {"presets": begin if may else [], **(extra_context or {})})

    def facts(self, request: HttpRequest, record: Package) -> Facts:
        terms = loads(record.template.encode())
        return [
            ("Id", markup.code(record.pk)),
            ("Aliases", self.alias_list(record)),
            ("Name of its contracts", terms.get("contract_name") or formatting.DASH),
            ("Rate card", _card(terms)),
            ("Lasts", self.lasts(record)),
            ("Days to pay", str(terms.get("net_payment_terms_days", 0))),
            *([("Invoices go to", terms["billing_provider"])] if terms.get("billing_provider") else []),
            ("State", self.state(record)),
            ("Made", markup.instant(record.created_at)),
            ("By", record.created_by or formatting.DASH),
        ]

    def record_context(self, request: HttpRequest, record: Package) -> dict[str, Any]:
        contracts = reverse("admin:contracts_contract_changelist")
        return {
            "words": words_of(record, at=now()),
            "contract_count": record.contract_count,  # type: ignore[attr-defined]
            "contracts_url": f"{contracts}?q={record.pk}" if request.user.has_perm("contracts.view_contract") else "",
            "timeline_entries": timeline.of_subjects([("package", record.pk)]),
        }

    def available_actions(self, request: HttpRequest, record: Any) -> list[dict[str, Any]]:
        """Making a contract of it has a page of its own (backoffice.making.packages)."""
        actions = super().available_actions(request, record)
        if record.archived_at is None and request.user.has_perm("contracts.create_contract"):
            url = f"{reverse('admin:contracts_contract_add_of_package')}?package={record.pk}"
            actions.insert(0, {"title": "New contract of it", "icon": "add", "danger": False, "url": url})
        return actions

    @column(description="Aliases")
    def alias_list(self, row: Package) -> str:
        return _aliases(row) or formatting.DASH

    @column(description="Lasts")
    def lasts(self, row: Package) -> str:
        said = loads(row.template.encode()).get("duration")
        return length(said) if said else "open-ended"

    @column(description="Contracts", ordering="contract_count")
    def contracts(self, row: Package) -> str:
        return f"{row.contract_count:,}"  # type: ignore[attr-defined]

    @column(description="State")
    def state(self, row: Package) -> SafeString:
        return markup.badge("Archived") if row.archived_at else markup.badge("In use", "ok")

    @column(description="Made", ordering="created_at")
    def created(self, row: Package) -> SafeString:
        return markup.day_only(row.created_at)

    @column(description="Id")
    def identity(self, row: Package) -> SafeString:
        return markup.short_id(row.pk)


def _card(terms: dict[str, Any]) -> Any:
    if terms.get("rate_card_alias"):
        return f"what the alias {terms['rate_card_alias']} names when a contract starts"
    card = RateCard.objects.filter(pk=terms["rate_card_id"]).first() if terms.get("rate_card_id") else None
    if card is None:
        return "none: usage is not priced"
    return markup.link(reverse("admin:catalog_ratecard_change", args=[card.pk]), card.name)
