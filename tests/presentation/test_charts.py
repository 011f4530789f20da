import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presentation.charts.scale import nice_ticks
from presentation.charts.stacked_bars import OTHER, Point, stacked_bars
from presentation.formatting import quantity

D = Decimal
amounts = st.decimals(min_value=D("-100000"), max_value=D(10**9), places=6, allow_nan=False, allow_infinity=False)


def bars(path: str) -> list[tuple[D, D, D, D]]:
    """(x, y, width, height) of each bar of a path."""
    found = re.findall(r"M([\d.-]+) ([\d.-]+)h([\d.]+)v([\d.]+)h-[\d.]+z", path)
    return [tuple(D(part) for part in bar) for bar in found]


def chart(points: list[Point]):
    return stacked_bars(points, title="Spend", unit="USD", show=quantity)


def test_heights_are_in_proportion_and_stand_on_each_other() -> None:
    drawn = chart([Point("1 Nov", "1", {"a": D(60), "b": D(30)}), Point("2 Nov", "2", {"a": D(10)})])
    (_, a), (_, b) = drawn.wide.paths
    first, second = bars(a)
    [upper] = bars(b)
    assert abs(first[3] - 6 * second[3]) < 1
    assert abs(first[3] - 2 * upper[3]) < 1
    assert abs(upper[1] + upper[3] - first[1]) < D("0.2")
    assert abs(first[1] + first[3] - D(drawn.wide.baseline)) < D("0.2")


def test_legend_table_and_total_say_the_same() -> None:
    drawn = chart([Point("1 Nov", "1", {"a": D("0.1"), "b": D(5)}), Point("2 Nov", "2", {"b": D("0.2")})])
    assert [(s.label, s.figure) for s in drawn.series] == [("b", "5.2"), ("a", "0.1")]
    assert [row.values for row in drawn.rows] == [("5", "0.1"), ("0.2", "")]
    assert [row.total for row in drawn.rows] == ["5.1", "0.2"]
    assert drawn.total == "5.3"


def test_negative_values_hang_below_the_line() -> None:
    drawn = chart([Point("1 Nov", "1", {"a": D(10)}), Point("2 Nov", "2", {"a": D(-5)})])
    up, down = bars(drawn.wide.paths[0][1])
    assert up[1] < D(drawn.wide.baseline)
    assert abs(down[1] - D(drawn.wide.baseline)) < D("0.2")


def test_beyond_eight_series_the_least_are_other_and_nothing_is_lost() -> None:
    drawn = chart([Point("1 Nov", "1", {f"s{n:02}": D(n) for n in range(1, 13)})])
    assert len(drawn.series) == 8
    assert drawn.series[-1].label == OTHER
    assert drawn.series[-1].figure == "15"  # 1 + 2 + 3 + 4 + 5
    assert drawn.total == "78"


def test_the_description_states_the_conclusion() -> None:
    drawn = chart([Point("1 Nov", "1", {"a": D(1)}), Point("2 Nov", "2", {"a": D(2), "b": D(1)})])
    assert drawn.description == (
        "4 USD from 1 Nov to 2 Nov; most on 2 Nov: 3. The largest part is a with 3, 75\N{NO-BREAK SPACE}%."
    )
    assert chart([Point("1 Nov", "1", {})]).description == "Nothing from 1 Nov to 1 Nov."


def test_labels_thin_out_instead_of_overlapping() -> None:
    drawn = chart([Point(f"{n}", f"{n}", {"a": D(1)}) for n in range(92)])
    assert len(drawn.wide.marks) <= 9
    assert len(drawn.narrow.marks) <= 5
    assert drawn.narrow.dense


@given(amounts, amounts)
def test_ticks_enclose_the_values(one: Decimal, other: Decimal) -> None:
    low, high = min(one, other, D(0)), max(one, other, D(0))
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 7
    assert 0 in ticks


@given(st.lists(st.dictionaries(st.sampled_from("abc"), amounts, max_size=3), min_size=1, max_size=40))
def test_bars_stay_inside_the_drawing(columns: list[dict[str, Decimal]]) -> None:
    drawn = chart([Point(str(n), str(n), column) for n, column in enumerate(columns)])
    for drawing in (drawn.wide, drawn.narrow):
        for _, path in drawing.paths:
            for x, y, width, height in bars(path):
                assert D(drawing.left) - 1 <= x
                assert x + width <= D(drawing.right) + 1
                assert D(drawing.top) - 1 <= y
                assert y + height <= D(drawing.bottom) + 1


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("7.5", "7.5"), ("9000", "9,000"), ("20000", "20k"), ("2500000", "2.5M"), ("-5", "\N{MINUS SIGN}5")],
)
def test_axis_labels_are_short(value: str, text: str) -> None:
    from presentation.formatting import compact

    assert compact(D(value)) == text
