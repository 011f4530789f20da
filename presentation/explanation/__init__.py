"""Explanations in words: labels of lines, tables for people, the API's answer. Made of fields; none is read back."""

from presentation.explanation.answer import explanation_answer
from presentation.explanation.facts import Fact, TierRow, Why, why
from presentation.explanation.lines import (
    balance_name,
    event_count,
    is_percentage,
    label_alone,
    line_label,
    price_text,
    priced_units,
    pricing_of,
    quantity_text,
    scale_text,
    tier_label,
    towards_commit,
)
from presentation.explanation.sentences import measure_name

__all__ = [
    "Fact",
    "TierRow",
    "Why",
    "balance_name",
    "event_count",
    "explanation_answer",
    "is_percentage",
    "label_alone",
    "line_label",
    "measure_name",
    "price_text",
    "priced_units",
    "pricing_of",
    "quantity_text",
    "scale_text",
    "tier_label",
    "towards_commit",
    "why",
]
