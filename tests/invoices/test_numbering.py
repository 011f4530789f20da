"""Numbers and dates of documents, at instants that no calendar changes: services and constraints, without HTTP."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from billing.services.periods import open_due_periods
from contracts.services import create_contract
from customers.services import create_customer
from invoices.models import Invoice, NumberSeries
from invoices.services.finalize import finalize_due_invoices
from invoices.services.void import regenerate_invoice, void_invoice

pytestmark = pytest.mark.usefixtures("grace_of_a_day")
MARCH = datetime(2031, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def bill_nothing(start: datetime, now: datetime, **more: Any) -> list[Invoice]:
    """The empty invoices, issued at `now`, of a contract for nothing since `start`; a monthly period each.

    The grace is a day: what ended less than a day before `now` is still a draft.
    """
    customer = create_customer(name="Acme", now=now)
    made = create_contract(customer_id=customer.pk, starting_at=start, now=now, **more)
    issue(now)
    return list(Invoice.objects.filter(contract_id=made.pk, status="FINALIZED").order_by("series_number"))


def issue(now: datetime) -> None:
    open_due_periods(now=now)
    finalize_due_invoices(now=now)


def told(rows: list[Invoice]) -> list[tuple[str | None, date | None, date | None]]:
    return [(row.number, row.document_date, row.due_date) for row in rows]


@pytest.mark.django_db
def test_old_periods_are_dated_and_due_from_the_day_of_their_issue() -> None:
    rows = bill_nothing(datetime(2030, 11, 1, tzinfo=UTC), MARCH, net_payment_terms_days=30)
    assert told(rows) == [
        (f"TA-2031-000{place}", date(2031, 3, 1), date(2031, 3, 31)) for place in (1, 2, 3)
    ]  # November to January: February is over, its grace is not
    assert [row.issued_at for row in rows] == [row.due_at for row in rows]


@pytest.mark.django_db
def test_each_year_begins_its_own_series() -> None:
    last = datetime(2031, 12, 31, 23, 30, tzinfo=UTC)
    before = bill_nothing(datetime(2031, 11, 1, tzinfo=UTC), last)
    after = bill_nothing(datetime(2031, 11, 1, tzinfo=UTC), last + HOUR)
    assert told(before) == [("TA-2031-0001", date(2031, 12, 31), date(2031, 12, 31))]
    assert told(after) == [("TA-2032-0001", date(2032, 1, 1), date(2032, 1, 1))]


@pytest.mark.django_db
def test_a_regenerated_invoice_has_the_date_of_its_own_issue() -> None:
    [old, *_] = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH, net_payment_terms_days=10)
    void_invoice(invoice_id=old.pk, now=MARCH + 24 * HOUR)
    new = regenerate_invoice(invoice_id=old.pk, now=MARCH + 48 * HOUR)
    assert told([new]) == [("TA-2031-0002", date(2031, 3, 3), date(2031, 3, 13))]
    assert (new.issued_at, new.period_start) == (old.issued_at, old.period_start)


@pytest.mark.django_db
def test_a_clock_that_was_set_back_dates_nothing_before_the_number_before() -> None:
    bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH)
    [late] = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH - 2 * HOUR)
    assert told([late]) == [("TA-2031-0002", date(2031, 3, 1), date(2031, 3, 1))]
    assert NumberSeries.objects.values_list("name", "last_number", "last_date").get() == (
        "TA-2031", 2, date(2031, 3, 1),
    )  # fmt: skip


CHANGES = [
    ("invoice_numbers_in_order", "document_date = '2031-02-28', due_date = '2031-02-28'"),  # before the number before
    ("invoice_numbers_in_order", "series_number = 4, number = 'TA-2031-0004'"),  # leaves a gap
    ("invoice_number_in_series", "document_date = '2032-01-01', due_date = '2032-01-01'"),  # another year's
    ("invoice_number_in_series", "number = 'TA-2031-0099'"),  # another number than its place
    ("invoice_is_dated_where_numbered", "due_date = '2031-04-01'"),  # not net 0 days
    (None, "due_date = NULL"),  # NOT NULL
    (None, "series_number = NULL"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("constraint", "change"), CHANGES)
def test_the_database_refuses_a_number_out_of_order(constraint: str | None, change: str) -> None:
    rows = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH)
    [second] = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH)
    assert (len(rows), second.number) == (1, "TA-2031-0002")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        rewrite(second.pk, change)
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


@pytest.mark.django_db
def test_the_database_refuses_a_number_twice() -> None:
    [first] = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH)
    [second] = bill_nothing(datetime(2031, 1, 1, tzinfo=UTC), MARCH)
    with pytest.raises(IntegrityError, match=r"invoice_(number|place_in_series)_once"), transaction.atomic():
        rewrite(second.pk, f"series_number = 1, number = '{first.number}'")


def rewrite(invoice_id: UUID, change: str) -> None:
    """What a bug in whoever issues could write: the guard of what is issued is off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE invoices_invoice DISABLE TRIGGER invoices_invoice_guard")
        cursor.execute(f"UPDATE invoices_invoice SET {change} WHERE id = %s", [invoice_id])  # noqa: S608
