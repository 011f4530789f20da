"""Commits and credits as parts of creating and of editing a contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from balances.models import Balance, RecurringGrant
from balances.services.edits import (
    COMMITS,
    CREDITS,
    BalanceChange,
    archive_locked,
    catalogue_of,
    change_locked,
    save_changed,
    tell_changed,
)
from balances.services.given import counting_changes
from balances.services.grants import NewBalance, add_balances
from balances.services.ledger import lock_balances
from balances.services.new_recurring import NewRecurring
from balances.services.recurring import add_recurring
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
        changed += _change_all(contract, changes, name, now)
    save_changed({balance.pk: balance for balance, _ in changed}.values())
    tell_changed(changed, now=now)


def _change_all(
    contract: Contract, changes: Sequence[tuple[UUID, BalanceChange]], name: str, now: datetime
) -> list[tuple[Balance, tuple[str, ...]]]:
    """Changes them in this order, not saved yet: as many statements for many as for one, but for their schedules.

    Raises InvalidInput naming the first that there is not, or that cannot change so.
    """
    standing = _standing(contract, KINDS[name]).in_bulk([balance_id for balance_id, _ in changes])
    known = catalogue_of((standing[balance_id], change) for balance_id, change in changes if balance_id in standing)
    changed = []
    for index, (balance_id, change) in enumerate(changes):
        where = f"update_{name}.{index}"
        balance = standing.get(balance_id)
        if balance is None:
            raise InvalidInput(NO_SUCH, field=f"{where}.{'commit_id' if name == 'commits' else 'credit_id'}")
        try:
            with counting_changes(balance, field=f"{where}.access_schedule", now=now):
                changed.append((balance, change_locked(balance, change=change, known=known, now=now)))
        except InvalidTerms as error:
            raise InvalidInput(error.message, field=f"{where}.{error.field}") from error
    return changed


def _find_all(contract: Contract, ids: Sequence[UUID], kinds: Sequence[str], where: str) -> list[Balance]:
    """These balances in this order, each named once. Raises InvalidInput naming the first that there is not."""
    standing = _standing(contract, kinds).in_bulk(ids)
    found = []
    for index, balance_id in enumerate(ids):
        balance = standing.pop(balance_id, None)
        if balance is None:
            raise InvalidInput(NO_SUCH, field=f"{where}.{index}.id")
        found.append(balance)
    return found


def _standing(contract: Contract, kinds: Sequence[str]) -> QuerySet[Balance]:
    return Balance.objects.filter(contract=contract, kind__in=kinds, archived_at__isnull=True)
