"""How a session starts, what a token is worth, and when it is worth nothing."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from metronome import BadRequestError, Metronome, NotFoundError, PermissionDeniedError

from console import services
from console.models import AccessToken, EmbedSession
from core.clock import now
from core.errors import InvalidInput
from core.keys import hash_secret
from core.models import AuditEntry
from customers.services import create_customer
from tests.plugins.clock import travel

Exchange = Callable[..., httpx.Response]


@pytest.fixture
def customer(db: None) -> str:
    return str(create_customer(name="Acme", now=now()).pk)


@pytest.fixture
def origin(db: None) -> str:
    return services.register_origin(origin="https://app.example.com", now=now()).origin


def code_of(http: httpx.Client, customer: str, **more: object) -> str:
    answer = http.post("/tactus/v1/embed/sessions", json={"customer_id": customer, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["code"])


def url_token(sdk: Metronome, customer: str, dashboard: str = "invoices", **more: object) -> str:
    url = sdk.v1.dashboards.get_embeddable_url(customer_id=customer, dashboard=dashboard, **more).data.url  # type: ignore[arg-type]
    page, _, token = (url or "").partition("#token=")
    assert page.endswith("/console/embed")
    assert "?" not in page
    return token


def test_the_url_carries_its_token_in_the_fragment_and_works_again_for_an_hour(
    sdk: Metronome, customer: str, exchange: Exchange
) -> None:
    token = url_token(sdk, customer)
    for later in (timedelta(0), timedelta(minutes=30), timedelta(minutes=59)):
        with travel(now() + later):
            answer = exchange(token=token)
            assert answer.status_code == 200
            assert answer.json()["data"]["start"] == "/invoices"
            assert answer.json()["data"]["expires_in"] <= 900
    with travel(now() + timedelta(minutes=61)):
        assert exchange(token=token).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"dashboard": "bills"},
        {"dashboard_options": [{"key": "colour", "value": "x"}]},
        {"dashboard_options": [{"key": "contract_id", "value": "not-an-id"}]},
        {"dashboard_options": [{"key": "invoice_status_filter", "value": "PAID"}]},
        {"dashboard_options": [{"key": "show_zero_usage_line_items", "value": "maybe"}]},
        {"color_overrides": [{"name": "Primary_medium", "value": "red"}]},
        {"color_overrides": [{"name": "Puce", "value": "#ffffff"}]},
        {"color_overrides": [{"name": "Action", "value": "#fff;} body{display:none"}]},
        {"bm_group_key_overrides": [{"display_name": "Region"}]},
        {"customer_id": "nobody"},
    ],
)
def test_bad_input_for_a_url_is_a_400(sdk: Metronome, customer: str, wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequestError) as refused:
        sdk.v1.dashboards.get_embeddable_url(**{"customer_id": customer, "dashboard": "invoices"} | wrong)  # type: ignore[arg-type]
    assert next(iter(wrong)) in str(refused.value)


def test_a_colour_of_null_is_left_as_it_is(http: httpx.Client, customer: str) -> None:
    colours = [{"name": "Action", "value": None}, {"name": None, "value": "#ffffff"}]
    body = {"customer_id": customer, "dashboard": "usage", "color_overrides": colours}
    assert http.post("/v1/dashboards/getEmbeddableUrl", json=body).status_code == 200


def test_an_unknown_customer_is_a_404(sdk: Metronome) -> None:
    with pytest.raises(NotFoundError):
        sdk.v1.dashboards.get_embeddable_url(customer_id=str(uuid4()), dashboard="usage")


def test_the_scope_embed_write_is_needed(scoped_http: Callable[..., httpx.Client], customer: str) -> None:
    body = {"customer_id": customer, "dashboard": "usage"}
    assert scoped_http("embed:read").post("/v1/dashboards/getEmbeddableUrl", json=body).status_code == 403
    assert scoped_http("invoices:write").post("/tactus/v1/embed/sessions", json=body).status_code == 403
    session = {"customer_id": customer}
    assert scoped_http("embed:write").post("/tactus/v1/embed/sessions", json=session).status_code == 200
    assert issubclass(PermissionDeniedError, Exception)


def test_a_code_works_once_and_its_replay_ends_the_session(
    http: httpx.Client, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    code = code_of(http, customer)
    token = exchange(code=code).json()["data"]["access_token"]
    assert bare.get("/console/overview", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert exchange(code=code).status_code == 401
    assert bare.get("/console/overview", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_code_lives_for_a_minute(http: httpx.Client, customer: str, exchange: Exchange) -> None:
    code = code_of(http, customer)
    with travel(now() + timedelta(seconds=61)):
        assert exchange(code=code).status_code == 401


def test_a_code_opens_only_in_the_origin_that_it_was_made_for(
    http: httpx.Client, customer: str, exchange: Exchange, origin: str
) -> None:
    assert (
        exchange(code=code_of(http, customer, origin=origin), parent_origin="https://evil.example").status_code == 401
    )
    assert exchange(code=code_of(http, customer, origin=origin)).status_code == 401
    assert exchange(code=code_of(http, customer, origin=origin), parent_origin=origin).status_code == 200
    refused = http.post("/tactus/v1/embed/sessions", json={"customer_id": customer, "origin": "https://other.example"})
    assert refused.status_code == 400
    assert "origin" in refused.json()["message"]


@pytest.mark.parametrize(
    "secret", ["", "x", "tactus_code_", "tactus_url_" + "a" * 43, "tactus_console_" + "a" * 43, "\u0000"]
)
def test_a_made_up_secret_is_refused(exchange: Exchange, secret: str, db: None) -> None:
    assert exchange(code=secret).status_code in (400, 401)


def test_an_access_token_is_no_code_and_a_code_no_access_token(
    http: httpx.Client, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    code = code_of(http, customer)
    assert bare.get("/console/overview", headers={"Authorization": f"Bearer {code}"}).status_code == 401
    token = exchange(code=code).json()["data"]["access_token"]
    assert exchange(code=token).status_code == 401
    assert bare.get("/v1/customers", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_url_session_renews_until_its_hour_ends(
    sdk: Metronome, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    began = now()
    token = exchange(token=url_token(sdk, customer)).json()["data"]["access_token"]
    lives = []
    for minutes in (12, 24, 36, 48):
        with travel(began + timedelta(minutes=minutes)):
            answer = bare.post("/tactus/v1/embed/renew", headers={"Authorization": f"Bearer {token}"}).json()["data"]
            token = answer["access_token"]
            lives.append((answer["expires_in"] // 60, answer["renewable"]))
    assert [renewable for _, renewable in lives] == [True, True, True, False]
    assert lives[-1][0] <= 12
    with travel(began + timedelta(minutes=59)):
        assert bare.get("/console/invoices", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with travel(began + timedelta(minutes=61)):
        assert bare.get("/console/invoices", headers={"Authorization": f"Bearer {token}"}).status_code == 401
        assert bare.post("/tactus/v1/embed/renew", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_code_session_is_renewed_by_its_host_only(
    http: httpx.Client, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    began = now()
    headers = {"Authorization": f"Bearer {exchange(code=code_of(http, customer)).json()['data']['access_token']}"}
    assert bare.post("/tactus/v1/embed/renew", headers=headers).status_code == 401
    assert bare.get("/console/usage", headers=headers).status_code == 200
    with travel(began + timedelta(minutes=16)):
        assert bare.get("/console/usage", headers=headers).status_code == 401


def test_leaving_ends_a_code_session_and_spares_a_url(
    sdk: Metronome, http: httpx.Client, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    by_code = {"Authorization": f"Bearer {exchange(code=code_of(http, customer)).json()['data']['access_token']}"}
    url = url_token(sdk, customer)
    by_url = {"Authorization": f"Bearer {exchange(token=url).json()['data']['access_token']}"}
    for headers in (by_code, by_url):
        assert bare.post("/tactus/v1/embed/end", headers=headers).status_code == 204
        assert bare.get("/console/invoices", headers=headers).status_code == 401
    assert exchange(token=url).status_code == 200


def test_a_host_may_end_one_session_or_all_of_a_customer(
    http: httpx.Client, customer: str, exchange: Exchange, bare: httpx.Client
) -> None:
    tokens = [exchange(code=code_of(http, customer)).json()["data"]["access_token"] for _ in range(2)]
    first = AccessToken.objects.get(token_hash=hash_secret(tokens[0])).session_id
    assert http.post("/tactus/v1/embed/revoke", json={"session_id": str(first)}).json() == {"data": {"revoked": 1}}
    statuses = [bare.get("/console/usage", headers={"Authorization": f"Bearer {t}"}).status_code for t in tokens]
    assert statuses == [401, 200]
    assert http.post("/tactus/v1/embed/revoke", json={"customer_id": customer}).json() == {"data": {"revoked": 1}}
    assert bare.get("/console/usage", headers={"Authorization": f"Bearer {tokens[1]}"}).status_code == 401
    assert http.post("/tactus/v1/embed/revoke", json={}).status_code == 400
    assert http.post("/tactus/v1/embed/revoke", json={"session_id": str(uuid4())}).status_code == 404
    assert bare.post("/tactus/v1/embed/revoke", json={"customer_id": customer}).status_code == 401


def test_nothing_secret_is_stored_and_the_trail_names_the_end_user(
    http: httpx.Client, customer: str, exchange: Exchange
) -> None:
    code = code_of(http, customer, end_user={"id": "u1", "email": "sam@example.com"})
    token = exchange(code=code).json()["data"]["access_token"]
    session = EmbedSession.objects.get()
    stored = repr([*EmbedSession.objects.values(), *AccessToken.objects.values(), *AuditEntry.objects.values()])
    assert bytes(session.start_hash) == hash_secret(code)
    assert code not in stored
    assert token not in stored
    entry = AuditEntry.objects.get(action="embed_session.create")
    assert entry.detail["end_user"] == {"id": "u1", "email": "sam@example.com"}
    assert entry.api_key_id == session.api_key_id


@pytest.mark.parametrize(
    "text",
    [
        "https://app.example.com/", "https://app.example.com/path", "https://*.example.com", "http://app.example.com",
        "app.example.com", "https://user@app.example.com", "https://app.example.com:99999", "javascript:alert(1)",
        "https://a b.com", "null", "",
        "https://app.example.com; script-src *", "HTTPS://app.example.com", "https://",
    ],
)  # fmt: skip
def test_only_exact_origins_are_registered(text: str) -> None:
    with pytest.raises(InvalidInput):
        services.checked_origin(text)


@pytest.mark.parametrize("text", ["https://app.example.com", "https://app.example.com:8443", "http://localhost:8001"])
def test_origins(text: str) -> None:
    assert services.checked_origin(text) == text


def test_old_sessions_are_forgotten_and_living_ones_are_not(
    http: httpx.Client, customer: str, exchange: Exchange
) -> None:
    exchange(code=code_of(http, customer))
    assert services.forget_ended_sessions(now=now() + timedelta(hours=23)) == 0
    assert services.forget_ended_sessions(now=now() + timedelta(hours=26)) == 1
    assert not AccessToken.objects.exists()
