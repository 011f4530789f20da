"""Prices in words, and how one differs from another."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from billing.types import CurrencyView
from engine.prices import Custom, Flat, Package, Percentage, Price, Tier, Tiered, TieredPercentage, Volume
from presentation.charts.time_bars import TimeAxis
from presentation.prices import percentage, price_change, price_label, price_rows, tier_name, tier_units

D = Decimal
USD = CurrencyView(uuid4(), "USD (cents)", "USD", 0, 2)
MINUS = "\N{MINUS SIGN}"
TIERS = (Tier(D(1000), D(20)), Tier(None, D(15)))


@pytest.mark.parametrize(
    ("price", "label", "rows"),
    [
        (Flat(D("0.25")), "0.0025", [("", "0.0025")]),
        (Percentage(D("0.075")), "7.5 %", [("", "7.5 %")]),
        (Package(D(100), D(500)), "5.00 per 100", [("per 100, each started", "5.00")]),
        (Tiered(TIERS), "2 tiers", [("first 1,000", "0.20"), ("above 1,000", "0.15")]),
        (Volume(TIERS), "2 tiers", [("all, up to 1,000", "0.20"), ("all, if more", "0.15")]),
        (TieredPercentage((Tier(None, D("0.1")),)), "1 tiers", [("all", "10 %")]),
        (Custom(D(0)), "custom", [("a program's:", "{&quot;p&quot;: 1}")]),
    ],
)
def test_every_kind_of_price(price: Price, label: str, rows: list[tuple[str, str]]) -> None:
    assert price_label(price, USD) == label
    shown = price_rows(price, USD, program='{"p": 1}')
    assert [units for units, _ in shown] == [units for units, _ in rows]
    assert all(cost in html for (_, html), (_, cost) in zip(shown, rows, strict=True))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (Flat(D(100)), Flat(D(100)), ""),
        (Flat(D(0)), Flat(D(0)), ""),
        (Flat(D(100)), Flat(D("112.5")), "+12.5 %"),
        (Flat(D(100)), Flat(D("99.99")), f"{MINUS}<0.1 %"),
        (Flat(D(0)), Flat(D(5)), "no longer free"),
        (Flat(D(5)), Percentage(D(1)), "other kind of price"),
        (Package(D(10), D(5)), Package(D(20), D(5)), "other blocks"),
        (Tiered(TIERS), Tiered(TIERS[1:]), "other tiers"),
        (Tiered(TIERS), Tiered((Tier(D(1000), D(18)), Tier(None, D("15.75")))), f"{MINUS}10 % to +5 %"),
        (Volume((Tier(D(1), D(0)), Tier(None, D(4)))), Volume((Tier(D(1), D(1)), Tier(None, D(5)))),
         "no longer free / +25 %"),
    ],
)  # fmt: skip
def test_how_prices_differ(before: Price, after: Price, said: str) -> None:
    assert price_change(before, after) == said


def test_tiers_are_named_by_what_they_take() -> None:
    assert [tier_units(D(0), D(5)), tier_units(D(5), D(10)), tier_units(D(15), None), tier_units(D(0), None)] == [
        "first 5", "next 10", "above 15", "all",
    ]  # fmt: skip
    assert tier_name(0, D(0), D(10000)) == "Tier 1: first 10,000"
    assert tier_name(1, D(10000), D(40000)) == "Tier 2: over 10,000 to 50,000"
    assert tier_name(2, D(50000), None) == "Tier 3: over 50,000"
    assert tier_name(0, D(0), None) == "Tier 1: all units"
    assert percentage(D("0.123456789012345")) == "12.3456789012345 %"


def test_bars_stand_where_their_time_is() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    axis = TimeAxis([at - timedelta(days=100), at + timedelta(days=100)], at)
    past = axis.bar(at - timedelta(days=100), at, "0.25")
    now = axis.bar(at, None, "0.30")
    assert past is not None
    assert now is not None
    assert (past.x, past.kind, now.kind) == ("0.000%", "past", "now")
    assert past.title == "0.25, 21 Nov 2025 until 1 Mar 2026"
    assert now.title == "0.30, from 1 Mar 2026"
    assert now.x == past.width == axis.now_x
    assert axis.bar(at - timedelta(days=500), at - timedelta(days=400), "0.20") is None
    assert axis.bar(at, at + timedelta(days=1), "12,345.00").label == ""  # type: ignore[union-attr]
    labels = [label for _, label in axis.ticks()]
    assert labels == ["Jan 2026", "Mar", "May"]
