"""A line's explanation in a person's words: what was measured, what it cost by which price, and the sum to check by
hand.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.money import ZERO, add, divide, mul, plain, round_places, subtract
from invoices.types import CurrencyView, LineView
from presentation import formatting
from presentation.groups import GroupNames
from presentation.prices import percentage, tier_units

_ROUNDING = {"ROUND_UP": "up", "ROUND_DOWN": "down", "ROUND_HALF_UP": "to the nearest"}
_PERCENTAGES = ("PERCENTAGE", "TIERED_PERCENTAGE")
_NO_OVERRIDE = "none applies: this is the rate card's own price"
_WHOLE_PLACES = 20
"""How many decimals a price per whole period has at most, where it is worked out from that of some days."""
_IDS = re.compile(r"\b(override |overwrite )?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} ?")
_MULTIPLIER = re.compile(r"multiplies the price by ([0-9.]+)$")
_ALONE = {
    "subscription": "Subscription", "conversion": "Left to pay", "composite": "Share of spend",
    "purchase": "Purchase", "true_up": "True-up",
}  # fmt: skip


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
    parts = [names.told(key, value) for key, value in groups.items()]
    if line.type == "applied_commit_or_credit":
        parts.append(f"paid by {balance_label(line)}")
    return ", ".join(parts)


def tier_label(line: LineView) -> str:
    """The units that a tier line charges: "first 10,000,000", "next 5,000", "above 15,000"; "" for other lines."""
    if line.tier is None:
        return ""
    start, size = Decimal(line.tier["starting_at"]), line.tier["size"]
    return tier_units(start, None if size is None else Decimal(size))


def label_alone(line: LineView) -> str:
    """What a line is called that nothing tells from others of its product."""
    return _ALONE.get(str(line.explanation.get("kind")), "All usage")


def quantity_text(line: LineView, currency: CurrencyView) -> str:
    """The quantity for a column: of a percentage, the money that it is of; "" for lines without one."""
    if line.quantity is None:
        return ""
    if is_percentage(line):
        return f"{formatting.money(line.quantity, currency).figure} {currency.code or currency.name}"
    return formatting.quantity(line.quantity)


def price_text(line: LineView, currency: CurrencyView) -> str:
    """The unit price for a column, "10 %" for a percentage; "" for lines without one."""
    if line.unit_price is None:
        return ""
    return percentage(line.unit_price) if is_percentage(line) else formatting.price(line.unit_price, currency)


def is_percentage(line: LineView) -> bool:
    """Whether its quantity is money, and its price a part of that."""
    return line.explanation.get("rate", {}).get("type") in _PERCENTAGES


def why(line: LineView, currency: CurrencyView) -> Why:
    """The explanation of `line`, from what was stored beside it."""
    source, currency = line.explanation, line.unit or currency
    if "rate" not in source:
        return _without_rate(line, source, currency)
    events = int(source.get("event_count", 0))
    rate = source["rate"]
    facts = [_measured(source, events, line, currency)]
    facts += _converted(source)
    whole = _whole_price(source)
    facts += _prices(source, whole, line, currency)
    if line.tier is not None:
        before = Decimal(source["tier"]["quantity_before"])
        facts.append(Fact("Tiers", _volume_sentence() if rate.get("type") == "VOLUME" else _tier_sentence(before)))
    facts += _part(source, line)
    lost = source.get("overrides", {}).get("lost", ())
    facts += [Fact("Not applied", _said(f"{override['words']}: {override['reason']}")) for override in lost]
    amount = formatting.money(line.total, currency)
    times = "\N{MULTIPLICATION SIGN}"
    each = _each((whole if whole is not None else line.unit_price) or ZERO, rate, currency)
    arithmetic = f"{_counted(line.quantity or ZERO, rate, currency)} {times} {each}"
    if whole is not None:
        part = source["proration"]
        arithmetic += f" {times} {part['days']} \N{DIVISION SIGN} {formatting.plural(int(part['of']), 'day')}"
    return Why(
        facts=tuple(facts),
        tiers=_tiers(source, currency),
        sum=f"{arithmetic} = {formatting.abridge_quotient(amount.exact)} {amount.code}",
        rounded=f"{amount.figure} {amount.code}" if amount.is_rounded else "",
        events=formatting.plural(events, "event") if events else "",
    )


def _part(source: dict[str, Any], line: LineView) -> list[Fact]:
    """Which part of what was measured the line charges, where balances have split it."""
    quantity, whole = line.quantity or ZERO, Decimal(source["quantity"])
    tier = source.get("tier")
    if tier:
        low, high = sorted((Decimal(tier["quantity_before"]), Decimal(tier["quantity_after"])))
        start, size = Decimal(tier["starting_at"]), tier["size"]
        end = high if size is None else min(high, add(start, Decimal(size)))
        whole = subtract(end, max(low, start))
    if abs(quantity) == abs(whole) or source["rate"].get("type") in (*_PERCENTAGES, "VOLUME", "PACKAGE"):
        return []
    payer = balance_label(line)
    who = f"what {payer} pays" if payer else "what no balance pays"
    return [Fact("This part", f"{formatting.quantity(quantity)} of {formatting.quantity(whole)}: {who}")]


def _prices(source: dict[str, Any], whole: Decimal | None, line: LineView, currency: CurrencyView) -> list[Fact]:
    """The rate card's price, and what an override makes of it."""
    rate, override = source["rate"], source.get("override")
    if source.get("kind") == "conversion":
        unit = line.name.removeprefix("Conversion of ")
        price = _each(Decimal(rate["price"]), rate, currency)
        return [
            Fact("Price", f"{price} for each of {unit}, as the rate card converts them"),
            Fact("Made up of", f"all lines of this invoice in {unit}, less what balances in {unit} pay"),
        ]
    ours = rate if whole is None else rate | {"price": plain(whole)}
    if not override:
        return [Fact("Price", _price(ours, currency)), Fact("Override", _NO_OVERRIDE)]
    made = _said(override)
    if rate["tiers"] is None:
        made = f"{made}: {_amounts(ours, currency)}"
    listed = source.get("list_price")
    if listed is None or rate.get("base") == "COMMIT_RATE":
        return [Fact("Price", _price(ours, currency)), Fact("Override", made)]
    origin = {name: rate[name] for name in ("source", "starting_at", "ending_before")}
    return [Fact("List price", _price(listed | origin, currency)), Fact("Override", made)]


