"""What became of an issued invoice, as of a day."""

from datetime import date

from engine.document import SettlementState
from invoices.models import Settlement

OVERDUE = "OVERDUE"
"""Not a stored state: something is still to be paid, and the day by which it was due is over."""

UNPAID = (SettlementState.OPEN, SettlementState.PARTIALLY_PAID)


def settlement_state(settlement: Settlement, *, on: date) -> str:
    """The state on a UTC day, OVERDUE included."""
    overdue = settlement.state in UNPAID and settlement.due_on < on
    return OVERDUE if overdue else str(settlement.state)
