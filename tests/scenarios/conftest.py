from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from metronome import Metronome

from core.clock import now
from tests.plugins.clock import seconds, travel
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
    began = now()
    with travel(began, tick=False) as machine:
        yield lambda after: machine.move_to(seconds(began + timedelta(seconds=after)))


@pytest.fixture
def subscriptions(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)
