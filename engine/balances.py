"""What was prepaid: access segments of commits and credits, which of them may pay what, and in which order.

Rules and tables: docs/algorithms/balances.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final

from engine.calendar import Period, utc
from engine.errors import InvalidTerms
from engine.money import ZERO, add, checked, subtract
from engine.overrides import RateTarget
from engine.specifiers import GroupValue, Specifier, Subject, specifiers_of

_UNTIL_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_ALL: Final = 10**9
POSTPAID_COMMIT: Final = "PostpaidCommit"


class BalanceKind(StrEnum):
    """What a balance is."""

    PREPAID = "PREPAID"
    POSTPAID = "POSTPAID"
    CREDIT = "CREDIT"


class AccessType(StrEnum):
    """What a balance counts: the price of what it pays, or its quantity."""

    SPEND = "SPEND"
    QUANTITY = "QUANTITY"


class Breadth(IntEnum):
    """How much of a customer's usage a balance may pay, the narrowest first: those are drawn first."""

    PRODUCTS = 0
    """What products with certain ids or tags are used for."""

    GROUPS = 1
    """Usage with certain group values, of whatever product."""

    EVERYTHING = 2
    """It names nothing."""


@dataclass(frozen=True, slots=True)
class BalanceSegment:
    """One access segment of a commit or credit: what is `available` in `unit` over `[starting_at, ending_before)`.

    `available` is what is left for this invoice to draw (below 0 counts as 0). `cost_basis` is what was paid for one
    unit of it: 0 for gifts. It may pay `product_ids`, products with any of `product_tags`, or what any of `specifiers`
    names; everything where nothing is named (`scope` says all that as specifiers). `contract_ids` None: all contracts
    of the customer; `child_contract_ids`: the child contracts that it may pay for besides, None for all. `seat` (group
    key, seat id) restricts an individual seat's segment to its usage.
    """

    balance_id: str
    segment_id: str
    kind: BalanceKind
    unit: str
    starting_at: datetime
    ending_before: datetime | None
    available: Decimal
    created_at: datetime
    priority: Decimal = Decimal(100)
    cost_basis: Decimal = ZERO
    access_type: AccessType = AccessType.SPEND
    rate_type: RateTarget = RateTarget.LIST_RATE
    product_ids: tuple[str, ...] = ()
    product_tags: tuple[str, ...] = ()
    specifiers: tuple[Specifier, ...] = ()
    contract_ids: tuple[str, ...] | None = None
    child_contract_ids: tuple[str, ...] | None = ()
    seat: GroupValue | None = None
    is_rollover: bool = False
    is_contract_level: bool = True
    recurring_id: str | None = None
    name: str = ""
    scope: tuple[Specifier, ...] = field(init=False, repr=False, compare=False)

    def pays_on(self, contract_id: str, parent_id: str | None = None) -> bool:
        """Whether it may pay on a contract: its own, or a child that the parent `parent_id` pays for."""
        if self.contract_ids is not None and (parent_id or contract_id) not in self.contract_ids:
            return False
        return parent_id is None or self.child_contract_ids is None or contract_id in self.child_contract_ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", self.specifiers or specifiers_of(self.product_ids, self.product_tags))
        for name in ("starting_at", "ending_before", "created_at"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, utc(value, name))
        if self.ending_before is not None and self.ending_before <= self.starting_at:
            raise InvalidTerms("ending_before must be after starting_at", "ending_before")
        if not self.available.is_finite():
            raise InvalidTerms("available must be a finite number", "amount")
        checked(self.priority, "priority", least=None)
        checked(self.cost_basis, "cost_basis")
        if self.specifiers and (self.product_ids or self.product_tags):
            raise InvalidTerms("specifiers exclude applicable products and tags", "specifiers")
        if any(not (entry.product_id or entry.product_tags or entry.names_groups) for entry in self.specifiers):
            raise InvalidTerms("a specifier needs a product, tags or group values", "specifiers")

    @property
    def is_commit(self) -> bool:
        """Whether it belongs to a commit."""
        return self.kind is not BalanceKind.CREDIT

    @property
    def commit_type(self) -> str:
        """What lines call it; credits count as prepaid."""
        return POSTPAID_COMMIT if self.kind is BalanceKind.POSTPAID else "PrepaidCommit"

    @property
    def names_groups(self) -> bool:
        """Whether what it may pay depends on group values."""
        return self.seat is not None or any(specifier.names_groups for specifier in self.scope)

    def may_pay(self, product_id: str, tags: frozenset[str]) -> bool:
        """Whether any usage of this product could be paid."""
        return any(specifier.may_match(product_id, tags) for specifier in self.scope)

    def pays(self, subject: Subject) -> bool:
        """Whether the subject may be paid, whenever it is used."""
        if self.seat is not None and self.seat not in subject.pricing and self.seat not in subject.presentation:
            return False
        return any(specifier.matches(subject) for specifier in self.scope)

    def covers(self, period: Period) -> bool:
        """Whether it is accessible throughout the period."""
        return self.starting_at <= period.start and (self.ending_before is None or period.end <= self.ending_before)

    def breadth(self, products: Mapping[str, frozenset[str]]) -> tuple[Breadth, int]:
        """How broad its scope is, and how many distinct products it names. `products`: tags by known product.

        Products are named by id, or by the tags that they have; specifiers that name groups only add none.
        """
        if not (self.specifiers or self.product_ids or self.product_tags):
            return Breadth.EVERYTHING, 0
        named: set[str] = set()
        breadth = Breadth.GROUPS
        for specifier in self.scope:
            if specifier.product_id is not None:
                breadth = Breadth.PRODUCTS
                named.add(specifier.product_id)
            elif specifier.product_tags:
                breadth = Breadth.PRODUCTS
                named.update(id_ for id_, tags in products.items() if specifier.may_match(id_, tags))
        return breadth, len(named)


