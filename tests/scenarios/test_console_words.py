"""What customers read: why a credit was given, what comes next, what their figures are before and after credits."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import httpx
import pytest

from console import services
from core.clock import now
from presentation import formatting
from tests.conftest import BASE
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_adjustments import Person
from tests.scenarios.world import USD


class Visitor:
    """A customer at the console."""

    def __init__(self, http: httpx.Client, customer: str) -> None:
        _, code = services.create_embed_session(customer_id=UUID(customer), now=now())
        token = services.exchange(secret=code, parent_origin="", now=now()).token
        self.http, self.headers = http, {"Authorization": f"Bearer {token}", "HX-Request": "true"}

    def reads(self, path: str) -> str:
        """The words of a page or panel."""
        answer = self.http.get(f"/console/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())

    def file(self, path: str) -> list[dict[str, str]]:
        made = self.http.post("/console/downloads", data={"path": path}, headers=self.headers)
        link = json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"]
        return list(csv.DictReader(StringIO(self.http.get(link).text)))


@pytest.fixture
def bare(wsgi: httpx.WSGITransport, db: None) -> Iterator[httpx.Client]:
    with httpx.Client(transport=wsgi, base_url=BASE) as http:
        yield http


def charge(w: BalanceWorld, **contract: Any) -> tuple[str, Any]:
    """A customer of a plan by the month at a dollar each, and its metric."""
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, **contract)
    return customer, metric


def test_the_reason_of_a_credit_reaches_the_customer(balances: BalanceWorld, bare: httpx.Client) -> None:
    w = balances
    customer, _ = charge(w)
    expiry = (w.today + timedelta(days=60)).date().isoformat()
    sue = Person(bare, "sue", "support")
    sue.adjust(
        customer, kind="credit", amount="30", credit_type_id=USD, product_id=w.fixed(), ending_before=expiry,
        public_reason="Sorry for the outage on 28 Nov", note="they shouted",
    )  # fmt: skip
    visitor, words = Visitor(bare, customer), "Credit granted: Sorry for the outage on 28 Nov"
    assert words in visitor.reads("panels/credits/ledger")
    assert "Why it was given Sorry for the outage on 28 Nov" in visitor.reads("panels/credits/grants")
    assert [row["movement"] for row in visitor.file("credits.csv")] == [words]
    for panel in ("ledger", "grants"):
        assert "they shouted" not in visitor.reads(f"panels/credits/{panel}")


@pytest.mark.usefixtures("grace_of_a_day")
@pytest.mark.instant(datetime.fromisoformat("2026-11-17T12:00:00+00:00"))
def test_the_next_invoice_is_the_one_that_comes_next(balances: BalanceWorld, bare: httpx.Client) -> None:
    """On the first day of a period the one before is still in its grace: it is issued first, with its amount."""
    w = balances
    customer, metric = charge(w, days=31)
    w.use(customer, metric, 12, w.days_ago(5))
    w.use(customer, metric, 3, w.now)
    closing, running = sorted(w.invoices(customer, status="DRAFT"), key=lambda row: row.start_timestamp)[:2]
    assert closing.end_timestamp <= w.now and running.start_timestamp <= w.now  # noqa: PT018 - it is in its grace
    words = Visitor(bare, customer).reads("panels/charged")
    issued = formatting.day(closing.end_timestamp + timedelta(days=1))
    assert f"Next invoice {issued} 12.00 USD for" in words
    assert "Charged so far, net 3.00 USD" in words


def test_events_count_also_where_a_balance_pays_or_a_commit_is_fulfilled(
    balances: BalanceWorld, bare: httpx.Client
) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    for commits, charged, paid in (
        ([w.postpaid(40_000, w.days_ago(5), w.days_ago(-300))], "7.00", ""),
        ([w.prepaid(300, w.days_ago(5), w.days_ago(-300))], "4.00", ", after 3.00 of credits and commits"),
    ):
        customer = w.customer()
        w.open_contract(customer, card, commits=commits)
        w.use(customer, metric, 4, w.days_ago(1))
        w.use(customer, metric, 3, w.days_ago(1))
        words = Visitor(bare, customer).reads("panels/charged")
        assert f"Charged so far, net {charged} USD" in words
        assert f"{paid} , from 2 events" in words.replace(", from", " , from")


def test_credits_and_their_next_expiry_stand_on_the_overview(balances: BalanceWorld, bare: httpx.Client) -> None:
    w = balances
    customer, metric = charge(w)
    none = Visitor(bare, customer)
    assert "what is left of your credits" not in none.http.get("/console/panels/charged", headers=none.headers).text
    w.grant(customer, 5000, w.days_ago(5), w.days_ago(-10), name="Welcome")
    w.use(customer, metric, 12, w.days_ago(1))
    visitor = Visitor(bare, customer)
    assert "panels/credits/left" in visitor.http.get("/console/panels/charged", headers=visitor.headers).text
    words = visitor.reads("panels/credits/left")
    assert "Credits left 38.00 USD" in words
    assert f"Next expiry {formatting.last_day(w.days_ago(-10))}: 38.00 USD of Welcome" in words
    assert "expire" in words


def test_a_contract_to_come_says_when_it_starts(balances: BalanceWorld, bare: httpx.Client) -> None:
    w = balances
    _, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, days=-14)
    words = Visitor(bare, customer).reads("panels/charged")
    assert f"Your contract starts on {formatting.day(w.days_ago(-14))}" in words
    assert "There is no earlier period" in Visitor(bare, customer).reads("panels/compared")


def test_what_is_sold_by_the_million_says_so(balances: BalanceWorld, bare: httpx.Client) -> None:
    w = balances
    metric, card, customer = w.metric(), w.card(), w.customer()
    by_the_million = {"conversion_factor": 1_000_000, "operation": "DIVIDE"}
    w.rate(card, w.product(metric, quantity_conversion=by_the_million), price=10)
    w.open_contract(customer, card)
    w.use(customer, metric, 466_105_524, w.days_ago(1))
    words = Visitor(bare, customer).reads(f"invoices/{w.invoice(customer, w.days_ago(1)).id}")
    assert "466.105524 million \N{MULTIPLICATION SIGN} 0.10 USD per million" in words
