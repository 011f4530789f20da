"""A posted expiry is not an end: whether its sweep ran in between changes no answer.

Each life is lived twice: with every sweep after each step, and with that of expiries held back until the end.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from metronome import BadRequestError

from balances.models import LedgerEntry
from balances.services.recurring import issue_recurring_balances
from billing.services.expiry import expire_ended_segments
from billing.services.periods import open_due_periods
from core.clock import now
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar

Sweeps = Callable[[], None]


@pytest.fixture(params=["swept", "not swept"])
def sweeps(request: pytest.FixtureRequest) -> Sweeps:
    """What the clock does between two steps."""

    def run() -> None:
        at = now()
        issue_recurring_balances(now=at)
        open_due_periods(now=at)
        finalize_due_invoices(now=at)
        if request.param == "swept":
            assert expire_ended_segments(now=at) or LedgerEntry.objects.filter(kind="EXPIRATION").exists()

    return run


def total_of(w: BalanceWorld, customer: str, days: int) -> Decimal:
    return exact(w.invoice(customer, w.days_ago(days)).total)


def settle(w: BalanceWorld, customer: str) -> None:
    """All sweeps run; then each ledger sums to what is left, and never was below 0."""
    w.run_due_work()
    check_ledgers(w, customer)


def check_ledgers(w: BalanceWorld, customer: str) -> None:
    for row in w.held(customer):
        running = Decimal(0)
        assert [entry.timestamp for entry in row.ledger] == sorted(entry.timestamp for entry in row.ledger)
        for entry in row.ledger:
            running += exact(entry.amount)
            assert running >= 0, row.ledger
        assert running == exact(row.balance)


def test_a_later_end_brings_back_what_had_expired(balances: BalanceWorld, sweeps: Sweeps) -> None:
    w = balances
    customer = w.customer()
    span, later = (w.days_ago(20), w.days_ago(2)), w.days_ago(-5)
    credits = [w.grant(customer, 1000, *span) for _ in range(2)]
    paid = w.prepaid(1000, *span, priority=1)
    commits = [w.sdk.v1.customers.commits.create(customer_id=customer, **paid).data.id for _ in range(2)]
    sweeps()
    assert w.net(customer) == 0
    items = {row.id: row.access_schedule.schedule_items[0].id for row in w.held(customer)}

    def change(balance: str) -> Any:
        item = {"id": items[balance], "ending_before": later}
        return {"customer_id": customer, "access_schedule": {"update_schedule_items": [item]}}

    ends: Any = {"customer_id": customer, "access_ending_before": later}
    w.sdk.v1.customers.credits.update_end_date(credit_id=credits[0], **ends)
    assert w.net(customer) == 1000
    w.sdk.v1.customers.commits.update_end_date(commit_id=commits[0], **ends)
    assert w.net(customer) == 2000
    w.sdk.v2.contracts.edit_credit(credit_id=credits[1], **change(credits[1]))
    w.sdk.v2.contracts.edit_commit(commit_id=commits[1], **change(commits[1]))
    assert w.net(customer) == 4000
    settle(w, customer)
    assert w.net(customer) == 4000


@pytest.mark.parametrize("verb", ["end", "edit"])
def test_an_end_that_is_past_but_in_an_open_period_pays_its_usage(
    balances: BalanceWorld, sweeps: Sweeps, verb: str
) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, 20, "WEEKLY")
    credit = w.grant(customer, 1000, w.days_ago(20), w.days_ago(15))
    w.use(customer, metric, 3, w.days_ago(4))
    sweeps()
    assert total_of(w, customer, 4) == 300
    end = w.days_ago(2)
    if verb == "end":
        w.sdk.v1.customers.credits.update_end_date(customer_id=customer, credit_id=credit, access_ending_before=end)
    else:
        item = {"id": w.held(customer)[0].access_schedule.schedule_items[0].id, "ending_before": end}
        w.sdk.v2.contracts.edit_credit(
            customer_id=customer, credit_id=credit, access_schedule={"update_schedule_items": [item]}
        )
    assert total_of(w, customer, 4) == 0
    w.run_due_work(until=w.now + timedelta(days=5))
    assert total_of(w, customer, 4) == 0
    check_ledgers(w, customer)


@pytest.mark.parametrize(("fraction", "goes_on"), [(1, 600), (0.25, 250)])
def test_a_renewal_entered_late_takes_along_what_was_left(
    balances: BalanceWorld, sweeps: Sweeps, fraction: float, goes_on: int
) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 4, w.days_ago(18))
    commit = w.prepaid(1000, w.days_ago(20), w.days_ago(5), rollover_fraction=fraction)
    old = w.open_contract(customer, card, 20, "WEEKLY", commits=[commit], ending_before=w.days_ago(5))
    sweeps()
    assert total_of(w, customer, 18) == 0
    w.open_contract(customer, card, 5, transition={"type": "RENEWAL", "from_contract_id": old})
    [rolled] = [row for row in w.held(customer) if row.rolled_over_from]
    assert exact(rolled.balance) == goes_on
    settle(w, customer)
    assert w.net(customer) == goes_on
    [origin] = [row for row in w.held(customer) if not row.rolled_over_from]
    assert {exact(entry.amount) for entry in origin.ledger if entry.type.endswith("ROLLOVER")} == {-goes_on}


def test_a_voided_invoice_may_draw_on_all_that_it_could(balances: BalanceWorld, sweeps: Sweeps) -> None:
    """Not only on what it drew before: on the rest of that grant, and on another of the same time."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.grant(customer, 1000, w.days_ago(20), w.days_ago(14))
    w.grant(customer, 200, w.days_ago(20), w.days_ago(13), priority=2)
    w.open_contract(customer, card, 20, "WEEKLY", ending_before=w.days_ago(13))
    w.use(customer, metric, 4, w.days_ago(18))
    sweeps()
    old = w.invoice(customer, w.days_ago(18))
    w.use(customer, metric, 3, w.days_ago(17))
    w.sdk.v1.invoices.void(id=old.id)
    sweeps()
    w.sdk.v1.invoices.regenerate(id=old.id)
    assert total_of(w, customer, 18) == 0
    settle(w, customer)
    w.use(customer, metric, 7, w.days_ago(17))
    again = w.invoice(customer, w.days_ago(18))
    w.sdk.v1.invoices.void(id=again.id)
    w.sdk.v1.invoices.regenerate(id=again.id)
    sweeps()
    assert total_of(w, customer, 18) == 200
    settle(w, customer)


