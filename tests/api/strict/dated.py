"""Scheduled charges and discounts: agreed on, added, changed and archived; and where invoices go."""

from typing import Any

from tests.api.strict.agreements import CREATE, EDIT, Account
from tests.api.strict.catalogue import Shop
from tests.api.strict.edits import change, reschedule_invoices
from tests.api.strict.tour import Tour, wire
from tests.scenarios.world import USD, exact

CUSTOMERS = "v1.customers"
STRIPE: dict[str, Any] = {
    "billing_provider": "stripe", "delivery_method": "direct_to_billing_provider", "tax_provider": "stripe",
    "configuration": {"stripe_customer_id": "cus_1", "stripe_collection_method": "send_invoice"},
}  # fmt: skip
NETSUITE: dict[str, Any] = {
    "provider": "netsuite", "delivery_method": "direct_to_billing_provider", "configuration": {"id": "7"}
}  # fmt: skip
KINDS = ("scheduled_charges", "discounts")
Rows = dict[str, list[dict[str, Any]]]


def by_date(t: Tour, shop: Shop) -> Rows:
    """Each way to say when: items, by amount and by piece; a recurring schedule, likewise."""
    first, second = t.w.days_ago(-40), t.w.days_ago(-70)
    items = [{"timestamp": first, "amount": 70}, {"timestamp": second, "unit_price": 5, "quantity": 3}]
    recurring = {
        "frequency": "MONTHLY", "amount_distribution": "EACH", "starting_at": first, "ending_before": t.w.days_ago(-80),
    }  # fmt: skip
    whole = {
        "product_id": shop.fixed, "name": "By date", "custom_fields": {"deal": "8"}, "netsuite_sales_order_id": "SO-3"
    }  # fmt: skip
    schedules = (
        {"credit_type_id": USD, "do_not_invoice": False, "schedule_items": items},
        {"recurring_schedule": recurring | {"amount": 11}},
        {"recurring_schedule": recurring | {"unit_price": 5, "quantity": 3}},
    )
    return {name: [whole | {"schedule": schedule} for schedule in schedules] for name in KINDS}


def agree_by_date(t: Tour, shop: Shop) -> None:
    """A customer whose contract charges by date and goes to Stripe; then the same once more by an edit."""
    both = {"customer_billing_provider_configurations": [STRIPE], "customer_revenue_system_configurations": [NETSUITE]}
    old = {"billing_provider_type": "netsuite", "billing_provider_customer_id": "ns-1"}
    customer = str(t.call(f"{CUSTOMERS}.create", name="By date", billing_config=old, **both).data.id)
    kept = wire(t.call(f"{CUSTOMERS}.retrieve_billing_configurations", customer_id=customer).data)
    t.compare(f"{CUSTOMERS}.create", [STRIPE], kept[:1], ("customer_billing_provider_configurations",))
    assert kept[1]["configuration"] == {"billing_provider_customer_id": "ns-1"}
    assert kept[1]["billing_provider"] == "netsuite"
    t.proved(f"{CUSTOMERS}.create", "billing_config", *(f"billing_config.{name}" for name in old))
    terms = by_date(t, shop)
    where = {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}
    system = {"provider": "netsuite", "delivery_method": "direct_to_billing_provider"}
    contract = t.call(
        CREATE, customer_id=customer, starting_at=t.w.days_ago(10), **terms,
        billing_provider_configuration=where, revenue_system_configuration=system,
    ).data.id  # fmt: skip
    account = Account(customer, contract, contract, t.w.days_ago(10))
    shown = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    t.compare(CREATE, where, shown["customer_billing_provider_configuration"], ("billing_provider_configuration",))
    [entry] = shown["revenue_system_configuration_schedule"]
    t.compare(CREATE, system, entry["revenue_system_configuration"], ("revenue_system_configuration",))
    own = "customer_revenue_system_configurations"
    t.compare(f"{CUSTOMERS}.create", [NETSUITE], [entry["revenue_system_configuration"]], (own,))
    _compare(t, CREATE, "", terms, shown)
    by_id = {"billing_provider_configuration_id": kept[0]["id"]}
    other = t.call(
        CREATE, customer_id=customer, starting_at=t.w.days_ago(5), billing_provider_configuration=by_id,
        revenue_system_configuration={"revenue_system_configuration_id": entry["revenue_system_configuration"]["id"]},
    ).data.id  # fmt: skip
    again = wire(t.call("v2.contracts.retrieve", customer_id=customer, contract_id=other).data)
    assert again["customer_billing_provider_configuration"]["id"] == kept[0]["id"]
    t.proved(CREATE, "billing_provider_configuration.billing_provider_configuration_id")
    assert (
        again["revenue_system_configuration_schedule"][0]["revenue_system_configuration"]
        == (entry["revenue_system_configuration"])
    )
    t.proved(CREATE, "revenue_system_configuration.revenue_system_configuration_id")
    _by_edit(t, shop, account, terms)
    _providers(t, customer, kept[0]["id"])


