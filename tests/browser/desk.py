"""Staff at the back office in a browser: who there is, how they sign in, and what no page may do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.staff import ensure_staff
from tests.browser.conftest import World


@pytest.fixture(scope="module", autouse=True)
def people(world: World, django_db_blocker: Any) -> None:
    """Olga, who owns. Committed, as the world is, so that the live server sees her."""
    with django_db_blocker.unblock():
        ensure_staff(username="olga", role="owner", password="secret-enough", full_name="Olga Owner")


@pytest.fixture(autouse=True)
def signed_out(contexts: Callable[[str], BrowserContext]) -> Iterator[None]:
    """The browser is everybody's: others look whether there are cookies."""
    yield
    contexts("third-party").clear_cookies()


def sign_in(page: Page, web: str, username: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{web}/admin/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", "secret-enough")
    page.press("[name=password]", "Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def narrow(page: Page) -> bool:
    """Whether nothing lies beyond the right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
