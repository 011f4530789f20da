"""Entries by hand through API keys that have a limit: adjustments of whoever made the key (docs/adr/0015)."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from balances.adjustment_models import Adjustment
from balances.models import LedgerEntry
from balances.selectors.adjustments import assess
from balances.services.adjustments import carry_out
from balances.services.given import whose_limits
from balances.services.ledger import ManualEntry, locked_balance, manual_entries, uniqueness_keys
from core.errors import uniqueness_key_used
from core.models import ApiKey
from core.postgres.locks import advisory_xact_lock
from core.transactions import require_transaction, use_case
from engine.money import plain, total


def request_manual_entry(
    *,
    api_key_id: UUID,
    balance_id: UUID,
    customer_id: UUID,
    now: datetime,
    contract_id: UUID | None = None,
    **terms: Any,
) -> Adjustment:
    """What `add_manual_entry` does, within the limits of the key and of its maker; above, it waits for a second person.

    Either way it is as it was asked for: timestamp, shares of seats and uniqueness key included. Raises as
    `add_manual_entry`, Conflict also for the uniqueness key of an entry that waits.
    """
    asked = ManualEntry(**terms)
    with uniqueness_keys(), use_case():
        key = lock_limits(api_key_id=api_key_id, customer_id=customer_id)
        balance = locked_balance(balance_id=balance_id, customer_id=customer_id, contract_id=contract_id)
        manual_entries(balance, asked=asked, now=now)
        used = LedgerEntry.objects.filter(uniqueness_key=asked.uniqueness_key)
        if asked.uniqueness_key is not None and used.exists():
            raise uniqueness_key_used()
        shares = asked.per_group_amounts
        row = Adjustment(
            customer_id=customer_id,
            segment_id=asked.segment_id,
            contract_id=contract_id,
            amount=asked.amount,
            credit_type=balance.credit_type,
            entry_at=asked.timestamp,
            seat_amounts=None if shares is None else {seat_id: plain(share) for seat_id, share in shares.items()},
            uniqueness_key=asked.uniqueness_key,
            reason_code=Adjustment.ReasonCode.OTHER,
            public_reason=asked.reason,
            api_key=key,
            made_by=key.made_by,
            made_at=now,
        )
        decision = assess(
            maker=key.made_by,
            api_key=key,
            customer_id=customer_id,
            amount=moved(asked),
            unit=balance.credit_type,
            access_type=balance.access_type,
            now=now,
        )
        carry_out(row, customer=balance.customer, decision=decision, now=now)
    return row


def lock_limits(*, api_key_id: UUID, customer_id: UUID) -> ApiKey:
    """The key with its maker, after taking turns for whoever's limits are used up and for the customer."""
    require_transaction()
    key = ApiKey.objects.select_related("made_by").get(pk=api_key_id)
    advisory_xact_lock("adjustments", [whose_limits(key), f"customer:{customer_id}"])
    return key


def moved(asked: ManualEntry) -> Decimal:
    """How much an entry moves, whichever way: what one seat gets and another loses counts twice."""
    shares = asked.per_group_amounts
    return abs(asked.amount) if shares is None else total(abs(share) for share in shares.values())
