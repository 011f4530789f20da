"""Customers as the official SDK sees them."""

import uuid

import httpx
import pytest
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from core.models import AuditEntry, OutboxEvent
from customers.models import Customer, IngestAlias
from customers.selectors import ids_by_ingest_name


def test_create_and_retrieve(sdk: Metronome) -> None:
    alias = uuid.uuid4().hex
    made = sdk.v1.customers.create(
        name="Acme", ingest_aliases=[alias, "b-" + alias], custom_fields={"tier": "gold"}
    ).data
    assert (made.name, made.ingest_aliases, made.external_id) == ("Acme", [alias, "b-" + alias], alias)

    found = sdk.v1.customers.retrieve(customer_id=made.id).data
    assert (found.name, found.custom_fields, found.archived_at) == ("Acme", {"tier": "gold"}, None)
    assert found.customer_config.salesforce_account_id is None
    assert found.created_at == found.updated_at
    assert found.external_id == alias


def test_external_id_is_the_first_alias_or_the_id(sdk: Metronome) -> None:
    bare = sdk.v1.customers.create(name="Bare").data
    assert (bare.external_id, bare.ingest_aliases) == (bare.id, [])
    named = sdk.v1.customers.create(name="Named", external_id="ext", ingest_aliases=["one"]).data
    assert named.ingest_aliases == ["ext", "one"]
    twice = sdk.v1.customers.create(name="Twice", external_id="two", ingest_aliases=["three", "two"]).data
    assert twice.ingest_aliases == ["three", "two"]


def test_name_is_cut_at_160_characters(sdk: Metronome) -> None:
    made = sdk.v1.customers.create(name="n" * 200).data
    assert made.name == "n" * 160
    renamed = sdk.v1.customers.set_name(customer_id=made.id, name="é" * 161).data
    assert renamed.name == "é" * 160


def test_set_name_and_config_touch_updated_at(sdk: Metronome) -> None:
    made = sdk.v1.customers.create(name="Before").data
    sdk.v1.customers.set_name(customer_id=made.id, name="After")
    sdk.v1.customers.update_config(customer_id=made.id, salesforce_account_id="sf-1")
    found = sdk.v1.customers.retrieve(customer_id=made.id).data
    assert (found.name, found.customer_config.salesforce_account_id) == ("After", "sf-1")
    assert found.updated_at > found.created_at
    sdk.v1.customers.update_config(customer_id=made.id)
    assert sdk.v1.customers.retrieve(customer_id=made.id).data.customer_config.salesforce_account_id == "sf-1"
    sdk.v1.customers.update_config(customer_id=made.id, salesforce_account_id=None)
    assert sdk.v1.customers.retrieve(customer_id=made.id).data.customer_config.salesforce_account_id is None


def test_aliases_are_replaced_as_a_whole_and_can_be_moved(sdk: Metronome) -> None:
    first = sdk.v1.customers.create(name="First", ingest_aliases=["a", "b"]).data.id
    second = sdk.v1.customers.create(name="Second").data.id
    with pytest.raises(ConflictError, match="another customer"):
        sdk.v1.customers.set_ingest_aliases(customer_id=second, ingest_aliases=["z", "b"])
    assert sdk.v1.customers.retrieve(customer_id=second).data.ingest_aliases == []

    sdk.v1.customers.set_ingest_aliases(customer_id=first, ingest_aliases=["c", "a"])
    sdk.v1.customers.set_ingest_aliases(customer_id=second, ingest_aliases=["z", "b"])
    assert sdk.v1.customers.retrieve(customer_id=first).data.ingest_aliases == ["c", "a"]
    assert sdk.v1.customers.retrieve(customer_id=second).data.ingest_aliases == ["z", "b"]
    sdk.v1.customers.set_ingest_aliases(customer_id=first, ingest_aliases=[])
    assert not IngestAlias.objects.filter(customer_id=first).exists()


def test_aliases_are_kept_byte_for_byte(sdk: Metronome) -> None:
    aliases = ["Case", "case", "case ", "caf\u00e9", "cafe\u0301", "=HYPERLINK(1)", "'; DROP TABLE customers; --"]
    made = sdk.v1.customers.create(name="Exact", ingest_aliases=aliases).data
    assert sdk.v1.customers.retrieve(customer_id=made.id).data.ingest_aliases == aliases


def test_an_alias_may_be_the_own_id_but_not_another_customers(sdk: Metronome) -> None:
    first, second = (sdk.v1.customers.create(name=name).data.id for name in ("First", "Second"))
    sdk.v1.customers.set_ingest_aliases(customer_id=first, ingest_aliases=[first])
    for theirs in (first, first.upper(), first.replace("-", "")):
        with pytest.raises(ConflictError, match="another customer's id"):
            sdk.v1.customers.set_ingest_aliases(customer_id=second, ingest_aliases=[theirs])
    sdk.v1.customers.set_ingest_aliases(customer_id=second, ingest_aliases=[str(uuid.uuid4())])


def test_archiving_is_for_good_and_keeps_the_aliases(sdk: Metronome) -> None:
    alias = uuid.uuid4().hex
    made = sdk.v1.customers.create(name="Gone", ingest_aliases=[alias]).data.id
    assert sdk.v1.customers.archive(id=made).data.id == made
    archived_at = sdk.v1.customers.retrieve(customer_id=made).data.archived_at
    assert archived_at is not None
    assert sdk.v1.customers.archive(id=made).data.id == made
    assert sdk.v1.customers.retrieve(customer_id=made).data.archived_at == archived_at
    assert OutboxEvent.objects.filter(name="customer.archived", subject_id=made).count() == 1

    with pytest.raises(ConflictError):
        sdk.v1.customers.create(name="Heir", ingest_aliases=[alias])
    for change in (
        lambda: sdk.v1.customers.set_name(customer_id=made, name="Back"),
        lambda: sdk.v1.customers.set_ingest_aliases(customer_id=made, ingest_aliases=[]),
        lambda: sdk.v1.customers.update_config(customer_id=made, salesforce_account_id="x"),
        lambda: sdk.v1.customers.update_config(customer_id=made),
    ):
        with pytest.raises(BadRequestError, match="archived"):
            change()


