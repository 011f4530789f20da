"""Threshold configurations and spend trackers: agreed on, changed, shown; and payment terms, changed by an edit."""

from typing import Any

from tests.api.strict.agreements import CREATE
from tests.api.strict.catalogue import Shop
from tests.api.strict.packages import MAKE
from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import USD

EDIT = "v2.contracts.edit"
GATE = {
    "payment_gate_type": "STRIPE", "tax_type": "PRECALCULATED",
    "stripe_config": {"payment_type": "INVOICE", "invoice_metadata": {"team": "b"}},
    "precalculated_tax_config": {"tax_amount": 12, "tax_name": "VAT"},
}  # fmt: skip
TRACKER = {
    "alias": "bought", "reset_frequency": "BILLING_PERIOD",
    "applicable_spend_specifiers": [
        {"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL", "THRESHOLD_RECHARGE"], "discounted": "DISCOUNTED_ONLY"}
    ],
}  # fmt: skip
SPEND, PREPAID = "spend_threshold_configuration", "prepaid_balance_threshold_configuration"


def whole_thresholds(shop: Shop) -> dict[str, Any]:
    """All that can be said."""
    discount = {"payment_fraction": 0.85, "cap": {"amount": 50_000, "spend_tracker_alias": "bought"}}
    commit = {"product_id": shop.fixed, "name": "Charged by itself", "description": "At the threshold", "priority": 7}
    exclude = [{"custom_field_filters": [{"entity": "Commit", "key": "team", "value": "b"}]}]
    common = {"is_enabled": True, "payment_gate_config": GATE, "discount_configuration": discount}
    specifier = {
        "product_id": shop.tokens, "product_tags": ["model"], "pricing_group_values": {"region": "eu"},
        "presentation_group_values": {"user": "ann"}, "exclude": [{"product_tags": ["free"]}],
    }  # fmt: skip
    recharged = {
        "specifiers": [specifier], "duration": {"value": 6, "unit": "MONTHS"}, "rate_type": "COMMIT_RATE",
        "rollover_fraction": 0.5,
    }  # fmt: skip
    return {
        SPEND: common | {"commit": commit, "threshold_amount": 10_000},
        PREPAID: common
        | {
            "commit": commit | recharged, "threshold_amount": 2_000, "recharge_to_amount": 9_000,
            "custom_credit_type_id": shop.unit, "threshold_balance_specifiers": [{"exclude": exclude}],
        },
    }  # fmt: skip


