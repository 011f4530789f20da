"""What a line was made of, kept beside it so that anyone can work the amount out again by hand."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.calendar import rfc3339
from engine.conversion import QuantityConversion, QuantityRounding
from engine.money import add, plain
from engine.prices import Flat
from engine.rating import RatedLine, RateVersion, kind


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """A line's sources. `metric_quantity` is what the metric measured in the line's stretch of time, all its tiers."""

    metric_id: str
    metric_name: str
    metric_quantity: Decimal
    conversion: QuantityConversion | None
    rounding: QuantityRounding | None
    line: RatedLine


def explanation_json(explanation: LineExplanation) -> dict[str, Any]:
    """The explanation as JSON-able values: decimals as plain text, instants as RFC 3339 in UTC."""
    line, conversion, rounding = explanation.line, explanation.conversion, explanation.rounding
    return {
        "metric": {"id": explanation.metric_id, "name": explanation.metric_name},
        "event_count": line.event_count,
        "metric_quantity": plain(explanation.metric_quantity),
        "conversion": conversion and {"operation": str(conversion.op), "factor": plain(conversion.factor)},
        "rounding": rounding and {"method": str(rounding.method), "decimal_places": rounding.places},
        "quantity": plain(line.run_quantity),
        "rate": _rate(line.rate),
        "tier": line.tier
        and {
            "level": line.tier.level,
            "starting_at": plain(line.tier.starting_at),
            "size": None if line.tier.size is None else plain(line.tier.size),
            "quantity_before": plain(line.position),
            "quantity_after": plain(add(line.position, line.run_quantity)),
        },
        "line": {"quantity": plain(line.quantity), "unit_price": plain(line.unit_price), "total": plain(line.total)},
        "override": None,
        "steps": [*line.explanation, "no override applies"],
    }


def _rate(rate: RateVersion) -> dict[str, Any]:
    price = rate.price
    tiers = None
    if not isinstance(price, Flat):
        tiers = [{"size": None if t.size is None else plain(t.size), "price": plain(t.price)} for t in price.tiers]
    return {
        "id": rate.rate_id,
        "type": kind(price),
        "source": rate.source,
        "credit_type_id": rate.credit_type_id,
        "starting_at": rfc3339(rate.starting_at),
        "ending_before": None if rate.ending_before is None else rfc3339(rate.ending_before),
        "price": plain(price.price) if isinstance(price, Flat) else None,
        "tiers": tiers,
    }
