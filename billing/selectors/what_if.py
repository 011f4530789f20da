"""Drafts as they would be if their rate card had other rates too. The draft's own computation; nothing is stored."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q

from billing.compute import compute_invoice
from billing.models import BillingPeriod
from billing.selectors.drafts import period_rows
from catalog.models import Rate
from core.errors import TactusError
from engine.errors import InvalidTerms

logger = logging.getLogger(__name__)

Window = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Repriced:
    """A draft's total in its stored unit today and with the planned rates; both None where it cannot be computed."""

    period: BillingPeriod
    before: Decimal | None
    after: Decimal | None

    @property
    def differs(self) -> bool:
        """Whether the planned rates change its total."""
        return self.before != self.after


def reprice_drafts(
    *, rate_card_id: UUID, windows: Sequence[Window], planned: Sequence[Rate], limit: int, now: datetime
) -> tuple[list[Repriced], int]:
    """The card's drafts whose period meets any window, the largest (by the total kept for lists) first, and how many
    there are in all; at most `limit` are computed, twice each.
    """
    rows = period_rows().filter(
        in_windows(windows),
        contract__rate_card_id=rate_card_id,
        state=BillingPeriod.State.OPEN,
        type=BillingPeriod.Type.USAGE,
    )
    largest = rows.order_by(F("draft_total").desc(nulls_last=True), "-period_start", "id")
    return [_repriced(row, planned, now) for row in largest[:limit]], rows.count()


def in_windows(windows: Sequence[Window]) -> Q:
    """Of billing periods and documents: those whose period meets any window."""
    met = Q(pk__in=())
    for start, end in windows:
        met |= Q(period_end__gt=start) if end is None else Q(period_end__gt=start, period_start__lt=end)
    return met


def _repriced(period: BillingPeriod, planned: Sequence[Rate], now: datetime) -> Repriced:
    try:
        before = compute_invoice(period, at=now).total
        after = compute_invoice(period, at=now, rates=planned).total
    except (TactusError, InvalidTerms):
        logger.exception("billing period %s could not be computed", period.pk)
        return Repriced(period, None, None)
    return Repriced(period, before, after)
