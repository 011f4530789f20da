"""A name keeps its colour from one period to the next, whoever else was used in it."""

from hypothesis import given
from hypothesis import strategies as st

from presentation.charts.stacked_bars import MAX_SERIES, colours

plans = st.lists(st.text(max_size=6), min_size=1, max_size=MAX_SERIES, unique=True)


@given(plans, st.data())
def test_each_of_a_plan_keeps_its_colour_in_every_range(plan: list[str], data: st.DataObject) -> None:
    whole = dict(zip(plan, colours(plan, plan), strict=True))
    assert sorted(set(whole.values())) == sorted(whole.values())
    seen = data.draw(st.lists(st.sampled_from(plan), min_size=1, unique=True))
    assert dict(zip(seen, colours(seen, plan), strict=True)).items() <= whole.items()


@given(plans, st.lists(st.text(max_size=6), max_size=20))
def test_no_two_in_one_chart_share_a_colour(labels: list[str], among: list[str]) -> None:
    found = colours(labels, among)
    assert len(set(found)) == len(labels)
    assert set(found) <= set(range(1, MAX_SERIES + 1))


def test_what_is_no_part_of_the_plan_takes_nobodys_colour() -> None:
    plan = ["Input", "Output", "Images", "Storage"]
    before = dict(zip(plan, colours(plan, plan), strict=True))
    for more in ("A", "Platform fee", "Zz", "Set-up"):
        after = dict(zip([more, *plan], colours([more, *plan], plan), strict=True))
        assert before.items() <= after.items()
