"""What an invoice says adds up on every surface, whatever pays: products to the subtotal, files to the total.

What usage fulfils of a postpaid commit is owed all the same: it stands there as information, never as a payment.
"""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings as settings_of_django
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.types import InvoiceView
from console import services
from core.clock import now
from core.staff import ensure_staff
from invoices.pdf.document import invoice_document
from invoices.selectors import get_invoice
from invoices.selectors.document import with_document
from tests.scenarios.balance_world import BalanceWorld

MINIMUM = "Enterprise minimum"
SESSION = settings_of_django.SESSION_COOKIE_NAME
PAGE = "/admin/invoices/invoicelisting/{}/"


@dataclass
class Screens:
    """An invoice as each surface shows it."""

    customer: str
    client: httpx.Client
    staff: dict[str, str]

    def __post_init__(self) -> None:
        _, code = services.create_embed_session(customer_id=UUID(self.customer), now=now())
        self.token = services.exchange(secret=code, parent_origin="", now=now()).token

    def console(self, invoice: str) -> str:
        return self._get(f"/console/invoices/{invoice}")

    def console_csv(self, invoice: str) -> list[dict[str, str]]:
        made = self.client.post("/console/downloads", data={"path": f"invoices/{invoice}.csv"}, headers=self._headers)
        link = json.loads(made.headers["HX-Trigger"])["tactus:download"]["url"]
        return list(csv.DictReader(StringIO(self.client.get(link).text)))

    def back_office(self, invoice: str) -> str:
        page = self.client.get(PAGE.format(invoice) + "change/", headers=self.staff)
        assert page.status_code == 200
        return page.text

    def back_office_csv(self, invoice: str) -> list[dict[str, str]]:
        file = self.client.get(PAGE.format(invoice) + "lines.csv", headers=self.staff).content
        return list(csv.DictReader(StringIO(file.decode("utf-8-sig"))))

    def view(self, invoice: str) -> InvoiceView:
        return with_document(get_invoice(customer_id=UUID(self.customer), invoice_id=UUID(invoice), now=now()))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _get(self, path: str) -> str:
        answer = self.client.get(path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def screens(wsgi: httpx.WSGITransport, db: None) -> Callable[[str], Screens]:
    ensure_staff(username="books", role="finance", password="secret-enough")
    browser = Client()
    browser.force_login(User.objects.get(username="books"))
    client = httpx.Client(transport=wsgi, base_url="http://testserver")
    cookie = {"Cookie": f"{SESSION}={browser.cookies[SESSION].value}"}
    return lambda customer: Screens(customer, client, cookie)


@dataclass(frozen=True)
class Deal:
    """Balances in cents (0: none), usage in units of 0.37 cents and of 5 cents, and what the minimum is for."""

    prepaid: int
    credit: int
    postpaid: int
    tokens: int
    images: int
    minimum_for_tokens_alone: bool


def deal(balances: BalanceWorld, made: Deal) -> str:
    """A customer with a billed month and a running one, each with this usage."""
    start, end = balances.days_ago(40), balances.days_ago(-300)
    tokens, images = balances.metric(), balances.metric()
    products = [balances.product(tokens, "Tokens"), balances.product(images, "Images")]
    card = balances.card()
    balances.rate(card, products[0], tiers=[{"size": 1000, "price": "0.37"}, {"price": "0.21"}])
    balances.rate(card, products[1], price=5)
    customer = balances.customer()
    commits: list[Any] = []
    if made.prepaid:
        commits.append(balances.prepaid(made.prepaid, start, end, name="Annual commit"))
    if made.postpaid:
        only = {"applicable_product_ids": products[:1]} if made.minimum_for_tokens_alone else {}
        commits.append(balances.postpaid(made.postpaid, start, end, name=MINIMUM, **only))
    credits_ = [balances.credit(made.credit, start, end, name="Welcome")] if made.credit else []
    balances.open_contract(customer, card, days=40, commits=commits, credits=credits_)
    for at in (balances.days_ago(20), balances.days_ago(1)):
        balances.use(customer, tokens, made.tokens, at)
        balances.use(customer, images, made.images, at)
    balances.run_due_work()
    return customer


def amounts(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows if row[column]), Decimal(0))


