"""Composing invoices from events: splits, determinism, breakdowns, explanations."""

import json
import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import Period, split
from engine.errors import InvalidTerms
from engine.explanation import PriceInForce, Pricing, TierReached, UsageExplanation
from engine.explanation_json import explanation_from_json, explanation_to_json
from engine.invoice import (
    ComposedInvoice,
    InvoiceLine,
    InvoiceTerms,
    ProductTerms,
    UsageInput,
    breakdown,
    compose_usage_invoice,
    usage_windows,
)
from engine.money import ZERO, add, fiat, mul, subtract, total
from engine.overrides import RateTarget
from engine.prices import Tier, Tiered
from engine.rating import Flat, RateSchedule, RateVersion
from engine.usage import Event, MetricSpec, UsageRow, aggregate
from tests.engine.strategies import JANUARY, START, UNIT, contracts, cuts, events, quick

Terms = tuple[InvoiceTerms, dict[str, MetricSpec]]
Sums = dict[tuple[object, ...], tuple[Decimal, Decimal]]


def measure(
    terms: InvoiceTerms, specs: dict[str, MetricSpec], made: list[Event], windows: list[Period]
) -> list[UsageInput]:
    """What a usage store answers for the invoice."""
    return [
        UsageInput(p.product_id, tuple(aggregate(specs[p.product_id], made, windows, p.group_keys)))
        for p in terms.products
    ]


def compose(drawn: Terms, made: list[Event], chosen: list[datetime] | None = None) -> ComposedInvoice:
    """The invoice of these events, measured and kept apart at the chosen cuts."""
    terms, specs = drawn
    usage = measure(terms, specs, made, usage_windows(terms, chosen or ()))
    return compose_usage_invoice(terms, usage, chosen or ())


def sums(lines: tuple[InvoiceLine, ...] | list[InvoiceLine]) -> Sums:
    """Quantity and total of each product, group, rate and tier; zeros left out."""
    found: Sums = defaultdict(lambda: (ZERO, ZERO))
    for line in lines:
        groups = line.pricing_group_values, line.presentation_group_values
        key = (line.product_id, *groups, line.explanation.pricing.rate, line.tier)
        found[key] = add(found[key][0], line.quantity), add(found[key][1], line.total)
    return {key: value for key, value in found.items() if value != (0, 0)}


@quick
@given(contracts(), events(), cuts)
def test_a_split_anywhere_sums_to_the_whole(drawn: Terms, made: list[Event], chosen: list[datetime]) -> None:
    whole, parts = compose(drawn, made), compose(drawn, made, chosen)
    assert sums(parts.lines) == sums(whole.lines)
    assert (parts.subtotal, parts.total, parts.rounding) == (whole.subtotal, whole.total, whole.rounding)
    for window in split(JANUARY, chosen):
        for line in parts.lines:
            assert line.ending_before <= window.start or line.starting_at >= window.end or line.starting_at in window


@quick
@given(contracts(), events(), cuts)
def test_finer_measuring_changes_nothing(drawn: Terms, made: list[Event], chosen: list[datetime]) -> None:
    terms, specs = drawn
    finer = compose_usage_invoice(terms, measure(terms, specs, made, usage_windows(terms, chosen)))
    assert finer == compose(drawn, made)


@quick
@given(contracts(), events(), st.randoms(use_true_random=False))
def test_order_of_everything_is_irrelevant(drawn: Terms, made: list[Event], shuffler: random.Random) -> None:
    terms, specs = drawn
    expected = compose(drawn, made)
    shuffler.shuffle(made)
    usage = measure(terms, specs, made, usage_windows(terms))
    shuffled = [replace(entry, rows=tuple(shuffler.sample(entry.rows, len(entry.rows)))) for entry in usage]
    shuffler.shuffle(shuffled)
    products = tuple(shuffler.sample(terms.products, len(terms.products)))
    assert compose_usage_invoice(replace(terms, products=products), shuffled) == expected


@quick
@given(contracts(), events())
def test_lines_and_rounding_make_the_total(drawn: Terms, made: list[Event]) -> None:
    terms, specs = drawn
    usage = measure(terms, specs, made, usage_windows(terms))
    # Plain operators in the engine would use this context and lose digits loudly.
    with localcontext(Context(prec=1, traps=[Inexact])):
        invoice = compose_usage_invoice(terms, usage)
        told = [json.loads(json.dumps(explanation_to_json(line.explanation))) for line in invoice.lines]
    assert add(total(line.total for line in invoice.lines), invoice.rounding) == invoice.total
    assert invoice.subtotal == total(line.total for line in invoice.lines)
    for line, explained in zip(invoice.lines, told, strict=True):
        assert line.total == mul(line.quantity, line.unit_price)
        assert Decimal(explained["pricing"]["total"]) == line.total
        assert explained["pricing"]["winner"] is None
        assert explanation_from_json(explained) == line.explanation


