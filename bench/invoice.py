# ruff: noqa: PLC0415 - Django is set up in the middle
"""How long one invoice takes with its database reads: `python -m bench.invoice [--combinations 200,2000] [--times 20]`.

Starts a Tactus of its own. 10 products priced by region and tier of service, every second one in graduated tiers, four
overrides, ten events for each combination: 200 combinations make 2,000 lines. Measured are the parts of composing the
draft (terms, quantities, engine), the whole of it, and the draft over HTTP; the engine alone: `python -m bench.rating`.
"""

import argparse
import os
import platform
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from metronome import Metronome

from bench.measure import end_properly
from bench.reads import Client, backend_cpu, django, roll, timed
from supervisor.temporary import Temporary

PRODUCTS = 10
EVENTS_EACH = 10
LONG_AGO = "2020-01-01T00:00:00Z"
TIERS = [{"size": 1000, "price": 0.5}, {"size": 9000, "price": 0.4}, {"price": 0.25}]
EVENTS = """
INSERT INTO usage_usageevent (transaction_id, customer_ref, event_type, timestamp, properties, received_at)
SELECT %(ref)s || ':' || p || ':' || c || ':' || n, %(ref)s, 'kind' || p, %(at)s::timestamptz,
    jsonb_build_object('region', 'r' || c %% 20, 'tier', 't' || c / 20, 'units', (c %% 900 + 1)::text), now()
FROM generate_series(0, %(products)s - 1) p, generate_series(0, %(combinations)s - 1) c,
    generate_series(1, %(events)s) n
"""


def make_card(sdk: Metronome, combinations: int) -> tuple[str, list[str]]:
    """A card with ten products, one metric each; the card and the products."""
    card = sdk.v1.contracts.rate_cards.create(name=f"{combinations} combinations").data.id
    products = []
    keys = ["region", "tier"]
    for number in range(PRODUCTS):
        metric = sdk.v1.billable_metrics.create(
            name=f"Kind {number}",
            aggregation_type="SUM",
            aggregation_key="units",
            event_type_filter={"in_values": [f"kind{number}"]},
            property_filters=[{"name": name, "exists": True} for name in ("units", *keys)],
            group_keys=[keys],
        ).data.id
        product = sdk.v1.contracts.products.create(
            name=f"Product {number}",
            type="USAGE",
            billable_metric_id=metric,
            pricing_group_key=keys,
            tags=["compute" if number % 3 else "storage"],
        ).data.id
        products.append(product)
        for rates in _rates(product, number, combinations):
            sdk.v1.contracts.rate_cards.rates.add_many(rate_card_id=card, rates=rates)
    return card, products


def _rates(product: str, number: int, combinations: int) -> Iterator[list[Any]]:
    price: dict[str, Any] = {"rate_type": "TIERED", "tiers": TIERS} if number % 2 else {"price": 0.003}
    row = {"product_id": product, "starting_at": LONG_AGO, "entitled": True, "rate_type": "FLAT", **price}
    for first in range(0, combinations, 1000):
        yield [
            row | {"pricing_group_values": {"region": f"r{n % 20}", "tier": f"t{n // 20}"}}
            for n in range(first, min(first + 1000, combinations))
        ]


def overrides(products: list[str], start: datetime) -> list[Any]:
    """By tag, by product, by a group value, in tiers."""
    made: list[dict[str, Any]] = [
        {"type": "MULTIPLIER", "multiplier": 0.9, "priority": 3, "applicable_product_tags": ["compute"]},
        {"type": "OVERWRITE", "overwrite_rate": {"rate_type": "FLAT", "price": 0.002}, "product_id": products[2]},
        {
            "type": "MULTIPLIER",
            "multiplier": 0.5,
            "priority": 1,
            "override_specifiers": [{"pricing_group_values": {"region": "r7"}}],
        },
        {
            "type": "TIERED",
            "priority": 2,
            "product_id": products[5],
            "tiers": [{"size": 100, "multiplier": 1}, {"multiplier": 0.8}],
        },
    ]
    return [{"starting_at": start, **override} for override in made]


def make_draft(sdk: Metronome, url: str, combinations: int, start: datetime) -> tuple[str, str]:
    """A customer with that usage in the current period; the customer and the draft."""
    card, products = make_card(sdk, combinations)
    customer = sdk.v1.customers.create(name=f"{combinations} combinations").data.id
    sdk.v1.contracts.create(
        customer_id=customer,
        rate_card_id=card,
        starting_at=start,
        multiplier_override_prioritization="EXPLICIT",
        overrides=overrides(products, start),
    )
    with psycopg.connect(url) as connection:
        names = {"ref": customer, "at": start, "products": PRODUCTS, "combinations": combinations}
        connection.execute(EVENTS, names | {"events": EVENTS_EACH})
    [draft] = [row for row in sdk.v1.customers.invoices.list(customer_id=customer) if row.status == "DRAFT"]
    return customer, draft.id


def steps(invoice_id: str) -> tuple[int, dict[str, Callable[[], object]]]:
    """The lines of a draft, and what is measured by name."""
    from billing.composition import compose
    from billing.terms import load_terms
    from billing.usage import read_usage, stored_usage
    from engine.calendar import Period
    from engine.invoice import compose_usage_invoice
    from invoices.selectors import find_invoice

    row = find_invoice(invoice_id=UUID(invoice_id))
    period = Period(row.period_start, row.period_end)
    terms = load_terms(row.contract, period, row.credit_type)
    usage = read_usage(terms, stored_usage)
    count = len(compose(terms, stored_usage).lines)
    return count, {
        "terms: rates, products, overrides": lambda: load_terms(row.contract, period, row.credit_type),
        "quantities": lambda: read_usage(terms, stored_usage),
        "engine": lambda: compose_usage_invoice(terms.engine, usage),
        "the invoice, with its reads": lambda: compose(load_terms(row.contract, period, row.credit_type), stored_usage),
    }


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--combinations", default="200,2000")
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
        url = tactus.state["database_url"]
        drafts = [make_draft(sdk, url, int(size), start) for size in options.combinations.split(",")]
        roll(tactus)
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}", flush=True)
        client = Client(tactus)
        with django(tactus):
            for customer, draft in drafts:
                lines, measured = steps(draft)
                measured["HTTP draft invoice"] = lambda: client.ask("GET", f"/v1/customers/{customer}/invoices/{draft}")  # noqa: B023 - measured at once
                print(f"--- {lines:,} lines", flush=True)
                for name, work in measured.items():
                    timed(work, 2)
                    used = backend_cpu()
                    times = timed(work, options.times)
                    cpu = (backend_cpu() - used) / options.times
                    own = "" if name.startswith("HTTP") else f"   CPU {cpu:8.2f} ms"
                    median = statistics.median(times)
                    print(f"{name:36} best {times[0]:8.2f} ms   p50 {median:8.2f} ms{own}", flush=True)


if __name__ == "__main__":
    main()
