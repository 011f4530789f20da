"""An explanation as the API answers it: its fields, with the sentences that are made of them beside."""

from typing import Any

from engine.calendar import rfc3339
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    DiscountExplanation,
    Explanation,
    OverrideEffect,
    PayingBalance,
    PricedExplanation,
    PriceInForce,
    PurchaseExplanation,
    ScheduledExplanation,
    SubscriptionExplanation,
    TierReached,
    TrueUpExplanation,
    UsageExplanation,
)
from engine.money import plain
from engine.prices import Custom, Flat, Package, Percentage, Price, TieredPercentage, kind
from presentation.explanation.sentences import contributions, loss_reason, measure_name, override_sentence, steps


def explanation_answer(explanation: Explanation) -> dict[str, Any]:
    """JSON-able: decimals as plain text, instants as RFC 3339 in UTC.

    `rate` is the price that holds, with the card's id, source and dates; `list_price` is the card's price; `override`
    is a sentence, `overrides` the winner and the losers.
    """
    if isinstance(explanation, AppliedExplanation):
        return {
            "kind": str(explanation.kind),
            "balance": _balance(explanation.balance),
            "before": plain(explanation.before),
            "drawn": plain(explanation.drawn),
            "after": plain(explanation.after),
            "amount": plain(explanation.amount),
            "steps": steps(explanation),
        }
    if isinstance(explanation, ScheduledExplanation | DiscountExplanation):
        id_ = (
            explanation.scheduled_charge_id
            if isinstance(explanation, ScheduledExplanation)
            else explanation.discount_id
        )
        return {
            "kind": str(explanation.kind),
            "charge": {
                "id": id_,
                "name": explanation.name,
            },
            "due": rfc3339(explanation.due),
            "steps": steps(explanation),
        }
    if isinstance(explanation, PurchaseExplanation | TrueUpExplanation):
        return {
            "kind": str(explanation.kind),
            "balance": {
                "id": explanation.balance_id,
                "type": str(explanation.balance_type),
                "name": explanation.balance_name,
            },
            "due": rfc3339(explanation.due),
            "steps": steps(explanation),
        }
    return _priced(explanation)


def _priced(explanation: PricedExplanation) -> dict[str, Any]:
    pricing = explanation.pricing
    usage = explanation if isinstance(explanation, UsageExplanation) else None
    conversion, rounding = (usage.conversion, usage.rounding) if usage else (None, None)
    winner = pricing.winner
    return {
        "kind": str(explanation.kind),
        "metric": {"id": _metric_id(explanation), "name": measure_name(explanation)},
        "event_count": usage.event_count if usage else 0,
        "metric_quantity": plain(usage.metric_quantity if usage else pricing.quantity),
        "conversion": conversion and {"operation": str(conversion.op), "factor": plain(conversion.factor)},
        "rounding": rounding and {"method": str(rounding.method), "decimal_places": rounding.places},
        "quantity": plain(pricing.quantity),
        "rate": _rate(pricing.rate),
        "list_price": _price(pricing.rate.list_price),
        "tier": pricing.tier and _tier(pricing.tier),
        "line": {
            "quantity": plain(pricing.line_quantity),
            "unit_price": plain(pricing.unit_price),
            "total": plain(pricing.total),
        },
        "override": None if winner is None else override_sentence(winner),
        "overrides": {
            "winner": None if winner is None else _override(winner),
            "lost": [
                _override(lost.override) | {"reason": loss_reason(lost, pricing, with_ids=True)}
                for lost in pricing.lost
            ],
        },
        "balance": pricing.balance and _balance(pricing.balance),
        **_more(explanation),
        "steps": steps(explanation),
    }


def _metric_id(explanation: PricedExplanation) -> str:
    if isinstance(explanation, UsageExplanation):
        return explanation.metric_id
    return "" if isinstance(explanation, SubscriptionExplanation | CompositeExplanation) else explanation.unit_id


def _more(explanation: PricedExplanation) -> dict[str, Any]:
    """What only some kinds of line have."""
    if isinstance(explanation, CompositeExplanation) and explanation.contributions:
        return {"contributions": [{"name": name, "total": plain(total)} for name, total in contributions(explanation)]}
    if isinstance(explanation, SubscriptionExplanation):
        part = explanation.proration
        return {"proration": None if part is None else {"hours": part.hours, "of": part.of}}
    return {}


def _rate(rate: PriceInForce) -> dict[str, Any]:
    return {
        "id": rate.rate_id,
        **_price(rate.price),
        "base": str(rate.base),
        "source": rate.source,
        "credit_type_id": rate.credit_type_id,
        "starting_at": rfc3339(rate.starting_at),
        "ending_before": None if rate.ending_before is None else rfc3339(rate.ending_before),
    }


def _price(price: Price) -> dict[str, Any]:
    """`type`, `price`, `tiers`, and `size` or `minimum` where the type has them."""
    found: dict[str, Any] = {"type": kind(price), "price": None, "tiers": None}
    if isinstance(price, Flat | Package):
        if not isinstance(price, Custom):
            found["price"] = plain(price.price)
    else:
        found["tiers"] = [
            {"size": None if tier.size is None else plain(tier.size), "price": plain(tier.price)}
            for tier in price.tiers
        ]
    if isinstance(price, Package):
        found["size"] = plain(price.size)
    if isinstance(price, Percentage | TieredPercentage) and price.minimum is not None:
        found["minimum"] = plain(price.minimum)
    return found


def _tier(tier: TierReached) -> dict[str, Any]:
    return {
        "level": tier.level,
        "starting_at": plain(tier.starting_at),
        "size": None if tier.size is None else plain(tier.size),
        "quantity_before": plain(tier.quantity_before),
        "quantity_after": plain(tier.quantity_after),
    }


def _override(override: OverrideEffect) -> dict[str, Any]:
    return {
        "id": override.override_id,
        "type": None if override.type is None else str(override.type),
        "starting_at": rfc3339(override.starting_at),
        "ending_before": None if override.ending_before is None else rfc3339(override.ending_before),
        "priority": None if override.priority is None else plain(override.priority),
        "is_commit_specific": override.is_commit_specific,
        "target": str(override.target),
        "words": override_sentence(override),
    }


def _balance(balance: PayingBalance) -> dict[str, Any]:
    return {
        "id": balance.balance_id,
        "segment_id": balance.segment_id,
        "type": str(balance.type),
        "name": balance.name,
        "access_type": str(balance.access_type),
        "rate_type": str(balance.rate_type),
    }
