"""Threshold configurations and spend trackers as parts of contracts (contracts/parts.py)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from balances.api.thresholds import (
    PrepaidThresholdChangeInput,
    PrepaidThresholdInput,
    PrepaidThresholdOutput,
    PrepaidThresholdToldOutput,
    SpendThresholdChangeInput,
    SpendThresholdInput,
    SpendThresholdOutput,
    SpendThresholdToldOutput,
    TrackerInput,
    TrackerOutput,
)
from balances.models import ThresholdTerms
from balances.selectors.thresholds import CONFIGURATIONS, accumulated, standing_terms
from balances.services.thresholds import (
    add_configuration,
    add_trackers,
    archive_trackers,
    change_configuration,
)
from contracts.models import Contract, ContractEdit
from contracts.parts import Fields
from contracts.renewal_parts import Carrying
from core.api.fields import TextField
from core.api.output import told
from core.exact_json import dumps, read_back

Kind = ThresholdTerms.Kind
FIELDS: Final[dict[str, str]] = {
    Kind.SPEND_THRESHOLD: "spend_threshold_configuration",
    Kind.PREPAID_BALANCE_THRESHOLD: "prepaid_balance_threshold_configuration",
}
INPUTS: Final = {Kind.SPEND_THRESHOLD: SpendThresholdInput, Kind.PREPAID_BALANCE_THRESHOLD: PrepaidThresholdInput}
CHANGES: Final = {
    Kind.SPEND_THRESHOLD: SpendThresholdChangeInput,
    Kind.PREPAID_BALANCE_THRESHOLD: PrepaidThresholdChangeInput,
}
OUTPUTS: Final = {Kind.SPEND_THRESHOLD: SpendThresholdOutput, Kind.PREPAID_BALANCE_THRESHOLD: PrepaidThresholdOutput}
TOLD: Final = {
    Kind.SPEND_THRESHOLD: SpendThresholdToldOutput,
    Kind.PREPAID_BALANCE_THRESHOLD: PrepaidThresholdToldOutput,
}
TRACKERS: Final = "spend_trackers"
MOST: Final = 100
DOES_NOT_ACT: Final = "is kept and shown; nothing is charged by it until payments are supported"


class ThresholdsPart:
    """What a contract agrees about charging by itself."""

    def create_fields(self) -> Fields:
        """What holds from the start on."""
        found: Fields = {FIELDS[kind]: INPUTS[kind](required=False, allow_null=True) for kind in CONFIGURATIONS}
        return found | {TRACKERS: _trackers()}

    def edit_fields(self) -> Fields:
        """What is agreed, changed and given up."""
        found: Fields = {}
        for kind in CONFIGURATIONS:
            found[f"add_{FIELDS[kind]}"] = INPUTS[kind](required=False, allow_null=True)
            found[f"update_{FIELDS[kind]}"] = CHANGES[kind](required=False, allow_null=True)
        aliases = serializers.ListField(child=TextField(maximum=128), max_length=MOST, required=False, allow_null=True)
        return found | {f"add_{TRACKERS}": _trackers(), f"archive_{TRACKERS}": aliases}

    def read_fields(self) -> Fields:
        """Nothing more can be asked for."""
        return {}

    def term_fields(self) -> Fields:
        """What a contract shows."""
        found: Fields = {FIELDS[kind]: OUTPUTS[kind](required=False) for kind in CONFIGURATIONS}
        return found | {TRACKERS: TrackerOutput(many=True, required=False)}

    def edited_fields(self) -> Fields:
        """What an edit shows."""
        found: Fields = {}
        for kind in CONFIGURATIONS:
            found[f"add_{FIELDS[kind]}"] = OUTPUTS[kind](required=False)
            found[f"update_{FIELDS[kind]}"] = TOLD[kind](required=False)
        found[f"add_{TRACKERS}"] = TrackerOutput(many=True, required=False)
        found[f"archive_{TRACKERS}"] = serializers.ListField(child=serializers.CharField(), required=False)
        return found

    def prepare(self, body: dict[str, Any]) -> None:
        """Nothing refers from here to another part."""

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:
        """Nothing is charged by thresholds yet."""
        mine = [f"{verb}{name}" for name in FIELDS.values() for verb in ("", "add_", "update_")]
        return [{"field": name, "message": DOES_NOT_ACT} for name in mine if name in given]

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:
        """Notes what holds from the start on."""
        self._add(contract, body, "", None, now)

    def edit(self, contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime) -> dict[str, Any]:
        """Archives, adds and changes, all or nothing."""
        archived = body.get(f"archive_{TRACKERS}") or []
        archive_trackers(contract, aliases=archived, path=f"archive_{TRACKERS}", now=now, edit=edit)
        done = self._add(contract, body, "add_", edit, now)
        for kind in CONFIGURATIONS:
            name = f"update_{FIELDS[kind]}"
            if change := body.get(name):
                change_configuration(contract, kind=kind, change=_plain(change), path=name, now=now, edit=edit)
                done[name] = _told(_plain(change))
        return done | ({f"archive_{TRACKERS}": archived} if archived else {})

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Nothing comes due by being looked at."""

    def carry(self, how: Carrying) -> dict[str, Any]:
        """All that holds at the end of the old term goes along."""
        standing = standing_terms([how.contract.pk]).get(how.contract.pk, {})
        found: dict[str, Any] = {FIELDS[kind]: standing[kind, ""] for kind in CONFIGURATIONS if (kind, "") in standing}
        trackers = [terms for (kind, _), terms in standing.items() if kind == Kind.SPEND_TRACKER]
        return found | ({TRACKERS: trackers} if trackers else {})

    def terms(
        self,
        contracts: Mapping[UUID, Contract],
        *,
        asked: Mapping[str, Any],  # noqa: ARG002 - as each part is asked
        at: datetime,
    ) -> dict[UUID, dict[str, Any]]:
        """What holds, by contract; no query where nothing ever did, else one, and two more with spend trackers."""
        ids = [contract_id for contract_id, one in contracts.items() if one.has_threshold_terms]
        standing = standing_terms(ids) if ids else {}
        trackers = {
            contract_id: {alias: one for (kind, alias), one in mine.items() if kind == Kind.SPEND_TRACKER}
            for contract_id, mine in standing.items()
        }
        trackers = {contract_id: mine for contract_id, mine in trackers.items() if mine}
        spent = accumulated(list(contracts.values()), trackers, at)
        found: dict[UUID, dict[str, Any]] = {}
        for contract_id, mine in standing.items():
            shown: dict[str, Any] = {FIELDS[kind]: mine[kind, ""] for kind in CONFIGURATIONS if (kind, "") in mine}
            enabled = [name for name, terms in shown.items() if terms["is_enabled"]]
            for alias, one in trackers.get(contract_id, {}).items():
                counted = spent.get((contract_id, alias))
                row = one if counted is None else one | {"accumulated_spend": {
                    "amount": counted.amount, "period_starting_at": counted.period.start,
                    "period_ending_before": counted.period.end,
                }}  # fmt: skip
                shown.setdefault(TRACKERS, []).append(row)
            found[contract_id] = shown | {"warnings": self.warnings(enabled)}
        return found

    def _add(
        self, contract: Contract, body: Mapping[str, Any], verb: str, edit: ContractEdit | None, now: datetime
    ) -> dict[str, Any]:
        done: dict[str, Any] = {}
        if new := [_plain(one) for one in body.get(f"{verb}{TRACKERS}") or ()]:
            add_trackers(contract, new=new, path=f"{verb}{TRACKERS}", now=now, edit=edit)
            done[f"{verb}{TRACKERS}"] = new
        for kind in CONFIGURATIONS:
            name = f"{verb}{FIELDS[kind]}"
            if (asked := body.get(name)) is not None:
                terms = _kept(_plain(asked))
                add_configuration(contract, kind=kind, terms=terms, path=name, now=now, edit=edit)
                done[name] = terms
        return done


def _trackers() -> serializers.ListField:
    return serializers.ListField(child=TrackerInput(), max_length=MOST, required=False, allow_null=True)


def _plain(read: Any) -> Any:
    """What was read as it is stored: ids as text, numbers exact."""
    return read_back(dumps(read).decode())


def _kept(value: Any) -> Any:
    """Without what was given as null."""
    if isinstance(value, dict):
        return {name: _kept(inner) for name, inner in value.items() if inner is not None}
    return [_kept(one) for one in value] if isinstance(value, list) else value


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    return told({name: _told(value) if isinstance(value, dict) else value for name, value in asked.items()})
