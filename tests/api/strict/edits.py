"""The tour goes on: what there is, is changed, and read again."""

from datetime import timedelta
from typing import Any

from tests.api.strict.agreements import EDIT, Account
from tests.api.strict.catalogue import Shop
from tests.api.strict.terms import ROUND, scope
from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import exact

CONTRACT = "v2.contracts.retrieve"


def shown(t: Tour, account: Account) -> dict[str, Any]:
    """The contract as it stands."""
    found: dict[str, Any] = wire(t.call(CONTRACT, **account.ids).data)
    return found


def named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The first of this name that nothing recurring has issued."""
    return next(row for row in rows if row.get("name") == name and "recurring_commit_id" not in row)


def change(t: Tour, account: Account, **changes: Any) -> dict[str, Any]:
    """The contract after an edit."""
    t.call(EDIT, **account.ids, **changes)
    return shown(t, account)


def edit_balances(t: Tour, shop: Shop, account: Account) -> None:
    """Terms and schedules of a contract's commits and credits; recurring ones; and what ends for good."""
    before = shown(t, account)
    terms = {
        "name": "changed", "description": "No longer all", "priority": 9, "product_id": shop.other_fixed,
        "rate_type": "LIST_RATE", "rollover_fraction": 0.75, "netsuite_sales_order_id": "SO-9",
        "applicable_product_ids": [shop.tokens], "applicable_product_tags": ["plain"],
    }  # fmt: skip
    for kind, name in (("commit", "at once"), ("credit", "promise")):
        plural, field = f"{kind}s", f"update_{kind}s"
        row = named(before[plural], name)

        def ask(kind: str = kind, row: Any = row, plural: str = plural, field: str = field, **fields: Any) -> Any:
            after = change(t, account, **{field: [{f"{kind}_id": row["id"], **fields}]})
            return next(one for one in after[plural] if one["id"] == row["id"])

        t.compare(EDIT, terms, ask(**terms), (field, "[]"))
        t.proved(EDIT, field, f"{field}.[].{kind}_id")
        reschedule_access(t, EDIT, (field, "[]"), row, ask)
    row = named(before["commits"], "by piece")

    def bill(**fields: Any) -> Any:
        after = change(t, account, update_commits=[{"commit_id": row["id"], **fields}])
        return next(one for one in after["commits"] if one["id"] == row["id"])

    reschedule_invoices(t, EDIT, ("update_commits", "[]"), row, bill)
    archive = {f"archive_{name}": [{"id": before[name][-1]["id"]}] for name in ("commits", "credits")}
    after = change(t, account, **archive)
    for name in ("commits", "credits"):
        assert before[name][-1]["id"] not in {one["id"] for one in after[name]}
        t.proved(EDIT, f"archive_{name}", f"archive_{name}.[]", f"archive_{name}.[].id")


def reschedule_access(t: Tour, name: str, at: tuple[str, ...], row: dict[str, Any], ask: Any) -> None:
    """A segment is added, changed, and taken out again."""
    end = t.w.days_ago(-100)
    added = {"amount": 30, "starting_at": end, "ending_before": end + timedelta(days=1)}
    again = ask(access_schedule={"add_schedule_items": [added]})
    fresh = again["access_schedule"]["schedule_items"][-1]
    where = (*at, "access_schedule")
    t.compare(name, [added], [fresh], (*where, "add_schedule_items"))
    moved = {"amount": 31, "starting_at": end + timedelta(hours=1), "ending_before": end + timedelta(hours=2)}
    again = ask(access_schedule={"update_schedule_items": [{"id": fresh["id"], **moved}]})
    changed = {"id": fresh["id"], **moved}
    t.compare(name, [changed], again["access_schedule"]["schedule_items"][-1:], (*where, "update_schedule_items"))
    again = ask(access_schedule={"remove_schedule_items": [{"id": fresh["id"]}]})
    assert len(again["access_schedule"]["schedule_items"]) == len(row["access_schedule"]["schedule_items"])
    gone = ".".join((*where, "remove_schedule_items"))
    t.proved(name, ".".join(where), gone, f"{gone}.[]", f"{gone}.[].id")


