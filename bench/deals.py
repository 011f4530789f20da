"""Contracts as clients make and read them: `python -m bench.deals [--commits 10,100,1000] [--times 200]`.

Starts a Tactus of its own and asks over HTTP. Contracts with so many commits: seconds, and milliseconds a commit (it
should be flat). Contracts of a package with a subscription, a recurring credit, a commit, a charge and an override.
Reads of a contract without and with so many amendments.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from metronome import Metronome

from bench.age import Shop
from bench.measure import end_properly
from bench.reads import p99
from supervisor.temporary import Temporary

START = {"value": 0, "unit": "DAYS"}
YEAR = {"value": 1, "unit": "YEARS"}
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def commits(shop: Shop, counts: list[int], start: datetime) -> None:
    """One contract of each size."""
    for count in counts:
        customer = shop.sdk.v1.customers.create(name=f"{count} commits").data.id
        whole: list[Any] = [
            {
                "product_id": shop.fixed, "type": "PREPAID", "name": f"Commit {number}", "priority": number,
                "access_schedule": {"schedule_items": [
                    {"amount": 1000, "starting_at": start, "ending_before": start + timedelta(days=365)}
                ]},
                "invoice_schedule": {"schedule_items": [
                    {"timestamp": start + timedelta(days=number % 360), "unit_price": 1000, "quantity": 1}
                ]},
            }
            for number in range(count)
        ]  # fmt: skip
        took = _seconds(
            lambda customer=customer, whole=whole: shop.sdk.v1.contracts.create(  # type: ignore[misc]
                customer_id=customer, rate_card_id=shop.card, starting_at=start, commits=whole
            )
        )
        print(f"a contract with {count:5,} commits   {took:7.3f} s   {took / count * 1000:7.2f} ms each", flush=True)


def packages(shop: Shop, times: int, start: datetime) -> None:
    """So many customers, each with a contract of one package."""
    item = {"date_offset": START, "unit_price": 1000, "quantity": 1}
    package = shop.sdk.v1.packages.create(
        name="Pro",
        rate_card_id=shop.card,
        duration=YEAR,  # type: ignore[arg-type]
        subscriptions=[{
            "subscription_rate": {"product_id": shop.seat, "billing_frequency": "MONTHLY"}, "initial_quantity": 3,
            "collection_schedule": "ADVANCE", "proration": {"is_prorated": True},
        }],
        recurring_credits=[{
            "product_id": shop.fixed, "priority": 1, "starting_at_offset": START, "commit_duration": {"value": 1},
            "access_amount": {"unit_price": 1000, "quantity": 1, "credit_type_id": USD},
        }],
        commits=[{
            "product_id": shop.fixed, "type": "PREPAID", "priority": 2, "invoice_schedule": {"schedule_items": [item]},
            "access_schedule": {
                "schedule_items": [{"amount": 1000, "starting_at_offset": START, "duration": YEAR}]
            },
        }],
        scheduled_charges=[{"product_id": shop.fixed, "schedule": {"schedule_items": [item]}}],
        overrides=[{
            "type": "MULTIPLIER", "multiplier": 0.9, "starting_at_offset": START,
            "override_specifiers": [{"product_id": shop.usage}],
        }],
    ).data.id  # type: ignore[list-item]  # fmt: skip
    customers = [shop.sdk.v1.customers.create(name=f"Customer {number}").data.id for number in range(times)]

    def provision(customer: str) -> None:
        shop.sdk.v1.contracts.create(customer_id=customer, starting_at=start, package_id=package)

    took = [_seconds(lambda customer=customer: provision(customer)) for customer in customers]  # type: ignore[misc]
    _told("a contract of a package", took[5:])


def reads(shop: Shop, amendments: list[int], times: int, start: datetime) -> None:
    """A contract edited so often, then read so often."""
    for count in amendments:
        customer = shop.sdk.v1.customers.create(name=f"{count} amendments").data.id
        contract = shop.sdk.v1.contracts.create(customer_id=customer, rate_card_id=shop.card, starting_at=start).data.id
        for number in range(count):
            since = start + timedelta(days=number)
            shop.sdk.v2.contracts.edit(
                customer_id=customer,
                contract_id=contract,
                add_overrides=[
                    {"type": "MULTIPLIER", "multiplier": 0.9, "starting_at": since, "product_id": shop.usage}
                ],
                add_scheduled_charges=[{
                    "product_id": shop.fixed,
                    "schedule": {"schedule_items": [{"timestamp": since, "unit_price": 1000, "quantity": 1}]},
                }],
            )  # fmt: skip
        ids = {"customer_id": customer, "contract_id": contract}
        for version, read in (("v1", shop.sdk.v1.contracts.retrieve), ("v2", shop.sdk.v2.contracts.retrieve)):
            took = [_seconds(lambda read=read, ids=ids: read(**ids)) for _ in range(times)]  # type: ignore[misc]
            _told(f"{version} read after {count:2} amendments", took[5:])


def _seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _told(what: str, took: list[float]) -> None:
    ordered = sorted(one * 1000 for one in took)
    print(
        f"{what:28} best {ordered[0]:6.1f} ms   p50 {statistics.median(ordered):6.1f} ms   p99 {p99(ordered):6.1f} ms",
        flush=True,
    )


def main() -> None:
    """All three."""
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", default="10,100,1000")
    parser.add_argument("--amendments", default="0,50")
    parser.add_argument("--times", type=int, default=200)
    options = parser.parse_args()
    start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        sdk = Metronome(
            base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"], max_retries=0, timeout=120
        )
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}", flush=True)
        shop = Shop(sdk)
        commits(shop, [int(one) for one in options.commits.split(",")], start)
        packages(shop, options.times, start)
        reads(shop, [int(one) for one in options.amendments.split(",")], options.times, start)


if __name__ == "__main__":
    main()
