"""What looks alike everywhere: colours of names, digits below the coin, units that are sold by the million."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.conversion import ConversionOperation, QuantityConversion
from presentation import markup
from presentation.charts.stacked_bars import MAX_SERIES, colours
from presentation.explanation import scale_text, tier_label
from tests.invoices.test_pdf import FIRST_TIER, USD, line
from tests.presentation.lines import usage

names = st.lists(st.text(max_size=6), min_size=2, max_size=MAX_SERIES, unique=True)


@given(names)
def test_a_colour_belongs_to_its_name_whatever_the_rank(labels: list[str]) -> None:
    found = dict(zip(labels, colours(labels), strict=True))
    assert sorted(set(found.values())) == sorted(found.values())
    assert set(found.values()) <= set(range(1, MAX_SERIES + 1))
    turned = labels[::-1]
    assert dict(zip(turned, colours(turned), strict=True)) == found


def test_a_colour_stays_when_others_come_and_one_alone_has_the_first() -> None:
    few = dict(zip(["simulation", "fraud-review"], colours(["simulation", "fraud-review"]), strict=True))
    more = ["support", "simulation", "fraud-review"]
    assert few.items() <= dict(zip(more, colours(more), strict=True)).items()
    assert colours(["anything"]) == [1]


def test_digits_below_the_coin_are_small_and_all_there_on_hover() -> None:
    assert markup.money(Decimal("516967.8164123456"), USD) == (
        '<span class="bo-money" title="5,169.678164123456">5,169.67<span class="bo-tail">8164…</span>'
        " <small>USD</small></span>"
    )
    assert markup.money(Decimal(516_967), USD) == '<span class="bo-money">5,169.67 <small>USD</small></span>'


def test_a_line_says_what_its_quantity_counts() -> None:
    for factor, word in ((10**6, "million"), (10**3, "thousand"), (3600, "")):
        conversion = QuantityConversion(Decimal(factor), ConversionOperation.DIVIDE)
        made = line("Tokens", "466", "10", explained=usage("466", "10", conversion=conversion, tier=FIRST_TIER))
        assert scale_text(made) == word
        assert tier_label(made) == f"first 1,000 {word}".rstrip()
    assert scale_text(line("Tokens", "466", "10")) == ""