def _whole_price(source: dict[str, Any]) -> Decimal | None:
    """What a whole period of a prorated subscription costs each; None where that is not sure: the price of the part
    may have been rounded, unless it is a quotient with all its decimals or the part of a price that is known.
    """
    part, rate = source.get("proration"), source["rate"]
    if not part or rate["price"] is None:
        return None
    price, days, of = Decimal(rate["price"]), Decimal(part["days"]), Decimal(part["of"])
    if days == of:
        return None
    whole = round_places(divide(mul(price, of), days), _WHOLE_PLACES)
    if divide(mul(whole, days), of) != price:
        return None
    is_quotient = len(rate["price"].partition(".")[2]) > _WHOLE_PLACES
    return whole if is_quotient or whole == _known_price(source) else None


def _known_price(source: dict[str, Any]) -> Decimal | None:
    """The list price, or what a multiplier makes of it."""
    listed = (source.get("list_price") or {}).get("price")
    found = _MULTIPLIER.search(str(source.get("override") or ""))
    if listed is None or (source.get("override") and not found):
        return None
    return mul(Decimal(listed), Decimal(found[1])) if found else Decimal(listed)


def _said(text: str) -> str:
    """An explanation without the ids in it, which say nothing to people."""
    return _IDS.sub(lambda found: "the overwrite " if found[1] == "overwrite " else "", text).replace(
        "commit-specific comes first", "one for the balance that pays comes first"
    )


def _without_rate(line: LineView, source: dict[str, Any], currency: CurrencyView) -> Why:
    """What a balance paid, or what is charged for one: nothing was measured."""
    amount = formatting.money(line.total, currency)
    balance = source.get("balance") or {}
    facts = []
    if source.get("kind") == "applied":
        units = balance.get("access_type") == "QUANTITY"

        def held(stored: str) -> str:
            value = Decimal(stored)
            return f"{formatting.quantity(value)} units" if units else formatting.money(value, currency).figure

        facts.append(Fact("Paid by", balance_label(line)))
        facts.append(Fact("It held", held(source["before"])))
        facts.append(Fact("It holds", held(source["after"])))
    elif source.get("kind") == "true_up":
        facts.append(Fact("True-up", "what was committed and not used"))
    else:
        facts.append(Fact("Price", f"{formatting.price(line.unit_price or ZERO, currency)} each, as agreed"))
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


