"""Overrides: the documented order, targets, reasons, and that the order of listing never matters."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidTerms
from engine.explanation import UsageExplanation
from engine.invoice import UsageInput, compose_usage_invoice, usage_windows
from engine.money import mul, plain
from engine.overrides import LossReason, Override, OverrideSpecifier, OverrideType, Prioritization, RateTarget
from engine.prices import Flat, MultiplierTier, Package, Price, Volume, multiplied_in_tiers, walk
from engine.specifiers import Subject
from engine.usage import UsageRow
from tests.engine.strategies import START, amounts, prices, quick
from tests.engine.tables import price, table
from tests.engine.worlds import BEFORE, balances, invoice, override, overrides, pairs_of, product, shape, terms_of

Row = dict[str, str]


def each(page: str, name: str) -> Callable[[Any], Any]:
    rows = table(page, name)
    return pytest.mark.parametrize("row", rows, ids=[" | ".join(row.values())[:80] for row in rows])


@each("overrides", "winners")
def test_winner(row: Row) -> None:
    terms = terms_of(
        product(row["list"], row["commit rate"]),
        overrides=overrides(row["overrides"]),
        prioritization=Prioritization(row["prioritization"]),
        balances=balances(row["balance"]),
    )
    made = invoice(terms, row["quantity"])
    assert shape(made) == row["lines"]
    assert plain(made.total) == row["due"]
    told = (line.explanation for line in made.lines)
    priced = [explanation.pricing for explanation in told if isinstance(explanation, UsageExplanation)]
    won = priced[-1].winner if priced else None
    assert ("" if won is None else won.override_id) == row["won"]
    if priced:
        fared = [lost.override.override_id for lost in priced[-1].lost] + ([row["won"]] if won else [])
        assert sorted(fared) == [entry.override_id for entry in terms.overrides]


@each("overrides", "targets")
def test_target(row: Row) -> None:
    specifiers = []
    for part in row["specifiers"].split(" or "):
        words = part.split()
        specifiers.append(
            OverrideSpecifier(
                product_tags=frozenset(word[1:] for word in words if word[0] == "+"),
                pricing_group_values=pairs_of(part),
                exclude=tuple(frozenset([word[1:]]) for word in words if word[0] == "-"),
            )
        )
    made = override("x0.5" if row["type"] == "x" else "=5", 1, product_id=None, specifiers=tuple(specifiers))
    subject = Subject("p", frozenset(row["tags"].split()), pairs_of(row["group"]))
    assert made.matches(subject) == (row["means it"] == "yes")


SORTS = ["=7", "x0.9!1", "x0.8!2", "x0.8", "t3x0.5,x0.9!1", "e+", "c=3", "cx0.5", "kx0.2"]


@quick
@given(
    st.lists(st.sampled_from(SORTS), max_size=5),
    st.sampled_from(Prioritization),
    st.sampled_from(["", "list 9", "commit 9"]),
    st.randoms(use_true_random=False),
)
def test_order_of_listing_is_irrelevant(
    listed: list[str], prioritization: Prioritization, paying: str, shuffler: random.Random
) -> None:
    made = overrides(" ".join(listed))
    terms = terms_of(product("10", "6"), overrides=made, prioritization=prioritization, balances=balances(paying))
    again = replace(terms, overrides=tuple(shuffler.sample(made, len(made))))
    first, second = invoice(terms, "5"), invoice(again, "5")
    assert (shape(first), first.total) == (shape(second), second.total)


@quick
@given(
    prices,
    st.lists(st.tuples(st.decimals("0.1", 30, places=1), st.decimals(0, 2, places=2)), max_size=3),
    st.decimals(0, 2, places=2),
    amounts,
)
def test_tiers_over_tiers_price_each_unit_by_both(
    listed: Price, sized: list[tuple[Decimal, Decimal]], rest: Decimal, quantity: Decimal
) -> None:
    factors = [*(MultiplierTier(size, factor) for size, factor in sized), MultiplierTier(None, rest)]
    merged = multiplied_in_tiers(listed, factors)
    assert merged is not None
    end = quantity.copy_abs()
    own = [step.unit_price for step in walk(listed, Decimal(0), end)]
    for step in walk(merged, Decimal(0), end):
        charged = {mul(each, factor.multiplier) for each in own for factor in factors}
        assert step.unit_price in charged or not step.quantity


def test_volume_and_packages_have_no_tiered_overrides() -> None:
    factors = [MultiplierTier(None, Decimal(1))]
    assert multiplied_in_tiers(Package(Decimal(10), Decimal(5)), factors) is None
    volume = price("v 10@5 4")
    assert isinstance(volume, Volume)
    terms = terms_of(product("v 10@5 4"), overrides=overrides("tx0.5!1"), prioritization=Prioritization.EXPLICIT)
    made = invoice(terms, "3")
    assert shape(made) == "3@5"
    told = made.lines[0].explanation
    assert isinstance(told, UsageExplanation)
    [lost] = told.pricing.lost
    assert (lost.reason, lost.price_type) == (LossReason.TIERS_DO_NOT_APPLY, "VOLUME")


def test_windows_are_cut_where_overrides_begin_and_end() -> None:
    week = START + timedelta(days=7)
    free = override("x0", 1, starting_at=START + timedelta(days=1), ending_before=week)
    terms = terms_of(product("100"), overrides=(free,))
    windows = usage_windows(terms)
    assert [window.start for window in windows] == [START, START + timedelta(days=1), week]
    rows = tuple(UsageRow(window, (), Decimal(n), 1) for n, window in enumerate(windows, 1))
    made = compose_usage_invoice(terms, [UsageInput("p", rows)])
    assert [(line.quantity, line.unit_price) for line in made.lines] == [(1, 100), (2, 0), (3, 100)]
    assert [line.list_price for line in made.lines] == [Flat(Decimal(100))] * 3


def test_explanation_names_winner_and_losers() -> None:
    terms = terms_of(product("1000"), overrides=overrides("x0.9 x0.8 =950 c=1"))
    [line] = invoice(terms, "10").lines
    told = line.explanation
    assert isinstance(told, UsageExplanation)
    pricing = told.pricing
    assert pricing.winner is not None
    assert (pricing.winner.override_id, pricing.winner.type) == ("3", OverrideType.OVERWRITE)
    assert (pricing.rate.price, pricing.rate.list_price) == (Flat(Decimal(950)), Flat(Decimal(1000)))
    assert {lost.override.override_id: lost.reason for lost in pricing.lost} == {
        "1": LossReason.ANOTHER_OVERWRITES,
        "2": LossReason.ANOTHER_OVERWRITES,
        "4": LossReason.NO_BALANCE_PAYS,
    }


def test_commit_ids_choose_the_balance() -> None:
    for specifier, lines in [
        (OverrideSpecifier(product_id="p", commit_ids=frozenset({"b2"})), "1@100 -100 2@50 -100"),
        (OverrideSpecifier(product_id="p", recurring_commit_ids=frozenset({"rc"})), "2@50 -100 1@100 -100"),
        (OverrideSpecifier(product_id="p", any_commit_or_credit_ids=frozenset({"b1", "b2"})), "2@50 -100 2@50 -100"),
    ]:
        special = override("c=50", 1, product_id=None, specifiers=(specifier,))
        first, second = balances("list 100,list 100")
        terms = terms_of(product("100"), overrides=(special,), balances=(replace(first, recurring_id="rc"), second))
        quantity = sum(int(part.partition("@")[0]) for part in lines.split() if "@" in part)
        assert shape(invoice(terms, str(quantity))) == lines


def test_constructors_refuse() -> None:
    def made(**facts: Any) -> Override:
        return Override("o", 1, BEFORE, **facts)

    multiplier: dict[str, Any] = {"type": OverrideType.MULTIPLIER, "multiplier": Decimal("0.5")}
    overwrite: dict[str, Any] = {"type": OverrideType.OVERWRITE, "overwrite": Flat(Decimal(1))}
    named = (OverrideSpecifier(commit_ids=frozenset({"c"})),)
    for facts, field in [
        ({}, "type"),
        ({"type": OverrideType.MULTIPLIER}, "multiplier"),
        ({"type": OverrideType.OVERWRITE}, "overwrite_rate"),
        ({"type": OverrideType.TIERED}, "tiers"),
        ({"type": OverrideType.TIERED, "tiers": (MultiplierTier(None, Decimal(1)),)}, "priority"),
        (multiplier | {"multiplier": Decimal(-1)}, "multiplier"),
        (multiplier | {"priority": Decimal(0)}, "priority"),
        (multiplier | {"ending_before": BEFORE}, "ending_before"),
        (multiplier | {"product_id": "p", "specifiers": named}, "override_specifiers"),
        (multiplier | {"specifiers": named}, "override_specifiers"),
        (multiplier | {"target": RateTarget.COMMIT_RATE}, "target"),
        (overwrite, "product_id"),
        (overwrite | {"product_id": "p", "applicable_product_tags": ("t",)}, "applicable_product_tags"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            made(**facts)
        assert caught.value.field == field
    twice = overrides("x0.5")
    with pytest.raises(InvalidTerms):
        terms_of(product("1"), overrides=twice + twice)
