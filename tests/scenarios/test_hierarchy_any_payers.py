"""Whoever pays for whom: every event is billed once, and no balance pays more than it holds. USD cents."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_hierarchy import Family
from tests.scenarios.world import exact

pytestmark = pytest.mark.django_db

CHILD = st.tuples(st.sampled_from(("SELF", "PARENT")), st.integers(0, 9), st.booleans())
"""Who pays, units used, and whether the commit names it."""


@settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=(HealthCheck.function_scoped_fixture, HealthCheck.too_slow),
)
@given(children=st.lists(CHILD, min_size=1, max_size=3), own=st.integers(0, 9), shared=st.integers(1, 1500))
def test_any_payers(
    balances: BalanceWorld, http: httpx.Client, children: list[tuple[str, int, bool]], own: int, shared: int
) -> None:
    w, f = balances, Family(balances, http)
    made = [(*f.child("Child", place={"payer": payer}), payer, units, named) for payer, units, named in children]
    ids = [contract for _, contract, payer, _, named in made if payer == "PARENT" and named]
    access: dict[str, Any] = {"type": "CONTRACT_IDS", "contract_ids": ids} if ids else {"type": "NONE"}
    f.share(shared, access)
    used = [(f.holding, own, True)] + [(customer, units, one in ids) for customer, one, _, units, _ in made]
    for customer, units, _ in used:
        if units:
            w.use(customer, f.metric, units, w.days_ago(1))
    reach = Decimal(100 * sum(units for _, units, may in used if may))
    whole = Decimal(100 * sum(units for _, units, _ in used))
    drawn = min(reach, Decimal(shared))
    drafts = f.totals(*(customer for customer, _, _ in used))
    assert sum(drafts) == whole - drawn
    assert [
        total for total, (_, units, may) in zip(drafts, used, strict=True) if not may and total != 100 * units
    ] == []
    assert w.net(f.holding) == shared - drawn
    w.run_due_work(until=w.days_ago(-40))
    assert f.totals(*(customer for customer, _, _ in used)) == drafts
    assert w.net(f.holding) == shared - drawn
    posted = [exact(entry.amount) for row in w.held(f.holding) for entry in row.ledger or () if entry.amount < 0]
    assert -sum(posted, Decimal(0)) == drawn
