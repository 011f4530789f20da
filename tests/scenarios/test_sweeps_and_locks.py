"""A sweep goes on with others while somebody holds one account: nobody's invoice waits for another's transaction."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from django.apps import apps
from django.db import connection
from metronome import Metronome

from balances.services.recurring import issue_recurring_balances
from billing.models import BillingPeriod
from core import patience
from core.postgres.connections import connect_direct
from core.sweeps import list_sweeps, run_due_work, run_sweep
from invoices.models import Invoice, InvoiceDocument
from invoices.services.finalize import finalize_due_invoices
from invoices.tasks import render_document
from tests.plugins.clock import travel
from tests.scenarios.reservation_world import ReservationWorld
from tests.scenarios.world import Metric

ROWS = {
    "contract": "SELECT FROM contracts_contract WHERE customer_id = %s FOR UPDATE",
    "customer": "SELECT FROM customers_customer WHERE id = %s FOR UPDATE",
    "balances": "SELECT pg_advisory_xact_lock(hashtextextended('balances:' || %s::text, 0))",
    "segments": "SELECT FROM balances_segment s WHERE EXISTS (SELECT FROM balances_balance b"
    " WHERE b.id = s.owner_id AND b.customer_id = %s) FOR UPDATE",
    "periods": "SELECT FROM billing_billingperiod WHERE payer_id = %s FOR UPDATE",
    "spendable": "SELECT FROM reservations_spendable WHERE customer_id = %s FOR UPDATE",
}
"""What another transaction may hold of a customer."""


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$;
CREATE TRIGGER a_slow BEFORE INSERT ON invoices_invoice FOR EACH ROW WHEN (NEW.customer_id = '{customer}')
EXECUTE FUNCTION slow()
"""


@pytest.fixture
def other() -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's open transaction."""
    session = connect_direct("tactus-test")
    session.autocommit = False
    try:
        yield session
    finally:
        session.close()


class Due(ReservationWorld):
    """Customers with all that sweeps see to: an invoice, a grant that ends, one that recurs, a reservation."""

    def __init__(self, sdk: Metronome, http: httpx.Client) -> None:
        super().__init__(sdk, http)
        self.metric: Metric
        self.metric, _, self.card = self.priced(price=100)

    def sign_up(self) -> str:
        customer = self.customer()
        self.grant(customer, 1000, self.days_ago(20), self.days_ago(-9))
        self.use(customer, self.metric, 3, self.days_ago(3))
        recurring = self.recurring(10, self.days_ago(5), recurrence_frequency="WEEKLY")
        self.open_contract(customer, self.card, 5, "WEEKLY", recurring_credits=[recurring])
        self.reserve(customer, 50, ttl_seconds=60)
        return customer

    def sweep(self) -> float:
        """All that is due in ten days; seconds that it took."""
        began = time.monotonic()
        run_due_work(clock=lambda: self.now + timedelta(days=10))
        return time.monotonic() - began

    def seen_to(self, customer: str) -> set[str]:
        """What has been done of all that is due in ten days."""
        types = {entry for entry, _ in self.ledger(customer)}
        rows = self.post("reservations/list", customer_id=customer).json()["data"]
        invoices = self.invoices(customer)
        done = {
            "invoice": any(row.status == "FINALIZED" for row in invoices),
            "draw": "CREDIT_AUTOMATED_INVOICE_DEDUCTION" in types,
            "reservation": {row["status"] for row in rows} == {"EXPIRED"},
            "periods": len(invoices) == 3,
        }
        return {name for name, is_done in done.items() if is_done}


ALL = {"invoice", "draw", "reservation", "periods"}


