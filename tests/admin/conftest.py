from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from core.staff import ensure_staff
from tests.admin.world import World, make_world
from tests.plugins.clock import travel

NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def present() -> Iterator[datetime]:
    """The middle of a month, so that two months are billed and the third runs."""
    with travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def world(db: None, present: datetime) -> World:
    return make_world(present)


@pytest.fixture
def as_role(db: None) -> Callable[[str], Client]:
    """A signed-in browser of somebody with this role."""

    def sign_in(role: str) -> Client:
        ensure_staff(username=f"a-{role}", role=role, password="secret-enough")
        client = Client()
        client.force_login(User.objects.get(username=f"a-{role}"))
        return client

    return sign_in


@pytest.fixture
def finance(as_role: Callable[[str], Client]) -> Client:
    return as_role("finance")


@pytest.fixture
def support(as_role: Callable[[str], Client]) -> Client:
    return as_role("support")


@pytest.fixture
def owner(as_role: Callable[[str], Client]) -> Client:
    return as_role("owner")
