"""A line's explanation in a person's words: what was measured, what it cost by which price, and the sum to check by
hand.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from console import words
from console.options import GroupNames
from engine.money import ZERO, add, mul, plain, subtract
from invoices.types import CurrencyView, LineView

HUNDRED = Decimal(100)
_ROUNDING = {"ROUND_UP": "up", "ROUND_DOWN": "down", "ROUND_HALF_UP": "to the nearest"}
_PERCENTAGES = ("PERCENTAGE", "TIERED_PERCENTAGE")
_NO_OVERRIDE = "none applies: this is the rate card's own price"


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


def line_label(line: LineView, names: GroupNames) -> str:
    """What tells this line from its product's other lines: "lumen-large, us-east"; "" where nothing does."""
    groups: dict[str, str | None] = {**line.pricing_group_values, **line.presentation_group_values}
    parts = [_named(key, value, names) for key, value in groups.items()]
    if line.type == "applied_commit_or_credit":
        parts.append(f"paid by {balance_label(line)}")
    return ", ".join(parts)


def tier_label(line: LineView) -> str:
    """The units that a tier line charges: "first 10,000,000", "next 5,000", "above 15,000"; "" for other lines."""
    if line.tier is None:
        return ""
    start, size = Decimal(line.tier["starting_at"]), line.tier["size"]
    return _tier_units(start, None if size is None else Decimal(size))


def why(line: LineView, currency: CurrencyView) -> Why:
    """The explanation of `line`, from what was stored beside it."""
    source, currency = line.explanation, line.unit or currency
    if "rate" not in source:
        return _without_rate(line, source, currency)
    events = int(source.get("event_count", 0))
    rate = source["rate"]
    facts = [_measured(source, events, line, currency)]
    facts += _converted(source)
    facts.append(Fact("Price", _price(rate, currency)))
    if line.tier is not None:
        before = Decimal(source["tier"]["quantity_before"])
        facts.append(Fact("Tiers", _volume_sentence() if rate.get("type") == "VOLUME" else _tier_sentence(before)))
    facts.append(Fact("Override", str(source.get("override") or _NO_OVERRIDE)))
    lost = source.get("overrides", {}).get("lost", ())
    facts += [Fact("Not applied", f"{override['words']}: {override['reason']}") for override in lost]
    amount = words.money(line.total, currency)
    times = "\N{MULTIPLICATION SIGN}"
    each = _each(line.unit_price or ZERO, rate, currency)
    arithmetic = f"{_counted(line.quantity or ZERO, rate, currency)} {times} {each}"
    return Why(
        facts=tuple(facts),
        tiers=_tiers(source, currency),
        sum=f"{arithmetic} = {amount.exact} {amount.code}",
        rounded=f"{amount.figure} {amount.code}" if amount.is_rounded else "",
        events=words.plural(events, "event"),
    )


def _without_rate(line: LineView, source: dict[str, Any], currency: CurrencyView) -> Why:
    """What a balance paid, or what is charged for one: nothing was measured."""
    amount = words.money(line.total, currency)
    balance = source.get("balance") or {}
    facts = []
    if source.get("kind") == "applied":
        units = balance.get("access_type") == "QUANTITY"

        def held(stored: str) -> str:
            value = Decimal(stored)
            return f"{words.quantity(value)} units" if units else words.money(value, currency).figure

        facts.append(Fact("Paid by", balance_label(line)))
        facts.append(Fact("It held", held(source["before"])))
        facts.append(Fact("It holds", held(source["after"])))
    elif source.get("kind") == "true_up":
        facts.append(Fact("True-up", "what was committed and not used"))
    else:
        facts.append(Fact("Price", f"{words.price(line.unit_price or ZERO, currency)} each, as agreed"))
    return Why(
        facts=tuple(facts),
        tiers=(),
        sum=f"{amount.exact} {amount.code}",
        rounded=f"{amount.figure} {amount.code}" if amount.is_rounded else "",
        events="",
    )


def balance_label(line: LineView) -> str:
    """The balance that pays, in words; "" for lines that the customer pays."""
    balance = line.explanation.get("balance") or {}
    if line.commit_id is None or line.type == "commit_purchase":
        return ""
    kinds = {"CREDIT": "a credit", "PREPAID": "a prepaid commit", "POSTPAID": "a postpaid commit"}
    return str(balance.get("name") or kinds.get(str(balance.get("type")), "a balance"))


def _named(key: str, value: str | None, names: GroupNames) -> str:
    """A group value; with its key's name where the value says nothing by itself (true, 4, eu)."""
    text = names.value(key, value)
    speaks = value is None or (len(text) > 3 and not text.isdecimal() and text.lower() not in ("true", "false"))
    return text if speaks else f"{names.key(key)} {text}"


