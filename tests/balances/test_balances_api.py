"""Commits and credits as the official SDK drives them: every method, filters, paging, cost, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from balances.models import Balance, LedgerEntry
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, exact

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def w(sdk: Metronome) -> BalanceWorld:
    return BalanceWorld(sdk)


def test_a_commit_of_a_customer_from_its_making_to_its_end(w: BalanceWorld) -> None:
    customer = w.customer()
    contract = w.open_contract(customer, None, 3)
    made = w.sdk.v1.customers.commits.create(
        customer_id=customer, type="PREPAID", product_id=w.fixed(), priority=7, name="Annual plan",
        description="for staff only", invoice_contract_id=contract, uniqueness_key="plan-2026",
        netsuite_sales_order_id="SO-1", applicable_product_tags=["compute"], rate_type="LIST_RATE",
        access_schedule=w.schedule((1000, w.days_ago(2), w.days_ago(-30))),
        invoice_schedule={"schedule_items": [{"timestamp": w.days_ago(-1), "unit_price": 300, "quantity": 3}]},
    ).data.id  # fmt: skip
    [commit] = w.sdk.v1.customers.commits.list(customer_id=customer, include_balance=True, include_ledgers=True)
    assert (commit.id, commit.type, commit.name, commit.priority) == (made, "PREPAID", "Annual plan", 7)
    assert (commit.product.name, commit.netsuite_sales_order_id) == ("Credits", "SO-1")
    assert (commit.applicable_product_tags, commit.rate_type) == (["compute"], "LIST_RATE")
    assert commit.invoice_contract is not None
    assert commit.invoice_contract.id == contract
    [segment] = commit.access_schedule.schedule_items
    [item] = commit.invoice_schedule.schedule_items
    assert (exact(segment.amount), segment.starting_at, segment.ending_before) == (1000, w.days_ago(2), w.days_ago(-30))
    assert (exact(item.amount), exact(item.unit_price), exact(item.quantity)) == (900, 300, 3)
    assert item.invoice_id is not None
    assert exact(commit.balance) == 1000

    w.sdk.v2.contracts.edit_commit(
        customer_id=customer, commit_id=made, name="Plan", priority=2, applicable_product_tags=None,
        applicable_product_ids=[],
        invoice_schedule={"update_schedule_items": [{"id": item.id, "unit_price": 250}]},
    )  # fmt: skip
    w.sdk.v1.customers.commits.update_end_date(
        customer_id=customer, commit_id=made, access_ending_before=w.days_ago(-10)
    )
    [edited] = w.sdk.v1.customers.commits.list(customer_id=customer, commit_id=made)
    assert (edited.name, edited.priority, edited.applicable_product_tags) == ("Plan", 2, None)
    assert edited.access_schedule.schedule_items[0].ending_before == w.days_ago(-10)
    assert exact(edited.invoice_schedule.schedule_items[0].amount) == 750
    assert edited.balance is None


def test_a_credit_of_a_customer_from_its_making_to_its_end(w: BalanceWorld) -> None:
    customer = w.customer()
    made = w.sdk.v1.customers.credits.create(
        customer_id=customer, product_id=w.fixed(), priority=1, name="Welcome", uniqueness_key="welcome",
        access_schedule=w.schedule((500, w.days_ago(2), w.days_ago(-30))),
    ).data.id  # fmt: skip
    [segment] = w.held(customer)[0].access_schedule.schedule_items
    w.sdk.v1.contracts.add_manual_balance_entry(
        id=made, customer_id=customer, segment_id=segment.id, amount=-20, reason="used by mistake",
        timestamp=w.days_ago(1),
    )  # fmt: skip
    w.sdk.v2.contracts.edit_credit(
        customer_id=customer, credit_id=made, description="promised by phone",
        access_schedule={"update_schedule_items": [{"id": segment.id, "amount": 600}]},
    )  # fmt: skip
    [credit] = w.sdk.v1.customers.credits.list(customer_id=customer, include_balance=True, include_ledgers=True)
    assert (credit.id, credit.type, credit.name, credit.description) == (made, "CREDIT", "Welcome", "promised by phone")
    assert exact(credit.balance) == sum(exact(entry.amount) for entry in credit.ledger) == 580
    assert [(entry.type, entry.timestamp) for entry in credit.ledger][-1] == ("CREDIT_MANUAL", w.days_ago(1))
    w.sdk.v1.customers.credits.update_end_date(
        customer_id=customer, credit_id=made, access_ending_before=w.now.replace(minute=0, second=0, microsecond=0)
    )
    assert w.net(customer) == 0


def test_one_uniqueness_key_for_commits_and_credits(w: BalanceWorld, http: httpx.Client) -> None:
    customer = w.customer()
    w.grant(customer, 5, w.today, w.days_ago(-1), uniqueness_key="once")
    body = {"customer_id": customer, "type": "PREPAID", "product_id": w.fixed(), "priority": 1,
            "access_schedule": {"schedule_items": [{"amount": 1, "starting_at": w.today.isoformat(),
                                                    "ending_before": w.days_ago(-1).isoformat()}]},
            "uniqueness_key": "once"}  # fmt: skip
    answer = http.post("/v1/contracts/customerCommits/create", json=body)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (409, "false")
    assert Balance.objects.count() == 1


def test_which_balances_a_list_shows(w: BalanceWorld, http: httpx.Client) -> None:
    customer = w.customer()
    past = w.grant(customer, 5, w.days_ago(9), w.days_ago(8), name="past")
    present = w.grant(customer, 5, w.days_ago(2), w.days_ago(-2), name="present")
    future = w.grant(customer, 5, w.days_ago(-5), w.days_ago(-9), name="future")
    spent = w.grant(customer, 5, w.days_ago(2), w.days_ago(-2), name="spent")
    [segment] = w.held(customer, id=spent)[0].access_schedule.schedule_items
    w.manual(customer, spent, segment.id, -5, "all of it")
    w.open_contract(customer, None, 3, credits=[w.credit(7, w.days_ago(3), w.days_ago(-3), name="of the contract")])
    http.post("/v2/contracts/credits/archive", json={"customer_id": customer, "credit_id": past}).raise_for_status()

    def names(**query: Any) -> list[str]:
        return sorted(row.name or "" for row in w.sdk.v1.contracts.list_balances(customer_id=customer, **query))

    own = {"include_contract_balances": False}
    assert names(**own) == ["future", "present", "spent"]
    assert names(**own, include_archived=True) == ["future", "past", "present", "spent"]
    assert names() == names(include_contract_balances=True) == ["future", "of the contract", "present", "spent"]
    assert names(**own, covering_date=w.days_ago(1)) == ["present", "spent"]
    assert names(**own, starting_at=w.days_ago(-3)) == ["future"]
    assert names(**own, effective_before=w.days_ago(-3)) == ["present", "spent"]
    assert names(**own, exclude_zero_balances=True) == ["present"]
    assert [row.name for row in w.sdk.v1.customers.credits.list(customer_id=customer, limit=1000)] == [
        "spent", "future", "present",
    ]  # fmt: skip
    assert names(id=present) == ["present"]
    assert {row.id: exact(row.balance) for row in w.held(customer, id=future)} == {future: 0}
    one = w.sdk.v1.contracts.list_balances(customer_id=customer, limit=1, **own)
    assert one.next_page is not None
    assert len(list(one)) == 3


def test_what_can_be_spent_by_kind_and_by_choice(w: BalanceWorld) -> None:
    customer = w.customer()
    credit = w.grant(customer, 5, w.days_ago(2), w.days_ago(-2))
    w.sdk.v1.customers.commits.create(
        customer_id=customer, type="PREPAID", product_id=w.fixed(), priority=1,
        access_schedule=w.schedule((30, w.days_ago(2), w.days_ago(-2))), custom_fields={},
    )  # fmt: skip
    assert w.net(customer) == w.net(customer, credit_type_id=USD) == 35
    assert w.net(customer, filters=[{"balance_types": ["CREDIT"]}]) == 5
    assert w.net(customer, filters=[{"balance_types": ["PREPAID_COMMIT"]}]) == 30
    assert w.net(customer, filters=[{"ids": [credit]}, {"balance_types": ["PREPAID_COMMIT"]}]) == 35
    assert w.net(customer, filters=[{"ids": [credit], "balance_types": ["PREPAID_COMMIT"]}]) == 0
    assert w.net(customer, filters=[]) == 35
    assert w.net(w.customer()) == 0


LIST = "/v1/contracts/customerBalances/list"
NET = "/v1/contracts/customerBalances/getNetBalance"
MANUAL = "/v1/contracts/addManualBalanceLedgerEntry"


@pytest.mark.parametrize(
    ("path", "change", "refused"),
    [
        (LIST, {"customer_id": None}, (400, "customer_id")),
        (LIST, {"customer_id": "x"}, (400, "customer_id")),
        (LIST, {"customer_id": NOBODY}, (404, "customer_id")),
        (LIST, {"limit": "20"}, (400, "limit")),
        (LIST, {"limit": 0}, (400, "limit")),
        (LIST, {"next_page": "made up"}, (400, "next_page")),
        (LIST, {"covering_date": "yesterday"}, (400, "covering_date")),
        (LIST, {"include_balance": "yes"}, (400, "include_balance")),
        (NET, {"customer_id": NOBODY}, (404, "customer_id")),
        (NET, {"credit_type_id": "USD"}, (400, "credit_type_id")),
        (NET, {"filters": [{"balance_types": ["GIFT"]}]}, (400, "balance_types")),
        (NET, {"filters": {}}, (400, "filters")),
        (NET, {"invoice_inclusion_mode": "ALL"}, (400, "invoice_inclusion_mode")),
        (MANUAL, {"amount": 0}, (400, "amount")),
        (MANUAL, {"amount": "many"}, (400, "amount")),
        (MANUAL, {"amount": None}, (400, "amount")),
        (MANUAL, {"reason": ""}, (400, "reason")),
        (MANUAL, {"reason": None}, (400, "reason")),
        (MANUAL, {"id": NOBODY}, (404, "id")),
        (MANUAL, {"customer_id": NOBODY}, (404, "id")),
        (MANUAL, {"segment_id": NOBODY}, (400, "segment_id")),
        (MANUAL, {"contract_id": NOBODY}, (400, "contract_id")),
        (MANUAL, {"timestamp": "2001-01-01T00:00:00Z"}, (400, "timestamp")),
        (MANUAL, {"per_group_amounts": {"a": 1}}, (400, "per_group_amounts")),
    ],
)
def test_what_cannot_be_is_refused(
    w: BalanceWorld, http: httpx.Client, path: str, change: dict[str, Any], refused: tuple[int, str]
) -> None:
    customer = w.customer()
    credit = w.grant(customer, 5, w.days_ago(2), w.days_ago(-2))
    body: dict[str, Any] = {"customer_id": customer}
    if path == MANUAL:
        [segment] = w.held(customer)[0].access_schedule.schedule_items
        body |= {"id": credit, "segment_id": segment.id, "amount": 1, "reason": "because"}
    entries = LedgerEntry.objects.count()
    answer = http.post(path, json=body | change)
    status, word = refused
    assert (answer.status_code, word in answer.json()["message"]) == (status, True), answer.text
    assert LedgerEntry.objects.count() == entries


def test_a_list_costs_the_same_however_much_there_is(w: BalanceWorld, http: httpx.Client) -> None:
    def cost(customer: str, path: str = LIST, **query: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            http.post(path, json={"customer_id": customer} | query).raise_for_status()
        return len(queries)

    def make(balances: int) -> str:
        customer = w.customer()
        metric, _, card = w.priced(price=1)
        w.open_contract(customer, card, 3)
        w.use(customer, metric, 9, w.days_ago(1))
        for number in range(balances):
            w.grant(customer, 2, w.days_ago(5) + timedelta(hours=number), w.days_ago(-2))
        return customer

    whole = {"include_balance": True, "include_ledgers": True, "include_contract_balances": True}
    few, many = make(2), make(12)
    ask: Callable[[str], tuple[int, ...]] = lambda customer: (  # noqa: E731
        cost(customer), cost(customer, **whole), cost(customer, NET)
    )  # fmt: skip
    assert ask(few) == ask(many)
    assert cost(many, **whole) <= 20
    assert cost(many, NET) <= 14
