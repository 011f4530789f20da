"""A line's explanation as a table: what was measured, what it cost by which price, and the sum to check by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.balances import AccessType, BalanceKind
from engine.conversion import ConversionOperation, RoundingMethod
from engine.explanation import (
    AppliedExplanation,
    CompositeExplanation,
    ConversionExplanation,
    DatedExplanation,
    DiscountExplanation,
    Explanation,
    PricedExplanation,
    PriceInForce,
    Pricing,
    Proration,
    ScheduledExplanation,
    SubscriptionExplanation,
    TrueUpExplanation,
    UsageExplanation,
)
from engine.money import ZERO, add, divide, mul, round_places, subtract
from engine.overrides import RateTarget
from engine.prices import (
    Custom,
    Flat,
    Package,
    Percentage,
    Price,
    Tiered,
    TieredPercentage,
    Volume,
    each_price,
)
from presentation import formatting
from presentation.explanation.lines import (
    ExplainedLine,
    balance_name,
    event_count,
)
from presentation.explanation.sentences import contributions, loss_reason, override_effect, part_of_period
from presentation.formatting import Unit
from presentation.prices import percentage, tier_units

_ROUNDING: Final = {
    RoundingMethod.ROUND_UP: "up",
    RoundingMethod.ROUND_DOWN: "down",
    RoundingMethod.ROUND_HALF_UP: "to the nearest",
}
_APPLIED_FACTS: Final = {
    False: ("Paid by", "It held", "It holds"),
    True: ("Counts towards", "To go before", "To go after"),
}
"""What a balance does for a line; a postpaid commit (True) pays nothing."""
_NO_OVERRIDE: Final = "none applies: this is the rate card's own price"
_WHOLE_PLACES: Final = 20
"""How many decimals a price per whole period has at most, where it is worked out from that of a part."""
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_OVER: Final = "\N{DIVISION SIGN}"


@dataclass(frozen=True, slots=True)
class Fact:
    """One step of the reasoning."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class TierRow:
    """A tier of the price, and what of this usage fell into it. `is_this`: the tier that the line charges."""

    units: str
    price: str
    quantity: str
    amount: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class Why:
    """Everything behind one line. `sum` ends with the exact amount; `rounded` is how the list shows it, where that
    differs.
    """

    facts: tuple[Fact, ...]
    tiers: tuple[TierRow, ...]
    sum: str
    rounded: str
    events: str


def why(line: ExplainedLine, currency: Unit, *, with_held: bool = True) -> Why:
    """The explanation of `line`, of an invoice in `currency`; `with_held`: with what a balance held and holds."""
    unit: Unit = line.unit or currency
    explanation = line.explanation
    amount = formatting.money(line.total, unit)
    events = event_count(explanation)
    facts: Iterator[Fact]
    tiers: tuple[TierRow, ...] = ()
    if isinstance(explanation, AppliedExplanation | DatedExplanation):
        facts, told = _unpriced_facts(line, explanation, unit, with_held), f"{amount.exact} {amount.code}"
    else:
        facts, tiers = _priced_facts(line, explanation, unit), tuple(_tiers(explanation.pricing, unit))
        told = f"{_arithmetic(line, explanation, unit)} = {formatting.abridge_quotient(amount.exact)} {amount.code}"
    return Why(
        facts=tuple(facts),
        tiers=tiers,
        sum=told,
        rounded=f"{amount.figure} {amount.code}" if amount.is_rounded else "",
        events=formatting.plural(events, "event") if events else "",
    )


