"""A use case is one durable transaction, and its parts refuse to work without one."""

import pytest
from django.db import transaction

from core.clock import now
from core.events import publish
from core.jobs import enqueue
from core.keys import create_api_key
from core.models import ApiKey, Event
from core.transactions import require_transaction, use_case


def test_use_cases_do_not_nest(db: None) -> None:
    with use_case(), pytest.raises(RuntimeError), use_case():
        raise AssertionError("must not get here")


def test_parts_need_an_open_transaction(db: None) -> None:
    key, _ = create_api_key(name="k", scopes=["*"], now=now())
    for part in (
        require_transaction,
        lambda: enqueue("core.forget_old_requests"),
        lambda: publish("x.happened", key, at=now()),
    ):
        with pytest.raises(RuntimeError):
            part()
    with use_case():
        require_transaction()


def test_a_fact_is_gone_with_its_transaction(db: None) -> None:
    key, _ = create_api_key(name="k", scopes=["*"], now=now())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish("x.happened", key, at=now())
        raise ZeroDivisionError
    assert not Event.objects.exists()
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_costs_no_request(settings, caplog) -> None:  # type: ignore[no-untyped-def]
    from billing_site.celery import app

    old = app.conf.broker_url
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    try:
        with use_case():
            enqueue("core.forget_old_requests")
    finally:
        app.conf.broker_url = old
