"""The limits of API keys: whatever way is taken, and by the database alone."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances.adjustment_models import Adjustment, KeyGift
from balances.models import Balance
from balances.services import NewBalance, create_balance, request_manual_entry
from core import audit
from core.errors import InvalidInput, NotAllowed
from core.keys import create_api_key
from core.models import ApiKey, AuditEntry
from engine.limits import WINDOW
from tests.balances.desk import NOW, YEAR, Desk, customer_with, make_desk
from tests.balances.test_adjustments import UPDATE, at_once, refused


def key_of(maker: User | None, cents: Any = 10_000) -> ApiKey:
    limit = None if cents is None else Decimal(cents)
    made_by_id = None if maker is None else maker.pk
    return create_api_key(name="Own", scopes=["*"], now=NOW, made_by_id=made_by_id, adjustment_limit=limit)[0]


def post(desk: Desk, key: ApiKey, cents: Any, segment: Any = None, *, at: datetime = NOW, **more: Any) -> Adjustment:
    target = segment or desk.segment
    return request_manual_entry(
        api_key_id=key.pk, balance_id=target.owner_id, segment_id=target.pk, customer_id=target.owner.customer_id,
        amount=Decimal(cents), reason="x", now=at, **more,
    )  # fmt: skip


def test_a_key_of_a_person_has_a_limit_for_ever(desk: Desk) -> None:
    with pytest.raises(InvalidInput) as caught:
        key_of(desk.finance, None)
    assert caught.value.field == "adjustment_limit"
    key = key_of(desk.finance)
    assert AuditEntry.objects.get(action="api_key.create").detail["may_post_alone"] == "100 USD"
    for change in ("adjustment_limit = adjustment_limit + 1", "adjustment_limit = NULL", "made_by_id = NULL"):
        assert refused("UPDATE core_apikey SET " + change + " WHERE id = %s", key.pk), change  # noqa: S608
    for limit, maker in ((None, desk.finance), (-1, None), (Decimal("NaN"), None)):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.create(name="x", key_hash=b"x", created_at=NOW, made_by=maker, adjustment_limit=limit)


def test_the_maker_of_the_key_is_not_the_checker(desk: Desk) -> None:
    row = post(desk, key_of(desk.finance), 20_000)
    assert (row.status, row.made_by, row.entry) == ("PENDING", desk.finance, None)
    reject = "UPDATE balances_adjustment SET status='REJECTED', decided_at=now(), decided_by_id=%s WHERE id=%s"
    assert refused(reject, desk.finance.pk, row.pk)
    for change in (
        "api_key_id = NULL", "key_limit = 1000000", "by_key = 1", "entry_at = now()", "uniqueness_key = 'x'",
        "seat_amounts = '{\"a\": \"20000\"}'", "made_by_id = NULL", "contract_id = gen_random_uuid()",
    ):  # fmt: skip
        assert refused(UPDATE.format(change), row.pk), change
    assert not refused(reject, desk.other.pk, row.pk)


COPY = """
INSERT INTO balances_adjustment (id, customer_id, segment_id, credit_name, amount, credit_type_id, worth, limit_worth,
    by_maker, for_customer, by_key, key_limit, approval, reason_code, public_reason, note, ticket_url, status,
    made_by_id, api_key_id, made_at, decision_note, applicable_product_ids, applicable_product_tags, priority,
    decided_at, entry_id)
SELECT gen_random_uuid(), customer_id, segment_id, credit_name, 6000, credit_type_id, 6000, 1000000,
    0, 0, 0, {limit}, '', reason_code, public_reason, note, ticket_url, 'POSTED',
    {maker}, api_key_id, made_at, '', applicable_product_ids, applicable_product_tags, priority, made_at,
    (SELECT id FROM balances_ledgerentry WHERE uniqueness_key = 'spare')
FROM balances_adjustment WHERE id = %s
"""


def test_the_database_adds_up_what_the_key_posted(desk: Desk) -> None:
    """A second 6,000 through a key of 10,000, by itself, with a limit or a maker that are not the key's."""
    key = key_of(desk.finance)
    first = post(desk, key, 6_000)
    assert (first.status, first.key_limit, first.limit_worth) == ("POSTED", 10_000, 1_000_000)
    big = key_of(None, 10_000_000)
    _, other = customer_with(product=desk.product, name="Other")
    post(desk, big, 6_000, segment=other, uniqueness_key="spare")
    same = {"limit": "key_limit", "maker": "made_by_id"}
    assert refused(COPY.format(**same), first.pk)
    assert refused(COPY.format(**same | {"limit": "1000000"}), first.pk)
    assert refused(COPY.format(**same | {"limit": "NULL"}), first.pk)
    assert refused(COPY.format(**same | {"maker": str(desk.other.pk)}), first.pk)
    assert refused(COPY.format(**same | {"maker": "NULL"}), first.pk)


