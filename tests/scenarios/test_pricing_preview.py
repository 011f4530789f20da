"""previewEvents: the draft's own engine call with events that have not happened; nothing is stored."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from metronome import BadRequestError, NotFoundError

from tests.odd_input import Endpoint, faults, stored
from tests.scenarios.world import USD, World, exact

pytestmark = [pytest.mark.django_db, pytest.mark.calendar]


def event(metric: Any, value: Any, at: Any = None, **properties: Any) -> dict[str, Any]:
    made = {"event_type": metric.event_type, "properties": {metric.key: str(value), **properties}}
    return made if at is None else made | {"timestamp": at.isoformat()}


def totals(world: World, customer: str, events: list[dict[str, Any]], mode: str = "merge") -> list[Any]:
    found = world.sdk.v1.customers.preview_events(customer_id=customer, events=events, mode=mode).data  # type: ignore[arg-type]
    return [exact(invoice.total) for invoice in found]


def test_replace_and_merge_leave_no_trace(world: World) -> None:
    metric, _, card = world.priced(tiers=[{"size": 10, "price": 100}, {"price": 50}])
    customer = world.customer()
    contract = world.open_contract(customer, card)
    world.use(customer, metric, 5, world.days_ago(2))
    before, draft = stored(), world.invoice(customer)
    coming = [event(metric, 20, world.days_ago(1))]
    assert totals(world, customer, coming, "replace") == [1500]
    assert totals(world, customer, coming) == [1750]
    assert totals(world, customer, [event(metric, 20)]) == [1750]
    [seen] = world.sdk.v1.customers.preview_events(customer_id=customer, events=coming).data
    assert (seen.id, seen.status, seen.contract_id) == (draft.id, "DRAFT", contract)
    assert totals(world, customer, [], "replace") == [0]
    assert stored() == before
    assert exact(world.invoice(customer).total) == 500


def test_one_invoice_for_each_contract_in_force(world: World) -> None:
    metric, product, card = world.priced(price=100)
    cheap = world.card()
    world.rate(cheap, product, price=10)
    customer = world.customer()
    world.open_contract(customer, card, days=6)
    world.open_contract(customer, cheap, days=5)
    world.contract(customer, card, world.days_ago(-3))
    world.contract(customer, card, world.days_ago(20), ending_before=world.days_ago(10))
    assert totals(world, customer, [event(metric, 2, world.days_ago(1))]) == [200, 20]


@pytest.mark.parametrize(
    ("aggregation", "expected"), [("SUM", 24), ("COUNT", 8), ("MAX", 9), ("LATEST", 2), ("UNIQUE", 7)]
)
def test_merging_is_exact_for_every_aggregation(world: World, aggregation: str, expected: int) -> None:
    metric = world.metric(aggregation)
    card = world.card()
    world.rate(card, world.product(metric), price=100)
    customer, other = world.customer(), world.customer()
    for who in (customer, other):
        world.open_contract(who, card)
    at = world.days_ago(3)
    stored_events = [(1, 0), (5, 1), (9, 2), (3, 9)]
    coming = [(-1, 1), (5, 2), (2, 9), (0, 5)]
    key = metric.key or "units"
    for value, hours in stored_events:
        world.use(customer, metric, value, at + timedelta(hours=hours), **({} if metric.key else {key: str(value)}))
    events = [
        {
            "event_type": metric.event_type,
            "properties": {key: str(value)},
            "timestamp": (at + timedelta(hours=hours)).isoformat(),
        }
        for value, hours in coming
    ]
    assert totals(world, customer, events) == [expected * 100]
    # The same as if all of them had come in.
    for value, hours in [*stored_events, *coming]:
        world.use(other, metric, value, at + timedelta(hours=hours), **({} if metric.key else {key: str(value)}))
    assert exact(world.invoice(other).total) == expected * 100


def test_what_was_ingested_does_not_count_twice(world: World) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card)
    known = world.event(customer, metric, 3, world.days_ago(1))
    world.send(known)
    again = event(metric, 3, world.days_ago(1)) | {"transaction_id": known["transaction_id"]}
    assert totals(world, customer, [again]) == [300]
    assert totals(world, customer, [again], "replace") == [0]
    twice = event(metric, 3) | {"transaction_id": uuid.uuid4().hex}
    with pytest.raises(BadRequestError, match=r"events\.0\.transaction_id"):
        totals(world, customer, [twice, twice])


def test_refusals(world: World, http: httpx.Client) -> None:
    metric, _, card = world.priced(price=100)
    customer = world.customer()
    world.open_contract(customer, card)
    with pytest.raises(BadRequestError, match="events"):
        totals(world, customer, [])
    with pytest.raises(BadRequestError, match="events"):
        totals(world, customer, [event(metric, 1)] * 101)
    with pytest.raises(NotFoundError):
        totals(world, USD, [event(metric, 1)])
    body = {"events": [event(metric, 1, world.now) | {"transaction_id": "a"}], "mode": "merge"}
    fields = {
        "events": "list",
        "events.0.event_type": "text",
        "events.0.timestamp": "instant",
        "events.0.transaction_id": "text",
        "events.0.properties": "object",
        "mode": "word",
    }
    endpoint = Endpoint(f"/v1/customers/{customer}/previewEvents", body, fields, ("events",))
    assert faults(http, endpoint) == []
