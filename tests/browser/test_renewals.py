"""Renewals in a browser: agreed on, listed and by month, on wide and narrow screens, light and dark."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from core.clock import now
from tests.browser.conftest import Watched, World
from tests.browser.desk import narrow, people, sign_in, signed_out

__all__ = ["people", "signed_out"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (1000, "dark"), (360, "light"), (360, "dark")])
def test_a_renewal_is_agreed_on_and_seen(
    width: int, scheme: Any, world: World, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(width=width)
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    sign_in(page, world.web, "olga")
    name = f"Renews {width} {scheme}"
    customer = world.sdk.v1.customers.create(name=name).data
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + timedelta(days=20)
    world.sdk.v1.contracts.create(
        customer_id=customer.id, name=f"{name} plan", starting_at=today - timedelta(days=40), ending_before=end
    )
    page.goto(f"{world.web}/admin/contracts/renewals/")
    keep(page, f"list-{width}-{scheme}")
    assert narrow(page)
    page.get_by_label("Customer", exact=True).fill(name)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=f"{name} plan").click()
    page.get_by_role("link", name="Change renewal policy").click()
    page.get_by_label("Lasts (months)").fill("12")
    page.get_by_label("Prices change by (%)").fill("5")
    page.get_by_role("button", name="See the effect").click()
    expect(page.get_by_text("From now on: Same terms for 12 months, prices up 5 %.")).to_be_visible()
    keep(page, f"form-{width}-{scheme}")
    assert narrow(page)
    page.get_by_role("button", name="Agree on this").click()
    expect(page.get_by_text("Same terms for 12 months, prices up 5 %", exact=True)).to_be_visible()
    keep(page, f"contract-{width}-{scheme}")
    assert narrow(page)
    page.goto(f"{world.web}/admin/contracts/renewals/calendar/?month={end:%Y-%m}")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    if width > 720:
        expect(page.get_by_role("columnheader", name="Monday")).to_be_visible()
    keep(page, f"calendar-{width}-{scheme}")
    assert narrow(page)
    page.locator("a[rel=next]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text(f"{end:%B}")
    assert watched.violations == []


def keep(page: Any, name: str) -> None:
    """A picture, where somebody wants to look."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"renewals-{name}.png", full_page=True)
