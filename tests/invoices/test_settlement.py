"""What an issued invoice asks for: opened and voided with it, and what the database holds it to."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from metronome import Metronome

from engine.document import SettlementState
from invoices.models import Invoice, Settlement
from invoices.selectors.settlement import OVERDUE, settlement_state
from invoices.services.void import void_invoice
from tests.invoices.test_numbering import MARCH, bill_nothing
from tests.scenarios.world import World

JANUARY = datetime(2031, 1, 1, tzinfo=UTC)
COLUMNS = ("due_on", "amount_due", "amount_paid", "amount_credited", "amount_written_off", "state")


def kept(invoice: Invoice) -> tuple[Any, ...]:
    return Settlement.objects.values_list(*COLUMNS).get(invoice=invoice)


@pytest.fixture
def owed(sdk: Metronome) -> Invoice:
    """An invoice over 3.01 USD, payable within ten days."""
    world = World(sdk)
    metric, _, card = world.priced(price=100.25)
    customer = world.customer()
    world.use(customer, metric, 3, world.days_ago(8))
    world.open_contract(customer, card, 10, "WEEKLY", net_payment_terms_days=10)
    world.run_due_work()
    return Invoice.objects.get(status="FINALIZED")


def test_an_issued_invoice_asks_for_its_total_until_it_is_void(owed: Invoice, sdk: Metronome) -> None:
    assert kept(owed) == (owed.due_date, 301, 0, 0, 0, "OPEN")
    due = owed.settlement.due_on
    assert [settlement_state(owed.settlement, on=due + timedelta(days=days)) for days in (0, 1)] == ["OPEN", OVERDUE]
    sdk.v1.invoices.void(id=str(owed.pk))
    assert kept(owed) == (owed.due_date, 301, 0, 0, 0, "VOID")
    assert settlement_state(Settlement.objects.get(invoice=owed), on=date.max) == "VOID"
    regenerated = sdk.v1.invoices.regenerate(id=str(owed.pk)).data.id
    assert kept(Invoice.objects.get(pk=regenerated))[1:] == (301, 0, 0, 0, "OPEN")


@pytest.mark.usefixtures("grace_of_a_day")
@pytest.mark.django_db
def test_an_invoice_over_nothing_is_paid_at_once() -> None:
    [zero] = bill_nothing(JANUARY, MARCH, net_payment_terms_days=5)
    assert kept(zero) == (date(2031, 3, 6), 0, 0, 0, 0, "PAID")
    assert settlement_state(zero.settlement, on=date.max) == "PAID"
    void_invoice(invoice_id=zero.pk, now=MARCH)
    assert kept(zero)[-1] == "VOID"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        ("settlement_takes_what_is_due", "amount_paid = 200, amount_credited = 102, state = 'PAID'"),
        ("settlement_takes_what_is_due", "amount_paid = 302, state = 'PAID'"),
        ("settlement_takes_what_is_due", "amount_written_off = 302, state = 'UNCOLLECTIBLE'"),
        ("settlement_amounts_not_negative", "amount_credited = -1"),
        ("settlement_amounts_whole", "amount_credited = 0.5"),
        ("settlement_state_follows_its_amounts", "state = 'PAID'"),
        ("settlement_state_follows_its_amounts", "state = 'PARTIALLY_PAID'"),
        ("settlement_state_follows_its_amounts", "state = 'UNCOLLECTIBLE'"),
        ("settlement_state_follows_its_amounts", "state = 'OVERDUE'"),
        ("settlement_state_follows_its_amounts", "amount_paid = 1"),
        ("settlement_state_follows_its_amounts", "amount_paid = 301"),
        ("settlement_state_follows_its_amounts", "amount_written_off = 1"),
        ("settlement_as_issued", "state = 'VOID'"),
    ],
)
def test_the_database_refuses_what_cannot_be(owed: Invoice, constraint: str, change: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        write(owed.pk, change)
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["amount_due = 300", "due_on = due_on + 1"])
def test_what_is_due_never_changes(owed: Invoice, change: str) -> None:
    with pytest.raises(IntegrityError, match="stays"), transaction.atomic():
        write(owed.pk, change)
    with pytest.raises(IntegrityError, match="stays"), transaction.atomic():
        Settlement.objects.all().delete()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "amount_credited = 300",
        "amount_paid = 1, state = 'PARTIALLY_PAID'",
        "amount_paid = 201, amount_credited = 100, state = 'PAID'",
        "amount_paid = 1, amount_written_off = 300, state = 'UNCOLLECTIBLE'",
    ],
)
def test_what_payments_and_credit_notes_will_write_fits(owed: Invoice, change: str) -> None:
    write(owed.pk, change)


@pytest.mark.django_db
def test_an_invoice_without_its_settlement_is_not_issued(owed: Invoice) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE invoices_settlement DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM invoices_settlement")
        Invoice.objects.filter(pk=owed.pk).update(status="VOID", voided_at=MARCH)
    assert refused.value.__cause__.diag.constraint_name == "settlement_as_issued"  # type: ignore[union-attr]


@given(st.sampled_from(SettlementState), st.integers(-3, 3))
def test_only_what_is_unpaid_after_its_day_is_overdue(state: SettlementState, days: int) -> None:
    row = Settlement(due_on=date(2031, 3, 6), state=state)
    expected = OVERDUE if days > 0 and state in ("OPEN", "PARTIALLY_PAID") else str(state)
    assert settlement_state(row, on=date(2031, 3, 6) + timedelta(days=days)) == expected


def write(invoice_id: UUID, change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE invoices_settlement SET {change} WHERE invoice_id = %s", [invoice_id])  # noqa: S608
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
