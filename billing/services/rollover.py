"""Renewal: what is left of the old contract's balances goes on in the new one, up to the share that was agreed."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from balances.models import Balance, Segment
from balances.selectors.live import segment_state
from balances.services import lock_balances, roll_balance, take_back_expiries, waive_true_ups
from billing.selectors.live_balances import pending_draws
from billing.services.charges import collect_charges
from contracts.events import ContractRenewed
from contracts.models import Contract
from contracts.selectors import payer_of
from contracts.services import lock_contract
from engine.money import ZERO, add
from engine.settlement import rollover_amount

WITHOUT_END = timedelta(days=365)
"""How long a rollover lasts under a contract without an end."""


def roll_over(event: ContractRenewed) -> None:
    """Reaction: min(what is left, fraction x the original amount) of each balance of the old one.

    What its drafts draw now is taken off first; what does not roll over expires with its segment. Where the old
    contract was superseded nothing does.
    """
    contract = lock_contract(contract_id=event.contract_id)
    old = Contract.objects.get(pk=event.renewed_contract_id)
    payer_id = payer_of(contract, contract.starting_at)
    lock_balances(payer_id)
    rows = Balance.objects.filter(contract=old, archived_at__isnull=True).order_by("pk")
    if event.waive_true_ups:
        waive_true_ups(rows.filter(kind=Balance.Kind.POSTPAID))
        collect_charges(old, now=event.occurred_at)
    if not event.rolls_over:
        return
    rolling = rows.filter(rollover_fraction__gt=0)
    reach = Segment.objects.filter(removed_at__isnull=True, ending_before__gte=contract.starting_at)
    renewed = "the contract was renewed"
    take_back_expiries(reach.filter(owner__in=rolling).order_by("pk"), now=event.occurred_at, reason=renewed)
    pending = pending_draws(payer_id=payer_id)
    end = contract.ending_before or contract.starting_at + WITHOUT_END
    for balance in rolling:
        shares: list[tuple[UUID, Decimal]] = []
        whole = ZERO
        for segment in reach.filter(owner=balance):
            share = rollover_amount(segment_state(segment, pending), balance.rollover_fraction)
            if share > ZERO:
                shares.append((segment.pk, share))
                whole = add(whole, share)
        if whole > ZERO:
            roll_balance(balance, contract=contract, shares=shares, end=end, now=event.occurred_at)
