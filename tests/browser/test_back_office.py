"""The back office's forms in a browser: what is focused, what is folded, and a file that is chosen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, World
from tests.browser.desk import narrow, people, sign_in, signed_out

__all__ = ["people", "signed_out"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]


def test_a_credit_is_led_to_begin_with_the_draft(world: World, open_page: Callable[..., Watched]) -> None:
    page = open_page(width=360).page
    sign_in(page, world.web, "olga")
    page.goto(f"{world.web}/admin/customers/customer/{world.customer}/adjust/")
    product = world.sdk.v1.contracts.products.create(name="Make good", type="FIXED").data.id
    page.reload()
    assert page.locator("details.bo-more[open]").count() == 0
    page.get_by_label("Amount").fill("lots")
    page.get_by_label("In words, for the customer").fill("Sorry for the outage")
    for fold in ("What it is called", "For staff only"):
        page.locator("summary", has_text=fold).press("Enter")
    page.get_by_role("combobox", name="Product", exact=True).select_option(product)
    page.get_by_label("Ticket").fill("https://tickets.example.com/1")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_label("Amount")).to_be_focused()
    expect(page.get_by_label("Ticket")).to_be_visible()
    expect(page.get_by_label("Expires on")).to_be_hidden()
    page.get_by_label("Amount").fill("2,50")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_text("Usable from")).not_to_have_count(0)
    expect(page.get_by_text("is not paid by it")).not_to_have_count(0)
    assert narrow(page)
    page.get_by_role("button", name="Begin 1 Nov 2026 instead").click()
    expect(page.get_by_text("It pays 2.50 USD of this draft.")).to_be_visible()
    assert narrow(page)
    page.get_by_role("button", name="Change something").click()
    expect(page.get_by_label("Pays usage from")).to_be_visible()


def test_a_file_is_chosen_without_an_error_and_the_first_wrong_thing_has_the_focus(
    world: World, open_page: Callable[..., Watched]
) -> None:
    watched = open_page()
    page = watched.page
    sign_in(page, world.web, "olga")
    page.goto(f"{world.web}/admin/catalog/ratecard/")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("link", name="Add rates").click()
    field = page.get_by_label("Or a CSV file")
    field.set_input_files(files=[{"name": "rates.csv", "mimeType": "text/csv", "buffer": b"product,price\nx,1"}])
    assert watched.thrown == []
    page.get_by_role("button", name="See the effect").last.click()
    expect(page.get_by_role("alert").first).to_be_focused()
    assert [text for text in watched.complaints if "favicon" in text] == []


def test_what_the_menu_opens_is_called_so_and_its_button_says_what_it_makes(
    world: World, open_page: Callable[..., Watched]
) -> None:
    page = open_page().page
    sign_in(page, world.web, "olga")
    page.set_viewport_size({"width": 1300, "height": 900})
    page.get_by_role("link", name="Commits & credits").click()
    expect(page.get_by_role("heading", level=1, name="Commits & credits")).to_be_visible()
    page.get_by_role("link", name="Embed origins").click()
    expect(page.get_by_role("code").filter(has_text=world.host)).to_be_visible()
    expect(page.get_by_text("not to be removed here")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 800})
    expect(page.get_by_role("link", name="New embed origin")).to_be_visible()
    assert narrow(page)
    page.get_by_role("link", name="New embed origin").click()
    page.get_by_role("button", name="Allow origin").click()
    expect(page.get_by_label("Origin")).to_be_focused()