def reschedule_invoices(t: Tour, name: str, at: tuple[str, ...], row: dict[str, Any], ask: Any) -> None:
    """Instalments as an amount and by the piece are added, changed, and taken out again."""
    where, when = (*at, "invoice_schedule"), t.w.days_ago(-50)
    amount, piece = {"timestamp": when, "amount": 12}, {"timestamp": when, "unit_price": 3, "quantity": 5}
    known = {one["id"] for one in row["invoice_schedule"]["schedule_items"]}

    def ask_for(**schedule: Any) -> list[dict[str, Any]]:
        """What stands there that did not stand before."""
        items = ask(invoice_schedule=schedule)["invoice_schedule"]["schedule_items"]
        return sorted((one for one in items if one["id"] not in known), key=lambda one: exact(one["amount"]))

    fresh = ask_for(add_schedule_items=[amount, piece])
    t.compare(name, [amount, piece], fresh, (*where, "add_schedule_items"))
    later = {"timestamp": when + timedelta(days=1)}
    changes = [{"amount": 13, **later}, {"unit_price": 4, "quantity": 6, **later}]
    changes = [{"id": one["id"], **change} for one, change in zip(fresh, changes, strict=True)]
    t.compare(name, changes, ask_for(update_schedule_items=changes), (*where, "update_schedule_items"))
    assert ask_for(remove_schedule_items=[{"id": one["id"]} for one in fresh]) == []
    gone = ".".join((*where, "remove_schedule_items"))
    t.proved(name, ".".join(where), gone, f"{gone}.[]", f"{gone}.[].id")


def edit_recurring(t: Tour, account: Account) -> None:
    """What recurs from now on."""
    before = shown(t, account)
    for kind, parts in (("commit", ("access", "invoice")), ("credit", ("access",))):
        field, plural = f"update_recurring_{kind}s", f"recurring_{kind}s"
        row = next(one for one in before[plural] if "subscription_config" not in one)
        sent: dict[str, Any] = {
            "ending_before": t.w.days_ago(-250), "rate_type": "LIST_RATE",
            "proration_rounding": {part: ROUND | {"decimal_places": 1} for part in parts},
        } | {f"{part}_amount": {"unit_price": 8, "quantity": 3} for part in parts}  # fmt: skip
        after = change(t, account, **{field: [{f"recurring_{kind}_id": row["id"], **sent}]})
        [again] = [one for one in after[plural] if one["id"] == row["id"]]
        t.compare(EDIT, sent, again, (field, "[]"))
        t.proved(EDIT, field, f"{field}.[].recurring_{kind}_id")


def edit_subscriptions(t: Tour, account: Account) -> str:
    """Quantities, seats, and from the one to the other; the subscription that had seats from the start."""
    field, at = "update_subscriptions", "update_subscriptions.[]"
    by_quantity, by_seats = (named(shown(t, account)["subscriptions"], name) for name in ("By quantity", "By seats"))
    own = {"name": "Renamed", "ending_before": t.w.days_ago(-350), "proration_rounding": ROUND | {"decimal_places": 1}}
    now = t.w.now.replace(microsecond=0)
    later = now + timedelta(hours=1)
    update = {"quantity_updates": [{"starting_at": now, "quantity": 5}, {"starting_at": later, "quantity_delta": 2}]}
    after = change(t, account, update_subscriptions=[{"subscription_id": by_quantity["id"], **own, **update}])
    [again] = [one for one in after["subscriptions"] if one["id"] == by_quantity["id"]]
    t.compare(EDIT, own, again | {"proration_rounding": again["proration"]["rounding"]}, (field, "[]"))
    asked = {"contract_id": account.contract, "customer_id": account.customer, "subscription_id": by_quantity["id"]}
    history = wire(t.call("v1.contracts.retrieve_subscription_quantity_history", **asked).data)["history"]
    assert [sum(exact(part["quantity"]) for part in step["data"]) for step in history][-1] == 5
    places = (
        "quantity_updates",
        *(f"quantity_updates.[].{name}" for name in ("quantity", "quantity_delta", "starting_at")),
    )
    t.proved(EDIT, field, f"{at}.subscription_id", *(f"{at}.{place}" for place in places))
    seats = {
        "remove_seat_ids": [{"seat_ids": ["ann"], "starting_at": now}],
        "remove_unassigned_seats": [{"quantity": 1, "starting_at": now}],
        "add_seat_ids": [{"seat_ids": ["cid"], "starting_at": now}],
        "add_unassigned_seats": [{"quantity": 4, "starting_at": now}],
    }  # fmt: skip
    change(t, account, update_subscriptions=[{"subscription_id": by_seats["id"], "seat_updates": seats}])
    rows = t.call("v1.contracts.get_subscription_seats_history", **asked | {"subscription_id": by_seats["id"]}).data
    newest = max(rows, key=lambda row: row.starting_at)
    assert (sorted(newest.assigned_seat_ids), newest.total_quantity, newest.starting_at) == (["bob", "cid"], 6, now)
    t.proved(EDIT, f"{at}.seat_updates")
    for name, [entry] in seats.items():
        place = f"{at}.seat_updates.{name}"
        t.proved(EDIT, place, f"{place}.[]", *(f"{place}.[].{part}" for part in entry))
    mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}
    switch = {"subscription_id": by_quantity["id"], "quantity_management_mode_update": mode}
    after = change(t, account, update_subscriptions=[switch])
    [again] = [one for one in after["subscriptions"] if one["id"] == by_quantity["id"]]
    t.compare(EDIT, mode, again, (field, "[]", "quantity_management_mode_update"))
    return str(by_seats["id"])


