"""Conventions that hold on every route: keys and scopes, errors, body size, paging, idempotency keys."""

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from django.db import connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from metronome import AuthenticationError, ConflictError, Metronome, NotFoundError, PermissionDeniedError

from core.api.middleware import ApiMiddleware
from core.audit import Actor, current_actor
from core.clock import now
from core.errors import Conflict
from core.idempotency import TAKE_OVER_AFTER, Claim, StoredAnswer, begin, finish, set_current
from core.keys import create_api_key, hash_secret, looks_like_key, revoke_api_key
from core.models import ApiKey, AuditEntry, IdempotentRequest
from core.transactions import use_case
from customers.models import Customer

NAME = {"name": "Ada"}


def test_a_key_is_kept_as_a_hash_only(db: None) -> None:
    key, secret = create_api_key(name="one", scopes=["*"], now=now())
    assert looks_like_key(secret)
    assert not looks_like_key(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    stored = ApiKey.objects.values().get(pk=key.pk)
    assert bytes(stored["key_hash"]) == hash_secret(secret)
    assert not any(secret in str(value) for value in stored.values())


def test_unknown_revoked_and_expired_keys_are_401(http: httpx.Client, api_key: str) -> None:
    def status(key: str | None) -> int:
        headers = {"Authorization": f"Bearer {key}"} if key else {"Authorization": ""}
        answer = http.get("/v1/customers", headers=headers)
        if answer.status_code == 401:
            assert answer.json()["message"]
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        return answer.status_code

    assert status(api_key) == 200
    assert [status(key) for key in (None, "x", "tactus_live_x", api_key[:-1], api_key + "a")] == [401] * 5
    _, expired = create_api_key(name="old", scopes=["*"], now=now(), expires_at=now() - timedelta(seconds=1))
    assert status(expired) == 401
    revoke_api_key(key_id=ApiKey.objects.get(name="test").pk, now=now())
    assert status(api_key) == 401


def test_a_key_in_the_query_is_not_read(wsgi: httpx.WSGITransport, api_key: str) -> None:
    with httpx.Client(transport=wsgi, base_url="http://testserver") as client:
        assert client.get("/v1/customers", params={"api_key": api_key, "token": api_key}).status_code == 401


def test_scopes_limit_what_a_key_may_do(scoped_http: Callable[..., httpx.Client]) -> None:
    reader = scoped_http("customers:read")
    assert reader.get("/v1/customers").status_code == 200
    refused = reader.post("/v1/customers", json=NAME)
    assert (refused.status_code, refused.json()["message"]) == (403, "this API key lacks the scope customers:write")
    assert reader.get(f"/v1/billable-metrics/{uuid.uuid4()}").status_code == 403
    writer = scoped_http("customers:write")
    assert writer.post("/v1/customers", json=NAME).status_code == 200
    assert writer.get("/v1/customers").status_code == 200
    ingester = scoped_http("usage:ingest")
    assert ingester.post("/v1/contracts/list", json={"customer_id": str(uuid.uuid4())}).status_code == 403


def test_the_sdk_raises_its_own_errors(sdk: Metronome, scoped_http: Callable[..., httpx.Client]) -> None:
    with pytest.raises(NotFoundError):
        sdk.v1.customers.retrieve(customer_id=str(uuid.uuid4()))
    with pytest.raises(AuthenticationError):
        sdk.with_options(bearer_token="no").v1.customers.list(limit=1)  # type: ignore[call-arg]
    token = scoped_http("usage:ingest").headers["Authorization"].removeprefix("Bearer ")
    with pytest.raises(PermissionDeniedError):
        sdk.with_options(bearer_token=token).v1.customers.list(limit=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404), ("POST", "/v2/nothing/at/all", 404), ("GET", "/v1/customers/", 404),
        ("GET", "/v1/customers/not-a-uuid", 404), ("GET", "/v1/customers/%00", 404), ("GET", "/v1/../etc/passwd", 404),
        ("GET", "/v1/%2e%2e/%2e%2e", 404), ("DELETE", "/v1/customers", 405), ("PUT", "/v1/contracts/create", 405),
        ("GET", "/nowhere", 404), ("TRACE", "/v1/customers", 405),
    ],
)  # fmt: skip
def test_unknown_routes_and_methods_answer_in_json(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400), (b"   ", {}, 400), (b"[]", {}, 400), (b'"x"', {}, 400), (b"null", {}, 400), (b"{", {}, 400),
        (b'{"name":NaN}', {}, 400), (b'{"name":"\\u0000"}', {}, 400), (b'{"name":"a","x":{"y":"\\ud800"}}', {}, 400),
        (b'{"name":"a","name":"b"}', {}, 400), (b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}", {}, 400),
        (b'{"name":"a"}', {"Content-Type": "text/plain"}, 415),
        (b"name=a", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"name":"a"}', {"Content-Type": "application/xml"}, 415),
    ],
)  # fmt: skip
def test_malformed_bodies_are_refused_and_store_nothing(
    http: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = http.post("/v1/customers", content=body, headers={"Content-Type": "application/json"} | headers)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert not Customer.objects.exists()


def test_an_oversize_body_is_413(http: httpx.Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.TACTUS_MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = http.post(
        "/v1/customers", content=json.dumps(NAME | {"x": "a" * 2000}), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, "1000" in answer.json()["message"]) == (413, True)
    lying = http.post(
        "/v1/customers", content=b"{}", headers={"Content-Type": "application/json", "Content-Length": "-5"}
    )
    assert lying.status_code in (400, 413)


def test_permanent_refusals_tell_the_sdk_not_to_retry(http: httpx.Client) -> None:
    http.post("/v1/customers", json=NAME | {"ingest_aliases": ["a"]})
    answer = http.post("/v1/customers", json=NAME | {"ingest_aliases": ["a"]})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (409, "false")


# --- paging ---------------------------------------------------------------------------------------------------------
def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_pages_neither_skip_nor_repeat(sdk: Metronome) -> None:
    ids = [sdk.v1.customers.create(name=f"C{n}").data.id for n in range(7)]
    pages = [[row.id for row in page.data] for page in sdk.v1.customers.list(limit=3).iter_pages()]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(id for page in pages for id in page) == sorted(ids)


def test_a_limit_above_the_maximum_means_the_maximum(http: httpx.Client) -> None:
    at = now()
    Customer.objects.bulk_create(Customer(name=f"C{n}", created_at=at, updated_at=at) for n in range(101))
    for limit in ("101", "1000000", "9" * 5000):
        answer = http.get(f"/v1/customers?limit={limit}")
        assert (answer.status_code, len(answer.json()["data"])) == (200, 100)
        assert answer.json()["next_page"]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=00", "limit=x", "limit=-1", "limit=1.5", "limit=%D9%A1", "limit=" + "0" * 5000),
        *("next_page=x", "next_page=e30", "next_page=W10", "next_page=WyJhIl0", "next_page=WzEsMl0", "next_page=%00"),
        "next_page=" + "A" * 3000, "next_page=" + cursor('[1, {"t": "2024-01-01T00:00:00"}, "x"]'),
        "next_page=" + cursor(r'["\ud800"]'),
        "next_page=" + cursor("[" * 500), "next_page=" + cursor("[null]"), "next_page=" + cursor('[{"t": 5}]'),
    ],
)  # fmt: skip
def test_a_bad_limit_or_cursor_is_400(http: httpx.Client, query: str) -> None:
    answer = http.get(f"/v1/customers?{query}")
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["message"]


