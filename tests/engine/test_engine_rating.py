"""Prices and rating: tier edges, path independence, splits, validators."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Period, split
from engine.errors import InvalidTerms
from engine.invoice import (
    ComposedInvoice,
    InvoiceTerms,
    ProductTerms,
    UsageInput,
    compose_usage_invoice,
)
from engine.money import ZERO, add, fiat, mul, subtract, total
from engine.prices import Flat, Price, Tier, Tiered, walk
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow
from tests.engine.strategies import JANUARY, START, UNIT, amounts, prices, quick, schedules, tiered, window_lists


def cost(price: Price, quantity: Decimal) -> Decimal:
    """What the first `quantity` units cost, unit by unit of tiers: an independent statement of the rule."""
    if isinstance(price, Flat):
        return mul(quantity, price.price)
    result, left = ZERO, quantity
    for tier in price.tiers:
        taken = left if tier.size is None or left <= tier.size else tier.size
        result = add(result, mul(taken, tier.price))
        left = subtract(left, taken)
        if left <= 0:
            break
    return result


def bill(schedule: RateSchedule, rows: list[UsageRow], cuts: list[datetime] | None = None) -> ComposedInvoice:
    """The invoice of one product at these rates; a group, where rows have one, is a presentation value."""
    keys = ("project",) if rows and rows[0].group else ()
    product = ProductTerms("p", "P", "m", (), keys, {(): schedule})
    terms = InvoiceTerms("c", JANUARY, fiat("USD"), UNIT, (product,))
    return compose_usage_invoice(terms, [UsageInput("p", tuple(rows))], cuts or ())


def used(windows: list[Period], quantities: list[Decimal]) -> list[UsageRow]:
    """Quantities over the windows, zeros where they run out."""
    padded = quantities + [ZERO] * len(windows)
    return [UsageRow(window, (), quantity, 1) for window, quantity in zip(windows, padded, strict=False)]


@quick
@given(prices, amounts, amounts)
def test_steps_sum_to_the_difference_of_costs(price: Price, start: Decimal, end: Decimal) -> None:
    steps = walk(price, start, end)
    assert total(step.total for step in steps) == subtract(cost(price, end), cost(price, start))
    assert total(step.quantity for step in steps) == subtract(end, start)
    assert all(step.total == mul(step.quantity, step.unit_price) for step in steps)
    assert len(steps) == 1 or all(step.quantity for step in steps)


@quick
@given(prices, amounts, amounts)
def test_walking_back_undoes_walking_forth(price: Price, start: Decimal, end: Decimal) -> None:
    forth = [(step.tier, step.quantity, step.total) for step in walk(price, start, end)]
    back = [(step.tier, step.quantity, step.total) for step in walk(price, end, start)]
    if start != end:
        assert back == [(tier, quantity.copy_negate(), amount.copy_negate()) for tier, quantity, amount in forth]


@quick
@given(tiered(), amounts)
def test_tier_edges(price: Tiered, quantity: Decimal) -> None:
    for step in walk(price, ZERO, quantity.copy_abs()):
        assert step.tier is not None
        assert step.tier.size is None or step.quantity <= step.tier.size
        assert quantity.copy_abs() > step.tier.starting_at or not quantity


@quick
@given(prices, st.lists(amounts, max_size=5), window_lists())
def test_one_rate_is_path_independent(price: Price, quantities: list[Decimal], windows: list[Period]) -> None:
    schedule = RateSchedule((RateVersion("r", START, None, True, price, UNIT),))
    chosen = used(windows, quantities)
    expected = cost(price, total(part.quantity for part in chosen))
    assert bill(schedule, chosen).subtotal == expected
    assert bill(schedule, chosen[::-1], [window.start for window in windows]).subtotal == expected


@quick
@given(schedules(), st.lists(amounts, max_size=5), window_lists())
def test_nothing_is_dropped(schedule: RateSchedule, quantities: list[Decimal], windows: list[Period]) -> None:
    cuts = [*(window.start for window in windows), *schedule.cuts(JANUARY)]
    chosen = used(split(JANUARY, cuts), quantities)
    result = bill(schedule, chosen, cuts)
    for part in chosen:
        rate = schedule.at(part.window.start)
        assert (rate is None) == any(missed.window == part.window for missed in result.unrated)
        covered = any(line.starting_at <= part.window.start < line.ending_before for line in result.lines)
        assert covered == (rate is not None and rate.entitled)


def test_presentation_values_have_their_own_tiers() -> None:
    schedule = RateSchedule(
        (RateVersion("r", START, None, True, Tiered((Tier(Decimal(5), ZERO), Tier(None, Decimal(100)))), UNIT),)
    )
    lines = bill(schedule, [UsageRow(JANUARY, (name,), Decimal(6), 6) for name in ("A", "B", None)]).lines
    assert [(dict(line.presentation_group_values)["project"], line.total) for line in lines if line.total] == [
        (None, 100),
        ("A", 100),
        ("B", 100),
    ]


def test_schedule_knows_what_is_in_force() -> None:
    day = timedelta(days=1)
    first = RateVersion("a", START, START + day, True, Flat(ZERO), UNIT)
    second = RateVersion("b", START + 2 * day, None, True, Flat(ZERO), UNIT)
    schedule = RateSchedule((first, second))
    assert [schedule.at(START + n * day / 2) for n in range(-1, 6)] == [None, first, first, None, None, second, second]
    assert schedule.cuts(JANUARY) == (START + day, START + 2 * day)
    assert schedule.cuts(Period(START + day, START + 2 * day)) == ()


def test_constructors_refuse() -> None:
    one = Tier(Decimal(1), ZERO)
    rest = Tier(None, ZERO)

    def version(starts: int, ends: int | None) -> RateVersion:
        until = None if ends is None else START + timedelta(days=ends)
        return RateVersion("r", START + timedelta(days=starts), until, True, Flat(ZERO), UNIT)

    for make, field in [
        (lambda: Flat(Decimal(-1)), "price"),
        (lambda: Flat(Decimal("NaN")), "price"),
        (lambda: Flat(Decimal("sNaN")), "price"),
        (lambda: Flat(Decimal("Infinity")), "price"),
        (lambda: Flat(Decimal("1E-41")), "price"),
        (lambda: Flat(Decimal("1E+40")), "price"),
        (lambda: Flat(1), "price"),
        (lambda: Tier(Decimal(0), ZERO), "tiers.size"),
        (lambda: Tier(Decimal(-1), ZERO), "tiers.size"),
        (lambda: Tier(None, Decimal(-1)), "tiers.price"),
        (lambda: Tiered(()), "tiers"),
        (lambda: Tiered((one,)), "tiers"),
        (lambda: Tiered((rest, rest)), "tiers"),
        (lambda: Tiered((rest, one, rest)), "tiers"),
        (lambda: version(1, 1), "ending_before"),
        (lambda: version(1, 0), "ending_before"),
        (lambda: RateVersion("r", START.replace(tzinfo=None), None, True, Flat(ZERO), UNIT), "starting_at"),
        (lambda: RateSchedule((version(0, 2), version(1, None))), "starting_at"),
        (lambda: RateSchedule((version(0, None), version(1, None))), "starting_at"),
        (lambda: RateSchedule((version(2, 3), version(0, 1))), "starting_at"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field
