"""Fixtures for every test. Servers are started by tests/plugins/servers.py.

The API as its clients reach it:

`sdk` and `http` run the real WSGI application in the test's own thread and transaction: no socket, same code, rolled
back after. `live_sdk` and `live_http` go over a socket to a live server, for what needs real commits (threads,
browsers, on-commit jobs).
"""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.models.signals import post_migrate
from metronome import DefaultHttpxClient, Metronome

from catalog.seeds import seed_fiat_credit_types
from core.clock import now
from core.keys import create_api_key
from core.postgres.connections import close_idle
from tests.described import CheckedTransport, check

BASE = "http://testserver"


@pytest.fixture
def api_key(db: None) -> str:
    """A key that may do everything."""
    return create_api_key(name="test", scopes=["*"], now=now())[1]


@pytest.fixture
def wsgi() -> Iterator[httpx.WSGITransport]:
    """The application; as in Django's own test client, requests leave the connection of the test's transaction open."""
    from billing_site.wsgi import application

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield CheckedTransport(app=application)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def http(api_key: str, wsgi: httpx.WSGITransport) -> Iterator[httpx.Client]:
    """Raw HTTP with a good key."""
    with httpx.Client(transport=wsgi, base_url=BASE, headers={"Authorization": f"Bearer {api_key}"}) as client:
        yield client


@pytest.fixture
def sdk(api_key: str, wsgi: httpx.WSGITransport) -> Iterator[Metronome]:
    """Metronome's official SDK with a good key; it never retries, so that a test sees each answer."""
    with httpx.Client(transport=wsgi) as client:
        yield Metronome(base_url=BASE, bearer_token=api_key, http_client=client, max_retries=0)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: their world stands in the worker's database until the session ends."""
    items.sort(key=lambda item: "browser" in item.path.parts)


def restore_currencies(**_: Any) -> None:
    """Puts back what a migration had put there."""
    if not apps.get_model("catalog", "CreditType").objects.exists():
        seed_fiat_credit_types(apps)


@pytest.fixture
def grace_of_a_day(settings: Any) -> None:
    """For what is told of the grace itself: the suite holds with any other (TACTUS_GRACE_HOURS)."""
    settings.TACTUS_GRACE_HOURS = 24


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Tests with real commits empty every table when they end, and say so as a migration does: seed again at once."""
    post_migrate.connect(restore_currencies, sender=apps.get_app_config("catalog"))
    yield
    close_idle()  # or the test database would be in use


@pytest.fixture(scope="session")
def tls() -> ssl.SSLContext:
    """For HTTP clients: each that reads the certificates itself takes a tenth of a second to make."""
    return ssl.create_default_context()


@pytest.fixture
def live_url(live_server: Any) -> str:
    """Base URL of a live server."""
    return str(live_server.url)


@pytest.fixture
def live_key(live_url: str) -> str:
    return create_api_key(name="live test", scopes=["*"], now=now())[1]


@pytest.fixture
def live_sdk(live_url: str, live_key: str, tls: ssl.SSLContext) -> Iterator[Metronome]:
    # Closed again: a connection kept alive keeps its server thread, and that one's database connection, alive too.
    http = DefaultHttpxClient(verify=tls, event_hooks={"response": [check]})
    with Metronome(base_url=live_url, bearer_token=live_key, max_retries=0, http_client=http) as client:
        yield client


@pytest.fixture
def live_http(live_url: str, live_key: str, tls: ssl.SSLContext) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {live_key}"}
    hooks = {"response": [check]}
    with httpx.Client(base_url=live_url, headers=headers, timeout=30, verify=tls, event_hooks=hooks) as client:
        yield client


@pytest.fixture
def scoped_http(wsgi: httpx.WSGITransport, db: None) -> Callable[..., httpx.Client]:
    """Raw HTTP with a key of the given scopes."""

    def make(*scopes: str) -> httpx.Client:
        secret = create_api_key(name="scoped", scopes=list(scopes), now=now())[1]
        return httpx.Client(transport=wsgi, base_url=BASE, headers={"Authorization": f"Bearer {secret}"})

    return make
