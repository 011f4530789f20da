# ruff: noqa: PLC0415 - Django is set up in the middle
"""Whether costs grow with age and size: `python -m bench.age [--months 1,60] [--contracts 1,50] [--times 20]`.

Starts a Tactus of its own. First the draft of a contract with two monthly subscriptions (one in advance, one in
arrears) and usage, after so many months. Then closing a month of as many contracts, each on an account of its own and
all on one account with one shared credit: milliseconds a period. Both should be flat.
"""

import argparse
import os
import platform
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from metronome import Metronome

from bench.measure import end_properly
from bench.reads import backend_cpu, django, timed
from supervisor.temporary import Temporary

LONG_AGO = "2000-01-01T00:00:00Z"


class Shop:
    """One card with a metered product and a monthly subscription."""

    def __init__(self, sdk: Metronome) -> None:
        self.sdk = sdk
        metric = sdk.v1.billable_metrics.create(
            name="Calls", aggregation_type="COUNT", event_type_filter={"in_values": ["call"]}
        ).data.id
        self.usage = sdk.v1.contracts.products.create(name="Calls", type="USAGE", billable_metric_id=metric).data.id
        self.seat = sdk.v1.contracts.products.create(name="Seats", type="SUBSCRIPTION").data.id
        self.fixed = sdk.v1.contracts.products.create(name="Credit", type="FIXED").data.id
        self.card = sdk.v1.contracts.rate_cards.create(name="Card").data.id
        rate = {"rate_card_id": self.card, "starting_at": LONG_AGO, "entitled": True, "rate_type": "FLAT"}
        sdk.v1.contracts.rate_cards.rates.add(product_id=self.usage, price=5, **rate)
        sdk.v1.contracts.rate_cards.rates.add(product_id=self.seat, price=700, billing_frequency="MONTHLY", **rate)

    def customer(self, start: datetime) -> str:
        """A customer with a credit that every contract of its may draw on."""
        made = self.sdk.v1.customers.create(name="Customer").data.id
        item = {"amount": 10**6, "starting_at": start, "ending_before": start + timedelta(days=4000)}
        self.sdk.v1.customers.credits.create(
            customer_id=made, product_id=self.fixed, priority=1,
            access_schedule={"credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2", "schedule_items": [item]},
        )  # fmt: skip
        return str(made)

    def contract(self, customer: str, start: datetime, *, subscribed: bool) -> None:
        """A monthly contract from `start` on."""
        rate = {"product_id": self.seat, "billing_frequency": "MONTHLY"}
        proration = {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"}
        subscriptions: list[Any] = [
            {"subscription_rate": rate, "collection_schedule": kind, "proration": proration, "initial_quantity": 3}
            for kind in ("ADVANCE", "ARREARS")
        ]
        more = {"subscriptions": subscriptions} if subscribed else {}
        self.sdk.v1.contracts.create(customer_id=customer, rate_card_id=self.card, starting_at=start, **more)

    def use(self, customers: list[str], at: datetime) -> None:
        """Ten calls of each customer."""
        events: list[Any] = [
            {
                "transaction_id": f"{customer}-{number}", "customer_id": customer, "event_type": "call",
                "timestamp": (at - timedelta(seconds=number)).isoformat(),
            }
            for customer in customers for number in range(10)
        ]  # fmt: skip
        for first in range(0, len(events), 500):
            self.sdk.v1.usage.ingest(usage=events[first : first + 500])


def months_ago(now: datetime, months: int) -> datetime:
    """The first of a month."""
    index = now.year * 12 + now.month - 1 - months
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def old_contracts(shop: Shop, now: datetime, ages: list[int], times: int) -> None:
    """The draft of a contract of each age, everything before it final."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from invoices.selectors import get_invoice
    from invoices.services.finalize import finalize_due_invoices

    subjects = []
    for age in ages:
        customer = shop.customer(months_ago(now, age))
        shop.contract(customer, months_ago(now, age), subscribed=True)
        shop.use([customer], now)
        subjects.append((age, customer))
    while finalize_due_invoices(now=now):
        pass
    for age, customer in subjects:
        rows = list(
            shop.sdk.v1.customers.invoices.list(customer_id=customer, status="DRAFT", extra_query={"type": "USAGE"})
        )
        draft = UUID(rows[0].id)

        def read(customer: str = customer, draft: UUID = draft) -> object:
            from django.db import transaction

            with transaction.atomic():  # nothing that a process keeps: what reading it anew costs
                return get_invoice(customer_id=UUID(customer), invoice_id=draft, now=now)

        timed(read, 3)
        used = backend_cpu()
        took = timed(read, times)
        cpu = (backend_cpu() - used) / times
        with CaptureQueriesContext(connection) as queries:
            read()
        print(
            f"draft after {age:3} months   best {took[0]:7.2f} ms   p50 {statistics.median(took):7.2f} ms   "
            f"CPU {cpu:7.2f} ms   {len(queries)} statements",
            flush=True,
        )


def closing(shop: Shop, now: datetime, counts: list[int]) -> None:
    """A month's close of so many contracts, on one account and on as many."""
    from invoices.services.finalize import finalize_due_invoices

    start = months_ago(now, 0)
    end = months_ago(now, -1) + timedelta(days=3)
    for count in counts:
        for accounts in sorted({1, count}, reverse=True):
            customers = [shop.customer(start) for _ in range(accounts)]
            for number in range(count):
                shop.contract(customers[number % accounts], start, subscribed=False)
            shop.use(customers, now)
            began, used = time.perf_counter(), backend_cpu()
            closed = 0
            while done := finalize_due_invoices(now=end):
                closed += done
            took, cpu = time.perf_counter() - began, backend_cpu() - used
            print(
                f"closing {count:3} contracts of {accounts:3} accounts   {took / closed * 1000:7.2f} ms a period   "
                f"CPU {cpu / closed:7.2f} ms   ({closed} closed)",
                flush=True,
            )


def main() -> None:
    end_properly()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", default="1,60")
    parser.add_argument("--contracts", default="1,50")
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    now = datetime.now(UTC)
    with Temporary(TACTUS_DEMO="0", TACTUS_LOG_LEVEL="WARNING") as tactus:
        sdk = Metronome(base_url=tactus.state["public_url"], bearer_token=tactus.credentials["api_key"])
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}", flush=True)
        with django(tactus):
            shop = Shop(sdk)
            old_contracts(shop, now, [int(one) for one in options.months.split(",")], options.times)
            closing(shop, now, [int(one) for one in options.contracts.split(",")])


if __name__ == "__main__":
    main()
