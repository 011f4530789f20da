"""The console in somebody else's page: who may open it, for how long, and who is not listened to."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Frame, Page, Request, expect

from console import services
from console.models import EmbedSession
from tests.browser.conftest import Watched, World, settle

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
OpenPage = Callable[..., Watched]


def console_frame(page: Page, world: World) -> Frame:
    return next(frame for frame in page.frames if frame.url.startswith(world.web))


@pytest.mark.parametrize("policy", ["third-party", "all"])
def test_it_works_without_any_cookie_or_storage(world: World, open_page: OpenPage, policy: str) -> None:
    watched = open_page(policy)
    watched.page.goto(world.page_of())
    expect(watched.frame.locator(".figure").first).to_be_visible()
    settle(watched)
    frame = console_frame(watched.page, world)
    # The blocking is real: a cookie set here does not stick.
    assert frame.evaluate("() => { document.cookie = 'a=b; SameSite=None; Secure'; return document.cookie }") == ""
    assert not [cookie for cookie in watched.page.context.cookies() if cookie["domain"] == "127.0.0.1"]
    watched.frame.get_by_role("link", name="Usage").click()
    expect(watched.frame.get_by_label("Split by")).to_be_visible()
    assert watched.complaints == []


def test_an_unlisted_parent_is_blocked(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of(host=world.unlisted))
    watched.page.wait_for_timeout(800)
    assert not [frame for frame in watched.page.frames if frame.url.startswith(world.web)]
    assert [text for text in watched.violations if "frame-ancestors" in text]
    watched.complaints.clear()


def test_a_url_from_the_api_opens_in_a_bare_iframe_and_survives_its_reload(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(f"{world.host}/plain?customer={world.customer}&dashboard=invoices")
    expect(watched.frame.get_by_role("link", name="TA-").first).to_be_visible()
    expect(watched.frame.get_by_role("navigation", name="Billing")).to_have_count(0)
    console_frame(watched.page, world).evaluate("() => location.reload()")
    expect(watched.frame.get_by_role("link", name="TA-").first).to_be_visible()


def test_the_frame_is_as_tall_as_its_content_and_does_not_loop(console: Watched, world: World) -> None:
    def heights() -> tuple[int, int]:
        outer = console.page.locator("iframe").evaluate("e => e.clientHeight")
        return outer, console_frame(console.page, world).evaluate("() => document.documentElement.scrollHeight")

    expect(console.frame.locator(".skeleton")).to_have_count(0)
    console.page.wait_for_timeout(300)
    tall, content = heights()
    assert abs(tall - content) <= 2
    console.frame.get_by_role("link", name="Invoices", exact=True).click()
    expect(console.frame.get_by_role("group", name="Status")).to_be_visible()
    console.page.wait_for_timeout(500)
    short, content = heights()
    assert abs(short - content) <= 2
    assert short < tall


def test_the_host_sets_the_scheme_and_mirrors_the_route(console: Watched, world: World) -> None:
    document = console.frame.locator("html")
    console.page.get_by_label("Theme").select_option("dark")
    expect(document).to_have_attribute("data-scheme", "dark")
    console.page.get_by_label("Theme").select_option("auto")
    expect(document).not_to_have_attribute("data-scheme", "dark")
    console.frame.get_by_role("link", name="Usage").click()
    console.page.wait_for_url("**route=%2Fusage**")
    console.page.go_back()
    expect(console.frame.get_by_role("heading", name="Spend by day")).to_be_visible()
    console.page.wait_for_url("**route=%2Foverview**")


def test_a_deep_link_opens_its_page(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.goto(world.page_of(route="/usage?preset=7d%26step=hour"))
    expect(watched.frame.get_by_role("heading", name="Spend by hour")).to_be_visible()


def test_a_replayed_code_is_worthless_and_its_victim_recovers(world: World, open_page: OpenPage) -> None:
    watched, codes = open_page(), []

    def note(request: Request) -> None:
        if request.url.endswith("/embed/exchange"):
            codes.append(request.post_data_json["code"])

    watched.page.on("request", note)
    watched.page.goto(world.page_of())
    expect(watched.frame.locator(".figure").first).to_be_visible()
    settle(watched)
    replay = httpx.post(f"{world.web}/tactus/v1/embed/exchange", json={"code": codes[0], "parent_origin": world.host})
    assert replay.status_code == 401
    assert EmbedSession.objects.order_by("-created_at")[0].revoked_at is not None
    watched.frame.get_by_role("link", name="Usage").click()  # 401, a new code from the host, asked again
    expect(watched.frame.get_by_label("Split by")).to_be_visible()
    assert len(codes) == 2


@pytest.mark.parametrize("start", ["code", "url"])
def test_tokens_renew_before_they_end(
    world: World, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr(services, "ACCESS_LIFE", timedelta(seconds=3))
    watched, asked, refused = open_page(), [], []
    watched.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    watched.page.on("response", lambda response: refused.append(response.url) if response.status == 401 else None)
    plain = f"{world.host}/plain?customer={world.customer}&dashboard=usage"
    watched.page.goto(plain if start == "url" else world.page_of(route="/usage"))
    expect(watched.frame.get_by_label("Split by")).to_be_visible()
    watched.page.wait_for_timeout(3_200)
    watched.frame.get_by_label("7 days").check()
    expect(watched.frame.locator("#announce")).to_contain_text("Spend, ")
    renewal = "/tactus/v1/embed/renew" if start == "url" else "/tactus/v1/embed/exchange"
    assert asked.count(renewal) >= (1 if start == "url" else 2)
    assert refused == []


def test_when_the_host_gives_no_code_the_session_ends_visibly_and_can_be_resumed(
    console: Watched, world: World
) -> None:
    ended = httpx.post(
        f"{world.web}/tactus/v1/embed/revoke",
        json={"customer_id": world.customer},
        headers={"Authorization": f"Bearer {world.key}"},
    )
    assert ended.json()["data"]["revoked"] >= 1
    key = world.app.client.headers["Authorization"]
    world.app.client.headers["Authorization"] = "Bearer revoked"
    try:
        console.frame.get_by_role("link", name="Usage").click()
        panel = console.frame.get_by_role("region", name="Session ended")
        expect(panel).to_be_visible()
        expect(panel).to_be_focused()
    finally:
        world.app.client.headers["Authorization"] = key
    panel.get_by_role("button", name="Reload").click()
    expect(panel).to_be_hidden()
    expect(console.frame.locator(".figure").first).to_be_visible()


def test_leaving_the_page_ends_its_session(console: Watched, world: World) -> None:
    session = EmbedSession.objects.order_by("-created_at")[0]
    console.page.goto("about:blank")
    console.page.wait_for_timeout(500)
    session.refresh_from_db()
    assert session.revoked_at is not None


FORGERY = """
<!DOCTYPE html><title>forger</title><script>
  window.got = [];
  window.forge = (target) => {
    for (const type of ["connect", "code", "navigate", "scheme"]) {
      const channel = new MessageChannel();
      channel.port1.onmessage = (e) => window.got.push(e.data);
      const lie = { tactus: 1, type, route: "/invoices", path: "/invoices", scheme: "dark", id: 1, code: "x" };
      target.postMessage(lie, "*", [channel.port2]);
    }
  };
