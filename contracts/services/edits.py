"""Edits of contracts: several changes at once, all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError

from contracts.events import ContractEdited, UpdatedSubscription
from contracts.models import Contract, ContractEdit
from contracts.parts import contract_parts
from contracts.services import overrides, subscriptions
from contracts.services.contracts import move_end
from contracts.services.overrides import NewOverride, plain_override
from contracts.services.recording import ids_of, lock_contract, record_event
from contracts.services.subscriptions import NewSubscription, SubscriptionUpdate, plain_subscription, plain_update
from core import audit
from core.approvals import counted_as_one
from core.constraints import violated
from core.errors import InvalidInput, uniqueness_key_used
from core.exact_json import plain_data
from core.transactions import use_case
from engine.calendar import rfc3339

SAME: Final = object()
"""Stands for "not given" where None says something."""

Tell = Callable[[ContractEdit, Mapping[str, Any]], str]
"""An edit that is written, with what the parts say of it by field, as `ContractEdit.told`."""


def edit_contract(
    *,
    contract_id: UUID,
    customer_id: UUID,
    now: datetime,
    add_overrides: Sequence[NewOverride] = (),
    remove_overrides: Sequence[UUID] = (),
    add_subscriptions: Sequence[NewSubscription] = (),
    update_subscriptions: Sequence[SubscriptionUpdate] = (),
    name: str | None = None,
    net_payment_terms_days: int | None = None,
    ending_before: Any = SAME,
    allow_ending_before_finalized_invoice: bool = True,
    uniqueness_key: str | None = None,
    parts: Mapping[str, Any] | None = None,
    reason: str = "",
    tell: Tell,
) -> ContractEdit:
    """Removes, adds and changes what is given, all or nothing; drafts follow at once, finalized invoices never change.

    `tell`: how the edit is told from then on, given what was written; it is asked once, when all is.
    `net_payment_terms_days`: of invoices issued from now on. `ending_before` None makes the contract open-ended;
    `parts`: what apps above keep of it, by field;
    `reason`: why, for the audit trail.
    Raises NotFound, InvalidInput naming the field, Conflict for a used uniqueness key or an end that
    `allow_ending_before_finalized_invoice` forbids.
    """
    try:
        with use_case(), counted_as_one():
            contract = lock_contract(contract_id=contract_id, customer_id=customer_id)
            if contract.archived_at is not None:
                raise InvalidInput("the contract is archived", field="contract_id")
            edit = ContractEdit(
                contract=contract,
                uniqueness_key=uniqueness_key,
                created_at=now,
                created_by=audit.current_actor().label,
            )
            changes = _change_terms(contract, name=name, net_payment_terms_days=net_payment_terms_days)
            if ending_before is not SAME:
                changes["update_contract_end_date"] = ending_before and rfc3339(ending_before)
            given = (add_overrides, remove_overrides, add_subscriptions, update_subscriptions, *(parts or {}).values())
            if not (changes or any(given)):
                raise InvalidInput("nothing to change was given")
            edit.save(force_insert=True)
            overrides.remove_overrides(contract, ids=remove_overrides, edit=edit)
            added = overrides.add_overrides(contract, overrides=add_overrides, path="add_overrides", now=now, edit=edit)
            subscribed = subscriptions.add_subscriptions(
                contract, new=add_subscriptions, path="add_subscriptions", now=now, edit=edit
            )
            subscriptions.update_subscriptions(contract, updates=update_subscriptions, now=now, edit=edit)
            in_parts = _edit_parts(contract, body=parts or {}, edit=edit, now=now)
            edit.told = tell(edit, in_parts)
            edit.save(update_fields=["told"])
            detail = {
                "edit_id": str(edit.pk),
                **changes,
                "add_overrides": [plain_override(row) for row in added],
                "remove_overrides": [str(override_id) for override_id in remove_overrides],
            }
            detail |= {name: _briefly(made) for name, made in in_parts.items()}
            if update_subscriptions:
                detail["update_subscriptions"] = [plain_update(one) for one in update_subscriptions]
            if subscribed:
                detail["add_subscriptions"] = [plain_subscription(row) for row in subscribed]
            edited = ContractEdited(
                **ids_of(contract),
                occurred_at=now,
                edit_id=edit.pk,
                contract_name=name,
                net_payment_terms_days=net_payment_terms_days,
                added_override_ids=tuple(row.pk for row in added),
                removed_override_ids=tuple(remove_overrides),
                added_subscription_ids=tuple(row.pk for row in subscribed),
                updated_subscriptions=tuple(
                    UpdatedSubscription(subscription_id=one.subscription_id, end_changed="ending_before" in one.fields)
                    for one in update_subscriptions
                ),
            )
            record_event(contract, event=edited, detail=detail, reason=reason)
            if ending_before is not SAME:
                strict = not allow_ending_before_finalized_invoice
                move_end(
                    contract, ending_before=ending_before, now=now, strict=strict, field="update_contract_end_date"
                )
    except IntegrityError as error:
        if violated(error) == "contract_edit_uniqueness_key_once":
            raise uniqueness_key_used() from error
        raise
    return edit


def _change_terms(contract: Contract, *, name: str | None, net_payment_terms_days: int | None) -> dict[str, Any]:
    """Stores other terms, None being no change, and says what they are and were."""
    changes: dict[str, Any] = {}
    if name is not None:
        changes |= {"update_contract_name": name, "name_before": contract.name}
        contract.name = name
    if net_payment_terms_days is not None:
        changes |= {
            "update_net_payment_terms_days": net_payment_terms_days,
            "net_payment_terms_days_before": contract.net_payment_terms_days,
        }
        contract.net_payment_terms_days = net_payment_terms_days
    if changes:
        contract.save(update_fields=["name", "net_payment_terms_days"])
    return changes


def _edit_parts(contract: Contract, *, body: Mapping[str, Any], edit: ContractEdit, now: datetime) -> dict[str, Any]:
    """What the parts write, and say of it, by field."""
    found: dict[str, Any] = {}
    for part in contract_parts():
        found |= part.edit(contract, body=body, edit=edit, now=now)
    return found


def _briefly(made: Any) -> Any:
    """What a part says of itself, for the audit trail: of rows their ids."""
    if isinstance(made, list):
        return [str(row["id"]) if isinstance(row, Mapping) and "id" in row else plain_data(row) for row in made]
    return plain_data(made)
