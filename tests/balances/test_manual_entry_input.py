"""addManualBalanceLedgerEntry: malformed input is a 400 that names the field, and nothing is written."""

from uuid import uuid4

import httpx
import pytest

from balances.adjustment_models import Adjustment
from balances.models import LedgerEntry
from core.clock import now
from core.keys import create_api_key
from tests.balances.desk import Desk
from tests.odd_input import Endpoint, faults

URL = "/v1/contracts/addManualBalanceLedgerEntry"


@pytest.fixture
def http(wsgi: httpx.WSGITransport, desk: Desk) -> httpx.Client:
    secret = create_api_key(name="test", scopes=["*"], now=now())[1]
    return httpx.Client(transport=wsgi, base_url="http://testserver", headers={"Authorization": f"Bearer {secret}"})


def body(desk: Desk) -> dict[str, object]:
    return {
        "id": str(desk.segment.owner_id), "customer_id": str(desk.customer.pk), "segment_id": str(desk.segment.pk),
        "amount": 5, "reason": "integration",
    }  # fmt: skip


def test_odd_values(http: httpx.Client, desk: Desk) -> None:
    fields = {
        "id": "id", "customer_id": "id", "segment_id": "id", "amount": "factor", "reason": "text",
        "contract_id": "id?", "timestamp": "instant?",
    }  # fmt: skip
    good = body(desk) | {"contract_id": str(uuid4()), "timestamp": "2026-03-20T00:00:00Z"}
    required = ("id", "customer_id", "segment_id", "amount", "reason")
    # a negative amount is not odd here: it takes away
    found = [
        fault for fault in faults(http, Endpoint(URL, good, fields, required)) if not fault.startswith("amount=-1")
    ]
    assert found == []
    assert not LedgerEntry.objects.filter(kind="MANUAL").exists()


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({"amount": 0}, 400, "amount"),
        ({"segment_id": str(uuid4())}, 400, "segment_id"),
        ({"contract_id": str(uuid4())}, 400, "contract_id"),
        ({"timestamp": "2020-01-01T00:00:00Z"}, 400, "timestamp"),
        ({"id": str(uuid4())}, 404, "id"),
        ({"customer_id": str(uuid4())}, 404, "id"),
    ],
)
def test_what_cannot_be(more: dict[str, object], status: int, word: str, http: httpx.Client, desk: Desk) -> None:
    answer = http.post(URL, json=body(desk) | more)
    assert (answer.status_code, word in answer.json()["message"]) == (status, True)
    assert not LedgerEntry.objects.filter(kind="MANUAL").exists()


def test_it_is_an_integration_not_a_person(http: httpx.Client, desk: Desk) -> None:
    assert http.post(URL, json=body(desk) | {"amount": 5_000_000}).status_code == 200
    assert desk.left() == 5_010_000
    assert not Adjustment.objects.exists()
