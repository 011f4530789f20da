# ruff: noqa: PLC0415 - Django is set up in the middle
"""What a customer with many balances can spend now: `python -m bench.balances [--events 10000000] [--balances 50]`.

Starts a Tactus of its own. One customer with its events in the current month, priced by five metrics in 17 groups
(bench/reads.py), and commits and credits of many kinds. Measured are the answer of `getNetBalance`, as a selector and
over HTTP, the list of balances with ledgers, and the draft invoice beside them.
"""

import argparse
import os
import platform
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from metronome import Metronome

from bench.measure import end_properly
from bench.reads import Client, backend_cpu, django, fill, make_catalogue, make_subject, p99, roll, timed
from supervisor.temporary import Temporary


def grant(sdk: Metronome, customer: str, count: int, start: datetime) -> None:
    """Credits and prepaid commits of different priority, end and scope; together too little for the month's usage."""
    fixed = sdk.v1.contracts.products.create(name="Credits", type="FIXED").data.id
    for number in range(count):
        schedule: Any = {
            "schedule_items": [
                {
                    "amount": 50 + number,
                    "starting_at": start - timedelta(days=number),
                    "ending_before": start + timedelta(days=60 + number),
                }
            ]
        }
        scope: dict[str, Any] = {"applicable_product_tags": ["none"]} if number % 5 == 4 else {}
        body = {"customer_id": customer, "product_id": fixed, "priority": number % 7, "access_schedule": schedule}
        if number % 2:
            sdk.v1.customers.credits.create(**body, **scope)
        else:
            sdk.v1.customers.commits.create(**body, **scope, type="PREPAID")


def calls(client: Client, customer: str, invoice: str) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    from billing.selectors.live_balances import net_balance
    from core.clock import now

    usd = UUID("2714e483-4ff1-48e4-9e25-ac732e8f24f2")
    asked = {"customer_id": customer}
    whole = {**asked, "include_balance": True, "include_ledgers": True, "include_contract_balances": True}
    return {
        "selector net balance": lambda: net_balance(
            customer_id=UUID(customer), now=now(), credit_type_id=usd, access_type="SPEND"
        ),
        "HTTP getNetBalance": lambda: client.ask("POST", "/v1/contracts/customerBalances/getNetBalance", asked),
        "HTTP customerBalances/list, 25 of them": lambda: client.ask(
            "POST", "/v1/contracts/customerBalances/list", whole
        ),
        "HTTP draft invoice": lambda: client.ask("GET", f"/v1/customers/{customer}/invoices/{invoice}"),
    }


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--balances", type=int, default=50)
    parser.add_argument("--times", type=int, default=300)
    options = parser.parse_args()
    now = datetime.now(UTC)
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
        card, _ = make_catalogue(sdk)
        subject = make_subject(sdk, card, options.events, start)
        grant(sdk, subject.customer, options.balances, start)
        fill(tactus.state["database_url"], subject, start, now)
        roll(tactus)
        print(
            f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()};"
            f" {options.events:,} events this month, {options.balances} balances",
            flush=True,
        )
        client = Client(tactus)
        with django(tactus):
            for name, work in calls(client, subject.customer, subject.invoice).items():
                timed(work, 5)
                used = backend_cpu()
                times = timed(work, options.times)
                cpu = (backend_cpu() - used) / options.times
                own = f"   CPU {cpu:7.2f} ms" if name.startswith("selector") else ""
                print(f"{name:40} p50 {statistics.median(times):8.2f} ms   p99 {p99(times):8.2f} ms{own}", flush=True)


if __name__ == "__main__":
    main()
