"""A host names a customer as it names them when it sends events; and what a page may learn of its own origin."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from console import services
from console.models import EmbedSession
from core.clock import now
from customers.services import archive_customer, create_customer, set_ingest_aliases
from tests.console.conftest import Seeded

Exchange = Callable[..., httpx.Response]
SESSIONS, REVOKE = "/tactus/v1/embed/sessions", "/tactus/v1/embed/revoke"


@pytest.fixture
def acme(db: None) -> str:
    return str(create_customer(name="Acme", ingest_aliases=["acct_7", "acme@example.com"], now=now()).pk)


@pytest.mark.parametrize("alias", ["acct_7", "acme@example.com"])
def test_a_session_is_made_by_an_ingest_alias(http: httpx.Client, acme: str, alias: str) -> None:
    assert http.post(SESSIONS, json={"ingest_alias": alias}).status_code == 200
    assert str(EmbedSession.objects.get().customer_id) == acme
    assert http.post(REVOKE, json={"ingest_alias": alias}).json() == {"data": {"revoked": 1}}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"ingest_alias": "acct_8"}, 404, "ingest_alias: no customer has this alias"),
        ({"ingest_alias": "ACCT_7"}, 404, "ingest_alias"),
        ({"ingest_alias": ""}, 400, "ingest_alias"),
        ({"ingest_alias": 7}, 400, "ingest_alias"),
        ({}, 400, "give either customer_id or ingest_alias"),
        ({"ingest_alias": "acct_7", "customer_id": str(uuid4())}, 400, "give either customer_id or ingest_alias"),
        ({"customer_id": "acct_7"}, 400, "customer_id"),
        ({"customer_id": str(uuid4())}, 404, "no such customer"),
    ],
)
def test_who_is_not_named_clearly_is_refused(
    http: httpx.Client, acme: str, body: dict[str, object], status: int, said: str
) -> None:
    answer = http.post(SESSIONS, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["message"]
    assert not EmbedSession.objects.exists()


def test_revoking_by_an_alias_ends_nobody_elses_session(http: httpx.Client, acme: str) -> None:
    other = str(create_customer(name="Other", ingest_aliases=["acct_70"], now=now()).pk)
    for name in ("acct_7", "acct_70"):
        http.post(SESSIONS, json={"ingest_alias": name})
    assert http.post(REVOKE, json={"ingest_alias": "acct_7"}).json() == {"data": {"revoked": 1}}
    assert str(EmbedSession.objects.get(revoked_at=None).customer_id) == other
    assert http.post(REVOKE, json={"ingest_alias": "nobody"}).status_code == 404
    both = {"ingest_alias": "acct_70", "session_id": str(uuid4())}
    assert http.post(REVOKE, json=both).status_code == 400


def test_an_alias_opens_the_console_of_its_customer_and_of_no_other(
    http: httpx.Client, seeded: Seeded, exchange: Exchange
) -> None:
    set_ingest_aliases(customer_id=seeded.customer, ingest_aliases=["north"], now=now())
    set_ingest_aliases(customer_id=seeded.stranger, ingest_aliases=["contoso"], now=now())

    def token(alias: str) -> str:
        code = http.post(SESSIONS, json={"ingest_alias": alias}).json()["data"]["code"]
        return str(exchange(code=code).json()["data"]["access_token"])

    ours = next(iter(http.get(f"/v1/customers/{seeded.customer}/invoices").json()["data"]))["id"]
    assert seeded.get(f"/console/invoices/{ours}", token("north")).status_code == 200
    assert seeded.get(f"/console/invoices/{ours}", token("contoso")).status_code == 404
    set_ingest_aliases(customer_id=seeded.customer, ingest_aliases=[], now=now())
    assert http.post(SESSIONS, json={"ingest_alias": "north"}).status_code == 404


def test_an_alias_of_an_archived_customer_still_is_theirs(http: httpx.Client, acme: str) -> None:
    """Like their id: what was billed can be looked at, and the alias stays taken."""
    archive_customer(customer_id=acme, now=now())  # type: ignore[arg-type]
    by_id = http.post(SESSIONS, json={"customer_id": acme}).status_code
    assert http.post(SESSIONS, json={"ingest_alias": "acct_7"}).status_code == by_id == 200


def test_a_page_learns_of_its_own_origin_whether_it_is_registered_and_nothing_else(bare: httpx.Client) -> None:
    services.register_origin(origin="https://app.example.com", now=now())

    def said(**headers: str) -> str:
        answer = bare.get("/console/embed/origin.js", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "no-store" in answer.headers["Cache-Control"]
        assert "example" not in answer.text
        return answer.text.strip()

    known, unknown = "export const registered = true;", "export const registered = false;"
    assert said(Origin="https://app.example.com") == known
    for other in ("https://evil.example", "https://app.example.com:444", "http://app.example.com", "null"):
        assert said(Origin=other) == unknown
    assert said() == unknown
    assert bare.post("/console/embed/origin.js").status_code in (403, 405)
