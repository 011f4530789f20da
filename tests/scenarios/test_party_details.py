"""Who a customer is on paper: checked offline, on documents from then on, and never changed on old ones."""

from typing import Any

import httpx
import pytest
from metronome import Metronome

from tests.scenarios.world import World

ACME: dict[str, Any] = {
    "legal_name": "Acme Deutschland GmbH",
    "address": {"lines": ["Unter den Linden 1"], "city": "Berlin", "postal_code": "10117", "country": "DE"},
    "tax_ids": [{"type": "eu_vat", "value": "de 136 695 976"}],
    "invoice_emails": ["ap@acme.example", "cfo@acme.example"],
    "po_number": "PO-77",
}


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def put(http: httpx.Client, customer: str, **details: Any) -> httpx.Response:
    return http.put(f"/tactus/v1/customers/{customer}/party", json=details)


def test_documents_say_it_from_then_on(world: World, http: httpx.Client) -> None:
    metric, _, card = world.priced(price=10)
    customer = world.customer(name="Acme")
    world.contract(customer, card, world.days_ago(20), usage_statement_schedule={"frequency": "WEEKLY"})
    world.use(customer, metric, 3, world.days_ago(18))
    world.run_due_work()

    def documents() -> dict[str, Any]:
        rows = http.get(f"/v1/customers/{customer}/invoices?limit=100").json()["data"]
        return {row["id"]: row for row in rows}

    before = {id_: row["buyer"] for id_, row in documents().items() if row["status"] == "FINALIZED"}
    assert before
    answer = put(http, customer, **ACME)
    assert answer.status_code == 200, answer.text
    kept = answer.json()["data"]
    assert kept["tax_ids"] == [{"type": "eu_vat", "value": "DE136695976"}]
    assert http.get(f"/tactus/v1/customers/{customer}/party").json()["data"] == kept
    now_said = {
        "name": "Acme Deutschland GmbH",
        "address_lines": ["Unter den Linden 1", "10117 Berlin", "Germany"],
        "email": "ap@acme.example",
        "tax_ids": ["DE136695976"],
        "po_number": "PO-77",
    }
    for id_, row in documents().items():
        assert row["buyer"] == before.get(id_, now_said)
    old = next(iter(before))
    again = world.sdk.v1.invoices.regenerate(id=world.sdk.v1.invoices.void(id=old).data.id).data.id
    assert documents()[again]["buyer"] == now_said
    assert documents()[old]["buyer"] == before[old]
    assert put(http, customer).json()["data"]["legal_name"] == ""  # what is left out is emptied
    assert documents()[again]["buyer"] == now_said
    pdf = world.sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=again).read()
    assert pdf[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tax_ids": [{"type": "eu_vat", "value": "DE136695978"}]}, "tax_ids.0.value: is no EU VAT number"),
        ({"tax_ids": [{"type": "us_ein", "value": "12"}]}, "tax_ids.0.value: is no US EIN number"),
        ({"tax_ids": [{"type": "mars", "value": "12"}]}, "tax_ids.0.type: must be one of"),
        ({"tax_ids": [{"type": "other", "value": "1"}] * 2}, "tax_ids: one stands twice"),
        ({"address": {"country": "XX"}}, "address.country: must be a country"),
        ({"invoice_emails": ["nobody"]}, "invoice_emails.0: must be an e-mail address"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: must be a time zone"),
        ({"language": "tlh"}, "language: must be one of"),
        ({"legal_name": 7}, "legal_name: must be a string"),
    ],
)
def test_what_cannot_be_is_refused_whole(
    world: World, http: httpx.Client, change: dict[str, Any], message: str
) -> None:
    customer = world.customer()
    answer = put(http, customer, **(ACME | change))
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message), answer.json()
    assert http.get(f"/tactus/v1/customers/{customer}/party").json()["data"]["legal_name"] == ""


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("gb_vat", "GB 980 7806 84", "980780684"),
        ("ch_uid", "CHE-107.787.577", "CHE107787577"),
        ("au_abn", "83 914 571 673", "83914571673"),
        ("us_ein", "91-1144442", "911144442"),
        ("other", "anything 12", "anything 12"),
    ],
)
def test_numbers_are_kept_as_registers_write_them(
    world: World, http: httpx.Client, kind: str, given: str, kept: str
) -> None:
    answer = put(http, world.customer(), tax_ids=[{"type": kind, "value": given}])
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["tax_ids"] == [{"type": kind, "value": kept}]


def test_what_does_not_act_yet_says_so(world: World, http: httpx.Client) -> None:
    kept = put(http, world.customer(), language="de", time_zone="Europe/Berlin").json()["data"]
    assert [one["field"] for one in kept["warnings"]] == ["language", "time_zone"]
