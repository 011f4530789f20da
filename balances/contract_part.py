"""Commits, credits and recurring ones as parts of contracts (contracts/parts.py)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from rest_framework import serializers

from balances.api.changes import (
    CommitChangeInput,
    CreditChangeInput,
    RecurringCommitChangeInput,
    RecurringCreditChangeInput,
    change_of,
    recurring_change,
)
from balances.api.inputs import (
    ContractCommitInput,
    ContractCreditInput,
    RecurringCommitInput,
    RecurringCreditInput,
    new_balance,
    new_recurring,
)
from balances.api.outputs import (
    CommitOutput,
    CreditOutput,
    RecurringOutput,
    present_balances,
    present_recurring,
)
from balances.api.told import CommitChangedOutput, CreditChangedOutput, RecurringChangedOutput, told_change
from balances.carried import carried_balances, carried_recurring
from balances.models import Balance, RecurringGrant
from balances.selectors.balances import balance_rows, recurring_rows
from balances.selectors.live import Live
from balances.services.contract_terms import NewTerms, add_terms, change_recurring_terms, change_terms
from balances.services.recurring import issue_due_grants
from charges.api.schedules import ItemInput
from contracts.models import Contract, ContractEdit
from contracts.parts import Fields
from contracts.renewal_parts import Carrying
from core.api.fields import FlagField
from core.api.output import IdOutput, Output
from core.errors import InvalidInput

NAMES = ("commits", "credits", "recurring_commits", "recurring_credits")
INPUTS = (ContractCommitInput, ContractCreditInput, RecurringCommitInput, RecurringCreditInput)
ARCHIVED = ("archive_commits", "archive_credits")
CHANGED = ("update_recurring_commits", "update_recurring_credits")
SHOWN = ("include_balance", "include_ledgers")
MOST = 1000


def _list(child: type[serializers.Serializer[Any]]) -> serializers.ListField:
    return serializers.ListField(child=child(), max_length=MOST, required=False, allow_null=True)


def _group(row: Balance | RecurringGrant) -> str:
    """The field of a contract under which a row stands."""
    credit = row.kind == "CREDIT"
    if isinstance(row, RecurringGrant):
        return "recurring_credits" if credit else "recurring_commits"
    return "credits" if credit else "commits"


class BalancesNow(Protocol):
    """What is left of a customer's balances, given what its open periods draw: `billing` knows."""

    def __call__(self, *, customer_id: UUID, balances: Sequence[Balance], now: datetime) -> Mapping[UUID, Live]:
        """By balance; these are all of one customer."""
        ...


class BalancesPart:
    """What was prepaid under a contract."""

    def __init__(self, balances_now: BalancesNow) -> None:
        self._balances_now = balances_now

    def create_fields(self) -> Fields:
        """Commits and credits to begin with."""
        return {name: _list(child) for name, child in zip(NAMES, INPUTS, strict=True)}

    def edit_fields(self) -> Fields:
        """Commits and credits to add, change and archive."""
        added: Fields = {f"add_{name}": _list(child) for name, child in zip(NAMES, INPUTS, strict=True)}
        return added | {
            "update_commits": _list(CommitChangeInput),
            "update_credits": _list(CreditChangeInput),
            "update_recurring_commits": _list(RecurringCommitChangeInput),
            "update_recurring_credits": _list(RecurringCreditChangeInput),
            "archive_commits": _list(ItemInput),
            "archive_credits": _list(ItemInput),
        }

    def read_fields(self) -> Fields:
        """Whether to show what is left, and the ledgers."""
        return {name: FlagField(required=False, allow_null=True) for name in SHOWN}

    def term_fields(self) -> Fields:
        """What a contract shows."""
        shown = (CommitOutput, CreditOutput, RecurringOutput, RecurringOutput)
        return {name: output(many=True) for name, output in zip(NAMES, shown, strict=True)}

    def edited_fields(self) -> Fields:
        """What an edit shows."""
        shown = (CommitOutput, CreditOutput, RecurringOutput, RecurringOutput)
        added: Fields = {
            f"add_{name}": output(many=True, required=False) for name, output in zip(NAMES, shown, strict=True)
        }
        changed: dict[str, type[Output]] = {
            "update_commits": CommitChangedOutput,
            "update_credits": CreditChangedOutput,
            **dict.fromkeys(CHANGED, RecurringChangedOutput),
            **dict.fromkeys(ARCHIVED, IdOutput),
        }
        return added | {name: output(many=True, required=False) for name, output in changed.items()}

    def prepare(self, body: dict[str, Any]) -> None:
        """Gives what has a temporary id its real one, in the overrides that name them as well; and finds the
        subscriptions that recurring ones are for, which may be new too. Raises InvalidInput.
        """
        for verb in ("", "add_"):
            _name_commits(body, verb)
            _name_subscriptions(body, verb)

    def warnings(self, given: Collection[str]) -> list[dict[str, str]]:  # noqa: ARG002 - as each part is asked
        """All of it acts."""
        return []

    def create(self, contract: Contract, *, body: Mapping[str, Any], now: datetime) -> None:
        """Adds what the contract begins with."""
        add_terms(contract, new=_new(body, ""), now=now)

    def edit(
        self, contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime
    ) -> dict[str, list[dict[str, Any]]]:
        """Archives, changes and adds, all or nothing."""
        archive = {name: [item["id"] for item in body.get(f"archive_{name}") or ()] for name in ("commits", "credits")}
        updates = {
            "commits": [(item["commit_id"], change_of(item)) for item in body.get("update_commits") or ()],
            "credits": [(item["credit_id"], change_of(item)) for item in body.get("update_credits") or ()],
        }
        change_terms(contract, archive=archive, updates=updates, now=now)
        given = {name: body[name] for name in CHANGED if body.get(name)}
        changes = {name.removeprefix("update_"): tuple(map(recurring_change, asked)) for name, asked in given.items()}
        change_recurring_terms(contract, changes=changes, now=now)
        add_terms(contract, new=_new(body, "add_"), now=now, edit=edit)
        asked = {name: body[name] for name in ("update_commits", "update_credits") if body.get(name)} | given
        done: dict[str, list[dict[str, Any]]] = {
            name: [told_change(one) for one in changes] for name, changes in asked.items()
        }
        done |= {name: [{"id": item["id"]} for item in body[name]] for name in ARCHIVED if body.get(name)}
        return done | _added(edit, now)

    def before_reading(self, customer_id: UUID, *, asked: Mapping[str, Any], now: datetime) -> None:
        """Issues what recurring ones have brought by now, where what is left is asked for."""
        if any(asked.get(name) for name in SHOWN):
            issue_due_grants(customer_id=customer_id, now=now)

    def carry(self, how: Carrying) -> dict[str, Any]:
        """What a renewal takes along."""
        return {**carried_balances(how), **carried_recurring(how)}

    def _present(self, rows: Sequence[Balance], asked: Mapping[str, Any], at: datetime) -> list[dict[str, Any]]:
        balance, ledgers = (bool(asked.get(name)) for name in SHOWN)
        if not rows or not (balance or ledgers):
            return present_balances(rows, at)
        live = self._balances_now(customer_id=rows[0].customer_id, balances=rows, now=at)
        shown = present_balances(rows, at, live, ledgers=ledgers)
        if not balance:
            for row in shown:
                del row["balance"]
        return shown

    def terms(
        self, contract_ids: Iterable[UUID], *, asked: Mapping[str, Any], at: datetime
    ) -> dict[UUID, dict[str, Any]]:
        """Commits and credits by contract, in the order of adding."""
        ids = list(contract_ids)
        found: dict[UUID, dict[str, Any]] = {id_: {name: [] for name in NAMES} for id_ in ids}
        rows = list(balance_rows().filter(contract_id__in=ids, archived_at__isnull=True).order_by("created_at", "id"))
        for row, shown in zip(rows, self._present(rows, asked, at), strict=True):
            if row.contract_id is not None:
                found[row.contract_id][_group(row)].append(shown)
        for grant in recurring_rows().filter(contract_id__in=ids, archived_at__isnull=True):
            found[grant.contract_id][_group(grant)] += present_recurring([grant], at)
        return found


