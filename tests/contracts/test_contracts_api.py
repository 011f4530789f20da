"""Contracts through the SDK: every method, what it answers, and how many queries a list takes."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from metronome import BadRequestError, ConflictError, Metronome, NotFoundError

from contracts.models import Contract
from core.models import AuditEntry, OutboxEvent
from tests.odd_input import Endpoint, faults
from tests.scenarios.world import World

pytestmark = pytest.mark.calendar

START = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = str(uuid.uuid4())


@pytest.fixture
def world(sdk: Metronome) -> World:
    return World(sdk)


def test_what_is_agreed_is_what_is_read(world: World) -> None:
    card = world.card(aliases=[{"name": "standard"}])
    customer = world.customer()
    terms: dict[str, Any] = {
        "name": "Pilot",
        "net_payment_terms_days": 14,
        "custom_fields": {"deal": "7"},
        "uniqueness_key": "pilot-1",
        "ending_before": "2027-01-01T00:00:00Z",
        "rate_card_alias": "standard",
        "usage_statement_schedule": {
            "frequency": "quarterly",
            "day": "CUSTOM_DATE",
            "billing_anchor_date": "2025-12-10T00:00:00Z",
        },
    }
    made = world.sdk.v1.contracts.create(customer_id=customer, starting_at=START, **terms).data.id
    ids = {"customer_id": customer, "contract_id": made}
    v1, v2 = world.sdk.v1.contracts.retrieve(**ids).data, world.sdk.v2.contracts.retrieve(**ids).data
    for read in (v1.initial, v1.current, v2):
        assert (read.name, read.starting_at, read.net_payment_terms_days, read.rate_card_id) == (
            "Pilot",
            START,
            14,
            card,
        )
        assert read.ending_before == datetime(2027, 1, 1, tzinfo=UTC)
        assert read.usage_statement_schedule.frequency == "QUARTERLY"
        assert read.usage_statement_schedule.billing_anchor_date == datetime(2025, 12, 10, tzinfo=UTC)
        assert (read.commits, read.overrides, read.scheduled_charges, read.transitions) == ([], [], [], [])
        assert read.created_by == "test"
    for whole in (v1, v2):
        assert (whole.id, whole.customer_id, whole.custom_fields) == (made, customer, {"deal": "7"})
        assert (whole.uniqueness_key, whole.archived_at, whole.subscriptions) == ("pilot-1", None, [])
    assert (v1.amendments, v2.usage_filter) == ([], [])
    with pytest.raises(ConflictError, match="This uniqueness key has already been used"):
        world.sdk.v1.contracts.create(customer_id=customer, starting_at=START, uniqueness_key="pilot-1")


def test_null_means_left_out(http: httpx.Client, world: World) -> None:
    body = {"customer_id": world.customer(), "starting_at": "2026-01-01T00:00:00Z"}
    names = (
        "ending_before",
        "rate_card_id",
        "rate_card_alias",
        "name",
        "usage_statement_schedule",
        "uniqueness_key",
        "custom_fields",
    )
    answer = http.post("/v1/contracts/create", json=body | dict.fromkeys([*names, "unknown"]))
    assert answer.status_code == 200


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_lists_filter_and_page(world: World, version: str) -> None:
    customer, other = world.customer(), world.customer()
    list_ = getattr(world.sdk, version).contracts.list
    made = [world.contract(customer, None, datetime(2026, month, 1, tzinfo=UTC)) for month in range(1, 7)]
    world.contract(other, None, START)
    gone = made.pop(2)
    world.sdk.v1.contracts.archive(contract_id=gone, customer_id=customer, void_invoices=False)
    world.sdk.v1.contracts.update_end_date(
        contract_id=made[0], customer_id=customer, ending_before="2026-03-01T00:00:00Z"
    )

    def ids(**query: Any) -> list[str]:
        return [row.id for row in list_(customer_id=customer, **query)]

    assert ids() == made[::-1]
    assert ids(limit=2) == ids(limit=100) == made[::-1]
    assert sorted(ids(include_archived=True)) == sorted([*made, gone])
    assert ids(starting_at="2026-04-01T00:00:00Z") == made[:1:-1]
    assert ids(covering_date="2026-02-28T23:59:59Z") == [made[1], made[0]]
    assert ids(covering_date="2026-03-01T00:00:00Z") == [made[1]]
    with pytest.raises(BadRequestError, match="covering_date"):
        ids(covering_date=START, starting_at=START)
    with pytest.raises(BadRequestError, match="limit"):
        ids(limit=0)
    with pytest.raises(BadRequestError, match="cursor"):
        ids(cursor="x")
    with pytest.raises(NotFoundError, match="customer_id"):
        list_(customer_id=NOBODY)


def test_ends_move_and_contracts_are_archived_once(world: World) -> None:
    customer = world.customer()
    made = world.contract(customer, None, START)
    ids = {"customer_id": customer, "contract_id": made}

    def end() -> datetime | None:
        read = world.sdk.v2.contracts.retrieve(**ids).data
        return read.ending_before

    assert end() is None
    assert world.sdk.v1.contracts.update_end_date(**ids, ending_before="2030-01-01T00:00:00Z").data.id == made
    assert end() == datetime(2030, 1, 1, tzinfo=UTC)
    world.sdk.v1.contracts.update_end_date(**ids)
    assert end() is None
    with pytest.raises(BadRequestError, match="ending_before"):
        world.sdk.v1.contracts.update_end_date(**ids, ending_before=START)
    assert world.sdk.v1.contracts.archive(**ids, void_invoices=True).data.id == made
    assert world.sdk.v2.contracts.retrieve(**ids).data.archived_at is not None
    with pytest.raises(ConflictError):
        world.sdk.v1.contracts.archive(**ids, void_invoices=True)
    with pytest.raises(BadRequestError, match="archived"):
        world.sdk.v1.contracts.update_end_date(**ids)
    names = ["contract.created", "contract.end_changed", "contract.end_changed", "contract.archived"]
    assert list(OutboxEvent.objects.filter(subject_id=made).order_by("id").values_list("name", flat=True)) == names
    assert list(AuditEntry.objects.filter(subject_id=made).order_by("id").values_list("action", flat=True)) == names


def test_unknown_and_foreign_ids_are_refused_by_name(world: World) -> None:
    mine, other = world.customer(), world.customer()
    made = world.contract(mine, None, START)
    sdk = world.sdk
    for ids in ({"customer_id": other, "contract_id": made}, {"customer_id": mine, "contract_id": NOBODY}):
        for call in (sdk.v1.contracts.retrieve, sdk.v2.contracts.retrieve, sdk.v1.contracts.update_end_date):
            with pytest.raises(NotFoundError, match="contract_id"):
                call(**ids)
        with pytest.raises(NotFoundError, match="contract_id"):
            sdk.v1.contracts.archive(**ids, void_invoices=False)
    with pytest.raises(NotFoundError, match="customer_id"):
        world.contract(NOBODY, None, START)
    for field in ({"rate_card_id": NOBODY}, {"rate_card_alias": "nowhere"}):
        with pytest.raises(BadRequestError, match=next(iter(field))):
            sdk.v1.contracts.create(customer_id=mine, starting_at=START, **field)
    archived = world.card()
    sdk.v1.contracts.rate_cards.archive(id=archived)
    with pytest.raises(BadRequestError, match="rate_card_id"):
        world.contract(mine, archived, START)
    sdk.v1.customers.archive(id=other)
    with pytest.raises(BadRequestError, match="customer_id"):
        world.contract(other, None, START)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"ending_before": "2026-01-01T00:00:00Z"}, "ending_before"),
        ({"ending_before": "2025-01-01T00:00:00Z"}, "ending_before"),
        ({"usage_statement_schedule": {"frequency": "MONTHLY", "day": "CUSTOM_DATE"}}, "billing_anchor_date"),
        (
            {"usage_statement_schedule": {"frequency": "MONTHLY", "billing_anchor_date": "2026-01-01T00:00:00Z"}},
            "billing_anchor_date",
        ),
        ({"usage_statement_schedule": {}}, "usage_statement_schedule.frequency"),
        ({"rate_card_id": NOBODY, "rate_card_alias": "x"}, "rate_card_alias"),
        *(
            ({name: [{"x": 1}]}, name)
            for name in ("commits", "credits", "overrides", "subscriptions", "scheduled_charges")
        ),
    ],
)
def test_terms_that_cannot_be_are_refused(world: World, http: httpx.Client, terms: dict[str, Any], field: str) -> None:
    body = {"customer_id": world.customer(), "starting_at": "2026-01-01T00:00:00Z"}
    answer = http.post("/v1/contracts/create", json=body | terms)
    assert (answer.status_code, field in answer.json()["message"]) == (400, True), answer.text
    assert not Contract.objects.exists()


def test_malformed_requests_are_refused_and_leave_nothing_behind(http: httpx.Client, world: World) -> None:
    customer, card = world.customer(), world.card()
    contract = world.contract(customer, None, START)
    ids = {"customer_id": customer, "contract_id": contract}
    id_fields = {"customer_id": "id", "contract_id": "id"}
    create = Endpoint(
        "/v1/contracts/create",
        {
            "customer_id": customer,
            "starting_at": "2026-01-01T00:00:00Z",
            "ending_before": "2027-01-01T00:00:00Z",
            "rate_card_id": card,
            "name": "Good",
            "net_payment_terms_days": 30,
            "uniqueness_key": "k",
            "custom_fields": {"a": "b"},
            "usage_statement_schedule": {
                "frequency": "MONTHLY",
                "day": "CUSTOM_DATE",
                "billing_anchor_date": "2026-01-01T00:00:00Z",
                "invoice_generation_starting_at": "2026-02-01T00:00:00Z",
            },
        },
        {
            "customer_id": "id",
            "starting_at": "hour",
            "ending_before": "hour?",
            "rate_card_id": "id?",
            "name": "text?",
            "net_payment_terms_days": "days?",
            "uniqueness_key": "text?",
            "custom_fields": "texts",
            "usage_statement_schedule.frequency": "word",
            "usage_statement_schedule.day": "word?",
            "usage_statement_schedule.billing_anchor_date": "instant?",
            "usage_statement_schedule": "object?",
            "usage_statement_schedule.invoice_generation_starting_at": "hour?",
        },
        ("customer_id", "starting_at"),
    )
    move = Endpoint(
        "/v1/contracts/updateEndDate",
        {**ids, "ending_before": "2030-01-01T00:00:00Z", "allow_ending_before_finalized_invoice": True},
        {**id_fields, "ending_before": "hour?", "allow_ending_before_finalized_invoice": "flag"},
        tuple(ids),
    )
    archive = Endpoint(
        "/v1/contracts/archive",
        {**ids, "void_invoices": True},
        {**id_fields, "void_invoices": "flag"},
        (*ids, "void_invoices"),
    )
    reads = [
        endpoint
        for version in ("v1", "v2")
        for endpoint in (
            Endpoint(f"/{version}/contracts/get", ids, id_fields, tuple(ids)),
            Endpoint(
                f"/{version}/contracts/list",
                {"customer_id": customer, "covering_date": "2026-01-01T00:00:00Z", "include_archived": True},
                {"customer_id": "id", "covering_date": "instant?", "include_archived": "flag"},
                ("customer_id",),
            ),
        )
    ]
    assert [fault for endpoint in (create, move, archive, *reads) for fault in faults(http, endpoint)] == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_list_takes_as_many_queries_for_twenty_as_for_two(http: httpx.Client, world: World, version: str) -> None:
    customer, card = world.customer(), world.card()

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = http.post(f"/{version}/contracts/list", json={"customer_id": customer})
        assert len(answer.json()["data"]) == Contract.objects.count()
        return len(captured)

    counts = []
    for number in (2, 18):
        for _ in range(number):
            world.contract(customer, card, START, ending_before="2026-01-02T00:00:00Z")
        counts.append(queries())
    assert counts[0] == counts[1] <= 11  # two of them begin and end the snapshot