def test_unknown_customer_is_a_404_everywhere(sdk: Metronome, http: httpx.Client) -> None:
    nobody = str(uuid.uuid4())
    for call in (
        lambda: sdk.v1.customers.retrieve(customer_id=nobody),
        lambda: sdk.v1.customers.archive(id=nobody),
        lambda: sdk.v1.customers.set_name(customer_id=nobody, name="x"),
        lambda: sdk.v1.customers.set_ingest_aliases(customer_id=nobody, ingest_aliases=["x"]),
        lambda: sdk.v1.customers.update_config(customer_id=nobody, salesforce_account_id="x"),
        lambda: sdk.v1.customers.update_config(customer_id=nobody),
    ):
        with pytest.raises(NotFoundError) as refusal:
            call()
        assert nobody in refusal.value.body["message"]
    for path in ("no-uuid", "%00", "..%2f..", nobody + "/"):
        answer = http.get(f"/v1/customers/{path}")
        assert answer.status_code == 404, path
        assert answer.json()["message"]


def test_list_filters(sdk: Metronome) -> None:
    mark = uuid.uuid4().hex
    active = sdk.v1.customers.create(name="Active", ingest_aliases=[mark]).data.id
    gone = sdk.v1.customers.create(name="Gone", ingest_aliases=[mark + "-gone"]).data.id
    sdk.v1.customers.update_config(customer_id=active, salesforce_account_id=mark)
    sdk.v1.customers.archive(id=gone)

    def ids(**query: object) -> list[str]:
        return [row.id for row in sdk.v1.customers.list(**query)]

    assert ids(ingest_alias=mark) == [active]
    assert ids(ingest_alias=mark.upper()) == []
    assert ids(ingest_alias=mark + "-gone") == []
    assert ids(ingest_alias=mark + "-gone", only_archived=True) == [gone]
    assert ids(customer_ids=[active, gone, str(uuid.uuid4())]) == [active]
    assert ids(customer_ids=[active, gone], only_archived=True) == [gone]
    assert ids(salesforce_account_ids=[mark, "other"]) == [active]
    assert gone not in ids()
    assert active in ids()


def test_pages_stay_in_place_while_customers_come_and_go(sdk: Metronome) -> None:
    made = [sdk.v1.customers.create(name=f"n{i}").data.id for i in range(5)]
    first = sdk.v1.customers.list(customer_ids=made, limit=2)
    assert [row.id for row in first.data] == [made[4], made[3]]
    sdk.v1.customers.create(name="newer")
    sdk.v1.customers.archive(id=made[3])
    second = first.get_next_page()
    assert [row.id for row in second.data] == [made[2], made[1]]
    third = second.get_next_page()
    assert [row.id for row in third.data] == [made[0]]
    assert third.next_page is None


def test_a_page_costs_three_queries_whatever_its_size(sdk: Metronome, django_assert_num_queries) -> None:
    for count in (1, 20):
        for i in range(count):
            sdk.v1.customers.create(name=f"q{i}", ingest_aliases=[uuid.uuid4().hex, uuid.uuid4().hex])
        with django_assert_num_queries(3):  # key, customers, aliases
            sdk.v1.customers.list(limit=100)


def test_every_write_leaves_an_event_and_an_audit_entry(sdk: Metronome) -> None:
    made = sdk.v1.customers.create(name="Told").data.id
    sdk.v1.customers.set_name(customer_id=made, name="Told again")
    sdk.v1.customers.set_ingest_aliases(customer_id=made, ingest_aliases=["told"])
    sdk.v1.customers.update_config(customer_id=made, salesforce_account_id="x")
    sdk.v1.customers.archive(id=made)
    events = OutboxEvent.objects.filter(subject_id=made).order_by("id")
    assert [e.name for e in events] == [
        "customer.created",
        "customer.renamed",
        "customer.aliases_changed",
        "customer.config_changed",
        "customer.archived",
    ]
    assert {str(e.customer_id) for e in events} == {made}
    entries = AuditEntry.objects.filter(subject_id=made).order_by("id")
    assert [e.action for e in entries] == [
        "customer.create",
        "customer.set_name",
        "customer.set_ingest_aliases",
        "customer.update_config",
        "customer.archive",
    ]
    assert all(entry.api_key_id is not None for entry in entries)
    assert Customer.objects.get(pk=made).archived_at == entries[4].at


def test_whose_events_arrive_under_a_name(sdk: Metronome) -> None:
    first = sdk.v1.customers.create(name="First", ingest_aliases=["one", "uno"]).data.id
    second = sdk.v1.customers.create(name="Second", ingest_aliases=["two"]).data.id
    names = [first, first.upper(), first.replace("-", ""), "one", "uno", "ONE", second, "two", str(uuid.uuid4())]
    assert ids_by_ingest_name(names=names) == {
        first: uuid.UUID(first),
        "one": uuid.UUID(first),
        "uno": uuid.UUID(first),
        second: uuid.UUID(second),
        "two": uuid.UUID(second),
    }
