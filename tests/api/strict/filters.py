"""Usage filters: agreed with the contract and set later, as v1 and v2 show them."""

from tests.api.strict.agreements import CREATE
from tests.api.strict.catalogue import Shop
from tests.api.strict.tour import Tour, wire

SET = "v1.contracts.set_usage_filter"


def agree_on_filters(t: Tour, shop: Shop) -> None:
    """A contract for one region, then for two others."""
    customer = str(t.call("v1.customers.create", name="Regional").data.id)
    since = t.w.days_ago(10)
    own = {"customer_id": customer, "rate_card_id": shop.card, "starting_at": since}
    first = {"group_key": "region", "group_values": ["eu"], "starting_at": since}
    contract = str(t.call(CREATE, **own, usage_filter=first).data.id)
    ids = {"customer_id": customer, "contract_id": contract}
    later = {"group_key": "region", "group_values": ["us", "asia"], "starting_at": t.w.days_ago(-2)}
    t.call(SET, **ids, **later)
    old = wire(t.call("v1.contracts.retrieve", **ids).data)
    t.compare(CREATE, {"usage_filter": first}, {"usage_filter": old["initial"]["usage_filter"]["initial"]})
    t.compare(SET, later, old["current"]["usage_filter"]["updates"][0])
    assert old["current"]["usage_filter"]["current"] == old["current"]["usage_filter"]["initial"]
    new = wire(t.call("v2.contracts.retrieve", **ids).data)["usage_filter"]
    t.compare(SET, later, new[1])
    assert new[0]["ending_before"] == new[1]["starting_at"]
    t.proved(SET, "customer_id", "contract_id")
