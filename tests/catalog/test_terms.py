"""A card's terms as the engine gets them."""

import uuid
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import Metronome

from catalog.models import Rate, RateCard
from catalog.selectors import CatalogTerms, card_terms, list_effective_rates
from engine.calendar import Period
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.prices import Flat, Tier, Tiered
from engine.usage import Aggregation, EventTypeFilter, MetricSpec, PropertyFilter
from tests.catalog.shop import USD, Shop, day


def terms_of(card: str, start: datetime, end: datetime) -> list[CatalogTerms]:
    return list(card_terms(rate_card_id=UUID(card), period=Period(start, end)).products)


def test_all_that_the_engine_needs_arrives_exactly(shop: Shop) -> None:
    metric = shop.metric(["region", "project"], event_type_filter={"in_values": ["llm"]}, name="LLM tokens")
    product = shop.product(
        metric,
        name="Tokens",
        pricing_group_key=["region"],
        presentation_group_key=["project"],
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE"},
        quantity_rounding={"rounding_method": "ROUND_HALF_UP", "decimal_places": 3},
    )
    card = shop.card(name="List 2024")
    tiers = [{"size": 10, "price": "0.1"}, {"price": "0.05"}]
    shop.rate(card, product, day(-99), price="0.30000000000000004", pricing_group_values={"region": "us"})
    shop.rate(card, product, day(5), tiers=tiers, pricing_group_values={"region": "us"}, entitled=False)
    shop.rate(card, product, price=2, pricing_group_values={"region": "eu"})

    [entry] = terms_of(card, day(0), day(10))
    terms = entry.terms
    assert (terms.product_id, terms.name, terms.metric_id, terms.metric_name) == (
        product,
        "Tokens",
        metric,
        "LLM tokens",
    )
    assert (terms.pricing_group_key, terms.presentation_group_key) == (("region",), ("project",))
    assert terms.quantity_conversion == QuantityConversion(Decimal(1000), ConversionOperation.DIVIDE)
    assert terms.quantity_rounding == QuantityRounding(RoundingMethod.ROUND_HALF_UP, 3)
    filters = tuple(PropertyFilter(name, True) for name in ("project", "region", "units"))
    assert entry.spec == MetricSpec(Aggregation.SUM, "units", EventTypeFilter(("llm",)), filters)

    schedules = {dict(key)["region"]: schedule.versions for key, schedule in terms.schedules.items()}
    before, after = schedules["us"]
    assert (before.starting_at, before.ending_before, before.entitled) == (day(-99), day(5), True)
    assert before.price == Flat(Decimal("0.30000000000000004"))
    assert (before.credit_type_id, before.source) == (USD, "rate card List 2024")
    assert (after.starting_at, after.ending_before, after.entitled) == (day(5), None, False)
    assert after.price == Tiered((Tier(Decimal(10), Decimal("0.1")), Tier(None, Decimal("0.05"))))
    [europe] = schedules["eu"]
    assert europe.price == Flat(Decimal(2))
    assert len({before.rate_id, after.rate_id, europe.rate_id}) == 3


def test_only_rates_that_touch_the_period_count(shop: Shop) -> None:
    card = shop.card()
    before, across, inside, later = (shop.product(name=name) for name in ("before", "across", "inside", "later"))
    shop.rate(card, before, day(0), price=1, ending_before=day(10))
    shop.rate(card, across, day(0), price=1, ending_before=day(11))
    shop.rate(card, inside, day(15), price=1, ending_before=day(16))
    shop.rate(card, later, day(20), price=1)
    assert [entry.terms.name for entry in terms_of(card, day(10), day(20))] == ["across", "inside"]
    assert [entry.terms.name for entry in terms_of(card, day(20), day(21))] == ["later"]
    assert terms_of(str(uuid.uuid4()), day(0), day(1)) == []


