"""No API key of a person gives prepaid money away that its maker could not give alone; over HTTP only."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.models import User
from metronome import Metronome

from tests.conftest import BASE
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.test_adjustments import Person
from tests.scenarios.test_seat_entries import opened, running
from tests.scenarios.test_seats import shares

pytestmark = pytest.mark.calendar

ENTRY = "/v1/contracts/addManualBalanceLedgerEntry"
MILLION = 1_000_000
Made = Callable[[Person, str], httpx.Client]


@pytest.fixture
def people(wsgi: httpx.WSGITransport, db: None) -> Iterator[tuple[Person, Person]]:
    """Two owners: Olga, who makes keys, and Otto."""
    with httpx.Client(transport=wsgi, base_url=BASE) as one, httpx.Client(transport=wsgi, base_url=BASE) as two:
        yield Person(one, "olga", "owner"), Person(two, "otto", "owner")


@pytest.fixture
def made(wsgi: httpx.WSGITransport) -> Made:
    """A client with a key that somebody made in the back office, with this limit in USD."""

    def make(person: Person, limit: str = "") -> httpx.Client:
        answer = person.post("/admin/core/apikey/add/", name="Own", scopes="*", expires_on="", adjustment_limit=limit)
        secret = re.search(r"tactus_live_\w+", answer.text)
        assert secret, answer.text
        return httpx.Client(transport=wsgi, base_url=BASE, headers={"Authorization": f"Bearer {secret[0]}"})

    return make


class Held:
    """A customer with a credit of 50 USD."""

    def __init__(self, w: BalanceWorld) -> None:
        self.w = w
        self.customer = w.customer()
        self.credit = w.grant(self.customer, 5000, w.days_ago(5), w.days_ago(-25))
        self.segment = w.held(self.customer)[0].access_schedule.schedule_items[0].id

    def entry(self, client: httpx.Client, cents: Any, **more: Any) -> httpx.Response:
        body = {"id": self.credit, "customer_id": self.customer, "segment_id": self.segment, "amount": cents}
        return client.post(ENTRY, json=body | {"reason": "by my own key"} | more)

    def net(self) -> Any:
        return self.w.net(self.customer)


def statuses(*answers: httpx.Response) -> list[int]:
    return [answer.status_code for answer in answers]


def test_an_owners_own_key_waits_above_what_they_may_post_alone(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    """1,000,000 USD: nothing moves until another person agrees, who is not the maker of the key."""
    w, (olga, otto) = Held(balances), people
    key = made(olga, "")
    answer = w.entry(key, 100 * MILLION)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["adjustment"]["status"], told["adjustment"]["approval"]) == ("PENDING", "AMOUNT")
    assert told["message"].startswith("this waits for a second person")
    assert w.net() == 5000
    page = olga.http.get(f"/admin/balances/adjustment/{told['adjustment']['id']}/change/").text
    assert "API key Own of olga" in page
    assert "An API key of yours asked for this" in page
    assert olga.decide(w.customer, "approve") == 400
    assert olga.decide(w.customer, "reject", "no") == 400
    assert w.net() == 5000
    assert otto.decide(w.customer, "approve") == 302
    assert w.net() == 5000 + 100 * MILLION
    [line] = [line for row in balances.held(w.customer) for line in row.ledger if line.type == "CREDIT_MANUAL"]
    assert line.reason == "by my own key"


def test_within_the_limit_the_answer_is_what_it_is_for_integrations(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    w = Held(balances)
    answer = w.entry(made(people[0], "250.50"), 25_050)
    assert (answer.status_code, answer.content) == (200, b"")
    assert w.net() == 30_050
    assert w.entry(made(people[1], "250.50"), 25_051).json()["adjustment"]["approval"] == "AMOUNT"


def test_the_official_sdk_takes_either_answer(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made, wsgi: httpx.WSGITransport
) -> None:
    w = Held(balances)
    secret = made(people[0], "1").headers["Authorization"].removeprefix("Bearer ")
    with httpx.Client(transport=wsgi) as client:
        sdk = Metronome(base_url=BASE, bearer_token=secret, http_client=client, max_retries=0)
        for amount in (100, 101):
            sdk.v1.contracts.add_manual_balance_entry(
                id=w.credit, customer_id=w.customer, segment_id=w.segment, amount=amount, reason="x"
            )
    assert w.net() == 5100


def test_no_way_of_splitting_gets_past_the_day(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    """Many entries, many customers, two keys of one person, key and back office, giving and taking."""
    olga, otto = people
    first, second, mine = Held(balances), Held(balances), made(olga, "1000")
    assert statuses(*(first.entry(mine, 40_000) for _ in range(4))) == [200, 200, 202, 202]
    assert second.entry(mine, 20_001).json()["adjustment"]["approval"] == "KEY_SUM"
    assert second.entry(mine, -20_001).status_code == 202
    # the key has 200 left; another of hers counts for her, and so does the back office: 10,000 in all
    other = made(olga, "10000")
    assert second.entry(other, 900_000).status_code == 200
    third = Held(balances)
    assert third.entry(other, 20_001).json()["adjustment"]["approval"] == "MAKER_SUM"
    third_fresh = Held(balances)
    olga.entry(third_fresh.customer, third_fresh.segment, "300")
    assert third_fresh.net() == 5000
    olga.entry(third_fresh.customer, third_fresh.segment, "200")
    assert third_fresh.net() == 25_000
    assert third.entry(mine, 1).json()["adjustment"]["approval"] == "MAKER_SUM"
    # what one customer got counts whoever gave it
    assert second.entry(made(otto, "10000"), 100_001).json()["adjustment"]["approval"] == "CUSTOMER_SUM"
    assert third.entry(made(otto, "10000"), 100_001).status_code == 200


def test_a_day_later_the_limit_is_whole_again(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made, later: Callable[[float], None]
) -> None:
    w, key = Held(balances), made(people[0], "100")
    later(0)
    assert statuses(w.entry(key, 10_000), w.entry(key, 1)) == [200, 202]
    later(timedelta(hours=24).total_seconds())
    assert statuses(w.entry(key, 10_000), w.entry(key, 1)) == [200, 202]


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_superuser": False}])
def test_a_key_of_somebody_who_left_posts_nothing_alone(
    change: dict[str, bool], balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    w, key = Held(balances), made(people[0], "100")
    assert w.entry(key, 1).status_code == 200
    User.objects.filter(username="olga").update(**change)
    assert w.entry(key, 1).json()["adjustment"]["approval"] == "AMOUNT"
    assert w.net() == 5001


def test_a_key_made_on_the_server_may_have_a_limit(
    balances: BalanceWorld, people: tuple[Person, Person], wsgi: httpx.WSGITransport, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no maker: anybody with the right decides."""
    from django.core.management import CommandError, call_command

    call_command("create_api_key", "cron", adjustment_limit="20")
    key = httpx.Client(
        transport=wsgi, base_url=BASE, headers={"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    )
    w = Held(balances)
    assert statuses(w.entry(key, 2000), w.entry(key, 1)) == [200, 202]
    assert people[0].decide(w.customer, "withdraw") == 400
    assert people[0].decide(w.customer, "approve") == 302
    assert w.net() == 7001
    for wrong in ("-1", "much", "NaN", "1e40"):
        with pytest.raises(CommandError, match="--adjustment-limit"):
            call_command("create_api_key", "cron", adjustment_limit=wrong)


def test_the_form_of_a_key_says_who_may_how_much(people: tuple[Person, Person]) -> None:
    olga = people[0]
    page = olga.http.get("/admin/core/apikey/add/").text
    assert 'value="10000"' in page
    for wrong, said in (
        ("10000.01", "May be 10,000.00 USD at most"),
        ("-1", "Write it like"),
        ("NaN", "Write it like"),
    ):
        answer = olga.post("/admin/core/apikey/add/", name="x", scopes="*", adjustment_limit=wrong)
        assert answer.status_code == 400
        assert said in answer.text
    assert olga.post("/admin/core/apikey/add/", name="Backend", scopes="*", adjustment_limit="12.5").status_code == 200
    assert "12.50 USD" in olga.http.get("/admin/core/apikey/").text
    found = re.search(r"/admin/core/apikey/([0-9a-f-]{36})/change/", olga.http.get("/admin/core/apikey/").text)
    assert found
    record = olga.http.get(found[0]).text
    assert "12.5 USD" in record  # the audit trail
    assert re.search(r"Made by.*olga", record, re.DOTALL)


def test_seats_wait_as_they_were_asked_for(
    subscriptions: SubscriptionWorld, people: tuple[Person, Person], made: Made
) -> None:
    """From one seat to another counts twice, though it sums to little; time and shares are as asked when approved."""
    w, (olga, otto) = subscriptions, people
    customer, contract = opened(w, w.card())
    child = running(w, customer)
    segments = {part.seat_id: part for part in child.access_schedule.schedule_items}
    key = made(olga, "1")
    body = {"id": child.id, "customer_id": customer, "contract_id": contract, "segment_id": segments["a"].id}
    asked = body | {"reason": "moved", "amount": 1, "uniqueness_key": "moving"}
    at = segments["a"].starting_at + timedelta(hours=1)
    waiting = key.post(
        ENTRY, json=asked | {"per_group_amounts": {"a": 90, "b": -89}, "timestamp": at.isoformat()}
    )  # fmt: skip
    assert waiting.json()["adjustment"]["approval"] == "AMOUNT"
    assert key.post(ENTRY, json=asked | {"per_group_amounts": {"a": 1}}).status_code == 409
    assert key.post(ENTRY, json=asked | {"per_group_amounts": {"a": 2}}).status_code == 400
    assert shares(w, customer, contract) == {"a": [100], "b": [100]}
    assert "a +0.90 USD, b -0.89 USD" in otto.http.get(
        f"/admin/balances/adjustment/{waiting.json()['adjustment']['id']}/change/"
    ).text.replace("\N{MINUS SIGN}", "-")
    assert otto.decide(customer, "approve") == 302
    assert shares(w, customer, contract) == {"a": [190], "b": [11]}
    entries = [line for line in running(w, customer).ledger if line.type == "CREDIT_MANUAL"]
    assert {(line.segment_id, int(line.amount), line.timestamp) for line in entries} == {
        (segments["a"].id, 90, at),
        (segments["b"].id, -89, at),
    }
    assert key.post(ENTRY, json=asked | {"per_group_amounts": {"a": 1}}).status_code == 409
    within = key.post(
        ENTRY, json=asked | {"uniqueness_key": "more", "amount": 0, "per_group_amounts": {"a": 5, "b": -5}}
    )
    assert within.status_code == 200
    assert shares(w, customer, contract) == {"a": [195], "b": [6]}


def test_what_nobody_can_measure_waits(balances: BalanceWorld, people: tuple[Person, Person], made: Made) -> None:
    w, key = balances, made(people[0], "10000")
    unit = w.sdk.post("/v1/credit-types/create", cast_to=dict[str, Any], body={"name": "Tokens"})["data"]["id"]
    customer = w.customer()
    access: Any = w.schedule((5, w.days_ago(5), w.days_ago(-5))) | {"credit_type_id": unit}
    credit = w.grant(customer, 5, w.days_ago(5), w.days_ago(-5), access_schedule=access)
    segment = w.held(customer)[0].access_schedule.schedule_items[0].id
    body = {"id": credit, "customer_id": customer, "segment_id": segment, "amount": 1, "reason": "x"}
    assert key.post(ENTRY, json=body).json()["adjustment"]["approval"] == "NO_WORTH"


def test_a_uniqueness_key_is_used_once_also_while_it_waits(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made, http: httpx.Client
) -> None:
    w, (olga, otto) = Held(balances), people
    key = made(olga, "10")
    assert statuses(w.entry(key, 5, uniqueness_key="one"), w.entry(key, 5, uniqueness_key="one")) == [200, 409]
    assert w.entry(key, 5000, uniqueness_key="one").status_code == 409
    assert statuses(w.entry(key, 5000, uniqueness_key="two"), w.entry(key, 5, uniqueness_key="two")) == [202, 409]
    # rejected or taken back, it is free again
    assert olga.decide(w.customer, "withdraw") == 302
    assert w.entry(key, 5000, uniqueness_key="two").status_code == 202
    # used meanwhile by a key without a limit: it cannot be posted any more
    assert w.entry(http, 5, uniqueness_key="two").status_code == 200
    assert otto.decide(w.customer, "approve") == 400
    assert otto.decide(w.customer, "reject", "was done already") == 302
    assert w.net() == 5010


def test_what_cannot_be_is_refused_before_it_waits(
    balances: BalanceWorld, people: tuple[Person, Person], made: Made
) -> None:
    w, key = Held(balances), made(people[0], "1")
    for more, status in (
        ({"segment_id": str(uuid4())}, 400), ({"timestamp": "2020-01-01T00:00:00Z"}, 400), ({"id": str(uuid4())}, 404),
        ({"contract_id": str(uuid4())}, 400), ({"amount": 0}, 400), ({"per_group_amounts": {"a": 5000}}, 400),
    ):  # fmt: skip
        assert w.entry(key, 5000, **more).status_code == status, more
    # asked again with the same Idempotency-Key it waits once
    again = [key.post(ENTRY, headers={"Idempotency-Key": "k"}, json=w_body(w, 5000)) for _ in range(2)]
    assert again[0].json() == again[1].json()


def w_body(w: Held, cents: int) -> dict[str, Any]:
    return {"id": w.credit, "customer_id": w.customer, "segment_id": w.segment, "amount": cents, "reason": "x"}


LINKS = (
    "http://tickets.example.com/5", "https://t.example/'onmouseover=alert(1)", 'https://t.example/"x', "https://t.example/<b>",
    "https://t.example/\\x", "https://t.example/a b", "https://t.example/\tx", "https://t.example/é", "https://é.example/",
    "https://tickets.example.com@evil.example/", "https://t.example/%zz", "javascript:alert(1)//https://t.example",
    "https:///x", "https://t.example/\x7f", "HTTPS://t.example", "https://t.example`",
)  # fmt: skip


def test_a_ticket_is_an_https_address_that_ends_no_attribute(
    balances: BalanceWorld, people: tuple[Person, Person]
) -> None:
    w, olga = Held(balances), people[0]
    page = f"/admin/customers/customer/{w.customer}/adjust/"

    def ask(link: str) -> int:
        return olga.post(
            page, kind="entry", segment_id=w.segment, amount="1", direction="add", key=str(uuid4()), confirmed="1",
            reason_code="OTHER", public_reason="x", ticket_url=link,
        ).status_code  # fmt: skip

    assert [link for link in LINKS if ask(link) != 400] == []
    assert w.net() == 5000
    assert ask("https://tickets.example.com:8443/browse/A-5?x=1&y=%C3%A9#c,(2)") == 302
    assert w.net() == 5100
