"""Making a contract for nobody and undoing it: whether terms can be agreed on at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from contracts.services.contracts import create_contract
from core.audit import Actor, reset_actor, set_actor
from core.transactions import together_with
from customers.models import Customer


class _Rehearsed(Exception):  # noqa: N818 - no error
    """All went well; nothing of it is kept."""


def rehearse_contract(*, terms: dict[str, Any], starting_at: datetime, now: datetime) -> None:
    """Goes through all that `create_contract` does with `terms`, then rolls back. Raises as it does.

    Who asks does not matter: nothing is given to anybody.
    """
    nobody = Customer(name="Nobody", created_at=now, updated_at=now)

    @contextmanager
    def undone() -> Iterator[None]:
        nobody.save(force_insert=True)
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        raise _Rehearsed

    token = set_actor(Actor())
    try:
        with together_with(undone):
            create_contract(**terms, customer_id=nobody.pk, starting_at=starting_at, now=now)
    except _Rehearsed:
        return
    finally:
        reset_actor(token)
