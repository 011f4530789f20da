"""Usage filters: two contracts of one customer share its usage, and each event is billed once."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metronome import BadRequestError, Metronome

from billing.selectors import drafts_with_balance
from core.clock import now
from engine.balances import BalanceKind, BalanceSegment
from tests.scenarios.world import USD, World, exact

BY_TEAM = [["team"]]


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def shop(world: World, price: float = 10) -> tuple[Any, str, str]:
    metric = world.metric(groups=BY_TEAM)
    product = world.product(metric)
    card = world.card()
    world.rate(card, product, price=price)
    return metric, product, card


def only(*values: str, since: Any) -> dict[str, Any]:
    return {"group_key": "team", "group_values": list(values), "starting_at": since}


def usage_total(world: World, customer: str, contract: str) -> Decimal:
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    lines = [line for one in found if one.contract_id == contract for line in one.line_items]
    return sum((exact(line.total) for line in lines), Decimal(0))


def test_two_contracts_share_a_customers_usage(world: World, http: httpx.Client) -> None:
    metric, _, card = shop(world)
    customer = world.customer()
    start = world.days_ago(20)
    schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    east = world.contract(
        customer, card, start, usage_statement_schedule=schedule, usage_filter=only("east", since=start)
    )
    rest = world.contract(
        customer, card, start, usage_statement_schedule=schedule, usage_filter=only("west", "north", since=start)
    )
    for day, team in ((1, "east"), (2, "west"), (8, "north"), (9, "east"), (15, "south")):
        world.use(customer, metric, 10 + day, start + timedelta(days=day), team=team)
    assert usage_total(world, customer, east) == (11 + 19) * 10
    assert usage_total(world, customer, rest) == (12 + 18) * 10  # the south is nobody's
    world.run_due_work()
    assert usage_total(world, customer, east) == 300
    v2 = world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=rest).data
    assert [(one.group_key, one.group_values, one.starting_at, one.ending_before) for one in v2.usage_filter] == [
        ("team", ["west", "north"], start, None)
    ]
    v1 = world.sdk.v1.contracts.retrieve(customer_id=customer, contract_id=east).data
    assert v1.initial.usage_filter is not None
    assert v1.initial.usage_filter.initial.group_values == ["east"]
    # each line unfolds into its own events, and no others
    found = world.sdk.v1.customers.invoices.list(customer_id=customer)
    for invoice in found:
        for line in invoice.line_items:
            url = f"/tactus/v1/customers/{customer}/invoices/{invoice.id}/lines/{line.id}"
            assert http.get(f"{url}/explanation").status_code == 200
    asked = [{"event_type": metric.event_type, "properties": {"units": "5", "team": "east"}}]
    drafts = world.sdk.v1.customers.preview_events(customer_id=customer, events=asked).data  # type: ignore[arg-type]
    assert {one.contract_id: one.total for one in drafts} == {east: 50, rest: 0}
    merged = world.sdk.v1.customers.preview_events(customer_id=customer, events=asked, mode="merge").data  # type: ignore[arg-type]
    assert {one.contract_id: one.total for one in merged}[east] == 50


def test_drafts_foretold_with_a_balance_keep_their_filters(world: World) -> None:
    """The back office's effect of an adjustment: one account, two filters, the same metric and windows."""
    metric, _, card = shop(world)
    customer = world.customer()
    start = world.days_ago(3)
    for team, units, began in (("east", 3, start - timedelta(days=1)), ("west", 4, start)):
        world.contract(customer, card, began, usage_filter=only(team, since=began))  # who began first draws first
        world.use(customer, metric, units, start + timedelta(days=1), team=team)
    segment = BalanceSegment(
        balance_id=str(uuid4()), segment_id=str(uuid4()), kind=BalanceKind.CREDIT, unit=USD, starting_at=start,
        ending_before=None, available=Decimal(50), created_at=start,
    )  # fmt: skip
    found = drafts_with_balance(payer_id=UUID(customer), segment=segment, now=now()).drafts
    assert sorted((one.before, one.after) for one in found if one.before) == [(30, 0), (40, 20)]


