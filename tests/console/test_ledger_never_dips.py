"""The balance beside each movement of a ledger is one that there was: never below 0 where nothing was overdrawn."""

from decimal import Decimal

import pytest
from metronome import Metronome

from tests.console.conftest import Funded
from tests.console.test_balances_page import table_of
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar


def test_a_correction_as_of_the_start_comes_after_the_grant(funded: Funded, sdk: Metronome) -> None:
    token, customer = funded.token(), str(funded.customer)
    listed = sdk.v1.contracts.list_balances(
        customer_id=customer, include_balance=True, include_ledgers=True, include_contract_balances=True
    )
    row = next(row for row in listed if row.type != "POSTPAID" and exact(row.balance) > 100)
    segment = row.access_schedule.schedule_items[0].id
    sdk.v1.contracts.add_manual_balance_entry(
        id=row.id, customer_id=customer, segment_id=segment, amount=-50, reason="billed twice"
    )
    sdk.v1.contracts.add_manual_balance_entry(
        id=row.id, customer_id=customer, segment_id=segment, amount=20, reason="not quite"
    )
    rows = table_of(funded, f"grant={row.id}", token)
    assert {Decimal(one["amount"]) * 100 for one in rows} >= {-50, 20}
    assert all(Decimal(one["balance"]) >= 0 for one in rows), rows
    everything = table_of(funded, "", token)
    assert all(Decimal(one["balance"]) >= 0 for one in everything if one["status"] == "posted"), everything
