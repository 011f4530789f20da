"""What a host's page and its developer are told where the console does not open, and whose colours it follows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watched, World
from tests.browser.test_console import TAGS

pytestmark = [pytest.mark.browser, pytest.mark.django_db, pytest.mark.xdist_group("browser")]
OpenPage = Callable[..., Watched]
SCRIPT = '<!DOCTYPE html><title>host</title><script src="{web}/static/js/tactus-embed.js" defer></script>{body}'
ELEMENT = '<tactus-console {attributes} code-url="/billing/code?customer={customer}"></tactus-console>'
FAILING = "document.querySelector('tactus-console').getCode = () => { throw new Error('nobody is signed in') }"
NEVER = "Billing could not be opened"


@pytest.fixture
def host_page(world: World, open_page: OpenPage) -> Iterator[Callable[..., Watched]]:
    """A page of the listed host with this body; `{customer}` in it is one of the customers."""
    made: list[str] = []

    def open_(body: str, **more: Any) -> Watched:
        path = f"/trouble-{len(made)}"
        made.append(path)
        world.extra[path] = SCRIPT.format(web=world.web, body=body.replace("{customer}", world.customer))
        watched = open_page(**more)
        watched.page.goto(f"{world.host}{path}")
        return watched

    yield open_
    for path in made:
        del world.extra[path]


def said(watched: Watched, *words: str) -> None:
    """The developer's console comes to hold one message of ours with all these words."""
    for _ in range(80):
        if any(text.startswith("tactus-console:") and all(w in text for w in words) for text in watched.complaints):
            return
        watched.page.wait_for_timeout(100)
    raise AssertionError(f"{words} in none of {watched.complaints}")


def scheme_of(watched: Watched, scheme: str) -> None:
    expect(watched.frame.locator("html")).to_have_attribute("data-scheme", scheme)


def test_a_page_whose_origin_is_not_registered_says_so_and_opens_once_it_is(
    world: World, open_page: OpenPage, settings: Any
) -> None:
    watched = open_page()
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    watched.page.goto(world.page_of(host=world.unlisted))
    notice = watched.page.get_by_role("alert")
    expect(notice).to_contain_text(NEVER)
    expect(notice).not_to_contain_text(world.unlisted)
    expect(watched.page.locator("iframe")).to_be_hidden()
    found = Axe().run(watched.page, options={"runOnly": TAGS, "resultTypes": ["violations"], "iframes": False})
    assert found.violations_count == 0, found.generate_report()
    said(watched, world.unlisted, "is not registered", f"{world.web}/admin/console/embedorigin/", "embedding.md")
    assert not [url for url in asked if "/billing/code" in url]
    assert [text for text in watched.violations if "frame-ancestors" in text]
    settings.TACTUS_EMBED_ORIGINS = [world.host, world.unlisted]
    notice.get_by_role("button", name="Try again").click()
    expect(watched.frame.locator(".figure").first).to_be_visible()
    expect(notice).to_have_count(0)
    watched.complaints.clear()


