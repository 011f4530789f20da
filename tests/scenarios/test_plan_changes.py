"""Changes of plan and cancellations through the API and the clock jobs alone: quoted first, charged exactly so.

P01, P02, P16, RN2: published cases of other systems, by our rules (docs/algorithms/plan-changes.md).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, transaction

from plans.models import PlanQuote, UnusedCredit
from tests.plugins.clock import travel
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import World, exact

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


class Plans:
    """Packages of one monthly subscription each, paid in advance, on one card."""

    def __init__(self, w: SubscriptionWorld, http: httpx.Client) -> None:
        self.w, self.http = w, http
        self.metric, _, self.card = w.priced(price=1)
        self.customer = w.customer()
        self.fixed = w.fixed()

    def package(self, cents: int, **more: Any) -> str:
        """A plan at so many cents a month, a contract's first day being the first of its periods."""
        return self.w.sdk.v1.packages.create(
            name=f"{cents} a month", rate_card_id=self.card, contract_name=f"At {cents}",
            usage_statement_schedule={"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"},
            subscriptions=[{
                "subscription_rate": {
                    "product_id": self.w.priced_seat(self.card, cents), "billing_frequency": "MONTHLY"
                },
                "initial_quantity": 1, "collection_schedule": "ADVANCE", "proration": {"is_prorated": True},
            }], **more,
        ).data.id  # type: ignore[list-item]  # fmt: skip

    def buy(self, package: str, at: datetime) -> str:
        return self.w.sdk.v1.contracts.create(customer_id=self.customer, starting_at=at, package_id=package).data.id

    def quote(self, contract: str, status: int = 200, **asked: Any) -> dict[str, Any]:
        answer = self.http.post(f"/tactus/v1/contracts/{contract}/quotes", json=asked)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found["data"] if status == 200 else found  # type: ignore[no-any-return]

    def change(self, contract: str, package: str, **more: Any) -> dict[str, Any]:
        return self.quote(contract, operation="CHANGE", to={"package_id": package}, **more)

    def confirm(self, quote: dict[str, Any], status: int = 200) -> dict[str, Any]:
        path = f"/tactus/v1/contracts/{quote['contract_id']}/quotes/{quote['id']}/confirm"
        answer = self.http.post(path, json={})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found["data"] if status == 200 else found  # type: ignore[no-any-return]

    def finals(self) -> list[tuple[str, datetime, Any]]:
        """What final invoices ask for, in order."""
        rows = [row for row in self.w.invoices(self.customer) if row.status == "FINALIZED"]
        return sorted((row.issued_at, row.type, exact(row.total)) for row in rows if row.total)

    def run(self, at: datetime) -> None:
        World.run_due_work(until=at)


@pytest.fixture
def plans(subscriptions: SubscriptionWorld, http: httpx.Client) -> Plans:
    return Plans(subscriptions, http)


