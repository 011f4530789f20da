"""On a narrow screen lines break between numbers and words, never inside them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, World, settle
from tests.browser.test_console import console_frame, visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
OpenPage = Callable[..., Watched]
# Every number, and "million" with what belongs to it, that stands on more than one line.
BROKEN = r"""() => {
  const broken = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest(".visually-hidden, .mono")) continue;
    for (const { 0: text, index } of node.data.matchAll(/\d[\d,.]*\d|(per )?million/g)) {
      const range = new Range();
      range.setStart(node, index);
      range.setEnd(node, index + text.length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(text);
    }
  }
  return broken;
}"""
LONG = """() => {
  const lines = [...document.querySelectorAll(".lines .line > summary")];
  const sizes = [["890.9066079", "0.30"], ["466,105.524", "0.000123456789"], ["12,345,678.9066", "0.0000123456789"]];
  sizes.forEach(([quantity, price], n) => {
    const [q, p] = [".line-quantity", ".line-price"].map((name) => lines[n].querySelector(name));
    q.innerHTML = `${quantity} <small>million</small>`;
    p.innerHTML = `<span class="times" aria-hidden="true">x</span> ${price} USD <small>per million</small>`;
    lines[n].querySelector(".line-amount").textContent = "1,234,567.89";
    lines[n].querySelector(".line-label").innerHTML = "docs-search, first 10 million <small>1-15 Oct</small>";
  });
  const [exact, rounding] = document.querySelectorAll(".sums dd");
  exact.textContent = "890.90660792";
  rounding.textContent = "+0.003392079999999999";
}"""


def test_no_number_is_broken(world: World, open_page: OpenPage) -> None:
    watched = open_page(width=360, height=2400)
    for route, customer in (("/credits", world.funded), ("/invoices/{final}", None)):
        visit(watched, world, route, customer=customer)
        assert console_frame(watched.page, world).evaluate(BROKEN) == [], route
    frame = console_frame(watched.page, world)
    watched.frame.locator(".lines .line > summary").first.click()
    expect(watched.frame.locator(".why-sum").first).to_be_visible()
    settle(watched)
    frame.evaluate(LONG)
    for width in (360, 320):
        watched.page.set_viewport_size({"width": width, "height": 2400})
        assert frame.evaluate(BROKEN) == []
    over = frame.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0
