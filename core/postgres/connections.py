"""Connections of our own, besides Django's."""

from typing import Any, Final

import psycopg
from django.db import connection

_CONNECTION_PARAMS = {"dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "service", "options"}


BY_KEY: Final = (
    "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan"
)
"""For a session that only looks rows up by key: it need not find out from statistics, which a new table lacks."""


def connect(name: str, options: str = "") -> psycopg.Connection[Any]:
    """A connection of its own to Django's default database, in autocommit; `name` says in PostgreSQL whose it is.

    `options`: settings of the session besides Django's. Raises psycopg.OperationalError.
    """
    params = {key: value for key, value in connection.get_connection_params().items() if key in _CONNECTION_PARAMS}
    params["options"] = f"{params.get('options', '')} {options}".strip()
    return psycopg.connect(**params, autocommit=True, connect_timeout=3, application_name=name)
