"""A trial on the contract's page: what it says, and what finance does about it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from core.models import AuditEntry
from tests.scenarios.world import World

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
