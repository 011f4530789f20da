"""Changing many commits and credits of a contract at once: as many statements as for a few, and each is changed."""

from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import OutboxEvent
from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.django_db
FEW, MANY = 3, 30
A_FEW_MORE = 4


def contract_of(w: BalanceWorld, http: httpx.Client, number: int) -> dict[str, Any]:
    """A contract with so many commits, invoiced once each, and as many credits."""
    fixed, start, end = w.fixed(), w.days_ago(5), w.days_ago(-25)
    segment = {"schedule_items": [{"amount": 100, "starting_at": start, "ending_before": end}]}
    one = {"product_id": fixed, "access_schedule": segment}
    bill = {"schedule_items": [{"timestamp": w.days_ago(-3), "amount": 7}]}
    sold = one | {"type": "PREPAID", "invoice_schedule": bill}
    body = {
        "customer_id": w.customer(), "starting_at": start,
        "commits": [sold | {"name": f"c{index}"} for index in range(number)],
        "credits": [one | {"name": f"c{index}"} for index in range(number)],
    }  # fmt: skip
    contract = posted(http, "/v1/contracts/create", wire(body))["id"]
    return {"customer_id": body["customer_id"], "contract_id": contract}


def test_what_changes_in_many_costs_no_statements_of_its_own(balances: BalanceWorld, http: httpx.Client) -> None:
    w = balances
    product, other = w.product(w.metric(), tags=["ai"]), w.fixed()
    counts = []
    for number in (FEW, MANY):
        ids = contract_of(w, http, number)
        before = posted(http, "/v2/contracts/get", ids)
        changes = {
            f"update_{kind}s": [
                {f"{kind}_id": row["id"], "name": f"{row['name']} changed", "priority": index, "product_id": other,
                 "applicable_product_ids": [product], "netsuite_sales_order_id": f"SO-{index}"}
                for index, row in enumerate(before[f"{kind}s"])
            ]
            for kind in ("commit", "credit")
        }  # fmt: skip
        with CaptureQueriesContext(connection) as asked:
            posted(http, "/v2/contracts/edit", ids | changes)
        counts.append(len(asked))
        after = posted(http, "/v2/contracts/get", ids)
        for kind in ("commit", "credit"):
            rows = {row["id"]: row for row in after[f"{kind}s"]}
            for change in changes[f"update_{kind}s"]:
                row = rows[change[f"{kind}_id"]]
                assert (row["name"], exact(row["priority"]), row["product"]["id"], row["netsuite_sales_order_id"]) == (
                    change["name"], change["priority"], other, change["netsuite_sales_order_id"]
                )  # fmt: skip
                assert row["applicable_product_ids"] == [product]
        drafts = [row for row in w.invoices(ids["customer_id"]) if row.type == "SCHEDULED"]
        lines = {(line.name, line.product_id) for row in drafts for line in row.line_items}
        assert lines == {(change["name"], other) for change in changes["update_commits"]}
        told = OutboxEvent.objects.filter(customer_id=ids["customer_id"], name__endswith=".edited")
        assert told.filter(name="commit.edited").count() == told.filter(name="credit.edited").count() == number
    assert abs(counts[1] - counts[0]) <= A_FEW_MORE, counts


def test_one_that_is_named_twice_is_changed_twice(balances: BalanceWorld, http: httpx.Client) -> None:
    """In the order of the request; schedules change beside the terms, and one fault changes nothing."""
    w = balances
    ids = contract_of(w, http, 2)
    [first, second] = posted(http, "/v2/contracts/get", ids)["commits"]
    item = {"id": first["access_schedule"]["schedule_items"][0]["id"], "amount": 250}
    both = [
        {"commit_id": first["id"], "name": "one", "priority": 5},
        {"commit_id": first["id"], "name": "two", "access_schedule": {"update_schedule_items": [item]}},
    ]
    wrong = {"commit_id": second["id"], "product_id": first["id"]}
    said = posted(http, "/v2/contracts/edit", ids | {"update_commits": [*both, wrong]}, 400)["message"]
    assert said == "update_commits.2.product_id: no such product"
    unknown = {"commit_id": ids["contract_id"], "name": "none"}
    said = posted(http, "/v2/contracts/edit", ids | {"update_commits": [*both, unknown]}, 400)["message"]
    assert said == "update_commits.2.commit_id: the contract has no such commit or credit"
    names = {row["name"] for row in posted(http, "/v2/contracts/get", ids)["commits"]}
    assert names == {"c0", "c1"}
    posted(http, "/v2/contracts/edit", ids | {"update_commits": both})
    [now] = [row for row in posted(http, "/v2/contracts/get", ids)["commits"] if row["id"] == first["id"]]
    shown = now["access_schedule"]["schedule_items"][0]
    assert (now["name"], exact(now["priority"]), exact(shown["amount"])) == ("two", 5, 250)
