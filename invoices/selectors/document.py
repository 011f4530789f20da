"""The document view of invoices: of an issued one as it was frozen, of a draft as it would be now."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from billing.types import CurrencyView, DocumentAmounts, InvoiceView, LineView
from engine.document import CountedLine, document_view
from engine.money import Currency


def with_document(view: InvoiceView) -> InvoiceView:
    """The view with its document amounts, worked out if it is a draft's."""
    if view.document is not None:
        return view
    lines, amounts = document_of(view.lines, view.currency)
    return replace(view, lines=lines, document=amounts)


def document_of(lines: Sequence[LineView], unit: CurrencyView) -> tuple[tuple[LineView, ...], DocumentAmounts]:
    """The lines with their document amounts, and what they come to; `unit` is the invoice's currency."""
    counted = [CountedLine(line.total, whole=line.whole_total) for line in lines if line.counted]
    made = document_view(counted, Currency(unit.code or unit.name, unit.places))
    amounts = iter(made.lines)
    return (
        tuple(replace(line, document_amount=Decimal(next(amounts).amount) if line.counted else None) for line in lines),
        DocumentAmounts(Decimal(made.subtotal), Decimal(made.tax), Decimal(made.total)),
    )
