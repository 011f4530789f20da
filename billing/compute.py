"""The only way to an amount: draft, document, preview, what-if, breakdown, late usage, console and lists call this.

They differ in where quantities come from, which rates count, and whether they ask by window; never in what an invoice
is made of: usage, subscriptions, charges, and what balances pay.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from balances.selectors import Purchase
from billing.lines import custom_units, line_views, purchase_line, unrated_json
from billing.models import BillingPeriod
from billing.open_periods import OpenBillingPeriods
from billing.types import LineView
from billing.usage import UsageSource, stored_usage
from catalog.models import Rate
from core.errors import TactusError
from engine.balances import Drawdown
from engine.calendar import Period
from engine.charge_states import discount_taken
from engine.errors import InvalidTerms
from engine.invoice import ComposedInvoice
from engine.money import ZERO, Currency, add, rounded_with, total

logger = logging.getLogger(__name__)

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ComputedWindow:
    """A part of a period's time: the lines that stand there, and their counted sum, exact and never rounded."""

    window: Period
    lines: tuple[LineView, ...]
    subtotal: Decimal
    unrated: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ComputedInvoice:
    """What a period comes to at `as_of`, in its stored unit: counted lines sum to subtotal; that + rounding = total.

    `drawdowns`: what it takes from balance segments; `purchases`: the charges on it;
    `charged`: what it asks for each of them, exact; `shares`: what for those instalments that are not whole.
    """

    as_of: datetime
    lines: tuple[LineView, ...]
    subtotal: Decimal
    rounding: Decimal
    total: Decimal
    unrated: tuple[dict[str, Any], ...]
    drawdowns: tuple[Drawdown, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    charged: Mapping[UUID, Decimal] = field(default_factory=dict)
    shares: Mapping[UUID, Decimal] = field(default_factory=dict)


def compute_invoice(
    period: BillingPeriod,
    *,
    at: datetime,
    usage: UsageSource = stored_usage,
    rates: Sequence[Rate] = (),
    closing: bool = False,
) -> ComputedInvoice:
    """What a period comes to at this moment; of a closed one, what it would come to if it were billed today.

    `usage`: where quantities come from. `rates`: rates that are not stored, as if their cards had them. `closing`: the
    caller is about to close it, and what must come before it has closed. Raises InvalidTerms for agreements that no
    invoice can be made by.
    """
    account = OpenBillingPeriods(period.payer_id, usage, rates, period if closing else None)
    return _computed(period, account, at)


def compute_invoices(
    periods: Iterable[BillingPeriod], *, at: datetime, usage: UsageSource = stored_usage
) -> dict[UUID, ComputedInvoice]:
    """What each of these periods comes to, by id; what an account's draw is computed once. Raises InvalidTerms."""
    accounts: dict[UUID, OpenBillingPeriods] = {}
    found = {}
    for period in periods:
        account = accounts.setdefault(period.payer_id, OpenBillingPeriods(period.payer_id, usage))
        found[period.pk] = _computed(period, account, at)
    return found


def compute_open(account: OpenBillingPeriods, *, at: datetime) -> dict[UUID, ComputedInvoice | None]:
    """What each of an account's open periods that may draw comes to, by id and in the order of drawing.

    None where no invoice can be made: that is logged.
    """
    return {period.pk: _computed_or_none(period, account, at) for period in account.periods}


def compute_each(periods: Iterable[BillingPeriod], *, at: datetime) -> dict[UUID, ComputedInvoice | None]:
    """As `compute_invoices`, with None where no invoice can be made: that is logged."""
    accounts: dict[UUID, OpenBillingPeriods] = {}
    found = {}
    for period in periods:
        account = accounts.setdefault(period.payer_id, OpenBillingPeriods(period.payer_id))
        found[period.pk] = _computed_or_none(period, account, at)
    return found


def compute_windows(
    periods: Iterable[tuple[BillingPeriod, Sequence[Period]]], *, at: datetime
) -> dict[UUID, list[ComputedWindow]]:
    """What each of these USAGE periods comes to by day or hour, by id: the parts sum to the whole.

    `periods`: with the windows of each, in order and inside it. A charge stands in the window of its date; one of
    another time where the period begins or ends. Windows after `at` are left out unless something is charged there.
    """
    accounts: dict[UUID, OpenBillingPeriods] = {}
    found = {}
    for period, windows in periods:
        account = accounts.setdefault(period.payer_id, OpenBillingPeriods(period.payer_id))
        parts = _computed_windows(period, windows, account)
        found[period.pk] = [part for part in parts if part.window.start <= at or part.lines]
    return found


def _computed_or_none(period: BillingPeriod, account: OpenBillingPeriods, at: datetime) -> ComputedInvoice | None:
    try:
        return _computed(period, account, at)
    except (TactusError, InvalidTerms):
        logger.exception("billing period %s could not be computed", period.pk)
        return None


def _computed(period: BillingPeriod, account: OpenBillingPeriods, at: datetime) -> ComputedInvoice:
    composed = account.compose(period) if account.has_lines(period) else None
    before = composed.subtotal if composed else ZERO
    purchases, charged = _purchases(period, account, before)
    lines: tuple[LineView, ...] = ()
    if composed is not None:
        ids = {line.credit_type_id for line in composed.lines} - {str(period.credit_type_id)}
        lines = line_views(period.pk, composed.lines, custom_units(ids))
    subtotal = add(before, total(line.total for line in charged))
    unit = period.credit_type
    instalments = [(line.total, line.whole_total) for line in charged if line.whole_total is not None]
    result = rounded_with(subtotal, instalments, Currency(unit.code or unit.name, unit.places))
    return ComputedInvoice(
        as_of=at,
        lines=(*lines, *charged),
        subtotal=subtotal,
        rounding=result.rounding,
        total=result.total,
        unrated=_unrated(composed),
        drawdowns=composed.drawdowns if composed else (),
        purchases=purchases,
        charged={purchase.charge_id: line.total.copy_abs() for purchase, line in zip(purchases, charged, strict=True)},
        shares={purchase.charge_id: purchase.whole for purchase in purchases if purchase.whole is not None},
    )


def _computed_windows(
    period: BillingPeriod, windows: Sequence[Period], account: OpenBillingPeriods
) -> list[ComputedWindow]:
    parts = account.compose_windows(period, windows)
    ids = {line.credit_type_id for part in parts for line in part.lines} - {str(period.credit_type_id)}
    units = custom_units(ids)
    purchases, charged = _purchases(period, account, total(part.subtotal for part in parts))
    found = []
    for window, part in zip(windows, parts, strict=True):
        here = tuple(
            line for purchase, line in zip(purchases, charged, strict=True) if _charged_at(purchase, period) in window
        )
        subtotal = add(part.subtotal, total(line.total for line in here))
        lines = (*line_views(period.pk, part.lines, units), *here)
        found.append(ComputedWindow(window, lines, subtotal, _unrated(part)))
    return found


def _charged_at(purchase: Purchase, period: BillingPeriod) -> datetime:
    return min(max(purchase.timestamp, period.period_start), period.period_end - MOMENT)


def _purchases(
    period: BillingPeriod, account: OpenBillingPeriods, before: Decimal
) -> tuple[tuple[Purchase, ...], tuple[LineView, ...]]:
    """What stands on a period by date, with its lines. `before`: what its other lines come to; discounts, which come
    last, take no more off than is left of that.
    """
    purchases = tuple(account.purchases(period))
    lines: list[LineView] = []
    left = before
    for purchase in purchases:
        amount = discount_taken(purchase.amount, left) if purchase.is_discount else account.amount_of(purchase)
        lines.append(purchase_line(period.pk, purchase, amount))
        left = add(left, lines[-1].total)
    return purchases, tuple(lines)


def _unrated(composed: ComposedInvoice | None) -> tuple[dict[str, Any], ...]:
    return tuple(unrated_json(part) for part in composed.unrated) if composed else ()
