"""The demo host's web server: a page with the console in it, and the one endpoint that a real host needs as well.

It knows an API key and nothing else of Tactus. A real host would take the customer from its own sign-in; here a
visitor picks one.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from socketserver import ThreadingMixIn
from string import Template
from typing import Any
from urllib.parse import parse_qs, quote
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import httpx

Start = Callable[[str, list[tuple[str, str]]], Any]
_STATIC = {"/host.css": "text/css; charset=utf-8", "/host.js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: str
    content_type: str
    body: bytes


class DemoHost:
    """The WSGI application. `console`: where browsers reach Tactus; `api`: where this server does; `origin`: its own
    origin.
    """

    def __init__(self, *, console: str, api: str, api_key: str, origin: str) -> None:
        self.console = console.rstrip("/")
        self.origin = origin.rstrip("/")
        self.client = httpx.Client(base_url=api, headers={"Authorization": f"Bearer {api_key}"}, timeout=20)

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answers one request."""
        try:
            reply = self._answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ)
        except httpx.HTTPError as error:
            reply = _page("502 Bad Gateway", f"<p>Tactus does not answer: {escape(str(error))}</p>".encode())
        policy = (
            f"default-src 'self'; img-src 'self' data:; script-src 'self' {self.console}; "
            f"frame-src {self.console}; frame-ancestors 'none'; base-uri 'none'"
        )
        start_response(
            reply.status,
            [
                ("Content-Type", reply.content_type),
                ("Content-Length", str(len(reply.body))),
                ("Content-Security-Policy", policy),
                ("Referrer-Policy", "strict-origin-when-cross-origin"),
                ("Cache-Control", "no-store"),
            ],
        )
        return [reply.body]

    def _answer(self, method: str, path: str, environ: dict[str, Any]) -> Reply:
        query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        if method == "GET" and path in _STATIC:
            return Reply("200 OK", _STATIC[path], files(__package__).joinpath(path[1:]).read_bytes())
        if method == "GET" and path == "/":
            return self._billing(query)
        if method == "GET" and path == "/plain":
            return self._plain(query)
        if method == "POST" and path == "/billing/code":
            return self._code(query, environ)
        return _page("404 Not Found", b"<p>No such page.</p>")

    def _billing(self, query: dict[str, str]) -> Reply:
        """The host's billing page. `?customer=` signs in as that customer, `?route=` opens that page of the console."""
        customers = self._customers()
        if not customers:
            return _page("200 OK", b"<p>There is no customer in Tactus yet.</p>")
        chosen = self._chosen(query, customers)
        code_url = f"/billing/code?customer={quote(chosen['id'])}"
        element = (
            f'<tactus-console id="billing" code-url="{escape(code_url)}" route="{escape(query.get("route", ""))}" '
            f'theme="{escape(query.get("theme", "auto"))}" label="Billing of {escape(chosen["name"])}">'
            "</tactus-console>"
        )
        return self._shell(customers, chosen, element, script=True)

    def _plain(self, query: dict[str, str]) -> Reply:
        """The same without our script: a bare iframe with a URL from getEmbeddableUrl."""
        customers = self._customers()
        chosen = self._chosen(query, customers)
        body = {"customer_id": chosen["id"], "dashboard": query.get("dashboard", "invoices")}
        answer = self.client.post("/v1/dashboards/getEmbeddableUrl", json=body)
        answer.raise_for_status()
        url = answer.json()["data"]["url"]
        element = f'<iframe class="plain" title="Billing of {escape(chosen["name"])}" src="{escape(url)}"></iframe>'
        return self._shell(customers, chosen, element, script=False)

    def _code(self, query: dict[str, str], environ: dict[str, Any]) -> Reply:
        """What a real host needs: its own sign-in says who asks; the API gives a code for them."""
        if environ.get("HTTP_X_TACTUS") != "code" or environ.get("HTTP_SEC_FETCH_SITE", "same-origin") != "same-origin":
            return _json("403 Forbidden", {"message": "only this page may ask"})
        try:
            customer = str(UUID(query.get("customer", "")))
        except ValueError:
            return _json("400 Bad Request", {"message": "which customer?"})
        end_user = {"id": "demo-user", "name": "Sam Carter", "email": "sam@example.com"}
        answer = self.client.post(
            "/tactus/v1/embed/sessions", json={"customer_id": customer, "origin": self.origin, "end_user": end_user}
        )
        if answer.status_code != 200:
            return _json("502 Bad Gateway", {"message": answer.text})
        return _json("200 OK", {"code": answer.json()["data"]["code"]})

    def _chosen(self, query: dict[str, str], customers: list[dict[str, str]]) -> dict[str, str]:
        """Who is signed in: the customer of the address, which need not be among the first hundred; else the first."""
        asked = query.get("customer", "")
        found = next((one for one in customers if one["id"] == asked), None)
        if found is None and asked:
            answer = self.client.get(f"/v1/customers/{quote(asked, safe='')}")
            if answer.status_code == 200:
                row = answer.json()["data"]
                found = {"id": row["id"], "name": row["name"]}
                customers.insert(0, found)
        return found or customers[0]

    def _customers(self) -> list[dict[str, str]]:
        answer = self.client.get("/v1/customers", params={"limit": 100})
        answer.raise_for_status()
        found = [{"id": row["id"], "name": row["name"]} for row in answer.json()["data"]]
        return sorted(found, key=lambda row: row["name"])

    def _shell(self, customers: list[dict[str, str]], chosen: dict[str, str], element: str, *, script: bool) -> Reply:
        options = "".join(
            f'<option value="{escape(c["id"])}"{" selected" if c is chosen else ""}>{escape(c["name"])}</option>'
            for c in customers
        )
        loader = f'<script src="{self.console}/static/js/tactus-embed.js"></script>' if script else ""
        page = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
        filled = page.substitute(customers=options, name=escape(chosen["name"]), console=element, loader=loader)
        return _page("200 OK", filled.encode())


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """Browsers hold connections open; one thread each."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """No line per request."""

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def _page(status: str, body: bytes) -> Reply:
    return Reply(status, "text/html; charset=utf-8", body)


def _json(status: str, value: dict[str, str]) -> Reply:
    return Reply(status, "application/json", json.dumps(value).encode())