def test_a_voided_charge_in_advance_may_draw_again_too(subscriptions: SubscriptionWorld, sweeps: Sweeps) -> None:
    w = subscriptions
    card, seat = w.seat(300)
    customer = w.customer()
    w.grant(customer, 1000, w.days_ago(20), w.days_ago(14))
    own = {"billing_cycle_config": {"invoice_placement": "ON_SCHEDULED_INVOICE"}}
    sold = w.subscription(seat, "MONTHLY", "ADVANCE", initial_quantity=1, **own)
    w.open_contract(customer, card, 20, ending_before=w.days_ago(13), subscriptions=[sold])
    sweeps()
    [charge] = [row for row in w.invoices(customer) if row.type == "SCHEDULED"]
    before = exact(charge.total)
    w.sdk.v1.invoices.void(id=charge.id)
    sweeps()
    w.sdk.v1.invoices.regenerate(id=charge.id)
    [charge] = [row for row in w.invoices(customer) if row.type == "SCHEDULED" and row.status != "VOID"]
    assert (charge.status, exact(charge.total)) == ("FINALIZED", before)
    settle(w, customer)


def test_a_contract_that_begins_last_month_draws_on_last_months_credit(balances: BalanceWorld, sweeps: Sweeps) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.grant(customer, 1000, w.days_ago(20), w.days_ago(10))
    sweeps()
    w.use(customer, metric, 4, w.days_ago(15))
    w.open_contract(customer, card, 20, "WEEKLY")
    assert total_of(w, customer, 15) == 0
    w.run_due_work()
    assert (w.invoice(customer, w.days_ago(15)).status, total_of(w, customer, 15)) == ("FINALIZED", 0)
    settle(w, customer)


def test_a_contract_that_is_opened_again_draws_on_what_had_expired(balances: BalanceWorld, sweeps: Sweeps) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.open_contract(customer, card, 20, "WEEKLY")
    ids = {"contract_id": contract, "customer_id": customer}
    w.grant(customer, 1000, w.days_ago(20), w.days_ago(8))
    w.sdk.v1.contracts.update_end_date(**ids, ending_before=w.days_ago(12))
    sweeps()
    w.use(customer, metric, 4, w.days_ago(10))
    w.sdk.v1.contracts.update_end_date(**ids)
    assert total_of(w, customer, 10) == 0
    settle(w, customer)
    assert total_of(w, customer, 10) == 0


