"""The engine's lines as everybody shows and stores them: with ids that stay the same from draft to document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

from balances.models import Balance
from balances.selectors import Purchase
from billing.types import CurrencyView, LineView
from catalog.models import CreditType
from engine.balances import BalanceKind
from engine.calendar import rfc3339
from engine.charge_states import ChargeSource
from engine.explanation import (
    ConversionExplanation,
    DiscountExplanation,
    Explanation,
    PurchaseExplanation,
    ScheduledExplanation,
    TrueUpExplanation,
)
from engine.invoice import InvoiceLine, UnratedUsage
from engine.money import ONE, ZERO, plain

Units = Mapping[str, CurrencyView]


def line_views(period_id: UUID, lines: Sequence[InvoiceLine], units: Units) -> tuple[LineView, ...]:
    """Views of a period's lines; `units`: the custom pricing units that occur, by id."""
    return tuple(_line_view(period_id, line, units) for line in lines)


def purchase_line(period_id: UUID, purchase: Purchase, amount: Decimal) -> LineView:
    """The line that charges for a commit, or what a postpaid one lacks; a scheduled charge; what a discount takes off.

    `amount`: what is asked, or taken off, never negative.
    """
    settled = purchase.source in (ChargeSource.COMMIT_TRUE_UP, ChargeSource.DISCOUNT)
    unit_price, quantity = (amount, ONE) if settled else (purchase.unit_price, purchase.quantity)
    if purchase.is_discount:
        unit_price = total = amount.copy_negate() if amount else ZERO
    else:
        total = amount
    return LineView(
        id=uuid5(period_id, f"purchase|{purchase.charge_id}"),
        type=_LINE_TYPES[purchase.source],
        product_id=purchase.product_id,
        name=purchase.name,
        quantity=quantity,
        unit_price=unit_price,
        total=total,
        starting_at=None,
        ending_before=None,
        pricing_group_values={},
        presentation_group_values={},
        tier=None,
        explained=_explained(purchase, unit_price, quantity, amount),
        product_type="FixedProductListItem",
        whole_total=purchase.whole,
        **_about(purchase),
    )


_LINE_TYPES: Final = {
    ChargeSource.COMMIT_PURCHASE: "commit_purchase",
    ChargeSource.COMMIT_TRUE_UP: "commit_purchase",
    ChargeSource.SCHEDULED_CHARGE: "scheduled",
    ChargeSource.DISCOUNT: "discount",
}


def _about(purchase: Purchase) -> dict[str, Any]:
    """The commit, scheduled charge or discount that a line is about."""
    if purchase.source is ChargeSource.SCHEDULED_CHARGE:
        return {"scheduled_charge_id": purchase.source_id}
    if purchase.is_discount:
        return {"discount_id": purchase.source_id}
    true_up = purchase.kind == Balance.Kind.POSTPAID
    return {"commit_id": purchase.source_id, "commit_type": "PostpaidCommit" if true_up else "PrepaidCommit"}


def _explained(purchase: Purchase, unit_price: Decimal, quantity: Decimal, amount: Decimal) -> Explanation:
    source_id = str(purchase.source_id)
    if purchase.source is ChargeSource.SCHEDULED_CHARGE:
        return ScheduledExplanation(source_id, purchase.name, purchase.timestamp, quantity, unit_price, amount)
    if purchase.is_discount:
        return DiscountExplanation(source_id, purchase.name, purchase.timestamp, purchase.amount, amount)
    balance = source_id, BalanceKind(purchase.kind), purchase.name
    if purchase.kind == Balance.Kind.POSTPAID:
        return TrueUpExplanation(*balance, purchase.timestamp, purchase.amount, amount)
    return PurchaseExplanation(*balance, purchase.timestamp, quantity, unit_price, amount)


def custom_units(ids: Collection[str]) -> dict[str, CurrencyView]:
    """The pricing units of these ids; no query for none."""
    return {str(unit.pk): currency_view(unit) for unit in CreditType.objects.filter(pk__in=ids)} if ids else {}


def unrated_json(part: UnratedUsage) -> dict[str, Any]:
    """Usage that no rate prices, JSON-able."""
    return {
        "product_id": part.product_id,
        "name": part.name,
        "event_count": part.event_count,
        "reason": part.reason,
        "quantity": plain(part.quantity),
        "starting_at": rfc3339(part.window.start),
        "ending_before": rfc3339(part.window.end),
        "pricing_group_values": dict(part.pricing_group_values),
        "presentation_group_values": dict(part.presentation_group_values),
    }


def currency_view(unit: CreditType) -> CurrencyView:
    """The unit of an invoice's amounts."""
    return CurrencyView(unit.pk, unit.name, unit.code, unit.places, unit.minor_digits)


def _line_view(period_id: UUID, line: InvoiceLine, units: Units) -> LineView:
    tier = line.tier
    explanation = line.explanation
    name = line.name
    if isinstance(explanation, ConversionExplanation) and (unit := units.get(explanation.unit_id)):
        name = f"{name} of {unit.name}"
        explanation = replace(explanation, unit_name=unit.name)
    return LineView(
        id=uuid5(period_id, "|".join(line.identity)),
        type=line.type,
        product_id=UUID(line.product_id) if line.product_id else None,
        name=name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        starting_at=line.starting_at,
        ending_before=line.ending_before,
        pricing_group_values={key: value for key, value in line.pricing_group_values if value is not None},
        presentation_group_values=dict(line.presentation_group_values),
        tier=None
        if tier is None
        else {
            "level": tier.level,
            "starting_at": plain(tier.starting_at),
            "size": None if tier.size is None else plain(tier.size),
        },
        explained=explanation,
        unit=units.get(line.credit_type_id),
        counted=line.counted,
        product_type=line.product_type,
        commit_id=None if line.commit_id is None else UUID(line.commit_id),
        commit_segment_id=None if line.commit_segment_id is None else UUID(line.commit_segment_id),
        commit_type=line.commit_type or "",
        quantity_consumed=line.quantity_consumed,
        subscription_id=None if line.subscription_id is None else UUID(line.subscription_id),
    )