@pytest.mark.django_db(transaction=True)
def test_two_keys_of_one_person_at_once_do_not_dodge_the_sum() -> None:
    desk = make_desk()
    segments = [customer_with(product=desk.product, name=f"Customer {n}")[1] for n in range(4)]
    keys = [key_of(desk.support) for _ in segments]
    pairs = list(zip(segments, keys, strict=True))
    made = at_once(*(lambda s=s, k=k: post(desk, k, 6_000, segment=s) for s, k in pairs))
    assert sorted(row.status for row in made) == ["PENDING"] * 3 + ["POSTED"]


def give(desk: Desk, key: ApiKey, cents: Any, segment: Any, at: datetime = NOW) -> None:
    """A new credit by a request of the key's."""
    new = NewBalance(
        kind=Balance.Kind.CREDIT, product_id=desk.product.pk,
        access=((Decimal(cents), at.replace(minute=0), at.replace(minute=0) + YEAR),),
    )  # fmt: skip
    token = audit.set_actor(audit.Actor(api_key_id=key.pk, is_limited=True))
    try:
        create_balance(customer_id=segment.owner.customer_id, new=new, now=at)
    finally:
        audit.reset_actor(token)


@pytest.mark.django_db(transaction=True)
def test_two_gifts_at_once_do_not_dodge_the_sum() -> None:
    desk = make_desk()
    segments = [customer_with(product=desk.product, name=f"Customer {n}")[1] for n in range(4)]
    pairs = [(segment, key_of(desk.support)) for segment in segments]
    for segment in segments:
        segment.owner  # noqa: B018 - read before the threads
    found = at_once(*(lambda s=s, k=k: give(desk, k, 6_000, s) for s, k in pairs))
    assert {type(each).__name__ for each in found} <= {"NoneType", "NotAllowed", "Unavailable"}
    assert found.count(None) == KeyGift.objects.count() == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("person", "small", "big", "gift")),
        st.integers(0, 1),  # for whom
        st.integers(1, 120).map(lambda dollars: dollars * 100),
        st.sampled_from((0, 1, 23 * 60, 24 * 60 - 1, 24 * 60)),  # minutes later
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_way_of_asking_stays_within_all_limits(desk: Desk, steps: list[tuple[Any, ...]]) -> None:
    """In person, by two keys of the same person, by credits: any day's sum is within each limit."""
    begun = NOW + timedelta(days=3 * (Adjustment.objects.count() + KeyGift.objects.count()))
    small, big = key_of(desk.support, 6_000), key_of(desk.support, 10_000)
    segments = [customer_with(10_000_000, product=desk.product, name=f"Customer {n}")[1] for n in range(2)]
    clock = begun
    for how, whom, cents, minutes in steps:
        clock += timedelta(minutes=minutes)
        if how == "person":
            desk.ask(cents, segment=segments[whom], at=clock)
        elif how == "gift":
            with suppress(NotAllowed):
                give(desk, small, cents, segments[whom], clock)
        else:
            post(desk, small if how == "small" else big, cents, segments[whom], at=clock)
    alone = [
        *Adjustment.objects.filter(made_at__gte=begun, status="POSTED"), *KeyGift.objects.filter(made_at__gte=begun)
    ]  # fmt: skip
    for last in alone:
        day = [row for row in alone if last.made_at - WINDOW < row.made_at <= last.made_at]
        assert sum(row.worth or 0 for row in day) <= 10_000  # they are all hers
        assert sum(row.worth or 0 for row in day if row.api_key_id == small.pk) <= 6_000
        for segment in segments:
            assert sum(row.worth or 0 for row in day if row.customer_id == segment.owner.customer_id) <= 10_000


def test_the_database_takes_no_other_ticket(desk: Desk) -> None:
    from tests.scenarios.test_four_eyes_api import LINKS

    row = desk.ask(500)
    insert = """
    INSERT INTO balances_adjustment SELECT (jsonb_populate_record(old, jsonb_build_object('id', gen_random_uuid(),
        'ticket_url', %s::text, 'status', 'PENDING', 'approval', 'AMOUNT', 'decided_at', NULL, 'entry_id', NULL))).*
    FROM balances_adjustment old WHERE id = %s
    """
    assert [link for link in LINKS if not refused(insert, link, row.pk)] == []
    for good in ("", "https://t.example", "https://tickets.example.com:8443/browse/A-5?x=1&y=%C3%A9#c,(2)"):
        assert not refused(insert, good, row.pk), good


def test_what_keys_gave_away_is_only_added_to_and_within_their_limits(desk: Desk) -> None:
    key = key_of(desk.finance)
    gift = """
    INSERT INTO balances_keygift
        (source_id, customer_id, api_key_id, made_by_id, made_at, worth, limit_worth, key_limit)
    VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s)
    """

    def stored(worth: int, *, maker: int | None = desk.finance.pk, limit: int = 10_000) -> bool:
        return not refused(gift, desk.customer.pk, key.pk, maker, NOW, worth, 1_000_000, limit)

    assert stored(6_000)
    assert not stored(4_001)
    assert not stored(4_000, maker=None)
    assert not stored(4_000, limit=100_000)
    assert not stored(0)
    assert post(desk, key, 4_001).approval == "KEY_SUM"
    assert stored(4_000)
    assert refused("UPDATE balances_keygift SET worth = 1")
    assert refused("DELETE FROM balances_keygift")
