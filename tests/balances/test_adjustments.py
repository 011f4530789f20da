"""Who may adjust what: limits, two people, decided once; enforced by the database, not only by the services."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.test import override_settings

from balances.adjustment_models import Adjustment
from balances.models import Balance, LedgerEntry
from balances.selectors.adjustments import default_expiry, limit_of, limits, usd_equivalent_of
from balances.services import (
    LedgerEntryRequest,
    NewAdjustment,
    add_manual_entry,
    approve_adjustment,
    archive_balance,
    reject_adjustment,
    request_adjustment,
    withdraw_adjustment,
)
from balances.services.adjustments import withdraw_forgotten
from catalog.models import CreditType
from catalog.services import rate_cards
from catalog.services.credit_types import create_credit_type
from contracts.services import create_contract
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.models import AuditEntry, OutboxEvent
from customers.services import archive_customer
from tests.balances.desk import NOW, YEAR, Desk, customer_with, make_desk, person, reason

LIMIT = 10_000  # support's, in cents


def test_limits_are_those_of_the_settings() -> None:
    assert limits() == {"support": Decimal(10_000), "finance": Decimal(1_000_000), "owner": Decimal(1_000_000)}


def test_who_has_no_role_may_post_nothing_alone(desk: Desk) -> None:
    assert limit_of(User.objects.create_user("nobody", is_staff=True)) == 0
    assert limit_of(desk.support) == 10_000
    desk.support.groups.set([*desk.finance.groups.all(), *desk.support.groups.all()])
    assert limit_of(desk.support) == 1_000_000


@pytest.mark.parametrize(
    ("role", "cents", "status"),
    [
        ("support", 9_999, "POSTED"),
        ("support", 10_000, "POSTED"),
        ("support", 10_001, "PENDING"),
        ("support", -10_000, "POSTED"),
        ("support", Decimal("10000.01"), "PENDING"),
        ("finance", 1_000_000, "POSTED"),
        ("finance", 1_000_001, "PENDING"),
        ("owner", 1_000_000, "POSTED"),
        ("owner", 1_000_001, "PENDING"),
    ],
)
def test_the_limit_of_each_role(desk: Desk, role: str, cents: Any, status: str) -> None:
    row = desk.ask(cents, by=person("one", role))
    assert row.status == status
    assert row.approval == ("" if status == "POSTED" else "AMOUNT")
    assert desk.left() == 10_000 + (cents if status == "POSTED" else 0)


def test_what_is_posted_stands_in_the_ledger_with_the_public_reason(desk: Desk) -> None:
    row = desk.ask(2_500)
    entry = LedgerEntry.objects.get(kind="MANUAL")
    assert row.entry == entry
    assert (entry.amount, entry.reason, entry.effective_at) == (2_500, "For the outage of 3 March", NOW)
    assert entry.uniqueness_key == f"adjustment:{row.pk}"
    assert AuditEntry.objects.filter(action="adjustment.posted", subject_id=row.pk).count() == 1
    assert OutboxEvent.objects.get(name="adjustment.posted").customer_id == desk.customer.pk


def test_a_new_credit_is_granted_with_its_reason(desk: Desk) -> None:
    row = desk.ask_credit(5_000)
    credit = row.credit
    assert credit is not None
    assert (credit.kind, credit.name, credit.customer_id, credit.cost_basis) == ("CREDIT", "Sorry", desk.customer.pk, 0)
    [segment] = credit.segments.all()
    assert (segment.balance, segment.ending_before) == (5_000, NOW + YEAR)
    assert segment.entries.get().reason == "For the outage of 3 March"


def test_a_second_person_posts_what_is_above_the_limit(desk: Desk) -> None:
    row = desk.ask(20_000)
    before = LedgerEntry.objects.count()
    assert row.status == "PENDING"
    done = approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, note="Agreed with Leo", now=NOW)
    assert (done.status, done.decided_by, done.made_by) == ("POSTED", desk.finance, desk.support)
    assert LedgerEntry.objects.count() == before + 1
    assert desk.left() == 30_000
    assert AuditEntry.objects.get(action="adjustment.posted").reason == "Agreed with Leo"


def test_a_credit_above_the_limit_waits_too(desk: Desk) -> None:
    row = desk.ask_credit(20_000)
    assert Balance.objects.filter(customer=desk.customer).count() == 1
    approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    row.refresh_from_db()
    assert row.credit is not None
    assert row.credit.segments.get().balance == 20_000


def test_nobody_decides_on_their_own(desk: Desk) -> None:
    row = desk.ask(2_000_000, by=desk.finance)
    with pytest.raises(NotAllowed, match="yourself"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    with pytest.raises(NotAllowed, match="yourself"):
        reject_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, note="no", now=NOW)
    with pytest.raises(NotAllowed, match="role"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.support.pk, now=NOW)
    assert approve_adjustment(adjustment_id=row.pk, decider_id=desk.other.pk, now=NOW).status == "POSTED"


def test_an_owner_does_not_approve_their_own_either(desk: Desk) -> None:
    owner = person("olga", "owner")
    row = desk.ask(2_000_000, by=owner)
    with pytest.raises(NotAllowed):
        approve_adjustment(adjustment_id=row.pk, decider_id=owner.pk, now=NOW)


def test_who_left_or_lost_the_role_decides_nothing(desk: Desk) -> None:
    row = desk.ask(20_000)
    User.objects.filter(pk=desk.finance.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    with pytest.raises(NotAllowed):
        desk.ask(1, by=User.objects.create_user("nobody", is_staff=True))


def test_rejecting_writes_nothing_to_the_ledger(desk: Desk) -> None:
    row = desk.ask(20_000)
    before = list(LedgerEntry.objects.values())
    with pytest.raises(InvalidInput, match="note"):
        reject_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, note=" ", now=NOW)
    done = reject_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, note="Not our fault", now=NOW)
    assert (done.status, done.decision_note) == ("REJECTED", "Not our fault")
    assert list(LedgerEntry.objects.values()) == before
    with pytest.raises(Conflict, match="rejected already"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.other.pk, now=NOW)


def test_only_the_maker_withdraws(desk: Desk) -> None:
    row = desk.ask(20_000)
    with pytest.raises(NotAllowed):
        withdraw_adjustment(adjustment_id=row.pk, maker_id=desk.finance.pk, now=NOW)
    assert withdraw_adjustment(adjustment_id=row.pk, maker_id=desk.support.pk, now=NOW).status == "WITHDRAWN"
    with pytest.raises(Conflict):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    assert desk.left() == 10_000


def test_what_nobody_decides_in_time_is_withdrawn(desk: Desk) -> None:
    row = desk.ask(20_000)
    late = NOW + timedelta(hours=72)
    assert withdraw_forgotten(now=late - timedelta(seconds=1)) == 0
    with pytest.raises(Conflict, match="too long"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=late)
    assert (withdraw_forgotten(now=late), withdraw_forgotten(now=late)) == (1, 0)
    row.refresh_from_db()
    assert (row.status, row.decided_by) == ("WITHDRAWN", None)


# --- splitting -----------------------------------------------------------------------------------------------------


def test_a_maker_cannot_split_over_customers(desk: Desk) -> None:
    statuses = []
    for n in range(3):
        _, segment = customer_with(product=desk.product, name=f"Customer {n}")
        row = desk.ask(4_000, segment=segment, at=NOW + timedelta(minutes=n))
        statuses.append((row.status, row.approval))
    assert statuses == [("POSTED", ""), ("POSTED", ""), ("PENDING", "MAKER_SUM")]


def test_makers_cannot_split_over_one_customer(desk: Desk) -> None:
    colleague = person("sam", "support")
    assert desk.ask(6_000).status == "POSTED"
    row = desk.ask(6_000, by=colleague)
    assert (row.status, row.approval, row.for_customer) == ("PENDING", "CUSTOMER_SUM", 6_000)


def test_taking_away_counts_as_much_as_giving(desk: Desk) -> None:
    assert desk.ask(6_000).status == "POSTED"
    assert desk.ask(-6_000).approval == "MAKER_SUM"


def test_entries_and_credits_count_together(desk: Desk) -> None:
    assert desk.ask(6_000).status == "POSTED"
    assert desk.ask_credit(6_000).approval == "MAKER_SUM"


def test_a_day_later_the_limit_is_whole_again(desk: Desk) -> None:
    desk.ask(LIMIT)
    assert desk.ask(1, at=NOW + timedelta(hours=24, microseconds=-1)).status == "PENDING"
    assert desk.ask(LIMIT, at=NOW + timedelta(hours=24)).status == "POSTED"


def test_what_a_second_person_approved_uses_up_nobodys_limit(desk: Desk) -> None:
    row = desk.ask(20_000)
    approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    assert desk.ask(LIMIT).status == "POSTED"


def test_entries_through_the_api_count_for_nobody(desk: Desk) -> None:
    add_manual_entry(
        balance_id=desk.segment.owner_id, segment_id=desk.segment.pk, customer_id=desk.customer.pk,
        amount=Decimal(500_000), reason="integration", now=NOW,
    )  # fmt: skip
    assert desk.ask(LIMIT).status == "POSTED"


def test_the_same_form_twice_posts_once(desk: Desk) -> None:
    key = uuid4()
    first, again = desk.ask(500, id=key), desk.ask(500, id=key)
    assert first.pk == again.pk
    assert desk.left() == 10_500
    with pytest.raises(Conflict):
        desk.ask(500, id=key, by=desk.finance)


# --- other units ---------------------------------------------------------------------------------------------------


def test_other_currencies_count_at_the_settings_figure(desk: Desk) -> None:
    euro = CreditType.objects.get(code="EUR")
    assert usd_equivalent_of(amount=Decimal(-80), unit=euro, customer_id=desk.customer.pk) == 10_000
    assert desk.ask_credit(80, unit=euro.pk).status == "POSTED"
    assert desk.ask_credit(1, unit=euro.pk).status == "PENDING"


@override_settings(TACTUS_ADJUSTMENT_WORTH={})
def test_a_currency_without_a_figure_needs_a_second_person(desk: Desk) -> None:
    row = desk.ask_credit("0.01", unit=CreditType.objects.get(code="EUR").pk)
    assert (row.status, row.approval, row.worth) == ("PENDING", "NO_WORTH", None)


def test_custom_units_count_at_the_customers_dearest_conversion(desk: Desk) -> None:
    unit = create_credit_type(name="Tokens", now=NOW)
    assert desk.ask_credit(1, unit=unit.pk).approval == "NO_WORTH"
    for price in ("10", "50"):
        card = rate_cards.create_rate_card(
            name=f"Card {price}", now=NOW,
            credit_type_conversions=[rate_cards.Conversion(unit.pk, Decimal(price))],
        )  # fmt: skip
        create_contract(customer_id=desk.customer.pk, rate_card_id=card.pk, starting_at=NOW.replace(hour=0), now=NOW)
    assert usd_equivalent_of(amount=Decimal(3), unit=unit, customer_id=desk.customer.pk) == 150
    assert desk.ask_credit(200, unit=unit.pk).status == "POSTED"
    assert desk.ask_credit(1, unit=unit.pk).approval == "MAKER_SUM"


def test_units_of_usage_need_a_second_person(desk: Desk) -> None:
    _, segment = customer_with(5, product=desk.product, name="Seats", access_type="QUANTITY")
    assert desk.ask(1, segment=segment).approval == "NO_WORTH"


# --- when a credit ends --------------------------------------------------------------------------------------------


def test_a_credit_ends_in_a_year_or_with_the_contract(desk: Desk) -> None:
    def default() -> str:
        return default_expiry(customer_id=desk.customer.pk, now=NOW).isoformat()

    assert default() == "2027-03-20"
    with override_settings(TACTUS_CREDIT_EXPIRY="30"):
        assert default() == "2026-04-19"
    with override_settings(TACTUS_CREDIT_EXPIRY="contract"):
        assert default() == "2027-03-20"
        card = rate_cards.create_rate_card(name="Card", now=NOW)
        terms = {"customer_id": desk.customer.pk, "rate_card_id": card.pk, "starting_at": NOW - YEAR, "now": NOW}
        create_contract(**terms, ending_before=NOW - timedelta(days=5))
        create_contract(**terms, ending_before=NOW + timedelta(days=50))
        assert default() == (NOW + timedelta(days=50)).date().isoformat()
        create_contract(**terms)
        assert default() == "2027-03-20"
    with override_settings(TACTUS_CREDIT_EXPIRY="soon"), pytest.raises(ImproperlyConfigured):
        default()
    with override_settings(TACTUS_ADJUSTMENT_LIMITS={"support": "-1"}), pytest.raises(ImproperlyConfigured):
        limits()


# --- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reason_code": "NOPE"}, "reason_code"),
        ({"public_reason": "  "}, "public_reason"),
        ({"public_reason": "x" * 501}, "public_reason"),
        ({"public_reason": "a\x00b"}, "public_reason"),
        ({"note": "x" * 2001}, "note"),
        ({"ticket_url": "javascript:alert(1)"}, "ticket_url"),
        ({"ticket_url": "TICKET-5"}, "ticket_url"),
        ({"ticket_url": "https://"}, "ticket_url"),
        ({"ticket_url": "http://tickets.example.com/5"}, "ticket_url"),
        ({"ticket_url": "https://x.example/" + "y" * 500}, "ticket_url"),
    ],
)
def test_words_that_are_refused(desk: Desk, more: dict[str, str], field: str) -> None:
    new = NewAdjustment(
        customer_id=desk.customer.pk, asked=LedgerEntryRequest(desk.segment.pk, Decimal(1)), reason=reason(**more)
    )
    with pytest.raises(InvalidInput) as refused:
        request_adjustment(new=new, maker_id=desk.support.pk, now=NOW)
    assert refused.value.field == field
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize("amount", ["0", "NaN", "Infinity", "1e60", "-10001"])
def test_amounts_that_are_refused(desk: Desk, amount: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.ask(amount)
    assert refused.value.field == "amount"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"unit": uuid4()}, "credit_type_id"),
        ({"starting_at": NOW + timedelta(minutes=5)}, None),
        ({"ending_before": NOW}, None),
        ({"starting_at": NOW - YEAR, "ending_before": NOW - timedelta(days=1)}, "ending_before"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_credits_that_are_refused(desk: Desk, more: dict[str, Any], field: str | None) -> None:
    amount = more.pop("amount", 100)
    with pytest.raises(InvalidInput) as refused:
        desk.ask_credit(amount, **more)
    assert field is None or refused.value.field == field
    assert Balance.objects.count() == 1


def test_only_fixed_products_carry_a_credit(desk: Desk) -> None:
    from catalog.services import metrics, products

    metric = metrics.create_metric(name="Calls", aggregation_type="COUNT", now=NOW)
    usage = products.create_product(
        product_type="USAGE", fields={"name": "Calls", "billable_metric_id": str(metric.pk)}, now=NOW
    )
    with pytest.raises(InvalidInput, match="FIXED"):
        Desk(desk.support, desk.finance, desk.other, usage, desk.customer, desk.segment).ask_credit(1)


def test_another_customers_balance_is_not_found(desk: Desk) -> None:
    stranger, _ = customer_with(product=desk.product, name="Stranger")
    new = NewAdjustment(customer_id=stranger.pk, asked=LedgerEntryRequest(desk.segment.pk, Decimal(1)), reason=reason())
    with pytest.raises(NotFound):
        request_adjustment(new=new, maker_id=desk.support.pk, now=NOW)


def test_what_changed_meanwhile_is_not_approved(desk: Desk) -> None:
    taking = desk.ask(-10_000, by=person("lee", "support"))
    assert taking.status == "POSTED"
    row = desk.ask(20_000)
    archive_balance(balance_id=desk.segment.owner_id, customer_id=desk.customer.pk, commit=False, now=NOW)
    with pytest.raises(InvalidInput, match="archived"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)
    row.refresh_from_db()
    assert row.status == "PENDING"


def test_more_is_not_taken_than_there_is_when_it_is_approved(desk: Desk) -> None:
    _, segment = customer_with(50_000, product=desk.product, name="Big")
    first, second = desk.ask(-40_000, segment=segment), desk.ask(-40_000, segment=segment)
    approve_adjustment(adjustment_id=first.pk, decider_id=desk.finance.pk, now=NOW)
    with pytest.raises(InvalidInput, match="more than the balance holds"):
        approve_adjustment(adjustment_id=second.pk, decider_id=desk.finance.pk, now=NOW)


def test_ended_segments_and_archived_customers_are_left_alone(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="ended"):
        desk.ask(1, at=NOW + YEAR)
    row = desk.ask(20_000)
    archive_customer(customer_id=desk.customer.pk, now=NOW)
    with pytest.raises(InvalidInput, match="archived"):
        desk.ask(1)
    with pytest.raises(InvalidInput, match="archived"):
        approve_adjustment(adjustment_id=row.pk, decider_id=desk.finance.pk, now=NOW)


# --- the database alone --------------------------------------------------------------------------------------------


UPDATE = "UPDATE balances_adjustment SET {} WHERE id = %s"


def refused(sql: str, *values: Any) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except IntegrityError:
        return True
    return False


def test_the_database_lets_nobody_check_their_own(desk: Desk) -> None:
    row = desk.ask(20_000)
    entry = desk.ask(20_000, by=desk.other).entry_id
    post = "UPDATE balances_adjustment SET status='POSTED', decided_at=now(), decided_by_id=%s, entry_id=%s WHERE id=%s"
    assert refused(post, desk.support.pk, entry, row.pk)
    assert refused(post, None, entry, row.pk)
    reject = "UPDATE balances_adjustment SET status='REJECTED', decided_at=now(), decided_by_id=%s WHERE id=%s"
    assert refused(reject, desk.support.pk, row.pk)
    # by the right person, but with the entry of another adjustment, or none at all
    assert refused(post, desk.finance.pk, entry, row.pk)
    assert refused(post, desk.finance.pk, None, row.pk)
    assert not refused(reject, desk.finance.pk, row.pk)


@pytest.mark.parametrize(
    "change",
    [
        "amount = amount + 1", "worth = 0", "limit_worth = 999999", "approval = ''", "public_reason = 'other'",
        "note = 'other'", "made_by_id = made_by_id + 1", "made_at = made_at - interval '1 day'", "segment_id = NULL",
        "reason_code = 'OTHER'", "ticket_url = 'https://x.example'",
    ],
)  # fmt: skip
def test_the_database_keeps_what_was_asked(desk: Desk, change: str) -> None:
    row = desk.ask(20_000)
    assert refused(UPDATE.format(change), row.pk)


def test_the_database_keeps_a_decision(desk: Desk) -> None:
    posted = desk.ask(500)
    rejected = desk.ask(20_000)
    reject_adjustment(adjustment_id=rejected.pk, decider_id=desk.finance.pk, note="no", now=NOW)
    for row in (posted, rejected):
        for change in ("decision_note = 'x'", "status = 'PENDING'", "status = 'WITHDRAWN'", "decided_at = now()"):
            assert refused(UPDATE.format(change), row.pk), change
        assert refused("DELETE FROM balances_adjustment WHERE id = %s", row.pk)


COPY = """
INSERT INTO balances_adjustment (id, customer_id, segment_id, credit_name, amount, credit_type_id, worth, limit_worth,
    by_maker, for_customer, by_key, approval, reason_code, public_reason, note, ticket_url, status, made_by_id, made_at,
    decided_by_id, decided_at, decision_note, entry_id, applicable_product_ids, applicable_product_tags, priority)
