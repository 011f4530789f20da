"""What the console says and where it lands: what cannot be opened, what has ended, events and lines one asked for."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Watched, World, settle
from tests.browser.test_console import console_frame, visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
OpenPage = Callable[..., Watched]


def test_what_was_never_opened_is_no_session_that_ended(world: World, open_page: OpenPage) -> None:
    watched = open_page()

    def refuse(route: Route) -> None:
        route.fulfill(status=403, body="{}", content_type="application/json")

    watched.page.route("**/billing/code*", refuse)
    watched.page.goto(world.page_of())
    panel = watched.frame.get_by_role("region", name="Billing could not be opened")
    expect(panel).to_be_focused()
    expect(panel).not_to_contain_text("kept")
    assert any("tactus-console" in text and "answered 403" in text for text in watched.complaints)
    watched.page.unroute("**/billing/code*", refuse)
    panel.get_by_role("button", name="Reload").click()
    expect(watched.frame.locator(".figure").first).to_be_visible()
    expect(panel).to_be_hidden()


def test_figures_of_a_session_that_ended_are_hidden(console: Watched, world: World) -> None:
    console.page.route("**/billing/code*", lambda route: route.fulfill(status=403, body="{}"))
    console.page.route("**/console/usage", lambda route: route.fulfill(status=401, body="{}"))
    console.frame.get_by_role("link", name="Usage").click()
    expect(console.frame.get_by_role("region", name="Session ended")).to_be_focused()
    expect(console.frame.locator(".figure").first).to_be_hidden()


def test_events_that_were_asked_for_get_the_focus_and_are_announced(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame
    visit(watched, world, "/invoices/{final}")
    line = frame.locator("details.line", has=frame.get_by_text("first 500")).first
    line.locator("summary").focus()
    watched.page.keyboard.press("Enter")
    line.get_by_role("button", name="See the").focus()
    watched.page.keyboard.press("Enter")
    expect(line.get_by_role("heading", name="Events counted")).to_be_focused()
    expect(frame.locator("#announce")).to_have_text("50 events shown, more can be loaded")


def test_what_costs_most_leads_to_its_line(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame
    visit(watched, world, "/overview")
    driver = frame.locator(".drivers li").nth(1)
    name, amount = driver.locator("a").inner_text(), driver.locator(".n").first.inner_text()
    driver.locator("a").click()
    line = frame.locator("details.line[open]")
    expect(line.locator("summary")).to_be_focused()
    expect(line.locator(".line-amount")).to_have_text(amount)
    expect(frame.locator(".block", has=line).get_by_role("heading", name=name)).to_be_visible()
    expect(line.locator(".why-sum")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1000])
def test_a_long_name_keeps_the_filter_in_its_card(world: World, open_page: OpenPage, width: int) -> None:
    watched = open_page(width=width)
    visit(watched, world, "/usage")
    frame = console_frame(watched.page, world)
    frame.evaluate(
        "() => document.querySelectorAll('select option').forEach((o) => { o.textContent = 'Long '.repeat(60) })"
    )
    over = frame.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0


def test_an_unknown_invoice_leads_back_and_slow_is_not_offline(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of(route="/invoices/00000000-0000-4000-8000-000000000000"))
    expect(watched.frame.get_by_role("alert")).to_contain_text("Not found")
    watched.frame.get_by_role("button", name="Go to the start").click()
    expect(watched.frame.get_by_role("heading", name=re.compile("^Charged so far"))).to_be_visible()
    settle(watched)
    console_frame(watched.page, world).evaluate("() => { htmx.config.timeout = 200 }")
    watched.page.route("**/console/usage", lambda _: None)  # nobody answers
    watched.frame.get_by_role("link", name="Usage").click()
    expect(watched.frame.locator("#notice")).to_contain_text("took too long")
