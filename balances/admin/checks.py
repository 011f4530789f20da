"""What the reconciler found, for staff."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display as column
from unfold.paginator import InfinitePaginator

from balances.adjustment_models import LedgerCheck
from core.admin.options import Facts, RecordAdmin
from presentation import markup


@admin.register(LedgerCheck)
class LedgerCheckAdmin(RecordAdmin):
    """Each hour's run over all ledgers."""

    list_display = ("when", "result", "segments")
    search_fields = ("differing__icontains",)
    search_help_text = "Id of a segment or a balance"
    paginator = InfinitePaginator
    ordering = ("-id",)
    sortable_by = ()

    def facts(self, request: HttpRequest, record: LedgerCheck) -> Facts:
        return [
            ("When", markup.instant(record.checked_at)),
            ("Result", self.result(record)),
            ("Segments added up", f"{record.segments:,}"),
            *([("What differs", _listed(record.differing))] if record.differing else []),
        ]

    @column(description="When")
    def when(self, row: LedgerCheck) -> SafeString:
        return markup.instant(row.checked_at)

    @column(description="Result")
    def result(self, row: LedgerCheck) -> SafeString:
        if row.differing_count:
            return markup.badge(f"{row.differing_count:,} differ", "bad")
        return markup.badge("All add up", "ok")


def _listed(differing: list[dict[str, Any]]) -> SafeString:
    rows = format_html_join(
        "",
        "<li>{}: {}</li>",
        (
            (
                markup.link(reverse("admin:balances_balance_change", args=[row["balance_id"]]), row["segment_id"]),
                row["words"],
            )
            for row in differing
        ),
    )
    return format_html("<ul>{}</ul>", rows)
