"""A contract that takes another one's place: it ends there as at a renewal, and nothing of it goes on."""

from typing import Any

import httpx
import pytest

from tests.scenarios.asked import posted, wire
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.django_db


def follow(http: httpx.Client, w: BalanceWorld, customer: str, old: str, **transition: Any) -> str:
    """The id of a contract of three days ago that follows the old one; the SDK has no type for SUPERSEDE."""
    body = {
        "customer_id": customer, "starting_at": w.days_ago(3), "transition": {"from_contract_id": old, **transition},
        "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
    }  # fmt: skip
    return str(posted(http, "/v1/contracts/create", wire(body))["id"])


@pytest.mark.parametrize("word", ["SUPERSEDE", "supersede"])
def test_what_is_superseded_ends_and_nothing_rolls_over(balances: BalanceWorld, http: httpx.Client, word: str) -> None:
    """1,000 with a share of 0.25 and 400 used: a renewal takes 250 along, this nothing; 600 expires."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 4, w.days_ago(10))
    commit = w.prepaid(1000, w.days_ago(20), w.days_ago(-300), rollover_fraction=0.25)
    old = w.open_contract(customer, card, 20, commits=[commit])
    new = follow(http, w, customer, old, type=word)
    [left] = posted(http, "/v1/contracts/customerBalances/list", {
        "customer_id": customer, "include_balance": True, "include_ledgers": True,
    })  # fmt: skip
    entries = sorted((one["type"].removeprefix("PREPAID_COMMIT_"), exact(one["amount"])) for one in left["ledger"])
    assert entries == [("AUTOMATED_INVOICE_DEDUCTION", -400), ("EXPIRATION", -600), ("SEGMENT_START", 1000)]
    step = {"type": "SUPERSEDE", "from_contract_id": old, "to_contract_id": new}
    for contract in (old, new):
        ids = {"customer_id": customer, "contract_id": contract}
        assert posted(http, "/v2/contracts/get", ids)["transitions"] == [step]
        assert posted(http, "/v1/contracts/get", ids)["current"]["transitions"] == [step]
    ended = posted(http, "/v2/contracts/get", {"customer_id": customer, "contract_id": old})
    assert ended["ending_before"] == wire(w.days_ago(3)).replace("+00:00", "Z")


@pytest.mark.parametrize(("trueup", "asked"), [("REMOVE", 0), ("AS_IS", 700)])
def test_true_ups_of_what_is_superseded_are_billed_as_asked(
    balances: BalanceWorld, http: httpx.Client, trueup: str, asked: int
) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 3, w.days_ago(9))
    commit = w.postpaid(1000, w.days_ago(10), w.days_ago(-300))
    old = w.open_contract(customer, card, 10, "WEEKLY", commits=[commit])
    follow(http, w, customer, old, type="SUPERSEDE", future_invoice_behavior={"trueup": trueup})
    w.run_due_work(until=w.days_ago(-5))
    assert sum(exact(row.total) for row in w.invoices(customer) if row.type == "SCHEDULED") == asked


def test_another_transition_is_refused_by_name(balances: BalanceWorld, http: httpx.Client) -> None:
    w = balances
    customer = w.customer()
    body = {
        "customer_id": customer, "starting_at": wire(w.days_ago(3)),
        "transition": {"from_contract_id": w.open_contract(customer, None, 9), "type": "REPLACE"},
    }  # fmt: skip
    said = posted(http, "/v1/contracts/create", body, 400)["message"]
    assert said == "transition.type: must be one of RENEWAL, SUPERSEDE"


def test_invoices_name_what_other_systems_know_the_contract_by(balances: BalanceWorld, http: httpx.Client) -> None:
    """Drafts, scheduled and final ones, void ones, breakdowns and previews; nothing where nothing was given."""
    w = balances
    metric, _, card = w.priced(price=100)
    known = {"netsuite_sales_order_id": "SO-1", "salesforce_opportunity_id": "006A"}
    customer, plain = w.customer(), w.customer()
    w.open_contract(
        customer, card, 40, commits=[w.prepaid(10, w.today, w.days_ago(-9), [(w.days_ago(-3), 7)])], **known
    )
    w.open_contract(plain, card, 2)
    w.use(customer, metric, 3, w.days_ago(15))
    w.run_due_work()
    path = f"/v1/customers/{customer}/invoices"
    rows = http.get(path).json()["data"]
    assert {(row["type"], row["status"]) for row in rows} == {
        ("USAGE", "DRAFT"), ("USAGE", "FINALIZED"), ("SCHEDULED", "DRAFT")
    }  # fmt: skip
    final = next(row for row in rows if row["status"] == "FINALIZED")
    posted(http, "/v1/invoices/void", {"id": final["id"]})
    days = {"starting_on": wire(w.days_ago(16)), "ending_before": wire(w.days_ago(14))}
    shown = [
        *rows, http.get(f"{path}/{final['id']}").json()["data"],
        *http.get(f"{path}/breakdowns", params=days).json()["data"],
        *posted(http, f"/v1/customers/{customer}/previewEvents", {"events": []}),
    ]  # fmt: skip
    assert len(shown) >= 6
    assert all({name: row[name] for name in known} == known for row in shown)
    [other] = http.get(f"/v1/customers/{plain}/invoices").json()["data"]
    assert not known.keys() & other.keys()


def test_an_overwrite_that_is_prorated_says_so(balances: BalanceWorld, http: httpx.Client) -> None:
    """Only a SUBSCRIPTION price can be, and only `true` can be said; it was taken and forgotten."""
    w = balances
    card = w.card()
    seat = w.sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    w.rate(card, seat, price=100, billing_frequency="MONTHLY")
    price = {"rate_type": "SUBSCRIPTION", "price": 90, "is_prorated": True}
    rule = {
        "type": "OVERWRITE", "starting_at": wire(w.days_ago(3)), "overwrite_rate": price,
        "override_specifiers": [{"product_id": seat, "billing_frequency": "MONTHLY"}],
    }  # fmt: skip
    body = {"customer_id": w.customer(), "rate_card_id": card, "starting_at": wire(w.days_ago(3)), "overrides": [rule]}
    ids = {"customer_id": body["customer_id"], "contract_id": posted(http, "/v1/contracts/create", body)["id"]}
    [flat] = posted(http, "/v2/contracts/get", ids)["overrides"]
    [nested] = posted(http, "/v1/contracts/get", ids)["current"]["overrides"]
    assert flat["overwrite_rate"] == nested["overwrite_rate"] == price
    assert nested["is_prorated"] is True
    for wrong in ({"is_prorated": False}, {"rate_type": "FLAT"}):
        bad = body | {"overrides": [rule | {"overwrite_rate": price | wrong}]}
        said = posted(http, "/v1/contracts/create", bad, 400)["message"]
        assert said == "overrides.0.overwrite_rate.is_prorated: must be true, and only for a SUBSCRIPTION rate"
