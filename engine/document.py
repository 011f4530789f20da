"""The document view of an invoice: its amounts in whole minor units, as they leave the house. Rules and tables:
docs/algorithms/documents.md.

The API keeps lines exact; a printed invoice, a payment provider and a ledger need lines that are whole and add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from engine.errors import InvalidTerms
from engine.money import EXACT, Currency, checked, mul, round_places, subtract, total

_CATEGORY: Final = 10
"""Letters of the longest tax category."""


class SettlementState(StrEnum):
    """What became of an issued invoice. OVERDUE is no state of its own: it is unpaid, and the due date is over."""

    OPEN = "OPEN"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """How a line is taxed. `rate` is a fraction: 0.19 for 19 %; `category` the code that says why ("S", "Z", "AE")."""

    category: str
    rate: Decimal

    def __post_init__(self) -> None:
        if not 0 < len(self.category) <= _CATEGORY:
            raise InvalidTerms(f"a tax category has 1 to {_CATEGORY} letters", "category")
        checked(self.rate, "rate")


@dataclass(frozen=True, slots=True)
class CountedLine:
    """A counted line's exact amount in the currency's stored unit, and its tax, if it has one.

    `whole`: what it is rounded to where that is settled: as one of several instalments (engine.schedules.whole_shares).
    """

    amount: Decimal
    tax: TaxRate | None = None
    whole: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line's amount before tax and its share of the tax, both in minor units."""

    amount: int
    tax: int


@dataclass(frozen=True, slots=True)
class DocumentTax:
    """The tax of all lines of one category and rate, rounded once; `base` is their sum. In minor units."""

    rate: TaxRate
    base: int
    amount: int


@dataclass(frozen=True, slots=True)
class DocumentView:
    """All amounts of a document in minor units (cents for USD and EUR, yen for JPY).

    `lines` are in the order they were given in and sum to `subtotal`, their taxes and `taxes` to `tax`;
    `total` = `subtotal` + `tax`. `taxes` are in the order in which their first line comes.
    """

    lines: tuple[DocumentLine, ...]
    taxes: tuple[DocumentTax, ...]
    subtotal: int
    tax: int

    @property
    def total(self) -> int:
        """What the document asks for."""
        return self.subtotal + self.tax


def document_view(lines: Sequence[CountedLine], currency: Currency) -> DocumentView:
    """The whole amounts of an invoice's counted lines; the one function that makes them."""
    rest = iter(apportion([minor_units(line.amount, currency) for line in lines if line.whole is None]))
    amounts = [next(rest) if line.whole is None else int(minor_units(line.whole, currency)) for line in lines]
    rates = list(dict.fromkeys(line.tax for line in lines if line.tax is not None))
    line_taxes = [0] * len(lines)
    taxes = []
    for rate in rates:
        members = [index for index, line in enumerate(lines) if line.tax == rate]
        shares = apportion([mul(Decimal(amounts[index]), rate.rate) for index in members])
        for index, share in zip(members, shares, strict=True):
            line_taxes[index] = share
        taxes.append(DocumentTax(rate, sum(amounts[index] for index in members), sum(shares)))
    return DocumentView(
        tuple(DocumentLine(amount, tax) for amount, tax in zip(amounts, line_taxes, strict=True)),
        tuple(taxes),
        sum(amounts),
        sum(line_taxes),
    )


def apportion(amounts: Sequence[Decimal]) -> list[int]:
    """Whole numbers for exact ones, that sum to the exact sum as rounded. Halves go away from zero.

    Each is rounded by itself. The residue, if there is one, is placed one unit each on the amounts whose own rounding
    lost most in its direction (the largest remainders); of equal ones, on the earlier. So none moves by more than one.
    """
    whole = [_rounded(amount) for amount in amounts]
    residue = _rounded(total(amounts)) - sum(whole)
    step = 1 if residue > 0 else -1
    lost = [mul(subtract(amount, Decimal(near)), Decimal(step)) for amount, near in zip(amounts, whole, strict=True)]
    for index in sorted(range(len(whole)), key=lambda index: lost[index], reverse=True)[: abs(residue)]:
        whole[index] += step
    return whole


def minor_units(amount: Decimal, currency: Currency) -> Decimal:
    """An amount of the stored unit in minor units, exact: 12.345 EUR is 1234.5, 40 US cents are 40."""
    return amount.scaleb(currency.places, context=EXACT)


def _rounded(amount: Decimal) -> int:
    return int(round_places(amount, 0, ROUND_HALF_UP))


def opening_state(due: int) -> SettlementState:
    """How an invoice over `due` minor units begins: one that asks for nothing is paid at once."""
    return SettlementState.OPEN if due > 0 else SettlementState.PAID


def amount_due(document_total: int) -> int:
    """What a document asks for: its total, or nothing where that is negative (a refund is a document of its own)."""
    return max(document_total, 0)
