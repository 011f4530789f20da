"""Packages: every term that contracts have, with relative dates; a contract of one, and what is told of both."""

from datetime import datetime
from typing import Any

from tests.api.strict.agreements import CREATE
from tests.api.strict.catalogue import Shop
from tests.api.strict.dated import STRIPE, by_date
from tests.api.strict.terms import whole_terms
from tests.api.strict.tour import Tour, supported, wire

PACKAGE = "v1.packages"
MAKE = f"{PACKAGE}.create"
DATES = {"starting_at": "starting_at_offset", "ending_before": "duration", "timestamp": "date_offset"}
CALLED = {
    "commit_ids": "commit_template_ids", "recurring_commit_ids": "recurring_commit_template_ids",
    "any_commit_or_credit_ids": "any_commit_or_credit_template_ids", "subscription_id": "subscription_template_id",
}  # fmt: skip
"""What answers call a reference to another part of the package."""


def agree_on_packages(t: Tour, shop: Shop) -> None:
    """A package with all that there is, read, listed, made a contract of and archived."""
    since, days = t.w.days_ago(10), (lambda value: {"value": value, "unit": "DAYS"})
    fields = supported(MAKE)
    terms = {
        name: [_relative(row, since, since, (name, "[]"), fields) for row in rows if _has_items(row)]
        for name, rows in (whole_terms(t.w, shop, since) | {"scheduled_charges": by_date(t, shop)["scheduled_charges"]})
        .items()
    }  # fmt: skip
    own: dict[str, Any] = {
        "name": "All of it", "contract_name": "Of a package", "rate_card_id": shop.card, "net_payment_terms_days": 14,
        "duration": days(500), "multiplier_override_prioritization": "EXPLICIT", "uniqueness_key": "the package",
        "scheduled_charges_on_usage_invoices": "ALL", "billing_provider": "stripe",
        "delivery_method": "direct_to_billing_provider",
        "usage_statement_schedule": {
            "frequency": "MONTHLY", "day": "CONTRACT_START", "invoice_generation_starting_at_offset": days(1),
        },
    }  # fmt: skip
    aliases = [{"name": "whole", "starting_at": t.w.days_ago(100), "ending_before": t.w.days_ago(-100)}]
    package = t.call(MAKE, **own, **terms, aliases=aliases).data.id
    shown = wire(t.call(f"{PACKAGE}.retrieve", package_id=package).data)
    t.proved(f"{PACKAGE}.retrieve", "package_id")
    t.compare(MAKE, own, shown)
    t.compare(MAKE, aliases, shown["aliases"], ("aliases",))
    for name, rows in terms.items():
        t.seen[MAKE] |= {(name,), (name, "[]")}
        if any("temporary_id" in row for row in rows):
            t.proved(MAKE, f"{name}.[].temporary_id")
    real = {
        row["temporary_id"]: got["id"] for name, rows in terms.items()
        for row, got in zip(rows, shown[name], strict=True) if "temporary_id" in row
    }  # fmt: skip
    for name, rows in terms.items():
        for asked, got in zip(_real(wire(rows), real), _sent_names(shown[name]), strict=True):
            asked.pop("temporary_id", None)
            t.compare(MAKE, asked, got, (name, "[]"))
    t.refused(MAKE, "uniqueness_key", name="Again", uniqueness_key="the package")
    by_alias = t.call(MAKE, name="By alias", rate_card_alias=shop.alias).data.id
    t.compare(
        MAKE, shop.alias, wire(t.call(f"{PACKAGE}.retrieve", package_id=by_alias).data)["rate_card_alias"],
        ("rate_card_alias",),
    )  # fmt: skip
    _contracts(t, package, since)
    t.narrows(f"{PACKAGE}.list", {}, {"limit": 1}, {"archive_filter": "ARCHIVED"})
    first = t.call(f"{PACKAGE}.list", limit=1)
    t.narrows(f"{PACKAGE}.list", {"limit": 1}, {"next_page": first.next_page})
    t.call(f"{PACKAGE}.archive", package_id=package)
    assert wire(t.call(f"{PACKAGE}.retrieve", package_id=package).data)["archived_at"]
    t.proved(f"{PACKAGE}.archive", "package_id")


def _contracts(t: Tour, package: str, since: datetime) -> None:
    customers = [
        str(t.call("v1.customers.create", name=name, customer_billing_provider_configurations=[STRIPE]).data.id)
        for name in ("First of a package", "Second of a package")
    ]
    ids = [
        t.call(CREATE, customer_id=customers[0], starting_at=since, package_id=package).data.id,
        t.call(CREATE, customer_id=customers[1], starting_at=t.w.days_ago(5), package_alias="whole").data.id,
    ]
    for customer, contract in zip(customers, ids, strict=True):
        found = wire(t.call("v2.contracts.retrieve", customer_id=customer, contract_id=contract).data)
        assert (found["package_id"], found["name"]) == (package, "Of a package")
        assert found["customer_billing_provider_configuration"]["billing_provider"] == "stripe"
    t.proved(CREATE, "package_id", "package_alias")
    t.call("v1.contracts.archive", customer_id=customers[0], contract_id=ids[0], void_invoices=False)
    name = f"{PACKAGE}.list_contracts_on_package"
    base = {"package_id": package, "include_archived": True}
    t.narrows(
        name, base, {"include_archived": False}, {"starting_at": t.w.days_ago(7)},
        {"covering_date": t.w.days_ago(8)}, {"limit": 1},
    )  # fmt: skip
    page = t.call(name, **base, limit=1)
    t.narrows(name, base | {"limit": 1}, {"next_page": page.next_page})
    t.proved(name, "package_id")


def _has_items(row: dict[str, Any]) -> bool:
    """Packages' schedules list their items."""
    schedule = row.get("schedule") or row.get("invoice_schedule")
    return schedule is None or "recurring_schedule" not in schedule


def _relative(
    value: Any, start: datetime, own: datetime, where: tuple[str, ...], fields: set[tuple[str, ...]]
) -> Any:  # fmt: skip
    """A contract's part as packages have it: offsets for dates, without what the SDK's type does not name."""
    if isinstance(value, list):
        return [_relative(one, start, own, (*where, "[]"), fields) for one in value]
    if not isinstance(value, dict):
        return value
    if where == ("overrides", "[]") and "override_specifiers" not in value:  # the one way to say what they price
        named = {"product_id": value.get("product_id"), "product_tags": value.get("applicable_product_tags")}
        value = value | {"override_specifiers": [{name: one for name, one in named.items() if one is not None}]}
    own = value.get("starting_at", own)
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, datetime) and name in DATES:
            since = own if name == "ending_before" else start
            found[DATES[name]] = {"value": (inner - since).days, "unit": "DAYS"}
        elif name == "amount" and "timestamp" in value:
            found |= {"unit_price": inner, "quantity": 1}
        elif (*where, name) in fields or name in ("custom_fields", "pricing_group_values", "presentation_group_values"):
            found[name] = _relative(inner, start, own, (*where, name), fields)
    return found


def _real(value: Any, real: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: inner if key == "temporary_id" else _real(inner, real) for key, inner in value.items()}
    if isinstance(value, list):
        return [_real(inner, real) for inner in value]
    return real.get(value, value) if isinstance(value, str) else value


def _sent_names(value: Any) -> Any:
    """An answer with the names that requests have for references to other parts."""
    names = {shown: sent for sent, shown in CALLED.items()}
    if isinstance(value, dict):
        return {names.get(key, key): _sent_names(inner) for key, inner in value.items()}
    return [_sent_names(inner) for inner in value] if isinstance(value, list) else value
