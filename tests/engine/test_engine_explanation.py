"""Explanations go to storage and back without loss, whatever their kind."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.balances import AccessType, BalanceKind
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    Contribution,
    ConversionExplanation,
    DiscountExplanation,
    Explanation,
    OverrideEffect,
    OverrideLost,
    PayingBalance,
    PriceInForce,
    Pricing,
    Proration,
    PurchaseExplanation,
    ScheduledExplanation,
    SubscriptionExplanation,
    TierReached,
    TrueUpExplanation,
    UsageExplanation,
)
from engine.explanation_json import (
    StoredExplanation,
    explanation_from_json,
    explanation_to_json,
    price_from_json,
    price_to_json,
)
from engine.money import divide
from engine.overrides import LossReason, OverrideType, RateTarget
from engine.prices import (
    Custom,
    MultiplierTier,
    Percentage,
    Price,
    Subscription,
    TieredPercentage,
    each_price,
)
from tests.engine.strategies import amounts, every_price, prices_each, quick, sizes, tiered

texts, flags, counts = st.text(max_size=20), st.booleans(), st.integers(0, 10**12)
times = st.integers(0, 10**17).map(lambda count: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=count))
minimums = st.none() | prices_each
all_prices: st.SearchStrategy[Price] = st.one_of(
    every_price,
    st.builds(Subscription, prices_each),
    st.builds(Percentage, prices_each, minimums),
    st.builds(lambda price, least: TieredPercentage(price.tiers, least), tiered(), minimums),
    st.just(Custom(Decimal(0))),
    # what was computed has more digits than any term
    st.builds(lambda price: each_price(price, lambda each: divide(each + 1, Decimal(7))), every_price),
)
targets, kinds = st.sampled_from(RateTarget), st.sampled_from(BalanceKind)
effects = st.builds(
    OverrideEffect, texts, st.none() | st.sampled_from(OverrideType), times, st.none() | times, st.none() | amounts,
    flags, targets, st.none() | amounts,
    st.lists(st.builds(MultiplierTier, st.none() | sizes, prices_each), max_size=2).map(tuple), st.none() | flags,
)  # fmt: skip
losses = st.builds(OverrideLost, effects, st.sampled_from(LossReason), texts)
payers = st.builds(PayingBalance, texts, texts, kinds, texts, st.sampled_from(AccessType), targets)
pricings = st.builds(
    Pricing, amounts, st.builds(PriceInForce, texts, texts, texts, times, st.none() | times, targets, all_prices,
                                all_prices),
    st.none() | st.builds(TierReached, counts, amounts, st.none() | amounts, amounts, amounts), amounts, amounts,
    amounts, st.none() | effects, st.lists(losses, max_size=2).map(tuple), st.none() | payers,
)  # fmt: skip
conversions = st.builds(QuantityConversion, sizes, st.sampled_from(ConversionOperation))
roundings = st.builds(QuantityRounding, st.sampled_from(RoundingMethod), st.integers(-20, 20))
BUILT: dict[type[Explanation], st.SearchStrategy[Explanation]] = {
    UsageExplanation: st.builds(
        UsageExplanation, texts, texts, counts, amounts, st.none() | conversions, st.none() | roundings, pricings
    ),
    SubscriptionExplanation: st.builds(
        SubscriptionExplanation, texts, st.none() | st.builds(Proration, counts, counts), pricings
    ),
    CompositeExplanation: st.builds(
        CompositeExplanation, flags,
        st.lists(st.builds(Contribution, st.none() | texts, amounts), max_size=3).map(tuple), pricings,
    ),
    ConversionExplanation: st.builds(ConversionExplanation, texts, texts, pricings),
    AppliedExplanation: st.builds(AppliedExplanation, payers, amounts, amounts, amounts),
    PurchaseExplanation: st.builds(PurchaseExplanation, texts, kinds, texts, times, amounts, amounts, amounts),
    TrueUpExplanation: st.builds(TrueUpExplanation, texts, kinds, texts, times, amounts, amounts),
    ScheduledExplanation: st.builds(ScheduledExplanation, texts, texts, times, amounts, amounts, amounts),
    DiscountExplanation: st.builds(DiscountExplanation, texts, texts, times, amounts, amounts),
}  # fmt: skip


def through_json(value: dict[str, Any]) -> dict[str, Any]:
    """What a database gives back: the same values, keys in another order."""
    found: dict[str, Any] = json.loads(json.dumps(value, sort_keys=True))
    return found


def test_every_kind_is_tried() -> None:
    assert set(BUILT) == set(get_args(Explanation))
    assert len({(kind.kind, kind.version) for kind in BUILT}) == len(BUILT)


@quick
@given(st.one_of(*BUILT.values()))
def test_what_is_stored_is_read_back(explanation: Explanation) -> None:
    stored = explanation_to_json(explanation)
    assert explanation_from_json(through_json(stored)) == explanation
    assert explanation_to_json(explanation_from_json(stored)) == stored
    lazy = StoredExplanation(stored)
    assert lazy.explanation == explanation
    assert lazy.explanation is lazy.explanation


@quick
@given(all_prices)
def test_prices_keep_every_digit(price: Price) -> None:
    made = price_from_json(through_json(price_to_json(price)))
    assert (made, type(made)) == (price, type(price))


@pytest.mark.parametrize("change", [{"kind": "barter"}, {"version": 2}, {"version": None}])
def test_what_nobody_knows_is_refused(change: dict[str, Any]) -> None:
    due = datetime(2026, 3, 1, tzinfo=UTC)
    known = PurchaseExplanation("b", BalanceKind.PREPAID, "Start", due, Decimal(2), Decimal(250), Decimal(500))
    with pytest.raises(ValueError, match="no explanation of kind"):
        explanation_from_json(explanation_to_json(known) | change)


def test_the_stored_shape_of_version_1() -> None:
    """Invoices hold this for ever: a change of it is a new version."""
    price = Percentage(Decimal("0.10"), Decimal(500))
    since = datetime(2026, 1, 1, tzinfo=UTC)
    rate = PriceInForce("r", "rate card Scale", "usd", since, None, RateTarget.LIST_RATE, price, price)
    half = OverrideEffect(
        "o", OverrideType.MULTIPLIER, since, None, Decimal(1), False, RateTarget.LIST_RATE, Decimal("0.5"), (), None
    )
    pricing = Pricing(
        Decimal("8.0"), rate, None, Decimal(8), Decimal("0.1"), Decimal("0.8"), half,
        (OverrideLost(half, LossReason.ANOTHER_IS_LATER, ""),), None,
    )  # fmt: skip
    told = CompositeExplanation(False, (Contribution("Tokens", Decimal(8)), Contribution(None, Decimal(0))), pricing)
    effect = {
        "override_id": "o", "type": "MULTIPLIER", "starting_at": "2026-01-01T00:00:00Z", "ending_before": None,
        "priority": "1", "is_commit_specific": False, "target": "LIST_RATE", "multiplier": "0.5", "tiers": [],
        "entitled": None,
    }  # fmt: skip
    assert explanation_to_json(told) == {
        "kind": "composite",
        "version": 1,
        "is_minimum": False,
        "contributions": [{"product_name": "Tokens", "total": "8"}, {"product_name": None, "total": "0"}],
        "pricing": {
            "quantity": "8",
            "rate": {
                "rate_id": "r",
                "source": "rate card Scale",
                "credit_type_id": "usd",
                "starting_at": "2026-01-01T00:00:00Z",
                "ending_before": None,
                "base": "LIST_RATE",
                "price": {"type": "PERCENTAGE", "price": "0.1", "minimum": "500"},
                "list_price": {"type": "PERCENTAGE", "price": "0.1", "minimum": "500"},
            },
            "tier": None,
            "line_quantity": "8",
            "unit_price": "0.1",
            "total": "0.8",
            "winner": effect,
            "lost": [{"override": effect, "reason": "ANOTHER_IS_LATER", "price_type": ""}],
            "balance": None,
        },
    }
