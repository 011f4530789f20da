"""Named schedules of rate cards, contracts and customers through the SDK."""

from typing import Any

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError

from tests.odd_input import Endpoint, faults
from tests.scenarios.world import USD, World

pytestmark = pytest.mark.calendar


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def test_each_owner_has_schedules_in_which_later_values_win(world: World) -> None:
    v1 = world.sdk.v1
    card, customer = world.card(), world.customer()
    contract = world.open_contract(customer, card)
    owners: list[tuple[Any, dict[str, str]]] = [
        (v1.contracts.named_schedules, {"rate_card_id": card}),
        (v1.contracts.rate_cards.named_schedules, {"customer_id": customer, "contract_id": contract}),
        (v1.customers.named_schedules, {"customer_id": customer}),
    ]
    first, second, third = world.days_ago(3), world.days_ago(2), world.days_ago(1)
    for schedules, owner in owners:
        assert schedules.retrieve(**owner, schedule_name="s").data == []
        schedules.update(**owner, schedule_name="s", starting_at=first, value={"a": [1, 2.5, None]})
        schedules.update(**owner, schedule_name="s", starting_at=second, ending_before=third, value="x")
        schedules.update(**owner, schedule_name="other", starting_at=first, value=None)
        found = schedules.retrieve(**owner, schedule_name="s").data
        assert [(part.starting_at, part.ending_before, part.value) for part in found] == [
            (first, second, {"a": [1, 2.5, None]}),
            (second, third, "x"),
            (third, None, {"a": [1, 2.5, None]}),
        ]
        [covering] = schedules.retrieve(**owner, schedule_name="s", covering_date=second).data
        assert covering.value == "x"
        with pytest.raises(BadRequestError, match="ending_before"):
            schedules.update(**owner, schedule_name="s", starting_at=second, ending_before=first, value=1)
        with pytest.raises(NotFoundError):
            schedules.retrieve(**dict.fromkeys(owner, USD), schedule_name="s")


def test_schedules_of_contracts_are_told_apart_by_properties_and_listed(world: World) -> None:
    schedules = world.sdk.v1.contracts.rate_cards.named_schedules
    customer, at = world.customer(), world.days_ago(3)
    contracts = [world.open_contract(customer, None), world.open_contract(customer, None, days=6)]
    for contract in contracts:
        for seat in ("a", "b"):
            schedules.update(
                customer_id=customer, contract_id=contract, schedule_name="s", starting_at=at, value=seat,
                properties={"seat": seat},
            )  # fmt: skip
    found = list(schedules.list(customer_id=customer, limit=3))
    assert [(row.contract_id, row.properties, row.segments[0].value) for row in found] == [
        (contract, {"seat": seat}, seat) for contract in contracts for seat in ("a", "b")
    ]
    [one] = schedules.list(customer_id=customer, contract_id=contracts[1], properties={"seat": "b"})
    assert one.segments[0].value == "b"
    [part] = schedules.retrieve(
        customer_id=customer, contract_id=contracts[0], schedule_name="s", properties={"seat": "b"}
    ).data
    assert part.value == "b"
    assert list(schedules.list(customer_id=customer, schedule_name="none")) == []


def test_bad_input(world: World, http: httpx.Client) -> None:
    customer = world.customer()
    contract = world.open_contract(customer, None)
    change = {
        "schedule_name": "s",
        "starting_at": "2024-01-01T00:00:00Z",
        "ending_before": "2025-01-01T00:00:00Z",
        "value": 1,
    }
    fields = {"schedule_name": "text", "starting_at": "instant", "ending_before": "instant"}
    required = ("schedule_name", "starting_at", "value")
    both = {"customer_id": "id", "contract_id": "id"}
    endpoints = [
        Endpoint(
            "/v1/contract-pricing/rate-cards/updateNamedSchedule",
            change | {"rate_card_id": world.card()},
            fields | {"rate_card_id": "id"},
            required,
        ),
        Endpoint(
            "/v1/contracts/updateNamedSchedule",
            change | {"customer_id": customer, "contract_id": contract, "properties": {"a": "b"}},
            fields | both | {"properties": "texts"},
            required,
        ),
        Endpoint(
            "/v1/customers/updateNamedSchedule",
            change | {"customer_id": customer},
            fields | {"customer_id": "id"},
            required,
        ),
    ]
    assert [fault for endpoint in endpoints for fault in faults(http, endpoint)] == []