def _unpriced_facts(line: ExplainedLine, explanation: Explanation, unit: Unit, with_held: bool) -> Iterator[Fact]:
    """What a balance paid, or what is charged for one: nothing was measured."""
    if isinstance(explanation, AppliedExplanation):
        does, before, after = _APPLIED_FACTS[explanation.balance.type is BalanceKind.POSTPAID]
        yield Fact(does, balance_name(explanation.balance))
        if with_held:
            yield Fact(before, _held(explanation, explanation.before, unit))
            yield Fact(after, _held(explanation, explanation.after, unit))
    elif isinstance(explanation, TrueUpExplanation):
        yield Fact("True-up", "what was committed and not used")
    elif isinstance(explanation, DiscountExplanation):
        agreed = formatting.money(explanation.agreed, unit)
        limit = "" if explanation.amount == explanation.agreed else "; no more than was left to pay is taken off"
        yield Fact("Discount", f"{agreed.figure} {agreed.code} agreed for {formatting.day(explanation.due)}{limit}")
    elif isinstance(explanation, ScheduledExplanation):
        price = formatting.price(explanation.unit_price, unit)
        yield Fact("Price", f"{price} each, agreed for {formatting.day(explanation.due)}")
    else:
        yield Fact("Price", f"{formatting.price(line.unit_price or ZERO, unit)} each, as agreed")


def _held(explanation: AppliedExplanation, amount: Decimal, unit: Unit) -> str:
    if explanation.balance.access_type is AccessType.QUANTITY:
        return f"{formatting.quantity(amount)} units"
    return formatting.money(amount, unit).figure


def _priced_facts(line: ExplainedLine, explanation: PricedExplanation, unit: Unit) -> Iterator[Fact]:
    pricing = explanation.pricing
    yield _measured(line, explanation, unit)
    if isinstance(explanation, UsageExplanation):
        yield from _converted(explanation)
    if isinstance(explanation, ConversionExplanation):
        called = _unit_name(explanation)
        price = formatting.price(pricing.unit_price, unit)
        yield Fact("Price", f"{price} for each of {called}, as the rate card converts them")
        yield Fact("Made up of", f"all lines of this invoice in {called}, less what balances in {called} pay")
    else:
        yield from _prices(pricing, _whole_price(explanation), unit)
    if pricing.tier is not None:
        yield Fact("Tiers", _tier_sentence(pricing.rate.price, pricing.tier.quantity_before))
    yield from _part(line, pricing)
    if pricing.balance is not None and pricing.balance.type is BalanceKind.POSTPAID:
        yield Fact("Counts towards", balance_name(pricing.balance))
    for lost in pricing.lost:
        reason = loss_reason(lost, pricing, with_ids=False)
        yield Fact("Not applied", f"{override_effect(lost.override)}: {reason}")


def _measured(line: ExplainedLine, explanation: PricedExplanation, unit: Unit) -> Fact:
    when = formatting.period(line.starting_at, line.ending_before) if line.starting_at and line.ending_before else ""
    pricing = explanation.pricing
    if isinstance(explanation, UsageExplanation):
        measured = _counted(explanation.metric_quantity, pricing, unit)
        events = formatting.plural(explanation.event_count, "event")
        return Fact("Usage", f"{explanation.metric_name}: {measured} from {events}, {when}")
    measured = _counted(pricing.quantity, pricing, unit)
    if isinstance(explanation, SubscriptionExplanation):
        share = f", {_part_of_period(explanation.proration, ' of ')} of the period" if explanation.proration else ""
        return Fact("Subscription", f"quantity {measured}, {when}{share}")
    if isinstance(explanation, ConversionExplanation):
        return Fact("Units", f"{measured} {_unit_name(explanation)} left to pay, {when}")
    return _spend(explanation, measured, when, unit)


def _spend(explanation: CompositeExplanation, measured: str, when: str, unit: Unit) -> Fact:
    if explanation.is_minimum:
        return Fact("Minimum", f"what the lines of these products on this invoice lack to the minimum, {when}")
    spent = " + ".join(
        f"{name} {_counted(total, explanation.pricing, unit)}" for name, total in contributions(explanation)
    )
    return Fact("Spend", f"{spent or measured}, the lines of these products on this invoice, {when}")


