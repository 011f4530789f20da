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
    KEY_SUM = "KEY_SUM"
    CUSTOMER_SUM = "CUSTOMER_SUM"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may post, and what was posted without a second one within the window.

    All in one measure (USD cents). `for_customer` counts whoever posted it. `key_limit`: that of the API key through
    which they ask, None without one; `by_key`: what it posted. `by_maker` counts their keys, too.
    """

    limit: Decimal
    by_maker: Decimal = ZERO
    for_customer: Decimal = ZERO
    key_limit: Decimal | None = None
    by_key: Decimal = ZERO

    def __post_init__(self) -> None:
        for name in ("limit", "by_maker", "for_customer", "by_key"):
            checked(getattr(self, name), name)
        if self.key_limit is not None:
            checked(self.key_limit, "key_limit")

    @property
    def most(self) -> Decimal:
        """What may be posted at once, and what may be posted for one customer: the lower limit."""
        return self.limit if self.key_limit is None else min(self.limit, self.key_limit)


def approval(usd_equivalent: Decimal | None, allowance: Allowance) -> Approval:
    """Whether an adjustment needs a second person.

    `usd_equivalent`: what it moves, whichever way, in USD cents; None if that is not known. What reaches the limit
    exactly is still within it.
    """
    if usd_equivalent is None:
        return Approval.NO_WORTH
    if usd_equivalent > allowance.most:
        return Approval.AMOUNT
    if add(usd_equivalent, allowance.by_maker) > allowance.limit:
        return Approval.MAKER_SUM
    if allowance.key_limit is not None and add(usd_equivalent, allowance.by_key) > allowance.key_limit:
        return Approval.KEY_SUM
    if add(usd_equivalent, allowance.for_customer) > allowance.most:
        return Approval.CUSTOMER_SUM
    return Approval.NONE
