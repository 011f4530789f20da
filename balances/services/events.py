"""The one place from which events about commits and credits go out, each with its act in the audit trail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict
from uuid import UUID

from balances.events import (
    BalanceAdjusted,
    BalanceArchived,
    BalanceCreated,
    BalanceEdited,
    BalanceEvent,
    CommitAdjusted,
    CommitArchived,
    CommitCreated,
    CommitEdited,
    CreditAdjusted,
    CreditArchived,
    CreditCreated,
    CreditEdited,
    GrantedSegment,
    ScheduledCharge,
    SeatAmount,
)
from balances.models import Balance
from core import audit
from core.events import publish, publish_all
from core.transactions import require_transaction
from engine.money import plain


class _Ids(TypedDict):
    balance_id: UUID
    customer_id: UUID
    contract_id: UUID | None
    invoice_contract_id: UUID | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class CreatedBalance:
    """A commit or credit that came to be, with its schedules."""

    balance: Balance
    segments: tuple[GrantedSegment, ...]
    charges: tuple[ScheduledCharge, ...]
    reason: str


def record_created(created: Iterable[CreatedBalance], *, now: datetime) -> None:
    """Commits or credits came to be, in this order. In the transaction of a use case."""
    require_transaction()
    events = []
    acts = []
    for one in created:
        event = _created(one, now)
        events.append(event)
        acts.append(audit.Act(event.name, one.balance, _created_detail(one), one.reason))
    audit.record_all(acts, at=now)
    publish_all(events)


def _created(one: CreatedBalance, now: datetime) -> BalanceCreated:
    balance = one.balance
    event_type: type[BalanceCreated] = CreditCreated if _is_credit(balance) else CommitCreated
    return event_type(
        **_ids(balance, now),
        balance_type=balance.kind,
        balance_name=balance.name,
        credit_type_id=balance.credit_type_id,
        segments=one.segments,
        charges=one.charges,
    )


def _created_detail(created: CreatedBalance) -> dict[str, Any]:
    return {
        "kind": created.balance.kind,
        "name": created.balance.name,
        "access": [
            {
                "amount": plain(one.amount),
                "from": one.starting_at.isoformat(),
                "to": one.ending_before.isoformat(),
                **({"seat_ids": list(one.seat_ids)} if one.seat_ids else {}),
            }
            for one in created.segments
        ],
        "invoiced": [{"at": one.due_at.isoformat(), "amount": plain(one.amount)} for one in created.charges],
    }


def record_changed(changed: Iterable[tuple[Balance, tuple[str, ...]]], *, now: datetime) -> None:
    """These columns of balances are others, in this order. In the transaction of a use case."""
    require_transaction()
    events = []
    acts = []
    for balance, names in changed:
        event_type: type[BalanceEdited] = CreditEdited if _is_credit(balance) else CommitEdited
        event = event_type(**_ids(balance, now), changed=names)
        events.append(event)
        acts.append(audit.Act(event.name, balance, {"changed": list(names)}))
    audit.record_all(acts, at=now)
    publish_all(events)


def record_edited(
    balance: Balance,
    *,
    now: datetime,
    changed: tuple[str, ...] | None = None,
    access_ending_before: datetime | None = None,
    invoices_ending_before: datetime | None = None,
) -> None:
    """Its terms or schedules are others. In the transaction of a use case."""
    event_type: type[BalanceEdited] = CreditEdited if _is_credit(balance) else CommitEdited
    event = event_type(
        **_ids(balance, now),
        changed=changed or (),
        access_ending_before=access_ending_before,
        invoices_ending_before=invoices_ending_before,
    )
    detail: dict[str, Any] = {} if changed is None else {"changed": list(changed)}
    if access_ending_before is not None:
        detail["access_ending_before"] = access_ending_before.isoformat()
    if invoices_ending_before is not None:
        detail["invoices_ending_before"] = invoices_ending_before.isoformat()
    _record(balance, event, detail=detail)


def record_adjusted(
    balance: Balance,
    *,
    now: datetime,
    reason: str,
    amount: Decimal,
    timestamp: datetime,
    segment_id: UUID | None = None,
    seat_amounts: tuple[SeatAmount, ...] = (),
) -> None:
    """Somebody added to it or took from it by hand. In the transaction of a use case."""
    event_type: type[BalanceAdjusted] = CreditAdjusted if _is_credit(balance) else CommitAdjusted
    event = event_type(
        **_ids(balance, now),
        amount=amount,
        credit_type_id=balance.credit_type_id,
        timestamp=timestamp,
        segment_id=segment_id,
        seat_amounts=seat_amounts,
    )
    detail: dict[str, Any] = {"amount": plain(amount), "timestamp": timestamp.isoformat()}
    if segment_id is not None:
        detail["segment_id"] = str(segment_id)
    else:
        detail["per_group_amounts"] = {one.seat_id: plain(one.amount) for one in seat_amounts}
    _record(balance, event, detail=detail, reason=reason)


def record_archived(balances: Iterable[Balance], *, now: datetime, reason: str = "") -> None:
    """They have ended for good, in this order. In the transaction of a use case."""
    require_transaction()
    events = []
    acts = []
    for balance in balances:
        event_type: type[BalanceArchived] = CreditArchived if _is_credit(balance) else CommitArchived
        event = event_type(**_ids(balance, now))
        events.append(event)
        acts.append(audit.Act(event.name, balance, {}, reason))
    audit.record_all(acts, at=now)
    publish_all(events)


def _is_credit(balance: Balance) -> bool:
    return balance.kind == Balance.Kind.CREDIT


def _ids(balance: Balance, now: datetime) -> _Ids:
    return {
        "balance_id": balance.pk,
        "customer_id": balance.customer_id,
        "contract_id": balance.contract_id or balance.invoice_contract_id,
        "invoice_contract_id": balance.invoice_contract_id,
        "occurred_at": now,
    }


def _record(balance: Balance, event: BalanceEvent, *, detail: dict[str, Any], reason: str = "") -> None:
    require_transaction()
    audit.record(event.name, balance, at=event.occurred_at, detail=detail, reason=reason)
    publish(event)