def _measured(source: dict[str, Any], events: int, line: LineView, currency: CurrencyView) -> Fact:
    when = words.span(line.starting_at, line.ending_before) if line.starting_at and line.ending_before else ""
    measured = _counted(Decimal(source["metric_quantity"]), source["rate"], currency)
    if source.get("kind") == "composite":
        spent = [f"{part['name']} {_counted(Decimal(part['total']), source['rate'], currency)}"
                 for part in source.get("contributions", ())]  # fmt: skip
        return Fact("Spend", f"{source['metric']['name']}: {', '.join(spent) or measured}, {when}")
    if source.get("kind") == "conversion":
        return Fact("Units", f"{measured} left to pay, {when}")
    if source.get("kind") == "subscription":
        part = source.get("proration")
        share = f", {part['days']} of {words.plural(int(part['of']), 'day')} of the period" if part else ""
        return Fact("Subscription", f"quantity {measured}, {when}{share}")
    return Fact("Usage", f"{source['metric']['name']}: {measured} from {words.plural(events, 'event')}, {when}")


def _converted(source: dict[str, Any]) -> list[Fact]:
    facts = []
    conversion, rounding = source.get("conversion"), source.get("rounding")
    result = words.quantity(source["quantity"])
    if conversion:
        sign = "\N{DIVISION SIGN}" if conversion["operation"] == "DIVIDE" else "\N{MULTIPLICATION SIGN}"
        text = f"{words.quantity(source['metric_quantity'])} {sign} {words.quantity(conversion['factor'])}"
        facts.append(Fact("Converted", text if rounding else f"{text} = {result}"))
    if rounding:
        places = words.plural(int(rounding["decimal_places"]), "decimal")
        facts.append(Fact("Rounded", f"{_ROUNDING[rounding['method']]}, to {places}: {result}"))
    return facts


def _price(rate: dict[str, Any], currency: CurrencyView) -> str:
    since = words.day(datetime.fromisoformat(rate["starting_at"]))
    until = f" until {words.day(datetime.fromisoformat(rate['ending_before']))}" if rate["ending_before"] else ""
    origin = f"by {rate['source']}, in force since {since}{until}"
    least = f", {words.price(Decimal(rate['minimum']), currency)} at least" if rate.get("minimum") else ""
    if rate["tiers"] is not None:
        whole = "by the tier that the whole period reaches" if rate.get("type") == "VOLUME" else "in tiers"
        return f"{whole}{least}, {origin}"
    price = _each(Decimal(rate["price"]), rate, currency)
    if rate.get("size"):
        return f"{price} for each block of {words.quantity(Decimal(rate['size']))} begun, {origin}"
    return f"{price} {'of it' if rate.get('type') in _PERCENTAGES else 'each'}{least}, {origin}"


def _each(price: Decimal, rate: dict[str, Any], currency: CurrencyView) -> str:
    """A unit price; a percentage's is a fraction of money."""
    return f"{plain(mul(price, HUNDRED))} %" if rate.get("type") in _PERCENTAGES else words.price(price, currency)


def _counted(quantity: Decimal, rate: dict[str, Any], currency: CurrencyView) -> str:
    """A quantity; a percentage's is money."""
    if rate.get("type") not in _PERCENTAGES:
        return words.quantity(quantity)
    amount = words.money(quantity, currency)
    return f"{amount.exact} {amount.code}"


def _volume_sentence() -> str:
    return "all units of the billing period cost what the tier says that their whole quantity reaches"


def _tier_sentence(before: Decimal) -> str:
    if not before:
        return "each unit costs its own tier's price; this usage begins at the first unit of the billing period"
    return f"each unit costs its own tier's price; {words.quantity(before)} came before in this billing period"


def _tiers(source: dict[str, Any], currency: CurrencyView) -> tuple[TierRow, ...]:
    """All tiers of the price, with the part of this usage that each one took."""
    tier = source.get("tier")
    if not tier:
        return ()
    before, after = Decimal(tier["quantity_before"]), Decimal(tier["quantity_after"])
    low, high = min(before, after), max(before, after)
    rows, start = [], ZERO
    rate = source["rate"]
    for level, step in enumerate(rate["tiers"] or ()):
        size = None if step["size"] is None else Decimal(step["size"])
        end = max(high, start) if size is None else add(start, size)
        used = max(ZERO, subtract(min(high, end), max(low, start)))
        used = used if after >= before else -used
        if rate.get("type") == "VOLUME":
            used = Decimal(source["line"]["quantity"]) if level == tier["level"] else ZERO
        each = Decimal(step["price"])
        rows.append(
            TierRow(
                units=_tier_units(start, size),
                price=_each(each, rate, currency),
                quantity=_counted(used, rate, currency) if used else "",
                amount=words.money(mul(used, each), currency).figure if used else "",
                is_this=level == tier["level"],
            )
        )
        start = end
    return tuple(rows)


def _tier_units(start: Decimal, size: Decimal | None) -> str:
    if size is None:
        return f"above {words.quantity(start)}" if start else "all"
    return f"{'next' if start else 'first'} {words.quantity(size)}"
