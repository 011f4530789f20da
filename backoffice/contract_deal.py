"""What was agreed in a contract, in words: prices of its own, commits and credits, what recurs, what it follows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from backoffice.balance_page import rows_of
from balances.models import AccessType, RecurringGrant
from balances.selectors.balances import recurring_rows
from catalog.models import CreditType
from catalog.price_table import prices_of, values_text
from catalog.selectors import state_at
from contracts.models import Contract, Override
from contracts.selectors import ContractRate
from contracts.selectors.overrides import override_rows
from contracts.selectors.rate_schedule import list_contract_rates
from engine.money import mul
from presentation import formatting, markup
from presentation.prices import price_rows

EVERY = {"": "with its invoices", "MONTHLY": "every month", "QUARTERLY": "every quarter", "ANNUAL": "every year",
         "WEEKLY": "every week"}  # fmt: skip
MOST_RATES = 50
EDITS = (
    ("add_balance", "Add commit or credit", "balances"),
    ("add_override", "Add price override", "overrides"),
    ("add_subscription", "Add subscription", "subscriptions"),
    ("add_charge", "Add scheduled charge", "charges"),
    ("add_discount", "Add discount", "discounts"),
    ("take_away", "Take away", "removals"),
    ("change_quantity", "Change quantity", "quantities"),
    ("rename", "Rename", "terms"),
    ("renewal_policy", "Change renewal policy", "policy"),
)


def context(request: HttpRequest, contract: Contract, at: datetime) -> dict[str, Any]:
    """The deal, as of `at`; a fixed number of queries, however much was agreed."""
    may_see = request.user.has_perm("balances.view_balance")
    overrides = list(override_rows().filter(contract=contract, removed_by__isnull=True).order_by("starting_at"))
    unit = contract.rate_card.fiat_credit_type if contract.rate_card else None
    grants = list(recurring_of(contract)) if may_see else []
    rates = list_contract_rates(contract=contract, at=max(at, contract.starting_at))
    return {
        "rates": [rate_line(row) for row in rates[:MOST_RATES]],
        "more_rates": max(0, len(rates) - MOST_RATES),
        "overrides": [override_line(row, unit, at) for row in overrides],
        "deal_balances": rows_of(contract.customer_id, at, contract=contract) if may_see else [],
        "recurring": [recurring_line(row, at) for row in grants],
        "may_see_balances": may_see,
        "links": followed(contract),
        "edits": edits(request, contract),
    }


def recurring_of(contract: Contract) -> QuerySet[RecurringGrant]:
    """Its recurring commits and credits."""
    return recurring_rows().filter(contract=contract, archived_at__isnull=True)


def edits(request: HttpRequest, contract: Contract) -> dict[str, dict[str, str]]:
    """What may be changed, by the panel that it stands in; nothing of an archived contract."""
    if contract.archived_at is not None or not request.user.has_perm("contracts.edit_contract"):
        return {}
    renewal = f"{reverse('admin:contracts_contract_add')}?renews={contract.pk}"
    may_renew = contract.ending_before is not None and request.user.has_perm("contracts.create_contract")
    found = {"renewal": {"title": "Renew", "url": renewal}} if may_renew else {}
    return found | {
        where: {
            "title": title,
            "url": reverse(f"admin:contracts_contract_{slug}", args=[contract.pk]),
        }
        for slug, title, where in EDITS
    }


def rate_line(row: ContractRate) -> dict[str, Any]:
    """What a product costs under this contract, and what the card says where that is something else."""
    rate = row.listed.rate
    listed, agreed = prices_of(rate), row.decision.winner is not None
    return {
        "product": row.listed.state.name,
        "values": values_text(rate.pricing_group_values),
        "prices": price_rows(row.decision.price, rate.credit_type) if agreed else listed,
        "listed": listed if agreed else (),
        "entitled": row.decision.entitled,
        "until": row.ending_before,
    }


def override_line(row: Override, unit: CreditType | None, at: datetime) -> dict[str, Any]:
    """An override as people say it: for what, at which price, from when to when."""
    return {
        "id": row.pk,
        "what": override_name(row, at),
        "price": _price(row, row.overwrite_credit_type or unit),
        "starting_at": row.starting_at,
        "ending_before": row.ending_before,
        "state": _state(row.starting_at, row.ending_before, at),
    }


def override_name(row: Override, at: datetime) -> str:
    """What an override is about."""
    if row.product is not None:
        return state_at(list(row.product.versions.all()), at).name
    if row.applicable_product_tags:
        return f"products tagged {' and '.join(row.applicable_product_tags)}"
    return f"{len(row.override_specifiers):,} rule(s)" if row.override_specifiers else "everything"


def _price(row: Override, unit: CreditType | None) -> str:
    if row.multiplier is not None:
        return f"list price times {formatting.format_quantity(row.multiplier)}"
    if row.tiers:
        return f"list price times a factor, in {len(row.tiers):,} tiers"
    if row.overwrite_rate is not None:
        price = row.overwrite_rate.get("price")
        if price is None or unit is None:
            return f"{row.overwrite_rate['rate_type'].lower()} price of its own"
        return f"{formatting.price(Decimal(price), unit)} per unit"
    return "can be used" if row.entitled else "cannot be used"


def recurring_line(row: RecurringGrant, at: datetime) -> dict[str, Any]:
    """A recurring commit or credit as people say it."""
    amount = mul(row.access_unit_price, row.access_quantity)
    shown = (
        f"{markup.quantity(amount)} units"
        if row.access_type == AccessType.QUANTITY
        else formatting.money_text(amount, row.credit_type)
    )
    return {
        "name": row.name or state_at(list(row.product.versions.all()), at).name,
        "kind": "Credit" if row.kind == RecurringGrant.Kind.CREDIT else "Commit",
        "gives": f"{shown} {EVERY.get(row.frequency, row.frequency.lower())}",
        "starting_at": row.starting_at,
        "ending_before": row.ending_before,
        "state": _state(row.starting_at, row.ending_before, at),
    }


def followed(contract: Contract) -> list[dict[str, str]]:
    """The contract that this one follows, and those that follow it."""
    links = [("Renews", contract.renews)] if contract.renews is not None else []
    links += [("Renewed by", later) for later in contract.renewals.all()]
    return [
        {"how": how, "name": str(one), "url": reverse("admin:contracts_contract_change", args=[one.pk])}
        for how, one in links
    ]


def _state(start: datetime, end: datetime | None, at: datetime) -> tuple[str, str]:
    if start > at:
        return "Future", "info"
    return ("Ended", "") if end is not None and end <= at else ("In force", "ok")
