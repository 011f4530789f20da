"""The words of explanations that the engine itself made."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from console.explain import line_label, price_text, quantity_text, tier_label, why
from engine.calendar import Period
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.explain import explanation_json
from engine.invoice import InvoiceTerms, ProductTerms, UsageInput, compose_usage_invoice
from engine.money import divide, fiat
from engine.prices import Flat, Tier, Tiered
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow
from invoices.types import CurrencyView, LineView
from presentation.groups import GroupNames

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


def told_line(kind: str, name: str, quantity: str, price: str, total: str, **source: object) -> LineView:
    """A line with an explanation as the engine writes it; `rate` and `list_price` are added to `source`."""
    percent = kind == "composite"
    rate = {"type": "PERCENTAGE" if percent else "FLAT", "price": price, "tiers": None}
    since = {"source": "rate card Scale", "starting_at": "2026-10-01T00:00:00Z", "ending_before": None}
    explanation = {
        "kind": kind, "metric": {"id": "", "name": name}, "event_count": 0, "metric_quantity": quantity,
        "conversion": None, "rounding": None, "quantity": quantity, "rate": rate | since | {"base": "LIST_RATE"},
        "list_price": rate, "tier": None, "override": None, "overrides": {"winner": None, "lost": []},
    } | source  # fmt: skip
    return LineView(
        id=uuid4(), type="usage", product_id=uuid4(), name=name, quantity=D(quantity), unit_price=D(price),
        total=D(total), starting_at=NOVEMBER.start, ending_before=NOVEMBER.end, pricing_group_values={},
        presentation_group_values={}, tier=None, explanation=explanation,
    )  # fmt: skip


def facts_of(line: LineView) -> dict[str, str]:
    told = why(line, USD)
    assert told.events == ""  # there are none behind it
    return {fact.term: fact.text for fact in told.facts} | {"sum": told.sum}


def test_a_share_of_spend_is_a_percentage_of_money() -> None:
    parts = [{"name": "Images", "total": "9760"}, {"name": "Tokens", "total": "15536.25"}]
    line = told_line("composite", "Support", "25296.25", "0.1", "2529.625", contributions=parts)
    assert (quantity_text(line, USD), price_text(line, USD)) == ("252.96 USD", "10 %")
    told = facts_of(line)
    assert told["Spend"].startswith("Images 97.60 USD + Tokens 155.3625 USD, the lines of these products on this")
    assert told["sum"] == "252.9625 USD \N{MULTIPLICATION SIGN} 10 % = 25.29625 USD"


def test_a_conversion_names_its_unit_and_what_it_is_made_up_of() -> None:
    told = facts_of(told_line("conversion", "Conversion of Compute", "1525", "4", "6100"))
    assert told["Units"].startswith("1,525 Compute left to pay")
    assert told["Price"] == "0.04 USD for each of Compute, as the rate card converts them"
    assert told["Made up of"] == "all lines of this invoice in Compute, less what balances in Compute pay"
    assert "Override" not in told


def test_a_part_of_a_period_is_worked_out_from_the_whole_price() -> None:
    """645.161290… of 2000 x 0.5 for 20 of 31 days; where the price was rounded there is nothing to work out."""
    price = str(divide(D(20000), D(31)))
    words = "override 5b3c7d42-3f62-484b-af10-dc7fee581a0b multiplies the price by 0.5"
    more = {"proration": {"days": 20, "of": 31}, "override": words}
    listed = {"type": "FLAT", "price": "2000", "tiers": None}
    told = facts_of(told_line("subscription", "Seats", "1", price, price, list_price=listed, **more))
    assert told["List price"].startswith("20.00 USD each, by rate card Scale")
    assert told["Override"] == "multiplies the price by 0.5: 10.00 USD each"
    times = "\N{MULTIPLICATION SIGN}"
    assert told["sum"].startswith(
        f"1 {times} 10.00 USD {times} 20 \N{DIVISION SIGN} 31 days = 6.4516129032\N{HORIZONTAL ELLIPSIS}"
    )
    rounded = facts_of(told_line("subscription", "Seats", "1", "645", "645", list_price=listed, **more))
    assert rounded["sum"] == f"1 {times} 6.45 USD = 6.45 USD"
    whole = {"proration": {"days": 10, "of": 20}, "list_price": listed, "override": words}
    assert facts_of(told_line("subscription", "Seats", "1", "500", "500", **whole))["sum"].startswith(
        f"1 {times} 10.00 USD {times} 10 "
    )


def test_ids_are_not_told() -> None:
    winner, loser = uuid4(), uuid4()
    lost = {"words": f"override {loser} multiplies the price by 0.8", "reason": f"overwrite {winner} comes before that"}
    line = told_line(
        "subscription", "Seats", "1", "21", "21", override=f"override {winner} overwrites the price",
        overrides={"winner": {}, "lost": [lost]}, list_price={"type": "FLAT", "price": "30", "tiers": None},
    )  # fmt: skip
    told = facts_of(line)
    assert told["Override"] == "overwrites the price: 0.21 USD each"
    assert told["Not applied"] == "multiplies the price by 0.8: the overwrite comes before that"


def test_a_part_that_a_balance_pays_is_told() -> None:
    paid = told_line("usage", "Tokens", "10", "21", "84", balance={"name": "Gift", "type": "CREDIT"})
    line = replace(paid, quantity=D(4), commit_id=uuid4())
    assert facts_of(line)["This part"] == "4 of 10: what Gift pays"
    rest = replace(paid, quantity=D(6))
    assert facts_of(rest)["This part"] == "6 of 10: what no balance pays"
    assert "This part" not in facts_of(paid)
