"""The story's commits and credits: parts of contracts, and what was given to a customer later."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from balances.models import Balance
from balances.services import NewBalance, create_balance
from demo.catalogue import product_ids
from demo.story import Calendar, Fee, Grant

FIELDS = {"PREPAID": "commits", "POSTPAID": "commits", "CREDIT": "credits", "MONTHLY": "recurring_credits"}


def contract_grants(grants: Iterable[Grant], calendar: Calendar) -> dict[str, Any]:
    """What a contract begins with, as its parts take it (contracts.parts)."""
    products = product_ids()
    found: dict[str, Any] = {}
    for grant in grants:
        if grant.given is None:
            found.setdefault(FIELDS[grant.kind], []).append(_body(grant, products, calendar))
    return found


def contract_fees(fees: Iterable[Fee], calendar: Calendar) -> dict[str, Any]:
    """What a contract charges each month up to the next, and what it takes off once, as its parts take it."""
    products = product_ids()
    found: dict[str, Any] = {}
    for fee in fees:
        starts, amount = calendar[fee.starts], {"unit_price": Decimal(fee.amount), "quantity": Decimal(1)}
        monthly = {"frequency": "MONTHLY", "amount_distribution": "EACH", "starting_at": starts, **amount}
        schedule: dict[str, Any] = (
            {"schedule_items": [{"timestamp": starts, **amount}]}
            if fee.takes_off
            else {"recurring_schedule": monthly | {"ending_before": calendar["next_month"] + timedelta(days=1)}}
        )
        body = {"product_id": products["support"], "name": fee.name, "schedule": schedule}
        found.setdefault("discounts" if fee.takes_off else "scheduled_charges", []).append(body)
    return found


def give(grant: Grant, *, customer_id: UUID, calendar: Calendar, now: datetime) -> None:
    """Grants a credit to a customer, once."""
    if Balance.objects.filter(uniqueness_key=f"demo-{grant.key}").exists():
        return
    products = product_ids()
    new = NewBalance(
        kind=grant.kind,
        product_id=products["credit"],
        name=grant.name,
        access=((Decimal(grant.amount), _hour(calendar, grant.starts), _hour(calendar, grant.ends or "soon")),),
        priority=Decimal(grant.priority),
        applicable_product_ids=tuple(str(products[key]) for key in grant.pays),
        uniqueness_key=f"demo-{grant.key}",
    )
    create_balance(customer_id=customer_id, new=new, now=now)


def _body(grant: Grant, products: dict[str, UUID], calendar: Calendar) -> dict[str, Any]:
    starts = calendar[grant.starts]
    body = {
        "product_id": products["credit" if grant.kind in ("CREDIT", "MONTHLY") else "prepaid"],
        "name": grant.name,
        "priority": Decimal(grant.priority),
        "applicable_product_ids": [str(products[key]) for key in grant.pays],
    }
    if grant.kind == "MONTHLY":
        return body | {
            "starting_at": starts,
            "access_amount": {"unit_price": Decimal(grant.amount), "quantity": Decimal(1)},
            "commit_duration": {"value": 1},
            "recurrence_frequency": "MONTHLY",
        }
    ends = calendar[grant.ends or "next_year"]
    item = {"amount": Decimal(grant.amount), "starting_at": starts, "ending_before": ends}
    body |= {"access_schedule": {"schedule_items": [item]}}
    if grant.kind == "CREDIT":
        return body
    due, asked = (ends, grant.amount) if grant.kind == "POSTPAID" else (starts, grant.price or grant.amount)
    charge = {"timestamp": due, "unit_price": Decimal(asked), "quantity": Decimal(1)}
    return body | {"type": grant.kind, "invoice_schedule": {"schedule_items": [charge]}}


def _hour(calendar: Calendar, name: str) -> datetime:
    return calendar[name].replace(minute=0, second=0, microsecond=0)
