"""Keys of custom fields and their values; the log of what the tour has done."""

from typing import Any

from tests.api.strict.tour import Tour, wire

FIELDS = "v1.custom_fields"
LOGS = "v1.audit_logs.list"


def keys_and_values(t: Tour, customer: str) -> None:
    """A key for customers and one for contracts; a value is given and taken."""
    sent: dict[str, Any] = {"entity": "customer", "key": "account", "enforce_uniqueness": True}
    t.call(f"{FIELDS}.add_key", **sent)
    t.call(f"{FIELDS}.add_key", entity="contract", key="account", enforce_uniqueness=False)
    listed = wire(t.call(f"{FIELDS}.list_keys", entities=["customer"]).data)
    t.compare(f"{FIELDS}.add_key", sent, listed[0])
    t.narrows(f"{FIELDS}.list_keys", {}, {"entities": ["customer"]})
    t.refused(f"{FIELDS}.list_keys", "next_page", next_page="not one of ours")

    def shown() -> dict[str, str]:
        return dict(wire(t.call("v1.customers.retrieve", customer_id=customer).data)["custom_fields"])

    before = shown()
    given: dict[str, Any] = {"entity": "customer", "entity_id": customer}
    t.call(f"{FIELDS}.set_values", **given, custom_fields={"account": "77"})
    assert shown() == before | {"account": "77"}
    t.proved(f"{FIELDS}.set_values", "entity", "entity_id", "custom_fields")
    t.call(f"{FIELDS}.delete_values", **given, keys=["account"])
    assert shown() == before
    t.proved(f"{FIELDS}.delete_values", "entity", "entity_id", "keys")
    t.call(f"{FIELDS}.remove_key", entity="contract", key="account")
    left = wire(t.call(f"{FIELDS}.list_keys").data)
    assert [one["entity"] for one in left] == ["customer"]
    t.proved(f"{FIELDS}.remove_key", "entity", "key")


def log(t: Tour, customer: str) -> None:
    """Each way of choosing what to read of the log."""
    about = {"resource_type": "customer", "resource_id": customer}
    later = t.w.days_ago(-3)
    t.narrows(LOGS, {}, about, {"sort": "date_desc"}, {"starting_on": later}, {"ending_before": t.w.days_ago(3)})
    t.pages(LOGS, about)
