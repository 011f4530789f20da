"""Billing provider configurations: code that provisions customers for Stripe runs as it does against Metronome."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from metronome import APIStatusError, BadRequestError, Metronome

from tests.scenarios.world import World

STRIPE = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {"stripe_customer_id": "cus_123", "stripe_collection_method": "charge_automatically"},
}


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def message(error: pytest.ExceptionInfo[APIStatusError]) -> str:
    return str(error.value.body["message"])  # type: ignore[index]


def test_a_customer_is_provisioned_with_stripe(world: World, http: httpx.Client) -> None:
    """As grida and portal do: customer with its Stripe customer, then a contract that names the provider."""
    sdk = world.sdk
    customer = sdk.v1.customers.create(name="Acme", customer_billing_provider_configurations=[STRIPE]).data.id  # type: ignore[list-item]
    [kept] = sdk.v1.customers.retrieve_billing_configurations(customer_id=customer).data
    assert (kept.billing_provider, kept.configuration["stripe_customer_id"], kept.archived_at) == (
        "stripe", "cus_123", None,
    )  # fmt: skip
    made = http.post(
        "/v1/contracts/create",
        json={
            "customer_id": customer,
            "starting_at": world.today.isoformat(),
            "billing_provider_configuration": {
                "billing_provider": "stripe",
                "delivery_method": "direct_to_billing_provider",
            },
        },
    ).json()["data"]
    assert [one["field"] for one in made["warnings"]] == ["billing_provider_configuration"]
    for shown in (
        sdk.v1.contracts.retrieve(contract_id=made["id"], customer_id=customer).data,
        sdk.v2.contracts.retrieve(contract_id=made["id"], customer_id=customer).data,
    ):
        assert shown.customer_billing_provider_configuration is not None
        assert shown.customer_billing_provider_configuration.id == kept.id
    schedule = sdk.v2.contracts.retrieve(
        contract_id=made["id"], customer_id=customer
    ).data.billing_provider_configuration_schedule
    assert schedule is not None
    assert [(one.effective_at, one.effective_until) for one in schedule] == [(world.today, None)]
    page = http.post("/v2/contracts/get", json={"customer_id": customer, "contract_id": made["id"]}).json()["data"]
    assert "nothing is delivered" in page["warnings"][0]["message"]


def test_dust_sets_it_later_and_moves_a_contract_to_it(world: World) -> None:
    sdk = world.sdk
    customer = world.customer()
    contract = world.contract(customer, None, world.days_ago(40), usage_statement_schedule={"frequency": "MONTHLY"})
    [made] = sdk.v1.customers.set_billing_configurations(data=[{"customer_id": customer, **STRIPE}]).data  # type: ignore[typeddict-item]
    sdk.v2.contracts.edit(
        contract_id=contract,
        customer_id=customer,
        add_billing_provider_configuration_update={
            "billing_provider_configuration": {"billing_provider_configuration_id": made.id},
            "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
        },
    )
    [entry] = (
        sdk.v2.contracts.retrieve(
            contract_id=contract, customer_id=customer
        ).data.billing_provider_configuration_schedule
        or []
    )
    assert entry.effective_at == max(world.today.replace(day=1), world.days_ago(40))
    with pytest.raises(BadRequestError) as twice:
        sdk.v2.contracts.edit(
            contract_id=contract,
            customer_id=customer,
            add_billing_provider_configuration_update={
                "billing_provider_configuration": {"billing_provider_configuration_id": made.id},
                "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
            },
        )
    assert "already" in message(twice)
    [old] = sdk.v2.contracts.get_edit_history(contract_id=contract, customer_id=customer).data
    assert old.id


def test_archiving_ends_it_at_once(world: World) -> None:
    sdk = world.sdk
    customer = world.customer()
    data: Any = [{"customer_id": customer, **STRIPE}, {"customer_id": customer, **STRIPE}]
    first, second = sdk.v1.customers.set_billing_configurations(data=data).data
    assert first.id is not None
    ended = sdk.v1.customers.archive_billing_configurations(
        customer_id=customer, customer_billing_provider_configuration_ids=[first.id]
    ).data
    assert ended.customer_billing_provider_configuration_ids == [first.id]
    assert [one.id for one in sdk.v1.customers.retrieve_billing_configurations(customer_id=customer).data] == [
        second.id
    ]
    both = sdk.v1.customers.retrieve_billing_configurations(customer_id=customer, include_archived=True).data
    assert [one.archived_at is not None for one in both] == [True, False]
    with pytest.raises(BadRequestError):
        world.contract(
            customer, None, world.today, billing_provider_configuration={"billing_provider_configuration_id": first.id}
        )


def test_one_that_cannot_be_refuses_all(world: World) -> None:
    customer = world.customer()
    bad: Any = {"customer_id": customer, "billing_provider": "stripe", "configuration": {}}
    with pytest.raises(BadRequestError) as refused:
        world.sdk.v1.customers.set_billing_configurations(data=[{"customer_id": customer, **STRIPE}, bad])  # type: ignore[typeddict-item]
    assert message(refused) == "data.1.configuration.stripe_customer_id: is needed, as text"
    assert world.sdk.v1.customers.retrieve_billing_configurations(customer_id=customer).data == []
    with pytest.raises(BadRequestError) as several:
        data: Any = [{"customer_id": customer, **STRIPE}, {"customer_id": customer, **STRIPE}]
        world.sdk.v1.customers.set_billing_configurations(data=data)
        world.contract(customer, None, world.today, billing_provider_configuration={"billing_provider": "stripe"})
    assert "several" in message(several)
    with pytest.raises(BadRequestError) as market:
        data = [{"customer_id": customer, "billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}]
        world.sdk.v1.customers.set_billing_configurations(data=data)
    assert "setUpBillingProvider" in message(market)
    with pytest.raises(BadRequestError):
        world.sdk.v1.customers.create(name="Half", customer_billing_provider_configurations=[bad])
    assert [one.name for one in world.sdk.v1.customers.list()] == ["Customer"]


def test_a_marketplace_is_set_up_once_for_all(world: World, http: httpx.Client) -> None:
    sdk = world.sdk
    way = sdk.v1.settings.billing_providers.create(
        billing_provider="aws_marketplace", delivery_method="aws_sqs", configuration={"sqs_url": "https://sqs"}
    ).data.delivery_method_id
    customer = world.customer()
    aws: Any = {
        "customer_id": customer, "billing_provider": "aws_marketplace", "delivery_method_id": way,
        "configuration": {"aws_product_code": "p"},
    }  # fmt: skip
    [made] = sdk.v1.customers.set_billing_configurations(data=[aws]).data
    assert made.delivery_method_id == way
    listed = sdk.v1.settings.billing_providers.list().data
    assert [(one.billing_provider, one.delivery_method) for one in listed] == [("aws_marketplace", "aws_sqs")]
    old = http.post(
        "/v1/customers",
        json={
            "name": "Old way",
            "billing_config": {"billing_provider_type": "stripe", "billing_provider_customer_id": "cus_9"},
        },
    ).json()["data"]
    [kept] = sdk.v1.customers.retrieve_billing_configurations(customer_id=old["id"]).data
    assert kept.configuration == {"stripe_customer_id": "cus_9"}


def test_revenue_systems_likewise(world: World, http: httpx.Client) -> None:
    customer = http.post(
        "/v1/customers",
        json={
            "name": "N",
            "customer_revenue_system_configurations": [{"provider": "netsuite", "configuration": {"id": "7"}}],
        },
    ).json()["data"]["id"]
    [kept] = http.post("/v1/getCustomerRevenueSystemConfigurations", json={"customer_id": customer}).json()["data"]
    assert (kept["provider"], kept["configuration"]) == ("netsuite", {"id": "7"})
    contract = world.contract(customer, None, world.today, revenue_system_configuration={"provider": "netsuite"})
    shown = world.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert shown.revenue_system_configuration_schedule is not None
    ended = http.post(
        "/v1/archiveCustomerRevenueSystemConfigurations",
        json={"customer_id": customer, "customer_revenue_system_configuration_ids": [kept["id"]]},
    )
    assert ended.status_code == 200
    world.sdk.v1.customers.update_config(customer_id=customer, leave_stripe_invoices_in_draft=True)
    config = http.get(f"/v1/customers/{customer}").json()["data"]["customer_config"]
    assert config == {"salesforce_account_id": None, "leave_stripe_invoices_in_draft": True}


def test_before_and_after_a_contract(world: World) -> None:
    """A contract that has not begun gets it from its start; one that is over gets none."""
    customer = world.customer(customer_billing_provider_configurations=[STRIPE])
    ahead = world.contract(customer, None, datetime(2030, 1, 1, tzinfo=UTC))
    over = world.contract(customer, None, world.days_ago(9), ending_before=world.days_ago(3))
    update: Any = {
        "billing_provider_configuration": {"billing_provider": "stripe"},
        "schedule": {"effective_at": "START_OF_NEXT_PERIOD"},
    }
    edit = world.sdk.v2.contracts.edit
    edit(contract_id=ahead, customer_id=customer, add_billing_provider_configuration_update=update)
    shown = world.sdk.v2.contracts.retrieve(contract_id=ahead, customer_id=customer).data
    assert shown.billing_provider_configuration_schedule is not None
    assert shown.billing_provider_configuration_schedule[0].effective_at == datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.raises(BadRequestError) as ended:
        edit(contract_id=over, customer_id=customer, add_billing_provider_configuration_update=update)
    assert "has ended" in message(ended)
    assert timedelta(0) < world.now - world.days_ago(3)