def test_a_frame_that_does_not_come_up_is_no_origin_that_is_not_registered(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    watched.page.add_init_script(
        "addEventListener('tactus-failed', (event) => { window.failed = event.detail.reason })"
    )
    watched.page.route("**/console/embed", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    watched.page.goto(world.page_of())
    expect(watched.page.get_by_role("alert")).to_contain_text(NEVER)
    said(watched, "did not come up", f"{world.host} is registered")
    assert watched.page.evaluate("window.failed") == "frame"


def answers(**more: Any) -> Callable[[Route], None]:
    return lambda route: route.fulfill(**more)


ANSWERS: list[tuple[Callable[[Route], None], tuple[str, ...]]] = [
    (answers(status=404, body="no"), ("answered 404", "no code")),
    (answers(status=500, body="{}"), ("answered 500", "no code")),
    (answers(status=200, body="<h1>Sign in</h1>", content_type="text/html"), ("answered 200", "text/html", "JSON")),
    (answers(status=200, json={"session": "x"}), ("answered 200", "without a code")),
    (answers(status=200, json={"code": 7}), ("without a code", "7")),
    (lambda route: route.abort(), ("could not be asked",)),
    (answers(status=200, json={"code": "tactus_code_stale"}), ("the code was refused", "60 seconds")),
]


def test_each_wrong_answer_of_the_code_endpoint_is_named(world: World, open_page: OpenPage) -> None:
    watched = open_page()
    for answer, words in ANSWERS:
        watched.complaints.clear()
        watched.page.unroute("**/billing/code*")
        watched.page.route("**/billing/code*", answer)
        watched.page.goto(world.page_of())
        panel = watched.frame.get_by_role("region", name=NEVER)
        expect(panel).to_contain_text("code was not accepted" if "refused" in words[0] else "gave no code")
        said(watched, *words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<tactus-console></tactus-console>", ("code-url is missing",)),
        (f"<tactus-console></tactus-console><script>{FAILING}</script>", ("getCode failed: nobody is signed in",)),
        ('<tactus-console code-url="http://["></tactus-console>', ("http://[", "could not be asked")),
    ],
)
def test_without_a_way_to_a_code_nothing_is_sent(
    host_page: Callable[..., Watched], open_page: OpenPage, body: str, words: tuple[str, ...]
) -> None:
    posted: list[str] = []
    watched = host_page(body)
    watched.page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    watched.page.reload()
    expect(watched.frame.get_by_role("region", name=NEVER)).to_be_visible()
    said(watched, *words)
    assert posted == []


def test_wrong_attributes_and_a_missing_element_are_named(world: World, host_page: Callable[..., Watched]) -> None:
    wrong = ELEMENT.replace("{attributes}", 'theme="blue" route="/wallet"')
    watched = host_page(wrong)
    expect(watched.frame.locator(".figure").first).to_be_visible()  # it opens all the same
    said(watched, 'theme="blue"', "auto, light, dark, system")
    said(watched, "no page", '"/wallet"')
    watched.page.evaluate("document.querySelector('tactus-console').navigate('/nowhere')")
    said(watched, "no page", '"/nowhere"')
    none = host_page("<p>nothing here</p>")
    heard: list[str] = []
    none.page.on("console", lambda message: heard.append(message.text))
    none.page.reload()
    none.page.wait_for_load_state()
    assert [text for text in heard if "no <tactus-console>" in text]
    none.page.add_script_tag(content=none.page.request.get(f"{world.web}/static/js/tactus-embed.js").text())
    said(none, "not as a module or in a bundle")


def auto(page_style: str) -> str:
    return f"<style>{page_style}</style>{ELEMENT.replace('{attributes}', '')}"


LOOKS = {
    "": "light",
    "body { background: #fff }": "light",
    "html { background: oklch(20% 0.02 250) }": "dark",
    ":root { color-scheme: dark }": "dark",
    ":root { color-scheme: light dark }": "",
    "body { background: #111 } tactus-console { display: block; background: rgb(255 255 255 / .9) }": "light",
    ":root { color-scheme: dark } body { background: rgb(255 255 255 / .05) }": "dark",
}


def test_auto_follows_the_page_and_not_the_visitors_system(host_page: Callable[..., Watched]) -> None:
    watched = host_page(auto(""))
    style = watched.page.locator("style")
    for system in ("light", "dark"):
        watched.page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        for look, scheme in LOOKS.items():
            style.evaluate("(style, look) => { style.textContent = look }", look)
            scheme_of(watched, scheme or system)
        watched.page.reload()  # and from the beginning
        scheme_of(watched, "light")


def test_auto_follows_each_change_of_the_page(host_page: Callable[..., Watched]) -> None:
    watched = host_page(
        auto(
            "html.night body { background: #111; } body { background: #fff } * { transition: all .2s }"
            ":root { color-scheme: light dark }"
        )
    )
    page: Page = watched.page
    page.emulate_media(color_scheme="dark")
    scheme_of(watched, "light")
    page.evaluate("document.documentElement.classList.add('night')")
    scheme_of(watched, "dark")
    page.evaluate("document.documentElement.classList.remove('night')")
    scheme_of(watched, "light")
    added = page.add_style_tag(content="body { background: #000 !important; transition: none }")
    scheme_of(watched, "dark")
    added.evaluate("style => { style.textContent = 'body { background: none !important; transition: none }' }")
    scheme_of(watched, "dark")  # the canvas, as the visitor's system is
    page.emulate_media(color_scheme="light")
    scheme_of(watched, "light")


def test_explicit_themes_stay_and_system_is_the_visitors(host_page: Callable[..., Watched]) -> None:
    watched = host_page(auto("body { background: #fff }"))
    page = watched.page
    page.emulate_media(color_scheme="dark")
    element = page.locator("tactus-console")
    for theme in ("dark", "light"):
        element.evaluate("(element, theme) => element.setAttribute('theme', theme)", theme)
        scheme_of(watched, theme)
    element.evaluate("element => element.setAttribute('theme', 'system')")
    html = watched.frame.locator("html")
    expect(html).not_to_have_attribute("data-scheme", "light")
    for system, color in (("dark", "rgb(16, 21, 19)"), ("light", "rgb(246, 247, 245)")):
        page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        expect(html).to_have_css("background-color", color)
    element.evaluate("element => element.removeAttribute('theme')")
    page.emulate_media(color_scheme="dark")
    scheme_of(watched, "light")
