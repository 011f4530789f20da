import pytest
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


@pytest.fixture
def subscriptions(sdk: Metronome) -> SubscriptionWorld:
    return SubscriptionWorld(sdk)