def edit_terms(t: Tour, account: Account) -> None:
    """Overrides taken out, and the end moved."""
    gone = shown(t, account)["overrides"][-1]["id"]
    end = t.w.days_ago(-490)
    after = change(t, account, remove_overrides=[{"id": gone}], update_contract_end_date=end)
    assert gone not in {row["id"] for row in after["overrides"]}
    t.proved(EDIT, "remove_overrides", "remove_overrides.[]", "remove_overrides.[].id")
    t.compare(EDIT, end, after["ending_before"], ("update_contract_end_date",))


def ends_before_final_invoices(t: Tour, account: Account) -> None:
    """The flag that refuses an end before that of a final invoice, both ways of moving it."""
    early = t.w.days_ago(50)
    other = {"customer_id": account.customer, "contract_id": account.other}
    flag = "allow_contract_ending_before_finalized_invoice"
    t.refused(EDIT, flag, **other, update_contract_end_date=early, **{flag: False})
    name, flag = "v1.contracts.update_end_date", "allow_ending_before_finalized_invoice"
    t.refused(name, flag, **other, ending_before=early, **{flag: False})
    t.call(name, **other, ending_before=early, **{flag: True})
    read = wire(t.call(CONTRACT, **other).data)
    t.compare(name, early, read["ending_before"], ("ending_before",))
    final = {row.status for row in t.call("v1.customers.invoices.list", **other).data}
    assert final == {"FINALIZED", "VOID"}
    t.call("v1.contracts.archive", **other, void_invoices=True)
    assert {row.status for row in t.call("v1.customers.invoices.list", **other).data} == {"VOID"}
    t.proved("v1.contracts.archive", "void_invoices")


def edit_own(t: Tour, shop: Shop, account: Account, commit: str, credit: str) -> None:
    """Every field of the customer's own commit and credit."""
    terms: dict[str, Any] = {
        "name": "mine", "description": "Changed", "priority": 3, "product_id": shop.other_fixed,
        "rate_type": "LIST_RATE", "applicable_contract_ids": [account.contract],
    }  # fmt: skip
    wide = {"applicable_product_ids": [shop.plain], "applicable_product_tags": ["plain"], "specifiers": []}
    narrow = {"applicable_product_ids": [], "applicable_product_tags": [], **scope(shop)}
    for kind, id_ in (("commit", commit), ("credit", credit)):
        name, read = f"v2.contracts.edit_{kind}", f"v1.customers.{kind}s.list"
        whose = {"customer_id": account.customer, f"{kind}_id": id_}

        def row(read: str = read, whose: dict[str, Any] = whose) -> dict[str, Any]:
            [found] = t.call(read, **whose).data
            return dict(wire(found))

        def ask(name: str = name, whose: Any = whose, row: Any = row, **fields: Any) -> Any:
            t.call(name, **whose, **fields)
            return row()

        for fields in (narrow, wide):
            t.call(name, **whose, **terms, **fields)
            t.compare(name, terms | {key: value for key, value in fields.items() if value}, row())
        reschedule_access(t, name, (), row(), ask)
        if kind == "commit":
            reschedule_invoices(t, name, (), row(), ask)
