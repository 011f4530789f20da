"""Commits and credits for a customer of the console, made through services."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from balances.services import NewBalance, create_balance
from catalog.services import products
from contracts.api.edits import teller
from contracts.models import Contract
from contracts.services import edit_contract

DAY = timedelta(days=1)


@dataclass
class Given:
    """Ids of what `give` made, and the days it speaks of."""

    commit: UUID
    welcome: UUID
    postpaid: UUID
    soon: datetime


def fixed(now: datetime, name: str = "Prepaid") -> UUID:
    """A product that commits and credits hang on."""
    return products.create_product(product_type="FIXED", fields={"name": name}, now=now).pk


def give(customer: UUID, *, since: datetime, today: datetime) -> Given:
    """A commit of two terms, a credit that ends in ten days, a recurring one, and an obligation, all in USD."""
    product, month = fixed(since), (since + 32 * DAY).replace(day=1)
    [contract] = Contract.objects.filter(customer_id=customer)
    soon = today + 10 * DAY
    commit = create_balance(
        customer_id=customer,
        new=NewBalance(
            kind="PREPAID",
            product_id=product,
            name="Annual commit",
            description="never shown",
            access=((Decimal(900), since, month), (Decimal(40_000), month, today + 300 * DAY)),
            do_not_invoice=True,
            priority=Decimal(1),
        ),
        now=since,
    )
    welcome = create_balance(
        customer_id=customer,
        new=NewBalance(
            kind="CREDIT",
            product_id=product,
            name="Welcome credit",
            access=((Decimal(5_000), since, soon),),
            priority=Decimal(50),
        ),
        now=since,
    )
    postpaid = create_balance(
        customer_id=customer,
        new=NewBalance(
            kind="POSTPAID",
            product_id=product,
            name="Yearly minimum",
            access=((Decimal(900_000), since, today + 200 * DAY),),
            invoices=((today + 200 * DAY, Decimal(900_000), Decimal(1)),),
            invoice_contract_id=contract.pk,
        ),
        now=since,
    )
    monthly = {
        "product_id": product,
        "name": "Monthly credit",
        "priority": Decimal(2),
        "starting_at": since,
        "access_amount": {"unit_price": Decimal(1_000), "quantity": Decimal(1)},
        "commit_duration": {"value": 1},
    }
    edit_contract(
        contract_id=contract.pk, customer_id=customer, now=since, parts={"add_recurring_credits": [monthly]},
        tell=teller({}, since),
    )  # fmt: skip
    return Given(commit.pk, welcome.pk, postpaid.pk, soon)