@pytest.mark.django_db(transaction=True)
def test_others_go_on_while_one_is_locked(
    sdk: Metronome, http: httpx.Client, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_MS", 60)  # each of six accounts is met by several sweeps
    w = Due(sdk, http)
    held = {name: w.sign_up() for name in ROWS}
    free = w.sign_up()
    for name, statement in ROWS.items():
        other.execute(statement, [held[name]])
    assert w.sweep() < 15
    with travel(w.now + timedelta(days=10), tick=False):
        assert w.seen_to(free) == ALL
        for name in ("contract", "customer", "balances", "segments", "periods"):
            assert w.invoices(held[name], status="FINALIZED") == [], name
        other.rollback()
        w.sweep()
        assert {name: w.seen_to(customer) for name, customer in held.items()} == dict.fromkeys(held, ALL)


@pytest.mark.django_db(transaction=True)
def test_one_that_takes_too_long_is_tried_again_later(sdk: Metronome, http: httpx.Client) -> None:
    w = Due(sdk, http)
    slow, quick = w.sign_up(), w.sign_up()
    later = w.now + timedelta(days=10)
    with connection.cursor() as cursor:
        issue_recurring_balances(now=later)  # an account's invoices wait for what it is still to be given
        cursor.execute(SLOW.format(customer=slow))
        try:
            cursor.execute("SET statement_timeout = '700ms'")
            assert finalize_due_invoices(now=later) == 2
        finally:
            cursor.execute("RESET statement_timeout; DROP FUNCTION slow CASCADE")
    [document] = Invoice.objects.all()
    assert document.customer_id == UUID(quick)
    [waits] = BillingPeriod.objects.filter(customer_id=slow)
    assert (waits.attempts, waits.last_error[:16]) == (1, "OperationalError")
    assert finalize_due_invoices(now=later + timedelta(minutes=2)) == 1
    assert [row.number[-4:] for row in Invoice.objects.order_by("finalized_at")] == ["0001", "0002"]


@pytest.mark.django_db(transaction=True)
def test_no_sweep_waits_for_long(
    sdk: Metronome, http: httpx.Client, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind: with every table held against writing, each sweep and job comes back soon, and fails nobody."""
    monkeypatch.setattr(patience, "FIRST_MS", 30)
    w = Due(sdk, http)
    w.sign_up()
    later = w.now + timedelta(days=10)
    issue_recurring_balances(now=later)
    assert finalize_due_invoices(now=later) == 1
    final = Invoice.objects.get()
    ours = [kind._meta.db_table for kind in apps.get_models() if kind._meta.managed and kind.__module__ != "django"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relname = ANY(%s)", [ours])
        tables = sorted(name for (name,) in cursor.fetchall())
    other.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
    with connection.cursor() as cursor:  # whoever waits without a bound fails here
        cursor.execute("SET statement_timeout = '4s'")
    work: dict[str, Callable[[], object]] = {
        sweep.name: partial(run_sweep, sweep.name, clock=lambda: w.now + timedelta(days=40)) for sweep in list_sweeps()
    }
    work["invoices.render_document"] = partial(render_document, invoice_id=str(final.pk))
    slow: dict[str, float] = {}
    try:
        for name, carry_out in work.items():
            began = time.monotonic()
            carry_out()
            if (seconds := time.monotonic() - began) > 3.9:
                slow[name] = seconds
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
    assert slow == {}
    assert not InvoiceDocument.objects.exists()
    other.rollback()
    run_sweep("invoices.render_due_documents", clock=lambda: w.now)
    assert InvoiceDocument.objects.get().pk == final.pk


@pytest.mark.django_db(transaction=True)
def test_the_bound_shrinks_where_many_are_busy() -> None:
    assert patience.bound_ms() is None
    with patience.bounded_waits():
        assert patience.bound_ms() == patience.FIRST_MS
        for _ in range(patience.PATIENT_TIMES):
            assert patience.passes_over(_locked())
        assert patience.bound_ms() == patience.LATER_MS
    assert not patience.passes_over(ValueError())


def _locked() -> Exception:
    from django.db import OperationalError

    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = psycopg.errors.LockNotAvailable()
    return error