SELECT gen_random_uuid(), customer_id, segment_id, credit_name, {amount}, credit_type_id, {worth}, {limit},
    0, 0, 0, {approval}, reason_code, public_reason, note, ticket_url, 'POSTED', made_by_id, made_at,
    {decider}, made_at, '', {entry}, applicable_product_ids, applicable_product_tags, priority
FROM balances_adjustment WHERE id = %s
"""


def test_what_a_credit_may_pay_for_belongs_to_what_was_asked(desk: Desk) -> None:
    """The scope never changes while it waits, an entry has none, and only living contracts and known products count."""
    waiting = desk.ask_credit(2_000_000, priority=Decimal(7), applicable_product_tags=("gpu",))
    assert waiting.status == "PENDING"
    for change in ("priority = 8", "applicable_product_tags = '[]'", "applicable_product_ids = '[\"x\"]'"):
        assert refused("UPDATE balances_adjustment SET " + change + " WHERE id = %s", waiting.pk)  # noqa: S608
    done = approve_adjustment(adjustment_id=waiting.pk, decider_id=desk.finance.pk, now=NOW)
    assert done.credit is not None
    assert (done.credit.priority, done.credit.applicable_product_tags, done.credit.applicable_contract_ids) == (
        7, ["gpu"], None,
    )  # fmt: skip
    entry = desk.ask(20_000)
    assert refused("UPDATE balances_adjustment SET applicable_product_tags = '[\"gpu\"]' WHERE id = %s", entry.pk)
    for more, field in [
        ({"applicable_product_ids": (str(uuid4()),)}, "applicable_product_ids.0"),
        ({"contract_id": uuid4()}, "contract_id"),
        ({"priority": Decimal("NaN")}, "priority"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            desk.ask_credit(100, **more)
        assert caught.value.field == field


def test_the_database_lets_nobody_begin_above_their_limit(desk: Desk) -> None:
    row = desk.ask(6_000)
    waiting = desk.ask(20_000)
    add_manual_entry(
        balance_id=desk.segment.owner_id, segment_id=desk.segment.pk, customer_id=desk.customer.pk,
        amount=Decimal(6_000), reason="x", now=NOW, uniqueness_key="spare",
    )  # fmt: skip
    entry = "(SELECT id FROM balances_ledgerentry WHERE uniqueness_key = 'spare')"
    same = {"amount": "6000", "worth": "6000", "limit": "10000", "approval": "''", "decider": "NULL", "entry": entry}
    # a second 6,000 within the day; less worth than it has; posted at birth with a decider nobody asked
    assert refused(COPY.format(**same), row.pk)
    assert refused(COPY.format(**same | {"worth": "1"}), row.pk)
    assert refused(COPY.format(**same | {"limit": "5000"}), row.pk)
    assert refused(COPY.format(**same | {"approval": "'AMOUNT'", "decider": str(desk.finance.pk)}), waiting.pk)
    # what is within the limit of the day is let in: the refusals above are for their reasons
    assert not refused(COPY.format(**same | {"limit": "20000"}), row.pk)


# --- at the same time ----------------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Runs all at the same moment, each on a connection of its own; answers or errors in order."""
    gate = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(timeout=10)
            found[place] = call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n, call)) for n, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return found


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_dodge_the_sum() -> None:
    desk = make_desk()
    segments = [customer_with(product=desk.product, name=f"Customer {n}")[1] for n in range(6)]
    for segment in segments:
        segment.owner  # noqa: B018 - read before the threads
    made = at_once(*(lambda s=s: desk.ask(6_000, segment=s) for s in segments))
    assert sorted(row.status for row in made) == ["PENDING"] * 5 + ["POSTED"]


@pytest.mark.django_db(transaction=True)
def test_two_makers_at_once_do_not_dodge_the_customers_sum() -> None:
    desk = make_desk()
    people = [person(f"p{n}", "support") for n in range(4)]
    made = at_once(*(lambda p=p: desk.ask(6_000, by=p) for p in people))
    assert sorted(row.status for row in made) == ["PENDING"] * 3 + ["POSTED"]
    assert desk.left() == 16_000


@pytest.mark.django_db(transaction=True)
def test_two_deciders_at_once_post_once() -> None:
    desk = make_desk()
    row = desk.ask(20_000)
    deciders = (desk.finance.pk, desk.other.pk)
    found = at_once(*(lambda d=d: approve_adjustment(adjustment_id=row.pk, decider_id=d, now=NOW) for d in deciders))
    assert sorted(type(each).__name__ for each in found) == ["Adjustment", "Conflict"]
    assert desk.left() == 30_000
