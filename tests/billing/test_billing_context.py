"""What a process keeps of a customer is never older than the statement that asks for it."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from metronome import Metronome

from billing.context import BillingContext, context_of
from billing.selectors.live_balances import net_balance
from core.clock import now
from core.transactions import snapshot
from tests.catalog.test_kept_terms import elsewhere
from tests.scenarios.subscription_world import SubscriptionWorld
from tests.scenarios.world import USD, Metric

pytestmark = pytest.mark.calendar


@dataclass
class Kept:
    """A customer with a credit of 600, usage for 300, a subscription of seats and an override."""

    w: SubscriptionWorld
    id: str
    contract: str
    credit: str
    metric: Metric

    @property
    def facts(self) -> BillingContext:
        return context_of(UUID(self.id))

    def left(self) -> Decimal:
        return net_balance(customer_id=UUID(self.id), now=now(), credit_type_id=UUID(USD), access_type="SPEND")

    def run(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.fixture
def kept(live_sdk: Metronome) -> Kept:
    w = SubscriptionWorld(live_sdk)
    metric, product, card = w.priced(price=100)
    seats = w.priced_seat(card, price=0)
    customer = w.customer(ingest_aliases=["acme"])
    credit = w.grant(customer, 600, w.days_ago(20), w.days_ago(-20))
    overrides = [{"starting_at": w.days_ago(12), "product_id": product, "type": "MULTIPLIER", "multiplier": 1}]
    subscribed = w.subscription(seats, initial_quantity=1)
    contract = w.open_contract(customer, card, 10, overrides=overrides, subscriptions=[subscribed])
    w.use(customer, metric, 3, w.days_ago(2))
    return Kept(w, customer, contract, credit, metric)


def test_one_statement_while_nothing_changes(kept: Kept) -> None:
    first = kept.facts
    with CaptureQueriesContext(connection) as queries:
        assert kept.facts is first
    assert len(queries) == 1
    kept.left()
    with CaptureQueriesContext(connection) as queries:
        kept.left()
    assert len(queries) == 3  # what stands, the metrics' series, the quantities


def test_another_customer_changes_nothing(kept: Kept) -> None:
    kept.w.grant(kept.w.customer(), 100, kept.w.days_ago(1), kept.w.days_ago(-1))
    first = kept.facts
    elsewhere(lambda: kept.run(f"UPDATE balances_balance SET priority = 3 WHERE customer_id <> '{kept.id}'"))  # noqa: S608
    assert kept.facts is first


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE customers_ingestalias SET alias = 'other'",
        "UPDATE contracts_contract SET net_payment_terms_days = 3",
        "UPDATE contracts_override SET sequence = sequence",
        "UPDATE contracts_subscription SET name = 'x'",
        "UPDATE balances_balance SET priority = 3",
        "UPDATE balances_segment SET ending_before = ending_before",
        "UPDATE billing_billingperiod SET net_payment_terms_days = 3 WHERE state = 'OPEN'",
        "DELETE FROM billing_billingperiod WHERE state = 'OPEN'",
        "UPDATE catalog_rate SET sequence = sequence",
        "UPDATE catalog_credittype SET name = name",
    ],
)
def test_every_table_counts(kept: Kept, sql: str) -> None:
    first = kept.facts
    elsewhere(lambda: kept.run(sql))
    assert kept.facts is not first


def test_a_quantity_that_changes_counts(kept: Kept) -> None:
    first = kept.facts
    kept.w.change(kept.id, kept.contract, quantity_updates=[{"starting_at": kept.w.days_ago(-1), "quantity": 2}])
    assert kept.facts is not first


def test_totals_kept_for_lists_count_not(kept: Kept) -> None:
    first = kept.facts
    elsewhere(lambda: kept.run("UPDATE billing_billingperiod SET draft_total = 1, draft_total_at = now()"))
    assert kept.facts is first


def test_what_is_read_of_a_customer_is_watched(kept: Kept) -> None:
    """A table that the facts are made of and that nothing notes would leave them out of date."""
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert kept.facts.charges
    used = set(re.findall(r'(?:FROM|JOIN) "(\w+)"', " ".join(query["sql"] for query in queries)))
    assert {"contracts_override", "contracts_subscriptionchange", "balances_segment", "catalog_rate"} <= used
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE proname = 'catalog_note_change' OR proname ~ '_noted$'"
        )
        watched = {name for (name,) in cursor.fetchall()}
    # what a closed period holds is written together with it
    assert used - {"billing_billedsubscription"} <= watched


def test_a_live_balance_follows_every_booking(kept: Kept) -> None:
    """Usage, a new credit, a manual entry, an archived contract: through the API, each seen at once."""
    assert kept.left() == kept.w.net(kept.id) == 300
    kept.w.grant(kept.id, 40, kept.w.days_ago(5), kept.w.days_ago(-5))
    assert kept.left() == kept.w.net(kept.id) == 340
    [credit] = [row for row in kept.w.held(kept.id) if row.id == kept.credit]
    segment = credit.access_schedule.schedule_items[0].id
    kept.w.manual(kept.id, kept.credit, segment, 5, "sorry")
    assert kept.left() == kept.w.net(kept.id) == 345
    kept.w.sdk.v1.contracts.archive(customer_id=kept.id, contract_id=kept.contract, void_invoices=True)
    assert kept.left() == kept.w.net(kept.id) == 645


def test_an_alias_brings_its_usage_at_once(kept: Kept) -> None:
    kept.left()
    kept.w.use("globex", kept.metric, 1, kept.w.days_ago(1))
    kept.w.sdk.v1.customers.set_ingest_aliases(customer_id=kept.id, ingest_aliases=["acme", "globex"])
    assert kept.facts.refs == {UUID(kept.id): (kept.id, "acme", "globex")}
    assert kept.left() == kept.w.net(kept.id) == 200


def test_a_snapshot_uses_only_what_was_read_before_it(kept: Kept) -> None:
    first = kept.facts
    with snapshot():
        assert kept.facts is first
        elsewhere(lambda: kept.run("UPDATE balances_balance SET priority = 7"))
        assert kept.facts is first  # not visible here
        assert {segment.priority for segment in kept.facts.segments} == {Decimal(1)}
        newer: list[BillingContext] = []
        elsewhere(lambda: newer.append(kept.facts))
        assert kept.facts is not newer[0]
        assert {segment.priority for segment in kept.facts.segments} == {Decimal(1)}
    assert kept.facts is newer[0]
    assert {segment.priority for segment in kept.facts.segments} == {Decimal(7)}


def test_what_a_snapshot_read_is_kept_for_others(kept: Kept) -> None:
    with snapshot():
        first = kept.facts
    assert kept.facts is first


def test_a_transaction_reads_anew_and_leaves_nothing_behind(kept: Kept) -> None:
    first = kept.facts
    with pytest.raises(RuntimeError, match="back"), transaction.atomic():
        kept.run("UPDATE balances_balance SET priority = 9")
        assert {segment.priority for segment in kept.facts.segments} == {Decimal(9)}
        raise RuntimeError("back")
    assert kept.facts is first


def test_a_change_that_commits_late_is_seen_then(kept: Kept) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def change() -> None:
        with transaction.atomic():
            kept.run("UPDATE balances_balance SET priority = 9")
            begun.set()
            go_on.wait(10)

    thread = threading.Thread(target=lambda: _with_connection(change))
    thread.start()
    begun.wait(10)
    first = kept.facts
    assert kept.facts is first
    go_on.set()
    thread.join()
    assert {segment.priority for segment in kept.facts.segments} == {Decimal(9)}


def _with_connection(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        connection.close()


def test_what_was_noted_goes_after_a_day(kept: Kept) -> None:
    count = f"SELECT count(*) FROM customers_change WHERE customer_id = '{kept.id}'"  # noqa: S608
    kept.run("UPDATE customers_change SET at = now() - interval '25 hours'")
    kept.run("UPDATE balances_balance SET priority = 9")
    with connection.cursor() as cursor:
        cursor.execute(count)
        assert cursor.fetchone() == (1,)