def _by_edit(t: Tour, shop: Shop, account: Account, terms: Rows) -> None:
    before = wire(t.call("v2.contracts.retrieve", **account.ids).data)
    after = change(t, account, **{f"add_{name}": rows for name, rows in terms.items()})
    known = {row["id"] for name in KINDS for row in before[name]}
    added = {name: [row for row in after[name] if row["id"] not in known] for name in KINDS}
    _compare(t, EDIT, "add_", terms, added)
    for name in KINDS:
        t.proved(EDIT, f"add_{name}", f"add_{name}.[]")
    row = added["scheduled_charges"][0]

    def ask(invoice_schedule: Any) -> Any:
        asked = [{"scheduled_charge_id": row["id"], "invoice_schedule": invoice_schedule}]
        shown = change(t, account, update_scheduled_charges=asked)["scheduled_charges"]
        return {"invoice_schedule": next(one for one in shown if one["id"] == row["id"])["schedule"]}

    reschedule_invoices(t, EDIT, ("update_scheduled_charges", "[]"), {"invoice_schedule": row["schedule"]}, ask)
    after = change(
        t, account, update_scheduled_charges=[{"scheduled_charge_id": row["id"], "netsuite_sales_order_id": "SO-4"}],
    )  # fmt: skip
    [again] = [one for one in after["scheduled_charges"] if one["id"] == row["id"]]
    assert again["netsuite_sales_order_id"] == "SO-4"
    at = "update_scheduled_charges"
    t.proved(EDIT, at, f"{at}.[].scheduled_charge_id", f"{at}.[].netsuite_sales_order_id")
    after = change(t, account, archive_scheduled_charges=[{"id": row["id"]}])
    assert row["id"] not in {one["id"] for one in after["scheduled_charges"]}
    t.proved(EDIT, "archive_scheduled_charges", "archive_scheduled_charges.[].id")
    _moved(t, shop, account.customer)


def _moved(t: Tour, shop: Shop, customer: str) -> None:
    """A contract without provider and revenue system gets both by an edit, by name and by id."""
    stripe, *_ = wire(t.call(f"{CUSTOMERS}.retrieve_billing_configurations", customer_id=customer).data)
    named = (
        ("billing_provider", {"billing_provider": "stripe", "delivery_method": "direct_to_billing_provider"}),
        ("revenue_system", {"provider": "netsuite", "delivery_method": "direct_to_billing_provider"}),
    )
    for kind, by_name in named:
        field, inner = f"add_{kind}_configuration_update", f"{kind}_configuration"
        ids = [by_name]
        for asked in ids:
            contract = t.call(CREATE, customer_id=customer, rate_card_id=shop.card, starting_at=t.w.days_ago(9)).data.id
            account = Account(customer, contract, contract, t.w.days_ago(9))
            schedule = {"effective_at": "START_OF_CURRENT_PERIOD"}
            after = change(t, account, **{field: {inner: asked, "schedule": schedule}})
            [entry] = after[f"{inner}_schedule"]
            assert (
                entry[inner]["billing_provider" if kind == "billing_provider" else "provider"]
                == next(iter(asked.values()))
                or entry[inner]["id"] in asked.values()
            )
            if asked is by_name:
                ids.append({f"{inner}_id": entry[inner]["id"]})
            t.proved(EDIT, field, f"{field}.{inner}", *(f"{field}.{inner}.{name}" for name in asked))
            t.proved(EDIT, f"{field}.schedule", f"{field}.schedule.effective_at")
    assert stripe["id"]