@quick
@given(contracts(), events(), st.sampled_from([1, 5, 24, 24 * 7]))
def test_breakdown_sums_to_the_invoice(drawn: Terms, made: list[Event], hours: int) -> None:
    terms, specs = drawn
    step = timedelta(hours=hours * 12)
    windows = [Period(START + step * n, START + step * (n + 1)) for n in range(-1, 744 // (hours * 12) + 1)]
    edges = [edge for window in windows for edge in (window.start, window.end)]
    days = breakdown(terms, measure(terms, specs, made, usage_windows(terms, edges)), windows)
    whole = compose(drawn, made)
    assert [day.period for day in days] == windows
    assert sums([line for day in days for line in day.lines]) == sums(whole.lines)
    assert total(day.total for day in days) == whole.subtotal
    assert all(day.rounding == 0 and day.total == day.subtotal for day in days)
    missed = [part for day in days for part in day.unrated]
    assert total(part.quantity for part in missed) == total(part.quantity for part in whole.unrated)
    assert sum(part.event_count for part in missed) == sum(part.event_count for part in whole.unrated)


@quick
@given(contracts(gaps=False), events())
def test_no_event_is_billed_twice_or_lost(drawn: Terms, made: list[Event]) -> None:
    terms, specs = drawn
    invoice = compose(drawn, made)
    for product in terms.products:
        rows = aggregate(specs[product.product_id], made, [JANUARY], product.group_keys)
        lines = [line for line in invoice.lines if line.product_id == product.product_id]
        stretches = {(x.starting_at, x.presentation_group_values, x.pricing_group_values): x for x in lines}
        shown = sum(line.explanation.event_count for line in stretches.values())
        missed = sum(part.event_count for part in invoice.unrated if part.product_id == product.product_id)
        assert shown + missed == sum(row.event_count for row in rows)


def rate(price: int, start: datetime = START, end: datetime | None = None, unit: str = UNIT) -> RateVersion:
    return RateVersion("r", start, end, True, Flat(Decimal(price)), unit, source="rate card Standard")


def terms_of(*products: ProductTerms) -> InvoiceTerms:
    return InvoiceTerms("c", JANUARY, fiat("USD"), UNIT, products)


PLAIN = ProductTerms("p", "Calls", "m", (), (), {(): RateSchedule((rate(100),))}, metric_name="calls")


def test_product_without_group_keys_has_a_zero_line() -> None:
    [line] = compose_usage_invoice(terms_of(PLAIN), []).lines
    assert (line.quantity, line.unit_price, line.total) == (0, 100, 0)
    assert (line.starting_at, line.ending_before) == (JANUARY.start, JANUARY.end)
    grouped = replace(PLAIN, presentation_group_key=("project",))
    assert compose_usage_invoice(terms_of(grouped), []).lines == ()


def test_pricing_group_values_may_be_named_in_any_order() -> None:
    values = (("cloud", "AWS"), ("region", "R1"))
    product = ProductTerms("p", "GPU", "m", ("region", "cloud"), (), {values: RateSchedule((rate(12),))})
    usage = UsageInput("p", (UsageRow(JANUARY, ("R1", "AWS"), Decimal(10), 1),))
    [line] = compose_usage_invoice(terms_of(product), [usage]).lines
    assert (line.total, dict(line.pricing_group_values)) == (120, {"region": "R1", "cloud": "AWS"})


def test_absent_pricing_value_is_unrated_with_its_reason() -> None:
    product = ProductTerms("p", "GPU", "m", ("region",), (), {(("region", "R1"),): RateSchedule((rate(12),))})
    usage = UsageInput("p", (UsageRow(JANUARY, (None,), Decimal(10), 4),))
    invoice = compose_usage_invoice(terms_of(product), [usage])
    [missed] = invoice.unrated
    assert (invoice.lines, missed.quantity, missed.event_count) == ((), 10, 4)
    assert missed.reason == "no rate for these group values"


def test_usage_before_the_first_rate_is_unrated_with_its_reason() -> None:
    start = START + timedelta(days=3)
    product = replace(PLAIN, schedules={(): RateSchedule((rate(100, start),))})
    early, late = split(JANUARY, [start])
    rows = (UsageRow(early, (), Decimal(2), 2), UsageRow(late, (), Decimal(5), 1))
    invoice = compose_usage_invoice(terms_of(product), [UsageInput("p", rows)])
    assert [(part.quantity, part.window, part.reason) for part in invoice.unrated] == [
        (2, early, "no rate is in force")
    ]
    assert invoice.total == 500


def test_explanation_holds_all_that_is_needed_to_check_the_line() -> None:
    tiers = Tiered((Tier(Decimal(5), ZERO), Tier(None, Decimal("0.5"))))
    since = START - timedelta(days=31)
    version = RateVersion("rate-1", since, None, True, tiers, UNIT, source="rate card Standard")
    product = replace(PLAIN, schedules={(): RateSchedule((version,))})
    usage = UsageInput("p", (UsageRow(JANUARY, (), Decimal("8.0"), 3),))
    line = compose_usage_invoice(terms_of(product), [usage]).lines[1]
    assert line.explanation == UsageExplanation(
        metric_id="m",
        metric_name="calls",
        event_count=3,
        metric_quantity=Decimal(8),
        conversion=None,
        rounding=None,
        pricing=Pricing(
            quantity=Decimal(8),
            rate=PriceInForce(
                "rate-1", "rate card Standard", UNIT, since, None, RateTarget.LIST_RATE, price=tiers, list_price=tiers
            ),
            tier=TierReached(1, Decimal(5), None, quantity_before=ZERO, quantity_after=Decimal(8)),
            line_quantity=Decimal(3),
            unit_price=Decimal("0.5"),
            total=Decimal("1.5"),
            winner=None,
            lost=(),
            balance=None,
        ),
    )


def test_negative_use_takes_back_what_was_charged() -> None:
    first, second = split(JANUARY, [START + timedelta(days=10)])
    rows = (UsageRow(first, (), Decimal(7), 1), UsageRow(second, (), Decimal(-7), 1))
    invoice = compose_usage_invoice(terms_of(PLAIN), [UsageInput("p", rows)], [second.start])
    assert [line.total for line in invoice.lines] == [700, -700]
    assert subtract(invoice.total, invoice.rounding) == 0


def test_constructors_refuse() -> None:
    keyed = ("region",)
    one = (("region", "R1"),)
    schedule = RateSchedule((rate(1),))

    def product(**changes: object) -> ProductTerms:
        return replace(PLAIN, **changes)

    for make, field in [
        (lambda: product(pricing_group_key=keyed), "pricing_group_values"),
        (lambda: product(schedules={one: schedule}), "pricing_group_values"),
        (lambda: product(pricing_group_key=keyed, schedules={one + one: schedule}), "pricing_group_values"),
        (
            lambda: product(
                pricing_group_key=("a", "b"),
                schedules={(("a", "1"), ("b", "2")): schedule, (("b", "2"), ("a", "1")): schedule},
            ),
            "pricing_group_values",
        ),
        (lambda: product(pricing_group_key=("a", "a"), schedules={}), "pricing_group_key"),
        (lambda: product(presentation_group_key=("a", "a"), schedules={}), "presentation_group_key"),
        (lambda: terms_of(PLAIN, PLAIN), "product_id"),
        (lambda: terms_of(product(schedules={(): RateSchedule((rate(1, unit="other"),))})), "credit_type_id"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            make()
        assert caught.value.field == field


def test_usage_that_does_not_fit_the_terms_is_refused() -> None:
    change = START + timedelta(days=3)
    product = replace(PLAIN, schedules={(): RateSchedule((rate(1, START, change), rate(2, change)))})
    before = Period(START - timedelta(days=1), START)
    row = UsageRow(JANUARY, (), Decimal(1), 1)
    for usage, field in [
        ([UsageInput("p", (row,))], "usage"),
        ([UsageInput("p", (replace(row, window=before),))], "usage"),
        ([UsageInput("p", (replace(row, group=("x",)),))], "usage"),
        ([UsageInput("other", ())], "product_id"),
        ([UsageInput("p", ()), UsageInput("p", ())], "product_id"),
    ]:
        with pytest.raises(InvalidTerms) as caught:
            compose_usage_invoice(terms_of(product), usage)
        assert caught.value.field == field
