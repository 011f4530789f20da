"""The tour's contract: made with all that there is, then added to by an edit that holds the same once more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.api.strict.catalogue import Shop
from tests.api.strict.terms import Terms, commit_terms, credit_terms, whole_terms
from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import exact

CREATE, EDIT = "v1.contracts.create", "v2.contracts.edit"
ISSUED = {"recurring_commit_id", "recurring_credit_id"}
BALANCES = ("commits", "credits", "recurring_commits", "recurring_credits")


@dataclass(frozen=True)
class Account:
    """A customer with a contract that holds all that there is; `other`: the one that it renewed."""

    customer: str
    contract: str
    other: str
    since: datetime

    @property
    def ids(self) -> dict[str, Any]:
        """What requests about the contract name."""
        return {"customer_id": self.customer, "contract_id": self.contract}


def agree(t: Tour, shop: Shop, customer: str) -> Account:
    """The contract of ten days ago, and what is shown of it."""
    since = t.w.days_ago(10)
    other = t.call(
        CREATE, customer_id=customer, rate_card_alias=shop.alias, starting_at=t.w.days_ago(60),
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
    ).data.id  # fmt: skip
    first = wire(t.call("v1.contracts.retrieve", customer_id=customer, contract_id=other).data)["current"]
    t.compare(CREATE, shop.card, first["rate_card_id"], ("rate_card_alias",))
    schedule = {"frequency": "WEEKLY", "invoice_generation_starting_at": since}
    anchored = {"day": "CUSTOM_DATE", "billing_anchor_date": t.w.days_ago(2)}
    own: dict[str, Any] = {
        "customer_id": customer, "rate_card_id": shop.card, "starting_at": since, "ending_before": t.w.days_ago(-500),
        "name": "All of it", "net_payment_terms_days": 14, "multiplier_override_prioritization": "EXPLICIT",
        "scheduled_charges_on_usage_invoices": "ALL", "uniqueness_key": "the one", "custom_fields": {"deal": "7"},
        "netsuite_sales_order_id": "SO-1", "salesforce_opportunity_id": "006A", "total_contract_value": 120000.5,
    }  # fmt: skip
    renewal = {"type": "RENEWAL", "from_contract_id": other}
    terms = whole_terms(t.w, shop, since)
    contract = t.call(
        CREATE, **own, **terms, usage_statement_schedule=schedule | anchored,
        transition=renewal | {"future_invoice_behavior": {"trueup": "REMOVE"}},
    ).data.id  # fmt: skip
    account = Account(customer, contract, other, since)
    shown = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    t.compare(CREATE, own, shown)
    t.compare(CREATE, schedule, shown["usage_statement_schedule"], ("usage_statement_schedule",))
    at = {"billing_anchor_date": anchored["billing_anchor_date"]}
    t.compare(CREATE, at, shown["usage_statement_schedule"], ("usage_statement_schedule",))
    t.proved(CREATE, "usage_statement_schedule.day")  # it says what the anchor is
    [step] = shown["transitions"]
    t.compare(CREATE, renewal, step, ("transition",))
    assert exact(shown["total_contract_value"]) == exact(own["total_contract_value"])
    rows = {name: [row for row in shown[name] if not row.keys() & ISSUED] for name in terms}
    _compare_terms(t, CREATE, "", terms, rows, account=account)
    both = wire(t.call("v1.contracts.retrieve", **account.ids).data)
    for state in (both["initial"], both["current"]):
        again = {name: [row for row in state[name] if not row.keys() & ISSUED] for name in BALANCES}
        again["subscriptions"] = both["subscriptions"]
        _compare_terms(t, CREATE, "", {name: terms[name] for name in again}, again, account=account)
    t.refused(CREATE, "uniqueness_key", customer_id=customer, starting_at=since, uniqueness_key="the one")
    return account


def agree_on_little(t: Tour, shop: Shop) -> Account:
    """Another customer, with a contract of commits and credits alone and one that ended before it."""
    customer = str(t.call("v1.customers.create", name="Little", ingest_aliases=["little"]).data.id)
    since, ids = t.w.days_ago(10), {"customer_id": customer, "rate_card_id": shop.card}
    other = t.call(CREATE, **ids, starting_at=t.w.days_ago(60), ending_before=since).data.id
    terms = {"commits": commit_terms(t.w, shop, since), "credits": credit_terms(t.w, shop, since)}
    for row in terms["commits"]:
        row.pop("temporary_id", None)
    return Account(customer, t.call(CREATE, **ids, starting_at=since, **terms).data.id, other, since)


def add_by_edit(t: Tour, shop: Shop, account: Account) -> None:
    """The same terms once more, by an edit; its answer, the history and the contract show them."""
    terms = whole_terms(t.w, shop, account.since, 10)
    terms["commits"][0]["payment_gate_config"] = {"payment_gate_type": "NONE"}
    before = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    edit = t.call(
        EDIT, **account.ids, **{f"add_{name}": rows for name, rows in terms.items()}, uniqueness_key="the edit",
        update_contract_name="All of it, twice",
    ).data.edit  # fmt: skip
    after = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    added = {name: _new(before[name], after[name]) for name in terms}
    _compare_terms(t, EDIT, "add_", terms, added, account=account)
    t.proved(EDIT, "add_commits.[].payment_gate_config", "add_commits.[].payment_gate_config.payment_gate_type")
    [told] = t.call("v2.contracts.get_edit_history", **account.ids).data
    assert wire(told) == wire(edit)
    for name, rows in added.items():
        asked = {row["id"]: row for row in wire(told)[f"add_{name}"]}
        assert {row["id"] for row in rows} <= asked.keys(), name
    t.compare(EDIT, "All of it, twice", after["name"], ("update_contract_name",))
    t.refused(EDIT, "uniqueness_key", **account.ids, update_contract_name="never", uniqueness_key="the edit")


def _new(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {row["id"] for row in before}
    return [row for row in after if row["id"] not in known and not row.keys() & ISSUED]


def _compare_terms(t: Tour, name: str, verb: str, terms: Terms, shown: Terms, *, account: Account) -> None:
    """Terms against what is shown of them; what a request calls by a temporary id is shown by its real one."""
    real = {}
    shown = {group: _in_order(rows, shown[group]) for group, rows in terms.items()}
    for group, rows in terms.items():
        for sent, row in zip(rows, shown[group], strict=True):
            if "temporary_id" in sent:
                real[sent["temporary_id"]] = row["id"]
                t.proved(name, f"{verb}{group}.[].temporary_id")
    for group, rows in terms.items():
        for sent, row in zip(_real(wire(rows), real), shown[group], strict=True):
            asked = {key: value for key, value in sent.items() if key not in ("temporary_id", "payment_gate_config")}
            where = (f"{verb}{group}", "[]")
            if group == "commits":
                _instalments(t, name, f"{verb}{group}.[].invoice_schedule", asked, row)
            if group == "subscriptions":
                _quantities(t, name, f"{verb}{group}.[]", asked, row, account=account)
            t.compare(name, asked, row, where)
        t.seen[name] |= {(f"{verb}{group}",), (f"{verb}{group}", "[]")}


def _in_order(sent: list[dict[str, Any]], shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As they were sent: those of one instant are shown in any order."""
    names = [row.get("name") for row in sent]
    return shown if None in names else sorted(shown, key=lambda row: names.index(row["name"]))


