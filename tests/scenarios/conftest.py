import pytest
from metronome import Metronome

from tests.scenarios.world import World


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)
