"""First stops of the tour: what can be sold."""

from dataclasses import dataclass
from typing import Any

from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import LONG_AGO, USD

PRODUCTS, CARDS = "v1.contracts.products", "v1.contracts.rate_cards"
RATES = f"{CARDS}.rates"


@dataclass(frozen=True)
class Shop:
    """Ids of what there is to buy. `plain` costs 10 cents a unit, `tokens` by model, `seat` 100 a month."""

    unit: str
    metric: str
    unsold: str
    event_type: str
    tokens: str
    plain: str
    seat: str
    fixed: str
    other_fixed: str
    card: str
    alias: str


def open_shop(t: Tour) -> Shop:
    """Makes all of it."""
    unit, spare = (t.call("v1.pricing_units.create", name=name).data.id for name in ("Tokens", "Old tokens"))
    units = {row.id: row for row in t.call("v1.pricing_units.list")}
    t.compare("v1.pricing_units.create", {"name": "Tokens"}, units[unit])
    metric, event_type = _metrics(t)
    unsold = str(t.call("v1.billable_metrics.create", name="Unsold", aggregation_type="COUNT").data.id)
    made = _products(t, metric)
    card, alias = _card(t, unit)
    _rates(t, card, unit, made)
    _orders(t, card, made)
    t.pages("v1.pricing_units.list", {})
    t.call("v1.pricing_units.archive", id=spare)
    assert spare not in {row.id for row in t.call("v1.pricing_units.list")}
    return Shop(unit=unit, metric=metric, event_type=event_type, unsold=unsold, card=card, alias=alias, **made)


def _metrics(t: Tour) -> tuple[str, str]:
    part = "v1.billable_metrics"
    whole: dict[str, Any] = {
        "name": "Tokens used", "aggregation_type": "SUM", "aggregation_key": "units", "custom_fields": {"team": "api"},
        "event_type_filter": {"in_values": ["completion", "embedding"], "not_in_values": ["test"]},
        "property_filters": [
            {"name": "units", "exists": True},
            {"name": "model", "exists": True, "in_values": ["large", "small"]},
            {"name": "region", "exists": True, "not_in_values": ["mars"]},
            {"name": "user", "exists": True},
        ],
        "group_keys": [["model"], ["region"], ["user"], ["model", "region"]],
    }  # fmt: skip
    metric = t.call(f"{part}.create", **whole).data.id
    t.compare(f"{part}.create", whole, t.call(f"{part}.retrieve", billable_metric_id=metric).data)
    t.call(f"{part}.update", billable_metric_id=metric, name="Tokens")
    t.compare(f"{part}.update", {"name": "Tokens"}, t.call(f"{part}.retrieve", billable_metric_id=metric).data)
    old = t.call(f"{part}.create", name="Old", aggregation_type="COUNT").data.id
    t.pages(f"{part}.list", {})
    t.call(f"{part}.archive", id=old)
    t.narrows(f"{part}.list", {}, {"include_archived": True})
    return metric, "completion"


def _products(t: Tour, metric: str) -> dict[str, str]:
    rounding = {"rounding_method": "ROUND_HALF_UP", "decimal_places": 1}
    usage: dict[str, Any] = {
        "name": "Tokens by model", "billable_metric_id": metric, "pricing_group_key": ["model"],
        "presentation_group_key": ["region"], "tags": ["ai"], "is_refundable": False, "quantity_rounding": rounding,
        "quantity_conversion": {"conversion_factor": 1000, "operation": "DIVIDE", "name": "thousands"},
        "netsuite_internal_item_id": "11", "netsuite_overage_item_id": "12",
    }  # fmt: skip
    plain = _product(t, "USAGE", name="Plain tokens", billable_metric_id=metric, tags=["ai", "plain"])
    composite = {
        "name": "Support", "composite_product_ids": [plain], "composite_tags": ["ai"], "exclude_free_usage": True,
        "include_composite_spend": True,
    }  # fmt: skip
    made = {"plain": plain, "tokens": _whole_product(t, "USAGE", usage)}
    spare = _whole_product(t, "COMPOSITE", composite)
    fixed = {"fixed": "Prepaid", "other_fixed": "Goodwill"}
    made |= {key: _product(t, "FIXED", name=name) for key, name in fixed.items()}
    made["seat"] = _product(t, "SUBSCRIPTION", name="Seat")
    t.pages(f"{PRODUCTS}.list", {})
    t.call(f"{PRODUCTS}.archive", product_id=spare)
    t.narrows(f"{PRODUCTS}.list", {}, {"archive_filter": "ARCHIVED"})
    return made


