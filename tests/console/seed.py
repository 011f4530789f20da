"""A believable customer for the console: models, regions, two billed months, usage up to this moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from catalog.services import metrics, products, rate_cards, rates
from contracts.services import create_contract
from core.sweeps import run_due_work as do_due_work
from customers.services import create_customer
from usage.services import ingest
from usage.store import NewEvent

MODELS = {"lumen-large": ("0.00025", "0.00100"), "lumen-small": ("0.00004", "0.00016")}
REGIONS = ("us-east", "eu-west")


@dataclass(frozen=True)
class Shop:
    """Ids of what `seed_shop` made."""

    rate_card: UUID
    products: tuple[UUID, ...]


def seed_shop(now: datetime, since: datetime) -> Shop:
    """Metrics, products and the rate card "Scale 2026"."""
    made = []
    card = rate_cards.create_rate_card(name="Scale 2026", now=now)
    for name, event_type, key, grouped in (
        ("Input tokens", "completion", "input_tokens", True),
        ("Output tokens", "completion", "output_tokens", True),
        ("Image generations", "image", None, False),
        ("Stored vectors", "vectors", "million", False),
    ):
        groups = [["model", "region"]] if grouped else []
        exists = [
            {"name": prop, "exists": True} for prop in ([key] if key else []) + (["model", "region"] if grouped else [])
        ]
        metric = metrics.create_metric(
            name=name,
            aggregation_type="COUNT" if key is None else "MAX" if event_type == "vectors" else "SUM",
            aggregation_key=key,
            event_type_filter={"in_values": [event_type]},
            property_filters=exists,
            group_keys=groups,
            now=now,
        )
        fields = {"name": name, "billable_metric_id": str(metric.pk)}
        if grouped:
            fields |= {"pricing_group_key": ["model"], "presentation_group_key": ["region"]}
        product = products.create_product(product_type="USAGE", fields=fields, now=now)
        made.append(product.pk)
        new = _rates(name, product.pk, since)
        rates.add_rates(rate_card_id=card.pk, rates=new, now=now)
    return Shop(card.pk, tuple(made))


def _rates(name: str, product: UUID, since: datetime) -> list[rates.NewRate]:
    if name == "Image generations":
        tiers = ((Decimal(500), Decimal(4)), (None, Decimal("2.5")))
        return [rates.NewRate(product, since, entitled=True, rate_type="TIERED", tiers=tiers)]
    if name == "Stored vectors":
        return [rates.NewRate(product, since, entitled=True, rate_type="FLAT", price=Decimal(900))]
    column = 0 if name == "Input tokens" else 1
    return [
        rates.NewRate(
            product,
            since,
            entitled=True,
            rate_type="FLAT",
            price=Decimal(prices[column]),
            pricing_group_values={"model": model},
        )
        for model, prices in MODELS.items()
    ]


def seed_customer(
    shop: Shop,
    name: str,
    *,
    now: datetime,
    since: datetime,
    per_day: int = 12,
    seed: int = 7,
    grants: Callable[[UUID], object] = str,
) -> UUID:
    """A customer with a contract from `since` on, and usage until `now`; invoices that are due are final.

    `grants` may give it commits and credits before anything is used.
    """
    customer = create_customer(name=name, ingest_aliases=[name.lower().replace(" ", "-")], now=since)
    create_contract(
        customer_id=customer.pk,
        rate_card_id=shop.rate_card,
        name="Scale plan",
        starting_at=since,
        net_payment_terms_days=30,
        now=since,
    )
    grants(customer.pk)
    events = _events(str(customer.pk), Random(seed), since, now, per_day)
    for at in range(0, len(events), 500):
        ingest(events=events[at : at + 500], now=now)
    run_due_work(now)
    return customer.pk


def run_due_work(now: datetime) -> None:
    """All that is due."""
    do_due_work(clock=lambda: now)


def _events(ref: str, random: Random, since: datetime, now: datetime, per_day: int) -> list[NewEvent]:
    found, day, n = [], since, 0
    while day < now:
        weight = (0.45 if day.weekday() >= 5 else 1) * (0.7 + 0.6 * random.random()) * (1 + (day - since).days / 120)
        over = min(86400, int((now - day).total_seconds()) or 1)  # seconds of the day: today's usage is there already
        for _ in range(max(1, int(per_day * weight))):
            at = day + timedelta(seconds=random.randrange(over))
            n += 1
            model = random.choices(list(MODELS), (3, 2))[0]
            properties = {
                "model": model,
                "region": random.choices(REGIONS, (3, 1))[0],
                "input_tokens": random.randrange(200_000, 1_400_000),
                "output_tokens": random.randrange(60_000, 420_000),
            }
            found.append(NewEvent(f"{ref[:8]}-c-{n}", ref, "completion", at, properties))
            found += [
                NewEvent(f"{ref[:8]}-i-{n}-{m}", ref, "image", at, {"size": "1024"})
                for m in range(random.randrange(0, 12))
            ]
        found.append(
            NewEvent(f"{ref[:8]}-v-{day:%Y%m%d}", ref, "vectors", day, {"million": 1 + (day - since).days // 25})
        )
        day += timedelta(days=1)
    return found
