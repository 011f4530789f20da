"""Reads of threshold configurations and spend trackers: what counts now, and what trackers have counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from balances.models import Balance, ThresholdTerms
from charges.models import Charge
from contracts.models import Contract
from contracts.selectors import billing_schedule
from core.exact_json import read_back
from engine.calendar import Period, period_at
from engine.charge_states import ChargeSource, ChargeState
from engine.money import ZERO, add

Kind = ThresholdTerms.Kind
ASKED: Final = (ChargeState.PENDING, ChargeState.INVOICED)
CONFIGURATIONS: Final = (Kind.SPEND_THRESHOLD, Kind.PREPAID_BALANCE_THRESHOLD)


@dataclass(frozen=True, slots=True)
class Accumulated:
    """What was spent over a billing period as a tracker counts it, in its credit type's stored unit."""

    amount: Decimal
    period: Period


def standing_terms(contract_ids: Iterable[UUID]) -> dict[UUID, dict[tuple[str, str], dict[str, Any]]]:
    """The terms that count, by contract and (kind, alias), trackers in the order of adding. One query."""
    rows = ThresholdTerms.objects.filter(contract_id__in=list(contract_ids)).order_by("id")
    found: dict[UUID, dict[tuple[str, str], dict[str, Any]]] = {}
    for row in rows:
        mine = found.setdefault(row.contract_id, {})
        if row.terms:
            mine[row.kind, row.alias] = read_back(row.terms)
        else:
            mine.pop((row.kind, row.alias), None)
    return found


def accumulated(
    contracts: Sequence[Contract], trackers: Mapping[UUID, Mapping[str, Mapping[str, Any]]], at: datetime
) -> dict[tuple[UUID, str], Accumulated]:
    """What trackers have counted in the billing period that is on at `at`, by contract and alias. Two queries.

    COMMIT_PURCHASE counts what commits ask for by date, up to now, invoiced or about to be; its source is MANUAL: there
    are no automatic recharges yet. Contracts that are not in force have no period.
    """
    running = {
        one.pk: period_at(billing_schedule(one), one.starting_at, one.ending_before, at)
        for one in contracts
        if one.pk in trackers and one.starting_at <= at and (one.ending_before is None or at < one.ending_before)
    }
    if not running:
        return {}
    charges = list(
        Charge.objects.filter(
            contract__in=running, source=ChargeSource.COMMIT_PURCHASE, state__in=ASKED,
            invoice_at__gte=min(one.start for one in running.values()), invoice_at__lte=at,
        )
    )  # fmt: skip
    bought = Balance.objects.filter(kind=Balance.Kind.PREPAID).in_bulk({one.source_id for one in charges})
    found = {}
    for contract_id, period in running.items():
        for alias, tracker in trackers[contract_id].items():
            amount = ZERO
            for charge in charges:
                commit = bought.get(charge.source_id)
                is_mine = charge.contract_id == contract_id and charge.invoice_at >= period.start
                if is_mine and commit is not None and charge.amount is not None and _counts(tracker, charge, commit):
                    amount = add(amount, charge.amount)
            found[contract_id, alias] = Accumulated(amount, period)
    return found


def _counts(tracker: Mapping[str, Any], charge: Charge, commit: Balance) -> bool:
    if UUID(tracker["credit_type_id"]) != charge.credit_type_id:
        return False
    is_discounted = bool(commit.counts_as_discounted)
    wanted = {"DISCOUNTED_ONLY": True, "UNDISCOUNTED_ONLY": False}
    return any(
        "MANUAL" in one["sources"] and wanted.get(one.get("discounted", ""), is_discounted) == is_discounted
        for one in tracker["applicable_spend_specifiers"]
    )
