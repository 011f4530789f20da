"""Commits and credits as parts of creating and of editing a contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from balances.models import Balance, RecurringGrant
from balances.services.edits import COMMITS, CREDITS, BalanceChange, archive_locked, change_locked
from balances.services.events import record_changed
from balances.services.given import counting_changes
from balances.services.grants import NewBalance, add_balances
from balances.services.ledger import lock_balances
from balances.services.recurring import NewRecurring, add_recurring
from balances.services.recurring_edits import RecurringChange, change_recurring
from contracts.models import Contract, ContractEdit
from contracts.selectors import payer_of
from core.errors import InvalidInput
from core.transactions import require_transaction
from engine.errors import InvalidTerms

KINDS = {"commits": COMMITS, "credits": CREDITS}
NO_SUCH = "the contract has no such commit or credit"


@dataclass(frozen=True, slots=True)
class NewTerms:
    """What to add to a contract. `prefix` stands before the field names in refusals."""

    prefix: str = ""
    commits: tuple[NewBalance, ...] = ()
    credits: tuple[NewBalance, ...] = ()
    recurring_commits: tuple[NewRecurring, ...] = ()
    recurring_credits: tuple[NewRecurring, ...] = ()


def change_recurring_terms(
    contract: Contract, *, changes: Mapping[str, Sequence[RecurringChange]], now: datetime
) -> None:
    """Changes the contract's recurring commits and credits, by `recurring_commits` and `recurring_credits`.

    The caller holds the contract's lock. Raises InvalidInput, Conflict.
    """
    kinds = {"recurring_commits": RecurringGrant.Kind.COMMIT, "recurring_credits": RecurringGrant.Kind.CREDIT}
    for name, kind in kinds.items():
        change_recurring(contract, changes=changes.get(name, ()), kind=kind, path=f"update_{name}", now=now)


def add_terms(contract: Contract, *, new: NewTerms, now: datetime, edit: ContractEdit | None = None) -> None:
    """Adds commits and credits, recurring ones last; the caller holds the contract's lock. Raises InvalidInput."""
    require_transaction()
    for name in ("commits", "credits"):
        add_balances(contract, new=getattr(new, name), path=f"{new.prefix}{name}", now=now, edit=edit)
    for name in ("recurring_commits", "recurring_credits"):
        add_recurring(contract, new=getattr(new, name), path=f"{new.prefix}{name}", now=now, edit=edit)


def change_terms(
    contract: Contract,
    *,
    archive: Mapping[str, Sequence[UUID]],
    updates: Mapping[str, Sequence[tuple[UUID, BalanceChange]]],
    now: datetime,
) -> None:
    """Archives and changes the contract's own commits and credits, by `commits` and `credits`.

    The caller holds the contract's lock. Raises InvalidInput, Conflict.
    """
    require_transaction()
    if not any(archive.values()) and not any(updates.values()):
        return
    lock_balances(payer_of(contract, now))
    for name, ids in archive.items():
        archive_locked(_find_all(contract, ids, KINDS[name], f"archive_{name}"), now=now)
    changed: list[tuple[Balance, tuple[str, ...]]] = []
    for name, changes in updates.items():
        for index, (balance_id, change) in enumerate(changes):
            where = f"update_{name}.{index}"
            key = "commit_id" if name == "commits" else "credit_id"
            balance = _find(contract, balance_id, KINDS[name], f"{where}.{key}")
            try:
                with counting_changes(balance, field=f"{where}.access_schedule", now=now):
                    changed.append((balance, change_locked(balance, change=change, now=now)))
            except InvalidTerms as error:
                raise InvalidInput(error.message, field=f"{where}.{error.field}") from error
    record_changed(changed, now=now)


def _find_all(contract: Contract, ids: Sequence[UUID], kinds: Sequence[str], where: str) -> list[Balance]:
    """These balances in this order, each named once. Raises InvalidInput naming the first that there is not."""
    standing = Balance.objects.filter(contract=contract, kind__in=kinds, archived_at__isnull=True).in_bulk(ids)
    found = []
    for index, balance_id in enumerate(ids):
        balance = standing.pop(balance_id, None)
        if balance is None:
            raise InvalidInput(NO_SUCH, field=f"{where}.{index}.id")
        found.append(balance)
    return found


def _find(contract: Contract, balance_id: UUID, kinds: Sequence[str], where: str) -> Balance:
    found = Balance.objects.filter(pk=balance_id, contract=contract, kind__in=kinds, archived_at__isnull=True).first()
    if found is None:
        raise InvalidInput(NO_SUCH, field=where)
    return found
