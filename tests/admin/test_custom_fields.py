"""Custom fields from the back office alone: keys, values, search, and what goes with a key."""

import uuid

from django.test import Client
from django.urls import reverse

from core.custom_fields import add_key, set_values
from core.models import CustomFieldKey
from customers.models import Customer
from customers.services import create_customer
from tests.admin.world import World

KEYS = "/admin/core/customfieldkey/"


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def test_a_key_is_added_given_found_and_removed(world: World, finance: Client, support: Client) -> None:
    made = finance.post(f"{KEYS}add/", {"entity": "customer", "key": "team", "enforce_uniqueness": "on"}, follow=True)
    assert "Customers can have team now." in text(made)
    twice = finance.post(f"{KEYS}add/", {"entity": "customer", "key": "team"})
    assert (twice.status_code, "There is a key team" in text(twice)) == (400, True)
    page = reverse("admin:customers_customer_change", args=[world.customer])
    url = reverse("admin:custom_fields", args=["customer", world.customer])
    assert url in text(support.get(page))
    assert support.post(url, {"value_0": "east"}, follow=True).status_code == 200
    assert "east" in text(support.get(page))
    other = create_customer(name="Other", now=world.now)
    refused = support.post(reverse("admin:custom_fields", args=["customer", other.pk]), {"value_0": "east"})
    assert (refused.status_code, "must be unique" in text(refused)) == (400, True)
    name = Customer.objects.get(pk=world.customer).name
    listed = text(support.get(reverse("admin:customers_customer_changelist") + "?q=team%3Deast"))
    assert name in listed
    assert other.name not in listed
    file = b"".join(finance.get(f"{KEYS}export.csv").streaming_content).decode()  # type: ignore[attr-defined]
    [key] = [line for line in file.splitlines() if "team" in line]
    assert key.startswith("customer,team,")
    remove = reverse("admin:core_customfieldkey_remove", args=[CustomFieldKey.objects.get().pk])
    assert "1 record(s) have a value of it" in text(finance.get(remove))
    finance.post(remove, {}, follow=True)
    assert Customer.objects.get(pk=world.customer).custom_fields.get("team") is None
    assert support.get(f"{KEYS}add/").status_code == 403


def test_what_is_emptied_is_taken_away(world: World, support: Client) -> None:
    add_key(entity="contract", key="deal", enforce_uniqueness=False, now=world.now)
    contract = Customer.objects.get(pk=world.customer).contracts.first()
    assert contract is not None
    set_values(entity="contract", entity_id=contract.pk, values={"deal": "big"}, now=world.now)
    url = reverse("admin:custom_fields", args=["contract", contract.pk])
    assert 'value="big"' in text(support.get(url))
    support.post(url, {"value_0": ""})
    contract.refresh_from_db()
    assert contract.custom_fields == {}
    assert support.get(reverse("admin:custom_fields", args=["star", contract.pk])).status_code == 403
    gone = support.get(reverse("admin:custom_fields", args=["contract", uuid.uuid4()]), follow=True)
    assert "There is no such record." in text(gone)
    bare = support.get(reverse("admin:custom_fields", args=["customer", world.customer]))
    assert "There are no keys for customers yet" in text(bare)
