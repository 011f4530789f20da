"""A seeded customer and a session to look at it with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from console import services
from core.clock import now
from tests.console.balance_seed import DAY, Given, give
from tests.console.seed import Shop, seed_customer, seed_shop


@dataclass
class Seeded:
    """Two customers of one shop, and a client without any credential of its own."""

    customer: UUID
    stranger: UUID
    client: httpx.Client
    since: datetime

    def token(self, customer: UUID | None = None, **more: Any) -> str:
        """An access token for this customer's console."""
        _, code = services.create_embed_session(customer_id=customer or self.customer, now=now(), **more)
        return services.exchange(secret=code, parent_origin=more.get("origin", ""), now=now()).token

    def get(self, path: str, token: str | None = None, *, htmx: bool = True) -> httpx.Response:
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client.get(path, headers={**headers, "Authorization": f"Bearer {token or self.token()}"})


@pytest.fixture
def bare(wsgi: httpx.WSGITransport, db: None) -> httpx.Client:
    """HTTP without a key."""
    return httpx.Client(transport=wsgi, base_url="http://testserver")


def billed_month(today: datetime) -> datetime:
    """The first of the month before one that has begun at least two days ago: it is billed, whatever day this is.

    On the first two days of a month it is not the one before this month, which is in its grace then.
    """
    return ((today - 2 * DAY).replace(day=1) - DAY).replace(day=1)


@pytest.fixture
def seeded(bare: httpx.Client) -> Seeded:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = billed_month(today)
    shop = seed_shop(since, since)
    customer = seed_customer(shop, "Northwind Research", now=now(), since=since, per_day=2)
    stranger = seed_customer(shop, "Contoso Labs", now=now(), since=since, per_day=1, seed=3)
    return Seeded(customer, stranger, bare, since)


@pytest.fixture
def exchange(bare: httpx.Client) -> Callable[..., httpx.Response]:
    def send(**body: str) -> httpx.Response:
        return bare.post("/tactus/v1/embed/exchange", json=body)

    return send


@dataclass
class Funded(Seeded):
    """A customer with commits and credits, and one without."""

    shop: Shop
    given: Given
    today: datetime


@pytest.fixture
def funded(bare: httpx.Client) -> Funded:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = billed_month(today)
    shop = seed_shop(since, since)
    given: list[Given] = []
    customer = seed_customer(
        shop, "Northwind Research", now=now(), since=since, per_day=2,
        grants=lambda id_: given.append(give(id_, since=since, today=today)),
    )  # fmt: skip
    stranger = seed_customer(shop, "Contoso Labs", now=now(), since=since, per_day=1, seed=3)
    return Funded(customer, stranger, bare, since, shop, given[0], today)