def _unit_name(explanation: ConversionExplanation) -> str:
    return explanation.unit_name or "the unit"


def _converted(explanation: UsageExplanation) -> Iterator[Fact]:
    conversion, rounding = explanation.conversion, explanation.rounding
    result = formatting.quantity(explanation.pricing.quantity)
    if conversion is not None:
        sign = _OVER if conversion.op is ConversionOperation.DIVIDE else _TIMES
        before = formatting.quantity(explanation.metric_quantity)
        text = f"{before} {sign} {formatting.quantity(conversion.factor)}"
        yield Fact("Converted", text if rounding else f"{text} = {result}")
    if rounding is not None:
        places = formatting.plural(rounding.places, "decimal")
        yield Fact("Rounded", f"{_ROUNDING[rounding.method]}, to {places}: {result}")


def _prices(pricing: Pricing, whole: Decimal | None, unit: Unit) -> Iterator[Fact]:
    """The rate card's price, and what an override makes of it."""
    rate = pricing.rate
    ours = rate.price if whole is None else each_price(rate.price, lambda _: whole)
    if pricing.winner is None:
        yield Fact("Price", _price(ours, rate, unit))
        yield Fact("Override", _NO_OVERRIDE)
        return
    made = override_effect(pricing.winner)
    if not isinstance(rate.price, Tiered | Volume):
        made = f"{made}: {_amounts(ours, unit)}"
    if rate.base is RateTarget.COMMIT_RATE:
        yield Fact("Price", _price(ours, rate, unit))
    else:
        yield Fact("List price", _price(rate.list_price, rate, unit))
    yield Fact("Override", made)


def _whole_price(explanation: PricedExplanation) -> Decimal | None:
    """What a whole period of a prorated subscription costs each; None where that is not sure: the price of the part
    may have been rounded, unless it is a quotient with all its decimals or the part of a price that is known.
    """
    part = explanation.proration if isinstance(explanation, SubscriptionExplanation) else None
    price = _price_for_all(explanation.pricing.rate.price)
    if part is None or price is None or not 0 < part.hours < part.of:
        return None
    hours, of = Decimal(part.hours), Decimal(part.of)
    whole = round_places(divide(mul(price, of), hours), _WHOLE_PLACES)
    if divide(mul(whole, hours), of) != price:
        return None
    is_quotient = round_places(price, _WHOLE_PLACES) != price
    return whole if is_quotient or whole == _known_price(explanation.pricing) else None


def _known_price(pricing: Pricing) -> Decimal | None:
    """The list price, or what a multiplier makes of it."""
    listed, winner = _price_for_all(pricing.rate.list_price), pricing.winner
    if listed is None or winner is None:
        return listed
    return None if winner.multiplier is None else mul(listed, winner.multiplier)


def _price_for_all(price: Price) -> Decimal | None:
    """The one price of every unit or block; None for tiers and for what only a program knows."""
    return price.price if isinstance(price, Flat | Package) and not isinstance(price, Custom) else None


def _price(price: Price, rate: PriceInForce, unit: Unit) -> str:
    until = "" if rate.ending_before is None else f" until {formatting.day(rate.ending_before)}"
    origin = f"by {rate.source}, in force since {formatting.day(rate.starting_at)}{until}"
    minimum = price.minimum if isinstance(price, Percentage | TieredPercentage) else None
    least = "" if minimum is None else f", {formatting.price(minimum, unit)} at least"
    return f"{_amounts(price, unit)}{least}, {origin}"


def _amounts(price: Price, unit: Unit) -> str:
    """A price without where it comes from: "0.30 USD each" """
    if isinstance(price, Volume):
        return "by the tier that the whole period reaches"
    if isinstance(price, Tiered):
        return "in tiers"
    if isinstance(price, Custom):
        return "by terms of its own"
    if isinstance(price, Percentage):
        return f"{percentage(price.price)} of it"
    each = formatting.price(price.price, unit)
    if isinstance(price, Package):
        return f"{each} for each block of {formatting.quantity(price.size)} begun"
    return f"{each} each"


