"""Making a contract for nobody and undoing it: whether terms can be agreed on at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from contracts.services.contracts import create_contract
from core.audit import Actor, reset_actor, set_actor
from core.transactions import rehearsed
from customers.models import Customer


def rehearse_contract(*, terms: dict[str, Any], starting_at: datetime, now: datetime) -> None:
    """Goes through all that `create_contract` does with `terms`, then rolls back. Raises as it does.

    Who asks does not matter: nothing is given to anybody.
    """
    nobody = Customer(name="Nobody", created_at=now, updated_at=now)

    @contextmanager
    def with_nobody() -> Iterator[None]:
        nobody.save(force_insert=True)
        yield

    token = set_actor(Actor())
    try:
        with rehearsed(with_nobody):
            create_contract(**terms, customer_id=nobody.pk, starting_at=starting_at, now=now)
    finally:
        reset_actor(token)
