"""A use case is one durable transaction, and its parts refuse to work without one."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from celery import Celery, current_app
from django.db import transaction

from core import audit, jobs
from core.clock import now
from core.events import DomainEvent, publish
from core.jobs import enqueue
from core.keys import create_api_key
from core.models import ApiKey, OutboxEvent
from core.transactions import require_transaction, use_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(DomainEvent):
    """Something about a key."""

    name = "test.happened"
    title = "It happened"
    SUBJECT = ("apikey", "api_key_id")

    api_key_id: UUID


def happened(key: ApiKey) -> Happened:
    return Happened(api_key_id=key.pk, occurred_at=now())


def test_use_cases_do_not_nest(db: None) -> None:
    with use_case(), pytest.raises(RuntimeError), use_case():
        raise AssertionError("must not get here")


def test_parts_need_an_open_transaction(db: None) -> None:
    key, _ = create_api_key(name="k", scopes=["*"], now=now())
    for part in (
        require_transaction,
        lambda: enqueue("core.forget_old_requests"),
        lambda: publish(happened(key)),
    ):
        with pytest.raises(RuntimeError):
            part()
    with use_case():
        require_transaction()


def test_an_act_without_a_title_is_not_recorded(db: None) -> None:
    key, _ = create_api_key(name="k", scopes=["*"], now=now())
    with pytest.raises(LookupError), use_case():
        audit.record("api_key.forgotten", key, at=now())


def test_an_event_is_gone_with_its_transaction(db: None) -> None:
    key, _ = create_api_key(name="k", scopes=["*"], now=now())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        publish(happened(key))
        raise ZeroDivisionError
    assert not OutboxEvent.objects.exists()
    assert ApiKey.objects.count() == 1


@pytest.fixture
def broker_down() -> Iterator[Celery]:
    """An application of its own in this thread: the real one would keep its connections to nowhere."""
    known = current_app._get_current_object()
    dead = Celery("dead", broker="redis://127.0.0.1:1/0", set_as_current=False)
    dead.set_current()
    try:
        yield dead
    finally:
        known.set_current()
        jobs.sender = jobs.Sender()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_costs_no_request(
    broker_down: Celery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = broker_down.send_task
    monkeypatch.setattr(broker_down, "send_task", lambda name, **more: asked.append(name) or send(name, **more))
    for _ in range(3):
        with use_case():
            enqueue("core.forget_old_requests")
        assert jobs.sender.wait(20)
    assert "core.forget_old_requests waits for its sweeper" in caplog.text
    assert len(asked) == 1  # the next ones do not wait to find out again
    jobs.sender = jobs.Sender()
    with use_case():
        enqueue("core.forget_old_requests")
    assert jobs.sender.wait(20)
    assert len(asked) == 2
