"""Draft, preview, breakdowns, console and final invoice agree where everything stands on one bill.

Usage, charges on the date of a usage invoice, subscriptions, seats, and balances that several contracts share.
"""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.test_pricing_agreement import SAME, breakdown_sums, console_rows, preview, read
from tests.scenarios.world import exact

pytestmark = pytest.mark.django_db
DAYS = 40
NOTHING = [{"event_type": "something else", "properties": {}}]


def test_a_preview_has_the_charges_of_the_draft(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    """A commit billed at the period's end of a contract that puts such charges on its usage invoices."""
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    start = w.days_ago(5)
    commit = w.prepaid(500, w.days_ago(-30), w.days_ago(-60), [(w.days_ago(-2), 500)])
    w.contract(
        customer, card, start, scheduled_charges_on_usage_invoices="ALL", commits=[commit],
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
    )  # fmt: skip
    w.use(customer, metric, 3, w.days_ago(1))
    path = f"/v1/customers/{customer}/invoices"
    [draft] = read(http, path)
    lines = [(line["type"], line["total"]) for line in draft["line_items"]]
    assert (draft["total"], lines) == (800, [("usage", 300), ("commit_purchase", 500)])
    assert preview(http, customer, NOTHING, "merge") == [draft]
    query = {"starting_on": start.isoformat(), "ending_before": draft["end_timestamp"]}
    assert breakdown_sums(http, path, query) == {draft["id"]: 800}
    w.run_due_work(until=w.days_ago(-4))
    final = read(http, f"{path}/{draft['id']}")
    assert (final["status"], final["total"]) == ("FINALIZED", 800)


def contract(w: SubscriptionWorld, dice: random.Random, customer: str, card: str, seat: str) -> None:
    """A contract that began 40 days ago, with some of everything that may stand on its bills."""
    start = w.days_ago(DAYS)
    end = w.days_ago(-60)
    commits = []
    if dice.random() < 0.7:  # billed on the day on which a period ends, or on another one
        at = dice.choice([w.days_ago(DAYS - 7), w.days_ago(DAYS - 14), w.days_ago(DAYS - 42), w.days_ago(3)])
        amount = dice.choice([500, 33.3])
        commits.append(w.prepaid(amount, start, end, [(at, amount)], priority=dice.randint(1, 3)))
    subscribed = []
    if dice.random() < 0.7:
        kind = dice.choice(["ARREARS", "ADVANCE"])
        subscribed.append(w.subscription(seat, "WEEKLY", kind, initial_quantity=dice.randint(1, 3)))
    if dice.random() < 0.4:
        subscribed.append(w.seats(seat, ["ann", "bob"], frequency="WEEKLY", temporary_id="s"))
    more: dict[str, Any] = {}
    if dice.random() < 0.7:
        more["scheduled_charges_on_usage_invoices"] = "ALL"
    if dice.random() < 0.5:
        more["credits"] = [w.credit(dice.choice([50, 400]), start, end, priority=dice.randint(1, 3))]
    w.contract(
        customer, card, start, commits=commits, subscriptions=subscribed,
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"}, **more,
    )  # fmt: skip


def living(w: SubscriptionWorld, http: httpx.Client, customer: str) -> dict[str, Any]:
    return {row["id"]: row for row in read(http, f"/v1/customers/{customer}/invoices", limit=100)}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(seed=1)
@given(seed=st.integers(0, 10**6))
def test_all_ways_to_read_a_bill_with_everything_on_it_agree(
    subscriptions: SubscriptionWorld, http: httpx.Client, seed: int
) -> None:
    w, dice = subscriptions, random.Random(seed)
    metric, _, card = w.priced(price=dice.choice([100, 0.123]))
    seat = w.priced_seat(card, dice.choice([700, 12.345]), "WEEKLY")
    customer = w.customer()
    if dice.random() < 0.8:
        w.grant(customer, dice.choice([100, 1234.5]), w.days_ago(DAYS), w.days_ago(-60), priority=dice.randint(1, 3))
    for _ in range(dice.randint(1, 3)):
        contract(w, dice, customer, card, seat)
    for _ in range(12):
        w.use(customer, metric, dice.randint(1, 4), w.now - timedelta(minutes=dice.randint(1, 33 * 24 * 60)))
    path = f"/v1/customers/{customer}/invoices"
    drafts = living(w, http, customer)
    for row in drafts.values():
        assert sum((line["total"] for line in row["line_items"]), Decimal(0)) == row["subtotal"]
        assert row["subtotal"] + row["rounding"] == row["total"]
        assert console_rows(http, customer, row["id"])[-1] == (0, row["total"])
    running = [row for row in drafts.values() if row["type"] == "USAGE" and row["end_timestamp"] > w.now.isoformat()]
    shown = {row["id"]: row for row in preview(http, customer, NOTHING, "merge")}
    assert shown == {row["id"]: row for row in running}
    query = {"starting_on": w.days_ago(DAYS).isoformat(), "ending_before": w.days_ago(-20).isoformat()}
    parts = breakdown_sums(http, path, query)
    assert parts == {id_: row["subtotal"] for id_, row in drafts.items() if row["type"] == "USAGE" and id_ in parts}
    assert {id_ for id_, row in drafts.items() if row["type"] == "USAGE" and row["subtotal"]} <= set(parts)
    net = w.net(customer)
    w.run_due_work()
    for id_, row in living(w, http, customer).items():
        if row["status"] == "FINALIZED" and id_ in drafts:
            assert {name: row[name] for name in SAME} == {name: drafts[id_][name] for name in SAME}
            assert console_rows(http, customer, id_)[-1] == (0, row["total"])
    assert exact(w.net(customer)) == exact(net)
