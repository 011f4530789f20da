"""A small business to look at: one card, one customer with two billed months and a running one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from billing.services.periods import open_due_periods
from catalog.services import metrics, products, rate_cards, rates
from contracts.services import create_contract
from customers.services import create_customer
from invoices.models import InvoiceListing
from invoices.services.finalize import finalize_due_invoices
from usage.services import ingest
from usage.store import NewEvent


@dataclass(frozen=True)
class World:
    now: datetime
    since: datetime
    card: UUID
    product: UUID
    customer: UUID
    contract: UUID

    @property
    def invoices(self) -> QuerySet[InvoiceListing]:
        return InvoiceListing.objects.filter(customer_id=self.customer)

    @property
    def final(self) -> InvoiceListing:
        return self.invoices.filter(status="FINALIZED").order_by("period_start").first()

    @property
    def draft(self) -> InvoiceListing:
        return self.invoices.filter(status="DRAFT").order_by("-period_start").first()


def month_before(at: datetime) -> datetime:
    return (at.replace(day=1) - timedelta(days=1)).replace(day=1)


def make_world(now: datetime) -> World:
    """Tokens at 0.25 cents each, the first thousand of every month free; 1,500 used each month."""
    this = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = month_before(month_before(this))
    card = rate_cards.create_rate_card(name="Price list", now=since)
    exists = [{"name": "tokens", "exists": True}]
    tokens = metrics.create_metric(
        name="Tokens used", aggregation_type="SUM", aggregation_key="tokens", property_filters=exists, now=since
    )
    fields = {"name": "Tokens", "billable_metric_id": str(tokens.pk)}
    product = products.create_product(product_type="USAGE", fields=fields, now=since)
    tiers = ((Decimal(1000), Decimal(0)), (None, Decimal("0.25")))
    rate = rates.NewRate(product.pk, since, entitled=True, rate_type="TIERED", tiers=tiers)
    rates.add_rates(rate_card_id=card.pk, rates=[rate], now=since)
    customer, contract = sign_up(card.pk, "Acme Robotics", since, alias="acme")
    months = [since, month_before(this), this]
    for n, month in enumerate(months):
        events = [
            NewEvent(f"acme-{n}-{k}", "acme", "call", month + timedelta(seconds=k), {"tokens": 500}) for k in range(3)
        ]
        ingest(events=events, now=now)
    bring_up_to_date(now)
    return World(now, since, card.pk, product.pk, customer, contract)


def sign_up(card: UUID, name: str, since: datetime, alias: str | None = None) -> tuple[UUID, UUID]:
    """A customer with a monthly contract on `card`."""
    customer = create_customer(name=name, ingest_aliases=[alias] if alias else [], now=since)
    contract = create_contract(
        customer_id=customer.pk,
        rate_card_id=card,
        name=f"{name} plan",
        starting_at=since,
        net_payment_terms_days=30,
        now=since,
    )
    return customer.pk, contract.pk


def bring_up_to_date(now: datetime) -> None:
    """Opens and finalizes what is due."""
    open_due_periods(now=now)
    finalize_due_invoices(now=now)
