"""Threshold configurations and spend trackers: kept, shown with a warning, changed by edits; nothing is charged yet."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, transaction
from metronome import BadRequestError, ConflictError

from balances.models import ThresholdTerms
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.calendar
NOBODY = "3f9b6d5e-0a6c-4f0e-9b0b-0d6f6a3c1c11"
NONE = {"payment_gate_type": "NONE"}
BOUGHT = {"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]}


def tracker(alias: str, **more: Any) -> dict[str, Any]:
    return {
        "alias": alias, "credit_type_id": USD, "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [BOUGHT | more],
    }  # fmt: skip


def spend(fixed: str, **more: Any) -> dict[str, Any]:
    return {
        "commit": {"product_id": fixed}, "is_enabled": True, "payment_gate_config": NONE, "threshold_amount": 10_000,
    } | more  # fmt: skip


def prepaid(fixed: str, **more: Any) -> dict[str, Any]:
    return spend(fixed, threshold_amount=2000, recharge_to_amount=10_000) | more


def shown(w: SubscriptionWorld, customer: str, contract: str) -> dict[str, Any]:
    found: dict[str, Any] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.to_dict()
    return found


def test_they_are_kept_with_a_warning_and_charge_nothing(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    fixed, customer = w.fixed(), w.customer()
    made = w.sdk.v1.contracts.create(
        customer_id=customer, rate_card_id=card, starting_at=w.days_ago(5),
        spend_threshold_configuration=spend(fixed, threshold_amount=500),  # type: ignore[arg-type]
        prepaid_balance_threshold_configuration=prepaid(fixed, is_enabled=False),  # type: ignore[arg-type]
    ).data  # fmt: skip
    message = "is kept and shown; nothing is charged by it until payments are supported"
    first, second = "spend_threshold_configuration", "prepaid_balance_threshold_configuration"
    assert made.to_dict()["warnings"] == [{"field": name, "message": message} for name in (first, second)]
    found = shown(w, customer, made.id)
    assert found["warnings"] == [{"field": first, "message": message}]  # only what is enabled
    assert found[second]["is_enabled"] is False
    w.use(customer, metric, 1000, w.days_ago(1))
    w.run_due_work()
    assert [row.type for row in w.invoices(customer)] == ["USAGE"]


def test_an_update_changes_what_it_names_and_null_clears(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    fixed, customer = w.fixed(), w.customer()
    contract = w.contract(customer, None, w.days_ago(5))
    ids: dict[str, Any] = {"customer_id": customer, "contract_id": contract}
    discount = {"payment_fraction": 0.9, "cap": {"amount": 100, "spend_tracker_alias": "all"}}
    commit = {"product_id": fixed, "name": "Recharge", "priority": 3, "duration": {"value": 1, "unit": "MONTHS"}}
    first = w.sdk.v2.contracts.edit(
        **ids, add_spend_trackers=[tracker("all")],  # type: ignore[list-item]
        add_prepaid_balance_threshold_configuration=prepaid(fixed, commit=commit, discount_configuration=discount),  # type: ignore[arg-type]
    ).data.edit.to_dict()  # fmt: skip
    change: dict[str, Any] = {
        "threshold_amount": 3000, "commit": {"name": "Top-up", "duration": None},
        "discount_configuration": {"cap": None},
    }  # fmt: skip
    second = w.sdk.v2.contracts.edit(**ids, update_prepaid_balance_threshold_configuration=change).data.edit.to_dict()
    found = shown(w, customer, contract)["prepaid_balance_threshold_configuration"]
    assert found == prepaid(
        fixed, threshold_amount=3000, commit={"product_id": fixed, "name": "Top-up", "priority": 3},
        discount_configuration={"payment_fraction": 0.9},
    )  # fmt: skip
    history = [row.to_dict() for row in w.sdk.v2.contracts.get_edit_history(**ids).data]
    assert history == [first, second]
    told = second["update_prepaid_balance_threshold_configuration"]
    assert (told["threshold_amount"], told["commit"]["cleared"]) == (3000, ["duration"])
    assert first["add_prepaid_balance_threshold_configuration"]["commit"]["name"] == "Recharge"
    w.sdk.v2.contracts.edit(**ids, archive_spend_trackers=["all"])  # no discount is capped by it any more
    assert "spend_trackers" not in shown(w, customer, contract)
    w.sdk.v2.contracts.edit(**ids, add_spend_trackers=[tracker("all")])  # type: ignore[list-item]
    assert [row["alias"] for row in shown(w, customer, contract)["spend_trackers"]] == ["all"]


def test_trackers_count_what_was_bought_in_the_billing_period(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    card, fixed, customer = w.card(), w.fixed(), w.customer()

    def bought(days: int, price: int, **more: Any) -> dict[str, Any]:
        access = {"amount": price, "starting_at": w.days_ago(40), "ending_before": w.days_ago(-40)}
        return {
            "product_id": fixed, "type": "PREPAID", "access_schedule": {"schedule_items": [access]},
            "invoice_schedule": {
                "schedule_items": [{"timestamp": w.days_ago(days), "unit_price": price, "quantity": 1}]
            },
        } | more  # fmt: skip

    discounted = {"spend_tracker_attributes": {"counts_as_discounted": True}}
    contract = w.open_contract(
        customer, card, 40, "WEEKLY",
        commits=[
            bought(30, 1), bought(4, 10), bought(2, 100, **discounted), bought(-1, 1000),
            bought(3, 10_000) | {"type": "POSTPAID"},
        ],
        spend_trackers=[
            tracker("all"), tracker("discounted", discounted="DISCOUNTED_ONLY"),
            tracker("other", discounted="UNDISCOUNTED_ONLY"), tracker("automatic", sources=["THRESHOLD_RECHARGE"]),
        ],
    )  # fmt: skip
    w.run_due_work()
    found = {row["alias"]: row["accumulated_spend"] for row in shown(w, customer, contract)["spend_trackers"]}
    assert {alias: row["amount"] for alias, row in found.items()} == {
        "all": 110, "discounted": 100, "other": 10, "automatic": 0,
    }  # fmt: skip
    start = w.days_ago(5)
    assert found["all"]["period_starting_at"] == start


def test_they_go_along_with_a_renewal(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    w = subscriptions
    fixed, customer = w.fixed(), w.customer()
    terms: Any = {"spend_threshold_configuration": spend(fixed), "spend_trackers": [tracker("all")]}
    contract = w.contract(customer, None, w.days_ago(31), ending_before=w.days_ago(-1), **terms)
    http.put(f"/tactus/v1/contracts/{contract}/renewal", json={"kind": "SAME_TERMS", "term_months": 1})
    w.run_due_work(until=w.now + timedelta(days=2))
    [new] = [row for row in w.sdk.v2.contracts.list(customer_id=customer).data if row.id != contract]
    again = shown(w, customer, new.id)
    assert again["spend_threshold_configuration"] == spend(fixed)
    assert [row["alias"] for row in again["spend_trackers"]] == ["all"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"threshold_amount": 499}, "threshold_amount"),
        ({"threshold_amount": -1}, "threshold_amount"),
        ({"recharge_to_amount": 2000}, "recharge_to_amount"),
        ({"recharge_to_amount": 2999}, "recharge_to_amount"),
        ({"commit": {"product_id": NOBODY}}, "commit.product_id"),
        ({"commit": {"applicable_product_ids": [NOBODY]}}, "commit.applicable_product_ids"),
        ({"commit": {"specifiers": [{"product_tags": ["a"]}], "applicable_product_tags": ["b"]}}, "commit.specifiers"),
        ({"commit": {"rollover_fraction": 1.1}}, "commit.rollover_fraction"),
        ({"custom_credit_type_id": USD}, "custom_credit_type_id"),
        ({"custom_credit_type_id": NOBODY}, "custom_credit_type_id"),
        ({"payment_gate_config": {"payment_gate_type": "STRIPE"}}, "payment_gate_config.stripe_config"),
        ({"payment_gate_config": NONE | {"tax_type": "STRIPE"}}, "payment_gate_config.tax_type"),
        ({"payment_gate_config": NONE | {"tax_type": "PRECALCULATED"}}, "payment_gate_config.precalculated_tax_config"),
        ({"discount_configuration": {"payment_fraction": 1.2}}, "discount_configuration.payment_fraction"),
        ({"discount_configuration": {"payment_fraction": 1, "cap": {"amount": 1, "spend_tracker_alias": "x"}}},
         "discount_configuration.cap.spend_tracker_alias"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(
    subscriptions: SubscriptionWorld, change: dict[str, Any], field: str
) -> None:
    w = subscriptions
    fixed, customer = w.fixed(), w.customer()
    commit = {"product_id": fixed} | change.get("commit", {})
    asked: Any = prepaid(fixed) | change | {"commit": commit}
    with pytest.raises(BadRequestError, match=f"prepaid_balance_threshold_configuration.{field}"):
        w.contract(customer, None, w.days_ago(5), prepaid_balance_threshold_configuration=asked)
    assert ThresholdTerms.objects.count() == 0


def test_edits_that_do_not_fit_are_refused_and_leave_nothing(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    fixed, customer = w.fixed(), w.customer()
    capped: Any = spend(
        fixed, discount_configuration={"payment_fraction": 1, "cap": {"amount": 1, "spend_tracker_alias": "a"}}
    )
    contract = w.contract(
        customer, None, w.days_ago(5), spend_threshold_configuration=capped, spend_trackers=[tracker("a")]
    )
    ids: dict[str, Any] = {"customer_id": customer, "contract_id": contract}
    edit: Any = w.sdk.v2.contracts.edit
    with pytest.raises(ConflictError, match="update_spend_threshold_configuration"):
        edit(**ids, add_spend_threshold_configuration=capped)
    with pytest.raises(BadRequestError, match="add_prepaid_balance_threshold_configuration agrees on one"):
        edit(**ids, update_prepaid_balance_threshold_configuration={"is_enabled": False})
    with pytest.raises(BadRequestError, match=r"archive_spend_trackers.0: a discount is capped by it"):
        edit(**ids, archive_spend_trackers=["a"])
    with pytest.raises(BadRequestError, match=r"archive_spend_trackers.0: the contract has no such spend tracker"):
        edit(**ids, archive_spend_trackers=["b"], update_spend_threshold_configuration={"is_enabled": False})
    with pytest.raises(BadRequestError, match=r"add_spend_trackers.1.alias"):
        edit(**ids, add_spend_trackers=[tracker("b"), tracker("a")])
    assert ThresholdTerms.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        ThresholdTerms.objects.all().delete()


def test_payment_terms_change_for_what_is_not_issued(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.open_contract(customer, card, 10, "WEEKLY", net_payment_terms_days=30)
    w.use(customer, metric, 3, w.days_ago(9))
    w.use(customer, metric, 5, w.days_ago(1))
    w.run_due_work()
    answer = http.post("/v2/contracts/edit", json={
        "customer_id": customer, "contract_id": contract, "update_net_payment_terms_days": 7,
    })  # fmt: skip
    assert answer.json()["data"]["edit"]["update_net_payment_terms_days"] == 7
    w.run_due_work(until=w.now + timedelta(days=6))
    terms = {exact(row.total): row.net_payment_terms_days for row in w.invoices(customer) if row.status == "FINALIZED"}
    assert terms == {300: 30, 500: 7}
    again = http.post("/v2/contracts/edit", json={
        "customer_id": customer, "contract_id": contract, "update_net_payment_terms_days": -1,
    })  # fmt: skip
    assert (again.status_code, "update_net_payment_terms_days" in again.json()["message"]) == (400, True)
