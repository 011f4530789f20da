"""A package's terms as staff read them: what, how much and when, counted from a contract's start."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from backoffice.threshold_words import USD, threshold_lines
from balances.threshold_part import DOES_NOT_ACT
from catalog.models import CreditType
from catalog.package_models import Package
from contracts.api.package_outputs import present_packages
from core.exact_json import dumps
from presentation import formatting

EACH: Final = {"WEEKLY": "every week", "MONTHLY": "every month", "QUARTERLY": "every quarter", "ANNUAL": "every year",
               "DAILY": "every day"}  # fmt: skip
UNITS: Final = {"DAYS": "day", "WEEKS": "week", "MONTHS": "month", "YEARS": "year"}
KINDS: Final = {"PREPAID": "Prepaid commit", "POSTPAID": "Postpaid commit"}


@dataclass(frozen=True, slots=True)
class Words:
    """One line: what it is, its name, how much of it and when."""

    what: str
    name: str
    how_much: str
    when: str


def words_of(package: Package, *, at: datetime) -> list[Words]:
    """The parts of a package, products as they are called at `at`. A fixed number of queries."""
    [shown] = present_packages([package], at)
    units = {str(unit.pk): unit for unit in CreditType.objects.all()}
    return list(_lines(shown, units))


def words_of_template(template: Mapping[str, Any], *, at: datetime) -> list[Words]:
    """The same of terms that are not kept yet."""
    return words_of(Package(name="", template=dumps(dict(template)).decode(), created_at=at), at=at)


def length(said: Mapping[str, Any] | None) -> str:
    """`{"value": 3, "unit": "MONTHS"}` as "3 months"; a dash for none."""
    if not said:
        return formatting.DASH
    return formatting.plural(int(said["value"]), UNITS[str(said["unit"])])


def after(said: Mapping[str, Any] | None) -> str:
    """When something begins."""
    return f"{length(said)} after the start" if said and int(said["value"]) else "at the start"


def _lines(shown: Mapping[str, Any], units: Mapping[str, CreditType]) -> Iterator[Words]:
    yield from map(_subscription, shown["subscriptions"])
    for name, kind in (("commits", ""), ("credits", "Credit")):
        for one in shown[name]:
            yield from _balance(kind or KINDS[one["type"]], one, units)
    usual = shown["usage_statement_schedule"]["frequency"]
    for name, kind in (("recurring_commits", "Recurring commit"), ("recurring_credits", "Recurring credit")):
        for one in shown[name]:
            yield _recurring(kind, one, one.get("recurrence_frequency") or usual, units)
    for one in shown["scheduled_charges"]:
        yield from _dated("Charge", one, one["schedule"], units)
    for one in shown["overrides"]:
        yield Words("Price override", _aim(one), _worth(one), _from(one))
    for what, words in threshold_lines(shown, units, units[USD]):
        yield Words("Automatic charge", what, words, DOES_NOT_ACT if "threshold" in what else "from the start")
    if trial := shown.get("trial"):
        usage = "usage is billed" if trial.get("usage") == "BILLED" else "usage is free"
        yield Words("Trial", length(trial["length"]), f"{usage}, subscriptions are not charged", "at the start")


def _subscription(one: Mapping[str, Any]) -> Words:
    rate = one["subscription_rate"]
    paid = "in advance" if one["collection_schedule"] == "ADVANCE" else "afterwards"
    many = formatting.format_quantity(_number(one.get("initial_quantity", 1)))
    when = f"{EACH[rate['billing_frequency']]}, {paid}, {_from(one)}"
    return Words("Subscription", one.get("name") or rate["product"]["name"], f"{many} at the card's price", when)


def _balance(kind: str, one: Mapping[str, Any], units: Mapping[str, CreditType]) -> Iterator[Words]:
    for item in one["access_schedule"]["schedule_items"]:
        amount = formatting.money_text(_number(item["amount"]), _unit(one["access_schedule"], units))
        yield Words(kind, _called(one), amount, _from(item))
    if invoiced := one.get("invoice_schedule"):
        yield from _dated("Its invoice", one, invoiced, units)


def _recurring(kind: str, one: Mapping[str, Any], frequency: str, units: Mapping[str, CreditType]) -> Words:
    amount = one["access_amount"]
    unit = units[str(UUID(str(amount["credit_type_id"])))]
    total = _number(amount["unit_price"]) * _number(amount.get("quantity", 1))
    return Words(kind, _called(one), formatting.money_text(total, unit), f"{EACH[frequency]}, {_from(one)}")


def _dated(
    kind: str, one: Mapping[str, Any], schedule: Mapping[str, Any], units: Mapping[str, CreditType]
) -> Iterator[Words]:
    unit = _unit(schedule, units)
    for item in schedule["schedule_items"]:
        amount = item.get("amount")
        total = _number(item["unit_price"]) * _number(item["quantity"]) if amount is None else _number(amount)
        yield Words(kind, _called(one), formatting.money_text(total, unit), after(item.get("date_offset")))


def _called(one: Mapping[str, Any]) -> str:
    return str(one.get("name") or one["product"]["name"])


def _from(item: Mapping[str, Any]) -> str:
    begins = after(item.get("starting_at_offset"))
    return f"{begins}, for {length(item['duration'])}" if item.get("duration") else begins


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _unit(schedule: Mapping[str, Any], units: Mapping[str, CreditType]) -> CreditType:
    return units[str(UUID(str(schedule["credit_type"]["id"])))]


def _aim(override: Mapping[str, Any]) -> str:
    specifiers = override["override_specifiers"]
    tags = [tag for one in specifiers for tag in one.get("product_tags", ())]
    if tags:
        return f"products tagged {', '.join(tags)}"
    return formatting.plural(len(specifiers), "product") if specifiers else "every product"


def _worth(override: Mapping[str, Any]) -> str:
    if "multiplier" in override:
        return f"{formatting.format_quantity(_number(override['multiplier']))} times the list price"
    if "override_tiers" in override:
        return "multipliers by tier"
    if "overwrite_rate" in override:
        return f"its own {str(override['overwrite_rate']['rate_type']).lower().replace('_', ' ')} rate"
    return "entitled" if override.get("entitled") else "not entitled"
