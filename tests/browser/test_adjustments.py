"""A support agent and a finance person at their desks: from the home page to a posted credit, by clicks and keys."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.clock import now
from core.staff import ensure_staff
from tests.browser.conftest import Watched, World
from tests.browser.desk import sign_in, signed_out

__all__ = ["signed_out"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]


class Hand:
    """Counts the clicks that a person makes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, role: str, name: str) -> None:
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def people(world: World, django_db_blocker: Any) -> None:
    """Committed, as the world is, so that the live server sees them."""
    with django_db_blocker.unblock():
        for name, role in (("sue", "support"), ("finn", "finance")):
            ensure_staff(username=name, role=role, password="secret-enough", full_name=f"{name.capitalize()} Desk")


@pytest.fixture
def customer(world: World, people: None) -> str:
    """Somebody with 50.00 USD."""
    at = now().replace(minute=0, second=0, microsecond=0)
    product = world.sdk.v1.contracts.products.create(name="Credits", type="FIXED").data.id
    made = world.sdk.v1.customers.create(name=f"Adjusted {at:%H} {product[:4]}").data
    schedule = {"schedule_items": [{"amount": 5000, "starting_at": at, "ending_before": at + timedelta(days=90)}]}
    world.sdk.v1.customers.credits.create(
        customer_id=made.id, name="Starter credit", product_id=product, priority=1, access_schedule=schedule
    )
    return made.name


def spendable(page: Page) -> str:
    return page.locator(".bo-tile", has_text="Can spend now").locator(".bo-figure").inner_text()


def test_support_grants_a_credit_in_five_clicks(world: World, customer: str, open_page: Callable[..., Watched]) -> None:
    page = open_page().page
    sign_in(page, world.web, "sue")
    hand = Hand(page)
    page.keyboard.press("Control+k")
    page.keyboard.type(customer, delay=5)
    hand.click("link", customer)
    hand.click("link", "Adjust balance")
    page.get_by_label("Amount").fill("25.00")
    page.get_by_label("Reason").select_option("Service credit (SLA)")
    page.get_by_label("In words, for the customer").fill("Sorry for the outage of 3 March")
    for fold in ("What it is called", "For staff only"):
        page.locator("summary", has_text=fold).press("Enter")
    page.get_by_label("Ticket").fill("https://tickets.example.com/1")
    page.get_by_role("combobox", name="Product", exact=True).select_option("Credits")  # from the second on, it is there
    hand.click("button", "See the effect")
    expect(page.get_by_text("Posted at once.")).to_be_visible()
    hand.click("button", "Grant the credit")
    expect(page.get_by_text(f"+25.00 USD is posted for {customer}.")).to_be_visible()
    assert spendable(page).startswith("75.00")
    assert hand.clicks <= 5
    page.get_by_role("link", name="See the record").click()
    expect(page.get_by_text("posted at once, within the limit")).to_be_visible()


def test_what_is_above_the_limit_is_approved_by_somebody_else(
    world: World, customer: str, open_page: Callable[..., Watched]
) -> None:
    page = open_page(width=360).page
    sign_in(page, world.web, "sue")
    page.goto(f"{world.web}/admin/customers/customer/?q={customer}")
    page.get_by_role("link", name=customer).click()
    page.get_by_role("link", name="Adjust balance").click()
    page.get_by_role("link", name="Change a balance").click()
    page.get_by_label("Amount").fill("1,500")
    page.get_by_label("In words, for the customer").fill("Credits that were billed twice")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_text("Finn Desk")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Send for approval").click()
    expect(page.get_by_text("waits for a second person").first).to_be_visible()
    assert spendable(page).startswith("50.00")
    page.get_by_role("link", name="See the record").click()
    expect(page.get_by_text("You asked for this yourself")).to_be_visible()
    expect(page.get_by_role("link", name="Approve")).to_have_count(0)

    sign_in(page, world.web, "finn")
    page.set_viewport_size({"width": 1300, "height": 900})
    page.get_by_role("link", name="Approvals").click()
    page.locator("#result_list tbody tr", has_text=customer).get_by_role("link").first.click()
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Note").fill("agreed")
    page.get_by_role("button", name="Approve and post").click()
    expect(page.get_by_text("+1,500.00 USD is posted")).to_be_visible()
    page.get_by_role("link", name="See the audit row").click()
    expect(page.get_by_text("Adjustment posted").or_(page.get_by_text("adjustment.posted")).first).to_be_visible()
    page.goto(f"{world.web}/admin/customers/customer/?q={customer}")
    page.get_by_role("link", name=customer).click()
    assert spendable(page).startswith("1,550.00")
    with page.expect_download() as download:
        page.get_by_role("link", name="Balances", exact=True).click()
        page.get_by_role("link", name="Starter credit").first.click()
        page.get_by_role("link", name="Export ledger").click()
    text = download.value.path().read_text("utf-8-sig")
    amounts = [Decimal(line.split(",")[8]) for line in text.splitlines()[1:]]
    assert sum(amounts) == Decimal("1550.00")