def test_another_filter_cuts_the_running_period(world: World) -> None:
    metric, _, card = shop(world)
    customer = world.customer()
    start = world.days_ago(6)
    monthly = {"frequency": "MONTHLY", "day": "CONTRACT_START"}
    contract = world.contract(customer, card, start, usage_statement_schedule=monthly)
    turn = start + timedelta(days=3)
    for hour, team in ((-1, "east"), (0, "east"), (1, "west")):
        world.use(customer, metric, 1, turn + timedelta(hours=hour), team=team)
    assert usage_total(world, customer, contract) == 30
    set_filter = world.sdk.v1.contracts.set_usage_filter
    set_filter(customer_id=customer, contract_id=contract, **only("west", since=turn))
    assert usage_total(world, customer, contract) == 20  # before the turn all counts, from its very hour on the west
    [draft] = world.sdk.v1.customers.invoices.list(customer_id=customer)
    assert sorted((line.starting_at, exact(line.total)) for line in draft.line_items) == [(start, 10), (turn, 10)]  # type: ignore[type-var]
    set_filter(customer_id=customer, contract_id=contract, **only("east", since=turn))  # the same time: replaced
    assert usage_total(world, customer, contract) == 20
    later = turn + timedelta(hours=1)
    set_filter(customer_id=customer, contract_id=contract, **only("west", since=later))
    assert usage_total(world, customer, contract) == 30
    shown = world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.usage_filter
    assert [(one.starting_at, one.ending_before) for one in shown] == [(turn, later), (later, None)]


def test_what_cannot_be_is_refused(world: World) -> None:
    metric, _, card = shop(world)
    customer = world.customer()
    start = world.days_ago(20)
    contract = world.contract(
        customer, card, start, ending_before=world.days_ago(-30),
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
    )  # fmt: skip
    world.use(customer, metric, 1, start + timedelta(days=1), team="east")
    world.run_due_work()
    refused: list[tuple[dict[str, Any], str]] = [
        (only("east", since=start), "starting_at: a finalized invoice bills usage up to"),
        (only("east", since=start - timedelta(hours=1)), "starting_at: must not be before"),
        (only("east", since=world.days_ago(-30)), "starting_at: must be before the contract's end"),
        (only("east", since=world.today + timedelta(minutes=5)), "starting_at: must be"),
        (only(since=world.today), "group_values"),
        ({"group_key": "planet", "group_values": ["x"], "starting_at": world.today}, "group_key: no metric of"),
    ]
    for body, message in refused:
        with pytest.raises(BadRequestError) as error:
            world.sdk.v1.contracts.set_usage_filter(customer_id=customer, contract_id=contract, **body)
        assert error.value.body["message"].startswith(message), error.value.body  # type: ignore[index]
    assert world.sdk.v2.contracts.retrieve(customer_id=customer, contract_id=contract).data.usage_filter == []


TEAMS = ("a", "b", "c", "d")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 47), st.sampled_from(TEAMS), st.integers(0, 9)), max_size=8),
    st.sets(st.sampled_from(TEAMS), min_size=1, max_size=3),
    st.integers(0, 47),
    st.sampled_from(["SUM", "COUNT"]),
)
def test_disjoint_filters_sum_to_the_whole(
    world: World, events: list[tuple[int, str, int]], mine: set[str], turn: int, aggregation: str
) -> None:
    metric = world.metric(aggregation, groups=BY_TEAM)
    product = world.product(metric)
    card = world.card()
    world.rate(card, product, price=1)
    customer, alone = world.customer(), world.customer()
    start = world.days_ago(2)
    theirs = set(TEAMS) - mine
    change = start + timedelta(hours=turn)
    contracts = [
        world.contract(customer, card, start, usage_filter=only(*sorted(first), since=start))
        for first in (mine, theirs)
    ]
    if turn:
        for contract, second in zip(contracts, (theirs, mine), strict=True):  # at the turn they change places
            world.sdk.v1.contracts.set_usage_filter(
                customer_id=customer, contract_id=contract, **only(*sorted(second), since=change)
            )
    whole = world.contract(alone, card, start)
    for hour, team, units in events:
        for one in (customer, alone):
            world.use(one, metric, units, start + timedelta(hours=hour), team=team)
    parts = [usage_total(world, customer, contract) for contract in contracts]
    assert sum(parts) == usage_total(world, alone, whole)
    expected: defaultdict[bool, int] = defaultdict(int)
    for hour, team, units in events:
        first = (team in mine) == (not turn or hour < turn)
        expected[first] += 1 if aggregation == "COUNT" else units
    assert parts == [expected[True], expected[False]]