def _added(edit: ContractEdit, at: datetime) -> dict[str, list[dict[str, Any]]]:
    """What an edit has added, as it stands when that is written."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = list(balance_rows().filter(added_by=edit).order_by("created_at", "id"))
    for row, shown in zip(rows, present_balances(rows, at), strict=True):
        found.setdefault(f"add_{_group(row)}", []).append(shown)
    for grant in recurring_rows().filter(added_by=edit):
        found.setdefault(f"add_{_group(grant)}", []).extend(present_recurring([grant], at))
    return found


def _name_commits(body: dict[str, Any], verb: str) -> None:
    real: dict[str, str] = {}
    for name in ("commits", "recurring_commits", "recurring_credits"):
        for commit in body.get(f"{verb}{name}") or ():
            if temporary := commit.pop("temporary_id", None):
                commit["id"] = uuid4()
                real[temporary] = str(commit["id"])
    for override in body.get(f"{verb}overrides") or () if real else ():
        for entry in override.get("override_specifiers", ()):
            for key in ("commit_ids", "recurring_commit_ids", "any_commit_or_credit_ids"):
                if key in entry:
                    entry[key] = [real.get(id_, id_) for id_ in entry[key]]


def _name_subscriptions(body: dict[str, Any], verb: str) -> None:
    fresh = {one["temporary_id"]: one["id"] for one in body.get(f"{verb}subscriptions") or () if "temporary_id" in one}
    for name in ("recurring_commits", "recurring_credits"):
        for index, grant in enumerate(body.get(f"{verb}{name}") or ()):
            if config := grant.get("subscription_config"):
                asked = config["subscription_id"]
                try:
                    config["subscription_id"] = fresh.get(asked) or UUID(asked)
                except ValueError as error:
                    where = f"{verb}{name}.{index}.subscription_config.subscription_id"
                    raise InvalidInput("the contract has no such subscription", field=where) from error


def _new(body: Mapping[str, Any], verb: str) -> NewTerms:
    kinds = RecurringGrant.Kind
    return NewTerms(
        prefix=verb,
        commits=tuple(new_balance(entry) for entry in body.get(f"{verb}commits") or ()),
        credits=tuple(new_balance(entry) for entry in body.get(f"{verb}credits") or ()),
        recurring_commits=tuple(
            new_recurring(entry, kinds.COMMIT) for entry in body.get(f"{verb}recurring_commits") or ()
        ),
        recurring_credits=tuple(
            new_recurring(entry, kinds.CREDIT) for entry in body.get(f"{verb}recurring_credits") or ()
        ),
    )
