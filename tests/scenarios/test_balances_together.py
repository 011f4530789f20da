"""Many at once on one balance, over a live server with real commits: every order of them is some order one by one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.core.management import call_command
from django.db import connection
from metronome import Metronome

from balances.models import LedgerEntry, Segment
from core.clock import now
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact


def test_contracts_that_finalize_at_once_never_draw_more_than_there_is(live_sdk: Metronome) -> None:
    """Eight contracts of one customer, 3 units at 100 each, all due; 1,000 between them. Entries by hand on top."""
    w = BalanceWorld(live_sdk)
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 3, w.days_ago(9))
    credit = w.grant(customer, 1000, w.days_ago(20), w.days_ago(-20))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    for _ in range(8):
        w.contract(customer, card, w.days_ago(10), ending_before=w.days_ago(8))
    before = sorted(exact(row.total) for row in w.invoices(customer))
    assert before == [0, 0, 0, 200, 300, 300, 300, 300]

    def sweep() -> None:
        while finalize_due_invoices(now=now()):
            pass

    def by_hand() -> None:
        for amount in (50, -50, 50):
            w.manual(customer, credit, segment, amount, "checked")

    work: list[Callable[[], None]] = [sweep, sweep, sweep, by_hand, sweep, by_hand]

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(run, work))
    finalized = w.invoices(customer, status="FINALIZED")
    assert len(finalized) == 8
    row = Segment.objects.get(pk=segment)
    drawn = sum(exact(line.total) for i in finalized for line in i.line_items if line.type.startswith("applied"))
    assert (row.used, row.balance) == (-drawn, row.granted + row.manual - row.used)
    assert row.balance >= -100  # only what was taken by hand after an invoice had drawn it
    assert sum(exact(i.total) for i in finalized) == 2400 - row.used
    assert LedgerEntry.objects.filter(kind="AUTOMATED_INVOICE_DEDUCTION").count() <= 8
    call_command("verify_balances")


def test_voiding_while_others_finalize(live_sdk: Metronome) -> None:
    w = BalanceWorld(live_sdk)
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 2, w.days_ago(9))
    w.grant(customer, 300, w.days_ago(20), w.days_ago(-20))
    for _ in range(3):
        w.contract(customer, card, w.days_ago(10), ending_before=w.days_ago(8))
    finalize_due_invoices(now=now())
    voided = [row.id for row in w.invoices(customer, status="FINALIZED")][:2]

    def again(invoice_id: str) -> None:
        w.sdk.v1.invoices.void(id=invoice_id)
        w.sdk.v1.invoices.regenerate(id=invoice_id)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(again, voided))
    w.run_due_work(until=w.now + timedelta(minutes=5))
    living = w.invoices(customer, status="FINALIZED")
    assert (len(living), sum(exact(row.total) for row in living)) == (3, 300)
    assert Segment.objects.get().balance == 0
    call_command("verify_balances")
