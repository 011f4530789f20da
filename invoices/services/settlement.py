"""The only writer of settlements: what an issued invoice asks for, and what became of it."""

from decimal import Decimal

from core.transactions import require_transaction
from engine.document import SettlementState, amount_due, opening_state
from invoices.models import Invoice, Settlement


def open_settlement(invoice: Invoice) -> Settlement:
    """Opens the settlement of an invoice that has just been issued; one that asks for nothing is paid at once.

    Raises ValueError for a draft.
    """
    require_transaction()
    if invoice.due_date is None:
        raise ValueError("only an issued invoice is settled")
    due = amount_due(int(invoice.document_total))
    return Settlement.objects.create(
        invoice=invoice, due_on=invoice.due_date, amount_due=Decimal(due), state=opening_state(due)
    )


def void_settlement(invoice: Invoice) -> None:
    """Nothing is asked for any more, because the invoice is void; what was due stays readable."""
    require_transaction()
    Settlement.objects.filter(invoice=invoice).update(state=SettlementState.VOID)