def drawdown_order(segments: Iterable[BalanceSegment], products: Mapping[str, frozenset[str]]) -> list[BalanceSegment]:
    """The segments in the order in which they are drawn (docs/algorithms/balances.md); independent of the order given.

    Rollovers, then prepaid commits and credits, then postpaid commits. `products` are the tags of each product known:
    tags count the products that have them.
    """
    return sorted(segments, key=lambda segment: _order(segment, segment.breadth(products)))


def _order(segment: BalanceSegment, breadth: tuple[Breadth, int]) -> tuple[object, ...]:
    until = _UNTIL_EVER if segment.ending_before is None else segment.ending_before
    groups = sum(specifier.names_groups for specifier in segment.specifiers)
    postpaid = segment.kind is BalanceKind.POSTPAID
    last = (
        segment.starting_at,
        _ALL if segment.contract_ids is None else len(segment.contract_ids),
        not segment.is_contract_level,
        segment.created_at,
        segment.balance_id,
        segment.segment_id,
    )
    if segment.is_rollover:
        return (0, not postpaid, segment.priority, breadth, groups, until, *last)
    return (2 if postpaid else 1, segment.priority, segment.cost_basis, breadth, groups, until, *last)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """What an invoice drew from a segment: money for SPEND, units for QUANTITY; always above 0."""

    balance_id: str
    segment_id: str
    amount: Decimal


def after_drawdowns(segments: Iterable[BalanceSegment], drawn: Iterable[Drawdown]) -> tuple[BalanceSegment, ...]:
    """The segments with what was drawn taken off: what the customer's next invoice may draw.

    Invoices of one customer that share a balance are composed in a stated order, each with what the one before left.
    """
    taken: dict[tuple[str, str], Decimal] = {}
    for entry in drawn:
        key = entry.balance_id, entry.segment_id
        taken[key] = add(taken.get(key, ZERO), entry.amount)
    return tuple(
        replace(segment, available=subtract(segment.available, taken[segment.balance_id, segment.segment_id]))
        if (segment.balance_id, segment.segment_id) in taken
        else segment
        for segment in segments
    )
