"""Any interleaving of usage, top-ups, manual entries, edits, voids, regenerations and time keeps the ledger's law."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import BadRequestError, ConflictError

from balances.models import LedgerEntry, Segment
from balances.selectors.integrity import list_differing
from invoices.models import Invoice, InvoiceLine
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(1, 9), st.integers(0, 19)),
        st.tuples(st.just("grant"), st.integers(1, 900), st.integers(0, 19)),
        st.tuples(st.just("manual"), st.integers(-400, 400).filter(bool), st.just(0)),
        st.tuples(st.just("resize"), st.integers(0, 900), st.just(0)),
        st.tuples(st.just("void"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("pass"), st.integers(1, 9), st.just(0)),
    ),
    min_size=2,
    max_size=9,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_granted_is_used_expired_rolled_over_and_left(balances: BalanceWorld, steps: list[tuple[Any, ...]]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, 20, "WEEKLY", credits=[w.credit(500, w.days_ago(20), w.days_ago(-15))])
    clock = w.now
    for kind, amount, more in steps:
        with suppress(BadRequestError, ConflictError):
            if kind == "use":
                w.use(customer, metric, amount, w.days_ago(19 - more))
            elif kind == "grant":
                w.grant(customer, amount, w.days_ago(19 - more), w.days_ago(8 - more))
            elif kind == "manual":
                row = w.held(customer)[-1]
                w.manual(customer, row.id, row.access_schedule.schedule_items[0].id, amount, "by hand")
            elif kind == "resize":
                row = w.held(customer)[-1]
                item = {"id": row.access_schedule.schedule_items[0].id, "amount": amount}
                w.sdk.v2.contracts.edit_credit(
                    customer_id=customer, credit_id=row.id, access_schedule={"update_schedule_items": [item]}
                )
            elif kind == "void":
                final = w.invoices(customer, status="FINALIZED")
                if final:
                    chosen = final[amount % len(final)].id
                    w.sdk.v1.invoices.void(id=chosen)
                    if more:
                        w.sdk.v1.invoices.regenerate(id=chosen)
            else:
                clock += timedelta(days=amount)
                w.run_due_work(until=clock)
        _check(w, customer)


def _check(w: BalanceWorld, customer: str) -> None:
    assert list(list_differing()) == []
    mine = Segment.objects.filter(owner__customer_id=customer)
    for row in mine:
        gone = row.used + row.expired + row.rolled_over + row.trued_up
        assert row.granted + row.manual == gone + row.balance
        assert row.balance >= 0 or row.entries.filter(kind="MANUAL", amount__lt=0).exists()
    for row in w.held(customer):
        listed = sum((exact(entry.amount) for entry in row.ledger), Decimal(0))
        assert exact(row.balance) == max(listed, Decimal(0))
    for invoice in Invoice.objects.filter(customer_id=customer, status="FINALIZED"):
        drawn = LedgerEntry.objects.filter(invoice_id=invoice.pk, kind="AUTOMATED_INVOICE_DEDUCTION")
        applied = InvoiceLine.objects.filter(invoice=invoice, type="applied_commit_or_credit")
        assert sum(-entry.amount for entry in drawn) == sum(-line.total for line in applied)
