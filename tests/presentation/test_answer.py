"""An explanation as the API answers it: fields and the sentences made of them, which clients may have read for long."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.balances import AccessType, BalanceKind
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    Contribution,
    Explanation,
    OverrideEffect,
    OverrideLost,
    PayingBalance,
    Proration,
    PurchaseExplanation,
    SubscriptionExplanation,
    TierReached,
    TrueUpExplanation,
    UsageExplanation,
)
from engine.overrides import LossReason, OverrideType, RateTarget
from engine.prices import Flat, MultiplierTier, Percentage, Tier, Tiered
from presentation.explanation import explanation_answer
from tests.presentation.lines import SINCE, pricing

D = Decimal
TIERS = Tiered((Tier(D(5), D(0)), Tier(None, D("0.5"))))
DUE = datetime(2026, 3, 1, tzinfo=UTC)
POSTPAID = PayingBalance("b", "s", BalanceKind.POSTPAID, "", AccessType.SPEND, RateTarget.LIST_RATE)


def effect(name: str, **facts: object) -> OverrideEffect:
    given: dict[str, object] = {
        "type": OverrideType.MULTIPLIER, "starting_at": SINCE, "ending_before": None, "priority": None,
        "is_commit_specific": False, "target": RateTarget.LIST_RATE, "multiplier": None, "tiers": (), "entitled": None,
    }  # fmt: skip
    return OverrideEffect(override_id=name, **(given | facts))  # type: ignore[arg-type]


def test_a_tier_of_usage() -> None:
    tier = TierReached(1, D(5), None, D(0), D(8))
    priced = pricing(D(8), TIERS, D("0.5"), part=D(3), tier=tier)
    price = {
        "type": "TIERED",
        "price": None,
        "tiers": [{"size": "5", "price": "0"}, {"size": None, "price": "0.5"}],
    }
    assert explanation_answer(UsageExplanation("m", "calls", 3, D("8.0"), None, None, priced)) == {
        "kind": "usage",
        "metric": {"id": "m", "name": "calls"},
        "event_count": 3,
        "metric_quantity": "8",
        "conversion": None,
        "rounding": None,
        "quantity": "8",
        "rate": {
            "id": "rate",
            **price,
            "base": "LIST_RATE",
            "source": "rate card Scale",
            "credit_type_id": "usd",
            "starting_at": "2026-10-01T00:00:00Z",
            "ending_before": None,
        },
        "list_price": price,
        "tier": {"level": 1, "starting_at": "5", "size": None, "quantity_before": "0", "quantity_after": "8"},
        "line": {"quantity": "3", "unit_price": "0.5", "total": "1.5"},
        "override": None,
        "overrides": {"winner": None, "lost": []},
        "balance": None,
        "steps": [
            "8 units from 3 events",
            "TIERED rate of rate card Scale, from 2026-10-01T00:00:00Z on",
            "0 units came before in this period",
            "tier 1, above 5, without end",
            "3 x 0.5 = 1.5",
            "no override applies",
        ],
    }


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (LossReason.ONLY_ENTITLES, "it sets only the entitlement"),
        (LossReason.TIERS_NEED_EXPLICIT_PRIORITIES, "tiered overrides need EXPLICIT prioritization"),
        (LossReason.TIERS_DO_NOT_APPLY, "tiers do not apply to VOLUME prices"),
        (LossReason.NO_BALANCE_PAYS, "it applies only while a balance pays"),
        (LossReason.ANOTHER_BALANCE_PAYS, "it applies while another balance pays"),
        (LossReason.OTHER_TARGET, "it is for commit rates, and the list rate holds here"),
        (LossReason.ANOTHER_IS_COMMIT_SPECIFIC, "commit-specific override won comes first"),
        (LossReason.ANOTHER_OVERWRITES, "overwrite won comes before multipliers"),
        (LossReason.ANOTHER_HAS_PRIORITY, "override won has priority 2.5"),
        (LossReason.ANOTHER_IS_GREATER, "override won is the greater discount"),
        (LossReason.ANOTHER_IS_LATER, "override won was added later"),
    ],
)
def test_every_reason_has_its_sentence(reason: LossReason, said: str) -> None:
    won = effect("won", multiplier=D("0.50"), priority=D("2.5"))
    tiers = MultiplierTier(D(5), D("0.9")), MultiplierTier(None, D(1))
    lost = OverrideLost(effect("lost", tiers=tiers), reason, "VOLUME")
    priced = pricing(D(1), Flat(D(5)), D(5), winner=won, lost=(lost,))
    told = explanation_answer(UsageExplanation("m", "calls", 1, D(1), None, None, priced))
    assert told["override"] == "override won multiplies the price by 0.5"
    assert told["overrides"]["winner"]["words"] == told["override"]
    [loser] = told["overrides"]["lost"]
    assert (loser["words"], loser["reason"]) == ("override lost multiplies the price by 0.9 for 5 units, 1", said)
    assert told["steps"][-2:] == [told["override"], f"not lost: {said}"]
    assert told["steps"][0] == "1 units from 1 event"


@pytest.mark.parametrize(
    ("explanation", "kind", "steps"),
    [
        (
            AppliedExplanation(POSTPAID, D(400), D(150), D(150)),
            "applied",
            ["balance b pays 150", "it held 400 and holds 250", "shown, but not taken off the total"],
        ),
        (
            PurchaseExplanation("b", BalanceKind.PREPAID, "Start", DUE, D(2), D(250), D(500)),
            "purchase",
            ["2 x 250 = 500"],
        ),
        (
            TrueUpExplanation("b", BalanceKind.POSTPAID, "", DUE, D(900), D(500)),
            "true_up",
            ["900 was committed; 500 of it is not fulfilled by usage"],
        ),
        (
            SubscriptionExplanation("s", Proration(24, 168), pricing(D(1), Flat(D(9123)), D(9123))),
            "subscription",
            ["1 units of the subscription", "the price is that of 1 of 7 days of the period"],
        ),
        (
            SubscriptionExplanation("s", Proration(12, 168), pricing(D(1), Flat(D(12)), D(12))),
            "subscription",
            ["1 units of the subscription", "the price is that of 12 of 168 hours of the period"],
        ),
    ],
)
def test_other_kinds(explanation: Explanation, kind: str, steps: list[str]) -> None:
    told = explanation_answer(explanation)
    assert told["kind"] == kind
    assert told["steps"][: len(steps)] == steps
    assert list(told)[-1] == "steps"


def test_what_a_composite_product_is_of() -> None:
    priced = pricing(D(15), Percentage(D("0.1"), D(500)), D("0.1"))
    parts = (Contribution("Tokens", D(10)), Contribution(None, D("5.0")))
    told = explanation_answer(CompositeExplanation(False, parts, priced))
    assert told["metric"] == {"id": "", "name": "spend on Tokens, other contracts"}
    assert told["contributions"] == [{"name": "Tokens", "total": "10"}, {"name": "other contracts", "total": "5"}]
    assert told["rate"]["minimum"] == "500"
    assert explanation_answer(CompositeExplanation(False, (), priced))["metric"]["name"] == "spend on nothing"
    assert explanation_answer(CompositeExplanation(True, (), priced))["metric"]["name"] == "shortfall to the minimum"
