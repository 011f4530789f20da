"""What contracts are made of, whole: each of these is sent with a new contract and added by an edit as well."""

from datetime import datetime
from typing import Any

from tests.api.strict.catalogue import Shop
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD

ROUND = {"rounding_method": "HALF_UP", "decimal_places": 2}
MINE = "mine"
SEATS = "seats"
Terms = dict[str, list[dict[str, Any]]]


def whole_terms(w: SubscriptionWorld, shop: Shop, since: datetime, first_priority: int = 1) -> Terms:
    """By the field of a contract; temporary ids are `mine` (a commit), `monthly` and `gift` (recurring), `seats`.

    `first_priority` of overrides: no two of the same have one.
    """
    return {
        "commits": commit_terms(w, shop, since),
        "credits": credit_terms(w, shop, since),
        "recurring_commits": recurring(w, shop, since, "monthly", invoice_amount={
            "unit_price": 3, "quantity": 4, "credit_type_id": USD
        }),
        "recurring_credits": recurring(w, shop, since, "gift"),
        "subscriptions": subscriptions(w, shop, since),
        "overrides": overrides(w, shop, since, first_priority),
    }  # fmt: skip


def scope(shop: Shop) -> dict[str, Any]:
    """What a balance may pay, by all that tells usage apart."""
    return {"specifiers": [{
        "product_id": shop.tokens, "product_tags": ["ai"], "pricing_group_values": {"model": "large"},
        "presentation_group_values": {"region": "eu"},
    }]}  # fmt: skip


def other_scope(shop: Shop) -> dict[str, Any]:
    """The same the old way."""
    return {"applicable_product_ids": [shop.plain], "applicable_product_tags": ["ai"]}


def balance(shop: Shop, name: str, **more: Any) -> dict[str, Any]:
    """What commits and credits have in common."""
    return {
        "product_id": shop.fixed, "name": name, "description": f"All of {name}", "priority": 7,
        "rate_type": "COMMIT_RATE", "custom_fields": {"deal": name}, "netsuite_sales_order_id": "SO-2",
    } | more  # fmt: skip


def access(w: SubscriptionWorld, since: datetime, *amounts: float) -> dict[str, Any]:
    """A segment of ten days for each amount."""
    ends = [w.days_ago(-10 * (1 + index)) for index in range(len(amounts))]
    starts = [since, *ends]
    items = [
        {"amount": amount, "starting_at": start, "ending_before": end}
        for amount, start, end in zip(amounts, starts, ends, strict=False)
    ]
    return {"credit_type_id": USD, "access_type": "SPEND", "schedule_items": items}


def commit_terms(w: SubscriptionWorld, shop: Shop, since: datetime) -> list[dict[str, Any]]:
    """Priced by the piece, as amounts, and in instalments of both kinds."""
    instalments = {
        "frequency": "MONTHLY", "amount_distribution": "EACH", "starting_at": since,
        "ending_before": w.days_ago(-40),
    }  # fmt: skip

    def commit(name: str, invoiced: dict[str, Any], **more: Any) -> dict[str, Any]:
        own = {"type": "PREPAID", "access_schedule": access(w, since, 100, 50), "rollover_fraction": 0.25}
        return balance(shop, name, invoice_schedule=invoiced, **own, **more)

    by_piece = {"timestamp": w.days_ago(-1), "unit_price": 40, "quantity": 2}
    at_once = {"timestamp": w.days_ago(-2), "amount": 70}
    return [
        commit("by piece", {"credit_type_id": USD, "schedule_items": [by_piece]}, temporary_id=MINE, **scope(shop)),
        commit("at once", {"schedule_items": [at_once], "do_not_invoice": True}, **other_scope(shop)),
        commit("instalments", {"recurring_schedule": instalments | {"amount": 11}}),
        commit("priced instalments", {"recurring_schedule": instalments | {"unit_price": 5, "quantity": 3}}),
    ]


def credit_terms(w: SubscriptionWorld, shop: Shop, since: datetime) -> list[dict[str, Any]]:
    """One of each scope."""
    own = {"access_schedule": access(w, since, 100), "rollover_fraction": 0.5}
    return [
        balance(shop, "goodwill", **own, **scope(shop)),
        balance(shop, "promise", **own, **other_scope(shop)),
    ]


