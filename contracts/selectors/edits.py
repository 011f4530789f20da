"""Reads of edits."""

from uuid import UUID

from django.db.models import QuerySet

from contracts.models import ContractEdit


def list_edits(*, contract_id: UUID) -> QuerySet[ContractEdit]:
    """A contract's edits, oldest first."""
    return ContractEdit.objects.filter(contract_id=contract_id)