def _real(value: Any, real: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: inner if key == "temporary_id" else _real(inner, real) for key, inner in value.items()}
    if isinstance(value, list):
        return [_real(inner, real) for inner in value]
    return real.get(value, value) if isinstance(value, str) else value


def _instalments(t: Tour, name: str, at: str, asked: dict[str, Any], row: dict[str, Any]) -> None:
    """A recurring schedule is shown as the instalments that it makes."""
    schedule = asked["invoice_schedule"].pop("recurring_schedule", None)
    if schedule is None:
        return
    items = row["invoice_schedule"]["schedule_items"]
    first = [exact(items[0][part]) for part in ("unit_price", "quantity", "amount")]
    assert first == ([11, 1, 11] if "amount" in schedule else [5, 3, 15])
    # each month from ten days ago, and none from forty days ahead on
    assert [item["timestamp"][8:10] for item in items] == [schedule["starting_at"][8:10]] * 2, items
    t.proved(name, f"{at}.recurring_schedule", *(f"{at}.recurring_schedule.{field}" for field in schedule))
    del asked["invoice_schedule"]


def _quantities(t: Tour, name: str, at: str, asked: Any, row: Any, *, account: Account) -> None:
    """What a subscription begins with stands in its history."""
    history = row["quantity_schedule"]
    if "initial_quantity" in asked:
        assert exact(history[0]["quantity"]) == asked.pop("initial_quantity")
        t.proved(name, f"{at}.initial_quantity")
    if "seat_config" in asked:
        seats = t.call("v1.contracts.get_subscription_seats_history", **account.ids, subscription_id=row["id"]).data
        first = wire(seats[0])
        assert sorted(first["assigned_seat_ids"]) == asked["seat_config"].pop("initial_seat_ids")
        assert exact(first["total_quantity"]) == 2 + asked["seat_config"].pop("initial_unassigned_seats")
        t.proved(name, *(f"{at}.seat_config.initial_{field}" for field in ("seat_ids", "unassigned_seats")))
