from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from metronome import Metronome

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import World


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


@pytest.fixture
def balances(sdk: Metronome) -> BalanceWorld:
    return BalanceWorld(sdk)


Clock = Callable[[float], None]


@pytest.fixture
def later() -> Iterator[Clock]:
    """Stops the clock that views and commands read, and moves it to so many seconds after the test began."""
    began = datetime.now(UTC)
    with time_machine.travel(began, tick=False) as machine:
        yield lambda seconds: machine.move_to(began + timedelta(seconds=seconds))


@pytest.fixture
def subscriptions(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)
