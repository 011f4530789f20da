"""Why a line is what it is: data, exact to the last digit, enough to work the amount out again by hand.

One dataclass for each kind of line, told apart by `kind`; `version` numbers its fields. Sentences are made of them in
`presentation.explanation`, and nothing reads a sentence back. `engine.explanation_json` is the way to storage and back.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from engine.balances import AccessType, BalanceKind, BalanceSegment
from engine.conversion import QuantityConversion, QuantityRounding
from engine.money import subtract
from engine.overrides import Decision, LossReason, Lost, Override, OverrideType, RateTarget
from engine.prices import MultiplierTier, Percentage, Price, TieredPercentage
from engine.rating import RateVersion


class ExplanationKind(StrEnum):
    """What a line charges, or that a balance pays."""

    USAGE = "usage"
    SUBSCRIPTION = "subscription"
    COMPOSITE = "composite"
    CONVERSION = "conversion"
    APPLIED = "applied"
    PURCHASE = "purchase"
    TRUE_UP = "true_up"
    SCHEDULED = "scheduled"
    DISCOUNT = "discount"


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """The price that holds over `[starting_at, ending_before)`, after overrides, and the rate card's before them.

    `base` is the rate that it was made of: the list rate, or the commit rate of the balance that pays. Prices are in
    stored units of `credit_type_id`.
    """

    rate_id: str
    source: str
    credit_type_id: str
    starting_at: datetime
    ending_before: datetime | None
    base: RateTarget
    price: Price
    list_price: Price

    @classmethod
    def of(cls, rate: RateVersion, decision: Decision) -> "PriceInForce":
        """What was decided about a rate."""
        return cls(
            rate.rate_id, rate.source, rate.credit_type_id, rate.starting_at, rate.ending_before, decision.base,
            decision.price, rate.price,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TierReached:
    """The tier that a line charges (`level` from 0), and the period's cumulative quantity before and after the stretch
    of usage that the line is of.
    """

    level: int
    starting_at: Decimal
    size: Decimal | None
    quantity_before: Decimal
    quantity_after: Decimal


@dataclass(frozen=True, slots=True)
class OverrideEffect:
    """An override and what it does to a price: overwrites it, multiplies it (by tiers), or only entitles."""

    override_id: str
    type: OverrideType | None
    starting_at: datetime
    ending_before: datetime | None
    priority: Decimal | None
    is_commit_specific: bool
    target: RateTarget
    multiplier: Decimal | None
    tiers: tuple[MultiplierTier, ...]
    entitled: bool | None

    @classmethod
    def of(cls, override: Override) -> "OverrideEffect":
        """An override, without what it is for."""
        return cls(
            override.override_id, override.type, override.starting_at, override.ending_before, override.priority,
            override.is_commit_specific, override.target, override.multiplier, override.tiers, override.entitled,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OverrideLost:
    """An override in force that did not set the price, and why. `price_type`: what its tiers do not apply to, or ""."""

    override: OverrideEffect
    reason: LossReason
    price_type: str

    @classmethod
    def of(cls, lost: Lost) -> "OverrideLost":
        """One that lost in a decision."""
        return cls(OverrideEffect.of(lost.override), lost.reason, lost.price_type)


@dataclass(frozen=True, slots=True)
class PayingBalance:
    """The segment of a commit or credit that pays."""

    balance_id: str
    segment_id: str
    type: BalanceKind
    name: str
    access_type: AccessType
    rate_type: RateTarget

    @classmethod
    def of(cls, segment: BalanceSegment) -> "PayingBalance":
        """A segment, without what is left in it."""
        return cls(
            segment.balance_id, segment.segment_id, segment.kind, segment.name, segment.access_type, segment.rate_type
        )


@dataclass(frozen=True, slots=True)
class Pricing:
    """How a quantity was priced: `line_quantity` x `unit_price` = `total`.

    `quantity` is that of the whole stretch of time, of which a tier or a balance may leave the line a part. `winner`
    is the override that set the price; `balance` pays the line, if one does.
    """

    quantity: Decimal
    rate: PriceInForce
    tier: TierReached | None
    line_quantity: Decimal
    unit_price: Decimal
    total: Decimal
    winner: OverrideEffect | None
    lost: tuple[OverrideLost, ...]
    balance: PayingBalance | None

    @property
    def is_percentage(self) -> bool:
        """Whether the quantity is money, and the price a part of it."""
        return isinstance(self.rate.price, Percentage | TieredPercentage)


@dataclass(frozen=True, slots=True)
class UsageExplanation:
    """What a metric measured (`metric_quantity`, from `event_count` events), converted, rounded, and priced."""

    kind: ClassVar = ExplanationKind.USAGE
    version: ClassVar = 1

    metric_id: str
    metric_name: str
    event_count: int
    metric_quantity: Decimal
    conversion: QuantityConversion | None
    rounding: QuantityRounding | None
    pricing: Pricing


@dataclass(frozen=True, slots=True)
class Proration:
    """The part of a billing period that is charged: hours, of how many."""

    hours: int
    of: int


@dataclass(frozen=True, slots=True)
class SubscriptionExplanation:
    """A subscription's quantity; the price is that of the part where it is prorated."""

    kind: ClassVar = ExplanationKind.SUBSCRIPTION
    version: ClassVar = 1

    subscription_id: str
    proration: Proration | None
    pricing: Pricing


