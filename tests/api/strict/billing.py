"""Who buys, what is used, and what is owed for it."""

from datetime import timedelta
from typing import Any

from tests.api.strict.agreements import Account
from tests.api.strict.catalogue import Shop, named_schedules
from tests.api.strict.tour import Tour, wire

CUSTOMERS, USAGE, INVOICES = "v1.customers", "v1.usage", "v1.customers.invoices"


def customer(t: Tour) -> str:
    """Everything that a customer is made of, and the lists that it stands in."""
    sent = {"name": "Acme", "external_id": "acme", "ingest_aliases": ["acme", "acme-eu"], "custom_fields": {"a": "b"}}
    acme = str(t.call(f"{CUSTOMERS}.create", **sent).data.id)

    def shown() -> dict[str, Any]:
        return dict(wire(t.call(f"{CUSTOMERS}.retrieve", customer_id=acme).data))

    t.compare(f"{CUSTOMERS}.create", sent, shown())
    t.call(f"{CUSTOMERS}.set_name", customer_id=acme, name="Acme AG")
    t.compare(f"{CUSTOMERS}.set_name", {"name": "Acme AG"}, shown())
    aliases = {"ingest_aliases": ["acme", "acme-ag"]}
    t.call(f"{CUSTOMERS}.set_ingest_aliases", customer_id=acme, **aliases)
    t.compare(f"{CUSTOMERS}.set_ingest_aliases", aliases, shown())
    config = {"salesforce_account_id": "0017"}
    t.call(f"{CUSTOMERS}.update_config", customer_id=acme, **config)
    t.compare(f"{CUSTOMERS}.update_config", config, shown()["customer_config"])
    gone = t.call(f"{CUSTOMERS}.create", name="Gone").data.id
    t.pages(f"{CUSTOMERS}.list", {})
    t.call(f"{CUSTOMERS}.archive", id=gone)
    t.call(f"{CUSTOMERS}.create", name="Third")
    t.narrows(
        f"{CUSTOMERS}.list", {}, {"customer_ids": [acme]}, {"ingest_alias": "acme-ag"}, {"only_archived": True},
        {"salesforce_account_ids": ["0017"]},
    )  # fmt: skip
    named_schedules(t, f"{CUSTOMERS}.named_schedules", {"customer_id": acme})
    return acme


def contracts(t: Tour, shop: Shop, account: Account) -> None:
    """Each way of choosing what to read of contracts."""
    whose = {"customer_id": account.customer}
    both: list[dict[str, Any]] = [{"include_balance": True}, {"include_ledgers": True}]
    dates: list[dict[str, Any]] = [{"covering_date": t.w.days_ago(30)}, {"starting_at": t.w.days_ago(30)}]
    archived = t.call("v1.contracts.create", **whose, starting_at=t.w.days_ago(3)).data.id
    never = {**whose, "contract_id": archived}
    t.call("v1.contracts.archive", **never, void_invoices=True)
    assert t.call("v1.contracts.retrieve", **never).data.archived_at
    for version in ("v1", "v2"):
        t.narrows(f"{version}.contracts.retrieve", account.ids, *both)
        t.narrows(f"{version}.contracts.list", whose, *both, *dates, {"include_archived": True})
        t.pages(f"{version}.contracts.list", whose, "cursor")
    rates = "v1.contracts.retrieve_rate_schedule"
    base = account.ids | {"at": t.w.now}
    t.narrows(
        rates, base, {"at": "2031-01-01T00:00:00Z"}, {"selectors": [{"product_id": shop.plain}]},
        {"selectors": [{"product_tags": ["plain"]}]}, {"selectors": [{"billing_frequency": "MONTHLY"}]},
        {"selectors": [{"pricing_group_values": {"model": "large"}}]},
        {"selectors": [{"partial_pricing_group_values": {"model": "small"}}]},
    )  # fmt: skip
    t.pages(rates, base)
    part, told = "v1.contracts.rate_cards.named_schedules", {"properties": {"of": "api"}}
    named_schedules(t, part, account.ids, **told)
    t.proved(f"{part}.update", "properties")
    again = {"schedule_name": "seats", "starting_at": t.w.days_ago(1), "value": 5}
    t.call(f"{part}.update", **whose, contract_id=account.other, **again)
    t.narrows(
        f"{part}.list", whose, {"contract_id": account.other}, {"schedule_name": "seats"}, told,
        {"covering_date": t.w.now},
    )  # fmt: skip
    t.pages(f"{part}.list", whose)
    named_schedules(t, "v1.contracts.named_schedules", {"rate_card_id": shop.card})
    metrics, asked = f"{CUSTOMERS}.list_billable_metrics", {"customer_id": account.customer}
    t.narrows(metrics, asked, {"include_archived": True})
    t.narrows(metrics, asked, {"on_current_plan": True})
    t.pages(metrics, asked)


