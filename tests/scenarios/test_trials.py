"""Trials through the API and the clock jobs alone: what is free, from when on a contract is paid for, and what becomes
of it. T01 to T08: published cases of other systems, by our rules (docs/algorithms/trials.md).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, transaction
from metronome import APIStatusError, BadRequestError, ConflictError

from contracts.models import Contract
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import exact

pytestmark = pytest.mark.calendar

MARCH_5 = datetime(2024, 3, 5, tzinfo=UTC)
APRIL, MAY = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
BY_CARD = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {"stripe_customer_id": "cus_1", "stripe_collection_method": "charge_automatically"},
}


def of_days(days: int, **more: Any) -> dict[str, Any]:
    return {"trial": {"length": {"value": days, "unit": "DAYS"}, **more}}


def plan(w: SubscriptionWorld, card: str, cents: int) -> list[dict[str, Any]]:
    return [w.subscription(w.priced_seat(card, cents), collection_schedule="ADVANCE", initial_quantity=1)]


def trial(w: SubscriptionWorld, customer: str, contract: str) -> dict[str, Any]:
    found: dict[str, Any] = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.to_dict()
    return found["trial"]  # type: ignore[no-any-return]


def charged(w: SubscriptionWorld, customer: str) -> list[tuple[str, datetime, Any]]:
    """What finalized invoices ask for, in order of time."""
    rows = [row for row in w.invoices(customer) if row.status == "FINALIZED" and row.total]
    return sorted((row.type, row.issued_at, exact(row.total)) for row in rows)


def with_card(w: SubscriptionWorld, customer: str) -> None:
    w.sdk.v1.customers.set_billing_configurations(data=[BY_CARD | {"customer_id": customer}])  # type: ignore[list-item]


def test_t01_nothing_until_the_trial_is_over_then_the_rest_of_the_month(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.contract(
        customer, card, MARCH_5, ending_before=MAY, subscriptions=plan(w, card, 5_000_000),
        extra_body=of_days(10, without_payment_method="CONTINUE"),
    )  # fmt: skip
    assert trial(w, customer, contract) == {
        "starting_at": "2024-03-05T00:00:00Z", "ending_before": "2024-03-15T00:00:00Z", "usage": "FREE",
        "without_payment_method": "CONTINUE", "status": "RUNNING",
    }  # fmt: skip
    w.run_due_work()
    assert trial(w, customer, contract)["status"] == "CONVERTED"
    in_march = (31 - 4 - 10) * 5_000_000 / 31
    assert charged(w, customer) == [
        ("SCHEDULED", datetime(2024, 3, 15, tzinfo=UTC), round(in_march)),
        ("USAGE", APRIL + timedelta(days=1), 5_000_000),  # for April, in advance, on March's invoice
    ]
    usage = [row for row in w.invoices(customer) if row.type == "USAGE"]
    assert min(row.start_timestamp for row in usage) == datetime(2024, 3, 15, tzinfo=UTC)
    assert metric.id


def test_t02_another_plan_counts_from_the_first_start_and_usage_is_billed_if_agreed(
    subscriptions: SubscriptionWorld,
) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=1000)
    customer = w.customer()
    billed = {"usage": "BILLED", "without_payment_method": "CONTINUE"}
    first = w.contract(
        customer, card, MARCH_5, subscriptions=plan(w, card, 5_000_000), extra_body=of_days(10, **billed)
    )
    second = w.contract(
        customer, card, datetime(2024, 3, 10, tzinfo=UTC), ending_before=MAY,
        transition={"type": "RENEWAL", "from_contract_id": first}, subscriptions=plan(w, card, 10_000_000),
        extra_body=of_days(13, **billed),
    )  # fmt: skip
    assert trial(w, customer, second) == {
        "starting_at": "2024-03-05T00:00:00Z", "ending_before": "2024-03-18T00:00:00Z", "usage": "BILLED",
        "without_payment_method": "CONTINUE", "status": "RUNNING",
    }  # fmt: skip
    w.run_due_work()
    assert trial(w, customer, first)["status"] == "CANCELED"
    assert charged(w, customer) == [
        ("SCHEDULED", datetime(2024, 3, 18, tzinfo=UTC), round(14 * 10_000_000 / 31)),
        ("USAGE", APRIL + timedelta(days=1), 10_000_000),
    ]
    starts = sorted(row.start_timestamp for row in w.invoices(customer) if row.type == "USAGE")
    assert starts[:2] == [MARCH_5, datetime(2024, 3, 10, tzinfo=UTC)]
    assert metric.id


def test_usage_of_a_free_trial_is_not_billed_and_previews_say_so(
    subscriptions: SubscriptionWorld, http: httpx.Client
) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    start = w.days_ago(6)
    w.contract(
        customer, card, start, usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        extra_body=of_days(4, without_payment_method="CONTINUE"),
    )  # fmt: skip
    w.use(customer, metric, 7, w.days_ago(4))
    w.use(customer, metric, 5, w.days_ago(1))
    w.run_due_work()
    draft = w.invoice(customer)
    assert (draft.start_timestamp, exact(draft.total)) == (w.days_ago(2), 500)
    trying = w.customer()
    w.contract(trying, card, start, extra_body=of_days(30))
    event = {"event_type": metric.event_type, "properties": {"units": "3"}}
    answer = http.post(f"/v1/customers/{trying}/previewEvents", json={"events": [event]})
    assert (answer.status_code, answer.json()["data"]) == (200, [])
    assert w.invoices(trying) == []


@pytest.mark.parametrize("policy", ["EXPIRE", "HOLD", "CONTINUE"])
@pytest.mark.parametrize("has_card", [True, False])
def test_t04_what_happens_at_its_end(subscriptions: SubscriptionWorld, policy: str, has_card: bool) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    customer = w.customer()
    if has_card:
        with_card(w, customer)
    start, end = w.days_ago(20), w.days_ago(6)
    contract = w.contract(
        customer, card, start, subscriptions=plan(w, card, 4900),
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
        extra_body=of_days(14, without_payment_method=policy),
    )  # fmt: skip
    w.run_due_work()
    converts = has_card or policy == "CONTINUE"
    status = "CONVERTED" if converts else {"EXPIRE": "EXPIRED", "HOLD": "HELD"}[policy]
    assert trial(w, customer, contract)["status"] == status
    mine = w.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data
    assert mine.ending_before == (end if status == "EXPIRED" else None)
    own = [row for row in w.invoices(customer) if row.type == "SCHEDULED"]
    assert [(row.status, row.issued_at) for row in own] == ([("FINALIZED", end)] if converts else [])
    if not converts:
        assert w.invoices(customer) == []


def test_one_that_is_held_goes_on_once_the_customer_can_be_charged(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.contract(
        customer,
        card,
        w.days_ago(20),
        subscriptions=plan(w, card, 4900),
        extra_body=of_days(14, without_payment_method="HOLD"),
    )
    w.run_due_work()
    w.run_due_work(until=w.now + timedelta(days=2))
    assert (trial(w, customer, contract)["status"], w.invoices(customer)) == ("HELD", [])
    with_card(w, customer)
    later = w.now + timedelta(days=3)
    w.run_due_work(until=later)
    told = trial(w, customer, contract)
    assert told["status"] == "CONVERTED"
    since = datetime.fromisoformat(told["ending_before"])
    assert later - timedelta(hours=1) < since <= later
    assert [row.issued_at for row in w.invoices(customer) if row.type == "SCHEDULED"] == [since]


def test_it_is_extended_shortened_and_converted(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    customer = w.customer()
    contract = w.contract(customer, card, w.days_ago(2), subscriptions=plan(w, card, 4900), extra_body=of_days(14))
    path = f"/tactus/v1/contracts/{contract}/trial"
    later = w.days_ago(-20)
    answer = http.put(path, json={"ending_before": later.isoformat()})
    assert (answer.status_code, answer.json()["data"]["ending_before"]) == (200, f"{later:%Y-%m-%dT%H:%M:%SZ}")
    assert http.get(path).json() == answer.json()
    for bad in (w.days_ago(1), w.days_ago(-400)):
        refused = http.put(path, json={"ending_before": bad.isoformat()})
        assert (refused.status_code, refused.json()["message"][:13]) == (400, "ending_before")
    assert w.invoices(customer) == []
    done = http.post(f"{path}/convert", json={"reason": "asked for"})
    assert (done.status_code, done.json()["data"]["status"]) == (200, "CONVERTED")
    since = w.now.replace(minute=0, second=0, microsecond=0)
    w.run_due_work()
    assert [row.issued_at for row in w.invoices(customer) if row.type == "SCHEDULED"] == [since]
    assert http.post(f"{path}/convert", json={"reason": "asked for"}).status_code == 409
    assert http.put(path, json={"ending_before": later.isoformat()}).status_code == 409
    actions = [row.action for row in w.sdk.v1.audit_logs.list(resource_type="contract", resource_id=contract)]
    assert {"contract.trial_changed", "contract.trial_ended"} <= set(actions)


def test_t07_given_up_before_its_end_costs_nothing(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    with_card(w, customer)
    contract = w.contract(customer, card, w.days_ago(5), subscriptions=plan(w, card, 4900), extra_body=of_days(7))
    w.use(customer, metric, 9, w.days_ago(4))
    w.sdk.v1.contracts.update_end_date(customer_id=customer, contract_id=contract, ending_before=w.days_ago(0))
    w.run_due_work(until=w.now + timedelta(days=40))
    assert (trial(w, customer, contract)["status"], w.invoices(customer)) == ("CANCELED", [])


def test_t08_another_plan_without_a_trial_is_paid_for_at_once(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    customer = w.customer()
    schedule = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    first = w.contract(
        customer, card, w.days_ago(5), subscriptions=plan(w, card, 4900), extra_body=of_days(14),
        usage_statement_schedule=schedule,
    )  # fmt: skip
    w.contract(
        customer, card, w.days_ago(2), subscriptions=plan(w, card, 9900), usage_statement_schedule=schedule,
        transition={"type": "RENEWAL", "from_contract_id": first},
    )  # fmt: skip
    w.run_due_work()
    assert charged(w, customer) == [("SCHEDULED", w.days_ago(2), 9900)]


def test_a_trial_that_is_over_when_the_next_plan_begins_is_none(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    customer = w.customer()
    schedule = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    first = w.contract(customer, card, w.days_ago(12), extra_body=of_days(14), usage_statement_schedule=schedule)
    second = w.contract(
        customer, card, w.days_ago(2), subscriptions=plan(w, card, 9900), usage_statement_schedule=schedule,
        transition={"type": "RENEWAL", "from_contract_id": first}, extra_body=of_days(7),
    )  # fmt: skip
    assert trial(w, customer, second)["status"] == "CONVERTED"
    w.run_due_work()
    assert charged(w, customer) == [("SCHEDULED", w.days_ago(2), 9900)]


def test_packages_have_trials(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    _, _, card = w.priced(price=100)
    package = w.sdk.v1.packages.create(
        name="Pro", rate_card_id=card, subscriptions=[
            {"subscription_rate": {"product_id": w.priced_seat(card, 4900), "billing_frequency": "MONTHLY"},
             "initial_quantity": 1, "collection_schedule": "ADVANCE", "proration": {"is_prorated": True}}
        ], extra_body=of_days(14, without_payment_method="HOLD"),
    ).data.id  # fmt: skip
    shown = w.sdk.v1.packages.retrieve(package_id=package).data.to_dict()
    assert shown["trial"] == {"length": {"value": 14, "unit": "DAYS"}, "without_payment_method": "HOLD"}
    customer = w.customer()
    contract = w.sdk.v1.contracts.create(customer_id=customer, starting_at=w.days_ago(3), package_id=package).data.id
    assert trial(w, customer, contract)["without_payment_method"] == "HOLD"
    assert trial(w, customer, contract)["ending_before"] == f"{w.days_ago(-11):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"length": {"value": 0, "unit": "DAYS"}}, "trial.length.value"),
        ({"length": {"value": 3, "unit": "HOURS"}}, "trial.length.unit"),
        ({"length": {"value": 2, "unit": "YEARS"}}, "trial.length"),
        ({"length": {"value": 30, "unit": "DAYS"}}, "trial.length"),  # the contract ends before
        ({"length": {"value": 3, "unit": "DAYS"}, "usage": "SOME"}, "trial.usage"),
        ({"length": {"value": 3, "unit": "DAYS"}, "without_payment_method": "X"}, "trial.without_payment_method"),
        ({}, "trial.length"),
    ],
)
def test_what_cannot_be_is_refused(subscriptions: SubscriptionWorld, asked: dict[str, Any], field: str) -> None:
    w = subscriptions
    customer = w.customer()
    with pytest.raises(BadRequestError, match=field) as error:
        w.contract(customer, None, w.days_ago(2), ending_before=w.days_ago(-20), extra_body={"trial": asked})
    assert isinstance(error.value, APIStatusError)
    assert Contract.objects.filter(customer_id=customer).count() == 0


def test_contracts_without_one_say_so(subscriptions: SubscriptionWorld, http: httpx.Client) -> None:
    w = subscriptions
    customer = w.customer()
    contract = w.contract(customer, None, w.days_ago(2))
    for answer in (
        http.get(f"/tactus/v1/contracts/{contract}/trial"),
        http.post(f"/tactus/v1/contracts/{contract}/trial/convert", json={}),
    ):
        assert (answer.status_code, answer.json()["message"]) == (404, "contract_id: the contract has no trial")
    with pytest.raises(ConflictError):
        w.sdk.v1.contracts.create(customer_id=customer, starting_at=w.today, uniqueness_key="k", extra_body=of_days(1))
        w.sdk.v1.contracts.create(customer_id=customer, starting_at=w.today, uniqueness_key="k", extra_body=of_days(1))


def test_what_became_of_it_stays_so(subscriptions: SubscriptionWorld) -> None:
    w = subscriptions
    customer = w.customer()
    contract = w.contract(customer, None, w.days_ago(5), extra_body=of_days(2))
    w.run_due_work()
    assert trial(w, customer, contract)["status"] == "EXPIRED"
    for change in (
        {"trial_outcome": "CONVERTED"}, {"trial_outcome": ""}, {"trial_starting_at": w.now},
        {"trial_ending_before": w.now},
    ):  # fmt: skip
        with pytest.raises(IntegrityError, match="a trial begins once"), transaction.atomic():
            Contract.objects.filter(pk=contract).update(**change)
