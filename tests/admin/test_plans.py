"""Changes of plan and cancellations by hand: the quote is read first, and is what is charged."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from contracts.models import Contract
from core.models import AuditEntry
from invoices.models import InvoiceListing
from plans.models import PlanQuote
from tests.admin.test_making import errors_of, url_of
from tests.plugins.clock import travel
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import World

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
Shop = tuple[SubscriptionWorld, str, str, str]


@pytest.fixture
def shop(sdk: Any) -> Shop:
    """A plan at 5.00 a month and one at 20.00; a contract of the first since 1 June, which is billed."""
    w = SubscriptionWorld(sdk)
    card = w.card()
    packages = [
        w.sdk.v1.packages.create(
            name=name, rate_card_id=card, contract_name=name, subscriptions=[{
                "subscription_rate": {"product_id": w.priced_seat(card, cents), "billing_frequency": "MONTHLY"},
                "initial_quantity": 1, "collection_schedule": "ADVANCE", "proration": {"is_prorated": True},
            }],
        ).data.id
        for name, cents in (("Starter", 500), ("Pro", 2000))
    ]  # fmt: skip
    with travel(JUNE, tick=False):
        contract = w.sdk.v1.contracts.create(customer_id=w.customer(), starting_at=JUNE, package_id=packages[0]).data.id
        World.run_due_work(until=JUNE)
    return w, contract, packages[0], packages[1]


def quoted(client: Client, name: str, contract: str, **filled: str) -> list[str]:
    """Fills in the form and reads the quote, which is confirmed."""
    page = url_of(name, contract)
    shown = client.post(page, filled)
    assert shown.status_code == 200, errors_of(shown)
    quotes = PlanQuote.objects.count()
    assert client.post(page, filled | {"confirmed": shown.context["seal"]}).status_code == 302
    assert PlanQuote.objects.count() == quotes  # the one that was shown
    return list(shown.context["effects"])


def test_a_plan_is_changed_for_what_was_shown(shop: Shop, finance: Client, support: Client) -> None:
    _, contract, _, pro = shop
    with travel(JUNE + timedelta(days=1), tick=False):
        page = url_of("contracts_contract_change", contract)
        assert "Change plan" in finance.get(page).content.decode()
        assert "Change plan" not in support.get(page).content.decode()
        assert support.get(url_of("contracts_contract_change_plan", contract)).status_code == 403
        said = quoted(
            finance, "contracts_contract_change_plan", contract, package=pro, quantities="PACKAGE", reason="They grow"
        )
        assert said == [
            "Pro goes on from it 2 Jun 2026, 00:00 UTC; by the month it is dearer, or as dear.",
            "Paid time that is not used: 4.83 USD are credited.",
            "The new plan asks 19.33 USD when it begins.",
            "Due now: 14.50 USD.",
            "Then 20.00 USD on 1 Jul 2026, 00:00 UTC, as things are.",
            "This stands until 2 Jun 2026, 00:30 UTC.",
        ]
        made = Contract.objects.get(renews=contract)
        assert AuditEntry.objects.get(action="plan.changed").reason == "They grow"
        World.run_due_work(until=JUNE + timedelta(days=1))
        final = InvoiceListing.objects.get(contract=made, status="FINALIZED")
        assert final.total == 1450
        page = finance.get(url_of("contracts_contract_change", made.pk)).content.decode()
        assert "Cancel plan" in page
        assert "Cancel plan" not in finance.get(url_of("contracts_contract_change", contract)).content.decode()


def test_a_plan_is_cancelled_where_what_is_paid_ends(shop: Shop, finance: Client) -> None:
    _, contract, _, _ = shop
    with travel(JUNE + timedelta(days=9), tick=False):
        said = quoted(finance, "contracts_contract_cancel_plan", contract)
        assert said[:2] == ["The contract ends 1 Jul 2026, 00:00 UTC and is not renewed.", "Due now: 0.00 USD."]
        assert Contract.objects.get(pk=contract).ending_before == datetime(2026, 7, 1, tzinfo=UTC)


def test_what_cannot_be_is_said_at_its_field(shop: Shop, finance: Client) -> None:
    _, contract, _, pro = shop
    page = url_of("contracts_contract_change_plan", contract)
    with travel(JUNE + timedelta(days=1), tick=False):
        for filled, field in (
            ({}, "package"),
            ({"package": "x"}, "package"),
            ({"package": pro, "when": "SOON"}, "when"),
        ):
            answer = finance.post(page, {"quantities": "KEEP"} | filled)
            assert (answer.status_code, list(errors_of(answer))) == (400, [field])
    assert PlanQuote.objects.count() == 0
