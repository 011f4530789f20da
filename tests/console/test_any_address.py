"""No address of the console is a server error, whatever stands in its path and its query; nor is any file's."""

import itertools
import re
from urllib.parse import urlencode

from tests.any_address import ODD, Page, note_names, odd_paths, routes, some_of
from tests.console.conftest import Funded

PREFIX = "/console/"
QUERY = {
    "unit", "view", "after", "today", "status", "count", "period", "from", "to", "by", "show", "step", "preset",
    "grant",
}  # fmt: skip


def test_addresses(funded: Funded) -> None:
    token = funded.token()
    bad: list[str] = []

    def ask(address: str) -> str:
        answer = funded.get(address, token)
        if answer.status_code >= 500:
            bad.append(f"{address[:200]}: {answer.status_code}")
        is_page = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
        return answer.text if is_page else ""

    pages = {path: Page(path) for path, converters in routes("console/") if not converters}
    for path in list(pages):
        note_names(pages[path], ask(path), PREFIX, pages)
    for page in list(pages.values()):  # what the first ones lead to: documents, their lines
        if page.path not in {"/" + route for route, _ in routes("console/")}:
            note_names(page, ask(page.path), PREFIX, pages)
    seen: set[str] = set()
    turn = itertools.cycle(ODD)
    addresses: list[str] = []
    for page in pages.values():
        kind = re.sub(r"[0-9a-f-]{36}|\d+", "*", page.path)
        if kind not in seen:
            seen.add(kind)
            page.names |= QUERY
            addresses += page.variants(turn)
    assert len(seen) > 20
    for address in [*some_of(addresses), "/console/panels/invoices?status=&count=" + "9" * 40, *odd_paths("console/")]:
        ask(address)
    assert bad == []


def test_files(funded: Funded) -> None:
    """A link to a file is refused when it is made, or works, or says that there is nothing."""
    token = funded.token()
    paths = [f"invoices/{value}.{kind}" for value in ("-" * 36, "a" * 36, "0" * 36, "-", "") for kind in ("pdf", "csv")]
    paths += [*ODD, f"invoices/{funded.customer}.pdf", f"invoices/{funded.customer}.csv"]
    files = [(path, "") for path in paths]
    names = ("unit", "period", "from", "to", "show", "step", "preset", "after", "by", "grant")
    turn = itertools.cycle(ODD)
    for path in ("usage.csv", "units.csv", "credits.csv"):
        files += [(path, urlencode({name: next(turn)})) for name in names for _ in range(2)]
    files += [("usage.csv", odd) for odd in ("%FF", "&&&", "=", "a" * 999)]
    bad = []
    for path, query in files:
        headers = {"Authorization": f"Bearer {token}", "HX-Request": "true"}
        answer = funded.client.post("/console/downloads", data={"path": path, "query": query}, headers=headers)
        if answer.status_code == 204:
            url = re.search(r'"url": "([^"]+)"', answer.headers["HX-Trigger"])
            assert url
            answer = funded.client.get(url[1])
        if answer.status_code >= 500:
            bad.append(f"{path[:60]}?{query[:60]}: {answer.status_code}")
    assert bad == []
