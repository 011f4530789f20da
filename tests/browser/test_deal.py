"""The guide of contracts, walked in a browser: customer, product with a rate, contract, commit, amendment, renewal."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched, World
from tests.browser.desk import narrow, people, sign_in, signed_out

__all__ = ["people", "signed_out"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]


def send(page: Page, effect: bool, button: str) -> None:
    if effect:
        page.get_by_role("button", name="See the effect").click()
        expect(page.get_by_text("This will happen")).to_be_visible()
    page.get_by_role("button", name=button).click()


def look(page: Page, name: str) -> None:
    """Nothing of it lies beyond the screen."""
    assert narrow(page), name


def make_customer(page: Page, web: str, width: int) -> None:
    """And says who it is on paper."""
    page.goto(f"{web}/admin/customers/customer/")
    page.get_by_role("link", name="New customer").click()
    page.get_by_label("Name", exact=True).fill(f"Globex {width}")
    page.get_by_label("Ingest aliases").fill(f"globex-{width}")
    send(page, effect=False, button="Create the customer")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Legal name").fill("Globex GmbH")
    page.get_by_label("Street and so on").fill("Hauptstraße 1")
    page.get_by_label("City").fill("Berlin")
    page.get_by_label("Tax ids").fill("eu_vat DE136695976")
    look(page, "party")
    send(page, effect=False, button="Keep these details")
    expect(page.get_by_text("eu_vat DE136695976")).to_be_visible()
    look(page, "customer")


def make_product(page: Page, web: str, width: int) -> None:
    """Two, one with a rate."""
    page.goto(f"{web}/admin/catalog/product/add/")
    page.get_by_label("Name", exact=True).fill(f"Prepayment {width}")
    page.get_by_label("Type").select_option("FIXED")
    send(page, effect=False, button="Create the product")
    page.goto(f"{web}/admin/catalog/product/add/")
    page.get_by_label("Name", exact=True).fill(f"Calls {width}")
    page.get_by_label("Billable metric").select_option(index=1)
    send(page, effect=False, button="Create the product")
    page.goto(f"{web}/admin/catalog/ratecard/")
    page.get_by_role("link", name="Scale 2026").first.click()
    page.get_by_role("link", name="Add rates").click()
    page.locator("[name=text]").fill(f"product\tprice\tstarting_at\nCalls {width}\t0.02\t2026-01-01\n")
    page.locator("[value=check-sheet]").click()
    page.locator("[name=reason]").fill("New product")
    look(page, "rates")
    page.locator("[value=save]").click()
    expect(page.get_by_role("link", name=f"Calls {width}", exact=True)).to_be_visible()


def make_contract(page: Page, web: str, width: int) -> str:
    """Returns when it ends."""
    page.goto(f"{web}/admin/customers/customer/?q=globex-{width}")
    page.get_by_role("link", name=f"Globex {width}").first.click()
    page.get_by_role("link", name="New contract").click()
    page.get_by_label("Name of the contract").fill("Globex 2026")
    page.get_by_label("Rate card").select_option(index=1)
    start = page.get_by_label("Starts (UTC)").input_value()
    end = f"{int(start[:4]) + 1}{start[4:]}"
    page.get_by_label("Ends before (UTC)").fill(end)
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_text("New draft").first).to_be_visible()
    look(page, "contract-effect")
    page.get_by_role("button", name="Create the contract").click()
    return end


def add_commit(page: Page, width: int) -> None:
    """To the contract whose page is open."""
    page.get_by_role("link", name="Add commit or credit").click()
    page.locator("[name=name]").fill("Annual commit")
    page.get_by_label("Booked under").select_option(f"Prepayment {width}")
    page.locator("[name=amount]").fill("1,000.00")
    page.locator("[name=price]").fill("900")
    look(page, "commit")
    send(page, effect=True, button="Add it")
    expect(page.get_by_role("link", name="Annual commit").first).to_be_visible()


def amend(page: Page, width: int) -> None:
    """A charge, a price, and the price taken away again."""
    page.get_by_role("link", name="Add scheduled charge").click()
    page.get_by_label("Booked under").select_option(f"Prepayment {width}")
    page.locator("[name=name]").fill("Set-up")
    page.get_by_label("Price of one").fill("250")
    send(page, effect=True, button="Add the charge")
    page.get_by_role("link", name="Add price override").click()
    page.get_by_label("Factor").fill("0.9")
    page.get_by_role("button", name="See the effect").click()
    look(page, "amendment-effect")
    page.get_by_role("button", name="Agree on this price").click()
    expect(page.get_by_text("Scheduled charge added: Set-up, 250.00 USD").first).to_be_visible()
    look(page, "contract")

    page.get_by_role("link", name="Take away").first.click()
    page.get_by_label("Reason").fill("Agreed by mistake")
    look(page, "take-away")
    send(page, effect=True, button="Take it away")
    expect(page.get_by_text("Price override taken away").first).to_be_visible()


def renew(page: Page, end: str) -> None:
    """On the same terms, from `end` on."""
    page.get_by_role("link", name="Renew", exact=True).click()
    assert page.get_by_label("Starts (UTC)").input_value() == end
    page.get_by_label("Name of the contract").fill("Globex 2027")
    send(page, effect=True, button="Create the contract")
    expect(page.get_by_role("heading", name="Globex 2027")).to_be_visible()
    expect(page.get_by_role("link", name="Globex 2026").first).to_be_visible()
    look(page, "renewal")


@pytest.mark.parametrize("width", [1000, 360])
def test_a_deal_is_made_as_the_guide_says(width: int, world: World, open_page: Callable[..., Watched]) -> None:
    watched = open_page(width=width)
    page = watched.page
    sign_in(page, world.web, "olga")
    make_customer(page, world.web, width)
    make_product(page, world.web, width)
    end = make_contract(page, world.web, width)
    add_commit(page, width)
    amend(page, width)
    renew(page, end)
    assert watched.violations == []