def _providers(t: Tour, customer: str, first: str) -> None:
    way = t.call(
        "v1.settings.billing_providers.create", billing_provider="aws_marketplace", delivery_method="aws_sqs",
        configuration={"sqs_url": "https://sqs"},
    ).data.delivery_method_id  # fmt: skip
    t.call(
        "v1.settings.billing_providers.create", billing_provider="gcp_marketplace", configuration={"a": "b"},
        delivery_method="direct_to_billing_provider",
    )  # fmt: skip
    ways = wire(t.call("v1.settings.billing_providers.list").data)
    [listed] = [one for one in ways if one["delivery_method_id"] == way]
    sent = {"billing_provider": "aws_marketplace", "delivery_method": "aws_sqs"}
    t.compare("v1.settings.billing_providers.create", sent, listed)
    assert listed["delivery_method_configuration"] == {"sqs_url": "https://sqs"}
    t.proved("v1.settings.billing_providers.create", "configuration")
    t.refused("v1.settings.billing_providers.list", "next_page", next_page="not one of ours")
    aws = sent | {"customer_id": customer, "delivery_method_id": way, "configuration": {"x": "y"}}
    data = [aws, STRIPE | {"customer_id": customer}]
    set_ = f"{CUSTOMERS}.set_billing_configurations"
    made = wire(t.call(set_, data=data).data)
    t.compare(set_, data, made, ("data",))
    direct = next(one["delivery_method_id"] for one in ways if one["billing_provider"] == "netsuite")
    both = {
        "customer_billing_provider_configurations": [sent | {"delivery_method_id": way}],
        "customer_revenue_system_configurations": [{"provider": "netsuite", "delivery_method_id": direct}],
    }
    other = str(t.call(f"{CUSTOMERS}.create", name="By ways", **both).data.id)
    [kept] = wire(t.call(f"{CUSTOMERS}.retrieve_billing_configurations", customer_id=other).data)
    assert kept["delivery_method_id"] == way
    t.proved(f"{CUSTOMERS}.create", "customer_billing_provider_configurations.[].delivery_method_id")
    wrong = {"customer_revenue_system_configurations": [{"provider": "netsuite", "delivery_method_id": way}]}
    field = "customer_revenue_system_configurations.[].delivery_method_id"
    t.refused(f"{CUSTOMERS}.create", field, name="No way", **wrong)
    t.call(f"{CUSTOMERS}.update_config", customer_id=other, leave_stripe_invoices_in_draft=True)
    config = wire(t.call(f"{CUSTOMERS}.retrieve", customer_id=other).data)["customer_config"]
    t.compare(f"{CUSTOMERS}.update_config", {"leave_stripe_invoices_in_draft": True}, config)
    get, end = f"{CUSTOMERS}.retrieve_billing_configurations", f"{CUSTOMERS}.archive_billing_configurations"
    t.call(end, customer_id=customer, customer_billing_provider_configuration_ids=[made[0]["id"]])
    living = wire(t.call(get, customer_id=customer).data)
    assert made[0]["id"] not in {one["id"] for one in living}
    assert first in {one["id"] for one in living}
    t.proved(end, "customer_billing_provider_configuration_ids")
    t.narrows(get, {"customer_id": customer}, {"include_archived": True})


def _compare(t: Tour, name: str, verb: str, terms: Rows, shown: Rows) -> None:
    for kind, rows in terms.items():
        for sent, row in zip(rows, shown[kind], strict=True):
            asked = {**sent, "schedule": dict(sent["schedule"])}
            if recurring := asked["schedule"].pop("recurring_schedule", None):
                items = row["schedule"]["schedule_items"]
                first = [exact(items[0][part]) for part in ("unit_price", "quantity", "amount")]
                assert first == ([11, 1, 11] if "amount" in recurring else [5, 3, 15])
                assert len(items) == 2
                at = f"{verb}{kind}.[].schedule.recurring_schedule"
                t.proved(name, at, *(f"{at}.{field}" for field in recurring))
            if not asked["schedule"]:
                del asked["schedule"]
            t.compare(name, asked, row, (f"{verb}{kind}", "[]"))
        t.proved(name, f"{verb}{kind}", f"{verb}{kind}.[].schedule")