def _product(t: Tour, kind: str, **more: Any) -> str:
    return str(t.call(f"{PRODUCTS}.create", type=kind, **more).data.id)


def _whole_product(t: Tour, kind: str, fields: dict[str, Any]) -> str:
    own = {"type": kind, "custom_fields": {"sku": kind}}
    product = str(t.call(f"{PRODUCTS}.create", **fields, **own).data.id)
    shown = t.call(f"{PRODUCTS}.retrieve", id=product).data
    t.compare(f"{PRODUCTS}.create", own, shown)
    t.compare(f"{PRODUCTS}.create", fields, shown.initial)
    change = {**fields, "name": f"{fields['name']} from 2025", "starting_at": "2025-01-01T00:00:00Z"}
    t.call(f"{PRODUCTS}.update", product_id=product, **change)
    shown = t.call(f"{PRODUCTS}.retrieve", id=product).data
    t.compare(f"{PRODUCTS}.update", change, shown.current)
    return product


def _card(t: Tour, unit: str) -> tuple[str, str]:
    alias = {"name": "standard", "starting_at": "2020-01-01T00:00:00Z", "ending_before": "2030-01-01T00:00:00Z"}
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 2.5}
    own = {"name": "Standard", "description": "List prices", "aliases": [alias], "custom_fields": {"region": "eu"}}
    money = {"fiat_credit_type_id": USD, "credit_type_conversions": [conversion]}
    spare = t.call(f"{CARDS}.create", **own, **money).data.id
    t.compare(f"{CARDS}.create", own | money, t.call(f"{CARDS}.retrieve", id=spare).data)
    card = t.call(f"{CARDS}.create", name="Old name").data.id
    t.pages(f"{CARDS}.list", {"body": {}})
    t.call(f"{CARDS}.archive", id=spare)
    assert spare not in {row.id for row in t.call(f"{CARDS}.list", body={})}
    change = {"name": "Standard 2026", "description": "Of this year", "aliases": [alias]}
    t.call(f"{CARDS}.update", rate_card_id=card, **change, add_credit_type_conversions=[conversion])
    shown = t.call(f"{CARDS}.retrieve", id=card).data
    t.compare(f"{CARDS}.update", change, shown)
    shown = wire(shown)["credit_type_conversions"]
    t.compare(f"{CARDS}.update", [conversion], shown, ("add_credit_type_conversions",))
    return str(card), "standard"


