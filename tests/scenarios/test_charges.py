"""Charges of commits by date, over the API: which invoice holds them, and what becomes of them."""

from datetime import timedelta
from typing import Any

import pytest
from metronome import BadRequestError

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact


def scheduled(w: BalanceWorld, customer: str, **query: Any) -> list[Any]:
    return [row for row in w.invoices(customer, **query) if row.type == "SCHEDULED"]


def items(w: BalanceWorld, customer: str) -> list[Any]:
    """The instalments of all of the customer's commits as `customerBalances/list` shows them, by date."""
    found = [item for row in w.held(customer) if row.invoice_schedule for item in row.invoice_schedule.schedule_items]
    return sorted(found, key=lambda item: (item.timestamp, exact(item.amount)))


def test_an_instalment_names_the_invoice_that_holds_it_from_draft_to_regenerated(balances: BalanceWorld) -> None:
    """On a draft, on the final invoice, on the void one, and on the one that is made anew; a void one keeps lines."""
    w = balances
    customer = w.customer()
    day = w.days_ago(-5)
    commit = w.prepaid(100, w.today, w.days_ago(-30), invoiced=[(day, 70)])
    w.open_contract(customer, None, 1, commits=[commit])
    [draft] = scheduled(w, customer)
    [item] = items(w, customer)
    assert (item.invoice_id, item.timestamp, exact(item.unit_price), exact(item.quantity)) == (draft.id, day, 70, 1)
    w.run_due_work(until=day + timedelta(hours=1))
    [final] = scheduled(w, customer)
    assert (final.id, final.status, items(w, customer)[0].invoice_id) == (draft.id, "FINALIZED", draft.id)
    w.sdk.v1.invoices.void(id=final.id)
    [item] = items(w, customer)
    assert item.invoice_id == final.id
    [held] = w.held(customer)
    with pytest.raises(BadRequestError, match="finalized or void"):
        w.sdk.v2.contracts.edit_commit(
            customer_id=customer, commit_id=held.id, invoice_schedule={"remove_schedule_items": [{"id": item.id}]}
        )
    anew = w.sdk.v1.invoices.regenerate(id=final.id).data.id
    assert items(w, customer)[0].invoice_id == anew != final.id
    shown = {row.id: (row.status, exact(row.total), row.line_items) for row in scheduled(w, customer)}
    assert {id_: parts[:2] for id_, parts in shown.items()} == {final.id: ("VOID", 70), anew: (shown[anew][0], 70)}
    assert [[line.name for line in parts[2]] for parts in shown.values()] == [["Credits"], ["Credits"]]


def test_a_true_up_follows_its_contract_to_an_earlier_end(balances: BalanceWorld) -> None:
    """Final after the contract's last usage invoice, not at the date that was agreed before."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 3, w.days_ago(9))
    agreed = w.days_ago(-300)
    contract = w.open_contract(customer, card, 10, "WEEKLY", commits=[w.postpaid(1000, w.days_ago(10), agreed)])
    assert [(row.status, exact(row.total)) for row in scheduled(w, customer)] == [("DRAFT", 700)]
    end = w.days_ago(-2)
    w.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract, ending_before=end)
    [item] = items(w, customer)
    [draft] = scheduled(w, customer)
    assert (item.timestamp, item.invoice_id, exact(draft.total)) == (end, draft.id, 700)
    w.run_due_work(until=w.days_ago(-5))
    [billed] = scheduled(w, customer)
    assert (billed.status, exact(billed.total), billed.issued_at) == ("FINALIZED", 700, end)


def test_a_renewal_may_waive_what_was_not_fulfilled(balances: BalanceWorld) -> None:
    """`trueup: REMOVE`: no invoice asks for it any more, and the draft that did is gone."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 3, w.days_ago(9))
    commit = w.postpaid(1000, w.days_ago(10), w.days_ago(-300))
    old = w.open_contract(customer, card, 10, "WEEKLY", commits=[commit])
    assert len(scheduled(w, customer)) == 1
    renewal = {"type": "RENEWAL", "from_contract_id": old, "future_invoice_behavior": {"trueup": "REMOVE"}}
    w.open_contract(customer, card, 2, "WEEKLY", transition=renewal)
    assert scheduled(w, customer) == []
    [item] = items(w, customer)
    assert (exact(item.amount), item.invoice_id) == (1000, None)
    w.run_due_work(until=w.days_ago(-400))
    assert scheduled(w, customer) == []


def test_instalments_without_a_contract_to_bill_them_stand_on_no_invoice(balances: BalanceWorld) -> None:
    w = balances
    customer = w.customer()
    instalments = {
        "frequency": "MONTHLY", "amount_distribution": "EACH", "amount": 10, "starting_at": w.today,
        "ending_before": w.days_ago(-50),
    }  # fmt: skip
    commit = w.prepaid(100, w.today, w.days_ago(-60), priority=1, invoice_schedule={"recurring_schedule": instalments})
    w.sdk.v1.customers.commits.create(customer_id=customer, **commit)
    w.open_contract(customer, None, 1)
    assert [(exact(item.amount), item.invoice_id) for item in items(w, customer)] == [(10, None), (10, None)]
    assert scheduled(w, customer) == []
