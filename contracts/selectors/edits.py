"""Reads of edits."""

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from contracts.models import ContractEdit
from contracts.selectors.overrides import override_rows


def list_edits(*, contract_id: UUID) -> QuerySet[ContractEdit]:
    """A contract's edits, oldest first, with the overrides that each added and removed; six queries."""
    return ContractEdit.objects.filter(contract_id=contract_id).prefetch_related(
        Prefetch("added_overrides", queryset=override_rows()), "removed_overrides"
    )
