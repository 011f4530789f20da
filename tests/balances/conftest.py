import pytest

from tests.balances.desk import Desk, make_desk


@pytest.fixture
def desk(db: None) -> Desk:
    return make_desk()