def use(t: Tour, shop: Shop, alias: str) -> None:
    """Two days' events of both models and regions, read back as events and as quantities."""
    events = [
        {
            "transaction_id": f"{alias} {day} {model} {region}", "customer_id": alias, "event_type": shop.event_type,
            "timestamp": (t.w.days_ago(day) + timedelta(hours=3)).isoformat().replace("+00:00", "Z"),
            "properties": {"units": 1000.5, "model": model, "region": region, "user": "bob"},
        }
        for day in (1, 2, 20) for model in ("large", "small") for region in ("eu", "us")
    ]  # fmt: skip
    t.call(f"{USAGE}.ingest", usage=events)
    found = t.call(f"{USAGE}.search", transaction_ids=[event["transaction_id"] for event in events])
    t.compare(f"{USAGE}.ingest", events, wire(found))
    t.proved(f"{USAGE}.search", "transactionIds", "transactionIds.[]")


def quantities(t: Tour, shop: Shop, account: Account) -> None:
    """Each way of choosing and grouping usage."""
    days = {"starting_on": t.w.days_ago(5), "ending_before": t.w.today, "window_size": "DAY"}
    one = {"id": shop.metric}
    mine = {"billable_metrics": [one | {"group_by": {"key": "model"}}]}
    large = {"billable_metrics": [one | {"group_by": {"key": "model", "values": ["large"]}}]}
    base = days | {"customer_ids": [account.customer], "billable_metrics": [one]}
    t.narrows(
        f"{USAGE}.list", base, mine, {"window_size": "NONE"}, {"starting_on": t.w.days_ago(1)},
        {"ending_before": t.w.days_ago(1)},
    )  # fmt: skip
    t.narrows(f"{USAGE}.list", base | mine, large)
    t.narrows(f"{USAGE}.list", days, {"customer_ids": [account.customer]}, {"billable_metrics": [one]})
    groups = days | {"customer_id": account.customer, "billable_metric_id": shop.metric}
    t.narrows(
        f"{USAGE}.list_with_groups", groups, {"group_by": {"key": "model"}}, {"window_size": "NONE"},
        {"group_by": {"key": "model", "values": ["large"]}}, {"group_key": ["model", "region"]},
        {"group_key": ["model"], "group_filters": {"model": ["small"]}}, {"starting_on": t.w.days_ago(1)},
        {"ending_before": t.w.days_ago(1)},
    )  # fmt: skip
    t.pages(f"{USAGE}.list_with_groups", groups | {"group_key": ["model"]})
    period = {name: groups[name] for name in ("customer_id", "billable_metric_id")} | {"window_size": "NONE"}
    assert t.call(f"{USAGE}.list_with_groups", **period, current_period=True).data
    t.proved(f"{USAGE}.list_with_groups", "current_period")  # the dates would be needed