def test_p01_up_after_a_day_of_thirty(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        small, big = plans.package(500), plans.package(2000)
        contract = plans.buy(small, JUNE)
        plans.run(JUNE)
    second = JUNE + timedelta(days=1)
    with travel(second, tick=False):
        quote = plans.change(contract, big)
        assert (quote["direction"], quote["effective_at"], quote["status"]) == ("UP", "2026-06-02T00:00:00Z", "OPEN")
        assert quote["old_unused"] == 483  # 5.00 x 29/30
        assert round(quote["new_rest"], 2) == 1933.33  # 20.00 x 29/30
        assert quote["due_now"] == 1450
        assert quote["next"]["date"] == "2026-07-01T00:00:00Z"
        assert quote["next"]["amount"] == 2000
        before = len(plans.w.invoices(plans.customer))
        done = plans.confirm(quote)
        assert (done["status"], plans.confirm(quote)) == ("CONFIRMED", done)
        plans.run(second)
    assert plans.finals() == [(JUNE, "SCHEDULED", 500), (second, "SCHEDULED", 1450)]
    assert len(plans.w.invoices(plans.customer)) > before
    new = plans.w.sdk.v2.contracts.retrieve(customer_id=plans.customer, contract_id=done["new_contract_id"]).data
    assert (new.name, new.starting_at) == ("At 2000", second)
    actions = [row.action for row in plans.w.sdk.v1.audit_logs.list(resource_type="contract", resource_id=contract)]
    assert {"plan.quote", "plan.changed"} <= set(actions)


def test_p02_exactly_half(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        small, big = plans.package(1000), plans.package(5000)
        contract = plans.buy(small, JUNE)
        plans.run(JUNE)
    with travel(JUNE + timedelta(days=15), tick=False):
        quote = plans.change(contract, big)
        assert (quote["old_unused"], quote["new_rest"], quote["due_now"]) == (500, 2500, 2000)


def test_down_waits_for_the_end_of_what_is_paid_and_may_be_at_once(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        small, big = plans.package(500), plans.package(2000)
        contract = plans.buy(big, JUNE)
        plans.run(JUNE)
    middle = JUNE + timedelta(days=15)
    july = datetime(2026, 7, 1, tzinfo=UTC)
    with travel(middle, tick=False):
        at_once = plans.change(contract, small, when="NOW")
        assert (at_once["direction"], at_once["old_unused"], at_once["new_rest"]) == ("DOWN", 1000, 250)
        assert at_once["due_now"] == 0  # 750 stay as a credit, at the old plan's price
        waits = plans.change(contract, small)
        assert (waits["effective_at"], waits["old_unused"], waits["due_now"]) == ("2026-07-01T00:00:00Z", 0, 0)
        assert waits["next"] == {"date": "2026-07-01T00:00:00Z", "amount": 500}
        plans.confirm(waits)
    with travel(july + timedelta(days=2), tick=False):
        plans.run(july + timedelta(days=2))
    assert plans.finals() == [(JUNE, "SCHEDULED", 2000), (july, "SCHEDULED", 500)]


def test_p16_three_upgrades_never_credit_more_than_was_charged(plans: Plans) -> None:
    """A story to the cent: 10, 20, 40 and 80 a month, each after five days of June; then cancelled at its end."""
    with travel(JUNE, tick=False):
        packages = [plans.package(cents) for cents in (1000, 2000, 4000, 8000)]
        contract = plans.buy(packages[0], JUNE)
        plans.run(JUNE)
    dues = [1000]
    for number, package in enumerate(packages[1:], start=1):
        at = JUNE + timedelta(days=5 * number)
        with travel(at, tick=False):
            quote = plans.change(contract, package)
            contract = plans.confirm(quote)["new_contract_id"]
            plans.run(at)
            dues.append(quote["due_now"])
    # 1000; 1667 - 833; 3200.. each: rest of the new plan less the rest of the old one
    assert dues == [1000, 834, 1334, 2000]
    assert [total for _, _, total in plans.finals()] == dues
    for row in UnusedCredit.objects.all():
        assert row.amount <= row.charged
    at = JUNE + timedelta(days=20)
    with travel(at, tick=False):
        quote = plans.quote(contract, operation="CANCEL")
        assert (quote["effective_at"], quote["old_unused"], quote["due_now"]) == ("2026-07-01T00:00:00Z", 0, 0)
        plans.confirm(quote)
    later = datetime(2026, 9, 1, tzinfo=UTC)
    with travel(later, tick=False):
        plans.run(later)
        assert [total for _, _, total in plans.finals()] == dues
        assert plans.quote(contract, status=409, operation="CANCEL")["message"] == "the contract is not in force"


def test_rn2_cancelled_at_period_end_and_taken_back(plans: Plans) -> None:
    with travel(JANUARY, tick=False):
        contract = plans.buy(plans.package(1500), JANUARY)
        plans.run(JANUARY)
    middle = datetime(2026, 3, 15, tzinfo=UTC)
    ids = {"customer_id": plans.customer, "contract_id": contract}
    with travel(middle, tick=False):
        plans.run(middle)
        quote = plans.quote(contract, operation="CANCEL")
        plans.confirm(quote)
        april = datetime(2026, 4, 1, tzinfo=UTC)
        assert plans.w.sdk.v2.contracts.retrieve(**ids).data.ending_before == april
        assert plans.http.post(f"/tactus/v1/contracts/{contract}/undo-cancel", json={}).status_code == 200
        assert plans.w.sdk.v2.contracts.retrieve(**ids).data.ending_before is None
        assert plans.http.post(f"/tactus/v1/contracts/{contract}/undo-cancel", json={}).status_code == 409
        plans.confirm(plans.quote(contract, operation="CANCEL"))
    with travel(april + timedelta(hours=36), tick=False):
        plans.run(april + timedelta(hours=36))
        assert plans.http.post(f"/tactus/v1/contracts/{contract}/undo-cancel", json={}).status_code == 409
    assert [total for _, _, total in plans.finals()] == [1500, 1500, 1500]


def test_a_plan_with_a_trial_is_as_dear_and_free_at_first(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        trial = {"trial": {"length": {"value": 10, "unit": "DAYS"}, "without_payment_method": "CONTINUE"}}
        small, big = plans.package(500), plans.package(2000, extra_body=trial)
        contract = plans.buy(small, JUNE)
        plans.run(JUNE)
    with travel(JUNE + timedelta(days=15), tick=False):
        quote = plans.change(contract, big)
        assert (quote["direction"], quote["old_unused"], quote["new_rest"], quote["due_now"]) == ("UP", 250, 0, 0)
        assert quote["next"]["date"] == "2026-06-26T00:00:00Z"
        assert round(quote["next"]["amount"]) == 83  # 20.00 x 5/30, less the credit
        plans.confirm(quote)
    later = JUNE + timedelta(days=25)
    with travel(later, tick=False):
        plans.run(later)
    assert plans.finals() == [(JUNE, "SCHEDULED", 500), (later, "SCHEDULED", 83)]


def test_seats_that_were_added_go_along_if_asked(plans: Plans) -> None:
    """Two plans of one seat product; three seats more halfway, then the dearer plan with the four."""
    w = plans.w
    seat = w.priced_seat(plans.card, 1000)
    dearer: Any = [{
        "type": "OVERWRITE", "starting_at_offset": {"value": 0, "unit": "DAYS"},
        "override_specifiers": [{"product_id": seat, "billing_frequency": "MONTHLY"}],
        "overwrite_rate": {"rate_type": "FLAT", "price": 2000},
    }]  # fmt: skip
    subscription: Any = {
        "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"}, "initial_quantity": 1,
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
    }  # fmt: skip
    with travel(JUNE, tick=False):
        team, business = (
            w.sdk.v1.packages.create(
                name="Plan", rate_card_id=plans.card, subscriptions=[subscription], overrides=overrides
            ).data.id
            for overrides in ([], dearer)
        )
        contract = plans.buy(team, JUNE)
        plans.run(JUNE)
    half = JUNE + timedelta(days=15)
    with travel(half, tick=False):
        ids = {"customer_id": plans.customer, "contract_id": contract}
        mine = w.sdk.v2.contracts.retrieve(**ids).data.subscriptions[0].id
        added: Any = [{"subscription_id": mine, "quantity_updates": [{"starting_at": half, "quantity": 4}]}]
        w.sdk.v2.contracts.edit(**ids, update_subscriptions=added)
        plans.run(half)
    later = JUNE + timedelta(days=20)
    with travel(later, tick=False):
        quote = plans.change(contract, business, quantities="KEEP")
        # 10.00 for June and 3 x 5.00 from the 16th were charged: a third of the first, two thirds of the others
        assert (quote["old_unused"], quote["quantities"]) == (333 + 1000, "KEEP")
        assert round(quote["new_rest"]) == round(4 * 2000 / 3)
        assert quote["due_now"] == 1334
        one = plans.change(contract, business)
        assert (one["direction"], one["new_rest"], one["due_now"]) == ("DOWN", 2000, 0)  # one seat for four
        done = plans.confirm(quote)
        plans.run(later)
        new = w.sdk.v2.contracts.retrieve(customer_id=plans.customer, contract_id=done["new_contract_id"]).data
        assert exact(new.subscriptions[0].quantity_schedule[0].quantity) == 4
    assert [total for _, _, total in plans.finals()] == [1000, 1500, 1334]


def test_cancelled_at_once_credits_if_asked(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        contract = plans.buy(plans.package(3000), JUNE)
        plans.run(JUNE)
    with travel(JUNE + timedelta(days=10), tick=False):
        assert plans.quote(contract, operation="CANCEL", when="NOW")["old_unused"] == 0
        quote = plans.quote(contract, operation="CANCEL", when="NOW", unused="CREDIT")
        assert (quote["old_unused"], quote["due_now"]) == (2000, 0)
        plans.confirm(quote)
        left = plans.w.sdk.v1.contracts.get_net_balance(customer_id=plans.customer).data.balance
        assert exact(left) == 2000


def test_a_contract_that_ends_anyway_is_not_renewed_once_it_is_cancelled(plans: Plans) -> None:
    august = datetime(2026, 8, 1, tzinfo=UTC)
    with travel(JUNE, tick=False):
        contract = plans.buy(plans.package(500, duration={"value": 1, "unit": "MONTHS"}), JUNE)
        agreed = {"kind": "SAME_TERMS", "term_months": 1}
        path = f"/tactus/v1/contracts/{contract}/renewal"
        assert plans.http.put(path, json=agreed).status_code == 200
        plans.confirm(plans.quote(contract, operation="CANCEL"))
        assert plans.http.get(path).json()["data"]["will"] == "SKIP"
        assert plans.http.post(f"/tactus/v1/contracts/{contract}/undo-cancel", json={}).status_code == 200
        told = plans.http.get(path).json()["data"]
        assert (told["will"], told["state"], told["renews_at"]) == ("RENEW", "ACTIVE", "2026-07-01T00:00:00Z")
        plans.confirm(plans.quote(contract, operation="CANCEL"))
    with travel(august, tick=False):
        plans.run(august)
        assert [row["outcome"] for row in plans.http.get(path).json()["data"]["decisions"]] == ["SKIPPED"]
    assert plans.finals() == [(JUNE, "SCHEDULED", 500)]


def test_one_change_at_a_time(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second finds it when both are past the first look."""
    with travel(JUNE, tick=False):
        small, big = plans.package(500), plans.package(2000)
        contract = plans.buy(small, JUNE)
        plans.run(JUNE)
        first, second = plans.change(contract, big, when="NOW"), plans.change(contract, big, when="NOW")
        plans.confirm(first)
        monkeypatch.setattr("plans.services.changes._check_alive", lambda contract, now: None)
        assert "goes on from it" in plans.confirm(second, 409)["message"]
    assert UnusedCredit.objects.filter(quote_id=second["id"]).count() == 0


def test_a_quote_is_carried_out_as_it_stands_or_not_at_all(plans: Plans) -> None:
    with travel(JUNE, tick=False):
        small, big = plans.package(500), plans.package(2000)
        contract = plans.buy(small, JUNE)
        plans.run(JUNE)
    at = JUNE + timedelta(days=1)
    with travel(at, tick=False):
        quote, other = plans.change(contract, big), plans.change(contract, big)
    with travel(at + timedelta(minutes=31), tick=False):
        assert "expired" in plans.confirm(quote, 409)["message"]
        fresh = plans.change(contract, big)
        plans.w.sdk.v2.contracts.edit(
            customer_id=plans.customer, contract_id=contract,
            add_subscriptions=[plans.w.subscription(plans.w.priced_seat(plans.card, 100), initial_quantity=1)],
        )  # fmt: skip
        done = plans.confirm(fresh)  # what is added to the old plan in arrears changes nothing of it
        again = plans.confirm(other, 409)
        assert "goes on from it" in again["message"] or "expired" in again["message"]
        answer = plans.http.get(f"/tactus/v1/contracts/{contract}/quotes?limit=2").json()
        assert [row["status"] for row in answer["data"]] == ["CONFIRMED", "EXPIRED"]
        assert answer["data"][0] == done
    row = PlanQuote.objects.get(pk=done["id"])
    for change in ({"due_now": 0}, {"confirmed_at": None, "new_contract": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PlanQuote.objects.filter(pk=row.pk).update(**change)


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"operation": "CHANGE"}, 400, "to: "),
        ({"operation": "CANCEL", "to": {"package_alias": "x"}}, 400, "to: "),
        ({"operation": "CHANGE", "to": {}}, 400, "to"),
        ({"operation": "CHANGE", "to": {"package_id": "3f9b6d5e-0a6c-4f0e-9b0b-0d6f6a3c1c11"}}, 400, "to.package_id"),
        ({"operation": "CHANGE", "to": {"package_alias": "none"}}, 400, "to.package_alias"),
        ({"operation": "SHRINK"}, 400, "operation"),
        ({"operation": "CANCEL", "when": "SOON"}, 400, "when"),
        ({"operation": "CANCEL", "unused": "BURN"}, 400, "unused"),
        ({"operation": "CANCEL", "quantities": "KEEP"}, 400, "quantities"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(plans: Plans, asked: dict[str, Any], status: int, message: str) -> None:
    with travel(JUNE, tick=False):
        contract = plans.buy(plans.package(500), JUNE)
        assert message in plans.quote(contract, status=status, **asked)["message"]
        assert PlanQuote.objects.count() == 0
