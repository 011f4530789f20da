"""Reads of contracts by the end of their term, with what is agreed about it and what was decided."""

from datetime import datetime

from django.db.models import Q, QuerySet

from contracts.models import Contract, RenewalDecision, RenewalPolicy
from customers.test_clocks import in_our_time


def ending_between(start: datetime, end: datetime) -> QuerySet[Contract]:
    """Contracts whose term ends from `start` to before `end`, agreed about or not, soonest first."""
    return _rows().filter(archived_at__isnull=True, ending_before__gte=start, ending_before__lt=end)


def overdue(*, now: datetime) -> QuerySet[Contract]:
    """What is agreed and was not done: terms that are over, and attempts that failed; oldest first."""
    waiting = Q(renewal_policy__isnull=False) & ~Q(renewal_policy__state=RenewalPolicy.State.DECIDED)
    return _rows().filter(waiting, Q(ending_before__lte=now) | Q(renewal_policy__attempts__gt=0))


def decided() -> QuerySet[Contract]:
    """Contracts about whose term was decided, the latest first."""
    return _rows().filter(renewal_policy__state=RenewalPolicy.State.DECIDED).order_by("-ending_before", "id")


def decisions_about(contract: Contract) -> list[RenewalDecision]:
    """The decision that made it and those about its own end, in order of time. One query."""
    rows = RenewalDecision.objects.filter(Q(contract=contract) | Q(new_contract=contract))
    return list(rows.select_related("contract", "new_contract").order_by("term_end", "id"))


def _rows() -> QuerySet[Contract]:
    rows = Contract.objects.filter(in_our_time("customer_id")).select_related("customer", "renewal_policy")
    return rows.prefetch_related("renewals", "renewal_decisions__new_contract").order_by("ending_before", "id")