</script>
"""


def test_a_stranger_in_the_same_page_is_not_listened_to(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    outer = (
        f'<!DOCTYPE html><title>outer</title><script src="{world.web}/static/js/tactus-embed.js"></script>'
        f'<tactus-console code-url="/billing/code?customer={world.customer}" theme="light"></tactus-console>'
        f'<iframe name="forger" src="{world.unlisted}/forger"></iframe>'
    )
    world.extra["/outer"] = outer
    world.extra["/forger"] = FORGERY
    page.goto(f"{world.host}/outer")
    expect(watched.frame.locator(".figure").first).to_be_visible()
    forger = page.frame("forger")
    assert forger is not None
    forger.evaluate("() => window.forge(parent.frames[0])")
    page.wait_for_timeout(400)
    expect(watched.frame.locator("html")).to_have_attribute("data-scheme", "light")
    expect(watched.frame.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    assert forger.evaluate("() => window.got") == []


def test_only_the_parent_window_may_connect(world: World, open_page: OpenPage) -> None:
    """A sibling frame of the right origin is still not the parent."""
    watched = open_page()
    page = watched.page
    outer = (
        f'<!DOCTYPE html><title>outer</title><iframe name="shell" src="{world.web}/console/embed"></iframe>'
        f'<iframe name="sibling" src="{world.host}/sibling"></iframe>'
    )
    world.extra["/outer"] = outer
    world.extra["/sibling"] = FORGERY
    page.goto(f"{world.host}/outer")
    page.frame("sibling").evaluate("() => window.forge(parent.frames[0])")
    never = watched.frame.get_by_role("region", name="Billing could not be opened")
    expect(never).to_be_visible()  # nobody answered in five seconds
    assert page.frame("sibling").evaluate("() => window.got") == []
    assert page.frame("shell").evaluate("() => document.documentElement.dataset.scheme ?? ''") == ""


def test_the_loader_answers_its_own_frame_only(console: Watched, world: World) -> None:
    """A "ready" from anyone else gets no channel, so no code either."""
    page = console.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/billing/code" in request.url else None)
    page.evaluate("() => window.postMessage({ tactus: 1, type: 'ready' }, '*')")
    page.wait_for_timeout(400)
    assert asked == []


def test_another_customers_invoice_is_not_found_in_the_frame(console: Watched, world: World) -> None:
    theirs = next(iter(world.sdk.v1.customers.invoices.list(customer_id=world.stranger)))
    console.page.evaluate("path => document.querySelector('tactus-console').navigate(path)", f"/invoices/{theirs.id}")
    expect(console.frame.get_by_role("alert")).to_contain_text("does not exist")


def test_a_request_from_the_frame_without_its_header_is_refused(console: Watched, world: World) -> None:
    status = console_frame(console.page, world).evaluate(
        "async () => (await fetch('/console/panels/charged', { credentials: 'include' })).status"
    )
    assert status == 401
    console.complaints.clear()
