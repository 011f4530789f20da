"""Packages in answers: their terms as they were asked for, with ids, and names beside the ids of what they refer to."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from catalog.api.rate_cards import AliasOutput
from catalog.models import CreditType
from catalog.package_models import Package
from catalog.selectors import state_at
from catalog.selectors.products import versions_of
from catalog.services.rate_cards import USD
from core.api.fields import ExactField, InstantField
from core.api.output import Output
from core.exact_json import loads
from engine.calendar import BillingDay, Frequency
from engine.overrides import Prioritization
from engine.subscriptions import InvoiceBehavior

LISTS = ("commits", "credits", "recurring_commits", "recurring_credits", "overrides", "subscriptions",
         "scheduled_charges", "spend_trackers")  # fmt: skip
PLAIN = (
    "duration", "usage_statement_schedule", "trial", "spend_threshold_configuration",
    "prepaid_balance_threshold_configuration",
)  # fmt: skip
UNITS = ("access_schedule", "invoice_schedule", "schedule")
REFERENCES = {
    "commit_ids": "commit_template_ids",
    "recurring_commit_ids": "recurring_commit_template_ids",
    "any_commit_or_credit_ids": "any_commit_or_credit_template_ids",
}


def parts_field() -> serializers.ListField:
    """Parts as they were asked for."""
    return serializers.ListField(child=serializers.DictField())


class PackageOutput(Output):
    """A package."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    aliases = AliasOutput(many=True)
    contract_name = serializers.CharField(required=False)
    duration = serializers.DictField(required=False)
    rate_card_id = serializers.CharField(required=False)
    rate_card_alias = serializers.CharField(required=False)
    net_payment_terms_days = ExactField()
    usage_statement_schedule = serializers.DictField()
    multiplier_override_prioritization = serializers.CharField()
    scheduled_charges_on_usage_invoices = serializers.CharField(required=False)
    billing_provider = serializers.CharField(required=False)
    delivery_method = serializers.CharField(required=False)
    commits = parts_field()
    credits = parts_field()
    recurring_commits = parts_field()
    recurring_credits = parts_field()
    overrides = parts_field()
    subscriptions = parts_field()
    scheduled_charges = parts_field()
    spend_trackers = parts_field()
    spend_threshold_configuration = serializers.DictField(required=False)
    prepaid_balance_threshold_configuration = serializers.DictField(required=False)
    trial = serializers.DictField(required=False, help_text="Of ours: how long it is tried before it is paid for.")
    uniqueness_key = serializers.CharField(required=False)
    created_at = InstantField()
    created_by = serializers.CharField()
    archived_at = InstantField(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The parts untouched: they are plain data, exact."""
        given = {name: instance[name] for name in (*LISTS, *PLAIN) if name in instance}
        plain = {name: value for name, value in instance.items() if name not in given}
        for name in given:
            plain[name] = {} if name in PLAIN else []
        return super().to_representation(plain) | given


class PackageContractOutput(Output):
    """A contract that was made of a package."""

    contract_id = serializers.UUIDField(source="id")
    customer_id = serializers.UUIDField()
    starting_at = InstantField()
    ending_before = InstantField(required=False)
    archived_at = InstantField(required=False)


def present_packages(packages: Iterable[Package], at: datetime) -> list[dict[str, Any]]:
    """Packages as clients read them, with products as they are called at `at`; a fixed number of queries."""
    read = [(package, loads(package.template.encode())) for package in packages]
    products = {UUID(str(value)) for name, value in _each([row for _, row in read]) if name == "product_id"}
    units = {UUID(str(value)) for name, value in _each([row for _, row in read]) if name == "credit_type_id"} | {USD}
    names = {str(key): state_at(rows, at).name for key, rows in versions_of(products).items()}
    names |= {str(unit.pk): unit.name for unit in CreditType.objects.filter(pk__in=units)}
    return [_present(package, template, names) for package, template in read]


def _each(value: Any) -> Iterator[tuple[str, Any]]:
    """Every value that has a name, at any depth."""
    for name, inner in value.items() if isinstance(value, Mapping) else [("", one) for one in value]:
        if isinstance(inner, Mapping | list):
            yield from _each(inner)
        elif inner is not None:
            yield name, inner


def _present(package: Package, template: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    temporary = {
        entry["temporary_id"]: entry["id"] for part in LISTS for entry in template.get(part) or () if
        entry.get("temporary_id")
    }  # fmt: skip
    shown: dict[str, Any] = {name: value for name, value in template.items() if value is not None}
    for part in LISTS:
        shown[part] = [_entry(part, entry, names, temporary) for entry in template.get(part) or ()]
    schedule = {"frequency": Frequency.MONTHLY.value, "day": BillingDay.FIRST_OF_MONTH.value}
    shown["usage_statement_schedule"] = schedule | dict(shown.get("usage_statement_schedule") or {})
    shown.setdefault("net_payment_terms_days", 0)
    shown.setdefault("multiplier_override_prioritization", Prioritization.LOWEST_MULTIPLIER.value)
    stored = ("id", "name", "uniqueness_key", "created_at", "created_by", "archived_at")
    return PackageOutput.of(
        shown | {name: getattr(package, name) for name in stored} | {"aliases": package.aliases.all()}
    )


def _named(key: str, names: Mapping[str, str]) -> dict[str, str]:
    key = str(UUID(str(key)))
    return {"id": key, "name": names[key]}


def _entry(part: str, entry: Mapping[str, Any], names: Mapping[str, str], temporary: Mapping[str, str]) -> Any:
    shown = _kept(entry)
    shown.pop("temporary_id", None)
    if "product_id" in shown:
        shown["product"] = _named(shown.pop("product_id"), names)
    for name in UNITS:
        if name in shown:
            schedule = _kept(shown[name])
            schedule["credit_type"] = _named(schedule.pop("credit_type_id", str(USD)), names)
            if name == "invoice_schedule":
                schedule = {"do_not_invoice": False, "schedule_items": []} | schedule
            shown[name] = schedule
    if part == "overrides":
        return _override(shown, names, temporary)
    if part.startswith("recurring"):
        return _recurring(shown, temporary)
    return _subscription(shown, names) if part == "subscriptions" else shown


def _kept(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _override(shown: dict[str, Any], names: Mapping[str, str], temporary: Mapping[str, str]) -> dict[str, Any]:
    shown["override_specifiers"] = [_specifier(one, temporary) for one in shown.get("override_specifiers", ())]
    if "tiers" in shown:
        shown["override_tiers"] = shown.pop("tiers")
    if "overwrite_rate" in shown:
        overwrite = _kept(shown["overwrite_rate"])
        if "credit_type_id" in overwrite:
            overwrite["credit_type"] = _named(overwrite.pop("credit_type_id"), names)
        shown["overwrite_rate"] = overwrite
    return shown


def _recurring(shown: dict[str, Any], temporary: Mapping[str, str]) -> dict[str, Any]:
    shown.setdefault("rate_type", "LIST_RATE")
    for name in ("access_amount", "invoice_amount"):
        if name in shown:
            shown[name] = {"credit_type_id": str(USD)} | _kept(shown[name])
    if "subscription_config" in shown:
        config = {"allocation": "POOLED"} | _kept(shown["subscription_config"])
        said = config.pop("subscription_id")
        shown["subscription_config"] = config | {"subscription_template_id": temporary.get(said, said)}
    return shown


def _subscription(shown: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    rate = dict(shown["subscription_rate"])
    rate["product"] = _named(rate.pop("product_id"), names)
    proration = {"invoice_behavior": InvoiceBehavior.BILL_ON_NEXT_COLLECTION_DATE.value, "is_prorated": True} | _kept(
        shown["proration"]
    )
    return shown | {"subscription_rate": rate, "proration": proration}


def _specifier(said: Mapping[str, Any], temporary: Mapping[str, str]) -> dict[str, Any]:
    shown = {REFERENCES.get(name, name): value for name, value in said.items() if value is not None}
    for name in REFERENCES.values():
        if name in shown:
            shown[name] = [temporary.get(one, one) for one in shown[name]]
    return shown
