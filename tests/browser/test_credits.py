"""Credits and commits as a person uses them: figures, unfolding, filter and file, keyboard, narrow screens, themes."""

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import World, settle
from tests.browser.test_console import LAYOUT_SHIFT, TAGS, OpenPage, console_frame, dollars

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
HELD = [{"balance_types": ["PREPAID_COMMIT", "CREDIT"]}]


def test_the_balance_its_grants_and_its_ledger(world: World, open_page: OpenPage, tmp_path: Path) -> None:
    watched = open_page()
    frame = watched.frame
    watched.page.goto(world.page_of(world.funded))
    frame.get_by_role("link", name="Credits", exact=True).click()
    expect(frame.get_by_role("heading", level=1, name="Credits and commits")).to_be_focused()
    settle(watched)
    left = world.sdk.v1.contracts.get_net_balance(customer_id=world.funded, filters=HELD).data.balance
    tile = frame.locator(".card", has=frame.get_by_role("heading", name="Can be spent now"))
    expect(tile.locator(".figure")).to_contain_text(dollars(left))
    expect(frame.get_by_text("obligation, no balance")).to_be_visible()

    grant = frame.locator("details.grant", has=frame.get_by_text("Annual commit"))
    grant.locator("summary").press("Enter")
    expect(grant.get_by_role("row")).to_have_count(3)
    grant.get_by_role("link", name=re.compile("Show its movements")).press("Enter")
    expect(frame.locator("select#grant")).to_have_value(re.compile("^[0-9a-f-]{36}$"))
    expect(frame.locator("tr", has_text="Commit available")).to_have_count(2)
    choice = frame.locator("select#grant")
    choice.focus()
    choice.select_option(label="All that can be spent")
    expect(frame.locator("tr", has_text="Credit granted").first).to_be_visible()
    expect(choice).to_be_focused()

    with watched.page.expect_download() as started:
        frame.get_by_role("button", name="Download CSV").click()
    started.value.save_as(tmp_path / "credits.csv")
    rows = list(csv.DictReader((tmp_path / "credits.csv").read_text().splitlines()))
    assert f"{sum(Decimal(row['amount']) for row in rows):.4f}" == f"{Decimal(repr(left)) / 100:.4f}"
    expect(frame.locator(".ledger tbody tr")).to_have_count(len(rows))
    frame.get_by_label("Period").select_option("custom")
    expect(frame.get_by_label("From", exact=True)).to_be_visible()
    frame.get_by_role("link", name=re.compile("^invoice TA-")).first.click()
    expect(frame.get_by_role("heading", level=1, name=re.compile("^Invoice TA-"))).to_be_focused()
    assert watched.complaints == []


def test_the_burn_down_is_read_with_the_keyboard(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame
    watched.page.goto(world.page_of(world.funded, "/credits"))
    settle(watched)
    frame.get_by_text("View as table").click()
    cells = frame.locator(".burn tbody tr").first.locator("th, td").all_inner_texts()
    plot = frame.locator(".plot")
    plot.focus()
    plot.press("Home")
    expect(frame.locator("[data-reading-label]")).to_have_text(cells[0])
    expect(frame.locator("[data-reading-total]")).to_have_text(cells[-1])
    expect(frame.locator("[data-reading]")).to_contain_text(f"{cells[0]}: Balance, USD {cells[-1]}")
    plot.press("End")
    expect(frame.locator("[data-reading-label]")).to_contain_text("expected")
    plot.press("Escape")
    left = world.sdk.v1.contracts.get_net_balance(customer_id=world.funded, filters=HELD).data.balance
    expect(frame.locator("[data-reading-total]")).to_have_text(dollars(left))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1120])
def test_accessible_at_every_width(world: World, open_page: OpenPage, theme: str, width: int) -> None:
    watched = open_page(width=width)
    for customer in (world.funded, world.newcomer):
        watched.page.goto(world.page_of(customer, "/credits", theme))
        expect(watched.frame.locator("[data-title]")).to_be_visible()
        settle(watched)
        document = console_frame(watched.page, world)
        for summary in watched.frame.locator("details > summary").all():
            summary.click()
        over = document.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0
        small = document.evaluate(
            "() => [...document.querySelectorAll('button, summary, select, nav a, .chip')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24)"
            ".map(e => e.outerHTML.slice(0, 80))"
        )
        assert small == []
        found = Axe().run(document, options={"runOnly": TAGS, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
    assert watched.complaints == []


def test_nothing_jumps_while_the_page_loads(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of(world.funded, "/credits"))
    expect(watched.frame.locator("[data-title]")).to_be_visible()
    settle(watched)
    assert console_frame(watched.page, world).evaluate(LAYOUT_SHIFT) <= 0.05


def test_a_deep_link_and_the_hosts_address_agree(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of(world.funded, "/credits"))
    expect(watched.frame.get_by_role("heading", level=1, name="Credits and commits")).to_be_attached()
    settle(watched)
    watched.frame.get_by_role("link", name=re.compile("^Past")).click()
    expect(watched.frame.locator("details.grant", has_text="Monthly credit")).to_have_count(1)
    expect(watched.frame.get_by_role("link", name=re.compile("^Past"))).to_have_attribute("aria-current", "true")
