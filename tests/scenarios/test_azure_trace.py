"""Bills real usage end to end: 28,185 LLM calls of two services, through the official SDK, to finalized invoices.

Totals are computed here, from the CSV, independently of the engine.
"""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import World

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "azure-llm-2023"
INPUT, OUTPUT = Decimal("2.50"), Decimal(10)  # USD per million tokens
PAST_TEN_MILLION = Decimal("1.25")
CENTS_PER_TOKEN = Decimal(100) / Decimal(1_000_000)

pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the trace is not beside the project: {DATA.name}"),
    pytest.mark.calendar,
]


def calls(service: str, month_end: datetime) -> Iterator[tuple[str, datetime, int, int]]:
    """(transaction id, time, input tokens, output tokens); times moved so that the trace's hour ends with the month."""
    with (DATA / f"{service}.csv").open() as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC) for row in rows]
    shift = month_end - timedelta(hours=1) - max(times)
    for number, (row, at) in enumerate(zip(rows, times, strict=True)):
        yield f"{service}-{number}", at + shift, int(row["ContextTokens"]), int(row["GeneratedTokens"])


def expected_cents(service: str, tokens_in: int, tokens_out: int) -> Decimal:
    first = min(tokens_in, 10_000_000) if service == "conv" else tokens_in
    rest = tokens_in - first
    return (first * INPUT + rest * PAST_TEN_MILLION + tokens_out * OUTPUT) * CENTS_PER_TOKEN


def event(service: str, call: tuple[str, datetime, int, int]) -> dict[str, Any]:
    transaction_id, at, tokens_in, tokens_out = call
    properties = {"input_tokens": str(tokens_in), "output_tokens": str(tokens_out)}
    return {
        "transaction_id": transaction_id,
        "customer_id": f"{service}-service",
        "event_type": "llm.call",
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def metric_and_product(world: World, key: str, name: str) -> str:
    metric = world.sdk.v1.billable_metrics.create(
        name=name, aggregation_type="SUM", aggregation_key=key, event_type_filter={"in_values": ["llm.call"]},
        property_filters=[{"name": key, "exists": True}],
    ).data.id  # fmt: skip
    return world.sdk.v1.contracts.products.create(name=name, type="USAGE", billable_metric_id=metric).data.id


def test_real_usage_is_billed_to_the_last_decimal(world: World) -> None:
    month_end = world.today.replace(day=1)
    month_start = (month_end - timedelta(days=1)).replace(day=1)
    traces = {service: list(calls(service, month_end)) for service in ("code", "conv")}
    assert sum(map(len, traces.values())) == 28_185
    tokens_in = metric_and_product(world, "input_tokens", "Input tokens")
    tokens_out = metric_and_product(world, "output_tokens", "Output tokens")
    per_token = float(INPUT * CENTS_PER_TOKEN)
    customers = {}
    for service in traces:
        customer = world.customer(name=service, ingest_aliases=[f"{service}-service"])
        card = world.card()
        if service == "conv":
            tiers = [{"size": 10_000_000, "price": per_token}, {"price": float(PAST_TEN_MILLION * CENTS_PER_TOKEN)}]
            world.rate(card, tokens_in, tiers=tiers)
        else:
            world.rate(card, tokens_in, price=per_token)
        world.rate(card, tokens_out, price=float(OUTPUT * CENTS_PER_TOKEN))
        world.contract(customer, card, month_start)
        customers[service] = customer

    events = [event(service, call) for service, trace in traces.items() for call in trace]
    world.send(*events)
    rng = random.Random(20231116)
    again = list(events)
    rng.shuffle(again)
    while again:  # everything a second time, in another order and in other batches
        size = rng.randint(1, 100)
        world.sdk.v1.usage.ingest(usage=again[:size])
        again = again[size:]

    wanted = {
        service: expected_cents(service, sum(call[2] for call in trace), sum(call[3] for call in trace))
        for service, trace in traces.items()
    }
    drafts = {service: world.invoice(customer, at=month_start) for service, customer in customers.items()}
    world.run_due_work(until=month_end + timedelta(days=2))
    for service, customer in customers.items():
        invoice = world.invoice(customer, at=month_start)
        assert invoice.status == "FINALIZED"
        subtotal = sum((Decimal(str(line.total)) for line in invoice.line_items), Decimal(0))
        assert subtotal == wanted[service] == Decimal(str(invoice.subtotal))
        assert invoice.total == int(wanted[service] + Decimal("0.5"))
        assert (drafts[service].subtotal, drafts[service].total) == (invoice.subtotal, invoice.total)
        assert sum(line.quantity for line in invoice.line_items) == sum(call[2] + call[3] for call in traces[service])
