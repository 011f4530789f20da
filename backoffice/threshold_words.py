"""Threshold configurations and spend trackers in words, with what of them does not act yet."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from balances.threshold_part import DOES_NOT_ACT, FIELDS, TRACKERS, ThresholdsPart
from catalog.models import CreditType
from contracts.models import Contract
from presentation import formatting

SPEND, PREPAID = FIELDS.values()
NAMES: Final = {SPEND: "Spend threshold", PREPAID: "Prepaid balance threshold"}
USD: Final = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def threshold_context(contract: Contract, at: datetime) -> dict[str, Any]:
    """Lines of (what, in words), and warnings of what is enabled. No query where nothing was agreed, else four."""
    shown = ThresholdsPart().terms({contract.pk: contract}, asked={}, at=at).get(contract.pk, {})
    if not shown:
        return {"lines": [], "warnings": []}
    units = {str(unit.pk): unit for unit in CreditType.objects.all()}
    fiat = contract.rate_card.fiat_credit_type if contract.rate_card else units[USD]
    warnings = [f"{NAMES[warning['field']]}: {DOES_NOT_ACT}." for warning in shown["warnings"]]
    return {"lines": list(threshold_lines(shown, units, fiat)), "warnings": warnings}


def threshold_lines(
    shown: Mapping[str, Any], units: Mapping[str, CreditType], fiat: CreditType
) -> Iterator[tuple[str, str]]:
    """What a contract or a package shows of them, as (what, in words)."""
    for name in NAMES:
        if (terms := shown.get(name)) is not None:
            yield NAMES[name], _configuration(terms, units, fiat)
    for row in shown.get(TRACKERS) or ():
        unit = units.get(str(row["credit_type_id"]), fiat)
        spent = row.get("accumulated_spend")
        so_far = f"; {formatting.money_text(spent['amount'], unit)} in this one so far" if spent else ""
        yield f"Spend tracker {row['alias']}", f"counts what commits cost in each billing period{so_far}"


def _configuration(terms: Mapping[str, Any], units: Mapping[str, CreditType], fiat: CreditType) -> str:
    unit = units.get(str(terms.get("custom_credit_type_id", "")), fiat)
    threshold = formatting.money_text(Decimal(str(terms["threshold_amount"])), unit)
    if "recharge_to_amount" in terms:
        target = formatting.money_text(Decimal(str(terms["recharge_to_amount"])), unit)
        said = f"recharged to {target} when {threshold} is left"
    else:
        said = f"a commit is charged each time usage has come to {threshold}"
    return said if terms["is_enabled"] else f"{said}; switched off"