def test_a_product_that_changes_inside_the_period_has_terms_for_each_stretch(sdk: Metronome, shop: Shop) -> None:
    plain, grouped = shop.metric(name="plain"), shop.metric(["region"], name="grouped")
    card, product = shop.card(), shop.product(plain, name="Old")
    shop.rate(card, product, price=1)
    sdk.v1.contracts.products.update(
        product_id=product, starting_at=day(10), name="New", billable_metric_id=grouped, pricing_group_key=["region"]
    )
    shop.rate(card, product, price=2, pricing_group_values={"region": "us"})

    old, new = terms_of(card, day(5), day(15))
    assert (old.terms.name, old.terms.metric_name, list(old.terms.schedules)) == ("Old", "plain", [()])
    assert (old.terms.window, new.terms.window) == (Period(day(5), day(10)), Period(day(10), day(15)))
    [only] = terms_of(card, day(10), day(15))
    assert only.terms.window is None
    for after in (new, only):
        assert (after.terms.name, after.terms.metric_name) == ("New", "grouped")
        assert list(after.terms.schedules) == [(("region", "us"),)]


def test_a_product_whose_rates_fit_no_more_is_still_there_to_be_reported(sdk: Metronome, shop: Shop) -> None:
    card, product = shop.card(), shop.product(shop.metric(["region"]))
    shop.rate(card, product, price=1)
    sdk.v1.contracts.products.update(product_id=product, starting_at=day(10), pricing_group_key=["region"])
    [entry] = terms_of(card, day(10), day(20))
    assert (entry.terms.pricing_group_key, dict(entry.terms.schedules)) == (("region",), {})


def test_archived_products_and_cards_bill_on(sdk: Metronome, shop: Shop) -> None:
    card, metric = shop.card(), shop.metric()
    product = shop.product(metric)
    shop.rate(card, product, price=1)
    sdk.v1.billable_metrics.archive(id=metric)
    sdk.v1.contracts.products.archive(product_id=product)
    sdk.v1.contracts.rate_cards.archive(id=card)
    assert [entry.terms.product_id for entry in terms_of(card, day(0), day(1))] == [product]


def test_three_queries_however_large_the_card(shop: Shop, django_assert_num_queries) -> None:
    card = shop.card()
    for count in (1, 10):
        for _ in range(count):
            product = shop.product(shop.metric(["region"]), pricing_group_key=["region"])
            for region in ("us", "eu"):
                shop.rate(card, product, price=1, pricing_group_values={"region": region})
        with django_assert_num_queries(3):  # rates, states of products, conversions
            found = terms_of(card, day(0), day(30))
    assert len(found) == 11


RATES = st.lists(
    st.tuples(st.integers(0, 20), st.none() | st.integers(1, 10), st.integers(0, 2)), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RATES, st.integers(0, 25))
def test_engine_and_api_see_the_same_prices(shop: Shop, rates: list[tuple[int, int | None, int]], start: int) -> None:
    """Whatever was added in whatever order, the engine's schedule and getRateSchedule agree on every day."""
    card = shop.card()
    products = [shop.product() for _ in range(3)]
    usd = RateCard.objects.get(pk=card).fiat_credit_type
    Rate.objects.bulk_create(
        Rate(
            sequence=number,
            rate_card_id=card,
            product_id=products[which],
            starting_at=day(begin),
            ending_before=None if length is None else day(begin + length),
            entitled=True,
            rate_type="FLAT",
            credit_type=usd,
            price=number,
            created_at=day(0),
        )
        for number, (begin, length, which) in enumerate(rates)
    )
    engine = {entry.terms.product_id: entry.terms.schedules[()] for entry in terms_of(card, day(start), day(start + 7))}
    for number in range(start, start + 7):
        shown = list_effective_rates(rate_card_id=UUID(card), starting_at=day(number))
        expected = {str(e.rate.product_id): e.rate.price for e in shown if e.starting_at <= day(number)}
        versions = {product: schedule.at(day(number)) for product, schedule in engine.items()}
        assert {product: v.price.price for product, v in versions.items() if v is not None} == expected