def agree_on_thresholds(t: Tour, shop: Shop) -> None:
    """On contracts, by edits, and in packages."""
    w = t.w
    terms, trackers = whole_thresholds(shop), [TRACKER | {"credit_type_id": USD}]
    ids = {"customer_id": w.customer(), "rate_card_id": shop.card, "starting_at": w.days_ago(3)}
    commit = {
        "product_id": shop.fixed, "type": "PREPAID", "spend_tracker_attributes": {"counts_as_discounted": True},
        "access_schedule": {"schedule_items": [
            {"amount": 100, "starting_at": w.days_ago(3), "ending_before": w.days_ago(-9)}
        ]},
    }  # fmt: skip
    made = str(t.call(CREATE, **ids, **terms, spend_trackers=trackers, commits=[commit]).data.id)
    shown = _shown(t, ids["customer_id"], made)
    t.compare(CREATE, terms, shown)
    t.compare(CREATE, trackers, shown["spend_trackers"], ("spend_trackers",))
    attributes = ("commits", "[]", "spend_tracker_attributes")
    t.compare(CREATE, commit["spend_tracker_attributes"], shown["commits"][0]["spend_tracker_attributes"], attributes)
    by_tags = {"applicable_product_ids": [shop.tokens], "applicable_product_tags": ["model"]}
    scoped = {PREPAID: terms[PREPAID] | {"commit": {"product_id": shop.fixed} | by_tags}}
    other = str(t.call(CREATE, **ids, **scoped, spend_trackers=trackers).data.id)
    t.compare(CREATE, scoped, _shown(t, ids["customer_id"], other))

    added = str(t.call(CREATE, **ids).data.id)
    own = {"customer_id": ids["customer_id"], "contract_id": added}
    whole = {f"add_{name}": value for name, value in terms.items()} | {"add_spend_trackers": trackers}
    t.call(EDIT, **own, **whole, add_commits=[commit], update_net_payment_terms_days=45)
    shown = _shown(t, **own)
    t.compare(EDIT, whole, {f"add_{name}": value for name, value in shown.items()})
    t.compare(EDIT, 45, shown["net_payment_terms_days"], ("update_net_payment_terms_days",))
    t.compare(
        EDIT, commit["spend_tracker_attributes"], shown["commits"][0]["spend_tracker_attributes"],
        ("add_commits", "[]", "spend_tracker_attributes"),
    )  # fmt: skip
    changes = {f"update_{name}": _changed(value) for name, value in terms.items()}
    t.call(EDIT, **own, **changes)
    shown = _shown(t, **own)
    t.compare(EDIT, changes, {f"update_{name}": value for name, value in shown.items()})
    without = {f"add_{PREPAID}": scoped[PREPAID] | {"discount_configuration": {"payment_fraction": 1}}}
    empty = {"customer_id": ids["customer_id"], "contract_id": str(t.call(CREATE, **ids).data.id)}
    t.call(EDIT, **empty, **without, add_spend_trackers=trackers)
    t.compare(EDIT, without, {f"add_{PREPAID}": _shown(t, **empty)[PREPAID]})
    scope = {
        f"update_{PREPAID}": {"commit": {"applicable_product_ids": [shop.plain], "applicable_product_tags": ["other"]}}
    }
    t.call(EDIT, **empty, **scope)
    t.compare(EDIT, scope, {f"update_{PREPAID}": _shown(t, **empty)[PREPAID]})
    t.call(EDIT, **empty, archive_spend_trackers=["bought"])
    assert not _shown(t, **empty).get("spend_trackers")
    t.proved(EDIT, "archive_spend_trackers")

    for asked in (terms, scoped):
        package = t.call(MAKE, name="Of thresholds", rate_card_id=shop.card, spend_trackers=trackers, **asked).data.id
        shown = wire(t.call("v1.packages.retrieve", package_id=package).data)
        t.compare(MAKE, asked, shown)
        t.compare(MAKE, trackers, shown["spend_trackers"], ("spend_trackers",))
    start = {"customer_id": w.customer(), "starting_at": w.days_ago(1)}
    of_package = str(t.call(CREATE, **start, package_id=package).data.id)
    assert _shown(t, start["customer_id"], of_package)[PREPAID] == shown[PREPAID]


def _changed(terms: dict[str, Any]) -> dict[str, Any]:
    """Another value of each."""
    commit = dict(terms["commit"]) | {"name": "Another", "description": "Of it", "priority": 8}
    found = terms | {
        "is_enabled": False, "threshold_amount": 3_000, "commit": commit,
        "payment_gate_config": GATE | {"precalculated_tax_config": {"tax_amount": 3, "tax_name": "GST"}},
        "discount_configuration": {"payment_fraction": 0.5, "cap": {"amount": 7, "spend_tracker_alias": "bought"}},
    }  # fmt: skip
    if "recharge_to_amount" in terms:
        commit |= {"duration": {"value": 2, "unit": "YEARS"}, "rate_type": "LIST_RATE", "rollover_fraction": 0.25}
        found |= {"recharge_to_amount": 8_000}
    return found


def _shown(t: Tour, customer_id: str, contract_id: str) -> dict[str, Any]:
    ids = {"customer_id": customer_id, "contract_id": contract_id}
    t.call("v1.contracts.retrieve", **ids)
    return wire(t.call("v2.contracts.retrieve", **ids).data)  # type: ignore[no-any-return]
