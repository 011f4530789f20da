"""What a contract's drafts come to, measured for limits: what is lost where they are dropped or cut."""

from datetime import datetime
from decimal import Decimal

from balances.selectors.act_limits import sum_of, worth_of
from billing.compute import compute_invoices
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from contracts.models import Contract
from core.errors import TactusError
from engine.errors import InvalidTerms


def open_worth(contract: Contract, now: datetime) -> Decimal | None:
    """What the contract's open drafts bill so far, in USD cents, by the one compute; None where nobody can say.

    Not the totals that are kept for lists: those are as old as the last sweep.
    """
    rows = list(period_rows().filter(contract=contract, state=BillingPeriod.State.OPEN))
    try:
        computed = compute_invoices(rows, at=now)
    except (InvalidTerms, TactusError):
        return None
    return sum_of(worth_of(computed[row.pk].total, row.credit_type, row.payer_id) for row in rows)
