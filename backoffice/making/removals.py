"""Taking away what a contract agreed on: an override, a commit or credit, a scheduled charge. It asks why."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice.contract_deal import override_name
from backoffice.making.edits import EditForm
from backoffice.making.fields import choice
from backoffice.making.frame import Section
from balances.admin.balances import KINDS, name_of
from balances.models import Balance
from balances.selectors.balances import balance_rows
from catalog.selectors import state_at
from charges.models import ScheduledCharge
from contracts.selectors.overrides import override_rows
from presentation import formatting

REMOVED_BY = {
    "override": "remove_overrides",
    "commit": "archive_commits",
    "credit": "archive_credits",
    "charge": "archive_scheduled_charges",
}
"""The part of an edit that takes away each kind of thing."""


class RemovalForm(EditForm):
    """One thing that is no longer agreed."""

    sections = (Section("What is taken away, and why", ("what", "reason")),)
    fields_of = dict.fromkeys((*REMOVED_BY.values(), "id"), "what")
    said = "It is taken away. What finalized invoices say of it stays."
    what = choice("What", ())
    reason = forms.CharField(
        label="Reason",
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept in the audit trail beside your name.",
    )

    def prepare(self) -> None:
        overrides = override_rows().filter(contract=self.subject, removed_by__isnull=True).order_by("starting_at")
        balances = balance_rows().filter(contract=self.subject, archived_at__isnull=True)
        charges = ScheduledCharge.objects.filter(contract=self.subject, archived_at__isnull=True)
        options = [
            *(
                (f"override:{row.pk}", f"Price of {override_name(row, self.at)} from {formatting.day(row.starting_at)}")
                for row in overrides
            ),
            *(
                (f"{'credit' if row.kind == Balance.Kind.CREDIT else 'commit'}:{row.pk}",
                 f"{KINDS[row.kind]}: {name_of(row, self.at)}")
                for row in balances
            ),
            *(
                (f"charge:{row.pk}",
                 f"Scheduled charge: {row.name or state_at(list(row.product.versions.all()), self.at).name}")
                for row in charges.select_related("product").prefetch_related("product__versions")
            ),
        ]  # fmt: skip
        self.fields["what"].choices = options  # type: ignore[attr-defined]

    def change(self) -> dict[str, Any]:
        kind, _, key = self.cleaned_data["what"].partition(":")
        return {REMOVED_BY[kind]: [{"id": key}]}
