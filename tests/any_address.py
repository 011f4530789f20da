"""Every address of a part of the site, with values in its path and its query that nobody expects."""

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.urls import URLPattern, URLResolver, get_resolver

# FUZZ_EXAMPLES=100 looks at every value in every place; without it some are looked at, always the same.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
ODD = (
    "9" * 40, "\0", "-1", "x", "-" * 36, "a" * 36, "", "1e400", "NaN", "²", "٣", "0", "[]", "'\"<>%", "\x85\u202e",
    "00000000-0000-0000-0000-000000000000", "2026-02-30", "0001-01-01", "9999-12-31T23:59:59Z", "x" * 3000,
    "true", "None", "_7_1", "7", "../../x", " ", "1,2", "2026-01-01T00:00:00+99:00",
)  # fmt: skip
_LINK = re.compile(r"""(?:href|hx-get|action|data-url)="([^"#]*)""")
_FIELD = re.compile(r"""<(?:input|select|textarea)\b[^>]*\bname="([^"]+)\"""")


@dataclass
class Page:
    """An address with good values, and the names of what its query may say."""

    path: str
    names: set[str] = field(default_factory=set)

    def variants(self, turn: Iterator[str]) -> Iterator[str]:
        """The address with odd values, `EXAMPLES` for each name; they take turns."""
        for name in sorted(self.names):
            for value in itertools.islice(turn, min(EXAMPLES, len(ODD))):
                yield f"{self.path}?{urlencode({name: value})}"


Route = tuple[str, dict[str, str]]


def some_of(addresses: list[str]) -> list[str]:
    """No more than take some seconds, from all over."""
    return addresses[:: 1 + len(addresses) // (40 * EXAMPLES)]


def routes(prefix: str) -> Iterator[Route]:
    """Each route below `prefix`, with its converters by parameter."""

    def walk(
        patterns: Iterable[URLPattern | URLResolver], before: str, known: dict[str, str]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        for one in patterns:
            route = before + str(one.pattern)
            found = known | {name: type(kind).__name__ for name, kind in one.pattern.converters.items()}
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, route, found)
            else:
                yield route, found

    for route, converters in walk(get_resolver().url_patterns, "", {}):
        if route.startswith(prefix) and "(?P" not in route and "^" not in route:
            yield "/" + route, converters


def odd_paths(prefix: str) -> Iterator[str]:
    """Each route that takes something, with odd values in each place."""
    turn = itertools.cycle(value for value in ODD if value and "/" not in value)
    for route, converters in routes(prefix):
        if not converters:
            continue
        for _ in range(EXAMPLES):
            path = route
            for name, kind in converters.items():
                value = ODD[15] if kind == "UUIDConverter" else "9" * 40 if kind == "IntConverter" else next(turn)
                path = re.sub(rf"<(\w+:)?{name}>", lambda _, value=value: quote(value, safe=""), path)
            yield path


def note_names(page: Page, text: str, prefix: str, pages: dict[str, Page]) -> None:
    """What a page's links and forms say about itself and about other pages."""
    page.names |= {unescape(name) for name in _FIELD.findall(text)}
    for link in _LINK.findall(text):
        parts = urlsplit(unescape(link))
        path = parts.path or page.path
        if path.startswith(prefix) and not parts.netloc:
            other = pages.setdefault(path, Page(path))
            other.names |= {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