def _measured(source: dict[str, Any], events: int, line: LineView, currency: CurrencyView) -> Fact:
    when = formatting.period(line.starting_at, line.ending_before) if line.starting_at and line.ending_before else ""
    measured = _counted(Decimal(source["metric_quantity"]), source["rate"], currency)
    if source.get("kind") == "composite":
        spent = [f"{part['name']} {_counted(Decimal(part['total']), source['rate'], currency)}"
                 for part in source.get("contributions", ())]  # fmt: skip
        return Fact("Spend", f"{' + '.join(spent) or measured}, the lines of these products on this invoice, {when}")
    if source.get("kind") == "conversion":
        return Fact("Units", f"{measured} {line.name.removeprefix('Conversion of ')} left to pay, {when}")
    if source.get("kind") == "subscription":
        part = source.get("proration")
        share = f", {part['days']} of {formatting.plural(int(part['of']), 'day')} of the period" if part else ""
        return Fact("Subscription", f"quantity {measured}, {when}{share}")
    return Fact("Usage", f"{source['metric']['name']}: {measured} from {formatting.plural(events, 'event')}, {when}")


def _converted(source: dict[str, Any]) -> list[Fact]:
    facts = []
    conversion, rounding = source.get("conversion"), source.get("rounding")
    result = formatting.quantity(Decimal(source["quantity"]))
    if conversion:
        sign = "\N{DIVISION SIGN}" if conversion["operation"] == "DIVIDE" else "\N{MULTIPLICATION SIGN}"
        before, factor = Decimal(source["metric_quantity"]), Decimal(conversion["factor"])
        text = f"{formatting.quantity(before)} {sign} {formatting.quantity(factor)}"
        facts.append(Fact("Converted", text if rounding else f"{text} = {result}"))
    if rounding:
        places = formatting.plural(int(rounding["decimal_places"]), "decimal")
        facts.append(Fact("Rounded", f"{_ROUNDING[rounding['method']]}, to {places}: {result}"))
    return facts


def _price(rate: dict[str, Any], currency: CurrencyView) -> str:
    since = formatting.day(datetime.fromisoformat(rate["starting_at"]))
    until = f" until {formatting.day(datetime.fromisoformat(rate['ending_before']))}" if rate["ending_before"] else ""
    origin = f"by {rate['source']}, in force since {since}{until}"
    least = f", {formatting.price(Decimal(rate['minimum']), currency)} at least" if rate.get("minimum") else ""
    return f"{_amounts(rate, currency)}{least}, {origin}"


def _amounts(rate: dict[str, Any], currency: CurrencyView) -> str:
    """A price without where it comes from: "0.30 USD each" """
    if rate["tiers"] is not None:
        return "by the tier that the whole period reaches" if rate.get("type") == "VOLUME" else "in tiers"
    if rate["price"] is None:
        return "by terms of its own"
    price = _each(Decimal(rate["price"]), rate, currency)
    if rate.get("size"):
        return f"{price} for each block of {formatting.quantity(Decimal(rate['size']))} begun"
    return f"{price} {'of it' if rate.get('type') in _PERCENTAGES else 'each'}"


def _each(price: Decimal, rate: dict[str, Any], currency: CurrencyView) -> str:
    """A unit price; a percentage's is a fraction of money."""
    return percentage(price) if rate.get("type") in _PERCENTAGES else formatting.price(price, currency)


def _counted(quantity: Decimal, rate: dict[str, Any], currency: CurrencyView) -> str:
    """A quantity; a percentage's is money."""
    if rate.get("type") not in _PERCENTAGES:
        return formatting.quantity(quantity)
    amount = formatting.money(quantity, currency)
    return f"{amount.exact} {amount.code}"


def _volume_sentence() -> str:
    return "all units of the billing period cost what the tier says that their whole quantity reaches"


def _tier_sentence(before: Decimal) -> str:
    if not before:
        return "each unit costs its own tier's price; this usage begins at the first unit of the billing period"
    return f"each unit costs its own tier's price; {formatting.quantity(before)} came before in this billing period"


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
                units=tier_units(start, size),
                price=_each(each, rate, currency),
                quantity=_counted(used, rate, currency) if used else "",
                amount=formatting.money(mul(used, each), currency).figure if used else "",
                is_this=level == tier["level"],
            )
        )
        start = end
    return tuple(rows)
