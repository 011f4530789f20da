"""How long the engine takes to compose one invoice: `python -m bench.rating [--rounds 5]`.

10 products with 200 group combinations each, tiers, overrides and, on request, balances: 2,000 lines. Then ten and
twenty times as many combinations, to see how it grows. Pure engine: no database, no Django.
"""

import argparse
import statistics
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing_site.memory import settle_memory
from engine.balances import BalanceKind, BalanceSegment
from engine.calendar import Period
from engine.invoice import InvoiceTerms, ProductTerms, UsageInput, compose_usage_invoice
from engine.money import fiat
from engine.overrides import Override, OverrideSpecifier, OverrideType, Prioritization
from engine.prices import Flat, MultiplierTier, Tier, Tiered
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow

UNIT = "usd"
START = datetime(2025, 1, 1, tzinfo=UTC)
PERIOD = Period(START, datetime(2025, 2, 1, tzinfo=UTC))
TIERS = Tiered((Tier(Decimal(1000), Decimal("0.5")), Tier(Decimal(9000), Decimal("0.4")), Tier(None, Decimal("0.25"))))


def product(number: int, combinations: int) -> tuple[ProductTerms, UsageInput]:
    """A product priced by region and tier of service; every second one has graduated tiers."""
    price = TIERS if number % 2 else Flat(Decimal("0.003"))
    rate = RateVersion(f"rate {number}", START - timedelta(days=90), None, True, price, UNIT)
    values = [(("region", f"r{n % 20}"), ("tier", f"t{n // 20}")) for n in range(combinations)]
    schedule = RateSchedule((rate,))
    terms = ProductTerms(
        f"p{number}",
        f"Product {number}",
        "m",
        ("region", "tier"),
        (),
        dict.fromkeys(values, schedule),
        tags=frozenset({"compute"} if number % 3 else {"storage"}),
    )
    rows = tuple(
        UsageRow(PERIOD, (region, tier), Decimal(n % 900 + 1), 10) for n, ((_, region), (_, tier)) in enumerate(values)
    )
    return terms, UsageInput(terms.product_id, rows)


def overrides() -> tuple[Override, ...]:
    """By tag, by product, by a group value, in tiers."""
    early = START - timedelta(days=30)
    return (
        Override(
            "o1", 1, early, type=OverrideType.MULTIPLIER, multiplier=Decimal("0.9"), priority=Decimal(3),
            applicable_product_tags=("compute",),
        ),
        Override("o2", 2, early, type=OverrideType.OVERWRITE, overwrite=Flat(Decimal("0.002")), product_id="p2"),
        Override(
            "o3", 3, early, type=OverrideType.MULTIPLIER, multiplier=Decimal("0.5"), priority=Decimal(1),
            specifiers=(OverrideSpecifier(pricing_group_values=frozenset({("region", "r7")})),),
        ),
        Override(
            "o4", 4, early, type=OverrideType.TIERED, priority=Decimal(2), product_id="p5",
            tiers=(MultiplierTier(Decimal(100), Decimal(1)), MultiplierTier(None, Decimal("0.8"))),
        ),
    )  # fmt: skip


def balances(count: int) -> tuple[BalanceSegment, ...]:
    """Commits that together pay a part of the invoice."""
    return tuple(
        BalanceSegment(
            f"b{n}", f"s{n}", BalanceKind.PREPAID, UNIT, START - timedelta(days=30), START + timedelta(days=300),
            Decimal(500), START, priority=Decimal(n),
        )
        for n in range(count)
    )  # fmt: skip


def measure(combinations: int, paying: int, rounds: int) -> tuple[int, float]:
    """Lines, and the median processor time of composing them in seconds."""
    made = [product(number, combinations) for number in range(10)]
    terms = InvoiceTerms(
        "c", PERIOD, fiat("USD"), UNIT, tuple(entry for entry, _ in made), overrides(), Prioritization.EXPLICIT,
        balances=balances(paying),
    )  # fmt: skip
    usage = [rows for _, rows in made]
    times = []
    for _ in range(rounds):
        began = time.process_time()
        invoice = compose_usage_invoice(terms, usage)
        times.append(time.process_time() - began)
    return len(invoice.lines), statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    settle_memory()
    print("balances  lines    ms     us/line")
    for paying in (0, 20):
        for combinations in (200, 1000, 2000):
            lines, seconds = measure(combinations, paying, rounds)
            print(f"{paying:8} {lines:6} {seconds * 1000:7.1f} {seconds / lines * 1e6:8.1f}")


if __name__ == "__main__":
    main()
