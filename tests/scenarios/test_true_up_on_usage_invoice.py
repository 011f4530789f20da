"""A true-up that stands on the usage invoice of its date: what that invoice draws is fulfilled, the rest is billed."""

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact


def test_a_true_up_on_the_invoice_that_draws_the_commit_bills_the_rest(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    start, end = w.days_ago(10), w.days_ago(3)
    w.use(customer, metric, 3, w.days_ago(9))
    w.open_contract(
        customer,
        card,
        10,
        "WEEKLY",
        ending_before=end,
        commits=[w.postpaid(1000, start, end)],
        scheduled_charges_on_usage_invoices="ALL",
    )
    [draft] = w.invoices(customer)
    assert (draft.status, exact(draft.total)) == ("DRAFT", 1000)
    w.run_due_work()
    [final] = w.invoices(customer)
    assert (final.status, exact(final.total)) == ("FINALIZED", 1000)
    charged = sorted((line.type, exact(line.total)) for line in final.line_items)
    assert charged == [("applied_commit_or_credit", -300), ("commit_purchase", 700), ("usage", 300)]
    entries = [("POSTPAID_COMMIT_INITIAL_BALANCE", 1000), ("POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -300),
               ("POSTPAID_COMMIT_TRUEUP", -700)]  # fmt: skip
    assert sorted(w.ledger(customer)) == sorted(entries)
