"""The customer's own commits and credits, what is left of all of them, and entries by hand."""

from typing import Any

from tests.api.strict.agreements import Account
from tests.api.strict.catalogue import Shop
from tests.api.strict.terms import access, balance, other_scope, scope
from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import USD, exact

COMMITS, CREDITS, ALL = "v1.customers.commits", "v1.customers.credits", "v1.contracts.list_balances"
ENTRY, NET = "v1.contracts.add_manual_balance_entry", "v1.contracts.get_net_balance"
SEATS = "v1.contracts.list_seat_balances"


def own_balances(t: Tour, shop: Shop, account: Account) -> tuple[str, str]:
    """A commit and a credit of the customer's, each made in all ways that there are."""
    own = {
        "customer_id": account.customer, "applicable_contract_ids": [account.contract],
        "salesforce_opportunity_id": "006B",
    }  # fmt: skip
    first = {"access_schedule": access(t.w, account.since, 400, 50), **own}
    when = {"timestamp": t.w.days_ago(-3)}
    months = {
        "frequency": "MONTHLY", "amount_distribution": "EACH", "starting_at": account.since,
        "ending_before": t.w.days_ago(-40),
    }  # fmt: skip
    schedules: list[dict[str, Any]] = [
        {"schedule_items": [when | {"unit_price": 6, "quantity": 2}]},
        {"schedule_items": [when | {"amount": 12}], "do_not_invoice": True},
        {"recurring_schedule": months | {"amount": 11}},
        {"recurring_schedule": months | {"unit_price": 5, "quantity": 3}},
    ]
    made: dict[str, list[str]] = {COMMITS: [], CREDITS: []}
    for number, schedule in enumerate(schedules):
        key = {"uniqueness_key": f"commit {number}", "invoice_contract_id": account.contract, "type": "PREPAID"}
        sent = balance(shop, f"own {number}", **(scope(shop) if number else other_scope(shop)), **first, **key)
        made[COMMITS].append(_made(t, COMMITS, sent, schedule))
    for number in range(2):
        sent = balance(shop, f"own {number}", **(scope(shop) if number else other_scope(shop)), **first)
        made[CREDITS].append(_made(t, CREDITS, sent | {"uniqueness_key": f"credit {number}"}, None))
    return made[COMMITS][0], made[CREDITS][0]


def _made(t: Tour, part: str, sent: dict[str, Any], schedule: dict[str, Any] | None) -> str:
    name, kind = f"{part}.create", part.rsplit(".", 1)[-1].removesuffix("s")
    invoiced = {} if schedule is None else {"invoice_schedule": {"credit_type_id": USD, **schedule}}
    made = t.call(name, **sent, **invoiced).data.id
    [row] = t.call(f"{part}.list", customer_id=sent["customer_id"], **{f"{kind}_id": made}).data
    t.compare(name, {key: value for key, value in sent.items() if key != "customer_id"}, row)
    if schedule is not None:
        months = schedule.get("recurring_schedule")
        items = wire(row)["invoice_schedule"]["schedule_items"]
        if months is None:
            t.compare(name, invoiced, row)
        else:
            first = [exact(items[0][field]) for field in ("unit_price", "quantity", "amount")]
            assert first == ([11, 1, 11] if "amount" in months else [5, 3, 15])
            assert len(items) == 2
            at = "invoice_schedule.recurring_schedule"
            t.proved(name, at, *(f"{at}.{field}" for field in months))
    return str(made)


def read_balances(t: Tour, shop: Shop, account: Account, commit: str, credit: str) -> None:
    """Each way of choosing what to read."""
    whose = {"customer_id": account.customer}
    shared: list[dict[str, Any]] = [
        {"covering_date": t.w.days_ago(15)}, {"starting_at": t.w.days_ago(-1000)},
        {"effective_before": t.w.days_ago(300)}, {"include_ledgers": True}, {"include_balance": True},
    ]  # fmt: skip
    for part, kind, id_ in ((COMMITS, "commit", commit), (CREDITS, "credit", credit)):
        of_contracts = {f"include_contract_{kind}s": True}
        units = [{"access_type": "QUANTITY"}] if kind == "commit" else []
        t.narrows(f"{part}.list", whose, *shared, *units, {f"{kind}_id": id_}, of_contracts)
        t.narrows(f"{part}.list", whose | of_contracts, {"include_archived": True})
        t.pages(f"{part}.list", whose)
    t.narrows(
        ALL, whose, *shared, {"access_type": "QUANTITY"}, {"id": commit},
        {"include_contract_balances": False}, {"exclude_zero_balances": True},
        {"include_archived": True},
    )  # fmt: skip
    t.pages(ALL, whose)
    kinds, ids = [{"balance_types": ["CREDIT"]}], [{"ids": [credit]}]
    deal = [{"custom_fields": {"deal": "own 1"}}]
    t.narrows(
        NET, whose, {"credit_type_id": shop.unit}, {"access_type": "QUANTITY"}, {"filters": kinds}, {"filters": ids},
        {"filters": deal}, {"invoice_inclusion_mode": "FINALIZED"},
    )  # fmt: skip


