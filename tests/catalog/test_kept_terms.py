"""What a process keeps of the catalog is never older than the statement that asks for it."""

import re
import threading
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from catalog.models import Rate
from catalog.selectors import CATALOG_CHANGES, card_terms
from catalog.selectors.terms import CardTerms
from core.postgres.snapshot_cache import SnapshotCache
from engine.calendar import Period
from engine.prices import Flat
from tests.catalog.shop import Shop, day

PERIOD = Period(day(0), day(10))


@pytest.fixture
def live_shop(live_sdk: Metronome) -> Shop:
    return Shop(live_sdk)


@pytest.fixture
def card(live_shop: Shop) -> str:
    made = live_shop.card(name="List")
    live_shop.rate(made, live_shop.product(live_shop.metric()), price=1)
    return made


def read(card: str) -> CardTerms:
    return card_terms(rate_card_id=UUID(card), period=PERIOD)


def prices(card: str) -> list[Decimal]:
    schedules = [schedule for product in read(card).products for schedule in product.terms.schedules.values()]
    found = [schedule.versions[-1].price for schedule in schedules]
    return [price.price for price in found if isinstance(price, Flat)]


def elsewhere(work: Callable[[], object]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_one_statement_while_nothing_changes(card: str) -> None:
    first = read(card)
    with CaptureQueriesContext(connection) as queries:
        assert read(card) is first
    assert len(queries) == 1


def test_a_new_rate_counts_at_once(live_shop: Shop, card: str) -> None:
    assert prices(card) == [1]
    product = read(card).products[0].terms.product_id
    live_shop.rate(card, product, day(5), price=2)
    assert prices(card) == [2]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE catalog_rate SET sequence = sequence",
        "UPDATE catalog_product SET created_at = created_at",
        "UPDATE catalog_productversion SET name = 'x'",
        "UPDATE catalog_ratecard SET name = 'x'",
        "UPDATE catalog_billablemetric SET name = 'x'",
        "DELETE FROM catalog_credittypeconversion",
    ],
)
def test_every_table_of_the_catalog_counts(card: str, sql: str) -> None:
    def change() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    first = read(card)
    elsewhere(change)
    assert read(card) is not first


def test_what_is_read_of_a_card_is_watched(card: str) -> None:
    """A table that the terms are made of and that has no trigger would leave them out of date."""
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        read(card)
    used = set(re.findall(r'(?:FROM|JOIN) "(\w+)"', " ".join(query["sql"] for query in queries)))
    assert "catalog_rate" in used
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'catalog_note_change'::regproc")
        watched = {name for (name,) in cursor.fetchall()}
    assert used <= watched


def test_a_change_that_commits_after_the_terms_were_kept(card: str) -> None:
    """It began before: a clock or a counter of transactions would miss it."""
    begun, go_on = threading.Event(), threading.Event()

    def change() -> None:
        try:
            with transaction.atomic():
                Rate.objects.update(price=7)
                begun.set()
                go_on.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    begun.wait(10)
    assert prices(card) == [1]
    first = read(card)
    go_on.set()
    thread.join()
    assert read(card) is not first
    assert prices(card) == [7]


def test_a_transaction_reads_anew_and_leaves_nothing_behind(card: str) -> None:
    first = read(card)
    with pytest.raises(RuntimeError, match="back"), transaction.atomic():
        assert read(card) is not first
        Rate.objects.update(price=9)
        assert prices(card) == [9]
        raise RuntimeError("back")
    assert prices(card) == [1]


@pytest.mark.django_db(transaction=True)
def test_the_least_asked_goes_when_there_is_no_room() -> None:
    kept: SnapshotCache[str] = SnapshotCache(len, room=10)
    loaded: list[str] = []

    def ask(value: str) -> None:
        assert kept.get(value, lambda: loaded.append(value) or value, CATALOG_CHANGES) == value  # type: ignore[func-returns-value]

    for value in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb", "far too long a value", "far too long a value"):
        ask(value)
    assert loaded == ["aaaa", "bbbb", "cccc", "bbbb", "far too long a value", "far too long a value"]
