"""Writes of rate cards' named schedules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.services.rate_cards import lock_rate_card
from core.named_schedules import set_value
from core.transactions import use_case


def update_named_schedule(*, rate_card_id: UUID, now: datetime, **change: Any) -> None:
    """Sets a value of a card's schedule (`core.named_schedules.set_value`). Raises NotFound, InvalidInput."""
    with use_case():
        card = lock_rate_card(rate_card_id)
        set_value(card, card.named_schedule_entries, now=now, **change)