def recurring(
    w: SubscriptionWorld, shop: Shop, since: datetime, temporary_id: str, **more: Any
) -> list[dict[str, Any]]:
    """One by itself, one for each of the seats."""
    rounding = {"access": ROUND} | ({"invoice": ROUND} if more else {})
    one = balance(shop, f"recurring {temporary_id}") | {
        "rollover_fraction": 0.5, "starting_at": since, "ending_before": w.days_ago(-300),
        "access_amount": {"unit_price": 9, "quantity": 2, "credit_type_id": USD, "access_type": "SPEND"},
        "commit_duration": {"value": 2, "unit": "PERIODS"}, "recurrence_frequency": "MONTHLY", "proration": "FIRST",
        "proration_rounding": rounding,
    } | more  # fmt: skip
    del one["custom_fields"]
    config = {
        "subscription_id": SEATS, "allocation": "INDIVIDUAL", "apply_seat_increase_config": {"is_prorated": True},
    }  # fmt: skip
    each = one | {
        "name": f"seats' {temporary_id}",
        "access_amount": {"unit_price": 9, "credit_type_id": USD},
        "subscription_config": config,
    }
    return [one | {"temporary_id": temporary_id} | scope(shop), each | other_scope(shop)]


def subscriptions(w: SubscriptionWorld, shop: Shop, since: datetime) -> list[dict[str, Any]]:
    """One by quantity, one by seats."""
    whole = {
        "collection_schedule": "ADVANCE", "description": "Seats of the team", "custom_fields": {"tier": "pro"},
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY", "rounding": ROUND},
        "subscription_rate": {"product_id": shop.seat, "billing_frequency": "MONTHLY"},
        "billing_cycle_config": {"anchor_date": since, "invoice_placement": "ON_SCHEDULED_INVOICE"},
        "starting_at": since, "ending_before": w.days_ago(-400),
    }  # fmt: skip
    seats = {"seat_group_key": "user", "initial_seat_ids": ["ann", "bob"], "initial_unassigned_seats": 1}
    return [
        whole | {"name": "By quantity", "quantity_management_mode": "QUANTITY_ONLY", "initial_quantity": 3},
        whole | {"name": "By seats", "quantity_management_mode": "SEAT_BASED", "seat_config": seats,
                 "temporary_id": SEATS},
    ]  # fmt: skip


def overrides(w: SubscriptionWorld, shop: Shop, since: datetime, first: int) -> list[dict[str, Any]]:
    """Each kind, by each condition."""
    whole = {"starting_at": since, "ending_before": w.days_ago(-200)}
    half = whole | {"type": "MULTIPLIER", "multiplier": 0.5, "priority": first}
    values = {"pricing_group_values": {"model": "large"}, "presentation_group_values": {"region": "eu"}}
    mine = {"commit_ids": [MINE], "recurring_commit_ids": ["monthly"]}
    steps = {"type": "TIERED", "priority": first + 1, "tiers": [{"size": 10, "multiplier": 0.9}, {"multiplier": 0.8}]}
    scales = [{"size": 10, "price": 8}, {"price": 7}]
    monthly = {"rate_type": "SUBSCRIPTION", "price": 90, "is_prorated": True}
    return [
        half | {"override_specifiers": [{"product_id": shop.tokens, "product_tags": ["ai"], **values}]},
        half | {"is_commit_specific": True, "target": "COMMIT_RATE",
                "override_specifiers": [{"product_id": shop.tokens, **mine}]},
        half | {"is_commit_specific": True, "target": "LIST_RATE",
                "override_specifiers": [{"product_tags": ["plain"], "any_commit_or_credit_ids": [MINE]}]},
        half | {"applicable_product_tags": ["plain"]},
        whole | steps | {"product_id": shop.plain},
        whole | {"type": "OVERWRITE", "product_id": shop.plain,
                 "overwrite_rate": {"rate_type": "TIERED", "tiers": scales, "credit_type_id": USD}},
        whole | {"type": "OVERWRITE", "overwrite_rate": monthly,
                 "override_specifiers": [{"product_id": shop.seat, "billing_frequency": "MONTHLY"}]},
        whole | {"product_id": shop.plain, "entitled": True},
    ]  # fmt: skip
