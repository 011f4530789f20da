"""What staff adjust, as the customer's API sees it; only HTTP (back office and API) and due work, no internals."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from metronome import BadRequestError

from core.staff import ensure_staff
from tests.conftest import BASE
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.calendar


class Person:
    """A member of staff at the back office: pages and forms over HTTP."""

    def __init__(self, http: httpx.Client, name: str, role: str) -> None:
        ensure_staff(username=name, role=role, password="secret-enough")
        self.http = http
        http.get("/admin/login/")
        assert self.post("/admin/login/", username=name, password="secret-enough").status_code == 302

    def post(self, path: str, **data: Any) -> httpx.Response:
        return self.http.post(path, data={"csrfmiddlewaretoken": self.http.cookies["csrftoken"], **data})

    def adjust(self, customer: str, **data: Any) -> None:
        """Fills in the form and confirms it."""
        words = {"reason_code": "SERVICE_CREDIT", "public_reason": "For the outage of 3 March", "note": "they shouted"}
        body = {"key": str(uuid4()), "confirmed": "1", **words, **data}
        answer = self.post(f"/admin/customers/customer/{customer}/adjust/", **body)
        assert answer.status_code == 302, answer.text

    def entry(self, customer: str, segment: str, amount: str) -> None:
        self.adjust(customer, kind="entry", segment_id=segment, amount=amount, direction="add")

    def decide(self, customer: str, what: str, note: str = "") -> int:
        """Decides on the customer's newest adjustment."""
        page = self.http.get(f"/admin/balances/adjustment/?q={customer}").text
        found = re.search(r"/admin/balances/adjustment/([0-9a-f-]{36})/change/", page)
        assert found
        return self.post(f"/admin/balances/adjustment/{found[1]}/{what}/", note=note).status_code


@pytest.fixture
def staff(wsgi: httpx.WSGITransport, db: None) -> Iterator[tuple[Person, Person]]:
    """Sue of support, and Finn of finance."""
    with httpx.Client(transport=wsgi, base_url=BASE) as one, httpx.Client(transport=wsgi, base_url=BASE) as two:
        yield Person(one, "sue", "support"), Person(two, "finn", "finance")


def test_from_the_desk_to_the_customers_ledger(balances: BalanceWorld, staff: tuple[Person, Person]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, 5)
    credit = w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    w.use(customer, metric, 12, w.days_ago(1))
    assert w.net(customer) == 3800
    sue, finn = staff

    sue.entry(customer, segment, "25.00")
    assert w.net(customer) == 6300
    [line] = [line for row in w.held(customer) for line in row.ledger if line.type == "CREDIT_MANUAL"]
    assert (exact(line.amount), line.reason) == (2500, "For the outage of 3 March")

    # above what support may post alone: nothing moves until finance agrees
    sue.entry(customer, segment, "400")
    assert w.net(customer) == 6300
    assert sue.decide(customer, "approve") == 403
    assert finn.decide(customer, "reject", "once is enough") == 302
    assert w.net(customer) == 6300
    sue.entry(customer, segment, "300")
    assert finn.decide(customer, "approve") == 302
    assert w.net(customer) == 36_300
    assert "they shouted" not in str([row.model_dump() for row in w.held(customer)])

    # the draft draws on it, and what it draws cannot be taken back by the rules of the ledger
    w.use(customer, metric, 350, w.days_ago(1))
    assert w.net(customer) == 1300
    assert exact(w.invoice(customer).total) == 0
    listed = next(row for row in w.held(customer) if row.id == credit)
    assert sum(exact(line.amount) for line in listed.ledger) == exact(listed.balance) == 1300


def test_a_granted_credit_pays_the_running_draft(balances: BalanceWorld, staff: tuple[Person, Person]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer, product = w.customer(), w.fixed()
    w.open_contract(customer, card, 5)
    expiry = (w.today + timedelta(days=60)).date().isoformat()
    staff[0].adjust(
        customer, kind="credit", amount="30", credit_type_id=USD, product_id=product,
        ending_before=expiry, name="Sorry",
    )  # fmt: skip
    [row] = w.held(customer)
    assert (row.name, row.product.id, exact(row.balance)) == ("Sorry", product, 3000)
    assert [(line.type, line.reason) for line in row.ledger] == [
        ("CREDIT_SEGMENT_START", "For the outage of 3 March")
    ]  # fmt: skip
    w.use(customer, metric, 7, w.now)
    assert w.net(customer) == 2300
    assert exact(w.invoice(customer).total) == 0


def test_what_nobody_decides_is_withdrawn_by_due_work(balances: BalanceWorld, staff: tuple[Person, Person]) -> None:
    w = balances
    customer = w.customer()
    w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    sue, finn = staff
    sue.entry(customer, segment, "400")
    w.run_due_work(until=w.now + timedelta(hours=73))
    assert finn.decide(customer, "approve") == 400
    assert w.net(customer) == 5000


def test_integrators_have_no_limits_and_use_none_up(balances: BalanceWorld, staff: tuple[Person, Person]) -> None:
    w = balances
    customer = w.customer()
    credit = w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    w.manual(customer, credit, segment, 9_000_000, "migrated from elsewhere")
    staff[0].entry(customer, segment, "100")
    assert w.net(customer) == 9_015_000
    with pytest.raises(BadRequestError, match="amount"):
        w.manual(customer, credit, segment, 0, "nothing")
