"""A charge before any invoice holds it: where it comes from, what it comes to, and the states it passes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from engine.calendar import Period, utc
from engine.errors import InvalidTerms
from engine.money import ONE, ZERO, mul


class ChargeSource(StrEnum):
    """Why something is charged. An open list: what else comes to be charged by date adds a value of its own."""

    COMMIT_PURCHASE = "COMMIT_PURCHASE"
    COMMIT_TRUE_UP = "COMMIT_TRUE_UP"
    SCHEDULED_CHARGE = "SCHEDULED_CHARGE"
    DISCOUNT = "DISCOUNT"


class ChargeAmount(StrEnum):
    """When the amount is known.

    FIXED: from the start, unit price x quantity. SETTLED: only when an invoice is made; until then unit price x
    quantity is what was agreed on, and the amount is unknown.
    """

    FIXED = "FIXED"
    SETTLED = "SETTLED"


class ChargeState(StrEnum):
    """PENDING: to be invoiced at its date; a draft may show it. INVOICED: on a final invoice.

    VOIDED: that invoice is void; only regenerating it asks for the charge again. CANCELED: taken back before it was
    invoiced. WAIVED: agreed, but no invoice of ours asks for it.
    """

    PENDING = "PENDING"
    INVOICED = "INVOICED"
    VOIDED = "VOIDED"
    CANCELED = "CANCELED"
    WAIVED = "WAIVED"


NEXT: Final[Mapping[ChargeState, frozenset[ChargeState]]] = MappingProxyType(
    {
        ChargeState.PENDING: frozenset({ChargeState.INVOICED, ChargeState.CANCELED, ChargeState.WAIVED}),
        ChargeState.WAIVED: frozenset({ChargeState.CANCELED}),
        ChargeState.INVOICED: frozenset({ChargeState.VOIDED}),
        ChargeState.VOIDED: frozenset({ChargeState.PENDING}),
        ChargeState.CANCELED: frozenset(),
    }
)
"""Where a charge may go from each state. A charge is made PENDING or WAIVED."""

OPEN: Final = frozenset({ChargeState.PENDING, ChargeState.WAIVED})
"""The states in which terms may still change and a charge may be taken back: no final or void invoice names it."""


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """quantity x unit_price, to be invoiced at `invoice_at` (UTC), in the stored unit of the charge's credit type.

    `service_period`: the time that is paid for, where there is one. Raises InvalidTerms naming the field.
    """

    invoice_at: datetime
    unit_price: Decimal
    quantity: Decimal = ONE
    amount_type: ChargeAmount = ChargeAmount.FIXED
    service_period: Period | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "invoice_at", utc(self.invoice_at, "invoice_at"))
        for name in ("unit_price", "quantity"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
                raise InvalidTerms(f"{name} must be a finite number from 0 up", name)

    @property
    def amount(self) -> Decimal | None:
        """What is asked, exact; None as long as only an invoice can say."""
        return mul(self.unit_price, self.quantity) if self.amount_type is ChargeAmount.FIXED else None


def discount_taken(agreed: Decimal, left: Decimal) -> Decimal:
    """What a discount takes off an invoice on which `left` is to be paid: what was agreed, though never more than that.

    What it does not take is neither paid out nor carried on (docs/algorithms/schedules.md).
    """
    return min(agreed, max(left, ZERO))


def settled(terms: ChargeTerms, amount: Decimal) -> Decimal:
    """What the invoice that is made now asks: `amount`, which for FIXED terms can be nothing but theirs.

    Raises InvalidTerms for another amount, a negative one, or one that is no number.
    """
    if not amount.is_finite() or amount < 0:
        raise InvalidTerms("must be a finite number from 0 up", "amount")
    if terms.amount is not None and terms.amount != amount:
        raise InvalidTerms("is fixed by unit price and quantity", "amount")
    return amount
