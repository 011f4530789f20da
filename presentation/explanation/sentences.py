"""Overrides in words: what they do to a price, and why they did not set it. Made of fields, and read by nobody."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from engine.balances import BalanceKind
from engine.calendar import rfc3339
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    ConversionExplanation,
    DiscountExplanation,
    Explanation,
    OverrideEffect,
    OverrideLost,
    PricedExplanation,
    Pricing,
    Proration,
    PurchaseExplanation,
    ScheduledExplanation,
    SubscriptionExplanation,
    TrueUpExplanation,
    UsageExplanation,
)
from engine.money import plain
from engine.overrides import LossReason, OverrideType, RateTarget
from engine.prices import Package, kind

_OTHER_CONTRACTS: Final = "other contracts"
_DAY: Final = 24


def override_effect(override: OverrideEffect) -> str:
    """What an override does: "multiplies the price by 0.9"."""
    if override.type is OverrideType.OVERWRITE:
        return "overwrites the price"
    if override.multiplier is not None:
        return f"multiplies the price by {plain(override.multiplier)}"
    if override.tiers:
        parts = (
            plain(tier.multiplier) + ("" if tier.size is None else f" for {plain(tier.size)} units")
            for tier in override.tiers
        )
        return f"multiplies the price by {', '.join(parts)}"
    return "entitles" if override.entitled else "withdraws the entitlement"


def part_of_period(part: Proration) -> tuple[int, int, str]:
    """How much of a period is charged, of how much, and in what: in days where both are whole days, else in hours."""
    if part.hours % _DAY or part.of % _DAY:
        return part.hours, part.of, "hour"
    return part.hours // _DAY, part.of // _DAY, "day"


def override_sentence(override: OverrideEffect) -> str:
    """The same with the override's id, for machines and those who look it up."""
    return f"override {override.override_id} {override_effect(override)}"


def loss_reason(lost: OverrideLost, pricing: Pricing, *, with_ids: bool) -> str:
    """Why an override did not set the price, naming the one that did by its id, or as people would."""
    base = pricing.rate.base
    held, meant = ("list", "commit") if base is RateTarget.LIST_RATE else ("commit", "list")
    own = {
        LossReason.ONLY_ENTITLES: "it sets only the entitlement",
        LossReason.TIERS_NEED_EXPLICIT_PRIORITIES: "tiered overrides need EXPLICIT prioritization",
        LossReason.TIERS_DO_NOT_APPLY: f"tiers do not apply to {lost.price_type} prices",
        LossReason.NO_BALANCE_PAYS: "it applies only while a balance pays",
        LossReason.ANOTHER_BALANCE_PAYS: "it applies while another balance pays",
        LossReason.OTHER_TARGET: f"it is for {meant} rates, and the {held} rate holds here",
    }
    return own[lost.reason] if lost.reason in own else _beaten(lost.reason, pricing.winner, with_ids=with_ids)


def _beaten(reason: LossReason, winner: OverrideEffect | None, *, with_ids: bool) -> str:
    named = winner is not None and with_ids
    who = f"override {winner.override_id}" if winner is not None and with_ids else "another"
    if reason is LossReason.ANOTHER_IS_COMMIT_SPECIFIC:
        return f"commit-specific {who} comes first" if named else "one for the balance that pays comes first"
    if reason is LossReason.ANOTHER_OVERWRITES:
        overwrite = f"overwrite {winner.override_id}" if winner is not None and with_ids else "the overwrite"
        return f"{overwrite} comes before multipliers"
    if reason is LossReason.ANOTHER_HAS_PRIORITY:
        priority = None if winner is None else winner.priority
        return f"{who} has priority {'none' if priority is None else plain(priority)}"
    return f"{who} {'is the greater discount' if reason is LossReason.ANOTHER_IS_GREATER else 'was added later'}"


def measure_name(explanation: Explanation) -> str:
    """What the quantity is of; "" for what balances pay and what they cost."""
    if isinstance(explanation, UsageExplanation):
        return explanation.metric_name
    if isinstance(explanation, SubscriptionExplanation):
        return "quantity of the subscription"
    if isinstance(explanation, ConversionExplanation):
        return f"due in {explanation.unit_id}"
    if not isinstance(explanation, CompositeExplanation):
        return ""
    if explanation.is_minimum:
        return "shortfall to the minimum"
    return f"spend on {', '.join(name for name, _ in contributions(explanation)) or 'nothing'}"


def contributions(explanation: CompositeExplanation) -> list[tuple[str, Decimal]]:
    """What was spent on each product, by name, in the stored unit."""
    return sorted((part.product_name or _OTHER_CONTRACTS, part.total) for part in explanation.contributions)


def steps(explanation: Explanation) -> list[str]:
    """How the total came about, in plain steps: the same for every reader, with ids and plain digits."""
    if isinstance(explanation, AppliedExplanation):
        return list(_applied_steps(explanation))
    if isinstance(explanation, PurchaseExplanation | ScheduledExplanation):
        return [_product(plain(explanation.quantity), plain(explanation.unit_price), plain(explanation.amount))]
    if isinstance(explanation, TrueUpExplanation):
        committed, amount = plain(explanation.committed), plain(explanation.amount)
        return [f"{committed} was committed; {amount} of it is not fulfilled by usage"]
    if isinstance(explanation, DiscountExplanation):
        agreed, amount = plain(explanation.agreed), plain(explanation.amount)
        return [f"{agreed} was agreed; {amount} of it is taken off, which is at most what was left to pay"]
    return list(_priced_steps(explanation))


def _priced_steps(explanation: PricedExplanation) -> Iterator[str]:
    pricing = explanation.pricing
    rate, tier = pricing.rate, pricing.tier
    if isinstance(explanation, SubscriptionExplanation):
        yield f"{plain(pricing.quantity)} units of the subscription"
        if explanation.proration is not None:
            part, of, unit = part_of_period(explanation.proration)
            yield f"the price is that of {part} of {of} {unit}s of the period"
    else:
        events = explanation.event_count if isinstance(explanation, UsageExplanation) else 0
        yield f"{plain(pricing.quantity)} units from {events} event{'' if events == 1 else 's'}"
    until = "on" if rate.ending_before is None else f"to {rfc3339(rate.ending_before)}"
    which = "commit " if rate.base is RateTarget.COMMIT_RATE else ""
    yield f"{kind(rate.list_price)} {which}rate of {rate.source}, from {rfc3339(rate.starting_at)} {until}"
    if tier is not None:
        size = "without end" if tier.size is None else f"of {plain(tier.size)} units"
        yield f"{plain(tier.quantity_before)} units came before in this period"
        yield f"tier {tier.level}, above {plain(tier.starting_at)}, {size}"
    if isinstance(rate.price, Package):
        yield f"charged by blocks of {plain(rate.price.size)} units started"
    yield _product(plain(pricing.line_quantity), plain(pricing.unit_price), plain(pricing.total))
    yield "no override applies" if pricing.winner is None else override_sentence(pricing.winner)
    for lost in pricing.lost:
        yield f"not {lost.override.override_id}: {loss_reason(lost, pricing, with_ids=True)}"


def _applied_steps(explanation: AppliedExplanation) -> Iterator[str]:
    balance = explanation.balance
    yield f"{balance.name or f'balance {balance.balance_id}'} pays {plain(explanation.amount)}"
    yield f"it held {plain(explanation.before)} and holds {plain(explanation.after)}"
    if balance.type is BalanceKind.POSTPAID:
        yield "shown, but not taken off the total"


def _product(quantity: str, each: str, amount: str) -> str:
    return f"{quantity} x {each} = {amount}"
