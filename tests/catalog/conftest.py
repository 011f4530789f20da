import pytest
from metronome import Metronome

from tests.catalog.shop import Shop


@pytest.fixture
def shop(sdk: Metronome) -> Shop:
    return Shop(sdk)
