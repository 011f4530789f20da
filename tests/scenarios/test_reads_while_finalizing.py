"""What is read while the worker finalizes agrees with itself: every list, balance and ledger is of one moment."""

import threading
from decimal import Decimal
from typing import Any

from django.db import connection
from metronome import Metronome

from core.clock import now
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

WEEKS, CONTRACTS = 4, 5
CREDIT = 20_000


class Look:
    """One look at everything that shows what a customer used and has left."""

    def __init__(self, w: BalanceWorld, customer: str) -> None:
        self.invoices = [row for row in w.invoices(customer) if row.end_timestamp <= w.days_ago(2)]
        [self.row] = w.held(customer)
        self.left = exact(self.row.balance)
        self.ledger = sum((exact(entry.amount) for entry in self.row.ledger), Decimal(0))
        self.net = w.net(customer)
        self.windows = w.sdk.v1.customers.invoices.list_breakdowns(
            customer_id=customer, starting_on=w.days_ago(21), ending_before=w.days_ago(14), window_size="day"
        ).data
        self.finalized = sum(row.status == "FINALIZED" for row in self.invoices)


def charged(row: Any) -> Decimal:
    return sum((exact(line.total) for line in row.line_items if line.type == "usage"), Decimal(0))


def test_every_look_is_of_one_moment(live_sdk: Metronome) -> None:
    w = BalanceWorld(live_sdk)
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.grant(customer, CREDIT, w.days_ago(WEEKS * 7 + 7), w.days_ago(-30))
    w.send(*(w.event(customer, metric, 7, w.days_ago(7 * week)) for week in range(1, WEEKS + 1)))
    for _ in range(CONTRACTS):
        w.open_contract(customer, card, WEEKS * 7 + 3, "WEEKLY")
    before = Look(w, customer)
    assert before.finalized == 0
    used = sum(charged(row) for row in before.invoices)
    assert used == 700 * WEEKS * CONTRACTS

    def sweep() -> None:
        try:
            while finalize_due_invoices(now=now()):
                pass
        finally:
            connection.close()

    worker = threading.Thread(target=sweep)
    worker.start()
    looks: list[Look] = []
    while worker.is_alive():
        looks.append(Look(w, customer))
    worker.join()
    assert any(0 < look.finalized < WEEKS * CONTRACTS for look in looks), "nobody looked while it was at it"
    for look in looks:
        assert [row.id for row in look.invoices if not row.line_items] == []
        assert {row.id: charged(row) for row in look.invoices} == {row.id: charged(row) for row in before.invoices}
        assert {exact(row.total) for row in look.invoices} == {0}
        assert look.left == look.ledger == look.net == before.net == CREDIT - used
        assert sum(charged(part) for part in look.windows) == 700 * CONTRACTS
