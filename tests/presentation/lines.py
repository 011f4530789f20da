"""Lines and their explanations, made by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from billing.types import CurrencyView, LineView
from engine.calendar import Period
from engine.explanation import Explanation, PriceInForce, Pricing, TierReached, UsageExplanation
from engine.overrides import RateTarget
from engine.prices import Flat, Price

D = Decimal
USD = CurrencyView(uuid4(), "USD (cents)", "USD", 0, 2)
NOVEMBER = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
SINCE = datetime(2026, 10, 1, tzinfo=UTC)


def pricing(quantity: Decimal, price: Price, unit_price: Decimal, **facts: Any) -> Pricing:
    """A quantity at a rate of the card Scale; `list_price` and `base` are its own, `part` is what the line charges."""
    rate = PriceInForce(
        "rate", "rate card Scale", "usd", SINCE, None, facts.pop("base", RateTarget.LIST_RATE), price,
        facts.pop("list_price", price),
    )  # fmt: skip
    part = facts.pop("part", quantity)
    given: dict[str, Any] = {"tier": None, "winner": None, "lost": (), "balance": None}
    return Pricing(
        quantity=quantity, rate=rate, line_quantity=part, unit_price=unit_price, total=part * unit_price,
        **(given | facts),
    )  # fmt: skip


def usage(quantity: str, unit_price: str, *, tier: TierReached | None = None, **facts: Any) -> UsageExplanation:
    """Usage of a metric at a flat price."""
    named = facts.pop("metric_name", "")
    converted = {name: facts.pop(name, None) for name in ("conversion", "rounding")}
    priced = pricing(D(quantity), Flat(D(unit_price)), D(unit_price), tier=tier, **facts)
    return UsageExplanation("m", named, 0, D(quantity), pricing=priced, **converted)


def line(name: str, explanation: Explanation, **facts: Any) -> LineView:
    """A line of November; of a priced one, with the figures of its explanation."""
    priced = getattr(explanation, "pricing", None)
    figures: dict[str, Any] = {"quantity": None, "unit_price": None, "total": D(0)}
    if priced is not None:
        figures = {"quantity": priced.line_quantity, "unit_price": priced.unit_price, "total": priced.total}
    given: dict[str, Any] = {
        "id": uuid4(), "type": "usage", "product_id": uuid4(), "starting_at": NOVEMBER.start,
        "ending_before": NOVEMBER.end, "pricing_group_values": {}, "presentation_group_values": {}, "tier": None,
    }  # fmt: skip
    return LineView(name=name, explained=explanation, **(given | figures | facts))
