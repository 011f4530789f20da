"""Answers that are given before the body was read, by the web server that `make run` starts.

The client may send its next request on the same connection, unless it was told that this one closes.
"""

import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import pytest
from django.db import connection

from core.clock import now
from core.keys import create_api_key
from core.models import ApiKey
from supervisor.programs import WEB_THREADS, Site, web_server
from tests.infra.processes import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("infra")]

SIZES = (1, 60_000, 300_000)
Keys = dict[tuple[str, ...], str]
TURNS = 3  # whether a connection breaks is a matter of chance


@pytest.fixture(scope="module")
def port(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where it listens. It sees what tests commit."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("web")
    env = os.environ | {"DATABASE_URL": database_url(), "TACTUS_LOG_LEVEL": "WARNING"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_WORKERS", "1")
        child = web_server(Site(env=env, log=folder, host="127.0.0.1", port=port, demo_port=0, api_key=""))
    child.start()
    try:
        child.wait_ready(60)
        yield port
    finally:
        child.stop()
    assert "Traceback" not in child.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def keys(django_db_setup: None, django_db_blocker: Any) -> Iterator[Keys]:
    """Secrets by their scopes; none for none."""
    with django_db_blocker.unblock():
        made = {
            early.scopes: create_api_key(name="early", scopes=list(early.scopes), now=now())[1]
            for early in EARLY.values()
            if early.scopes
        }
        yield {(): "", **made}
        ApiKey.objects.filter(name="early").delete()


def database_url() -> str:
    """The database of the tests, on the server that they were given."""
    base, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{base.rpartition('/')[0]}/{connection.settings_dict['NAME']}" + (f"?{query}" if query else "")


@dataclass(frozen=True)
class Early:
    """A request that is answered, with `status`, without a look at its body."""

    method: str
    path: str
    status: int
    scopes: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


JSON = {"Content-Type": "application/json"}
ALL = ("*",)
EARLY: dict[str, Early] = {
    "401 without a key": Early("POST", "/v1/ingest", 401, (), JSON),
    "401 with a key that is none": Early("POST", "/v1/customers", 401, (), JSON | {"Authorization": "Bearer x"}),
    "401 with an Idempotency-Key": Early("POST", "/v1/contracts/create", 401, (), JSON | {"Idempotency-Key": "k"}),
    "403 without the scope": Early("POST", "/v1/ingest", 403, ("customers:read",), JSON),
    "404 without a route": Early("POST", "/v1/nothing", 404, ALL, JSON),
    "404 outside of the API": Early("POST", "/nothing", 404, (), JSON),
    "405 of the API": Early("PUT", "/v1/ingest", 405, ALL, JSON),
    "405 of a method nobody has": Early("DELETE", "/v1/customers", 405, ALL, JSON),
    "415": Early("POST", "/v1/ingest", 415, ALL, {"Content-Type": "text/plain"}),
    "400 for the query": Early("POST", "/v1/ingest?partial=maybe", 400, ALL, JSON),
    "GET with a body": Early("GET", "/v1/customers", 200, ALL, JSON),
    "403 outside of the API": Early("PUT", "/healthz", 403),
    "403 of the back office": Early("POST", "/admin/", 403),
    "redirect to the login": Early("GET", "/admin/", 302),
    "403 of the console": Early("POST", "/console/embed", 403),
    "401 of the console": Early("GET", "/console/overview", 401),
    "a static file": Early("GET", "/static/admin/css/base.css", 200),
}


class Client:
    """One connection and no other: http.client would open a new one in silence."""

    def __init__(self, port: int, secret: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.connect()
        self.connection.auto_open = 0
        self.authorization = {"Authorization": f"Bearer {secret}"} if secret else {}

    def send(self, early: Early, body: Any, **headers: str) -> tuple[int, bool]:
        """The answer's status, and whether it lets the connection stay open."""
        sent = {**self.authorization, **early.headers, **headers}
        self.connection.request(early.method, early.path, body, sent, encode_chunked="Transfer-Encoding" in headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, not answer.will_close

    def goes_on(self) -> bool:
        """Whether the same connection takes another request."""
        time.sleep(0.02)  # as long as a server needs that goes away
        self.connection.request("GET", "/healthz")
        return self.connection.getresponse().read() == b'{"status": "ok"}'


@pytest.mark.parametrize("name", EARLY)
def test_the_connection_stays_open_after_a_body_that_nobody_read(port: int, keys: Keys, name: str) -> None:
    early = EARLY[name]
    client = Client(port, keys[early.scopes])
    for size in SIZES * TURNS:
        assert client.send(early, b" " * size) == (early.status, True)
        assert client.goes_on()


@pytest.mark.parametrize("name", EARLY)
def test_a_body_of_unknown_length(port: int, keys: Keys, name: str) -> None:
    early = EARLY[name]
    client = Client(port, keys[early.scopes])
    for _ in range(TURNS):
        assert client.send(early, iter([b" " * 30_000] * 2), **{"Transfer-Encoding": "chunked"}) == (early.status, True)
        assert client.goes_on()


@pytest.mark.parametrize("length", [2**20 + 1, 2**30])
@pytest.mark.parametrize("name", EARLY)
def test_more_than_is_worth_reading_is_told_to_close(port: int, keys: Keys, name: str, length: int) -> None:
    early = EARLY[name]
    status, is_open = Client(port, keys[early.scopes]).send(early, b"[", **{"Content-Length": str(length)})
    assert status == (413 if early.path.startswith("/v1/") and length == 2**30 else early.status)
    assert not is_open


def test_bodies_that_do_not_come_leave_others_their_threads(port: int, keys: Keys) -> None:
    """More clients than there are threads begin a body each and send no more of it."""
    head = b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n["
    with ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(WEB_THREADS + 8)]
        for one in stalled:
            one.sendall(head)
        began = time.monotonic()
        assert Client(port, "").send(EARLY["401 without a key"], b"[]") in {(401, True), (401, False)}
        assert time.monotonic() - began < 2
        answered, _, _ = select.select(stalled, [], [], 2)
        assert answered
        assert all(b"connection: close" in one.recv(4096).lower() for one in answered)
    early = EARLY["401 without a key"]
    assert eventually(lambda: Client(port, "").send(early, b" " * 60_000) == (401, True)), "they went, and left nothing"


def test_a_client_that_asks_first_need_not_send_it(port: int, keys: Keys) -> None:
    """`Expect: 100-continue`: it is refused before it sends a byte, and told that the connection closes."""
    early = EARLY["401 without a key"]
    began = time.monotonic()
    headers = {"Content-Length": "60000", "Expect": "100-continue"}
    assert Client(port, "").send(early, b"", **headers) == (401, False)
    assert time.monotonic() - began < 0.5


def test_bodies_that_are_read_are_read_whole(port: int, keys: Keys) -> None:
    client = Client(port, keys[ALL])
    bad = Early("POST", "/v1/ingest", 400, ALL, JSON)
    for size in SIZES * TURNS:
        assert client.send(bad, b" " * size) == (400, True)
        assert client.goes_on()
