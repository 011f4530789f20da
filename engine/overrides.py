"""Overrides of a contract: which one sets the price, and why the others do not. Never two at once.

Rules and tables: docs/algorithms/overrides.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from engine.calendar import utc
from engine.errors import InvalidTerms
from engine.money import checked
from engine.prices import MultiplierTier, Price, kind, multiplied, multiplied_in_tiers
from engine.rating import RateVersion
from engine.specifiers import Specifier, Subject, specifiers_of


class OverrideType(StrEnum):
    """What an override does to a price."""

    OVERWRITE = "OVERWRITE"
    MULTIPLIER = "MULTIPLIER"
    TIERED = "TIERED"


class RateTarget(StrEnum):
    """Which price of a rate is meant: the list rate, or the commit rate that a balance may be drawn at."""

    LIST_RATE = "LIST_RATE"
    COMMIT_RATE = "COMMIT_RATE"


class Prioritization(StrEnum):
    """Which of several multipliers wins: the greatest discount, or the lowest priority number."""

    LOWEST_MULTIPLIER = "LOWEST_MULTIPLIER"
    EXPLICIT = "EXPLICIT"


class Payer(Protocol):
    """What the pricing of a draw looks at in a balance."""

    @property
    def balance_id(self) -> str:
        """The commit or credit."""
        ...

    @property
    def recurring_id(self) -> str | None:
        """The recurring commit or credit that made it."""
        ...

    @property
    def is_commit(self) -> bool:
        """Whether it is a commit."""
        ...

    @property
    def rate_type(self) -> RateTarget:
        """The rate that it is drawn at."""
        ...


@dataclass(frozen=True, slots=True)
class OverrideSpecifier(Specifier):
    """A specifier of an override; the ids, on commit-specific ones, say for which balances (none: all)."""

    commit_ids: frozenset[str] = frozenset()
    recurring_commit_ids: frozenset[str] = frozenset()
    any_commit_or_credit_ids: frozenset[str] = frozenset()

    @property
    def names_balances(self) -> bool:
        """Whether only certain balances are meant."""
        return bool(self.commit_ids or self.recurring_commit_ids or self.any_commit_or_credit_ids)

    def admits(self, payer: Payer) -> bool:
        """Whether the balance is meant; `any_commit_or_credit_ids` names balances and recurring ones alike."""
        if not self.names_balances:
            return True
        ids = {payer.balance_id, payer.recurring_id}
        if self.any_commit_or_credit_ids & ids:
            return True
        return payer.is_commit and (
            payer.balance_id in self.commit_ids or payer.recurring_id in self.recurring_commit_ids
        )


@dataclass(frozen=True, slots=True)
class Override:
    """A price agreed on a contract, in force `[starting_at, ending_before)`. `sequence` is the order of adding.

    Without `type` it only sets `entitled`. It is for `product_id`, for products with any of `applicable_product_tags`,
    or for what any of `specifiers` names; for all products where nothing is named. `scope` says all that as specifiers.
    """

    override_id: str
    sequence: int
    starting_at: datetime
    ending_before: datetime | None = None
    type: OverrideType | None = None
    overwrite: Price | None = None
    multiplier: Decimal | None = None
    tiers: tuple[MultiplierTier, ...] = ()
    entitled: bool | None = None
    priority: Decimal | None = None
    product_id: str | None = None
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[OverrideSpecifier, ...] = ()
    is_commit_specific: bool = False
    target: RateTarget = RateTarget.LIST_RATE
    scope: tuple[Specifier, ...] = field(init=False, repr=False, compare=False)
    names_groups: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        product_ids = [] if self.product_id is None else [self.product_id]
        scope = self.specifiers or specifiers_of(product_ids, self.applicable_product_tags)
        object.__setattr__(self, "scope", scope)
        object.__setattr__(self, "names_groups", any(specifier.names_groups for specifier in scope))
        object.__setattr__(self, "starting_at", utc(self.starting_at, "starting_at"))
        if self.ending_before is not None:
            object.__setattr__(self, "ending_before", utc(self.ending_before, "ending_before"))
            if self.ending_before <= self.starting_at:
                raise InvalidTerms("ending_before must be after starting_at", "ending_before")
        self._check_terms()
        self._check_target()

    def _check_terms(self) -> None:
        given = {
            OverrideType.OVERWRITE: (self.overwrite is not None, "overwrite_rate"),
            OverrideType.MULTIPLIER: (self.multiplier is not None, "multiplier"),
            OverrideType.TIERED: (bool(self.tiers), "tiers"),
        }
        for type_, (there, name) in given.items():
            if there != (type_ is self.type):
                raise InvalidTerms(f"{name} goes with type {type_} and no other", name)
        if self.type is None and self.entitled is None:
            raise InvalidTerms("an override needs a type or entitled", "type")
        if self.multiplier is not None:
            checked(self.multiplier, "multiplier")
        if any(tier.size is None for tier in self.tiers[:-1]):
            raise InvalidTerms("only the last tier may have no size", "tiers")
        if self.priority is not None and checked(self.priority, "priority").is_zero():
            raise InvalidTerms("priority must be above 0", "priority")
        if self.type is OverrideType.TIERED and self.priority is None:
            raise InvalidTerms("a tiered override needs a priority", "priority")

    def _check_target(self) -> None:
        if self.specifiers and (self.product_id is not None or self.applicable_product_tags):
            raise InvalidTerms(
                "override_specifiers exclude product_id and applicable_product_tags", "override_specifiers"
            )
        if self.type is OverrideType.OVERWRITE:
            if self.applicable_product_tags or any(specifier.product_tags for specifier in self.specifiers):
                raise InvalidTerms("an overwrite cannot be for tags", "applicable_product_tags")
            if self.product_id is None and not self.specifiers:
                raise InvalidTerms("an overwrite needs a product", "product_id")
        if not self.is_commit_specific:
            if self.target is RateTarget.COMMIT_RATE:
                raise InvalidTerms("only commit-specific overrides may target commit rates", "target")
            if any(specifier.names_balances for specifier in self.specifiers):
                raise InvalidTerms("only commit-specific overrides may name commits", "override_specifiers")

    def may_match(self, product_id: str, tags: frozenset[str]) -> bool:
        """Whether any usage of this product could be meant."""
        return any(specifier.may_match(product_id, tags) for specifier in self.scope)

    def matches(self, subject: Subject) -> bool:
        """Whether the subject is meant, whichever balance pays."""
        return any(self._means(specifier, subject) for specifier in self.scope)

    def admits(self, subject: Subject, payer: Payer) -> bool:
        """Whether the subject is meant while this balance pays."""
        return any(
            self._means(specifier, subject)
            and (not isinstance(specifier, OverrideSpecifier) or specifier.admits(payer))
            for specifier in self.scope
        )

    def _means(self, specifier: Specifier, subject: Subject) -> bool:
        """An overwrite needs all pricing group values if any, and a subscription's billing frequency."""
        overwrites = self.type is OverrideType.OVERWRITE
        if overwrites and specifier.billing_frequency != subject.billing_frequency:
            return False
        return specifier.matches(subject, full=overwrites)

    def in_force(self, instant: datetime) -> bool:
        """Whether it applies at `instant`."""
        return self.starting_at <= instant and (self.ending_before is None or instant < self.ending_before)

    @property
    def discount(self) -> Decimal:
        """What it multiplies by; a tiered one counts with its lowest multiplier."""
        return self.multiplier if self.multiplier is not None else min(tier.multiplier for tier in self.tiers)


