"""Renewal: what is left goes on, up to the share that was agreed."""

import pytest
from metronome import BadRequestError

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar


def test_a_renewal_takes_along_the_share_that_was_agreed(balances: BalanceWorld) -> None:
    """1,000 with a share of 0.25 and 400 used: 250 goes on and is drawn first, 350 expires."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 4, w.days_ago(10))
    commit = w.prepaid(1000, w.days_ago(20), w.days_ago(-300), rollover_fraction=0.25)
    old = w.open_contract(customer, card, 20, commits=[commit])
    other = w.prepaid(500, w.days_ago(3), w.days_ago(-20), priority=1)
    new = w.open_contract(customer, card, 3, commits=[other], transition={"type": "RENEWAL", "from_contract_id": old})
    w.use(customer, metric, 3, w.days_ago(1))
    by_contract = {row.contract.id: row for row in w.held(customer) if row.rolled_over_from or row.contract.id == old}
    assert exact(by_contract[old].balance) == 0
    assert (exact(by_contract[new].balance), exact(w.net(customer))) == (0, 450)
    shown = sorted(
        (entry.type.removeprefix("PREPAID_COMMIT_"), exact(entry.amount)) for entry in by_contract[old].ledger
    )
    settled = [
        ("AUTOMATED_INVOICE_DEDUCTION", -400), ("EXPIRATION", -350), ("ROLLOVER", -250), ("SEGMENT_START", 1000)
    ]  # fmt: skip
    assert shown == settled
    w.run_due_work()
    again = next(row for row in w.held(customer) if row.contract.id == old)
    assert (
        sorted((entry.type.removeprefix("PREPAID_COMMIT_"), exact(entry.amount)) for entry in again.ledger) == settled
    )
    read = w.sdk.v2.contracts.retrieve(contract_id=old, customer_id=customer).data
    assert [(step.from_contract_id, step.to_contract_id) for step in read.transitions] == [(old, new)]
    assert read.ending_before == w.days_ago(3)


def test_what_was_rolled_over_cannot_be_edited(balances: BalanceWorld) -> None:
    w = balances
    customer = w.customer()
    commit = w.prepaid(1000, w.days_ago(20), w.days_ago(-300), rollover_fraction=1)
    old = w.open_contract(customer, None, 20, commits=[commit])
    w.open_contract(customer, None, 3, transition={"type": "RENEWAL", "from_contract_id": old})
    rolled = next(row for row in w.held(customer) if row.rolled_over_from)
    with pytest.raises(BadRequestError, match="rolled over"):
        w.sdk.v2.contracts.edit_commit(customer_id=customer, commit_id=rolled.id, name="mine")
