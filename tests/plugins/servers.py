"""Starts throw-away PostgreSQL and Valkey once per process that runs tests, before Django's settings are read.

Each xdist worker has servers of its own: a transaction that one of them holds open would hold the other's rollups back
(`pg_snapshot_xmin` is the whole server's). Set DATABASE_URL and REDIS_URL to use servers of your own for all of them. A
keeper process owns the servers, so they go even when pytest is shot.
"""

import os
from collections.abc import Iterator

import pytest

from supervisor.session import Lease, publish, throw_away_servers

lease_key = pytest.StashKey[Lease]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Runs before pytest-django imports the settings."""
    asked = early_config.known_args_namespace
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    only_controls = not is_worker and bool(getattr(asked, "numprocesses", None) or getattr(asked, "tx", None))
    informational = asked.help or asked.version
    is_served = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")
    if not informational and not only_controls and not is_served:
        lease = throw_away_servers()
        early_config.stash[lease_key] = lease
        publish(lease)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the servers back after the test databases are gone."""
    if lease := config.stash.get(lease_key, None):
        lease.release()