class LossReason(StrEnum):
    """Why an override that was in force did not set the price; from ANOTHER_IS_COMMIT_SPECIFIC on, another one won."""

    ONLY_ENTITLES = "ONLY_ENTITLES"
    TIERS_NEED_EXPLICIT_PRIORITIES = "TIERS_NEED_EXPLICIT_PRIORITIES"
    TIERS_DO_NOT_APPLY = "TIERS_DO_NOT_APPLY"
    NO_BALANCE_PAYS = "NO_BALANCE_PAYS"
    ANOTHER_BALANCE_PAYS = "ANOTHER_BALANCE_PAYS"
    OTHER_TARGET = "OTHER_TARGET"
    ANOTHER_IS_COMMIT_SPECIFIC = "ANOTHER_IS_COMMIT_SPECIFIC"
    ANOTHER_OVERWRITES = "ANOTHER_OVERWRITES"
    ANOTHER_HAS_PRIORITY = "ANOTHER_HAS_PRIORITY"
    ANOTHER_IS_GREATER = "ANOTHER_IS_GREATER"
    ANOTHER_IS_LATER = "ANOTHER_IS_LATER"


@dataclass(frozen=True, slots=True)
class Lost:
    """An override that was in force for the line and did not set its price, and why.

    `price_type`: the type of price that its tiers do not apply to; "" for all other reasons.
    """

    override: Override
    reason: LossReason
    price_type: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The price that holds, whether the product is entitled, and how the overrides fared."""

    price: Price
    entitled: bool
    base: RateTarget
    winner: Override | None
    lost: tuple[Lost, ...]


def decide(
    version: RateVersion,
    subject: Subject,
    overrides: Sequence[Override],
    prioritization: Prioritization = Prioritization.LOWEST_MULTIPLIER,
    payer: Payer | None = None,
) -> Decision:
    """The price of the subject under a rate, while `payer` is drawn (None: while nothing pays).

    `overrides` are those in force for the subject, in any order. The order of precedence: docs/algorithms/overrides.md.
    """
    base, price = RateTarget.LIST_RATE, version.price
    if payer is not None and payer.rate_type is RateTarget.COMMIT_RATE and version.commit_price is not None:
        base, price = RateTarget.COMMIT_RATE, version.commit_price
    if not overrides:
        return Decision(price, version.entitled, base, None, ())
    entitlers = [entry for entry in overrides if entry.entitled is not None and not entry.is_commit_specific]
    entitled = version.entitled
    if entitlers:
        entitled = bool(max(entitlers, key=lambda override: override.sequence).entitled)
    lost: list[Lost] = []
    standing: list[tuple[Override, Price]] = []
    for override in sorted(overrides, key=lambda entry: entry.sequence):
        reason = _why_not(override, subject, base, prioritization, payer)
        if reason is not None:
            lost.append(Lost(override, reason))
            continue
        made = _applied(override, price)
        if made is None:
            lost.append(Lost(override, LossReason.TIERS_DO_NOT_APPLY, kind(price)))
        else:
            standing.append((override, made))
    if not standing:
        return Decision(price, entitled, base, None, tuple(lost))
    standing.sort(key=lambda pair: _precedence(pair[0], prioritization))
    winner, result = standing[0]
    lost += [Lost(other, _beaten(winner, other, prioritization)) for other, _ in standing[1:]]
    return Decision(result, entitled, base, winner, tuple(lost))


def _why_not(
    override: Override, subject: Subject, base: RateTarget, prioritization: Prioritization, payer: Payer | None
) -> LossReason | None:
    """Why the override cannot set this price at all; None if it can."""
    if override.type is None:
        return LossReason.ONLY_ENTITLES
    if override.type is OverrideType.TIERED and prioritization is not Prioritization.EXPLICIT:
        return LossReason.TIERS_NEED_EXPLICIT_PRIORITIES
    if override.is_commit_specific:
        if payer is None:
            return LossReason.NO_BALANCE_PAYS
        if not override.admits(subject, payer):
            return LossReason.ANOTHER_BALANCE_PAYS
    return None if override.target is base else LossReason.OTHER_TARGET


def _applied(override: Override, price: Price) -> Price | None:
    if override.overwrite is not None:
        return override.overwrite
    if override.multiplier is not None:
        return multiplied(price, override.multiplier)
    return multiplied_in_tiers(price, override.tiers)


def _rank(override: Override) -> int:
    return (0 if override.is_commit_specific else 2) + (0 if override.type is OverrideType.OVERWRITE else 1)


def _precedence(override: Override, prioritization: Prioritization) -> tuple[int, bool, Decimal, Decimal, int]:
    """Lowest first: rank, then last added for overwrites, or priority, discount, last added for multipliers."""
    if override.type is OverrideType.OVERWRITE:
        return _rank(override), False, Decimal(0), Decimal(0), -override.sequence
    explicit = prioritization is Prioritization.EXPLICIT
    number = override.priority if explicit and override.priority is not None else Decimal(0)
    return _rank(override), explicit and override.priority is None, number, override.discount, -override.sequence


def _beaten(winner: Override, other: Override, prioritization: Prioritization) -> LossReason:
    """The first key in which the winner comes before the other."""
    if _rank(winner) != _rank(other):
        if winner.is_commit_specific and not other.is_commit_specific:
            return LossReason.ANOTHER_IS_COMMIT_SPECIFIC
        return LossReason.ANOTHER_OVERWRITES
    if winner.type is not OverrideType.OVERWRITE:
        if prioritization is Prioritization.EXPLICIT and winner.priority != other.priority:
            return LossReason.ANOTHER_HAS_PRIORITY
        if winner.discount != other.discount:
            return LossReason.ANOTHER_IS_GREATER
    return LossReason.ANOTHER_IS_LATER
