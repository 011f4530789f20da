"""Starts throw-away PostgreSQL and Valkey once per test run, before Django's settings are read.

Under xdist only the controlling process starts them; its workers inherit the two URLs. Set DATABASE_URL and REDIS_URL
to use servers of your own. A keeper process owns the servers, so they go even when pytest is shot.
"""

import os
from collections.abc import Iterator

import pytest

from billing_site.supervisor.session import Lease, publish, throw_away_servers

lease_key = pytest.StashKey[Lease]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Runs before pytest-django imports the settings."""
    informational = early_config.known_args_namespace.help or early_config.known_args_namespace.version
    is_xdist_worker = "PYTEST_XDIST_WORKER" in os.environ
    if (
        not informational
        and not is_xdist_worker
        and not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
    ):
        lease = throw_away_servers()
        early_config.stash[lease_key] = lease
        publish(lease)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the servers back after the test databases are gone."""
    if lease := config.stash.get(lease_key, None):
        lease.release()
