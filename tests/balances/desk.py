"""A small desk: people with roles, customers with a balance, and ways to ask for adjustments. Amounts in USD cents."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from balances.adjustment_models import USD, Adjustment
from balances.models import Balance, Segment
from balances.services import (
    AdjustmentReason,
    CreditRequest,
    LedgerEntryRequest,
    NewAdjustment,
    NewBalance,
    create_balance,
    request_adjustment,
)
from catalog.models import Product
from catalog.services.products import create_product
from core.staff import ensure_staff
from customers.models import Customer
from customers.services import create_customer

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


def person(name: str, role: str) -> User:
    ensure_staff(username=name, role=role, password="secret-enough")
    return User.objects.get(username=name)


def fixed_product(name: str = "Credits") -> Product:
    return create_product(product_type="FIXED", fields={"name": name}, now=NOW - YEAR)


def customer_with(
    amount: Any = 10_000, *, product: Product, name: str = "Acme", **more: Any
) -> tuple[Customer, Segment]:
    """A customer with one credit of this amount, and its segment."""
    customer = create_customer(name=name, now=NOW - YEAR)
    new = NewBalance(
        kind=Balance.Kind.CREDIT, product_id=product.pk, name="Starter credit",
        access=((Decimal(amount), NOW - timedelta(days=30), NOW + YEAR),), **more,
    )  # fmt: skip
    return customer, create_balance(customer_id=customer.pk, new=new, now=NOW - YEAR).segments.get()


@dataclass(frozen=True)
class Desk:
    support: User
    finance: User
    other: User
    product: Product
    customer: Customer
    segment: Segment

    def left(self) -> Decimal:
        return Segment.objects.get(pk=self.segment.pk).balance

    def ask(
        self,
        amount: Any,
        *,
        by: User | None = None,
        segment: Segment | None = None,
        at: datetime = NOW,
        **more: Any,
    ) -> Adjustment:
        target = segment or self.segment
        new = NewAdjustment(
            customer_id=target.owner.customer_id,
            asked=LedgerEntryRequest(target.pk, Decimal(amount)),
            reason=reason(),
            **more,
        )
        return request_adjustment(new=new, maker_id=(by or self.support).pk, now=at)

    def ask_credit(
        self, amount: Any, *, by: User | None = None, unit: UUID = USD, customer: Customer | None = None, **more: Any
    ) -> Adjustment:
        terms = {"starting_at": NOW, "ending_before": NOW + YEAR, "name": "Sorry"} | more
        asked = CreditRequest(product_id=self.product.pk, credit_type_id=unit, amount=Decimal(amount), **terms)
        new = NewAdjustment(customer_id=(customer or self.customer).pk, asked=asked, reason=reason())
        return request_adjustment(new=new, maker_id=(by or self.support).pk, now=NOW)


def reason(**more: Any) -> AdjustmentReason:
    return AdjustmentReason(**{"reason_code": "GOODWILL", "public_reason": "For the outage of 3 March"} | more)


def make_desk() -> Desk:
    product = fixed_product()
    customer, segment = customer_with(product=product)
    return Desk(
        person("sue", "support"), person("finn", "finance"), person("fay", "finance"), product, customer, segment
    )
