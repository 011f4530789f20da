"""What a line was made of, kept beside it so that anyone can work the amount out again by hand."""

from typing import Any

from engine.balances import BalanceKind, BalanceSegment
from engine.calendar import rfc3339
from engine.charges import Origin
from engine.lines import AppliedExplanation, LineExplanation, RatedLine
from engine.money import add, plain, subtract
from engine.overrides import Decision, Override
from engine.prices import Custom, Package, Percentage, Price, Tiered, TieredPercentage, Volume, kind
from engine.rating import RateVersion


def explanation_json(explanation: LineExplanation | AppliedExplanation) -> dict[str, Any]:
    """The explanation as JSON-able values: decimals as plain text, instants as RFC 3339 in UTC.

    `kind` is usage, subscription, composite, conversion or applied. `rate` is the price that holds, with the card's id,
    source and dates; `list_price` is the card's price; `override` is a sentence, `overrides` the winner and the losers.
    """
    if isinstance(explanation, AppliedExplanation):
        return _applied(explanation)
    origin, line = explanation.origin, explanation.line
    conversion, rounding = origin.conversion, origin.rounding
    decision = line.decision
    winner = decision.winner
    return {
        "kind": origin.kind,
        "metric": {"id": origin.metric_id, "name": origin.metric_name},
        "event_count": line.event_count,
        "metric_quantity": plain(explanation.metric_quantity),
        "conversion": conversion and {"operation": str(conversion.op), "factor": plain(conversion.factor)},
        "rounding": rounding and {"method": str(rounding.method), "decimal_places": rounding.places},
        "quantity": plain(line.run_quantity),
        "rate": _rate(line.rate, decision),
        "list_price": price_json(line.rate.price),
        "tier": line.tier
        and {
            "level": line.tier.level,
            "starting_at": plain(line.tier.starting_at),
            "size": None if line.tier.size is None else plain(line.tier.size),
            "quantity_before": plain(line.position),
            "quantity_after": plain(add(line.position, line.run_quantity)),
        },
        "line": {"quantity": plain(line.quantity), "unit_price": plain(line.unit_price), "total": plain(line.total)},
        "override": None if winner is None else winner.words,
        "overrides": {
            "winner": None if winner is None else override_json(winner),
            "lost": [override_json(lost.override) | {"reason": lost.reason} for lost in decision.lost],
        },
        "balance": None if line.payer is None else _balance(line.payer),
        **_more(origin),
        "steps": [
            *_from_subscription(origin, line),
            "no override applies" if winner is None else winner.words,
            *(f"not {lost.override.override_id}: {lost.reason}" for lost in decision.lost),
        ],
    }


def _from_subscription(origin: Origin, line: RatedLine) -> tuple[str, ...]:
    """The line's steps; a subscription's quantity comes from no events, and its price may be that of a part."""
    if origin.subscription_id is None:
        return line.explanation
    part = origin.proration
    share = () if part is None else (f"the price is that of {part[0]} of {part[1]} days of the period",)
    return f"{plain(line.run_quantity)} units of the subscription", *share, *line.explanation[1:]


def _more(origin: Origin) -> dict[str, Any]:
    """What only some kinds of line have."""
    more: dict[str, Any] = {}
    if origin.contributions:
        more["contributions"] = [{"name": name, "total": plain(amount)} for name, amount in origin.contributions]
    if origin.subscription_id is not None:
        part = origin.proration
        more["proration"] = None if part is None else {"days": part[0], "of": part[1]}
    return more


def _rate(rate: RateVersion, decision: Decision) -> dict[str, Any]:
    return {
        "id": rate.rate_id,
        **price_json(decision.price),
        "base": str(decision.base),
        "source": rate.source,
        "credit_type_id": rate.credit_type_id,
        "starting_at": rfc3339(rate.starting_at),
        "ending_before": None if rate.ending_before is None else rfc3339(rate.ending_before),
    }


def price_json(price: Price) -> dict[str, Any]:
    """A price as JSON-able values: `type`, `price`, `tiers`, and `size` or `minimum` where the type has them."""
    found: dict[str, Any] = {"type": kind(price), "price": None, "tiers": None}
    if isinstance(price, Tiered | Volume):
        found["tiers"] = [
            {"size": None if t.size is None else plain(t.size), "price": plain(t.price)} for t in price.tiers
        ]
    elif not isinstance(price, Custom):
        found["price"] = plain(price.price)
    if isinstance(price, Package):
        found["size"] = plain(price.size)
    if isinstance(price, Percentage | TieredPercentage) and price.minimum is not None:
        found["minimum"] = plain(price.minimum)
    return found


def override_json(override: Override) -> dict[str, Any]:
    """An override as JSON-able values: what it is, when it is in force, and what it does in words."""
    return {
        "id": override.override_id,
        "type": None if override.type is None else str(override.type),
        "starting_at": rfc3339(override.starting_at),
        "ending_before": None if override.ending_before is None else rfc3339(override.ending_before),
        "priority": None if override.priority is None else plain(override.priority),
        "is_commit_specific": override.is_commit_specific,
        "target": str(override.target),
        "words": override.words,
    }


def _balance(payer: BalanceSegment) -> dict[str, Any]:
    return {
        "id": payer.balance_id,
        "segment_id": payer.segment_id,
        "type": str(payer.kind),
        "name": payer.name,
        "access_type": str(payer.access_type),
        "rate_type": str(payer.rate_type),
    }


def _applied(explanation: AppliedExplanation) -> dict[str, Any]:
    payer = explanation.payer
    after = subtract(explanation.before, explanation.drawn)
    called = payer.name or f"balance {payer.balance_id}"
    return {
        "kind": "applied",
        "balance": _balance(payer),
        "before": plain(explanation.before),
        "drawn": plain(explanation.drawn),
        "after": plain(after),
        "amount": plain(explanation.amount),
        "steps": [
            f"{called} pays {plain(explanation.amount)}",
            f"it held {plain(explanation.before)} and holds {plain(after)}",
            *(["shown, but not taken off the total"] if payer.kind is BalanceKind.POSTPAID else []),
        ],
    }
