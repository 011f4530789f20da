"""What people read of explanations: of those that the engine itself made, and of every kind of line."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from billing.types import LineView
from engine.balances import AccessType, BalanceKind
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    Contribution,
    ConversionExplanation,
    OverrideEffect,
    OverrideLost,
    PayingBalance,
    Proration,
    PurchaseExplanation,
    SubscriptionExplanation,
    TrueUpExplanation,
)
from engine.invoice import InvoiceTerms, ProductTerms, UsageInput, compose_usage_invoice
from engine.money import divide, fiat
from engine.overrides import LossReason, OverrideType, RateTarget
from engine.prices import Flat, Percentage, Subscription, Tier, Tiered
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow
from presentation.explanation import label_alone, line_label, price_text, quantity_text, tier_label, why
from presentation.groups import GroupNames
from tests.presentation.lines import NOVEMBER, SINCE, USD, line, pricing, usage

D = Decimal
COMMIT = RateTarget.COMMIT_RATE
TIMES = "\N{MULTIPLICATION SIGN}"


def lines(price: Flat | Tiered, quantity: int, **product: object) -> list[LineView]:
    rate = RateVersion("rate", datetime(2026, 10, 1, tzinfo=UTC), None, True, price, "usd", "rate card Scale")
    terms = ProductTerms(
        product_id=str(uuid4()),
        name="Tokens",
        metric_id="metric",
        metric_name="Tokens used",
        schedules={(): RateSchedule((rate,))},
        **product,  # type: ignore[arg-type]
    )
    usage = UsageInput(terms.product_id, (UsageRow(NOVEMBER, (), D(quantity), 48120),))
    made = compose_usage_invoice(InvoiceTerms("contract", NOVEMBER, fiat("USD"), "usd", (terms,)), [usage])
    return [line(one.name, one.explanation) for one in made.lines]


def test_a_flat_line_names_usage_price_and_sum() -> None:
    [found] = lines(Flat(D("0.0015")), 37_493_333)
    told = why(found, USD)
    assert [(fact.term, fact.text) for fact in told.facts] == [
        ("Usage", "Tokens used: 37,493,333 from 48,120 events, 1\N{EN DASH}30 Nov 2026"),
        ("Price", "0.000015 USD each, by rate card Scale, in force since 1 Oct 2026"),
        ("Override", "none applies: this is the rate card's own price"),
    ]
    assert told.sum == "37,493,333 \N{MULTIPLICATION SIGN} 0.000015 USD = 562.399995 USD"
    assert told.rounded == "562.40 USD"
    assert told.tiers == ()


def test_tiers_show_where_this_usage_fell() -> None:
    tiered = Tiered((Tier(D(10_000_000), D("0.0020")), Tier(None, D("0.0015"))))
    first, second = lines(tiered, 37_493_333)
    assert (tier_label(first), tier_label(second)) == ("first 10,000,000", "above 10,000,000")
    told = why(second, USD)
    assert [(row.units, row.price, row.quantity, row.amount, row.is_this) for row in told.tiers] == [
        ("first 10,000,000", "0.00002 USD", "10,000,000", "200.00", False),
        ("above 10,000,000", "0.000015 USD", "27,493,333", "412.40", True),
    ]
    assert told.sum == "27,493,333 \N{MULTIPLICATION SIGN} 0.000015 USD = 412.399995 USD"


def test_conversion_and_rounding_are_steps_of_their_own() -> None:
    million = QuantityConversion(D(1_000_000), ConversionOperation.DIVIDE)
    [found] = lines(
        Flat(D(250)),
        37_493_333,
        quantity_conversion=million,
        quantity_rounding=QuantityRounding(RoundingMethod.ROUND_UP, 0),
    )
    facts = {fact.term: fact.text for fact in why(found, USD).facts}
    assert facts["Converted"] == "37,493,333 \N{DIVISION SIGN} 1,000,000"
    assert facts["Rounded"] == "up, to 0 decimals: 38"


def test_group_values_speak_for_themselves_or_bring_their_key() -> None:
    [found] = lines(Flat(D(1)), 5)
    names = GroupNames(keys={"r": "region"}, values={"r": {"eu": "Europe"}})
    for values, label in (
        ({"model": "lumen-large"}, "lumen-large"),
        ({"r": "eu"}, "Europe"),
        ({"r": "us"}, "region us"),
        ({"cached": "true"}, "cached true"),
        ({"api_key": None}, "no api key"),
    ):
        assert line_label(replace(found, presentation_group_values=values), names) == label


def facts_of(told: LineView) -> dict[str, str]:
    found = why(told, USD)
    assert found.events == ""  # there are none behind it
    return {fact.term: fact.text for fact in found.facts} | {"sum": found.sum}


def composite(*parts: Contribution, is_minimum: bool = False) -> LineView:
    spent = D("25296.25")
    priced = pricing(spent, Percentage(D("0.1")), D("0.1"))
    return line("Support", CompositeExplanation(is_minimum, parts, priced))


def seats(quantity: str, price: Decimal, part: Proration | None = None, **facts: Any) -> LineView:
    facts = {"list_price": Subscription(D(2000))} | facts
    priced = pricing(D(quantity), Subscription(D(0)), price, **facts)
    object.__setattr__(priced.rate.price, "price", price)  # a computed price may have more digits than terms
    return line("Seats", SubscriptionExplanation(str(uuid4()), part, priced))


def override(type_: OverrideType, multiplier: str | None = None, **facts: Any) -> OverrideEffect:
    given: dict[str, Any] = {
        "override_id": str(uuid4()), "starting_at": SINCE, "ending_before": None, "priority": None,
        "is_commit_specific": False, "target": RateTarget.LIST_RATE, "tiers": (), "entitled": None,
        "multiplier": None if multiplier is None else D(multiplier), "type": type_,
    }  # fmt: skip
    return OverrideEffect(**(given | facts))


HALF = override(OverrideType.MULTIPLIER, "0.5")
GIFT = PayingBalance("b", "s", BalanceKind.CREDIT, "Gift", AccessType.SPEND, RateTarget.LIST_RATE)


def test_a_share_of_spend_is_a_percentage_of_money() -> None:
    share = composite(
        Contribution("Tokens", D("15036.25")), Contribution("Images", D(9760)), Contribution(None, D(500))
    )
    assert (quantity_text(share, USD), price_text(share, USD)) == ("252.96 USD", "10 %")
    told = facts_of(share)
    assert told["Spend"] == (
        "Images 97.60 USD + Tokens 150.3625 USD + other contracts 5.00 USD, the lines of these products on this "
        "invoice, 1\N{EN DASH}30 Nov 2026"
    )
    assert told["sum"] == f"252.9625 USD {TIMES} 10 % = 25.29625 USD"
    assert "Spend" not in facts_of(composite(is_minimum=True))
    assert facts_of(composite(is_minimum=True))["Minimum"].startswith("what the lines of these products")


def test_a_conversion_names_its_unit_and_what_it_is_made_up_of() -> None:
    priced = pricing(D(1525), Flat(D(4)), D(4))
    told = facts_of(line("Conversion of Compute", ConversionExplanation("unit", "Compute", priced)))
    assert told["Units"].startswith("1,525 Compute left to pay")
    assert told["Price"] == "0.04 USD for each of Compute, as the rate card converts them"
    assert told["Made up of"] == "all lines of this invoice in Compute, less what balances in Compute pay"
    assert "Override" not in told


def test_a_part_of_a_period_is_worked_out_from_the_whole_price() -> None:
    """645.161290… of 2000 x 0.5 for 20 of 31 days; where the price was rounded there is nothing to work out."""
    part = Proration(20 * 24, 31 * 24)
    told = facts_of(seats("1", divide(D(20000), D(31)), part, winner=HALF))
    assert told["List price"].startswith("20.00 USD each, by rate card Scale")
    assert told["Override"] == "multiplies the price by 0.5: 10.00 USD each"
    assert told["sum"].startswith(
        f"1 {TIMES} 10.00 USD {TIMES} 20 \N{DIVISION SIGN} 31 days = 6.4516129032\N{HORIZONTAL ELLIPSIS}"
    )
    assert facts_of(seats("1", D(645), part, winner=HALF))["sum"] == f"1 {TIMES} 6.45 USD = 6.45 USD"
    whole = facts_of(seats("1", D(500), Proration(10 * 24, 20 * 24), winner=HALF))
    assert whole["sum"].startswith(f"1 {TIMES} 10.00 USD {TIMES} 10 ")
    hours = facts_of(seats("1", D(500), Proration(10, 20), winner=HALF))
    assert hours["sum"].startswith(f"1 {TIMES} 10.00 USD {TIMES} 10 \N{DIVISION SIGN} 20 hours = ")
    assert hours["Subscription"].endswith(", 10 of 20 hours of the period")


@pytest.mark.parametrize(
    ("reason", "facts", "said"),
    [
        (LossReason.ONLY_ENTITLES, {}, "it sets only the entitlement"),
        (LossReason.NO_BALANCE_PAYS, {}, "it applies only while a balance pays"),
        (LossReason.OTHER_TARGET, {}, "it is for commit rates, and the list rate holds here"),
        (LossReason.OTHER_TARGET, {"base": COMMIT}, "it is for list rates, and the commit rate holds here"),
        (LossReason.ANOTHER_IS_COMMIT_SPECIFIC, {}, "one for the balance that pays comes first"),
        (LossReason.ANOTHER_OVERWRITES, {}, "the overwrite comes before multipliers"),
        (LossReason.ANOTHER_HAS_PRIORITY, {}, "another has priority none"),
        (LossReason.ANOTHER_IS_GREATER, {}, "another is the greater discount"),
        (LossReason.ANOTHER_IS_LATER, {}, "another was added later"),
    ],
)  # fmt: skip
def test_people_are_told_why_an_override_lost_and_no_ids(reason: LossReason, facts: dict[str, Any], said: str) -> None:
    lost = OverrideLost(override(OverrideType.MULTIPLIER, "0.8"), reason, "")
    told = facts_of(seats("1", D(21), winner=override(OverrideType.OVERWRITE), lost=(lost,), **facts))
    assert told["Override"] == "overwrites the price: 0.21 USD each"
    assert told["Not applied"] == f"multiplies the price by 0.8: {said}"


def test_a_part_that_a_balance_pays_is_told() -> None:
    paid = line("Tokens", usage("10", "21", part=D(4), balance=GIFT))
    assert facts_of(paid)["This part"] == "4 of 10: what Gift pays"
    rest = line("Tokens", usage("10", "21", part=D(6)))
    assert facts_of(rest)["This part"] == "6 of 10: what no balance pays"
    assert "This part" not in facts_of(line("Tokens", usage("10", "21")))


def test_what_a_balance_pays_and_what_it_costs() -> None:
    applied = line("Tokens", AppliedExplanation(GIFT, D(400), D(150), D(150)), total=D(-150))
    told = facts_of(applied)
    assert (told["Paid by"], told["It held"], told["It holds"]) == ("Gift", "4.00", "2.50")
    assert told["sum"] == "\N{MINUS SIGN}1.50 USD"
    assert line_label(applied, GroupNames()) == "paid by Gift"
    units = replace(GIFT, name="", access_type=AccessType.QUANTITY)
    told = facts_of(line("Tokens", AppliedExplanation(units, D(400), D(150), D(300))))
    assert (told["Paid by"], told["It held"], told["It holds"]) == ("a credit", "400 units", "250 units")
    bought = PurchaseExplanation("b", BalanceKind.PREPAID, "Start", SINCE, D(2), D(250), D(500))
    purchase = line("Commit", bought, quantity=D(2), unit_price=D(250), total=D(500))
    assert facts_of(purchase) == {"Price": "2.50 USD each, as agreed", "sum": "5.00 USD"}
    true_up = line("Commit", TrueUpExplanation("b", BalanceKind.POSTPAID, "", SINCE, D(900), D(500)), total=D(500))
    assert facts_of(true_up) == {"True-up": "what was committed and not used", "sum": "5.00 USD"}
    assert (label_alone(purchase), label_alone(true_up)) == ("Purchase", "True-up")
