"""What a customer reads of a trial on the overview."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.clock import now
from tests.console.conftest import Seeded
from tests.scenarios.world import World

pytestmark = pytest.mark.calendar


@pytest.fixture
def world(sdk: Any) -> World:
    return World(sdk)


def words(seeded: Seeded, customer: str) -> str:
    html = seeded.get("/console/overview", seeded.token(UUID(customer))).text
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def on_trial(world: World, days: int, ago: int, policy: str, **more: Any) -> tuple[str, str]:
    customer = world.customer()
    trial = {"length": {"value": days, "unit": "DAYS"}, "without_payment_method": policy}
    contract = world.contract(customer, None, world.days_ago(ago), name="Pro", extra_body={"trial": trial}, **more)
    world.run_due_work()
    return customer, contract


@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        ((14, 2, "EXPIRE"), r"Trial \d+ days left of your trial of Pro\. It ends .+ UTC\. Usage is free until then\."),
        ((14, 2, "HOLD"), r"on file; otherwise it is paused"),
        ((14, 12, "CONTINUE"), r"(1 day|\d+ hours) left of your trial of Pro\. .* After that you are charged\."),
        ((5, 9, "HOLD"), r"Paused Your trial of Pro is over\. It ended .+ Add a payment method to go on\."),
        ((5, 9, "EXPIRE"), r"Ended Your trial of Pro has ended\. .+ Nothing was charged for it\."),
    ],
)
def test_the_overview_says_what_comes(seeded: Seeded, world: World, trial: tuple[int, int, str], expected: str) -> None:
    customer, _ = on_trial(world, *trial)
    assert re.search(expected, words(seeded, customer))


def test_it_says_nothing_of_what_is_over_or_somebody_elses(seeded: Seeded, world: World) -> None:
    converted, _ = on_trial(world, 5, 9, "CONTINUE")
    long_ago, _ = on_trial(world, 5, 60, "EXPIRE")
    for customer in (converted, long_ago, str(seeded.customer)):
        assert "trial" not in words(seeded, customer).lower()


def test_one_that_was_given_up_says_so(seeded: Seeded, world: World) -> None:
    customer, contract = on_trial(world, 14, 2, "HOLD")
    end = (now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    world.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract, ending_before=end)
    assert "You are not charged after that." in words(seeded, customer)
