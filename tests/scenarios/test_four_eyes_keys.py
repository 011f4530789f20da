"""A key of a person throws away no more than that person may: one sum of the day for both."""

from decimal import Decimal

import httpx
from django.contrib.auth.models import User

from core.clock import now
from core.keys import create_api_key
from tests.conftest import BASE
from tests.scenarios.test_four_eyes_documents import People, billed, people, state
from tests.scenarios.world import World

__all__ = ["people"]


def key_of(wsgi: httpx.WSGITransport, name: str, limit: int) -> httpx.Client:
    """With a limit in USD cents."""
    maker = User.objects.get(username=name)
    secret = create_api_key(name="Own", scopes=["*"], now=now(), made_by_id=maker.pk, adjustment_limit=Decimal(limit))[
        1
    ]
    return httpx.Client(transport=wsgi, base_url=BASE, headers={"Authorization": f"Bearer {secret}"})


def test_a_key_and_its_maker_have_one_limit(world: World, people: People, wsgi: httpx.WSGITransport) -> None:
    olga = people("olga", "owner")
    customer, contract, invoices = billed(world, 400_000, 400_000, 200_001, 150_000)
    with key_of(wsgi, "olga", 1_000_000) as key, key_of(wsgi, "olga", 100_000) as small:
        assert small.post("/v1/invoices/void", json={"id": invoices[3]}).status_code == 403
        assert key.post("/v1/invoices/void", json={"id": invoices[0]}).status_code == 200
        assert olga.does("invoice", invoices[1], "void")
        answers = [
            key.post("/v1/invoices/void", json={"id": invoices[2]}),
            key.post("/v1/invoices/regenerate", json={"id": invoices[0]}),
            key.post(
                "/v1/contracts/archive",
                json={"contract_id": contract, "customer_id": customer, "void_invoices": True},
            ),
            key.post("/v1/customers/archive", json={"id": customer}),
        ]
        assert [(answer.status_code, list(answer.json())) for answer in answers] == [(403, ["message"])] * 4
        assert not olga.does("invoice", invoices[2], "void")
        User.objects.filter(username="olga").update(is_active=False)
        assert key.post("/v1/invoices/void", json={"id": invoices[3]}).status_code == 403
    assert [state(world, customer, row) for row in invoices] == ["VOID", "VOID", "FINALIZED", "FINALIZED"]
    world.sdk.v1.invoices.void(id=invoices[2])  # a key of nobody's has no limit
    assert state(world, customer, invoices[2]) == "VOID"