def seat_balances(t: Tour, account: Account, subscription: str) -> None:
    """What each seat has of its own."""
    base = account.ids
    whole = t.call(SEATS, **base)
    seat = whole.data[0].seat_id
    t.narrows(
        SEATS, base, {"seat_ids": [seat]}, {"subscription_ids": [subscription]}, {"include_credits_and_commits": True},
        {"covering_date": t.w.days_ago(300)}, {"starting_at": t.w.days_ago(-300)},
        {"effective_before": t.w.days_ago(300)},
    )  # fmt: skip
    t.narrows(SEATS, base | {"include_credits_and_commits": True}, {"include_ledgers": True})
    missing = base | {"seat_ids": [seat, "nobody"]}
    assert len(t.call(SEATS, **missing, skip_missing_seat_ids=True).data) == 1
    t.refused(SEATS, "skip_missing_seat_ids", **missing, skip_missing_seat_ids=False)
    t.pages(SEATS, base, "cursor")
    history, asked = "v1.contracts.get_subscription_seats_history", base | {"subscription_id": subscription}
    t.narrows(history, asked, {"covering_date": account.since}, {"starting_at": t.w.now}, {"ending_before": t.w.today})
    t.pages(history, asked, "cursor")


def entry_by_hand(t: Tour, account: Account, credit: str) -> None:
    """One of a credit."""
    whose = {"customer_id": account.customer}
    [row] = t.call(f"{CREDITS}.list", **whose, credit_id=credit).data
    segment = row.access_schedule.schedule_items[0]
    sent = {"amount": -5, "reason": "by hand", "timestamp": t.w.days_ago(1), "segment_id": segment.id}
    once = {"id": credit, **whose, **sent, "uniqueness_key": "entry"}
    t.call(ENTRY, **once)
    [again] = t.call(f"{CREDITS}.list", **whose, credit_id=credit, include_ledgers=True).data
    [entry] = [one for one in wire(again)["ledger"] if one["type"].endswith("MANUAL")]
    t.compare(ENTRY, sent, entry)
    t.proved(ENTRY, "id")
    t.refused(ENTRY, "uniqueness_key", **once)


def entry_of_a_seat(t: Tour, account: Account) -> None:
    """One of what a seat has of its own."""
    rows = t.call(ALL, customer_id=account.customer, covering_date=t.w.now).data
    held = next(one for one in rows if getattr(one, "recurring_credit_id", None) and "seat_id" in str(wire(one)))
    mine = wire(held)["access_schedule"]["schedule_items"][0]
    t.call(
        ENTRY, id=held.id, **account.ids, segment_id=mine["id"], amount=2, reason="for a seat",
        per_group_amounts={mine["seat_id"]: 2},
    )  # fmt: skip
    shown = {"include_credits_and_commits": True, "include_ledgers": True}
    left = t.call(SEATS, **account.ids, seat_ids=[mine["seat_id"]], **shown)
    assert "MANUAL" in str(wire(left))
    t.proved(ENTRY, "per_group_amounts")


def end_balances(t: Tour, account: Account, commit: str, credit: str) -> None:
    """Earlier ends of access and of what is invoiced."""
    end, whose = t.w.days_ago(-5), {"customer_id": account.customer}
    name = f"{COMMITS}.update_end_date"
    t.call(name, **whose, commit_id=commit, access_ending_before=end, invoices_ending_before=t.w.days_ago(-1))
    [row] = t.call(f"{COMMITS}.list", **whose, commit_id=commit).data
    [segment] = row.access_schedule.schedule_items
    assert segment.ending_before == end
    assert not row.invoice_schedule
    t.proved(name, "access_ending_before", "invoices_ending_before")
    name = f"{CREDITS}.update_end_date"
    t.call(name, **whose, credit_id=credit, access_ending_before=end)
    [row] = t.call(f"{CREDITS}.list", **whose, credit_id=credit).data
    t.compare(name, end, row.access_schedule.schedule_items[0].ending_before, ("access_ending_before",))
