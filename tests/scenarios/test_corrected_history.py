"""What a finalized invoice drew from stays as it is; the refusal says how to correct it, and that works."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.django_db
ITEMS = "access_schedule.{}_schedule_items.0"


def test_a_segment_that_an_invoice_drew_from(balances: BalanceWorld, http: httpx.Client) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 2, w.days_ago(19))
    start = w.days_ago(20)
    w.open_contract(
        customer, card, 20, ending_before=w.days_ago(10),
        commits=[w.prepaid(500, start, w.days_ago(-20), [(w.days_ago(15), 500)], priority=1)],
    )  # fmt: skip
    w.run_due_work(until=w.now + timedelta(minutes=5))
    [commit] = w.held(customer)
    segment = commit.access_schedule.schedule_items[0].id
    assert exact(commit.balance) == 300

    def edit(**change: Any) -> httpx.Response:
        body = {"customer_id": customer, "commit_id": commit.id, "access_schedule": change}
        return http.post("/v2/contracts/commits/edit", json=body)

    def changed(**fields: Any) -> list[dict[str, Any]]:
        return [{"id": segment} | fields]

    late = w.days_ago(-5).isoformat()
    refused = {
        ITEMS.format("remove"): edit(remove_schedule_items=changed()),
        ITEMS.format("update") + ".amount": edit(update_schedule_items=changed(amount=100)),
        ITEMS.format("update"): edit(update_schedule_items=changed(starting_at=late)),
    }
    for field, answer in refused.items():
        assert answer.status_code == 400, field
        assert field in answer.json()["message"]
        assert "void it first, and regenerate it after the change" in answer.json()["message"]
    assert exact(w.held(customer)[0].balance) == 300

    [usage] = [row.id for row in w.invoices(customer, status="FINALIZED") if row.type == "USAGE"]
    w.sdk.v1.invoices.void(id=usage)
    assert edit(update_schedule_items=changed(amount=100)).status_code == 200
    w.sdk.v1.invoices.regenerate(id=usage)
    w.run_due_work(until=w.now + timedelta(minutes=5))
    [again] = [row for row in w.invoices(customer, status="FINALIZED") if row.type == "USAGE"]
    assert (exact(again.total), exact(w.held(customer)[0].balance)) == (100, 0)
