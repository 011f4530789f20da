"""An amount that is invoiced in parts: invoices, documents and settlements ask in all for what was agreed."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.money import total
from invoices.models import Invoice
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.instant(datetime.fromisoformat("2026-11-17T12:00:00+00:00"))
YEAR = (datetime.fromisoformat("2025-11-01T00:00:00+00:00"), datetime.fromisoformat("2026-11-01T00:00:00+00:00"))


def divided(w: BalanceWorld, amount: Any, distribution: str = "DIVIDED", frequency: str = "MONTHLY") -> Any:
    start, end = YEAR
    schedule = {
        "frequency": frequency, "amount_distribution": distribution, "amount": amount,
        "starting_at": start, "ending_before": end,
    }  # fmt: skip
    return w.prepaid(1, start, end, invoice_schedule={"recurring_schedule": schedule})


def asked(w: BalanceWorld, customer: str) -> list[Any]:
    """The totals of the living invoices of their own, by date."""
    rows = [row for row in w.invoices(customer) if row.type == "SCHEDULED" and row.status == "FINALIZED"]
    return [exact(row.total) for row in sorted(rows, key=lambda row: (row.issued_at, exact(row.total)))]


@pytest.mark.parametrize(
    ("distribution", "amount", "totals"),
    [
        ("DIVIDED", 1000, [*[83] * 11, 87]),
        ("DIVIDED", 1002, [*[84] * 11, 78]),
        ("DIVIDED", 6, [*[1] * 6, *[0] * 6]),
        ("DIVIDED_ROUNDED", 1000, [*[83] * 11, 87]),
        ("EACH", 100, [100] * 12),
    ],
)
def test_twelve_invoices_ask_for_what_was_agreed(
    balances: BalanceWorld, distribution: str, amount: int, totals: list[int]
) -> None:
    w = balances
    customer = w.customer()
    w.contract(customer, None, YEAR[0], commits=[divided(w, amount, distribution)])
    w.run_due_work()
    assert asked(w, customer) == totals
    rows = list(Invoice.objects.filter(type="SCHEDULED").order_by("due_at").select_related("settlement"))
    assert [row.document_total for row in rows] == totals
    assert [row.settlement.amount_due for row in rows] == totals
    for row in rows:
        assert row.subtotal + row.rounding == row.total
        assert [line.document_amount for line in row.lines.all()] == [row.total]
    # the lines say exactly what each part is
    lines = [line.total for row in rows for line in row.lines.all()]
    assert total(lines) == (amount * 12 if distribution == "EACH" else amount)
    if distribution == "DIVIDED":
        assert {exact(line) for line in lines} == {exact(Decimal(amount) / 12)}


def test_written_out_made_anew_and_added_to(balances: BalanceWorld) -> None:
    """What is final stands; the last that is not takes the rest, of what is agreed by then."""
    w = balances
    customer = w.customer()
    dates = [w.days_ago(days) for days in (9, 7, 5, -3)]
    commit = w.prepaid(1, w.days_ago(10), w.days_ago(-30), invoiced=[(at, "33.4") for at in dates])
    w.open_contract(customer, None, 10, commits=[commit])
    w.run_due_work()
    assert asked(w, customer) == [33, 33, 33]
    [draft] = [row for row in w.invoices(customer) if row.type == "SCHEDULED" and row.status == "DRAFT"]
    assert (exact(draft.total), exact(draft.subtotal)) == (35, exact("33.4"))  # 133.6 in all
    second = next(row for row in w.invoices(customer) if row.issued_at == dates[1])
    w.sdk.v1.invoices.void(id=second.id)
    w.sdk.v1.invoices.regenerate(id=second.id)
    w.run_due_work()
    [held] = w.held(customer)
    w.sdk.v2.contracts.edit_commit(
        customer_id=customer, commit_id=held.id,
        invoice_schedule={"add_schedule_items": [{"timestamp": w.days_ago(-4), "amount": 0.3}]},
    )  # fmt: skip
    w.run_due_work(until=w.now + timedelta(days=5))
    assert asked(w, customer) == [33, 33, 33, 33, 2]  # 133.9 in all


def test_two_series_and_usage_on_the_same_invoices(balances: BalanceWorld) -> None:
    """Each series sums to what was agreed, whatever else the invoices ask for; lines of a document sum to its total."""
    w = balances
    metric, _, card = w.priced(price="0.4")
    customer = w.customer()
    start, end = YEAR
    for at in (w.days_ago(30), w.days_ago(1)):
        w.use(customer, metric, 1, at)
    monthly = {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"}
    w.contract(
        customer, card, start, usage_statement_schedule=monthly, ending_before=end,
        scheduled_charges_on_usage_invoices="ALL", commits=[divided(w, 1000), divided(w, 500, frequency="QUARTERLY")],
    )  # fmt: skip
    w.run_due_work()
    rows = list(Invoice.objects.filter(status="FINALIZED").prefetch_related("lines"))
    made = [line for row in rows for line in row.lines.all()]
    by_commit: dict[Any, Any] = {}
    for line in made:
        if line.type == "commit_purchase":
            by_commit[line.commit_id] = by_commit.get(line.commit_id, 0) + line.document_amount
    assert sorted(by_commit.values()) == [500, 1000]
    for row in rows:
        counted = [line.document_amount for line in row.lines.all() if line.counted]
        assert sum(counted) == row.document_total == row.total == row.subtotal + row.rounding
    assert sum(row.total for row in rows) == 1500 + sum(
        line.document_amount for line in made if line.type != "commit_purchase" and line.counted
    )
