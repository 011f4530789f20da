"""What a child sees of who pays for it, and what a parent sees of what it pays for. USD cents."""

import json
import re
from uuid import UUID

import httpx
import pytest

from console import services
from core.clock import now
from tests.scenarios.asked import posted
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.test_hierarchy import Family

pytestmark = pytest.mark.django_db
HELD = ("77.77", "65.77", "74.77", "62.77")
"""What the shared credit holds, before and after North's 12.00 and South's 3.00, whoever draws first."""


class Frames:
    """Console pages as customers see them."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def page(self, customer: str, path: str) -> str:
        _, code = services.create_embed_session(customer_id=UUID(customer), now=now())
        token = services.exchange(secret=code, parent_origin="", now=now()).token
        answer = self.client.get(f"/console/{path}", headers={"HX-Request": "true", "Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, path
        return answer.text


@pytest.fixture
def frames(wsgi: httpx.WSGITransport) -> Frames:
    return Frames(httpx.Client(transport=wsgi, base_url="http://testserver"))


PANELS = (
    "overview", "usage", "invoices", "credits", "panels/credits", "panels/credits/ledger", "panels/credits/grants",
    "panels/recent", "panels/drivers", "panels/spend",
)  # fmt: skip


def test_a_child_sees_what_is_its_own_and_the_parent_what_it_pays(
    balances: BalanceWorld, http: httpx.Client, frames: Frames
) -> None:
    f, w = Family(balances, http), balances
    north, own = f.child("North", place={"payer": "PARENT"})
    south, others = f.child("South", place={"payer": "PARENT"})
    f.share(7777, {"type": "ALL"}, name="Shared")
    f.share(4321, {"type": "NONE"}, name="Secret")
    w.use(north, f.metric, 12, w.days_ago(1))
    w.use(south, f.metric, 3, w.days_ago(1))
    for final in (False, True):
        if final:
            w.run_due_work(until=w.days_ago(-40))
        bill = w.invoice(north, w.days_ago(1))
        lines = [line for line in bill.line_items if line.type == "applied_commit_or_credit"]
        assert [line.total for line in lines] == [-1200]
        pages = [frames.page(north, path) for path in (*PANELS, f"invoices/{bill.id}")]
        reason = frames.page(north, f"panels/invoices/{bill.id}/lines/{lines[0].to_dict()['id']}")
        assert "Paid by" in reason
        assert "Shared" in reason
        told = [
            json.dumps(posted(http, path, {"customer_id": north, "contract_id": own}))
            for path in ("/v1/contracts/get", "/v2/contracts/get")
        ]
        told += [http.get(f"/v1/customers/{north}/{part}").text for part in ("invoices", f"invoices/{bill.id}")]
        told.append(json.dumps(posted(http, "/v1/contracts/customerBalances/list", {"customer_id": north})))
        for text in (*pages, reason, *told):
            found = [word for word in (south, others, "South", "Secret", *HELD, "43.21", "7777") if word in text]
            assert found == []
        ledger = frames.page(f.holding, "panels/credits/ledger")
        theirs = w.invoice(south, w.days_ago(1))
        for name, one in (("North", bill), ("South", theirs)):
            assert re.search(rf"{'invoice [^ ]+' if final else 'draft invoice'} of {name}", ledger)
            assert one.id not in ledger
        if not final:  # 62.77 of the one and 43.21 of the other
            assert "105.98" in frames.page(f.holding, "panels/credits/ledger")
            assert "105.98" in frames.page(f.holding, "panels/credits/burn-down")


def test_a_child_is_not_told_what_is_to_go_of_its_parents_commitment(
    balances: BalanceWorld, http: httpx.Client, frames: Frames
) -> None:
    f, w = Family(balances, http), balances
    north, _ = f.child("North", place={"payer": "PARENT"})
    shared = {"hierarchy_configuration": {"child_access": {"type": "ALL"}}}
    owed = w.postpaid(5000, w.days_ago(5), w.days_ago(-60), name="Minimum", **shared)
    w.sdk.v2.contracts.edit(customer_id=f.holding, contract_id=f.parent, add_commits=[owed])
    for customer in (north, f.holding):
        w.use(customer, f.metric, 12, w.days_ago(1))
    theirs, own = (
        frames.page(customer, f"invoices/{row.id}")
        for customer in (north, f.holding)
        for row in w.invoices(customer)
        if row.type == "USAGE"
    )
    assert "Counts towards Minimum: 12.00" in theirs
    assert "to go" not in theirs
    assert "to go" in own
