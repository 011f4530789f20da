"""Whatever was agreed and used: draft = final invoice = its days + rounding, in whatever order usage came."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.exact_json import loads
from tests.scenarios.world import LONG_AGO, World

REGIONS = ("eu", "us")
HALF_HOURS_BACK = 33 * 48
Tiers = list[tuple[Decimal | None, Decimal]]


@dataclass(frozen=True)
class Version:
    """Prices from so many half hours before midnight on; None: from ever."""

    half_hours: int | None
    tiers: Tiers  # (size, price); one without a size is a flat price


@dataclass(frozen=True)
class Used:
    half_hours: int
    quantity: Decimal
    region: str
    team: str


@dataclass(frozen=True)
class Deal:
    frequency: str
    day: str
    anchor_days: int
    start: int  # in hours before midnight
    length: int
    grouped: bool
    rates: dict[str, list[Version]]
    usage: list[Used]
    seed: int


prices = st.decimals(0, 50, places=4)
sizes = st.decimals("0.5", 20, places=1)


@st.composite
def tiers(draw: st.DrawFn) -> Tiers:
    return [*draw(st.lists(st.tuples(sizes, prices), max_size=2)), (None, draw(prices))]


@st.composite
def versions(draw: st.DrawFn) -> list[Version]:
    changes = sorted(draw(st.sets(st.integers(0, 33 * 24), max_size=2)), reverse=True)
    return [Version(None, draw(tiers())), *(Version(2 * hours, draw(tiers())) for hours in changes)]


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    grouped = draw(st.booleans())
    usage = st.builds(
        Used, st.integers(1, HALF_HOURS_BACK), st.decimals(0, 30, places=3), st.sampled_from([*REGIONS, "moon"]),
        st.sampled_from("ab"),
    )  # fmt: skip
    return Deal(
        frequency=draw(st.sampled_from(["WEEKLY", "MONTHLY", "QUARTERLY", "ANNUAL"])),
        day=draw(st.sampled_from(["FIRST_OF_MONTH", "CONTRACT_START", "CUSTOM_DATE"])),
        anchor_days=draw(st.integers(-40, 400)),
        start=draw(st.integers(1, 50 * 24)),
        length=draw(st.integers(1, 60 * 24)),
        grouped=grouped,
        rates={region: draw(versions()) for region in (REGIONS if grouped else [""])},
        usage=draw(st.lists(usage, max_size=12)),
        seed=draw(st.integers(0, 9)),
    )


class Billing:
    """One deal made with two customers who send the same usage in different order, and what the API says of it."""

    def __init__(self, world: World, http: httpx.Client, deal: Deal) -> None:
        self.world, self.http, self.deal = world, http, deal
        self.start = world.today - timedelta(hours=deal.start)
        self.end = min(self.start + timedelta(hours=deal.length), world.days_ago(-1))
        metric = world.metric(groups=[["region", "team"]] if deal.grouped else [])
        keys = {"pricing_group_key": ["region"], "presentation_group_key": ["team"]} if deal.grouped else {}
        product, card = world.product(metric, **keys), world.card()
        for region, changes in deal.rates.items():
            for version in changes:
                self.rate(card, product, version, {"pricing_group_values": {"region": region}} if region else {})
        schedule: dict[str, Any] = {"frequency": deal.frequency, "day": deal.day}
        if deal.day == "CUSTOM_DATE":
            schedule["billing_anchor_date"] = world.days_ago(deal.anchor_days)
        self.customers = [world.customer(), world.customer()]
        for number, customer in enumerate(self.customers):
            world.contract(customer, card, self.start, ending_before=self.end, usage_statement_schedule=schedule)
            events = [
                world.event(
                    customer, metric, used.quantity, self.at(used.half_hours), region=used.region, team=used.team
                )
                for used in deal.usage
            ]
            if number:
                random.Random(deal.seed).shuffle(events)
                for event in [*events, *events]:  # one by one, and all of them twice
                    world.send(event)
            else:
                world.send(*events)

    def at(self, half_hours: int) -> datetime:
        return self.world.today - timedelta(minutes=30 * half_hours)

    def rate(self, card: str, product: str, version: Version, group: dict[str, Any]) -> None:
        since = LONG_AGO if version.half_hours is None else self.at(version.half_hours)
        steps = [
            {"size": str(size), "price": str(price)} if size else {"price": str(price)} for size, price in version.tiers
        ]
        priced = {"price": steps[0]["price"]} if len(steps) == 1 else {"tiers": steps}
        self.world.rate(card, product, starting_at=since, **priced, **group)

    def get(self, customer: str, path: str = "", **params: Any) -> list[dict[str, Any]]:
        """All pages, numbers exact."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.http.get(f"/v1/customers/{customer}/invoices{path}", params=params)
            assert answer.status_code == 200, answer.text
            page = loads(answer.content)
            found += page["data"]
            if page["next_page"] is None:
                return found
            params["next_page"] = page["next_page"]

    def days(self, customer: str) -> dict[str, Decimal]:
        """The sum of each invoice's days."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for part in self.get(
            customer, "/breakdowns", starting_on=self.start.isoformat(), ending_before=self.end.isoformat()
        ):
            sums[part["id"]] += part["total"]
        return sums

    def expected(self, start: datetime, end: datetime) -> Decimal:
        """The charges of a period, event by event: at the prices of its time, from the position reached so far."""
        reached: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        total = Decimal()
        for used in sorted(self.deal.usage, key=lambda used: -used.half_hours):
            if not start <= self.at(used.half_hours) < end:
                continue
            group = (used.region, used.team) if self.deal.grouped else ("",)
            changes = self.deal.rates.get(group[0])
            if changes is None:  # no rate: shown as unrated
                continue
            [*_, valid] = [v for v in changes if v.half_hours is None or v.half_hours >= used.half_hours]
            total += charge(valid.tiers, reached[group], used.quantity)
            reached[group] += used.quantity
        return total


def charge(steps: Tiers, reached: Decimal, quantity: Decimal) -> Decimal:
    total, lower = Decimal(), Decimal()
    for size, price in steps:
        upper = None if size is None else lower + size
        top = reached + quantity if upper is None else min(upper, reached + quantity)
        total += max(Decimal(), top - max(lower, reached)) * price
        lower = upper or lower
    return total


def said(invoice: dict[str, Any]) -> dict[str, Any]:
    """What an invoice says, without whose it is."""
    lines = [{name: value for name, value in line.items() if name != "id"} for line in invoice["line_items"]]
    names = ("start_timestamp", "end_timestamp", "subtotal", "rounding", "total", "unrated")
    return {name: invoice[name] for name in names} | {"line_items": lines}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deals())
def test_draft_final_invoice_and_days_agree_in_whatever_order_usage_came(
    world: World, http: httpx.Client, deal: Deal
) -> None:
    billing = Billing(world, http, deal)
    first, second = billing.customers
    drafts = billing.get(first)
    assert [said(draft) for draft in drafts] == [said(draft) for draft in billing.get(second)]
    for draft in drafts:
        start, end = (datetime.fromisoformat(draft[name]) for name in ("start_timestamp", "end_timestamp"))
        assert draft["subtotal"] == billing.expected(start, end)
        assert draft["subtotal"] == sum(line["total"] for line in draft["line_items"])
        rounded = Decimal(draft["subtotal"]).quantize(Decimal(1), ROUND_HALF_UP)
        assert draft["total"] == rounded == draft["subtotal"] + draft["rounding"]
    world.run_due_work(until=world.days_ago(-3))
    final = billing.get(first)
    assert {invoice["status"] for invoice in final} == {"FINALIZED"}
    assert [(invoice["id"], said(invoice)) for invoice in final] == [(draft["id"], said(draft)) for draft in drafts]
    assert [said(invoice) for invoice in final] == [said(invoice) for invoice in billing.get(second)]
    days = billing.days(first)
    assert days == {invoice["id"]: invoice["subtotal"] for invoice in final}
