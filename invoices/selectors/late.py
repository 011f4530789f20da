"""Usage that came after its invoice was final: the invoice stays, the amount is shown (domain.md section 7)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from customers.selectors import get_customer
from engine.calendar import Period
from engine.money import ZERO, add, subtract
from invoices.composition import compose, load_terms
from invoices.models import Invoice, InvoiceLine
from invoices.selectors.views import currency_view, invoice_rows, line_views
from invoices.types import CurrencyView, LineView


@dataclass(frozen=True, slots=True)
class LateLine:
    """A line whose quantity is no longer what was invoiced. `line` is as it would be now; 0 where it was not there."""

    line: LineView
    invoiced_quantity: Decimal
    invoiced_total: Decimal

    @property
    def quantity(self) -> Decimal:
        """What came later; negative for corrections."""
        return subtract(self.line.quantity or ZERO, self.invoiced_quantity)

    @property
    def amount(self) -> Decimal:
        """Its price by the rates of now, exact, in the invoice's stored unit."""
        return subtract(self.line.total, self.invoiced_total)


@dataclass(frozen=True, slots=True)
class UnbilledUsage:
    """A finalized invoice's period, and what has changed there since. `amount`: the lines' sum, exact."""

    invoice_id: UUID
    number: str
    contract_id: UUID
    period: Period
    finalized_at: datetime
    currency: CurrencyView
    lines: tuple[LateLine, ...]
    amount: Decimal


def list_unbilled_usage(*, customer_id: UUID) -> list[UnbilledUsage]:
    """The customer's finalized invoices whose usage has changed since, newest first. Raises NotFound.

    Each is composed anew, which reads rollups only, and its lines compared by quantity: a rate that changed later is no
    usage. A handful of queries for each finalized invoice.
    """
    get_customer(customer_id=customer_id)
    rows = invoice_rows(customer_id=customer_id).filter(status=Invoice.Status.FINALIZED, kind=Invoice.Kind.USAGE)
    invoices = list(rows.order_by("-period_start", "-id"))
    stored: dict[UUID, dict[UUID, InvoiceLine]] = {row.pk: {} for row in invoices}
    for line in InvoiceLine.objects.filter(invoice__in=invoices):
        stored[line.invoice_id][line.pk] = line
    found = []
    for row in invoices:
        lines = _changed(row, stored[row.pk])
        if lines and row.number is not None and row.finalized_at is not None:
            amount = ZERO
            for entry in lines:
                amount = add(amount, entry.amount)
            period = Period(row.period_start, row.period_end)
            unit = currency_view(row.credit_type)
            found.append(
                UnbilledUsage(row.pk, row.number, row.contract_id, period, row.finalized_at, unit, lines, amount)
            )
    return found


def _changed(row: Invoice, stored: dict[UUID, InvoiceLine]) -> tuple[LateLine, ...]:
    """Lines keep their id from one composition to the next: it is derived from what they are about."""
    terms = load_terms(row.contract, Period(row.period_start, row.period_end), row.credit_type)
    changed = []
    for line in line_views(row, compose(terms).lines):
        before = stored.get(line.id)
        quantity, total = (ZERO, ZERO) if before is None else (before.quantity or ZERO, before.total)
        if line.quantity != quantity:
            changed.append(LateLine(line, quantity, total))
    return tuple(changed)
