"""A parent contract and a child that it pays for: each place where a commit or credit says which children may draw."""

from datetime import timedelta
from typing import Any

from tests.api.strict.agreements import CREATE, EDIT, Account
from tests.api.strict.catalogue import Shop
from tests.api.strict.edits import change
from tests.api.strict.terms import access, balance, recurring
from tests.api.strict.tour import Tour, wire

PLACES = ("commits", "credits", "recurring_commits", "recurring_credits")
GIVEN = "hierarchy_configuration"


def agree_on_a_hierarchy(t: Tour, shop: Shop) -> None:
    """A holding whose contract shares its balances with all children, then with one; and the child."""
    holding, subsidiary = (str(t.call("v1.customers.create", name=name).data.id) for name in ("Holding", "Subsidiary"))
    since = t.w.days_ago(10)
    own = {"customer_id": holding, "rate_card_id": shop.card, "starting_at": since}
    alone = {"parent_behavior": {"invoice_consolidation_type": "NONE"}}
    shared = _shared(t, shop, {"type": "ALL"})
    parent = t.call(CREATE, **own, **shared, hierarchy_configuration=alone).data.id
    account = Account(holding, parent, parent, since)
    place = {
        "parent": {"contract_id": parent, "customer_id": holding}, "payer": "PARENT",
        "usage_statement_behavior": "SEPARATE",
    }  # fmt: skip
    under = {"customer_id": subsidiary, "rate_card_id": shop.card, "starting_at": since + timedelta(days=1)}
    child = t.call(CREATE, **under, hierarchy_configuration=place).data.id
    shown = wire(t.call("v2.contracts.retrieve", customer_id=subsidiary, contract_id=child).data)
    t.compare(CREATE, {GIVEN: place}, shown)
    above = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    t.compare(CREATE, {GIVEN: alone}, above)
    _compare(t, CREATE, "", shared, above)
    named = {"type": "CONTRACT_IDS", "contract_ids": [child]}
    ids = f"{GIVEN}.child_access.contract_ids"
    for group, rows in _shared(t, shop, named).items():  # a contract that is not made yet has no child
        t.refused(CREATE, f"{group}.[].{ids}", **own, **{group: rows})
    added = _shared(t, shop, named, "named")
    known = {row["id"] for group in PLACES for row in above[group]}
    after = change(t, account, **{f"add_{group}": rows for group, rows in added.items()})
    fresh = {group: [row for row in after[group] if row["id"] not in known] for group in PLACES}
    _compare(t, EDIT, "add_", added, fresh)
    issued = [row for row in after["credits"] if "recurring_credit_id" in row]
    assert {row[GIVEN]["child_access"]["type"] for row in issued} == {"ALL", "CONTRACT_IDS"}
    _change(t, account, above, named)


def _shared(t: Tour, shop: Shop, child_access: dict[str, Any], name: str = "shared") -> dict[str, list[dict[str, Any]]]:
    """One of each kind for these children."""
    since, config = t.w.days_ago(10), {GIVEN: {"child_access": child_access}}
    one = balance(shop, name, access_schedule=access(t.w, since, 100)) | config
    items = {"schedule_items": [{"timestamp": t.w.days_ago(-3), "amount": 10}]}
    [each, _] = recurring(t.w, shop, since, "each")
    del each["temporary_id"]
    return {
        "commits": [one | {"type": "PREPAID", "invoice_schedule": items}],
        "credits": [one],
        "recurring_commits": [each | config],
        "recurring_credits": [each | config],
    }


def _compare(t: Tour, name: str, verb: str, sent: dict[str, Any], shown: dict[str, Any]) -> None:
    for group, rows in sent.items():
        kept = [row for row in shown[group] if not row.keys() & {"recurring_commit_id", "recurring_credit_id"}]
        for asked, row in zip(rows, kept, strict=True):
            t.compare(name, {GIVEN: asked[GIVEN]}, row, (f"{verb}{group}", "[]"))


def _change(t: Tour, account: Account, before: dict[str, Any], named: dict[str, Any]) -> None:
    """Who may draw changes: by an edit of the contract, and of the commit or credit itself."""
    for kind in ("commit", "credit"):
        row = next(one for one in before[f"{kind}s"] if one.get("name") == "shared")
        for asked in ({"child_access": {"type": "NONE"}}, {"child_access": named}):
            after = change(t, account, **{f"update_{kind}s": [{f"{kind}_id": row["id"], GIVEN: asked}]})
            [again] = [one for one in after[f"{kind}s"] if one["id"] == row["id"]]
            t.compare(EDIT, {GIVEN: asked}, again, (f"update_{kind}s", "[]"))
        edit = f"v2.contracts.edit_{kind}"
        for asked in ({"child_access": {"type": "ALL"}}, {"child_access": named}):
            t.call(edit, customer_id=account.customer, **{f"{kind}_id": row["id"], GIVEN: asked})
            after = wire(t.call("v2.contracts.retrieve", **account.ids).data)
            [again] = [one for one in after[f"{kind}s"] if one["id"] == row["id"]]
            t.compare(edit, {GIVEN: asked}, again)
