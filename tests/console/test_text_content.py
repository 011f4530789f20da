"""What a screen reader gets of a page is its text: words that only a style holds apart are one word in it."""

import re
from html.parser import HTMLParser

import pytest

from tests.console.conftest import Funded

INLINE = {"a", "abbr", "b", "code", "em", "i", "small", "span", "strong"}
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
SILENT = {"svg", "script", "style"}
ROUTES = (
    "overview", "usage", "invoices", "credits", "panels/charged", "panels/compared", "panels/spend", "panels/drivers",
    "panels/recent", "panels/usage", "panels/usage?preset=previous&by=model", "panels/units", "panels/invoices",
    "panels/credits", "panels/credits/left", "panels/credits/burn-down", "panels/credits/grants",
    "panels/credits/grants?view=past", "panels/credits/ledger", "embed",
)  # fmt: skip


class Glued(HTMLParser):
    """Collects words that meet where an inline element begins or ends. Digits below the coin belong to their number."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.is_edge, self.found = " ", False, list[str]()
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in VOID:
            return
        if self.silent or tag in SILENT or given.get("aria-hidden") == "true":
            self.silent.append(tag)
        elif tag not in INLINE:
            self.before = " "
        elif given.get("class") != "tail":
            self.is_edge = True

    def handle_endtag(self, tag: str) -> None:
        if self.silent:
            self.silent.pop()
        elif tag not in INLINE:
            self.before = " "
        else:
            self.is_edge = True

    def handle_data(self, data: str) -> None:
        if self.silent or not data:
            return
        if self.is_edge and self.before[-1:].isalnum() and data[0].isalnum():
            self.found.append(f"{self.before[-30:]}|{data[:30]}")
        self.before, self.is_edge = data, False


def glued(html: str) -> list[str]:
    parser = Glued()
    parser.feed(html)
    parser.close()
    return parser.found


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>docs-search<small>1-15 Oct</small></p>", ["docs-search|1-15 Oct"]),
        ("<h2><span>Images</span><span>1.00</span></h2>", ["Images|1.00"]),
        ("<p>docs-search <small>1-15 Oct</small></p>", []),
        ("<td>1</td><td>2</td>", []),
        ('1.23<span class="tail">45</span>', []),
        ('<b>a</b><i aria-hidden="true">b</i>', []),
    ],
)
def test_the_reader_of_this_test(html: str, words: list[str]) -> None:
    assert glued(html) == words


def test_no_words_are_glued_together(funded: Funded) -> None:
    token = funded.token()
    texts = {route: funded.get(f"/console/{route}", token).text for route in ROUTES}
    listed = funded.get("/console/panels/invoices", token).text
    for path in sorted(set(re.findall(r"/console/invoices/[0-9a-f-]{36}", listed)))[:3]:
        texts[path] = funded.get(path, token).text
        for line in sorted(set(re.findall(r'hx-get="(/console/panels/invoices/[^"]+/lines/[^"/]+)"', texts[path])))[:4]:
            texts[line] = funded.get(line, token).text
            texts[f"{line}/events"] = funded.get(f"{line}/events", token).text
    found = {route: words for route, text in texts.items() if (words := glued(text))}
    assert len(texts) > len(ROUTES) + 6
    assert found == {}
