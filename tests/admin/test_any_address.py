"""No address of the back office is a server error, whatever stands in its path and its query."""

import itertools
import re

from django.test import Client

from tests.admin.world import World
from tests.any_address import ODD, Page, note_names, odd_paths, routes, some_of

PREFIX = "/admin/"
QUERY = {"q", "o", "p", "e", "all", "s", "extended", "tab", "format", "find", "hours", "after", "seen", "id", "reason"}


def faults(client: Client, addresses: list[str]) -> list[str]:
    client.raise_request_exception = False
    return [address[:200] for address in addresses if client.get(address).status_code >= 500]


def test_paths(world: World, owner: Client) -> None:
    assert (
        faults(owner, [*odd_paths("admin/"), "/admin/r/7/1/", "/admin/r/9/-/", "/admin/jsi18n/", "/admin/x%00"]) == []
    )


def test_queries(world: World, owner: Client) -> None:
    pages = {path: Page(path) for path, converters in routes("admin/") if not converters and "logout" not in path}
    for path, page in list(pages.items()):
        answer = owner.get(path)
        if answer.status_code != 200:
            del pages[path]
        elif not answer.streaming:
            note_names(page, answer.content.decode(errors="replace"), PREFIX, pages)
    seen: set[str] = set()
    addresses: list[str] = []
    turn = itertools.cycle(ODD)
    for page in pages.values():
        kind = re.sub(r"[0-9a-f-]{36}|\d+", "*", page.path)
        if kind in seen or "logout" in kind:
            continue
        seen.add(kind)
        page.names |= QUERY
        addresses += page.variants(turn)
    assert len(addresses) > 300
    assert faults(owner, some_of(addresses)) == []