def _rates(t: Tour, card: str, unit: str, made: dict[str, str]) -> None:
    """One by one and many at once: each kind of rate both ways."""
    step = [{"size": 10, "price": 9}, {"price": 8}]
    whole: dict[str, Any] = {"entitled": True, "starting_at": LONG_AGO, "ending_before": "2030-01-01T00:00:00Z"}
    tokens = {"product_id": made["tokens"]} | whole
    rates: list[dict[str, Any]] = [
        tokens | {"rate_type": "FLAT", "price": 5, "credit_type_id": USD, "pricing_group_values": {"model": "large"},
                  "commit_rate": {"rate_type": "FLAT", "price": 4}},
        tokens | {"rate_type": "TIERED", "tiers": step, "pricing_group_values": {"model": "small"},
                  "commit_rate": {"rate_type": "TIERED", "tiers": [{"size": 10, "price": 7}, {"price": 6}]}},
        tokens | {"rate_type": "CUSTOM", "custom_rate": {"by": "hand"}, "pricing_group_values": {"model": "huge"}},
        {"product_id": made["seat"], "rate_type": "SUBSCRIPTION", "price": 100, "billing_frequency": "MONTHLY",
         "is_prorated": True, "quantity": 1} | whole,
        {"product_id": made["plain"], "rate_type": "FLAT", "price": 10} | whole,
    ]  # fmt: skip
    t.call(f"{RATES}.add_many", rate_card_id=card, rates=rates)
    _compare_rates(t, f"{RATES}.add_many", card, rates, ("rates", "[]"))
    for rate in rates:
        t.call(f"{RATES}.add", rate_card_id=card, **rate)
    _compare_rates(t, f"{RATES}.add", card, rates, ())
    t.seen[f"{RATES}.add_many"] |= {("rates",), ("rates", "[]")}
    base = {"rate_card_id": card, "at": t.w.now}
    picks: list[dict[str, Any]] = [
        {"selectors": [{"product_id": made["plain"]}]},
        {"selectors": [{"pricing_group_values": {"model": "large"}}]},
        {"selectors": [{"partial_pricing_group_values": {"model": "small"}}]},
        {"selectors": [{"billing_frequency": "MONTHLY"}]},
    ]
    tagged = {"selectors": [{"product_tags": ["plain"]}]}
    t.narrows(f"{RATES}.list", base, *picks, tagged, {"at": "2019-01-01T00:00:00Z"})
    t.pages(f"{RATES}.list", base)
    schedule = f"{CARDS}.retrieve_rate_schedule"
    since = {"rate_card_id": card, "starting_at": t.w.now}
    t.narrows(schedule, since, *picks, {"starting_at": "2031-01-01T00:00:00Z"})
    t.narrows(schedule, since | {"starting_at": "2019-01-01T00:00:00Z"}, {"ending_before": "2019-06-01T00:00:00Z"})
    t.pages(schedule, since)


def _compare_rates(t: Tour, name: str, card: str, rates: list[dict[str, Any]], at: tuple[str, ...]) -> None:
    rows = {_of(wire(row)): row for row in t.call(f"{RATES}.list", rate_card_id=card, at=t.w.now).data}
    for rate in rates:
        row = rows[_of(rate)]
        t.compare(name, rate, wire(row.rate) | wire(row), at)


def _of(rate: dict[str, Any]) -> str:
    return f"{rate['product_id']} {rate.get('pricing_group_values')}"


def _orders(t: Tour, card: str, made: dict[str, str]) -> None:
    part = f"{CARDS}.product_orders"

    def order() -> list[str]:
        rows = t.call(f"{RATES}.list", rate_card_id=card, at=t.w.now)
        return list(dict.fromkeys(row.product_id for row in rows))

    t.call(f"{part}.set", rate_card_id=card, product_order=[made["seat"], made["tokens"], made["plain"]])
    assert order() == [made["seat"], made["tokens"], made["plain"]]
    t.proved(f"{part}.set", "product_order", "product_order.[]")
    t.call(f"{part}.update", rate_card_id=card, product_moves=[{"product_id": made["plain"], "position": 0}])
    assert order() == [made["plain"], made["seat"], made["tokens"]]
    moved = "product_moves.[]"
    t.proved(f"{part}.update", "product_moves", moved, f"{moved}.product_id", f"{moved}.position")


def named_schedules(t: Tour, part: str, owner: dict[str, str], **told: Any) -> None:
    """A value over a time, of a customer, a card or a contract; `told`: what tells schedules of one name apart."""
    sent = {"starting_at": "2026-01-01T00:00:00Z", "ending_before": "2026-06-01T00:00:00Z", "value": {"limit": 5}}
    t.call(f"{part}.update", **owner, schedule_name="limits", **told, **sent)
    base = {**owner, "schedule_name": "limits"}
    [segment] = t.call(f"{part}.retrieve", **base).data
    t.compare(f"{part}.update", sent, segment)
    t.narrows(
        f"{part}.retrieve", base, {"schedule_name": "others"}, {"covering_date": "2027-01-01T00:00:00Z"},
        *({name: {"of": "nobody"}} for name in told),
    )  # fmt: skip
    t.proved(f"{part}.update", "schedule_name")
