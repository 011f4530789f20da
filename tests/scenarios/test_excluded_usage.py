"""What a commit or credit excludes it does not pay, however it came to exclude it, and shows again."""

from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.tagged_shop import TaggedShop

pytestmark = pytest.mark.django_db
BUT_PREMIUM: Any = [{"product_tags": ["ai"], "exclude": [{"product_tags": ["premium"]}]}]


@pytest.fixture
def shop(balances: BalanceWorld, http: httpx.Client) -> TaggedShop:
    return TaggedShop(balances, http)


def test_a_credit_of_a_contract_leaves_what_it_excludes(shop: TaggedShop) -> None:
    w = shop.w
    contract = shop.contract(credits=[w.credit(5000, w.days_ago(5), w.days_ago(-30), specifiers=BUT_PREMIUM)])
    assert shop.due() == 300
    assert shop.shown(contract)["credits"][0]["specifiers"] == BUT_PREMIUM
    assert shop.shown(contract, "v1")["current"]["credits"][0]["specifiers"] == BUT_PREMIUM


@pytest.mark.parametrize("kind", ["commits", "recurring_commits", "recurring_credits"])
def test_so_does_everything_else_that_a_contract_begins_with(shop: TaggedShop, kind: str) -> None:
    w = shop.w
    made = {
        "commits": w.prepaid(5000, w.days_ago(5), w.days_ago(-30), specifiers=BUT_PREMIUM),
        "recurring_commits": w.recurring(5000, w.days_ago(5), specifiers=BUT_PREMIUM),
        "recurring_credits": w.recurring(5000, w.days_ago(5), specifiers=BUT_PREMIUM),
    }
    contract = shop.contract(**{kind: [made[kind]]})
    assert shop.due() == 300
    shown = shop.shown(contract)
    assert shown[kind][0]["specifiers"] == BUT_PREMIUM
    rows = shown["commits"] + shown["credits"]
    assert [row["specifiers"] for row in rows] == [BUT_PREMIUM] * len(rows)


@pytest.mark.parametrize("kind", ["Credits", "Commits"])
def test_so_do_balances_of_the_customer_and_what_edits_make_of_them(shop: TaggedShop, kind: str) -> None:
    w, http = shop.w, shop.http
    contract = shop.contract()
    body = w.credit(5000, w.days_ago(5), w.days_ago(-30), priority=1, specifiers=BUT_PREMIUM)
    one = kind.lower().removesuffix("s")
    if one == "commit":
        body |= {"type": "PREPAID"}
    path = f"/v1/contracts/customer{kind}/create"
    made = posted(http, path, wire(body | {"customer_id": shop.customer}))["id"]
    assert shop.due() == 300
    [held] = posted(http, f"/v1/contracts/customer{kind}/list", {"customer_id": shop.customer})
    assert held["specifiers"] == BUT_PREMIUM
    ids = {"customer_id": shop.customer, f"{one}_id": made}
    posted(http, f"/v2/contracts/{one}s/edit", ids | {"specifiers": [{"product_tags": ["ai"]}]})
    assert shop.due() == 0
    posted(http, f"/v2/contracts/{one}s/edit", ids | {"specifiers": BUT_PREMIUM})
    assert shop.due() == 300
    assert contract


@pytest.mark.parametrize("kind", ["commits", "credits"])
def test_an_edit_of_the_contract_adds_and_changes_what_is_excluded(shop: TaggedShop, kind: str) -> None:
    w, http = shop.w, shop.http
    ids = {"customer_id": shop.customer, "contract_id": shop.contract()}
    new = w.credit(5000, w.days_ago(5), w.days_ago(-30), specifiers=BUT_PREMIUM)
    if kind == "commits":
        new |= {"type": "PREPAID"}
    added = posted(http, "/v2/contracts/edit", wire(ids | {f"add_{kind}": [new]}))["edit"][f"add_{kind}"]
    assert [row["specifiers"] for row in added] == [BUT_PREMIUM]
    assert shop.due() == 300
    change = {f"{kind.removesuffix('s')}_id": added[0]["id"], "specifiers": [{"product_tags": ["ai"]}]}
    posted(http, "/v2/contracts/edit", ids | {f"update_{kind}": [change]})
    assert shop.due() == 0
    posted(http, "/v2/contracts/edit", ids | {f"update_{kind}": [change | {"specifiers": BUT_PREMIUM}]})
    assert shop.due() == 300
    assert shop.shown(ids["contract_id"])[kind][0]["specifiers"] == BUT_PREMIUM


@pytest.mark.parametrize("exclude", ["bogus", {}, [{}], [{"product_tags": []}], [{"product_tags": "x"}], [{"tags": 1}]])
def test_what_is_excluded_has_its_shape(shop: TaggedShop, exclude: Any) -> None:
    w = shop.w
    specifiers = [{"product_tags": ["ai"], "exclude": exclude}]
    body = {
        "customer_id": shop.customer, "starting_at": w.days_ago(5),
        "credits": [w.credit(5, w.days_ago(5), w.days_ago(-5), specifiers=specifiers)],
    }  # fmt: skip
    said = posted(shop.http, "/v1/contracts/create", wire(body), 400)["message"]
    assert "credits.0.specifiers.0.exclude" in said
    alone = wire(body | {"credits": [body["credits"][0] | {"specifiers": [{"exclude": BUT_PREMIUM[0]["exclude"]}]}]})
    assert "needs a condition" in posted(shop.http, "/v1/contracts/create", alone, 400)["message"]
