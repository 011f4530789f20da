"""Threshold configurations and spend trackers: kept and shown. They charge once payments are supported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from balances.models import ThresholdTerms
from balances.selectors.thresholds import CONFIGURATIONS, standing_terms
from balances.services.catalogue import Catalogue, named_products
from catalog.models import CreditType
from contracts.models import Contract, ContractEdit
from core import audit
from core.errors import Conflict, InvalidInput
from core.exact_json import dumps
from core.transactions import require_transaction
from engine.errors import InvalidTerms

Kind = ThresholdTerms.Kind
Terms = dict[str, Any]

USD: Final = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
LEAST_USD, LEAST_STEP_USD = Decimal(500), Decimal(1000)
"""Cents: the least threshold, and by how much a recharge must exceed it (domain: threshold billing)."""
DEFAULT_DURATION: Final = {"value": 1, "unit": "YEARS"}
MERGED: Final = ("commit", "discount_configuration")
"""Objects of which an update changes what it names; others it replaces."""


def add_trackers(
    contract: Contract, *, new: Sequence[Terms], path: str, now: datetime, edit: ContractEdit | None
) -> None:
    """Adds spend trackers. Raises InvalidInput, Conflict for an alias that is in use."""
    require_transaction()
    if not new:
        return
    used = {alias for kind, alias in _standing(contract) if kind == Kind.SPEND_TRACKER}
    units = set(CreditType.objects.filter(pk__in=[one["credit_type_id"] for one in new]).values_list("pk", flat=True))
    for index, one in enumerate(new):
        if UUID(one["credit_type_id"]) not in units:
            raise InvalidInput("no such credit type", field=f"{path}.{index}.credit_type_id")
        if one["alias"] in used:
            raise InvalidInput("the contract has a spend tracker of this alias", field=f"{path}.{index}.alias")
        used.add(one["alias"])
    _write(contract, [(Kind.SPEND_TRACKER, one["alias"], one) for one in new], now=now, edit=edit)


def archive_trackers(
    contract: Contract, *, aliases: Sequence[str], path: str, now: datetime, edit: ContractEdit
) -> None:
    """Archives spend trackers. Raises InvalidInput for an unknown one, and for one that caps a discount."""
    require_transaction()
    standing = _standing(contract) if aliases else {}
    for index, alias in enumerate(aliases):
        if (Kind.SPEND_TRACKER, alias) not in standing or alias in aliases[:index]:
            raise InvalidInput("the contract has no such spend tracker", field=f"{path}.{index}")
        for kind in CONFIGURATIONS:
            if _cap_of(standing.get((kind, ""), {})).get("spend_tracker_alias") == alias:
                raise InvalidInput("a discount is capped by it; change that first", field=f"{path}.{index}")
    _write(contract, [(Kind.SPEND_TRACKER, alias, None) for alias in aliases], now=now, edit=edit)


def add_configuration(
    contract: Contract, *, kind: str, terms: Terms, path: str, now: datetime, edit: ContractEdit | None
) -> None:
    """Agrees on a threshold. Raises Conflict where one is agreed, InvalidInput for what cannot be."""
    require_transaction()
    standing = _standing(contract)
    if (kind, "") in standing:
        raise Conflict(f"{path}: the contract has one already; update_{path.removeprefix('add_')} changes it")
    _check(contract, kind, terms, standing, path)
    _write(contract, [(kind, "", terms)], now=now, edit=edit)


def change_configuration(
    contract: Contract, *, kind: str, change: Terms, path: str, now: datetime, edit: ContractEdit
) -> None:
    """Changes what is named; null clears. Raises InvalidInput where none is agreed, and for what cannot be."""
    require_transaction()
    standing = _standing(contract)
    terms = standing.get((kind, ""))
    if terms is None:
        raise InvalidInput(f"the contract has none; add_{path.removeprefix('update_')} agrees on one", field=path)
    changed = _merged(terms, change)
    _check(contract, kind, changed, standing, path)
    _write(contract, [(kind, "", changed)], now=now, edit=edit)


def _standing(contract: Contract) -> dict[tuple[str, str], Terms]:
    return standing_terms([contract.pk]).get(contract.pk, {})


def _write(
    contract: Contract, new: Sequence[tuple[str, str, Terms | None]], *, now: datetime, edit: ContractEdit | None
) -> None:
    """The one writer of versions. The contract is locked."""
    rows = ThresholdTerms.objects.filter(contract=contract)
    versions: dict[tuple[str, str], int] = {}
    for kind, alias, version in rows.values_list("kind", "alias", "version") if new else ():
        versions[kind, alias] = max(version, versions.get((kind, alias), 0))
    made = []
    for kind, alias, terms in new:
        versions[kind, alias] = versions.get((kind, alias), 0) + 1
        made.append(
            ThresholdTerms(
                contract=contract, kind=kind, alias=alias, version=versions[kind, alias],
                terms="" if terms is None else dumps(terms).decode(), created_at=now,
                created_by=audit.current_actor().label, added_by=edit,
            )
        )  # fmt: skip
    ThresholdTerms.objects.bulk_create(made)
    if made and not contract.has_threshold_terms:
        contract.has_threshold_terms = True
        contract.save(update_fields=["has_threshold_terms"])


def _merged(terms: Terms, change: Terms) -> Terms:
    found = dict(terms)
    for name, value in change.items():
        if value is None:
            found.pop(name, None)
        elif name in MERGED and isinstance(found.get(name), Mapping):
            found[name] = _merged(found[name], value)
        else:
            found[name] = {key: one for key, one in value.items() if one is not None} if name in MERGED else value
    return {name: value for name, value in found.items() if value != {}}


def _cap_of(terms: Mapping[str, Any]) -> Mapping[str, Any]:
    return (terms.get("discount_configuration") or {}).get("cap") or {}


def _check(contract: Contract, kind: str, terms: Terms, standing: Mapping[tuple[str, str], Terms], path: str) -> None:
    """Raises InvalidInput naming the field."""
    commit = terms["commit"]
    scope = {
        "product_ids": commit.get("applicable_product_ids") or [],
        "specifiers": commit.get("specifiers") or [],
    }
    custom = terms.get("custom_credit_type_id")
    catalogue = Catalogue(
        unit_ids=[UUID(custom)] if custom else [], product_ids=[commit["product_id"], *named_products(**scope)]
    )
    try:
        catalogue.check_product(UUID(commit["product_id"]))
        catalogue.check_scope(**scope)
    except InvalidTerms as error:
        raise InvalidInput(error.message, field=f"{path}.commit.{error.field}") from error
    if scope["specifiers"] and (scope["product_ids"] or commit.get("applicable_product_tags")):
        raise InvalidInput("exclude applicable products and tags", field=f"{path}.commit.specifiers")
    if custom:
        try:
            unit = catalogue.unit(UUID(custom), "custom_credit_type_id")
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{path}.{error.field}") from error
        if unit.is_currency:
            raise InvalidInput("must be a custom pricing unit", field=f"{path}.custom_credit_type_id")
    _check_amounts(contract, kind, terms, path, in_money=not custom)
    _check_gate(terms["payment_gate_config"], f"{path}.payment_gate_config")
    alias = _cap_of(terms).get("spend_tracker_alias")
    if alias is not None and (Kind.SPEND_TRACKER, alias) not in standing:
        where = f"{path}.discount_configuration.cap.spend_tracker_alias"
        raise InvalidInput("the contract has no such spend tracker", field=where)


def _check_amounts(contract: Contract, kind: str, terms: Terms, path: str, *, in_money: bool) -> None:
    threshold = terms["threshold_amount"]
    is_usd = in_money and (contract.rate_card is None or contract.rate_card.fiat_credit_type_id == USD)
    if is_usd and threshold < LEAST_USD:
        raise InvalidInput("must be at least 500 cents", field=f"{path}.threshold_amount")
    if kind == Kind.PREPAID_BALANCE_THRESHOLD:
        recharge = terms["recharge_to_amount"]
        if recharge <= threshold:
            raise InvalidInput("must be above threshold_amount", field=f"{path}.recharge_to_amount")
        if is_usd and recharge < threshold + LEAST_STEP_USD:
            message = "must be at least 1000 cents above threshold_amount"
            raise InvalidInput(message, field=f"{path}.recharge_to_amount")


def _check_gate(gate: Mapping[str, Any], path: str) -> None:
    is_stripe = gate["payment_gate_type"] == "STRIPE"
    if gate.get("stripe_config") and not is_stripe:
        raise InvalidInput("only with payment_gate_type STRIPE", field=f"{path}.stripe_config")
    if is_stripe and not gate.get("stripe_config"):
        raise InvalidInput("is needed with payment_gate_type STRIPE", field=f"{path}.stripe_config")
    if gate.get("tax_type") == "STRIPE" and not is_stripe:
        raise InvalidInput("STRIPE only with payment_gate_type STRIPE", field=f"{path}.tax_type")
    if gate.get("tax_type") == "PRECALCULATED" and not gate.get("precalculated_tax_config"):
        raise InvalidInput("is needed with tax_type PRECALCULATED", field=f"{path}.precalculated_tax_config")
    if gate.get("precalculated_tax_config") and gate.get("tax_type") != "PRECALCULATED":
        raise InvalidInput("only with tax_type PRECALCULATED", field=f"{path}.precalculated_tax_config")
