"""Making a contract in a browser: the effect is shown before anything is stored, on wide and narrow screens."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, World
from tests.browser.desk import narrow, people, sign_in, signed_out

__all__ = ["people", "signed_out"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("width", [1000, 360])
def test_a_contract_is_made_and_changed(width: int, world: World, open_page: Callable[..., Watched]) -> None:
    watched = open_page(width=width)
    page = watched.page
    sign_in(page, world.web, "olga")
    customer = world.sdk.v1.customers.create(name=f"Made by hand, {width}").data
    page.goto(f"{world.web}/admin/contracts/contract/")
    page.get_by_role("link", name="New contract").click()
    page.get_by_label("Customer").fill("nobody at all")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_label("Customer")).to_be_focused()
    expect(page.get_by_text("No customer has this name")).to_be_visible()
    page.get_by_label("Customer").fill(customer.name)
    page.get_by_label("Name of the contract").fill("By hand")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_text("New draft")).to_be_visible()
    assert not list(world.sdk.v2.contracts.list(customer_id=customer.id).data)
    assert narrow(page)
    page.get_by_role("button", name="Create the contract").click()
    expect(page.get_by_role("heading", name="By hand")).to_be_visible()
    assert [one.name for one in world.sdk.v2.contracts.list(customer_id=customer.id).data] == ["By hand"]
    page.get_by_role("link", name="Add price override").click()
    page.get_by_label("Factor").fill("0.8")
    page.get_by_role("button", name="See the effect").click()
    page.get_by_role("button", name="Agree on this price").click()
    expect(page.get_by_text("list price times 0.8", exact=True)).to_be_visible()
    assert narrow(page)
    for where in ("catalog/billablemetric", "catalog/product", "catalog/ratecard"):
        page.goto(f"{world.web}/admin/{where}/add/")
        assert narrow(page), where
    page.goto(f"{world.web}/admin/contracts/contract/")
    assert narrow(page)
    assert watched.violations == []