def preview(t: Tour, shop: Shop, account: Account) -> None:
    """What would be, by what, when, and instead of or beside what there is."""
    name = f"{CUSTOMERS}.preview_events"
    event = {
        "event_type": shop.event_type, "timestamp": t.w.days_ago(1), "transaction_id": "would be",
        "properties": {"units": 7000, "model": "large", "region": "us", "user": "ann"},
    }  # fmt: skip
    nothing = event | {"transaction_id": "nothing", "properties": event["properties"] | {"units": 0, "model": "small"}}
    base = {"customer_id": account.customer, "events": [event, nothing]}
    t.narrows(
        name, base, {"mode": "merge"}, {"events": [event | {"event_type": "other"}]},
        {"events": [event | {"properties": {**event["properties"], "units": 9000}}]},
        {"events": [event | {"timestamp": t.w.days_ago(5)}]}, {"skip_zero_qty_line_items": True},
    )  # fmt: skip
    t.refused(name, "events.[].transaction_id", customer_id=account.customer, events=[event, event])


def invoices(t: Tour, account: Account, unit: str) -> None:
    """Drafts, final ones, one that is void, and the one in its place."""
    t.w.run_due_work()
    whose = {"customer_id": account.customer}
    rows = t.call(f"{INVOICES}.list", **whose).data
    final = next(row for row in rows if row.type == "USAGE" and row.status == "FINALIZED" and row.total)
    t.call("v1.invoices.void", id=final.id)
    assert t.call(f"{INVOICES}.retrieve", **whose, invoice_id=final.id).data.status == "VOID"
    again = t.call("v1.invoices.regenerate", id=final.id).data.id
    fresh = t.call(f"{INVOICES}.retrieve", **whose, invoice_id=again).data
    assert (fresh.status, fresh.regenerated_from_invoice_id, fresh.total) == ("FINALIZED", final.id, final.total)
    t.narrows(
        f"{INVOICES}.list", whose, {"contract_id": account.other}, {"credit_type_id": unit}, {"sort": "date_desc"},
        {"status": "VOID"}, {"type": "SCHEDULED"}, {"starting_on": t.w.days_ago(9)},
        {"ending_before": t.w.days_ago(20)}, {"skip_zero_qty_line_items": True},
    )  # fmt: skip
    t.call(f"{INVOICES}.list", **whose, include_historical_commit_invoices=True, webhook_notification_id="n-1")
    t.pages(f"{INVOICES}.list", whose)
    zeros = next(row for row in rows if any(line.quantity == 0 for line in row.line_items))
    t.narrows(f"{INVOICES}.retrieve", {**whose, "invoice_id": zeros.id}, {"skip_zero_qty_line_items": True})
    days = whose | {"starting_on": t.w.days_ago(40), "ending_before": t.w.today}
    t.narrows(
        f"{INVOICES}.list_breakdowns", days, {"window_size": "HOUR"}, {"credit_type_id": unit}, {"sort": "date_desc"},
        {"status": "DRAFT"}, {"starting_on": t.w.days_ago(30)}, {"ending_before": t.w.days_ago(10)},
        {"skip_zero_qty_line_items": True},
    )  # fmt: skip
    first = t.call(f"{INVOICES}.list_breakdowns", **days)
    second = t.call(f"{INVOICES}.list_breakdowns", **days, next_page=first.next_page, limit=1)
    assert wire(second.data) != wire(first.data)
    t.proved(f"{INVOICES}.list_breakdowns", "next_page")
    pdf = t.call(f"{INVOICES}.retrieve_pdf", **whose, invoice_id=again)
    assert pdf.read().startswith(b"%PDF")


def dashboard(t: Tour, account: Account) -> None:
    """A view to embed, with all that it may be told; what the page makes of it is tested in tests/console."""
    name = "v1.dashboards.get_embeddable_url"
    groups = {"group_key_name": "region", "display_name": "Region", "value_display_names": {"eu": "Europe"}}
    sent = {
        "customer_id": account.customer, "dashboard": "invoices",
        "color_overrides": [{"name": "Primary_medium", "value": "#14624a"}],
        "dashboard_options": [{"key": "hide_voided_invoices", "value": "true"}], "bm_group_key_overrides": [groups],
    }  # fmt: skip
    assert "/console/embed#token=" in str(t.call(name, **sent).data.url)
