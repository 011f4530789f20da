"""What an invoice is made by: the products as a contract prices them, and everything that bears on the price."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from engine.balances import BalanceSegment
from engine.calendar import Period
from engine.conversion import QuantityConversion, QuantityRounding
from engine.errors import InvalidTerms
from engine.money import Currency, checked
from engine.overrides import Override, Prioritization
from engine.prices import Percentage, TieredPercentage
from engine.proration import Fraction, ProrationRounding
from engine.rating import RateSchedule
from engine.specifiers import GroupValue, Subject
from engine.usage import UsageRow

PricingGroup = tuple[tuple[str, str | None], ...]
"""Pricing group values: (key, value) in the order of the product's pricing_group_key; () where it has none."""

Presentation = tuple[tuple[str, str | None], ...]
"""Presentation group values: (key, value) in the key's order."""


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """A usage product as a contract prices it.

    `schedules` holds the rates by pricing group values, each key naming every key of `pricing_group_key`, in any
    order; a product without pricing group key has the one key `()`. Combinations that are missing have no rate.
    `window` is the part of the billing period in which these terms hold (None: all of it); a product whose settings
    change has terms for each part.
    """

    product_id: str
    name: str
    metric_id: str
    pricing_group_key: tuple[str, ...] = ()
    presentation_group_key: tuple[str, ...] = ()
    schedules: Mapping[tuple[tuple[str, str], ...], RateSchedule] = field(default_factory=dict)
    quantity_conversion: QuantityConversion | None = None
    quantity_rounding: QuantityRounding | None = None
    metric_name: str = ""
    tags: frozenset[str] = frozenset()
    window: Period | None = None

    @property
    def measure(self) -> tuple[object, ...]:
        """What its quantities are: where only other settings change, a group's tiers go on."""
        return self.metric_id, self.group_keys, self.quantity_conversion, self.quantity_rounding

    @property
    def group_keys(self) -> tuple[str, ...]:
        """The keys that usage is measured by: pricing keys, then presentation keys beyond them."""
        return self.pricing_group_key + self.splitting_key

    @property
    def splitting_key(self) -> tuple[str, ...]:
        """The presentation keys that split usage further: one that prices as well is shown once, as a pricing key."""
        return tuple(key for key in self.presentation_group_key if key not in self.pricing_group_key)

    def subject(self, pricing: Iterable[GroupValue], presentation: Iterable[GroupValue]) -> Subject:
        """Usage of it with these group values; one of a key that is both is named by specifiers as either."""
        priced = frozenset(pricing)
        both = {value for value in priced if value[0] in self.presentation_group_key}
        return Subject(self.product_id, self.tags, priced, frozenset(presentation) | both)

    def __post_init__(self) -> None:
        for name in ("pricing_group_key", "presentation_group_key"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise InvalidTerms("a group key must not repeat a property", name)
        ordered: dict[tuple[tuple[str, str], ...], RateSchedule] = {}
        for values, schedule in self.schedules.items():
            named = dict(values)
            if len(named) != len(values) or set(named) != set(self.pricing_group_key):
                raise InvalidTerms("a rate must name each pricing group key once", "pricing_group_values")
            ordered[tuple((key, named[key]) for key in self.pricing_group_key)] = schedule
        if len(ordered) != len(self.schedules):
            raise InvalidTerms("two rates have the same pricing group values", "pricing_group_values")
        object.__setattr__(self, "schedules", ordered)


@dataclass(frozen=True, slots=True)
class SubscriptionTerms:
    """One charge of a subscription: `quantity` times the rate in force at `priced_at`, times `fraction` of the period.

    `window` is the billing period (or the rest of it) that is paid for. `priced_at` is where that period
    begins, by default the window's start. `round_price` rounds the prorated unit price.
    engine.subscriptions makes these.
    """

    subscription_id: str
    product_id: str
    name: str
    billing_frequency: str
    schedule: RateSchedule
    window: Period
    quantity: Decimal
    fraction: Fraction = (1, 1)
    round_price: ProrationRounding | None = None
    tags: frozenset[str] = frozenset()
    priced_at: datetime | None = None

    def __post_init__(self) -> None:
        checked(self.quantity, "quantity")
        hours, of = self.fraction
        if not 0 <= hours <= of or of == 0:
            raise InvalidTerms("a prorated part lies between nothing and the whole", "proration")


class CompositeScope(StrEnum):
    """Whose spend a composite product is a percentage of: this contract's, or all of the customer's contracts'."""

    CONTRACT = "CONTRACT"
    CUSTOMER = "CUSTOMER"


@dataclass(frozen=True, slots=True)
class CompositeTerms:
    """A product that costs a percentage of the spend on `product_ids` and on products with one of `product_tags`.

    `exclude_free_usage` leaves products out that cost nothing; `include_composites` counts other composite products.
    """

    product_id: str
    name: str
    schedule: RateSchedule
    product_ids: frozenset[str] = frozenset()
    product_tags: frozenset[str] = frozenset()
    scope: CompositeScope = CompositeScope.CONTRACT
    exclude_free_usage: bool = False
    include_composites: bool = False
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.product_ids and not self.product_tags:
            raise InvalidTerms("a composite product needs products or tags", "composite_product_ids")
        for version in self.schedule.versions:
            for price in (version.price, version.commit_price):
                if price is not None and not isinstance(price, Percentage | TieredPercentage):
                    raise InvalidTerms("a composite product needs a percentage", "rate_type")


@dataclass(frozen=True, slots=True)
class Spend:
    """What another contract of the customer spent on a product in a window, in `unit`: input of CUSTOMER scope."""

    product_id: str
    tags: frozenset[str]
    window: Period
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class UsageInput:
    """The usage of one product in the billing period.

    A row's group holds the values of the product's pricing keys, then of its presentation keys. Rows cover the period
    from its start, in windows that no rate change cuts (`usage_windows`). `window` says which of the product's terms
    are meant; the rows still cover the period.
    """

    product_id: str
    rows: tuple[UsageRow, ...]
    window: Period | None = None


@dataclass(frozen=True, slots=True)
class InvoiceTerms:
    """What one usage invoice is made by.

    Rates are in the invoice's own credit type, or in a custom one that `conversions` (credit type id: fiat for one
    unit) turns into it. `balances` are the customer's segments with what is available to this invoice; those of other
    contracts are ignored. `other_contract_spend` is the spend of the customer's other contracts.
    """

    contract_id: str
    period: Period
    currency: Currency
    credit_type_id: str
    products: tuple[ProductTerms, ...]
    overrides: tuple[Override, ...] = ()
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER
    conversions: Mapping[str, Decimal] = field(default_factory=dict)
    subscriptions: tuple[SubscriptionTerms, ...] = ()
    composites: tuple[CompositeTerms, ...] = ()
    balances: tuple[BalanceSegment, ...] = ()
    other_contract_spend: tuple[Spend, ...] = ()
    # of a child contract: the parent that pays for it
    paying_parent_id: str | None = None

    def __post_init__(self) -> None:
        self._check_products()
        if len({override.override_id for override in self.overrides}) != len(self.overrides):
            raise InvalidTerms("an override occurs twice", "overrides")
        if len({(balance.balance_id, balance.segment_id) for balance in self.balances}) != len(self.balances):
            raise InvalidTerms("a balance segment occurs twice", "access_schedule")
        for amount in self.conversions.values():
            checked(amount, "fiat_per_custom_credit")
        if self.credit_type_id in self.conversions:
            raise InvalidTerms("the invoice's own credit type needs no conversion", "credit_type_conversions")
        units = {self.credit_type_id, *self.conversions}
        for product in self.products:
            for schedule in product.schedules.values():
                self._check_units(product.name, schedule, units)
        for subscription in self.subscriptions:
            self._check_units(subscription.name, subscription.schedule, units)

    def _check_products(self) -> None:
        """One product, one set of terms at a time."""
        ids = [composite.product_id for composite in self.composites]
        ids += list({product.product_id for product in self.products})
        if len(set(ids)) != len(ids):
            raise InvalidTerms("a product occurs twice", "product_id")
        windows: dict[str, list[Period]] = {}
        for product in self.products:
            windows.setdefault(product.product_id, []).append(product.window or self.period)
        for found in windows.values():
            if any(after.start < before.end for before, after in pairwise(found)):
                raise InvalidTerms("a product occurs twice", "product_id")

    @staticmethod
    def _check_units(name: str, schedule: RateSchedule, units: set[str]) -> None:
        if any(version.credit_type_id not in units for version in schedule.versions):
            raise InvalidTerms(f"{name} is not priced in the invoice's credit type", "credit_type_id")

    @property
    def tags(self) -> dict[str, frozenset[str]]:
        """The tags of each product of the terms."""
        found = {product.product_id: product.tags for product in self.products}
        found |= {composite.product_id: composite.tags for composite in self.composites}
        return found | {charge.product_id: charge.tags for charge in self.subscriptions}

    def balances_here(self) -> tuple[BalanceSegment, ...]:
        """The segments that this contract may draw at all."""
        return tuple(balance for balance in self.balances if balance.pays_on(self.contract_id, self.paying_parent_id))

    def cuts(self, product_id: str, tags: frozenset[str]) -> set[datetime]:
        """The instants inside the period where an override or a balance that may bear on the product begins or ends.

        What is for one seat only is left out: `seat_cuts`.
        """
        edges: set[datetime] = set()
        for override in self.overrides:
            inside = self._inside(override)
            if inside and override.may_match(product_id, tags):
                edges.update(inside)
        for balance in self.balances_here():
            inside = self._inside(balance)  # few have any: asked first
            if inside and balance.seat is None and balance.may_pay(product_id, tags):
                edges.update(inside)
        return edges

    def seat_cuts(self, product_id: str, tags: frozenset[str]) -> dict[GroupValue, set[datetime]]:
        """The instants inside the period where what one seat has for the product begins or ends, by seat."""
        found: dict[GroupValue, set[datetime]] = {}
        for balance in self.balances_here():
            inside = self._inside(balance) if balance.seat is not None else []
            if inside and balance.seat is not None and balance.may_pay(product_id, tags):
                found.setdefault(balance.seat, set()).update(inside)
        return found

    def _inside(self, lasting: Override | BalanceSegment) -> list[datetime]:
        """Where it begins and ends, if inside the period."""
        start, end = self.period.start, self.period.end
        return [at for at in (lasting.starting_at, lasting.ending_before) if at is not None and start < at < end]
