"""The console's pages as a person uses them: numbers, unfolding, files, keyboard, narrow screens, failures."""

import csv
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, Route, expect

from tests.browser.conftest import Watched, World, settle

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
OpenPage = Callable[..., Watched]
PAGES = ("/overview", "/usage", "/invoices", "/invoices/{final}")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

LAYOUT_SHIFT = """() => new Promise((done) => {
  let sum = 0;
  const add = (list) => list.getEntries().forEach((entry) => { if (!entry.hadRecentInput) sum += entry.value; });
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""


def dollars(cents: float) -> str:
    return f"{Decimal(repr(cents)) / 100:,.2f}"


def invoices(world: World, status: str) -> list:
    found = world.sdk.v1.customers.invoices.list(customer_id=world.customer, status=status)
    return [invoice for invoice in found if invoice.status == status]


def console_frame(page: Page, world: World) -> Frame:
    return next(frame for frame in page.frames if frame.url.startswith(world.web))


def visit(watched: Watched, world: World, route: str, theme: str = "auto", customer: str | None = None) -> None:
    [final] = invoices(world, "FINALIZED")[:1]
    watched.page.goto(world.page_of(customer, route.format(final=final.id), theme))
    expect(watched.frame.locator("[data-title]")).to_be_visible()
    settle(watched)


@pytest.mark.parametrize("policy", ["third-party", "all"])
def test_the_first_look(world: World, open_page: OpenPage, policy: str, tmp_path: Path) -> None:
    """Numbers equal the API's; an invoice opens, a line unfolds to its sum and its events, the PDF is the API's PDF."""
    watched = open_page(policy)
    frame = watched.frame
    visit(watched, world, "/overview")
    [draft], final = invoices(world, "DRAFT"), invoices(world, "FINALIZED")[0]
    charged = frame.locator(".card", has=frame.get_by_role("heading", name="Charged so far"))
    expect(charged.locator(".figure")).to_contain_text(dollars(draft.total))
    previous = frame.locator(".card", has=frame.get_by_role("heading", name="Previous period"))
    expect(previous.locator(".figure")).to_contain_text(dollars(final.total))

    frame.get_by_role("link", name=re.compile("^TA-")).last.click()
    expect(frame.get_by_role("heading", level=1)).to_be_focused()
    expect(frame.locator(".invoice-total .figure")).to_contain_text(dollars(final.total))
    lines = [line for line in final.line_items if line.total]
    expect(frame.locator("details.line")).to_have_count(len(lines))

    block = frame.locator(".block", has=frame.get_by_role("heading", name="Image generations"))
    tiers = [line for line in lines if line.name == "Image generations"]
    block.locator("summary").first.click()
    why = block.locator(".why").first
    expect(why.get_by_role("row", name=re.compile("first 500"))).to_contain_text("0.04 USD")
    expect(why.locator(".why-sum")).to_contain_text(f"= {dollars(tiers[0].total)} USD")
    expect(why.get_by_text("none applies")).to_be_visible()
    why.locator(".days").scroll_into_view_if_needed()
    expect(why.locator("[data-reading-total]")).to_have_text(f"{tiers[0].quantity:,.0f}")
    why.get_by_role("button", name="See the").click()
    expect(why.locator("tbody tr:not(.more)", has=frame.locator(".event-id"))).to_have_count(50)
    why.get_by_role("button", name="Load more events").click()
    expect(why.locator(".event-id").nth(50)).to_be_attached()

    with watched.page.expect_download() as started:
        frame.get_by_role("button", name="Download PDF").click()
    target = tmp_path / started.value.suggested_filename
    started.value.save_as(target)
    assert target.name.startswith("TA-")
    pdf = world.sdk.v1.customers.invoices.retrieve_pdf(customer_id=world.customer, invoice_id=final.id).read()
    assert target.read_bytes() == pdf
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    assert watched.complaints == []


def test_usage_filters_and_its_csv(world: World, open_page: OpenPage, tmp_path: Path) -> None:
    watched = open_page()
    frame = watched.frame
    visit(watched, world, "/usage")
    frame.get_by_label("Previous period").check()
    total = frame.locator("[data-reading-total]")
    expect(total).to_have_text(dollars(invoices(world, "FINALIZED")[0].total))
    frame.get_by_label("Split by").focus()
    frame.get_by_label("Split by").select_option("model")
    expect(frame.locator(".legend")).to_contain_text("lumen-large")
    expect(frame.get_by_label("Split by")).to_be_focused()
    with watched.page.expect_download() as started:
        frame.get_by_role("button", name="Download CSV").click()
    started.value.save_as(tmp_path / "usage.csv")
    assert "lumen-large" in (tmp_path / "usage.csv").read_text()
    frame.get_by_label("Custom").check()
    frame.get_by_label("From", exact=True).fill("2024-01-01")
    expect(frame.get_by_role("alert")).to_contain_text("at most 400 days")


def test_a_chart_is_read_with_the_keyboard_and_its_table_agrees(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame
    visit(watched, world, "/usage?preset=previous")
    frame.get_by_text("View as table").click()
    cells = frame.locator("tbody tr").nth(1).locator("th, td").all_inner_texts()
    plot = frame.locator(".plot")
    plot.focus()
    plot.press("Home")
    plot.press("ArrowRight")
    expect(frame.locator("[data-reading-label]")).to_have_text(cells[0])
    expect(frame.locator("[data-reading-total]")).to_have_text(cells[-1])
    expect(frame.locator("[data-reading]")).to_contain_text(f"{cells[0]}: Total, USD {cells[-1]}")
    plot.press("Escape")
    expect(frame.locator("[data-reading-total]")).to_have_text(dollars(invoices(world, "FINALIZED")[0].total))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_violation(world: World, open_page: OpenPage, theme: str) -> None:
    watched = open_page()
    looks = [(route, world.customer) for route in PAGES] + [("/overview", world.newcomer)]
    for route, customer in looks:
        visit(watched, world, route, theme, customer)
        frame = console_frame(watched.page, world)
        if "final" in route:
            watched.frame.locator("summary").first.click()
            watched.frame.get_by_role("button", name="See the").first.click()
            settle(watched)
        for table in watched.frame.get_by_text("View as table").all():
            table.click()
        found = Axe().run(frame, options={"runOnly": TAGS, "resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{route} {theme}: {found.generate_report()}"
    found = Axe().run(watched.page, options={"runOnly": TAGS, "resultTypes": ["violations"], "iframes": False})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 360])
def test_narrow_screens_never_scroll_sideways(world: World, open_page: OpenPage, width: int) -> None:
    watched = open_page(width=width)
    for route in (*PAGES, "/usage?preset=custom"):
        visit(watched, world, route)
        if "final" in route:
            for summary in watched.frame.locator(".line > summary").all()[:3]:
                summary.click()
            watched.frame.get_by_role("button", name="See the").first.click()
        for table in watched.frame.get_by_text("View as table").all():
            table.click()
        settle(watched)
        for document in (watched.page, console_frame(watched.page, world)):
            over = document.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, f"{route} at {width}"
        small = console_frame(watched.page, world).evaluate(
            "() => [...document.querySelectorAll('button, summary, select, nav a, .chip')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24)"
            ".map(e => e.outerHTML.slice(0, 80))"
        )
        assert small == []


def test_a_panel_that_fails_says_so_and_can_be_tried_again(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame

    def break_(route: Route) -> None:
        route.fulfill(status=500, body='{"message": "internal error"}', content_type="application/json")

    watched.page.route("**/console/panels/drivers", break_)
    watched.page.goto(world.page_of())
    panel = frame.locator("[data-label='what costs most']")
    expect(panel.get_by_role("alert")).to_contain_text("what costs most could not be loaded")
    expect(frame.get_by_role("heading", name="Spend by day")).to_be_visible()
    watched.page.unroute("**/console/panels/drivers", break_)
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("heading", name="What costs most")).to_be_visible()
    watched.page.route("**/console/usage", lambda route: route.abort())
    frame.get_by_role("link", name="Usage").click()
    expect(frame.get_by_role("alert")).to_contain_text("There is no connection")
    expect(frame.get_by_role("heading", name="Spend by day")).to_be_visible()


def test_the_whole_way_by_keyboard(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    frame = watched.frame
    visit(watched, world, "/overview")
    frame.get_by_role("link", name="Invoices", exact=True).focus()
    watched.page.keyboard.press("Enter")
    expect(frame.get_by_role("heading", level=1, name="Invoices")).to_be_focused()
    settle(watched)
    frame.get_by_role("link", name=re.compile("^TA-")).first.focus()
    watched.page.keyboard.press("Enter")
    expect(frame.get_by_role("heading", level=1)).to_be_focused()
    frame.locator("summary").first.focus()
    watched.page.keyboard.press("Enter")
    expect(frame.locator(".why-sum").first).to_be_visible()


def test_nothing_jumps_while_the_overview_loads(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of())
    settle(watched)
    shift = console_frame(watched.page, world).evaluate(LAYOUT_SHIFT)
    assert shift <= 0.05


def test_the_first_content_needs_few_requests(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url) if request.url.startswith(world.web) else None)
    watched.page.goto(world.page_of())
    expect(watched.frame.locator("[data-title]")).to_be_visible()
    needed = [
        url for url in asked if "panels" not in url and not url.endswith((".woff2", "chart.js", "tactus-embed.js"))
    ]
    assert len(needed) <= 6, needed
    assert all(url.startswith(world.web) for url in asked)


def test_units_by_keyboard_with_their_file(world: World, open_page: OpenPage, tmp_path: Path) -> None:
    """The units view: its figure is the API's and the file's, the filter keeps the focus, peaks are no sum."""
    watched = open_page(width=360)
    frame = watched.frame
    visit(watched, world, "/usage?preset=previous")
    frame.get_by_role("link", name="Units").focus()
    watched.page.keyboard.press("Enter")
    metric = frame.get_by_label("Metric")
    expect(metric).to_be_visible()
    expect(frame.get_by_label("Previous period")).to_be_checked()
    metric.focus()
    metric.select_option(label="Input tokens")
    expect(frame.get_by_role("heading", name="Input tokens by day")).to_be_visible()
    expect(metric).to_be_focused()
    frame.get_by_label("Split by").select_option(label="Model and region")
    expect(frame.locator(".legend")).to_contain_text("lumen-large, us-east")
    figure = frame.locator("[data-reading-total]").inner_text()
    with watched.page.expect_download() as started:
        frame.get_by_role("button", name="Download CSV").click()
    started.value.save_as(tmp_path / "units.csv")
    rows = list(csv.DictReader((tmp_path / "units.csv").read_text().splitlines()))
    assert f"{sum(Decimal(row['quantity']) for row in rows):,}" == figure
    start = datetime.fromisoformat(rows[0]["day"]).replace(day=1)
    listed = world.sdk.v1.usage.list(
        starting_on=start,
        ending_before=(start + timedelta(days=32)).replace(day=1),
        window_size="NONE",
        customer_ids=[world.customer],
    )
    [whole] = [cell.value for cell in listed if cell.billable_metric_name == "Input tokens"]
    assert f"{Decimal(repr(whole)).normalize():,f}" == figure
    metric.select_option(label="Stored vectors")
    expect(frame.get_by_text("Peaks do not add up")).to_be_visible()
    frame.get_by_text("View as table").click()
    expect(frame.get_by_role("row", name=re.compile("^Peak of the range"))).to_be_visible()
    document = console_frame(watched.page, world)
    assert document.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found = Axe().run(document, options={"runOnly": TAGS, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    assert watched.complaints == []