def _part(line: ExplainedLine, pricing: Pricing) -> Iterator[Fact]:
    """Which part of what was measured the line charges, where balances have split it."""
    quantity, whole, tier = line.quantity or ZERO, pricing.quantity, pricing.tier
    if tier is not None:
        low, high = sorted((tier.quantity_before, tier.quantity_after))
        end = high if tier.size is None else min(high, add(tier.starting_at, tier.size))
        whole = subtract(end, max(low, tier.starting_at))
    if abs(quantity) != abs(whole) and not (pricing.is_percentage or isinstance(pricing.rate.price, Volume | Package)):
        payer = pricing.balance
        who = "what no balance pays"
        if payer is not None:
            name = balance_name(payer)
            who = f"what counts towards {name}" if payer.type is BalanceKind.POSTPAID else f"what {name} pays"
        yield Fact("This part", f"{formatting.quantity(quantity)} of {formatting.quantity(whole)}: {who}")


def _tier_sentence(price: Price, before: Decimal) -> str:
    if isinstance(price, Volume):
        return "all units of the billing period cost what the tier says that their whole quantity reaches"
    if not before:
        return "each unit costs its own tier's price; this usage begins at the first unit of the billing period"
    return f"each unit costs its own tier's price; {formatting.quantity(before)} came before in this billing period"


def _tiers(pricing: Pricing, unit: Unit) -> Iterator[TierRow]:
    """All tiers of the price, with the part of this usage that each one took."""
    tier, price = pricing.tier, pricing.rate.price
    if tier is None or not isinstance(price, Tiered | Volume):
        return
    low, high = sorted((tier.quantity_before, tier.quantity_after))
    for info, each in zip(price.levels, price.tiers, strict=True):
        start, is_this = info.starting_at, info.level == tier.level
        end = max(high, start) if info.size is None else add(start, info.size)
        used = max(ZERO, subtract(min(high, end), max(low, start)))
        used = used if tier.quantity_after >= tier.quantity_before else -used
        if isinstance(price, Volume):
            used = pricing.line_quantity if is_this else ZERO
        yield TierRow(
            units=tier_units(start, info.size),
            price=_each(each.price, pricing, unit),
            quantity=_counted(used, pricing, unit) if used else "",
            amount=formatting.money(mul(used, each.price), unit).figure if used else "",
            is_this=is_this,
        )


def _arithmetic(line: ExplainedLine, explanation: PricedExplanation, unit: Unit) -> str:
    """Quantity times price, and the part of the period where it is known to be one."""
    whole = _whole_price(explanation)
    pricing = explanation.pricing
    each = _each((line.unit_price if whole is None else whole) or ZERO, pricing, unit)
    told = f"{_counted(line.quantity or ZERO, pricing, unit)} {_TIMES} {each}"
    if whole is None or not isinstance(explanation, SubscriptionExplanation) or explanation.proration is None:
        return told
    return f"{told} {_TIMES} {_part_of_period(explanation.proration, f' {_OVER} ')}"


def _part_of_period(proration: Proration, over: str) -> str:
    """ "1 of 7 days", "12 of 720 hours"."""
    part, of, unit = part_of_period(proration)
    return f"{part:,}{over}{formatting.plural(of, unit)}"


def _each(price: Decimal, pricing: Pricing, unit: Unit) -> str:
    """A unit price; a percentage's is a fraction of money."""
    return percentage(price) if pricing.is_percentage else formatting.price(price, unit)


def _counted(quantity: Decimal, pricing: Pricing, unit: Unit) -> str:
    """A quantity; a percentage's is money."""
    if not pricing.is_percentage:
        return formatting.quantity(quantity)
    amount = formatting.money(quantity, unit)
    return f"{amount.exact} {amount.code}"
