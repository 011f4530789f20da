"""Balances: the order of drawing, eligibility, splitting lines, and that nothing is lost or drawn twice."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.balances import AccessType, BalanceKind, BalanceSegment, Drawdown, after_drawdowns, drawdown_order
from engine.calendar import split
from engine.errors import InvalidTerms
from engine.explanation_json import explanation_from_json, explanation_to_json
from engine.invoice import (
    ComposedInvoice,
    InvoiceTerms,
    UsageInput,
    breakdown,
    compose_usage_invoice,
    usage_windows,
)
from engine.lines import APPLIED
from engine.money import ZERO, add, plain, subtract, total
from engine.overrides import Prioritization, RateTarget
from engine.settlement import SegmentState, expiry_amount, rollover_amount, true_up_amount
from engine.specifiers import Specifier
from engine.usage import UsageRow
from tests.engine.strategies import JANUARY, START, cuts, quick
from tests.engine.tables import table
from tests.engine.worlds import AFTER, BEFORE, balances, invoice, overrides, product, segment, shape, terms_of

Row = dict[str, str]
DAY = timedelta(days=1)
REGION = (("region", "R1"),)


def each(page: str, name: str) -> Callable[[Any], Any]:
    rows = table(page, name)
    return pytest.mark.parametrize("row", rows, ids=[" | ".join(row.values())[:80] for row in rows])


def ordered(text: str, name: str) -> BalanceSegment:
    """A segment from the notation of the order table."""
    facts: dict[str, Any] = {"contract_ids": ("c",)}
    for word in text.split():
        key, _, value = word.partition("=")
        if key == "id":
            name = value
        elif key == "specifier":
            facts["specifiers"] = (*facts.get("specifiers", ()), SPECIFIERS[value])
        else:
            facts |= NOTATION[key](value)
    if "groups" in text:
        facts.pop("product_ids", None)
    return segment(name, 100, **facts)


NOTATION: dict[str, Callable[[str], dict[str, Any]]] = {
    "rollover": lambda _: {"is_rollover": True},
    "postpaid": lambda _: {"kind": BalanceKind.POSTPAID},
    "credit": lambda _: {"kind": BalanceKind.CREDIT},
    "p": lambda value: {"priority": Decimal(value)},
    "cost": lambda value: {"cost_basis": Decimal(value)},
    "products": lambda value: {"product_ids": tuple(f"p{n}" for n in range(int(value)))},
    "tags": lambda value: {"product_tags": tuple(f"t{n}" for n in range(int(value)))},
    "groups": lambda value: {
        "specifiers": tuple(
            Specifier(product_id="p0", pricing_group_values=frozenset({("region", f"{n}")})) for n in range(int(value))
        )
    },
    "from": lambda value: {"starting_at": START + int(value) * DAY},
    "until": lambda value: {"ending_before": START + int(value) * DAY},
    "contracts": lambda value: {"contract_ids": tuple(f"c{n}" for n in range(int(value)))},
    "customer": lambda _: {"contract_ids": None, "is_contract_level": False},
    "created": lambda value: {"created_at": BEFORE + int(value) * DAY},
}


SPECIFIERS = {
    "p0": Specifier(product_id="p0"),
    "p1": Specifier(product_id="p1"),
    "t0": Specifier(product_tags=frozenset({"t0"})),
    "region": Specifier(pricing_group_values=frozenset(REGION)),
    "p0+region": Specifier(product_id="p0", presentation_group_values=frozenset(REGION)),
}
SCOPES = [
    "", "products=1", "tags=1", "specifier=p0", "specifier=t0", "specifier=region", "specifier=p0+region",
    "specifier=p0 specifier=region",
]  # fmt: skip
KNOWN = {"p0": frozenset({"t0"}), "p1": frozenset({"t0"}), "p2": frozenset({"t0"}), "p9": frozenset[str]()}


@each("balances", "order")
def test_order(row: Row) -> None:
    first, second = ordered(row["first"], "same"), ordered(row["second"], "same")
    assert drawdown_order([second, first], KNOWN) == [first, second]
    assert drawdown_order([first, second], KNOWN) == [first, second]


@each("balances", "scopes")
def test_order_of_scopes(row: Row) -> None:
    test_order(row)


def test_every_pair_of_scopes_is_worked_out() -> None:
    scopes = [
        frozenset(" ".join(word for word in row[side].split() if not word.startswith("until=")) for side in row)
        for row in table("balances", "scopes")
    ]
    assert not [pair for pair in combinations(SCOPES, 2) if frozenset(pair) not in scopes]


@st.composite
def contenders(draw: st.DrawFn) -> list[BalanceSegment]:
    """Segments that often tie in class, priority and cost, of every scope."""
    found = []
    for number in range(draw(st.integers(2, 7))):
        words = [
            draw(st.sampled_from(["", "", "rollover"])),
            draw(st.sampled_from(["", "", "credit", "postpaid"])),
            f"p={draw(st.integers(1, 2))}",
            f"cost={draw(st.integers(0, 1))}",
            draw(st.sampled_from([*SCOPES, "products=2", "specifier=region specifier=region"])),
            draw(st.sampled_from(["until=50", "until=90", ""])),
            draw(st.sampled_from(["", "customer", "contracts=2"])),
        ]
        found.append(ordered(" ".join(words), f"b{number}"))
    return found


@quick
@given(contenders(), st.randoms(use_true_random=False))
def test_the_order_is_one_total_order(given: list[BalanceSegment], shuffler: random.Random) -> None:
    """Whatever is beside them and however they are given, of two the same one comes first; so it is transitive."""
    order = drawdown_order(given, KNOWN)
    assert sorted(entry.balance_id for entry in order) == sorted(entry.balance_id for entry in given)
    assert drawdown_order(shuffler.sample(given, len(given)), KNOWN) == order
    for first, second in combinations(order, 2):
        assert drawdown_order([first, second], KNOWN) == drawdown_order([second, first], KNOWN) == [first, second]


@quick
@given(contenders())
def test_among_equals_the_restricted_are_drawn_first(given: list[BalanceSegment]) -> None:
    for first, second in combinations(drawdown_order(given, KNOWN), 2):
        if [_class(first), first.priority] != [_class(second), second.priority]:
            continue
        if not first.is_rollover and first.cost_basis != second.cost_basis:
            continue
        scopes = [bool(entry.specifiers or entry.product_ids or entry.product_tags) for entry in (first, second)]
        assert scopes != [False, True]
        named = [any(part.product_id or part.product_tags for part in entry.scope) for entry in (first, second)]
        assert named != [False, True]


def _class(entry: BalanceSegment) -> tuple[bool, bool]:
    return entry.is_rollover, entry.kind is BalanceKind.POSTPAID


@each("balances", "draws")
def test_draw(row: Row) -> None:
    terms = terms_of(product(row["list"], row["commit rate"]), balances=balances(row["balances"]))
    made = invoice(terms, row["quantity"])
    assert shape(made) == row["lines"]
    assert plain(made.total) == row["due"]
    assert " ".join(plain(entry.amount) for entry in made.drawdowns) == row["drawn"]


@each("balances", "ends")
def test_ends(row: Row) -> None:
    state = SegmentState(Decimal(row["granted"]), Decimal(row["used"]), Decimal(row["manual"]))
    fraction = Decimal(row["fraction"])
    assert state.remaining == true_up_amount(state) == Decimal(row["remaining"])
    rolled = rollover_amount(state, fraction)
    assert rolled == Decimal(row["rolls over"])
    assert expiry_amount(replace(state, rolled_over=rolled)) == Decimal(row["expires"])


quantities = st.one_of(st.integers(-5, 40).map(Decimal), st.decimals(0, 50, places=3))
money = st.one_of(st.integers(0, 3000).map(Decimal), st.decimals(0, 2000, places=4))
PRICES = ["100", "0.7", "0", "5@0 5@100 150", "3@30 7", "v 10@100 80", "30/7"]
SPECIAL = ["", "c=75", "cx0.9 x0.8", "kx0.5", "t4x0.5,x0.9!1"]


@st.composite
def segments(draw: st.DrawFn) -> tuple[BalanceSegment, ...]:
    """Up to four segments of every kind, some beginning or ending inside January."""
    found = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(st.sampled_from([BEFORE, BEFORE, START + 9 * DAY]))
        end = draw(st.sampled_from([AFTER, AFTER, START + 17 * DAY]))
        found.append(
            segment(
                f"b{number}",
                draw(money),
                kind=draw(st.sampled_from(BalanceKind)),
                access_type=draw(st.sampled_from([AccessType.SPEND, AccessType.SPEND, AccessType.QUANTITY])),
                rate_type=draw(st.sampled_from(RateTarget)),
                priority=Decimal(draw(st.integers(1, 2))),
                product_ids=draw(st.sampled_from([(), (), ("p",), ("q",)])),
                is_rollover=draw(st.sampled_from([False, False, True])),
                starting_at=start,
                ending_before=end,
            )
        )
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[InvoiceTerms, list[tuple[datetime, str, Decimal]]]:
    """Terms of two products with overrides and balances, and usage at days of January."""
    commit = draw(st.sampled_from(["", "50", "6@0 9"]))
    first = product(draw(st.sampled_from(PRICES)), commit)
    second = replace(product(draw(st.sampled_from(PRICES))), product_id="q", name="Q")
    terms = terms_of(
        first,
        second,
        overrides=overrides(draw(st.sampled_from(SPECIAL))),
        prioritization=Prioritization.EXPLICIT,
        balances=draw(segments()),
    )
    days = st.integers(0, 30).map(lambda day: START + day * DAY)
    return terms, draw(st.lists(st.tuples(days, st.sampled_from("pq"), quantities), max_size=7))


def used(terms: InvoiceTerms, usage: list[tuple[datetime, str, Decimal]], chosen: list[datetime]) -> list[UsageInput]:
    """Each use as a row of the window that holds it."""
    windows = usage_windows(terms, chosen)
    rows = [
        (name, UsageRow(next(window for window in windows if at in window), (), quantity, 1))
        for at, name, quantity in usage
    ]
    names = [entry.product_id for entry in terms.products]
    return [UsageInput(name, tuple(row for owner, row in rows if owner == name)) for name in names]


def compose(terms: InvoiceTerms, usage: list[tuple[datetime, str, Decimal]], chosen: list[datetime]) -> ComposedInvoice:
    return compose_usage_invoice(terms, used(terms, usage, chosen), chosen)


def sums(made: ComposedInvoice) -> dict[tuple[object, ...], tuple[Decimal, Decimal]]:
    """Quantity and total by product, kind of line, payer, unit price and tier; zeros left out."""
    found: dict[tuple[object, ...], tuple[Decimal, Decimal]] = {}
    for line in made.lines:
        key = line.product_id, line.type, line.commit_id, line.unit_price, line.tier
        quantity, amount = found.get(key, (ZERO, ZERO))
        found[key] = add(quantity, line.quantity or ZERO), add(amount, line.total)
    return {key: value for key, value in found.items() if value != (0, 0)}


@quick
@given(worlds())
def test_nothing_is_drawn_beyond_what_is_there_or_twice(world: Any) -> None:
    terms, usage = world
    made = compose(terms, usage, [])
    held = {balance.balance_id: balance for balance in terms.balances}
    applied = [line for line in made.lines if line.type == APPLIED]
    for drawn in made.drawdowns:
        balance = held[drawn.balance_id]
        assert ZERO < drawn.amount <= balance.available
        lines = [line for line in applied if line.commit_id == drawn.balance_id]
        spent = balance.access_type is AccessType.SPEND
        amounts = [line.total.copy_negate() if spent else line.quantity_consumed or ZERO for line in lines]
        assert total(amounts) == drawn.amount
        paid = [line for line in made.lines if line.commit_id == drawn.balance_id and line.type != APPLIED]
        assert total(line.total for line in paid) == total(line.total.copy_negate() for line in lines)
    left = after_drawdowns(terms.balances, made.drawdowns)
    assert all(segment.available >= 0 for segment in left)
    assert {line.commit_id for line in applied} == {drawn.balance_id for drawn in made.drawdowns}
    assert all(line.total < 0 for line in applied)


@quick
@given(worlds())
def test_lines_and_rounding_make_the_total(world: Any) -> None:
    terms, usage = world
    made = compose(terms, usage, [])
    assert add(total(line.total for line in made.lines if line.counted), made.rounding) == made.total
    for line in made.lines:
        assert line.counted is not (line.type == APPLIED and line.commit_type == "PostpaidCommit")
        if line.quantity is not None and line.unit_price is not None:
            assert abs(subtract(line.total, line.quantity * line.unit_price)) < Decimal("1E-20")
    identities = [line.identity for line in made.lines]
    assert len(set(identities)) == len(identities)
    for line in made.lines:
        assert explanation_from_json(explanation_to_json(line.explanation)) == line.explanation


@quick
@given(worlds(), cuts)
def test_cutting_changes_neither_prices_nor_draws(world: Any, chosen: list[datetime]) -> None:
    terms, usage = world
    whole, parts = compose(terms, usage, []), compose(terms, usage, chosen)
    assert parts.drawdowns == whole.drawdowns
    assert (parts.subtotal, parts.total) == (whole.subtotal, whole.total)
    assert sums(parts) == sums(whole)
    for window in split(JANUARY, chosen):
        for line in parts.lines:
            assert line.ending_before <= window.start or line.starting_at >= window.end or line.starting_at in window


@quick
@given(worlds(), st.sampled_from([1, 7]))
def test_breakdowns_sum_to_the_invoice(world: Any, days: int) -> None:
    terms, usage = world
    windows = split(JANUARY, [START + n * DAY for n in range(0, 31, days)])
    edges = [edge for window in windows for edge in (window.start, window.end)]
    made = breakdown(terms, used(terms, usage, edges), windows)
    assert total(day.total for day in made) == compose(terms, usage, []).subtotal


@quick
@given(worlds(), st.randoms(use_true_random=False))
def test_order_of_everything_is_irrelevant(world: Any, shuffler: random.Random) -> None:
    terms, usage = world
    again = replace(
        terms,
        balances=tuple(shuffler.sample(terms.balances, len(terms.balances))),
        products=tuple(shuffler.sample(terms.products, 2)),
    )
    assert compose(again, shuffler.sample(usage, len(usage)), []) == compose(terms, usage, [])


@quick
@given(worlds(), worlds())
def test_two_invoices_share_a_balance_in_a_chain(world: Any, other: Any) -> None:
    terms, usage = world
    first = compose(terms, usage, [])
    later = replace(other[0], balances=after_drawdowns(terms.balances, first.drawdowns))
    second = compose(later, other[1], [])
    for balance in terms.balances:
        drawn = [d.amount for made in (first, second) for d in made.drawdowns if d.balance_id == balance.balance_id]
        assert total(drawn) <= balance.available


def test_dearer_product_is_paid_first() -> None:
    storage, reads = product("100"), replace(product("260"), product_id="q", name="Q")
    terms = terms_of(storage, reads, balances=balances("list 2600"))
    made = compose(terms, [(START, "p", Decimal(10)), (START, "q", Decimal(10))], [])
    assert [(line.product_id, line.total) for line in made.lines] == [("p", 1000), ("q", 2600), ("q", -2600)]
    assert made.total == 1000


def test_windows_are_cut_where_a_segment_begins() -> None:
    late = segment("b", 10000, starting_at=START + DAY)
    terms = terms_of(product("100"), balances=(late,))
    made = compose(terms, [(START, "p", Decimal(7)), (START + DAY, "p", Decimal(2))], [])
    assert shape(made) == "7@100 2@100 -200"
    assert made.total == 700


@pytest.mark.parametrize(
    ("facts", "pays"),
    [
        ({}, True),
        ({"product_ids": ("p",)}, True),
        ({"product_ids": ("x",)}, False),
        ({"product_tags": ("gpu", "other")}, True),
        ({"product_tags": ("other",)}, False),
        ({"specifiers": (Specifier(pricing_group_values=frozenset(REGION)),)}, True),
        ({"specifiers": (Specifier(pricing_group_values=frozenset({("region", "R2")})),)}, False),
        ({"specifiers": (Specifier(presentation_group_values=frozenset({("seat", "ann")})),)}, True),
        ({"contract_ids": ("c",)}, True),
        ({"contract_ids": ("other",)}, False),
        ({"contract_ids": ()}, False),
        ({"unit": "credits"}, False),
        ({"seat": ("seat", "ann")}, True),
        ({"seat": ("seat", "bob")}, False),
        ({"starting_at": JANUARY.end}, False),
        ({"ending_before": START}, False),
    ],
)
def test_eligibility(facts: dict[str, Any], pays: bool) -> None:
    plain_product = product("100")
    grouped = replace(
        plain_product,
        pricing_group_key=("region",),
        presentation_group_key=("seat",),
        schedules={REGION: plain_product.schedules[()]},
        tags=frozenset({"gpu"}),
    )
    terms = terms_of(grouped, balances=(segment("b", 1000, **facts),))
    rows = (UsageRow(JANUARY, ("R1", "ann"), Decimal(3), 1),)
    made = compose_usage_invoice(terms, [UsageInput("p", rows)])
    assert (made.total == 0) is pays
    for line in made.lines:
        assert (dict(line.pricing_group_values), dict(line.presentation_group_values)) == (
            {"region": "R1"},
            {"seat": "ann"},
        )


def test_negative_balances_pay_nothing() -> None:
    terms = terms_of(product("100"), balances=(segment("b", -50),))
    assert (invoice(terms, "3").total, invoice(terms, "3").drawdowns) == (300, ())


def test_after_drawdowns_takes_off() -> None:
    left = after_drawdowns(balances("list 10,list 20"), [Drawdown("b2", "b2 1", Decimal(5))])
    assert [segment.available for segment in left] == [10, 15]


def test_constructors_refuse() -> None:
    for facts, field in [
        ({"ending_before": BEFORE}, "ending_before"),
        ({"available": Decimal("NaN")}, "amount"),
        ({"cost_basis": Decimal(-1)}, "cost_basis"),
        ({"priority": Decimal("Infinity")}, "priority"),
        ({"specifiers": (Specifier(product_id="p"),), "product_ids": ("p",)}, "specifiers"),
        ({"specifiers": (Specifier(product_id="p"), Specifier())}, "specifiers"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            replace(segment("b", 1), **facts)
        assert caught.value.field == field
    with pytest.raises(InvalidTerms):
        terms_of(product("1"), balances=balances("list 1") * 2)
    with pytest.raises(InvalidTerms):
        SegmentState(Decimal(-1))
    with pytest.raises(InvalidTerms):
        rollover_amount(SegmentState(Decimal(1)), Decimal(2))
