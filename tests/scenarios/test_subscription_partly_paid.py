"""A commit that pays a part of a subscription charge, of which no decimal says how many units it is."""

import pytest

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact


@pytest.mark.django_db
@pytest.mark.parametrize("prepaid", [10, 20])
def test_a_third_paid_by_a_commit_is_billed_and_read_ever_after(subscriptions: SubscriptionWorld, prepaid: int) -> None:
    """2 units at 30, of which 10 (a third of one) or 20 are prepaid: 2 units are billed, and one more later at once.

    What is final was read back as 2.000… with more zeros than a term may have digits, and each list was refused.
    """
    w = subscriptions
    card, seat = w.seat(30)
    customer = w.customer()
    more = {"is_prorated": False, "invoice_behavior": "BILL_IMMEDIATELY"}
    contract = w.open_contract(
        customer, card, 5,
        commits=[w.prepaid(prepaid, w.days_ago(5), w.days_ago(-30))],
        subscriptions=[w.subscription(seat, collection="ADVANCE", initial_quantity=2, proration=more)],
    )  # fmt: skip
    w.run_due_work()
    [first] = [row for row in w.invoices(customer) if row.type == "SCHEDULED"]
    assert (first.status, exact(first.total)) == ("FINALIZED", 60 - prepaid)
    w.change(customer, contract, quantity_updates=[{"starting_at": w.now, "quantity": 3}])
    w.run_due_work()
    totals = sorted(exact(row.total) for row in w.invoices(customer) if row.type == "SCHEDULED")
    assert totals == sorted([60 - prepaid, 30])
