"""How much one person may give away alone: at once, and within any day, for themselves as for one customer."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from engine.money import ZERO, add, checked

WINDOW: Final = timedelta(hours=24)
"""What was posted on one person's word counts for this long: `(now - WINDOW, now]`."""


class Approval(StrEnum):
    """Why a second person decides; NONE where the first one's word is enough."""

    NONE = ""
    NO_WORTH = "NO_WORTH"
    AMOUNT = "AMOUNT"
    MAKER_SUM = "MAKER_SUM"
    CUSTOMER_SUM = "CUSTOMER_SUM"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may post, and what was posted without a second one within the window.

    All three in one measure (USD cents). `for_customer` counts whoever posted it.
    """

    limit: Decimal
    by_maker: Decimal = ZERO
    for_customer: Decimal = ZERO

    def __post_init__(self) -> None:
        for name in ("limit", "by_maker", "for_customer"):
            checked(getattr(self, name), name)


def approval(usd_equivalent: Decimal | None, allowance: Allowance) -> Approval:
    """Whether an adjustment needs a second person.

    `usd_equivalent`: what it moves, whichever way, in USD cents; None if that is not known. What reaches the limit
    exactly is still within it.
    """
    if usd_equivalent is None:
        return Approval.NO_WORTH
    if usd_equivalent > allowance.limit:
        return Approval.AMOUNT
    if add(usd_equivalent, allowance.by_maker) > allowance.limit:
        return Approval.MAKER_SUM
    if add(usd_equivalent, allowance.for_customer) > allowance.limit:
        return Approval.CUSTOMER_SUM
    return Approval.NONE
