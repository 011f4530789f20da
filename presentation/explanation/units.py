"""How a product's priced units come from what is metered."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from presentation.formatting import format_quantity


def pricing_unit(name: str, explanation: Mapping[str, Any]) -> str | None:
    """How a product's priced units come from what is metered; None where they are the same.

    `explanation` is `engine.explain.explanation_json`'s, or anything without its keys.
    """
    conversion, rounding = explanation.get("conversion"), explanation.get("rounding")
    parts = []
    if conversion:
        word = "multiplied" if conversion["operation"] == "MULTIPLY" else "divided"
        parts.append(f"{word} by {format_quantity(Decimal(str(conversion['factor'])))}")
    if rounding:
        parts.append(_rounding(str(rounding["method"]), int(rounding["decimal_places"])))
    if not parts:
        return None
    metric = (explanation.get("metric") or {}).get("name")
    metered = f"the metered quantity ({metric})" if metric and metric != name else "the metered quantity"
    return f"{name}: the quantity is {metered}, {' and then '.join(parts)}."


def _rounding(method: str, places: int) -> str:
    direction = {"ROUND_UP": "rounded up", "ROUND_DOWN": "rounded down"}.get(method, "rounded")
    if places > 0:
        return f"{direction} to {places} decimal{'' if places == 1 else 's'}"
    return f"{direction} to whole {'units' if places == 0 else format_quantity(Decimal(10) ** -places) + 's'}"
