"""An invoice of any kind as it stands: its lines as they are shown and stored, and what they come to."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid5

from balances.models import Balance
from balances.selectors import Purchase
from engine.balances import BalanceKind, Drawdown
from engine.explanation import PurchaseExplanation, TrueUpExplanation
from engine.money import ONE, Currency, add, rounded, total
from invoices.models import Invoice
from invoices.running import Running
from invoices.types import LineView


@dataclass(frozen=True, slots=True)
class Standing:
    """Lines and sums of an invoice, exact; counted lines + rounding = total. `purchases`: the charges on it."""

    lines: tuple[LineView, ...]
    subtotal: Decimal
    rounding: Decimal
    total: Decimal
    unrated: tuple[dict[str, Any], ...]
    drawdowns: tuple[Drawdown, ...] = ()
    purchases: tuple[Purchase, ...] = ()


def purchase_lines(row: Invoice, running: Running) -> tuple[tuple[Purchase, ...], tuple[LineView, ...]]:
    """The charges that stand on an invoice, and their lines."""
    purchases = tuple(running.purchases(row))
    return purchases, tuple(_purchase_line(row, purchase, running.amount_of(purchase)) for purchase in purchases)


def sums(row: Invoice, subtotal: Decimal) -> tuple[Decimal, Decimal]:
    """Rounding and total of an invoice's exact subtotal."""
    result = rounded(subtotal, Currency(row.credit_type.code or row.credit_type.name, row.credit_type.places))
    return result.rounding, result.total


def standing_charges(row: Invoice, running: Running) -> Standing:
    """A SCHEDULED invoice: only charges."""
    purchases, lines = purchase_lines(row, running)
    subtotal = total(line.total for line in lines)
    rounding, whole = sums(row, subtotal)
    return Standing(lines, subtotal, rounding, whole, (), (), purchases)


def with_charges(row: Invoice, standing: Standing, running: Running) -> Standing:
    """An invoice of usage or subscriptions, and the commits that are charged on it."""
    purchases, lines = purchase_lines(row, running)
    if not lines:
        return standing
    subtotal = add(standing.subtotal, total(line.total for line in lines))
    rounding, whole = sums(row, subtotal)
    return Standing(
        (*standing.lines, *lines), subtotal, rounding, whole, standing.unrated, standing.drawdowns, purchases
    )


def _purchase_line(row: Invoice, purchase: Purchase, amount: Decimal) -> LineView:
    true_up = purchase.kind == Balance.Kind.POSTPAID
    unit_price, quantity = (amount, ONE) if true_up else (purchase.unit_price, purchase.quantity)
    balance = str(purchase.balance_id), BalanceKind(purchase.kind), purchase.name
    explanation = (
        TrueUpExplanation(*balance, purchase.timestamp, purchase.amount, amount)
        if true_up
        else PurchaseExplanation(*balance, purchase.timestamp, quantity, unit_price, amount)
    )
    return LineView(
        id=uuid5(row.pk, f"purchase|{purchase.item_id}"),
        type="commit_purchase",
        product_id=purchase.product_id,
        name=purchase.name,
        quantity=quantity,
        unit_price=unit_price,
        total=amount,
        starting_at=None,
        ending_before=None,
        pricing_group_values={},
        presentation_group_values={},
        tier=None,
        explained=explanation,
        product_type="FixedProductListItem",
        commit_id=purchase.balance_id,
        commit_type="PostpaidCommit" if true_up else "PrepaidCommit",
    )
