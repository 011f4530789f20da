"""How long events are kept: never shorter than an invoice that is not final needs them."""

from datetime import datetime

from django.conf import settings
from django.db.models import Min

from billing.models import BillingPeriod
from usage.services import drop_events


def drop_old_events(*, now: datetime) -> int:
    """Sweep: drops the events of months further back than TACTUS_USAGE_RETENTION_MONTHS; returns how many months.

    0, the default, keeps all. The period of the oldest draft, and of the oldest void invoice that was not billed anew,
    is kept whatever the setting says.
    """
    months = settings.TACTUS_USAGE_RETENTION_MONTHS
    if not months:
        return 0
    index = now.year * 12 + now.month - 1 - months
    limit = now.replace(year=index // 12, month=index % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return len(drop_events(before=min(limit, _oldest_needed() or limit)))


def _oldest_needed() -> datetime | None:
    """The start of the oldest period that is still to be billed."""
    rows = BillingPeriod.objects.filter(type=BillingPeriod.Type.USAGE)
    open_rows = rows.filter(state=BillingPeriod.State.OPEN)
    voided = rows.filter(voided_at__isnull=False, reopenings__isnull=True)
    starts = [found.aggregate(start=Min("period_start"))["start"] for found in (open_rows, voided)]
    return min((start for start in starts if start is not None), default=None)
