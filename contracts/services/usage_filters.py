"""Usage filters: which usage of its customer a contract bills. The contract is locked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.models import BillableMetric
from contracts.events import UsageFilterSet
from contracts.models import Contract, UsageFilter
from contracts.services.recording import ids_of, lock_contract, record_event
from core import audit
from core.errors import InvalidInput
from core.transactions import require_transaction, use_case
from engine.calendar import rfc3339


@dataclass(frozen=True, slots=True)
class NewUsageFilter:
    """A filter from `starting_at` on, on the hour in UTC."""

    group_key: str
    group_values: tuple[str, ...]
    starting_at: datetime


def set_usage_filter(*, contract_id: UUID, customer_id: UUID, new: NewUsageFilter, now: datetime) -> UsageFilter:
    """From `starting_at` on the contract bills only this usage; one that begins then already is replaced.

    Raises NotFound; InvalidInput naming the field: outside the contract, where a finalized invoice would change, or for
    a key that no metric of the contract's rate card is grouped by.
    """
    with use_case():
        contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
        if contract.archived_at is not None:
            raise InvalidInput("the contract is archived", field="contract_id")
        return add_usage_filter(contract, new=new, path="", now=now)


def add_usage_filter(contract: Contract, *, new: NewUsageFilter, path: str, now: datetime) -> UsageFilter:
    """The part that creating a contract shares. Raises InvalidInput below `path`."""
    require_transaction()
    _check(contract, new, path)
    before = UsageFilter.objects.filter(contract=contract, starting_at=new.starting_at).first()
    previous = None if before is None else {"group_key": before.group_key, "group_values": before.group_values}
    row, _ = UsageFilter.objects.update_or_create(
        contract=contract,
        starting_at=new.starting_at,
        defaults={
            "group_key": new.group_key,
            "group_values": list(new.group_values),
            "created_at": now,
            "created_by": audit.current_actor().label,
        },
    )
    if not contract.has_usage_filters:
        contract.has_usage_filters = True
        contract.save(update_fields=["has_usage_filters"])
    event = UsageFilterSet(
        **ids_of(contract),
        occurred_at=now,
        group_key=new.group_key,
        group_values=new.group_values,
        starting_at=new.starting_at,
    )
    detail = {
        "group_key": new.group_key,
        "group_values": list(new.group_values),
        "starting_at": rfc3339(new.starting_at),
        "previous": previous,
    }
    record_event(contract, event=event, detail=detail)
    return row


def _check(contract: Contract, new: NewUsageFilter, path: str) -> None:
    start = f"{path}.starting_at".lstrip(".")
    if new.starting_at < contract.starting_at:
        raise InvalidInput("must not be before the contract's start", field=start)
    if contract.ending_before is not None and new.starting_at >= contract.ending_before:
        raise InvalidInput("must be before the contract's end", field=start)
    if contract.rate_card_id is None:
        return
    metrics = BillableMetric.objects.filter(
        product_versions__product__rates__rate_card_id=contract.rate_card_id
    ).distinct()
    known = {key for metric in metrics for group in metric.group_keys for key in group}
    if known and new.group_key not in known:
        raise InvalidInput(
            f"no metric of the contract's rate card is grouped by it; give the metrics a group key {new.group_key}",
            field=f"{path}.group_key".lstrip("."),
        )