def test_a_cursor_of_another_list_or_order_is_400(sdk: Metronome, http: httpx.Client) -> None:
    for n in range(3):
        sdk.v1.customers.create(name=f"C{n}")
        sdk.v1.billable_metrics.create(name=f"M{n}", aggregation_type="COUNT")
    foreign = http.get("/v1/customers?limit=2").json()["next_page"]
    answer = http.get(f"/v1/billable-metrics?limit=2&next_page={foreign}")
    assert (answer.status_code, answer.json()["message"]) == (400, "next_page: not a cursor that this list gave out")
    customer = sdk.v1.customers.create(name="Payer").data.id
    sdk.v1.contracts.create(customer_id=customer, starting_at="2024-01-01T00:00:00Z")
    url = f"/v1/customers/{customer}/invoices?limit=1"
    older_first = http.get(url).json()["next_page"]
    assert http.get(f"{url}&next_page={older_first}").status_code == 200
    assert http.get(f"{url}&sort=date_desc&next_page={older_first}").status_code == 400


# --- when the database does not answer, and who did it ---------------------------------------------------------------
@pytest.fixture
def impatient(live_url: str) -> Iterator[None]:
    """The live server gives up on locks after a moment."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET lock_timeout = '150ms'")
        yield
        cursor.execute(f"ALTER DATABASE {name} RESET lock_timeout")


def test_a_database_that_does_not_answer_is_503_logged_and_forgotten_by_its_key(
    impatient: None, live_http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    customer = live_http.post("/v1/customers", json=NAME).json()["data"]["id"]

    def rename() -> httpx.Response:
        url = f"/v1/customers/{customer}/setName"
        return live_http.post(url, json={"name": "Grace"}, headers={"Idempotency-Key": "k"})

    with transaction.atomic(), caplog.at_level(logging.ERROR):
        Customer.objects.select_for_update().get(pk=customer)
        refused = rename()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "lock timeout" in caplog.text
    assert "Traceback" in caplog.text
    assert rename().status_code == 200


def test_a_key_that_cannot_be_looked_up_is_503(impatient: None, live_http: httpx.Client) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE core_idempotentrequest IN ACCESS EXCLUSIVE MODE")
        answer = post(live_http, "k")
        assert (answer.status_code, list(answer.json())) == (503, ["message"])
    assert not Customer.objects.exists()


def test_an_answer_that_cannot_be_stored_still_reaches_the_caller(live_http: httpx.Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END$$;"
            "CREATE TRIGGER full_disk BEFORE UPDATE ON core_idempotentrequest FOR EACH ROW "
            "WHEN (NEW.state = 'ANSWERED') EXECUTE FUNCTION full_disk()"
        )
        try:
            assert post(live_http, "k").status_code == 200
        finally:
            cursor.execute("DROP FUNCTION full_disk() CASCADE")
    assert IdempotentRequest.objects.get().state == "COMMITTED"
    assert post(live_http, "k").status_code == 409
    assert Customer.objects.count() == 1


def test_the_audit_trail_names_key_and_request_and_nobody_afterwards(http: httpx.Client) -> None:
    http.post("/v1/customers", json=NAME)
    entry = AuditEntry.objects.get(action="customer.create")
    assert entry.api_key is not None
    assert (entry.api_key.name, current_actor()) == ("test", Actor())
    assert uuid.UUID(entry.request_id)


# --- idempotency keys -----------------------------------------------------------------------------------------------
def post(http: httpx.Client, key: str, body: dict[str, str] | None = None) -> httpx.Response:
    return http.post("/v1/customers", json=body or NAME, headers={"Idempotency-Key": key})


def test_a_repeated_request_is_answered_not_repeated(http: httpx.Client) -> None:
    first, second = post(http, "k1"), post(http, "k1")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Customer.objects.count() == 1
    other = post(http, "k1", {"name": "Grace"})
    assert (other.status_code, other.headers["x-should-retry"]) == (409, "false")
    assert Customer.objects.count() == 1


def test_errors_are_replayed_too(http: httpx.Client) -> None:
    http.post("/v1/customers", json=NAME | {"ingest_aliases": ["a"]})
    refused = [post(http, "k2", NAME | {"ingest_aliases": ["a"]}) for _ in range(2)]  # type: ignore[dict-item]
    assert [answer.status_code for answer in refused] == [409, 409]
    assert refused[1].headers["Idempotent-Replayed"] == "true"
    assert [answer.headers["x-should-retry"] for answer in refused] == ["false", "false"]


@pytest.mark.parametrize("key", ["", " " * 300, "x" * 256, "a\tb"])
def test_a_malformed_key_is_400(http: httpx.Client, key: str) -> None:
    answer = http.post("/v1/customers", json=NAME, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert not Customer.objects.exists()


def test_keys_of_two_api_keys_do_not_meet(http: httpx.Client, scoped_http: Callable[..., httpx.Client]) -> None:
    assert post(http, "k").json() != post(scoped_http("*"), "k").json()


def test_a_crash_after_the_commit_never_repeats_the_effect(http: httpx.Client) -> None:
    post(http, "k3")
    lost = IdempotentRequest.objects.get(key="k3")
    lost.state, lost.status, lost.body = (
        "COMMITTED",
        None,
        b"",
    )  # as if the process had died before the answer was stored
    lost.save()
    assert post(http, "k3").status_code == 409
    assert "Retry-After" in post(http, "k3").headers
    IdempotentRequest.objects.update(started_at=now() - TAKE_OVER_AFTER)
    gone = post(http, "k3")
    assert (gone.status_code, gone.headers["x-should-retry"]) == (409, "false")
    assert Customer.objects.count() == 1


def test_a_crash_before_the_commit_is_taken_over(http: httpx.Client) -> None:
    post(http, "k4", {"name": ""})
    IdempotentRequest.objects.filter(key="k4").update(state="RUNNING", status=None, started_at=now() - TAKE_OVER_AFTER)
    assert post(http, "k4", {"name": ""}).status_code == 400


def test_the_use_case_itself_marks_its_key_committed(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.idempotency.finish", lambda *args: None)
    post(http, "k5")
    assert IdempotentRequest.objects.get(key="k5").state == "COMMITTED"


def test_a_request_that_was_taken_over_undoes_itself(http: httpx.Client) -> None:
    key = ApiKey.objects.get()
    slow = begin(api_key=key, key="k6", digest=b"x", now=now() - TAKE_OVER_AFTER)
    fast = begin(api_key=key, key="k6", digest=b"x", now=now())
    assert isinstance(slow, Claim)
    assert isinstance(fast, Claim)
    set_current(slow)
    try:
        with pytest.raises(Conflict), use_case():
            Customer.objects.create(name="twice", created_at=now(), updated_at=now())
    finally:
        set_current(None)
    finish(slow, StoredAnswer(200, "application/json", b"slow"))
    finish(fast, StoredAnswer(200, "application/json", b"fast"))
    assert not Customer.objects.exists()
    assert bytes(IdempotentRequest.objects.get(key="k6").body) == b"fast"


def test_a_streamed_answer_is_replayed_like_any_other(api_key: str, rf: RequestFactory) -> None:
    def again() -> HttpResponseBase:
        request = rf.post(
            "/v1/x", b"{}", "application/json", HTTP_AUTHORIZATION=f"Bearer {api_key}", HTTP_IDEMPOTENCY_KEY="k"
        )
        parts = iter([b'{"n":', str(time.monotonic_ns()).encode(), b"}"])
        return ApiMiddleware(lambda _: StreamingHttpResponse(parts, content_type="application/json"))(request)

    first, second = again(), again()
    assert isinstance(first, HttpResponse)
    assert isinstance(second, HttpResponse)
    assert first.content == second.content
    assert first.content.startswith(b'{"n":')


def test_one_of_many_simultaneous_requests_is_carried_out(live_http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(live_http, "race"), range(8)))
    assert Customer.objects.count() == 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)


def test_uniqueness_keys_hold_under_concurrency(live_sdk: Metronome) -> None:
    customer = live_sdk.v1.customers.create(name="c").data.id

    def create(_: int) -> str:
        try:
            return live_sdk.v1.contracts.create(
                customer_id=customer, starting_at="2026-01-01T00:00:00Z", uniqueness_key="u"
            ).data.id
        except ConflictError as error:
            return str(error.body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(8)))
    assert answers.count("{'message': 'This uniqueness key has already been used.'}") == 7
