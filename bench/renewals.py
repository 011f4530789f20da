"""Contracts that are due at one instant: `python -m bench.renewals [--contracts 1000] [--workers 2]`.

Starts a Tactus of its own and makes that many contracts (a commit that rolls over, a subscription, an override, 5 %
uplift), all of whose terms end at one time. Then workers run the sweep side by side until nothing is left, as the jobs
of beats do. Reported: how long that took, for each contract, and whether each was renewed once.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from metronome import Metronome

from bench.measure import end_properly
from supervisor.temporary import Temporary

TERM = timedelta(days=61)
AHEAD = timedelta(days=30)
"""The terms end so far in the future that the installation's own jobs leave them alone."""


def make_catalogue(tactus: Temporary) -> None:
    """Seats by the month, and a product for commits."""
    sdk = Metronome(bearer_token=tactus.credentials["api_key"], base_url=tactus.state["public_url"])
    seat = sdk.v1.contracts.products.create(name="Seat", type="SUBSCRIPTION").data.id
    sdk.v1.contracts.products.create(name="Renewed commit", type="FIXED")
    card = sdk.v1.contracts.rate_cards.create(name="Renewed").data.id
    sdk.v1.contracts.rate_cards.rates.add(
        rate_card_id=card, product_id=seat, starting_at=datetime(2020, 1, 1, tzinfo=UTC), entitled=True,
        rate_type="FLAT", price=1000, billing_frequency="MONTHLY",
    )  # fmt: skip


def make(number: int, start: datetime, end: datetime) -> None:
    """The contracts, one customer each, by the services that clients reach."""
    catalog = importlib.import_module("catalog.models")
    contracts = importlib.import_module("contracts.services")
    renewals = importlib.import_module("contracts.services.renewals")
    customers = importlib.import_module("customers.services")
    card = catalog.Rate.objects.get(rate_card__name="Renewed")
    commit = catalog.Product.objects.get(versions__name="Renewed commit")
    for index in range(number):
        customer = customers.create_customer(name=f"Due {index}", ingest_aliases=[], now=start)
        made = contracts.create_contract(
            customer_id=customer.pk, starting_at=start, ending_before=end, rate_card_id=card.rate_card_id, now=start,
            overrides=[contracts.NewOverride(start, type="MULTIPLIER", multiplier=Decimal("0.9"))],
            subscriptions=[
                contracts.NewSubscription(
                    card.product_id, card.billing_frequency, "ARREARS", initial_quantity=Decimal(3)
                )
            ],
            parts={"commits": [commit_of(commit.pk, start, end)]},
        )  # fmt: skip
        renewals.set_renewal(
            contract_id=made.pk, kind="SAME_TERMS", months=1, uplift_percent=Decimal(5), now=start + timedelta(hours=1)
        )


def commit_of(product_id: Any, start: datetime, end: datetime) -> dict[str, Any]:
    """As a body that has been read."""
    return {
        "type": "PREPAID", "product_id": product_id, "rollover_fraction": Decimal("0.25"),
        "access_schedule": {
            "schedule_items": [{"amount": Decimal(100000), "starting_at": start, "ending_before": end}],
        },
        "invoice_schedule": {
            "schedule_items": [{"timestamp": start, "unit_price": Decimal(90000), "quantity": Decimal(1)}],
        },
    }  # fmt: skip


def sweep(end: datetime) -> None:
    """One worker: as long as there is work, its own or that of the others."""
    renewals = importlib.import_module("contracts.services.renewals")
    selectors = importlib.import_module("contracts.selectors.renewals")
    patience = importlib.import_module("core.patience")
    done = 0
    while selectors.due_policies(now=end).exists():
        with patience.bounded_waits():
            done += renewals.renew_due_contracts(now=end)
    print(f"  a worker renewed {done}")


def tell(end: datetime) -> None:
    """What came of it."""
    models = importlib.import_module("contracts.models")
    decided = models.RenewalDecision.objects.filter(term_end=end)
    made = models.Contract.objects.filter(starting_at=end, transition="RENEWAL")
    failed = models.RenewalPolicy.objects.filter(attempts__gt=0).count()
    print(f"  {decided.count()} decisions, {made.count()} new contracts, {failed} failures")


def main() -> int:
    """Makes them, renews them, says how long it took."""
    end_properly()
    parser = argparse.ArgumentParser(prog="python -m bench.renewals", description=__doc__)
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--inside", choices=("make", "sweep", "tell"), help=argparse.SUPPRESS)
    parser.add_argument("--end", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        importlib.import_module("django").setup()
        inside = {
            "make": lambda: make(options.contracts, options.end - TERM, options.end),
            "sweep": lambda: sweep(options.end),
            "tell": lambda: tell(options.end),
        }
        inside[options.inside]()
        return 0
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + AHEAD
    with Temporary() as tactus:
        make_catalogue(tactus)

        def run(what: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "bench.renewals", "--inside", what, "--end", end.isoformat()]
            env = tactus.env | {
                "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "billing_site.settings.dev"),
                "DATABASE_URL": tactus.state["database_url"],
                "REDIS_URL": tactus.state["redis_url"],
            }
            return subprocess.Popen([*command, "--contracts", str(options.contracts)], env=env)

        began = time.perf_counter()
        if run("make").wait():
            return 1
        print(f"{options.contracts} contracts made in {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        statuses = [worker.wait() for worker in [run("sweep") for _ in range(options.workers)]]
        took = time.perf_counter() - began
        print(
            f"{options.contracts} renewed by {options.workers} workers in {took:.1f} s,"
            f" {took * 1000 / options.contracts:.1f} ms each"
        )
        return max([*statuses, run("tell").wait()])


if __name__ == "__main__":
    sys.exit(main())
