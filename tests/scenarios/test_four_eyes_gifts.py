"""What API keys of people give away in credits and commits counts like entries by hand; over HTTP only."""

import json
from typing import Any

import httpx
import pytest

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_adjustments import Person
from tests.scenarios.test_four_eyes_api import Held, Made, made, people, statuses
from tests.scenarios.world import USD

__all__ = ["made", "people"]
pytestmark = pytest.mark.calendar

CREDIT = "/v1/contracts/customerCredits/create"
COMMIT = "/v1/contracts/customerCommits/create"
CONTRACT = "/v1/contracts/create"
EDIT = "/v2/contracts/edit"
REFUSED = "is more than this API key may give alone; ask for it in the back office, or use a key with a higher limit"


def send(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    content = json.dumps(body, default=lambda at: at.isoformat())
    return client.post(path, content=content, headers={"Content-Type": "application/json"})


class Shop:
    """A customer, and a key of Olga's that may give 100 USD."""

    def __init__(self, w: BalanceWorld, olga: Person, made: Made) -> None:
        self.w, self.key = w, made(olga, "100")
        self.card = w.card()
        self.customer = w.customer()
        self.start, self.end = w.days_ago(5), w.days_ago(-25)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return send(self.key, path, {"customer_id": self.customer} | body)

    def credit(self, cents: Any, **more: Any) -> Any:
        return self.w.credit(cents, self.start, self.end, priority=1, **more)

    def contract(self, **terms: Any) -> httpx.Response:
        return self.post(CONTRACT, rate_card_id=self.card, starting_at=self.start, **terms)

    def opened(self) -> str:
        return self.w.open_contract(self.customer, self.card, 5)

    def edit(self, contract: str, **terms: Any) -> httpx.Response:
        return self.post(EDIT, contract_id=contract, **terms)

    def recurring(self, cents: Any, **more: Any) -> Any:
        return self.w.recurring(cents, self.start, recurrence_frequency="MONTHLY", **more)


@pytest.fixture
def shop(balances: BalanceWorld, people: tuple[Person, Person], made: Made) -> Shop:
    return Shop(balances, people[0], made)


def is_refused(answer: httpx.Response, field: str) -> bool:
    said = answer.json().get("message", "")
    return answer.status_code == 403 and said.startswith(f"{field}: ") and said.endswith(REFUSED)


def test_a_credit_above_the_limit_is_refused_and_nothing_is_stored(shop: Shop) -> None:
    answer = shop.post(CREDIT, **shop.credit(100_000_000))
    assert is_refused(answer, "access_schedule")
    assert "1,000,000.00 USD is more" in answer.json()["message"]
    assert shop.w.held(shop.customer) == []
    assert shop.post(CREDIT, **shop.credit(10_000)).status_code == 200
    assert shop.w.net(shop.customer) == 10_000


def test_credits_entries_and_the_back_office_count_together(
    shop: Shop, balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    olga, otto = people
    assert shop.post(CREDIT, **shop.credit(4_000)).status_code == 200
    held = Held(balances)
    assert held.entry(shop.key, 6_001).json()["adjustment"]["approval"] == "KEY_SUM"
    assert held.entry(shop.key, 6_000).status_code == 200
    assert is_refused(shop.post(CREDIT, **shop.credit(1)), "access_schedule")
    # her other key, and she herself: 10,000 USD in all, 100 of them are used
    other = made(olga, "")
    body = shop.credit(980_000) | {"customer_id": balances.customer()}
    assert send(other, CREDIT, body).status_code == 200
    fresh = Held(balances)
    olga.entry(fresh.customer, fresh.segment, "100.01")
    assert fresh.net() == 5000
    olga.entry(fresh.customer, fresh.segment, "100")
    assert fresh.net() == 15_000
    # what a customer got from a key counts for whoever gives to them
    his = made(otto, "")
    again = shop.credit(20_001) | {"customer_id": body["customer_id"]}
    assert send(his, CREDIT, again).status_code == 403


def test_integrations_grant_what_they_like(shop: Shop, http: httpx.Client) -> None:
    body = {"customer_id": shop.customer} | shop.credit(100_000_000)
    assert send(http, CREDIT, body).status_code == 200
    assert shop.post(CREDIT, **shop.credit(10_000)).status_code == 200


@pytest.mark.parametrize("through", ["create", "edit"])
def test_every_credit_of_a_contract_counts(through: str, shop: Shop) -> None:
    def ask(**terms: Any) -> httpx.Response:
        if through == "create":
            return shop.contract(**terms)
        return shop.edit(contract, **{f"add_{name}": value for name, value in terms.items()})

    contract = shop.opened() if through == "edit" else ""
    path = "" if through == "create" else "add_"
    many = [shop.credit(6_000), shop.credit(4_001)]
    assert is_refused(ask(credits=many), f"{path}credits")
    endless, long = shop.recurring(1), shop.recurring(5_000, ending_before=shop.w.days_ago(-80))
    assert is_refused(ask(recurring_credits=[endless]), f"{path}recurring_credits")
    assert is_refused(ask(recurring_credits=[long]), f"{path}recurring_credits")
    assert shop.w.held(shop.customer) == []
    within = shop.recurring(10, ending_before=shop.w.days_ago(-80))
    assert ask(credits=[shop.credit(6_000), shop.credit(3_000)], recurring_credits=[within]).status_code == 200
    assert is_refused(shop.post(CREDIT, **shop.credit(1_000)), "access_schedule")


def test_raising_what_is_there_counts(shop: Shop) -> None:
    credit = shop.w.grant(shop.customer, 5_000, shop.start, shop.end)
    segment = shop.w.held(shop.customer)[0].access_schedule.schedule_items[0].id

    def raised(to: int) -> httpx.Response:
        changed = {"update_schedule_items": [{"id": segment, "amount": to}]}
        return shop.post("/v2/contracts/credits/edit", credit_id=credit, access_schedule=changed)

    assert is_refused(raised(15_001), "access_schedule")
    assert shop.w.net(shop.customer) == 5_000
    added = {"add_schedule_items": [{"amount": 10_001, "starting_at": shop.end, "ending_before": shop.w.days_ago(-26)}]}
    answer = shop.post("/v2/contracts/credits/edit", credit_id=credit, access_schedule=added)
    assert is_refused(answer, "access_schedule")
    assert statuses(raised(1_000), raised(11_000)) == [200, 200]
    assert is_refused(raised(11_001), "access_schedule")
    assert shop.post("/v2/contracts/credits/edit", credit_id=credit, name="Renamed").status_code == 200


def test_raising_a_credit_of_a_contract_counts(shop: Shop) -> None:
    contract = shop.w.open_contract(
        shop.customer, shop.card, 5, credits=[shop.credit(500)], recurring_credits=[shop.recurring(100)]
    )
    credit = next(row for row in shop.w.held(shop.customer) if row.name is None or row.recurring_commit_id is None)
    segment = credit.access_schedule.schedule_items[0].id
    changed = {"update_schedule_items": [{"id": segment, "amount": 10_501}]}
    answer = shop.edit(contract, update_credits=[{"credit_id": credit.id, "access_schedule": changed}])
    assert is_refused(answer, "update_credits.0.access_schedule")
    recurring = shop.w.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=shop.customer).data.recurring_credits
    assert recurring
    name = {"recurring_credit_id": recurring[0].id}
    more = {"access_amount": {"unit_price": 101}}
    assert is_refused(
        shop.edit(contract, update_recurring_credits=[name | more]), "update_recurring_credits.0.access_amount"
    )
    less = name | {"access_amount": {"unit_price": 99}}
    assert shop.edit(contract, update_recurring_credits=[less]).status_code == 200
    ended = name | {"ending_before": shop.w.days_ago(-100), "access_amount": {"unit_price": 20_000}}
    assert shop.edit(contract, update_recurring_credits=[ended]).status_code == 403


def test_what_has_expired_is_given_again_by_a_later_end(shop: Shop) -> None:
    """Expired, then prolonged: what comes back counts."""
    credit = shop.w.grant(shop.customer, 20_000, shop.w.days_ago(40), shop.w.days_ago(3))
    shop.w.run_due_work()
    assert shop.w.net(shop.customer) == 0
    later = {"credit_id": credit, "access_ending_before": shop.end}
    assert is_refused(shop.post("/v1/contracts/customerCredits/updateEndDate", **later), "access_ending_before")
    assert shop.w.net(shop.customer) == 0


def test_a_commit_is_sold_unless_nothing_is_asked_for_it(shop: Shop) -> None:
    """An unbilled commit is a gift; one that is invoiced gives away what it grants above that."""
    contract = shop.opened()

    def commit(cents: int, asked: int, **more: Any) -> Any:
        invoiced = [(shop.start, asked)] if asked else []
        return shop.w.prepaid(cents, shop.start, shop.end, invoiced, priority=1, **more)

    assert is_refused(shop.post(COMMIT, **commit(10_001, 0)), "access_schedule")
    sold = commit(5_000_000, 4_995_000, invoice_contract_id=contract)
    made = shop.post(COMMIT, **sold)
    assert made.status_code == 200
    assert is_refused(shop.post(COMMIT, **commit(5_001, 0)), "access_schedule")
    outside = commit(5_001, 5_001)
    outside["invoice_schedule"]["do_not_invoice"] = True
    assert is_refused(shop.post(COMMIT, **outside), "access_schedule")
    assert shop.edit(contract, add_commits=[commit(9_000, 9_000)]).status_code == 200
    free = shop.recurring(1)
    assert is_refused(shop.edit(contract, add_recurring_commits=[free]), "add_recurring_commits")
    paid = shop.recurring(1, invoice_amount={"unit_price": 1, "quantity": 1, "credit_type_id": USD})
    assert shop.edit(contract, add_recurring_commits=[paid]).status_code == 200
    # what was sold is not made a gift afterwards
    [row] = [row for row in shop.w.held(shop.customer) if row.id == made.json()["data"]["id"]]
    [item] = row.invoice_schedule.schedule_items
    cheaper = {"update_schedule_items": [{"id": item.id, "unit_price": 1, "quantity": 1}]}
    answer = shop.post("/v2/contracts/commits/edit", commit_id=row.id, invoice_schedule=cheaper)
    assert answer.status_code == 403
