"""A parent contract and its children: who pays, which balances may be drawn, and what is told. USD cents."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import Metric, exact

pytestmark = pytest.mark.django_db


class Family:
    """A holding with a contract, and subsidiaries whose contracts are its children; 100 cents a unit."""

    def __init__(self, w: BalanceWorld, http: httpx.Client) -> None:
        self.w, self.http = w, http
        self.metric: Metric
        self.metric, _, self.card = w.priced(price=100)
        self.holding = w.customer(name="Holding")
        self.parent = w.open_contract(self.holding, self.card, 5)

    def under(self, **more: Any) -> dict[str, Any]:
        return {"parent": {"contract_id": self.parent, "customer_id": self.holding}} | more

    def child(self, name: str, **more: Any) -> tuple[str, str]:
        customer = self.w.customer(name=name)
        return customer, self.w.open_contract(
            customer, self.card, 5, hierarchy_configuration=self.under(**more.pop("place", {})), **more
        )

    def share(self, amount: Any, access: dict[str, Any] | None, **more: Any) -> str:
        made = self.w.grant(self.holding, amount, self.w.days_ago(5), self.w.days_ago(-60), **more)
        if access is not None:
            config: Any = {"child_access": access}
            self.w.sdk.v2.contracts.edit_credit(
                customer_id=self.holding, credit_id=made, hierarchy_configuration=config
            )
        return made

    def totals(self, *customers: str) -> list[Decimal]:
        return [exact(self.w.invoice(customer, self.w.days_ago(1)).total) for customer in customers]

    def refused(self, status: int = 400, **body: Any) -> str:
        whole = {"customer_id": self.w.customer(), "starting_at": self.w.days_ago(5)} | body
        return str(posted(self.http, "/v1/contracts/create", wire(whole), status)["message"])


@pytest.fixture
def family(balances: BalanceWorld, http: httpx.Client) -> Family:
    return Family(balances, http)


def test_a_parent_pays_for_one_child_and_not_for_the_other(family: Family) -> None:
    """One shared commit of 1,000 for the first child alone; every invoice and balance to the cent, void and again."""
    f, w = family, family.w
    north, paid = f.child("North", place={"payer": "PARENT"})
    south, own = f.child("South", place={"payer": "SELF", "usage_statement_behavior": "SEPARATE"})
    f.share(1000, {"type": "CONTRACT_IDS", "contract_ids": [paid]})
    w.grant(south, 150, w.days_ago(5), w.days_ago(-60))
    for customer, units in ((f.holding, 3), (north, 12), (south, 2)):
        w.use(customer, f.metric, units, w.days_ago(1))
    # one end, one start: the contract with the lesser id draws first
    first = f.parent < paid
    assert f.totals(f.holding, north, south) == ([0, 500, 50] if first else [300, 200, 50])
    assert (w.net(f.holding), w.net(north), w.net(south)) == (0, 0, 0)
    assert [row.payer and row.payer.to_dict() for row in (w.invoice(one, w.days_ago(1)) for one in (north, south))] == [
        {"contract_id": f.parent, "customer_id": f.holding},
        {"contract_id": own, "customer_id": south},
    ]
    # a late child that the commit does not name draws nothing of it, and bills in full
    late, _ = f.child("Late", place={"payer": "PARENT"})
    w.use(late, f.metric, 4, w.days_ago(1))
    assert f.totals(late) == [400]
    before = f.totals(f.holding, north, south, late)
    w.run_due_work(until=w.days_ago(-40))
    assert f.totals(f.holding, north, south, late) == before
    bill = w.invoice(north, w.days_ago(1))
    assert (bill.status, bill.to_dict()["buyer"]["name"]) == ("FINALIZED", "Holding")
    drawn = -sum(amount for kind, amount in w.ledger(f.holding) if kind.endswith("AUTOMATED_INVOICE_DEDUCTION"))
    assert drawn == 1000
    w.sdk.v1.invoices.void(id=bill.id)
    again = w.sdk.v1.invoices.regenerate(id=bill.id).data
    assert again is not None
    w.run_due_work(until=w.days_ago(-40))
    assert f.totals(f.holding, north, south, late) == before


@pytest.mark.parametrize(
    ("access", "pays"),
    [(None, 0), ({"type": "NONE"}, 0), ({"type": "ALL"}, 300)],
)
def test_children_draw_where_they_may(family: Family, access: dict[str, Any] | None, pays: int) -> None:
    f, w = family, family.w
    child, _ = f.child("Child", place={"payer": "PARENT"})
    poor, _ = f.child("Poor")
    f.share(300, access)
    w.use(child, f.metric, 5, w.days_ago(1))
    w.use(poor, f.metric, 5, w.days_ago(1))
    assert f.totals(child, poor) == [500 - pays, 500]
    assert w.net(f.holding) == 300 - pays
    # what the child used since, and what it agreed on since, is seen by who pays for it
    w.use(child, f.metric, 1, w.days_ago(1))
    assert f.totals(child) == [600 - pays]
    [shown] = [row for row in w.held(f.holding) if row.type == "CREDIT"]
    told = shown.hierarchy_configuration
    assert (told and told.child_access.to_dict()) == access
    assert not w.held(child)


def test_a_contracts_own_commit_is_shared_with_its_children(family: Family) -> None:
    f, w = family, family.w
    child, contract = f.child("Child", place={"payer": "PARENT"})
    shared = w.prepaid(700, w.days_ago(5), w.days_ago(-60), hierarchy_configuration={"child_access": {"type": "ALL"}})
    w.sdk.v2.contracts.edit(customer_id=f.holding, contract_id=f.parent, add_commits=[shared])
    other = w.open_contract(f.holding, f.card, 5)
    w.use(child, f.metric, 5, w.days_ago(1))
    assert f.totals(child) == [0]
    assert exact(w.held(f.holding)[0].balance) == 200
    assert other != contract


def test_what_a_recurring_credit_issues_is_shared_as_it_says(family: Family) -> None:
    f, w = family, family.w
    child, contract = f.child("Child", place={"payer": "PARENT"})
    other, _ = f.child("Other", place={"payer": "PARENT"})
    access = {"child_access": {"type": "CONTRACT_IDS", "contract_ids": [contract]}}
    monthly = w.recurring(300, w.days_ago(5), hierarchy_configuration=access)
    w.sdk.v2.contracts.edit(customer_id=f.holding, contract_id=f.parent, add_recurring_credits=[monthly])
    for customer in (child, other):
        w.use(customer, f.metric, 5, w.days_ago(1))
    assert f.totals(child, other) == [200, 500]
    ids = {"customer_id": f.holding, "contract_id": f.parent}
    shown = posted(f.http, "/v2/contracts/get", ids)
    told = [row["hierarchy_configuration"] for name in ("recurring_credits", "credits") for row in shown[name]]
    assert told == [access] * len(told)
    assert len(told) > 1


def test_a_hierarchy_is_told_from_both_ends(family: Family) -> None:
    f, w = family, family.w
    child, contract = f.child("Child", place={"payer": "PARENT"})
    above = {"parent": {"contract_id": f.parent, "customer_id": f.holding}, "payer": "PARENT"}
    above["usage_statement_behavior"] = "SEPARATE"
    below = {
        "children": [{"contract_id": contract, "customer_id": child}],
        "parent_behavior": {"invoice_consolidation_type": "NONE"},
    }
    for customer, one, told in ((child, contract, above), (f.holding, f.parent, below)):
        ids = {"customer_id": customer, "contract_id": one}
        assert posted(f.http, "/v2/contracts/get", ids)["hierarchy_configuration"] == told
        assert posted(f.http, "/v1/contracts/get", ids)["initial"]["hierarchy_configuration"] == told
        listed = w.sdk.v2.contracts.list(customer_id=customer).data[0].hierarchy_configuration
        assert listed is not None
        assert listed.to_dict() == told


def test_what_cannot_be_in_a_hierarchy_is_refused(family: Family) -> None:
    f, w = family, family.w
    child, contract = f.child("Child", place={"payer": "PARENT"})
    under_child = {"parent": {"contract_id": contract, "customer_id": child}}
    said = f.refused(hierarchy_configuration=under_child)
    assert said.startswith("hierarchy_configuration.parent.contract_id: is a child itself")
    assert "hierarchy_configuration.parent.customer_id" in f.refused(
        customer_id=f.holding, hierarchy_configuration=f.under()
    )
    wrong = {"parent": {"contract_id": f.parent, "customer_id": child}}
    assert "hierarchy_configuration.parent" in f.refused(hierarchy_configuration=wrong)
    assert "is not in force" in f.refused(hierarchy_configuration=f.under(), starting_at=w.days_ago(9))
    assert "give parent" in f.refused(hierarchy_configuration={"payer": "PARENT"})
    assert "not supported" in f.refused(hierarchy_configuration=f.under(usage_statement_behavior="CONSOLIDATE"))
    gift = w.credit(5, w.days_ago(5), w.days_ago(-5))
    assert "the parent pays" in f.refused(hierarchy_configuration=f.under(payer="PARENT"), credits=[gift])
    regular = w.recurring(5, w.days_ago(5))
    assert "the parent pays" in f.refused(hierarchy_configuration=f.under(payer="PARENT"), recurring_credits=[regular])
    own = {"priority": 1, "customer_id": f.holding} | gift
    held = f.share(5, None)
    for ids in ([f.parent], [w.open_contract(w.customer(), f.card)]):
        access = {"child_access": {"type": "CONTRACT_IDS", "contract_ids": ids}}
        body = wire({"customer_id": f.holding, "credit_id": held, "hierarchy_configuration": access})
        said = str(posted(f.http, "/v2/contracts/credits/edit", body, 400)["message"])
        assert said.startswith("hierarchy_configuration.child_access.contract_ids.0: is no child contract")
        several = [w.recurring(5, w.days_ago(5)), w.recurring(5, w.days_ago(5), hierarchy_configuration=access)]
        edit = wire({"customer_id": f.holding, "contract_id": f.parent, "add_recurring_credits": several})
        said = str(posted(f.http, "/v2/contracts/edit", edit, 400)["message"])
        assert said.startswith("add_recurring_credits.1.hierarchy_configuration.child_access.contract_ids.0: is no")
    # with a customer's own they come by an edit alone, as in Metronome's API
    body = wire(own | {"hierarchy_configuration": {"child_access": {"type": "ALL"}}})
    for kind, more in (("Credits", {}), ("Commits", {"type": "PREPAID"})):
        said = str(posted(f.http, f"/v1/contracts/customer{kind}/create", body | more, 400)["message"])
        assert said.startswith("hierarchy_configuration: is not supported")
    named = wire({"priority": 1, "customer_id": child, "applicable_contract_ids": [contract]} | gift)
    assert "the parent pays" in posted(f.http, "/v1/contracts/customerCredits/create", named, 400)["message"]
    archive = {"customer_id": f.holding, "contract_id": f.parent, "void_invoices": False}
    said = str(posted(f.http, "/v1/contracts/archive", archive, 409)["message"])
    assert contract in said
    posted(f.http, "/v1/contracts/archive", {"customer_id": child, "contract_id": contract, "void_invoices": True})
    posted(f.http, "/v1/contracts/archive", archive)


def test_ten_are_enough(family: Family) -> None:
    f = family
    for number in range(9):
        f.child(f"Child {number}")
    assert "at most 10" in f.refused(409, hierarchy_configuration=f.under())
    column = "UPDATE contracts_contract SET parent_id = NULL, paying_customer_id = NULL WHERE parent_id = %s"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(column, [f.parent])
