"""Hypothesis strategies for the engine: January 2025, a few groups, every kind of price."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from engine.calendar import Period, split
from engine.conversion import ConversionOperation, QuantityConversion, QuantityRounding, RoundingMethod
from engine.invoice import InvoiceTerms, ProductTerms
from engine.money import fiat
from engine.prices import Flat, Package, Price, Tier, Tiered, Volume
from engine.rating import RateSchedule, RateVersion
from engine.usage import Aggregation, Event, MetricSpec

START = datetime(2025, 1, 1, tzinfo=UTC)
JANUARY = Period(START, datetime(2025, 2, 1, tzinfo=UTC))
UNIT = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
MINUTES = 31 * 24 * 60

quick = settings(max_examples=60, deadline=None)

amounts = st.one_of(
    st.integers(-30, 30).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6),
    st.sampled_from([Decimal("1E-40"), Decimal("9" * 40), Decimal("-0.0000001"), Decimal("1E+29")]),
)
prices_each = st.one_of(
    st.integers(0, 20).map(Decimal), st.decimals(0, 1, places=9), st.sampled_from([Decimal("1E-40"), Decimal("9" * 40)])
)
sizes = st.one_of(st.integers(1, 20).map(Decimal), st.decimals("0.001", 100, places=3))
instants = st.integers(-60, MINUTES + 60).map(lambda minute: START + timedelta(minutes=minute))
cuts = st.lists(instants, max_size=4)


@st.composite
def tiered(draw: st.DrawFn) -> Tiered:
    """One to four tiers."""
    sized = draw(st.lists(st.tuples(sizes, prices_each), max_size=3))
    return Tiered((*(Tier(size, price) for size, price in sized), Tier(None, draw(prices_each))))


prices: st.SearchStrategy[Price] = st.one_of(st.builds(Flat, prices_each), tiered())
packages = st.builds(Package, sizes, prices_each)
volumes = tiered().map(lambda price: Volume(price.tiers))
every_price: st.SearchStrategy[Price] = st.one_of(prices, packages, volumes)


@st.composite
def schedules(draw: st.DrawFn, *, gaps: bool = True) -> RateSchedule:
    """One to three rate versions from before the period on; with `gaps`, some are left out or not entitled."""
    edges = sorted(set(draw(st.lists(instants, max_size=2))))
    starts = [START - timedelta(days=400), *edges]
    ends = [*edges, None]
    versions = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        state = draw(st.sampled_from(["rated", "rated", "gap", "unentitled"])) if gaps else "rated"
        if state != "gap":
            versions.append(RateVersion(f"r{number}", start, end, state == "rated", draw(every_price), UNIT))
    return RateSchedule(tuple(versions))


@st.composite
def events(draw: st.DrawFn, *, most: int = 14) -> list[Event]:
    """Events about the period's time, with ties in timestamp, odd values and missing properties."""
    made = []
    for arrival in range(draw(st.integers(0, most))):
        properties: dict[str, object] = {}
        units = draw(st.one_of(amounts, st.sampled_from([None, "x", "7", ""])))
        if units is not None:
            properties["units"] = units
        for key in ("model", "region"):
            value = draw(st.sampled_from(["a", "b", None]))
            if value is not None:
                properties[key] = value
        made.append(Event(f"e{arrival}", draw(st.sampled_from(["call", "other"])), draw(instants), arrival, properties))
    return made


@st.composite
def specs(draw: st.DrawFn) -> MetricSpec:
    """Any aggregation of `units`."""
    aggregation = draw(st.sampled_from(Aggregation))
    return MetricSpec(aggregation, None if aggregation is Aggregation.COUNT else "units")


@st.composite
def products(draw: st.DrawFn, number: int, *, gaps: bool = True) -> tuple[ProductTerms, MetricSpec]:
    """A product, perhaps with group keys, conversion and rounding, and its metric."""
    pricing = draw(st.sampled_from([(), ("model",)]))
    presentation = draw(st.sampled_from([(), ("region",)]))
    values = [(("model", "a"),), (("model", "b"),)] if pricing else [()]
    conversion = st.builds(
        QuantityConversion,
        st.sampled_from([Decimal(1024), Decimal(3), Decimal("0.7")]),
        st.sampled_from(ConversionOperation),
    )
    rounding = st.builds(QuantityRounding, st.sampled_from(RoundingMethod), st.integers(-1, 2))
    terms = ProductTerms(
        product_id=f"p{number}",
        name=draw(st.sampled_from(["Calls", "Tokens"])),
        metric_id=f"m{number}",
        pricing_group_key=pricing,
        presentation_group_key=presentation,
        schedules={value: draw(schedules(gaps=gaps)) for value in values},
        quantity_conversion=draw(st.one_of(st.none(), conversion)),
        quantity_rounding=draw(st.one_of(st.none(), rounding)),
    )
    return terms, draw(specs())


@st.composite
def contracts(draw: st.DrawFn, *, gaps: bool = True) -> tuple[InvoiceTerms, dict[str, MetricSpec]]:
    """Terms of one to three products, and the metric of each product id."""
    drawn = [draw(products(number, gaps=gaps)) for number in range(draw(st.integers(1, 3)))]
    currency = draw(st.sampled_from(["USD", "EUR", "JPY"]))
    terms = InvoiceTerms("contract", JANUARY, fiat(currency), UNIT, tuple(product for product, _ in drawn))
    return terms, {product.product_id: spec for product, spec in drawn}


def window_lists() -> st.SearchStrategy[list[Period]]:
    """The period cut at up to four instants."""
    return cuts.map(lambda chosen: split(JANUARY, chosen))
