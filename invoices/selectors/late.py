"""Usage that came after its invoice was final: the invoice stays, the amount is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.compute import ComputedInvoice, compute_invoices
from billing.lines import currency_view
from billing.selectors.drafts import period_rows
from billing.types import CurrencyView, LineView
from customers.selectors import require_customer
from engine.calendar import Period
from engine.invoice_states import InvoiceType
from engine.money import ZERO, add, subtract
from invoices.models import Invoice, InvoiceLine
from invoices.selectors.views import document_rows, stored_lines

AGREED = ("subscription", "commit_purchase", "scheduled", "discount")
"""Lines that charge what was agreed: no usage changes them."""


@dataclass(frozen=True, slots=True)
class LateLine:
    """A line whose quantity is no longer what was invoiced. `line` is as it would be now; 0 where it is not there."""

    line: LineView
    invoiced_quantity: Decimal
    invoiced_total: Decimal

    @property
    def quantity(self) -> Decimal:
        """What came later; negative for corrections."""
        return subtract(self.line.quantity or ZERO, self.invoiced_quantity)

    @property
    def amount(self) -> Decimal:
        """Its price by the rates of now, exact, in the stored unit of the line."""
        return subtract(self.line.total, self.invoiced_total)


@dataclass(frozen=True, slots=True)
class UnbilledUsage:
    """A finalized invoice's period, and what has changed there since. `amount`: the counted lines' sum, exact."""

    invoice_id: UUID
    number: str
    contract_id: UUID
    period: Period
    finalized_at: datetime
    currency: CurrencyView
    lines: tuple[LateLine, ...]
    amount: Decimal


def list_unbilled_usage(*, customer_id: UUID, now: datetime) -> list[UnbilledUsage]:
    """The customer's finalized invoices whose usage has changed since, newest first. Raises NotFound.

    Each is computed anew, which reads rollups only, and its lines compared by quantity: a rate that changed later is
    no usage. A handful of queries for each finalized invoice.
    """
    require_customer(customer_id=customer_id)
    rows = document_rows().filter(customer_id=customer_id, status=Invoice.Status.FINALIZED, type=InvoiceType.USAGE)
    invoices = list(rows.order_by("-period_start", "-id"))
    computed = compute_invoices(period_rows().filter(pk__in=[row.pk for row in invoices]), at=now)
    stored: dict[UUID, list[InvoiceLine]] = {row.pk: [] for row in invoices}
    for line in InvoiceLine.objects.filter(invoice__in=invoices).select_related("credit_type").order_by("position"):
        stored[line.invoice_id].append(line)
    found = []
    for row in invoices:
        lines = _changed(stored[row.pk], computed[row.pk])
        if lines:
            amount = ZERO
            for entry in lines:
                if entry.line.counted:
                    amount = add(amount, entry.amount)
            period = Period(row.period_start, row.period_end)
            unit = currency_view(row.credit_type)
            found.append(
                UnbilledUsage(row.pk, row.number, row.contract_id, period, row.finalized_at, unit, lines, amount)
            )
    return found


def _changed(stored: Sequence[InvoiceLine], computed: ComputedInvoice) -> tuple[LateLine, ...]:
    """Lines of products and group values whose usage changed, and then what follows from it (composites, conversions).

    A rate that changed later may cut the same usage into other lines: only where the sum of a combination's quantities
    is another one are its lines compared.
    """
    before: dict[tuple[Any, ...], list[LineView]] = {}
    after: dict[tuple[Any, ...], list[LineView]] = {}
    for view in stored_lines(stored):
        before.setdefault(_place(view), []).append(view)
    for view in computed.lines:
        after.setdefault(_place(view), []).append(view)
    used, now_used = _used(before), _used(after)
    moved = {key for key in used.keys() | now_used.keys() if used.get(key, ZERO) != now_used.get(key, ZERO)}
    if not moved:
        return ()
    changed = []
    for place in [*after, *(place for place in before if place not in after)]:
        was, line = before.get(place, []), after.get(place, [])
        shown = line[0] if line else was[0]
        if shown.type in AGREED or (_is_usage(shown) and _combination(shown) not in moved):
            continue
        quantity, total = _sums(line)
        invoiced, invoiced_total = _sums(was)
        if quantity != invoiced:
            changed.append(LateLine(replace(shown, quantity=quantity, total=total), invoiced, invoiced_total))
    return tuple(changed)


def _place(line: LineView) -> tuple[Any, ...]:
    """What of a line stays when its price changes."""
    level = None if line.tier is None else line.tier["level"]
    unit = None if line.unit is None else line.unit.credit_type_id
    return line.type, *_combination(line), line.starting_at, line.ending_before, level, unit


def _combination(line: LineView) -> tuple[Any, ...]:
    """A product and its group values; keys of which an event had nothing are left out where they are stored."""
    groups = line.pricing_group_values, line.presentation_group_values
    return line.product_id, *(tuple(sorted(values.items())) for values in groups)


def _is_usage(line: LineView) -> bool:
    return line.type == "usage" and line.product_type != "CompositeProductListItem"


def _used(lines: Mapping[Any, Sequence[LineView]]) -> dict[tuple[Any, ...], Decimal]:
    """The billed quantity of each combination."""
    found: dict[tuple[Any, ...], Decimal] = {}
    for line in (line for group in lines.values() for line in group if _is_usage(line)):
        found[_combination(line)] = add(found.get(_combination(line), ZERO), line.quantity or ZERO)
    return found


def _sums(lines: Sequence[LineView]) -> tuple[Decimal, Decimal]:
    quantity = total = ZERO
    for line in lines:
        quantity, total = add(quantity, line.quantity or ZERO), add(total, line.total)
    return quantity, total