@dataclass(frozen=True, slots=True)
class Contribution:
    """What lines of one product cost, as part of a composite product's quantity; None: on other contracts."""

    product_name: str | None
    total: Decimal


@dataclass(frozen=True, slots=True)
class CompositeExplanation:
    """A percentage of other lines' spend, or (`is_minimum`) what that lacked to the minimum.

    `pricing.quantity` is what was spent in the line's own stretch of time, `contributions` in that of one price.
    """

    kind: ClassVar = ExplanationKind.COMPOSITE
    version: ClassVar = 1

    is_minimum: bool
    contributions: tuple[Contribution, ...]
    pricing: Pricing


@dataclass(frozen=True, slots=True)
class ConversionExplanation:
    """What balances in a custom pricing unit left to pay, converted to the invoice's unit.

    `pricing.quantity` is in the custom unit; `unit_name` is what that is called, "" where nobody said.
    """

    kind: ClassVar = ExplanationKind.CONVERSION
    version: ClassVar = 1

    unit_id: str
    unit_name: str
    pricing: Pricing


@dataclass(frozen=True, slots=True)
class AppliedExplanation:
    """What a balance paid: what it held `before`, what was `drawn` (money, or units of a QUANTITY balance)."""

    kind: ClassVar = ExplanationKind.APPLIED
    version: ClassVar = 1

    balance: PayingBalance
    before: Decimal
    drawn: Decimal
    amount: Decimal

    @property
    def after(self) -> Decimal:
        """What it holds then."""
        return subtract(self.before, self.drawn)


@dataclass(frozen=True, slots=True)
class PurchaseExplanation:
    """What is paid for a prepaid commit or a credit, at `due`: `quantity` x `unit_price` = `amount`."""

    kind: ClassVar = ExplanationKind.PURCHASE
    version: ClassVar = 1

    balance_id: str
    balance_type: BalanceKind
    balance_name: str
    due: datetime
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TrueUpExplanation:
    """What of a postpaid commit usage did not fulfil: `amount` of what was `committed`, charged at `due`."""

    kind: ClassVar = ExplanationKind.TRUE_UP
    version: ClassVar = 1

    balance_id: str
    balance_type: BalanceKind
    balance_name: str
    due: datetime
    committed: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ScheduledExplanation:
    """What a contract charges by date, at `due`: `quantity` x `unit_price` = `amount`."""

    kind: ClassVar = ExplanationKind.SCHEDULED
    version: ClassVar = 1

    scheduled_charge_id: str
    name: str
    due: datetime
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DiscountExplanation:
    """What is taken off at `due`: `amount`, which is what was `agreed`, or all that was left to pay if that is less."""

    kind: ClassVar = ExplanationKind.DISCOUNT
    version: ClassVar = 1

    discount_id: str
    name: str
    due: datetime
    agreed: Decimal
    amount: Decimal


PricedExplanation = UsageExplanation | SubscriptionExplanation | CompositeExplanation | ConversionExplanation
"""Lines that have a quantity and a price by a rate."""

DatedExplanation = PurchaseExplanation | TrueUpExplanation | ScheduledExplanation | DiscountExplanation
"""Lines that stand on the invoice of their date, whatever is used."""

Explanation = PricedExplanation | AppliedExplanation | DatedExplanation
