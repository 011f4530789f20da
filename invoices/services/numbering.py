"""Numbers and dates of documents: without gaps, in order, each in the series of its date's year."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from core.transactions import require_transaction
from invoices.models import Invoice, NumberSeries


def give_number(invoice: Invoice, *, now: datetime) -> None:
    """Gives an invoice that is issued at `now` the next number of the year's series, its date and its due date.

    The number comes from the series' locked counter and is rolled back with the invoice, so there are no gaps. The date
    is the UTC day of `now`; where the clocks of two machines disagree about it, or one was set back, that of the number
    before, as a later number has no earlier date. Payment is due the net terms' days after it. The caller saves.
    """
    require_transaction()
    today = now.astimezone(UTC).date()
    name = f"{_prefix(invoice)}-{today.year}"
    NumberSeries.objects.get_or_create(name=name, defaults={"year": today.year})
    series = NumberSeries.objects.select_for_update().get(pk=name)
    series.last_number += 1
    series.last_date = max(today, series.last_date or today)
    series.save(update_fields=["last_number", "last_date"])
    invoice.series, invoice.series_number = series, series.last_number
    invoice.number = f"{name}-{series.last_number:04d}"
    invoice.document_date = series.last_date
    invoice.due_date = series.last_date + timedelta(days=invoice.net_payment_terms_days)


def _prefix(invoice: Invoice) -> str:
    """The seller's own; customers on a test clock have numbers apart, for theirs are of days that have not come."""
    clock_id = invoice.customer.test_clock_id
    return settings.TACTUS_INVOICE_PREFIX if clock_id is None else f"TEST-{clock_id.hex[:8]}"
