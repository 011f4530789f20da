"""A real Chromium, a live server with a seeded customer, and host pages on other origins.

Console and hosts are different *sites* (127.0.0.1 and localhost), so the frame's cookies are
third-party ones. One world for all tests here; what a test changes, it puts back.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings
from metronome import Metronome
from playwright.sync_api import BrowserContext, ConsoleMessage, FrameLocator, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from pytest_django.live_server_helper import LiveServer

from core.clock import now
from core.keys import create_api_key
from demo.host.app import DemoHost, QuietHandler, ThreadingServer
from tests.console.balance_seed import give
from tests.console.seed import seed_customer, seed_shop

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
COOKIES = {
    "third-party": {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}},
    "all": {"profile": {"default_content_setting_values": {"cookies": 2}}},
}
HOW_LONG = 8_000
WATCH = """
addEventListener("securitypolicyviolation", (e) =>
  console.error(`CSP-VIOLATION ${e.violatedDirective} ${e.blockedURI} in ${location.href}`));
"""

expect.set_options(timeout=HOW_LONG)


@dataclass
class World:
    """Where everything is."""

    web: str
    host: str
    unlisted: str
    app: DemoHost
    extra: dict[str, str]
    sdk: Metronome
    key: str
    customer: str
    stranger: str
    newcomer: str
    funded: str

    def page_of(
        self, customer: str | None = None, route: str = "", theme: str = "auto", host: str | None = None
    ) -> str:
        return f"{host or self.host}/?customer={customer or self.customer}&route={route}&theme={theme}"


@dataclass
class Watched:
    """A page, what its console complained about, and what its scripts threw."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    thrown: list[str] = field(default_factory=list)

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe").first

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    @property
    def violations(self) -> list[str]:
        return [text for text in self.complaints if "CSP-VIOLATION" in text or "Content Security Policy" in text]


@pytest.fixture(scope="session")
def playwright_here() -> Iterator[Playwright]:
    # Playwright's loop runs in this thread, so Django takes plain calls for asynchronous ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        yield playwright
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock():
        as_migrated = connection.creation.serialize_db_to_string()
        server = LiveServer("127.0.0.1")
        hosts: list[WSGIServer] = []
        clients: list[httpx.Client | Metronome] = []
        try:
            key = create_api_key(name="browser tests", scopes=["*"], now=now())[1]
            extra: dict[str, str] = {}
            app, listed = _host(server.url, key, extra, hosts)
            other, unlisted = _host(server.url, key, extra, hosts)
            sdk = Metronome(base_url=server.url, bearer_token=key, max_retries=0)
            clients += [app.client, other.client, sdk]
            with override_settings(TACTUS_PUBLIC_URL=server.url, TACTUS_EMBED_ORIGINS=[listed]):
                yield World(
                    web=server.url,
                    host=listed,
                    unlisted=unlisted,
                    app=app,
                    extra=extra,
                    sdk=sdk,
                    key=key,
                    **_seed(),
                )
        finally:
            for client in clients:  # a kept-alive connection would keep its thread, and that one its database
                client.close()
            for host in hosts:
                host.shutdown()
                host.server_close()
            server.stop()
            with connection.cursor() as cursor:  # threads of the live server that still wait for a browser
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
            call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
            connection.creation.deserialize_db_from_string(as_migrated)


def _host(web: str, key: str, extra: dict[str, str], hosts: list[WSGIServer]) -> tuple[DemoHost, str]:
    """A host on an origin of its own; `extra`: pages of the tests by path, without the policy of a careful host."""
    server = make_server("localhost", 0, None, server_class=ThreadingServer, handler_class=QuietHandler)
    origin = f"http://localhost:{server.server_port}"
    app = DemoHost(console=web, api=web, api_key=key, origin=origin)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if (html := extra.get(environ["PATH_INFO"])) is None:
            return app(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [html.encode()]

    server.set_app(answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hosts.append(server)
    return app, origin


def _seed() -> dict[str, str]:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    shop = seed_shop(since, since)
    return {
        "customer": str(seed_customer(shop, "Northwind Research", now=now(), since=since, per_day=4)),
        "stranger": str(seed_customer(shop, "Contoso Labs", now=now(), since=since, per_day=1, seed=3)),
        "newcomer": str(seed_customer(shop, "Brand New", now=today, since=today)),
        "funded": str(
            seed_customer(
                shop,
                "Fabrikam",
                now=now(),
                since=since,
                per_day=2,
                grants=lambda id_: give(id_, since=since, today=today),
            )
        ),
    }


@pytest.fixture(scope="session")
def contexts(
    playwright_here: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], BrowserContext]]:
    """A browser by cookie policy: "third-party" or "all" says which cookies are blocked."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"a browser test needs a browser: {CHROMIUM} is not there (`make test` installs Chromium)")
    opened: dict[str, BrowserContext] = {}

    def open_(policy: str) -> BrowserContext:
        if policy not in opened:
            profile = tmp_path_factory.mktemp(f"chromium-{policy}")
            (profile / "Default").mkdir()
            (profile / "Default" / "Preferences").write_text(json.dumps(COOKIES[policy]))
            opened[policy] = playwright_here.chromium.launch_persistent_context(
                profile,
                executable_path=CHROMIUM,
                args=FLAGS,
                accept_downloads=True,
                viewport={"width": 1120, "height": 900},
            )
            opened[policy].set_default_timeout(HOW_LONG)
            opened[policy].add_init_script(WATCH)
        return opened[policy]

    yield open_
    for context in opened.values():
        context.close()


@pytest.fixture
def open_page(contexts: Callable[[str], BrowserContext]) -> Iterator[Callable[..., Watched]]:
    """Pages that are closed after the test, each of which must not have met a policy violation or thrown an error."""
    pages: list[Watched] = []

    def open_(policy: str = "third-party", *, width: int = 1120, height: int = 900) -> Watched:
        page = contexts(policy).new_page()
        page.set_viewport_size({"width": width, "height": height})
        watched = Watched(page)
        page.on("console", watched.heard)
        page.on("pageerror", lambda error: watched.thrown.append(str(error)))
        pages.append(watched)
        return watched

    yield open_
    seen = [text for watched in pages for text in (*watched.violations, *watched.thrown)]
    for watched in pages:
        watched.page.close()
    assert not seen


def settle(watched: Watched) -> None:
    """Waits until all is there. Panels load when they come into view, so it looks at each that is not there yet.

    A click into a frame that is growing at that moment may reach nobody.
    """
    waiting = watched.frame.locator(".skeleton:visible")
    for _ in range(60):
        if not waiting.count():
            break
        with contextlib.suppress(PlaywrightError):  # it may be replaced at this very moment
            waiting.first.scroll_into_view_if_needed(timeout=500)
        watched.page.wait_for_timeout(60)
    expect(watched.frame.locator(".skeleton:visible")).to_have_count(0)
    expect(watched.frame.locator("[aria-busy]")).to_have_count(0)


@pytest.fixture
def console(world: World, open_page: Callable[..., Watched]) -> Watched:
    """The host's page with the customer's overview in it."""
    watched = open_page()
    watched.page.goto(world.page_of())
    expect(watched.frame.locator(".figure").first).to_be_visible()
    settle(watched)
    return watched
