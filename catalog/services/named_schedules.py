"""Writes of rate cards' named schedules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.events import RateCardNamedScheduleUpdated
from catalog.services.rate_cards import lock_rate_card
from core import audit
from core.events import publish
from core.named_schedules import detail_of, set_value
from core.transactions import use_case


def update_named_schedule(*, rate_card_id: UUID, now: datetime, **change: Any) -> None:
    """Sets a value of a card's schedule (`core.named_schedules.set_value`). Raises NotFound, InvalidInput."""
    with use_case():
        card = lock_rate_card(rate_card_id)
        made = set_value(card.named_schedule_entries, now=now, **change)
        publish(
            RateCardNamedScheduleUpdated(
                rate_card_id=card.pk,
                occurred_at=now,
                schedule_name=made.name,
                starting_at=made.starting_at,
                ending_before=made.ending_before,
                value=made.value,
            )
        )
        audit.record("rate_card.update_named_schedule", card, at=now, detail=detail_of(made))
