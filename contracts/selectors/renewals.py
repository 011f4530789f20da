"""Reads of renewals: what is agreed, what is due, and what is to come."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, QuerySet

from contracts.models import RenewalDecision, RenewalPolicy
from core.errors import NotFound
from customers.test_clocks import in_our_time

_CUSTOMER = "contract__customer_id"


def get_renewal(*, contract_id: UUID) -> RenewalPolicy:
    """What is agreed about the contract's renewal, or was. Raises NotFound."""
    found = _rows().filter(contract_id=contract_id).first()
    if found is None:
        raise NotFound(f"nothing is agreed about the renewal of contract {contract_id}", field="contract_id")
    return found


def list_renewals(*, now: datetime, within: timedelta) -> QuerySet[RenewalPolicy]:
    """What is agreed about terms that end by then, those that are overdue included; decided ones are over."""
    rows = _rows().filter(in_our_time(_CUSTOMER), agreed_end__lt=now + within)
    return rows.exclude(state=RenewalPolicy.State.DECIDED)


def due_policies(*, now: datetime) -> QuerySet[RenewalPolicy]:
    """Those at which the sweep has to look, in order of time."""
    return RenewalPolicy.objects.filter(in_our_time(_CUSTOMER), next_at__lte=now).order_by("next_at", "pk")


def next_renewal_at(*, after: datetime) -> datetime | None:
    """When the sweep has something to do next, after that time."""
    rows = RenewalPolicy.objects.filter(in_our_time(_CUSTOMER), next_at__gt=after)
    at: datetime | None = rows.aggregate(at=Min("next_at"))["at"]
    return at


def expected_skip(policy: RenewalPolicy) -> str | None:
    """Why nothing comes of it as things are; None: it will be done. `contract.customer` is there to be read."""
    reasons, contract = RenewalDecision.Reason, policy.contract
    if contract.customer.archived_at is not None:
        return reasons.CUSTOMER_ARCHIVED
    if contract.archived_at is not None:
        return reasons.CONTRACT_ARCHIVED
    if policy.state == RenewalPolicy.State.WITHDRAWN:
        return reasons.WITHDRAWN
    if contract.ending_before is not None and contract.ending_before != policy.agreed_end:
        return reasons.ENDED_EARLIER
    return reasons.RENEWED_BY_HAND if contract.renewals.all() else None


def _rows() -> QuerySet[RenewalPolicy]:
    return RenewalPolicy.objects.select_related("contract__customer").prefetch_related(
        "contract__renewals", "contract__renewal_decisions"
    )