def read(figure: str) -> Decimal:
    return Decimal(figure.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def heads(html: str, pattern: str) -> Decimal:
    return sum((read(figure) for figure in re.findall(pattern, html)), Decimal(0))


CONSOLE_HEAD = r'<h2 class="row"><span>[^<]*</span> <span class="n">([^<]+)</span>'
BACK_OFFICE_HEAD = r'class="bo-n[^>]* title="([^"]+)"'
deals = st.builds(
    Deal,
    prepaid=st.sampled_from([0, 300, 5_000]),
    credit=st.sampled_from([0, 125]),
    postpaid=st.sampled_from([0, 700, 4_000_000]),
    tokens=st.integers(0, 3_001),
    images=st.integers(0, 90),
    minimum_for_tokens_alone=st.booleans(),
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deals)
def test_products_sum_to_the_subtotal_and_files_to_the_total(
    balances: BalanceWorld, screens: Callable[[str], Screens], made: Deal
) -> None:
    customer = deal(balances, made)
    shown = screens(customer)
    for invoice in balances.invoices(customer, status="DRAFT") + balances.invoices(customer, status="FINALIZED"):
        view = shown.view(invoice.id)
        subtotal, total = view.subtotal / 100, view.total / 100
        # people's pages: products to the subtotal; in whole coins they are those of the document
        page = shown.back_office(invoice.id)
        blocks = page.split('class="bo-product"')[1:]
        assert sum((read(re.findall(BACK_OFFICE_HEAD, block)[0]) for block in blocks), Decimal(0)) == subtotal
        page = shown.console(invoice.id)
        assert heads(page, CONSOLE_HEAD) == total
        # the document: whole coins
        document = invoice_document(view)
        products_ = [row["amount"]["text"] for row in document["rows"] if row["level"] == 0]
        assert sum((read(figure) for figure in products_), Decimal(0)) == total
        # files
        rows = shown.console_csv(invoice.id)
        assert rows[-1]["line"] == "Total"
        assert amounts(rows[:-1], "amount") == Decimal(rows[-1]["amount"]) == total
        assert amounts(shown.back_office_csv(invoice.id), "total") == total


def test_what_counts_towards_a_minimum_is_said_and_not_paid(
    balances: BalanceWorld, screens: Callable[[str], Screens]
) -> None:
    customer = deal(balances, Deal(0, 0, 40_000, tokens=1_000, images=10, minimum_for_tokens_alone=False))
    shown = screens(customer)
    [final] = balances.invoices(customer, status="FINALIZED")
    assert final.total == 420
    said = f"Counts towards {MINIMUM}: 4.20 USD, 395.80 USD to go"
    document = invoice_document(shown.view(final.id))
    assert document["towards"] == [said]
    for page in (shown.console(final.id), shown.back_office(final.id)):
        assert said in page
    for text in (shown.console(final.id), shown.back_office(final.id), str(document["rows"])):
        assert "paid by" not in text
    [draft] = balances.invoices(customer, status="DRAFT", type="USAGE")[:1]
    assert f"Counts towards {MINIMUM}: 4.20 USD, 391.60 USD to go" in shown.console(draft.id)
    for rows, column in ((shown.console_csv(final.id), "amount"), (shown.back_office_csv(final.id), "total")):
        counting = [row for row in rows if row["towards_commit"]]
        assert {row["towards_commit"] for row in counting} == {MINIMUM}
        assert amounts(counting, "towards_amount") == Decimal("4.20")
        assert all(not row[column] for row in counting)
    lines = [line for line in final.line_items if line.type == "applied_commit_or_credit"]
    assert sum(line.total for line in lines) == -420, "the API lists them as ever"


def test_why_says_that_a_line_counts_towards_the_minimum(
    balances: BalanceWorld, screens: Callable[[str], Screens]
) -> None:
    customer = deal(balances, Deal(0, 0, 40_000, tokens=1_000, images=10, minimum_for_tokens_alone=True))
    shown = screens(customer)
    [final] = balances.invoices(customer, status="FINALIZED")
    links = re.findall(r'hx-get="(/console/panels/invoices/[0-9a-f-]+/lines/[0-9a-f-]+)"', shown.console(final.id))
    told = [shown._get(link) for link in links]
    assert sorted("Counts towards" in text for text in told) == [False, True]