@pytest.mark.parametrize("sweeps", ["swept"], indirect=True)
def test_a_draft_that_grows_again_draws_on_what_had_expired(balances: BalanceWorld, sweeps: Sweeps) -> None:
    """The period stayed open, but shorter, while the credit ended."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.open_contract(customer, card, 1, "MONTHLY")
    ids = {"contract_id": contract, "customer_id": customer}
    half = timedelta(hours=1)
    w.grant(customer, 1000, w.today - 8 * half, w.today - 4 * half)
    w.sdk.v1.contracts.update_end_date(**ids, ending_before=w.today - 10 * half)
    w.use(customer, metric, 4, w.today - 5 * half)
    sweeps()
    w.sdk.v1.contracts.update_end_date(**ids)
    assert total_of(w, customer, 1) == 0
    settle(w, customer)


@pytest.mark.parametrize("sweeps", ["swept"], indirect=True)
@pytest.mark.parametrize("change", ["less", "by hand", "taken out", "earlier end", "more"])
def test_what_changes_a_grant_that_ended_does_the_same_after_its_expiry(
    balances: BalanceWorld, sweeps: Sweeps, change: str
) -> None:
    """The kind: each of these was refused, or left a balance below 0, once the expiry was posted."""
    w = balances
    customer = w.customer()
    metric, _, card = w.priced(price=100)
    credit = w.sdk.v1.customers.credits.create(
        customer_id=customer, product_id=w.fixed(), priority=1,
        access_schedule=w.schedule((1000, w.days_ago(20), w.days_ago(10)), (50, w.days_ago(19), w.days_ago(10))),
    ).data.id  # fmt: skip
    w.use(customer, metric, 4, w.days_ago(18))
    w.open_contract(customer, card, 20, "WEEKLY", ending_before=w.days_ago(13))
    sweeps()
    [row] = w.held(customer)
    items = {exact(item.amount): item.id for item in row.access_schedule.schedule_items}

    def edit(**access: Any) -> None:
        w.sdk.v2.contracts.edit_credit(customer_id=customer, credit_id=credit, access_schedule=access)

    if change == "by hand":
        w.manual(customer, credit, items[Decimal(1000)], -200, "sorry")
    elif change == "taken out":
        edit(remove_schedule_items=[{"id": items[Decimal(50)]}])
    elif change == "earlier end":
        w.sdk.v1.customers.credits.update_end_date(
            customer_id=customer, credit_id=credit, access_ending_before=w.days_ago(12)
        )
    else:
        edit(update_schedule_items=[{"id": items[Decimal(1000)], "amount": 700 if change == "less" else 1300}])
        if change == "less":
            with pytest.raises(BadRequestError, match="drew more"):
                edit(update_schedule_items=[{"id": items[Decimal(1000)], "amount": 100}])
    settle(w, customer)
    [row] = w.held(customer)
    lost = sum(exact(entry.amount) for entry in row.ledger if entry.type in ("CREDIT_EXPIRATION", "CREDIT_CANCELED"))
    expected = {"less": -350, "by hand": -450, "taken out": -600, "earlier end": -650, "more": -950}
    assert lost == expected[change]
    assert w.net(customer) == 0
    final = w.invoice(customer, w.days_ago(18))
    w.sdk.v1.invoices.void(id=final.id)
    w.sdk.v1.invoices.regenerate(id=final.id)
    settle(w, customer)
    assert total_of(w, customer, 18) == 0


def test_what_late_usage_would_cost_counts_what_had_expired(balances: BalanceWorld, sweeps: Sweeps) -> None:
    """Made void and anew, the balance would pay it: so say the figures before anybody does that."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.grant(customer, 600, w.days_ago(20), w.days_ago(14))
    w.open_contract(customer, card, 20, "WEEKLY", ending_before=w.days_ago(13))
    w.use(customer, metric, 4, w.days_ago(18))
    sweeps()
    w.use(customer, metric, 5, w.days_ago(17))
    parts = w.sdk.v1.customers.invoices.list_breakdowns(
        customer_id=customer, starting_on=w.days_ago(20), ending_before=w.days_ago(13), window_size="DAY"
    )
    assert sum(exact(part.total) for part in parts) == 300
    old = w.invoice(customer, w.days_ago(18))
    w.sdk.v1.invoices.void(id=old.id)
    w.sdk.v1.invoices.regenerate(id=old.id)
    assert total_of(w, customer, 18) == 300
    settle(w, customer)


@pytest.mark.parametrize("sweeps", ["swept"], indirect=True)
def test_what_is_archived_stays_expired(balances: BalanceWorld, sweeps: Sweeps) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 4, w.days_ago(18))
    held = w.prepaid(1000, w.days_ago(20), w.days_ago(10))
    contract = w.open_contract(customer, card, 20, "WEEKLY", ending_before=w.days_ago(13), commits=[held])
    sweeps()
    final = w.invoice(customer, w.days_ago(18))
    w.sdk.v1.contracts.archive(contract_id=contract, customer_id=customer, void_invoices=False)
    w.sdk.v1.invoices.void(id=final.id)
    w.run_due_work()
    sums: dict[str, Decimal] = {}
    for entry in LedgerEntry.objects.filter(segment__owner__customer_id=customer):
        sums[entry.kind] = sums.get(entry.kind, Decimal(0)) + entry.amount
    assert sums == {
        "SEGMENT_START": 1000, "AUTOMATED_INVOICE_DEDUCTION": -400, "CANCELED": 400, "EXPIRATION": -1000,
    }  # fmt: skip
