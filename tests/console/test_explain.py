"""The words of explanations that the engine itself made."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from console.explain import line_label, tier_label, why
from console.options import GroupNames
from engine.calendar import Period
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.explain import explanation_json
from engine.invoice import InvoiceTerms, ProductTerms, UsageInput, compose_usage_invoice
from engine.money import fiat
from engine.prices import Flat, Tier, Tiered
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow
from invoices.types import CurrencyView, LineView

D = Decimal
USD = CurrencyView(uuid4(), "USD (cents)", "USD", 0, 2)
NOVEMBER = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


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
    return [
        LineView(
            id=uuid4(), type=line.type, product_id=uuid4(), name=line.name, quantity=line.quantity,
            unit_price=line.unit_price,
            total=line.total, starting_at=line.starting_at, ending_before=line.ending_before, pricing_group_values={},
            presentation_group_values={},
            tier=line.tier and {"level": line.tier.level, "starting_at": str(line.tier.starting_at),
                                "size": None if line.tier.size is None else str(line.tier.size)},
            explanation=explanation_json(line.explanation),
        )
        for line in made.lines
    ]  # fmt: skip


def test_a_flat_line_names_usage_price_and_sum() -> None:
    [line] = lines(Flat(D("0.0015")), 37_493_333)
    told = why(line, USD)
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
    [line] = lines(
        Flat(D(250)),
        37_493_333,
        quantity_conversion=million,
        quantity_rounding=QuantityRounding(RoundingMethod.ROUND_UP, 0),
    )
    facts = {fact.term: fact.text for fact in why(line, USD).facts}
    assert facts["Converted"] == "37,493,333 \N{DIVISION SIGN} 1,000,000"
    assert facts["Rounded"] == "up, to 0 decimals: 38"


def test_group_values_speak_for_themselves_or_bring_their_key() -> None:
    [line] = lines(Flat(D(1)), 5)
    names = GroupNames(keys={"r": "region"}, values={"r": {"eu": "Europe"}})
    for values, label in (
        ({"model": "lumen-large"}, "lumen-large"),
        ({"r": "eu"}, "Europe"),
        ({"r": "us"}, "region us"),
        ({"cached": "true"}, "cached true"),
        ({"api_key": None}, "no api key"),
    ):
        grouped = LineView(
            **{name: getattr(line, name) for name in LineView.__dataclass_fields__}
            | {"presentation_group_values": values}
        )
        assert line_label(grouped, names) == label
