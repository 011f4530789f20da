"""A trial on the contract's page: what it says, and what finance does about it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from core.models import AuditEntry
from tests.scenarios.world import USD, World

Trying = tuple[World, str]


@pytest.fixture
def trying(sdk: Any) -> Trying:
    """A contract on the second day of a trial of two weeks."""
    world = World(sdk)
    trial = {"trial": {"length": {"value": 2, "unit": "WEEKS"}}}
    return world, world.contract(world.customer(), None, world.days_ago(2), extra_body=trial)


def test_staff_extend_and_convert_it(trying: Trying, finance: Client, support: Client) -> None:
    world, contract = trying
    page = reverse("admin:contracts_contract_change", args=[contract])
    assert (
        "then it ends, unless the customer can be charged; until then usage is free"
        in finance.get(page).content.decode()
    )
    move = reverse("admin:contracts_contract_move_trial_end", args=[contract])
    convert = reverse("admin:contracts_contract_convert_trial", args=[contract])
    assert support.get(move).status_code == 403
    shown = finance.get(move).content.decode()
    assert "UTC, then it ends, unless the customer can be charged; until then usage is free." in shown
    assert "&lt;" not in shown
    later = world.days_ago(-25)
    asked = {"ending_before": f"{later:%Y-%m-%dT%H:%M}", "reason": "They need longer"}
    refused = finance.post(move, asked | {"ending_before": f"{world.days_ago(1):%Y-%m-%dT%H:%M}"})
    assert refused.status_code == 400
    assert "ust be ahead" in refused.content.decode()
    assert finance.post(move, asked).status_code == 302
    assert Contract.objects.get(pk=contract).trial_ending_before == later
    assert AuditEntry.objects.get(action="contract.trial_changed").reason == "They need longer"
    assert finance.post(convert, {"reason": "They want to pay"}).status_code == 302
    assert Contract.objects.get(pk=contract).trial_outcome == "CONVERTED"
    assert "paid for since" in finance.get(page).content.decode()
    assert "cannot be done" in finance.get(convert).content.decode()


def test_automatic_charges_are_shown_with_what_they_do_not_do(trying: Trying, support: Client) -> None:
    world, _ = trying
    fixed = world.sdk.v1.contracts.products.create(name="Prepayment", type="FIXED").data.id
    agreed: Any = {
        "prepaid_balance_threshold_configuration": {
            "commit": {"product_id": fixed}, "is_enabled": True, "payment_gate_config": {"payment_gate_type": "NONE"},
            "threshold_amount": 2000, "recharge_to_amount": 10_000,
        },
        "spend_trackers": [{
            "alias": "bought", "credit_type_id": USD, "reset_frequency": "BILLING_PERIOD",
            "applicable_spend_specifiers": [{"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"]}],
        }],
    }  # fmt: skip
    contract = world.contract(world.customer(), None, world.days_ago(2), **agreed)
    trial = {"trial": {"length": {"value": 2, "unit": "WEEKS"}}}
    package = world.sdk.v1.packages.create(name="Automatic", **agreed, extra_body=trial).data.id
    shown = support.get(reverse("admin:contracts_contract_change", args=[contract])).content.decode()
    for words in (
        "Prepaid balance threshold: recharged to 100.00 USD when 20.00 USD is left.",
        "Prepaid balance threshold: is kept and shown; nothing is charged by it until payments are supported.",
        "Spend tracker bought: counts what commits cost in each billing period; 0.00 USD in this one so far.",
    ):
        assert words in shown, words
    shown = support.get(reverse("admin:catalog_package_change", args=[package])).content.decode()
    for words in ("recharged to 100.00 USD when 20.00 USD is left", "2 weeks", "usage is free, subscriptions are not"):
        assert words in shown, words
