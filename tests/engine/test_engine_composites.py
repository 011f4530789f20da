"""Pricing units and composite products, and the kinds of price that are only terms."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.composites import spend_of
from engine.errors import InvalidTerms
from engine.explanation import CompositeExplanation, Contribution, ConversionExplanation
from engine.invoice import InvoiceTerms, UsageInput, breakdown, compose_usage_invoice, usage_windows
from engine.money import ONE, ZERO, plain, total
from engine.prices import Custom, Package, Percentage, Price, Tier, TieredPercentage, Volume, kind, price_from
from engine.rating import RateSchedule, RateVersion
from engine.terms import CompositeScope, CompositeTerms, Spend
from engine.usage import UsageRow
from tests.engine.strategies import JANUARY, UNIT, cuts, quick
from tests.engine.tables import numbers, table
from tests.engine.worlds import BEFORE, balances, override, product, segment, shape, terms_of

Row = dict[str, str]
CREDITS = "credits"


def each(page: str, name: str) -> Callable[[Any], Any]:
    rows = table(page, name)
    return pytest.mark.parametrize("row", rows, ids=[" | ".join(row.values())[:80] for row in rows])


def in_credits(paying: str, dollars: str = "") -> InvoiceTerms:
    plain_product = product("1")
    version = replace(plain_product.schedules[()].versions[0], credit_type_id=CREDITS)
    held = [segment(f"c{n}", amount, unit=CREDITS, priority=Decimal(n)) for n, amount in enumerate(paying.split())]
    held += [segment(f"d{n}", amount) for n, amount in enumerate(dollars.split())]
    priced = replace(plain_product, schedules={(): RateSchedule((version,))})
    return terms_of(priced, conversions={CREDITS: Decimal(8)}, balances=tuple(held))


def use(terms: InvoiceTerms, *quantities: Decimal) -> list[UsageInput]:
    return [
        UsageInput(entry.product_id, (UsageRow(JANUARY, (), quantity, 1),))
        for entry, quantity in zip(terms.products, quantities, strict=True)
    ]


@each("composites", "conversion")
def test_conversion(row: Row) -> None:
    terms = in_credits(row["balances in credits"], row["balances in USD"])
    made = compose_usage_invoice(terms, use(terms, Decimal(row["used"])))
    converted = [line for line in made.lines if line.type == "cpu_conversion"]
    assert plain(total(line.total for line in converted)) == row["converted"]
    assert {(line.unit_price, line.credit_type_id) for line in converted} == {(8, UNIT)}
    assert plain(made.total) == row["due"]
    drawn = total(d.amount for d in made.drawdowns if d.balance_id.startswith("c"))
    held = total(balance.available for balance in terms.balances if balance.unit == CREDITS)
    assert plain(held - drawn) == (row["credits left"] or "0")
    assert all(not line.counted for line in made.lines if line.credit_type_id == CREDITS)
    assert isinstance(converted[0].explanation, ConversionExplanation)
    assert converted[0].explanation.unit_id == CREDITS


def percentage(text: str) -> Price:
    rates, _, minimum = text.partition(" min ")
    least = Decimal(minimum) if minimum else None
    parts = [part.split("@") for part in rates.split()]
    tiers = [Tier(Decimal(size[0]) if size else None, Decimal(each[:-1]).scaleb(-2)) for *size, each in parts]
    return Percentage(tiers[0].price, least) if len(tiers) == 1 else TieredPercentage(tuple(tiers), least)


def composite(price: Price, **facts: Any) -> CompositeTerms:
    schedule = RateSchedule((RateVersion("f", BEFORE, None, True, price, UNIT),))
    return CompositeTerms("fee", "Platform fee", schedule, **({"product_ids": frozenset({"p", "q"})} | facts))


def two(*composites: CompositeTerms, **facts: Any) -> InvoiceTerms:
    return terms_of(
        product("1"),
        replace(product("1"), product_id="q", name="Q", tags=frozenset({"gpu"})),
        composites=composites,
        **facts,
    )


@each("composites", "composites")
def test_composite(row: Row) -> None:
    fee = composite(
        percentage(row["percentage"]), scope=CompositeScope(row["scope"]), exclude_free_usage=row["free"] == "free"
    )
    other_contract_spend = tuple(Spend("p", frozenset(), JANUARY, amount, UNIT) for amount in numbers(row["elsewhere"]))
    terms = two(fee, other_contract_spend=other_contract_spend)
    made = compose_usage_invoice(terms, use(terms, *numbers(row["spend"])))
    lines = [line for line in made.lines if line.product_id == "fee"]
    assert shape(replace(made, lines=tuple(lines))) == row["lines"]
    assert plain(total(line.total for line in lines)) == row["total"]
    assert all(line.product_type == "CompositeProductListItem" for line in lines)


def test_composites_count_tags_units_and_on_request_composites() -> None:
    tenth = Percentage(Decimal("0.1"))
    by_tag = composite(tenth, product_ids=frozenset(), product_tags=frozenset({"gpu"}))
    of_fee = replace(
        composite(tenth, product_ids=frozenset({"fee"}), include_composites=True), product_id="x", name="Extra"
    )
    terms = two(by_tag, of_fee)
    made = compose_usage_invoice(terms, use(terms, Decimal(500), Decimal(1000)))
    assert [(line.product_id, line.total) for line in made.lines][2:] == [("fee", 100), ("x", 10)]
    [fee] = [line for line in made.lines if line.product_id == "fee"]
    assert isinstance(fee.explanation, CompositeExplanation)
    assert fee.explanation.contributions == (Contribution("Q", Decimal(1000)),)
    spent = spend_of(made.lines, terms)
    assert {entry.product_id: entry.amount for entry in spent} == {"p": 500, "q": 1000}
    units = in_credits("")
    units = replace(units, composites=(composite(tenth, product_ids=frozenset({"p"})),))
    made = compose_usage_invoice(units, use(units, Decimal(100)))
    assert [(line.type, line.credit_type_id, line.total) for line in made.lines] == [
        ("usage", CREDITS, 100),
        ("usage", CREDITS, 10),
        ("cpu_conversion", UNIT, 880),
    ]


def test_composites_have_overrides_and_are_paid() -> None:
    half = override("x0.5", 1, product_id="fee")
    terms = two(composite(Percentage(Decimal("0.2"))), overrides=(half,), balances=balances("list 1050"))
    made = compose_usage_invoice(terms, use(terms, Decimal(600), Decimal(400)))
    fee = [line for line in made.lines if line.product_id == "fee"]
    assert [line.total for line in fee] == [50, -50, 50]
    assert made.total == 50


@quick
@given(
    st.decimals(0, 999, places=2),
    st.decimals(-50, 999, places=2),
    cuts,
    st.sampled_from(["20%", "300@10% 5% min 60"]),
)
def test_composites_sum_over_any_cuts(first: Decimal, second: Decimal, chosen: list[Any], rate: str) -> None:
    terms = two(composite(percentage(rate)), balances=balances("list 300"))
    windows = usage_windows(terms, chosen)
    placed = [("p", windows[0], first), ("q", windows[-1], second)]
    rows = [UsageInput(name, (UsageRow(window, (), quantity, 1),)) for name, window, quantity in placed]
    whole = compose_usage_invoice(terms, rows)
    days = breakdown(terms, rows, windows)
    assert total(day.total for day in days) == whole.subtotal
    parts = compose_usage_invoice(terms, rows, chosen)
    assert parts.subtotal == whole.subtotal
    assert parts.drawdowns == whole.drawdowns


def test_prices_from_the_api() -> None:
    tiers = (Tier(Decimal(5), ZERO), Tier(None, ONE))
    for rate_type, parts, made in [
        ("VOLUME", {"tiers": tiers}, Volume(tiers)),
        ("PACKAGE", {"price": ONE, "size": Decimal(10)}, Package(Decimal(10), ONE)),
        ("PERCENTAGE", {"price": ONE, "minimum": ONE}, Percentage(ONE, ONE)),
        ("TIERED_PERCENTAGE", {"tiers": tiers}, TieredPercentage(tiers)),
        ("CUSTOM", {}, Custom(ZERO)),
    ]:
        found = price_from(rate_type, **parts)
        assert (found, kind(found)) == (made, rate_type)
    for rate_type, parts, field in [
        ("BARTER", {}, "rate_type"),
        ("CUSTOM", {"price": ONE}, "price"),
        ("FLAT", {}, "price"),
        ("FLAT", {"price": Decimal(-1)}, "price"),
        ("FLAT", {"price": ONE, "tiers": tiers}, "tiers"),
        ("TIERED", {"price": ONE, "tiers": tiers}, "price"),
        ("TIERED", {}, "tiers"),
        ("FLAT", {"price": ONE, "minimum": ONE}, "minimum_config.minimum"),
        ("PERCENTAGE", {"price": ONE, "minimum": Decimal("NaN")}, "minimum_config.minimum"),
        ("PACKAGE", {"price": ONE}, "size"),
        ("PACKAGE", {"price": ONE, "size": Decimal(-1)}, "size"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            price_from(rate_type, **parts)
        assert caught.value.field == field


def test_constructors_refuse() -> None:
    fee = composite(Percentage(ONE))
    flat = product("1").schedules[()]
    for make, field in [
        (lambda: replace(fee, product_ids=frozenset()), "composite_product_ids"),
        (lambda: replace(fee, schedule=flat), "rate_type"),
        (lambda: two(fee, fee), "product_id"),
        (lambda: terms_of(conversions={UNIT: ONE}), "credit_type_conversions"),
        (lambda: terms_of(conversions={"x": Decimal(-1)}), "fiat_per_custom_credit"),
        (lambda: replace(in_credits(""), conversions={}), "credit_type_id"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
