"""Any sequence of edits, renewals of time, voids and regenerations leaves one charge for each item of the schedule."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import BadRequestError, ConflictError, Metronome

from billing.models import BilledCharge
from charges.models import Charge
from invoices.models import InvoiceListing
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 12), st.integers(0, 99)),
        st.tuples(st.just("move"), st.integers(0, 5), st.integers(0, 12)),
        st.tuples(st.just("reprice"), st.integers(0, 5), st.integers(0, 99)),
        st.tuples(st.just("remove"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("rename"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("end"), st.integers(0, 12), st.just(0)),
        st.tuples(st.just("void"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("pass"), st.integers(1, 6), st.just(0)),
    ),
    min_size=2,
    max_size=9,
)
HOLDS = {"PENDING": "DRAFT", "INVOICED": "FINALIZED", "VOIDED": "VOID"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, consolidated=st.booleans())
def test_one_charge_for_each_item_on_the_invoice_of_its_date(
    sdk: Metronome, steps: list[tuple[Any, ...]], consolidated: bool
) -> None:
    w = BalanceWorld(sdk)
    customer = w.customer()
    more = {"scheduled_charges_on_usage_invoices": "ALL"} if consolidated else {}
    commit = w.prepaid(500, w.today, w.days_ago(-40), invoiced=[(w.days_ago(-6), 40), (w.days_ago(-9), 2)])
    w.open_contract(customer, None, 1, "WEEKLY", commits=[commit], **more)
    clock = w.now
    for kind, which, more_of_it in steps:
        [row] = w.held(customer)
        items = row.invoice_schedule.schedule_items if row.invoice_schedule else []
        with suppress(BadRequestError, ConflictError):
            if kind == "add":
                _edit(w, customer, row, add_schedule_items=[{"timestamp": w.days_ago(-which), "amount": more_of_it}])
            elif kind in ("move", "reprice") and items:
                change = {"timestamp": w.days_ago(-more_of_it)} if kind == "move" else {"amount": more_of_it}
                _edit(w, customer, row, update_schedule_items=[{"id": items[which % len(items)].id} | change])
            elif kind == "remove" and items:
                _edit(w, customer, row, remove_schedule_items=[{"id": items[which % len(items)].id}])
            elif kind == "rename":
                w.sdk.v2.contracts.edit_commit(customer_id=customer, commit_id=row.id, name=f"No. {which}")
            elif kind == "end":
                w.sdk.v1.customers.commits.update_end_date(
                    customer_id=customer, commit_id=row.id, invoices_ending_before=w.days_ago(-which)
                )
            elif kind == "void":
                _void(w, customer, which, again=more_of_it)
            elif kind == "pass":
                clock += timedelta(days=which)
                w.run_due_work(until=clock)
        _check(w, customer)


def _edit(w: BalanceWorld, customer: str, row: Any, **schedule: Any) -> None:
    w.sdk.v2.contracts.edit_commit(customer_id=customer, commit_id=row.id, invoice_schedule=schedule)


def _void(w: BalanceWorld, customer: str, which: int, *, again: bool) -> None:
    final = [row for row in w.invoices(customer, status="FINALIZED") if row.line_items]
    if final:
        chosen = final[which % len(final)].id
        w.sdk.v1.invoices.void(id=chosen)
        if again:
            w.sdk.v1.invoices.regenerate(id=chosen)


def _check(w: BalanceWorld, customer: str) -> None:
    [row] = w.held(customer)
    shown = {item.id: item for item in (row.invoice_schedule.schedule_items if row.invoice_schedule else [])}
    charges = {str(one.pk): one for one in Charge.objects.filter(customer_id=customer)}
    standing = {key: one for key, one in charges.items() if one.state != "CANCELED"}
    assert shown.keys() == standing.keys()
    listed = InvoiceListing.objects.filter(customer_id=customer).in_bulk()
    held = {
        str(link.charge_id): listed[link.period_id]
        for link in BilledCharge.objects.filter(charge__customer_id=customer, moved_at=None)
    }
    assert held.keys() == standing.keys()
    for key, charge in standing.items():
        item = shown[key]
        assert (item.timestamp, exact(item.amount)) == (charge.invoice_at, charge.amount)
        assert (item.invoice_id, held[key].status) == (str(held[key].pk), HOLDS[charge.state])
        assert held[key].period_end == charge.invoice_at
        assert charge.name == (row.name or "")
    _check_lines(w, customer, standing)
    drafts = InvoiceListing.objects.filter(customer_id=customer, status="DRAFT", type="SCHEDULED")
    assert {draft.pk for draft in drafts} <= {invoice.pk for invoice in held.values()}


def _check_lines(w: BalanceWorld, customer: str, standing: dict[str, Charge]) -> None:
    """What living invoices ask for is each charge that is pending or invoiced, once."""
    asked = Counter(
        exact(line.total)
        for invoice in w.invoices(customer)
        if invoice.status != "VOID"
        for line in invoice.line_items
        if line.type == "commit_purchase"
    )
    expected: Counter[Decimal] = Counter(
        exact(one.amount) for one in standing.values() if one.state in ("PENDING", "INVOICED")
    )
    assert asked == expected
