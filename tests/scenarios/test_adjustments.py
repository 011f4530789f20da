"""What staff adjust, as the customer's API sees it; only HTTP (back office and API) and due work, no internals."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from metronome import BadRequestError

from core.staff import ensure_staff
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, exact


@pytest.fixture
def desk(db: None) -> Callable[[str, str], Client]:
    """A browser signed in as this person in this role."""

    def sign_in(name: str, role: str) -> Client:
        ensure_staff(username=name, role=role, password="secret-enough")
        client = Client()
        client.force_login(User.objects.get(username=name))
        return client

    return sign_in


def adjust(client: Client, customer: str, **data: Any) -> Any:
    words = {"reason_code": "SERVICE_CREDIT", "public_reason": "For the outage of 3 March", "note": "they shouted"}
    body = {"key": str(uuid4()), "confirmed": "1", **words, **data}
    answer = client.post(f"/admin/customers/customer/{customer}/adjust/", body, follow=True)
    assert answer.status_code == 200, answer.context["form"].errors
    return answer


def entry(client: Client, customer: str, segment: str, amount: str, direction: str = "add") -> Any:
    return adjust(client, customer, kind="entry", segment_id=segment, amount=amount, direction=direction)


def decide(client: Client, customer: str, what: str, note: str = "") -> int:
    """Opens the newest adjustment of the customer and decides on it."""
    page = client.get(f"/admin/balances/adjustment/?q={customer}")
    row = page.context["cl"].result_list[0]
    return client.post(f"/admin/balances/adjustment/{row.pk}/{what}/", {"note": note}).status_code


def test_from_the_desk_to_the_customers_ledger(balances: BalanceWorld, desk: Callable[[str, str], Client]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, 5)
    credit = w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    w.use(customer, metric, 12, w.days_ago(1))
    assert w.net(customer) == 3800
    sue, finn = desk("sue", "support"), desk("finn", "finance")

    entry(sue, customer, segment, "25.00")
    assert w.net(customer) == 6300
    [line] = [line for row in w.held(customer) for line in row.ledger if line.type == "CREDIT_MANUAL"]
    assert (exact(line.amount), line.reason) == (2500, "For the outage of 3 March")

    # above what support may post alone: nothing moves until finance agrees
    entry(sue, customer, segment, "400")
    assert w.net(customer) == 6300
    assert decide(sue, customer, "approve") == 403
    assert decide(finn, customer, "reject", "once is enough") == 302
    assert w.net(customer) == 6300
    entry(sue, customer, segment, "300")
    assert decide(finn, customer, "approve") == 302
    assert w.net(customer) == 36_300
    assert "they shouted" not in str([row.model_dump() for row in w.held(customer)])

    # the draft draws on it, and what it draws cannot be taken back by the rules of the ledger
    w.use(customer, metric, 350, w.days_ago(1))
    assert w.net(customer) == 1300
    assert exact(w.invoice(customer).total) == 0
    listed = next(row for row in w.held(customer) if row.id == credit)
    assert sum(exact(line.amount) for line in listed.ledger) == exact(listed.balance) == 1300


def test_a_granted_credit_pays_the_running_draft(balances: BalanceWorld, desk: Callable[[str, str], Client]) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer, product = w.customer(), w.fixed()
    w.open_contract(customer, card, 5)
    expiry = (w.today + timedelta(days=60)).date().isoformat()
    adjust(
        desk("sue", "support"), customer, kind="credit", amount="30", credit_type_id=USD, product_id=product,
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


def test_what_nobody_decides_is_withdrawn_by_due_work(
    balances: BalanceWorld, desk: Callable[[str, str], Client]
) -> None:
    w = balances
    customer = w.customer()
    w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    sue, finn = desk("sue", "support"), desk("finn", "finance")
    entry(sue, customer, segment, "400")
    w.run_due_work(until=w.now + timedelta(hours=73))
    assert decide(finn, customer, "approve") == 400
    assert w.net(customer) == 5000


def test_integrators_have_no_limits_and_use_none_up(balances: BalanceWorld, desk: Callable[[str, str], Client]) -> None:
    w = balances
    customer = w.customer()
    credit = w.grant(customer, 5000, w.days_ago(5), w.days_ago(-25))
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    w.manual(customer, credit, segment, 9_000_000, "migrated from elsewhere")
    entry(desk("sue", "support"), customer, segment, "100")
    assert w.net(customer) == 9_015_000
    with pytest.raises(BadRequestError, match="amount"):
        w.manual(customer, credit, segment, 0, "nothing")
