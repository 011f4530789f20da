"""A product, its price, overrides and balances, from the short notation of the tables."""

import re
from datetime import timedelta
from decimal import Decimal

from engine.balances import AccessType, BalanceKind, BalanceSegment
from engine.invoice import ComposedInvoice, InvoiceTerms, ProductTerms, UsageInput, compose_usage_invoice
from engine.money import fiat, plain
from engine.overrides import Override, OverrideType, RateTarget
from engine.prices import Flat, MultiplierTier
from engine.rating import RateSchedule, RateVersion
from engine.usage import UsageRow
from tests.engine.strategies import JANUARY, START, UNIT
from tests.engine.tables import price

BEFORE = START - timedelta(days=40)
AFTER = START + timedelta(days=400)


def override(text: str, number: int, **target: object) -> Override:
    """`=950`, `x0.8`, `t10x0.8,x1`, `e+`, `e-`; `!2` a priority; `c` commit-specific, `k` for commit rates."""
    body, _, priority = text.partition("!")
    specific = body[0] in "ck"
    facts: dict[str, object] = {
        "priority": Decimal(priority) if priority else None,
        "is_commit_specific": specific,
        "target": RateTarget.COMMIT_RATE if body[0] == "k" else RateTarget.LIST_RATE,
    }
    body = body[1:] if specific else body
    if body[0] == "=":
        facts |= {"type": OverrideType.OVERWRITE, "overwrite": Flat(Decimal(body[1:]))}
    elif body[0] == "x":
        facts |= {"type": OverrideType.MULTIPLIER, "multiplier": Decimal(body[1:])}
    elif body[0] == "t":
        parts = [part.split("x") for part in body[1:].split(",")]
        tiers = tuple(MultiplierTier(Decimal(size) if size else None, Decimal(factor)) for size, factor in parts)
        facts |= {"type": OverrideType.TIERED, "tiers": tiers}
    else:
        facts["entitled"] = body == "e+"
    return Override(f"{number}", number, **({"product_id": "p", "starting_at": BEFORE} | facts | target))


def overrides(text: str) -> tuple[Override, ...]:
    """Overrides separated by spaces, numbered from 1 in the order of adding."""
    return tuple(override(part, number) for number, part in enumerate(text.split(), 1))


def segment(name: str, amount: Decimal | int | str, **facts: object) -> BalanceSegment:
    """A prepaid segment that is accessible throughout January."""
    given: dict[str, object] = {
        "kind": BalanceKind.PREPAID, "unit": UNIT, "starting_at": BEFORE, "ending_before": AFTER, "created_at": BEFORE,
    }  # fmt: skip
    return BalanceSegment(balance_id=name, segment_id=f"{name} 1", available=Decimal(amount), **(given | facts))


def balances(text: str) -> tuple[BalanceSegment, ...]:
    """`list 400`, `commit 400`, `quantity 7`, `postpaid 400`, `credit 400`, separated by `,`, in order of priority."""
    found = []
    for number, part in enumerate(filter(None, text.split(",")), 1):
        word, amount = part.split()
        kinds = {"postpaid": BalanceKind.POSTPAID, "credit": BalanceKind.CREDIT}
        found.append(
            segment(
                f"b{number}",
                amount,
                kind=kinds.get(word, BalanceKind.PREPAID),
                access_type=AccessType.QUANTITY if word == "quantity" else AccessType.SPEND,
                rate_type=RateTarget.COMMIT_RATE if word == "commit" else RateTarget.LIST_RATE,
                priority=Decimal(number),
            )
        )
    return tuple(found)


def product(listed: str, commit: str = "", **facts: object) -> ProductTerms:
    """A product without group keys at one rate."""
    version = RateVersion(
        "r", BEFORE, None, True, price(listed), UNIT, commit_price=price(commit) if commit else None
    )  # fmt: skip
    return ProductTerms("p", "P", "m", schedules={(): RateSchedule((version,))}, **facts)


def invoice(terms: InvoiceTerms, quantity: str) -> ComposedInvoice:
    """The invoice of terms of one product, its quantity used in January."""
    rows = (UsageRow(JANUARY, (), Decimal(quantity), 1),)
    return compose_usage_invoice(terms, [UsageInput(terms.products[0].product_id, rows)])


def terms_of(*products: ProductTerms, **facts: object) -> InvoiceTerms:
    """January's terms in USD."""
    return InvoiceTerms("c", JANUARY, fiat("USD"), UNIT, products, **facts)


def shape(made: ComposedInvoice) -> str:
    """Lines as `quantity@price`, payments as their total."""
    return " ".join(
        plain(line.total) if line.quantity is None else f"{plain(line.quantity)}@{plain(line.unit_price)}"
        for line in made.lines
    )


def pairs_of(text: str) -> frozenset[tuple[str, str]]:
    """`region=R1 cloud=AWS` as group values."""
    return frozenset((key, value) for key, value in re.findall(r"(\w+)=(\w+)", text))
