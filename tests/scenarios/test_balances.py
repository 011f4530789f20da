"""Commits and credits through the API and the clock jobs alone: what they pay, what the ledger says, what is left."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, connection, transaction
from metronome import BadRequestError, ConflictError, NotFoundError

from balances.models import LedgerEntry, Segment
from tests.scenarios.balance_world import BalanceWorld
from tests.scenarios.world import USD, exact

pytestmark = pytest.mark.calendar

APPLIED = "applied_commit_or_credit"
HUNDRED = [("PREPAID_COMMIT_SEGMENT_START", 400)]


@pytest.fixture
def billed(balances: BalanceWorld) -> tuple[str, str]:
    """A week that is final: 10 units at 100 against a prepaid commit of 400, which ran on. (customer, contract)"""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 10, w.days_ago(9))
    contract = w.open_contract(
        customer, card, 10, "WEEKLY", commits=[w.prepaid(400, w.days_ago(10), w.days_ago(-30), name="Plan")]
    )
    w.run_due_work()
    return customer, contract


def test_finalizing_writes_what_the_draft_showed(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 10, w.days_ago(9))
    contract = w.open_contract(customer, card, 10, "WEEKLY", credits=[w.credit(300, w.days_ago(10), w.days_ago(-30))])
    draft = w.invoice(customer, w.days_ago(9))
    before = w.ledger(customer)
    assert (draft.status, exact(draft.total)) == ("DRAFT", 700)
    assert not LedgerEntry.objects.filter(kind="AUTOMATED_INVOICE_DEDUCTION").exists()
    w.run_due_work()
    final = w.invoice(customer, w.days_ago(9))
    assert (final.id, final.status, exact(final.total)) == (draft.id, "FINALIZED", 700)
    assert [line.to_dict() for line in final.line_items] == [line.to_dict() for line in draft.line_items]
    assert w.ledger(customer) == before == [("CREDIT_SEGMENT_START", 300), ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -300)]
    entry = LedgerEntry.objects.get(kind="AUTOMATED_INVOICE_DEDUCTION")
    assert (str(entry.invoice_id), str(entry.contract_id)) == (final.id, contract)
    assert entry.effective_at == final.end_timestamp
    covered, applied, rest = final.line_items
    [held] = w.held(customer)
    assert [line.commit_id for line in (covered, applied, rest)] == [held.id, held.id, None]
    assert (applied.type, applied.commit_type, applied.commit_segment_id) == (
        APPLIED, "PrepaidCommit", held.access_schedule.schedule_items[0].id,
    )  # fmt: skip
    assert applied.product_id == covered.product_id


def test_voiding_gives_back_and_regenerating_draws_anew(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    w, (customer, _) = balances, billed
    old = w.invoice(customer, w.days_ago(9))
    assert (exact(old.total), w.net(customer)) == (600, 0)
    w.sdk.v1.invoices.void(id=old.id)
    assert w.net(customer) == 400
    assert w.ledger(customer) == [*HUNDRED, ("PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -400),
                                  ("PREPAID_COMMIT_CANCELED", 400)]  # fmt: skip
    with pytest.raises(ConflictError):
        w.sdk.v1.invoices.void(id=old.id)
    again = w.sdk.v1.invoices.regenerate(id=old.id).data
    assert again is not None
    new = w.invoice(customer, w.days_ago(9))
    assert (new.id, new.status, exact(new.total), w.net(customer)) == (again.id, "FINALIZED", 600, 0)
    assert sum(amount for _, amount in w.ledger(customer)) == 0


def test_a_later_period_draws_what_the_earlier_left(balances: BalanceWorld) -> None:
    """The draft of this week counts what the draft of last week, still in its grace, takes."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(customer, card, 7, "WEEKLY", credits=[w.credit(500, w.days_ago(7), w.days_ago(-30))])
    w.use(customer, metric, 3, w.days_ago(2))
    w.use(customer, metric, 4, w.now - timedelta(seconds=1))
    totals = [
        (exact(row.total), row.status) for row in sorted(w.invoices(customer), key=lambda row: row.start_timestamp)
    ]
    assert totals == [(0, "DRAFT"), (200, "DRAFT")]
    assert w.net(customer) == 0
    assert w.net(customer, invoice_inclusion_mode="FINALIZED") == 500
    w.run_due_work(until=w.now + timedelta(days=2))
    assert [exact(row.total) for row in w.invoices(customer, status="FINALIZED")] == [0]
    assert w.net(customer) == 0


def test_contracts_share_a_customers_balance_in_a_stated_order(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.grant(customer, 500, w.days_ago(20), w.days_ago(-30))
    first = w.open_contract(customer, card, 6, "MONTHLY")
    second = w.open_contract(customer, card, 5, "MONTHLY")
    w.use(customer, metric, 4, w.days_ago(2))
    totals = {row.contract_id: exact(row.total) for row in w.invoices(customer)}
    assert totals == {first: 0, second: 300}
    assert w.net(customer) == 0


def test_what_is_left_expires_once_nothing_can_draw_it(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 1, w.days_ago(9))
    w.open_contract(customer, card, 10, "WEEKLY", credits=[w.credit(500, w.days_ago(10), w.days_ago(2))])
    assert w.net(customer) == 0  # access is over
    shown = [("CREDIT_SEGMENT_START", 500), ("CREDIT_EXPIRATION", -400), ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -100)]
    assert sorted(w.ledger(customer)) == sorted(shown)
    w.run_due_work()
    assert not LedgerEntry.objects.filter(kind="EXPIRATION").exists()  # this week's draft may still draw on it
    w.run_due_work(until=w.now + timedelta(days=10))
    assert sorted(w.ledger(customer)) == sorted(shown)
    assert LedgerEntry.objects.get(kind="EXPIRATION").amount == -400
    w.run_due_work(until=w.now + timedelta(days=11))
    assert LedgerEntry.objects.filter(kind="EXPIRATION").count() == 1


def test_a_true_up_bills_what_usage_did_not_fulfil(balances: BalanceWorld) -> None:
    """A draft from the first day, falling with usage, final after the last usage invoice."""
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    start, end = w.days_ago(10), w.days_ago(3)
    w.use(customer, metric, 3, w.days_ago(9))
    w.open_contract(customer, card, 10, "WEEKLY", ending_before=end, commits=[w.postpaid(1000, start, end)])
    [true_up] = [row for row in w.invoices(customer) if row.type == "SCHEDULED"]
    assert (true_up.status, exact(true_up.total), true_up.start_timestamp) == ("DRAFT", 700, None)
    w.run_due_work()
    billed = {row.type: row for row in w.invoices(customer)}
    assert {kind: (row.status, exact(row.total)) for kind, row in billed.items()} == {
        "USAGE": ("FINALIZED", 300), "SCHEDULED": ("FINALIZED", 700),
    }  # fmt: skip
    assert [line.type for line in billed["SCHEDULED"].line_items] == ["commit_purchase"]
    entries = [("POSTPAID_COMMIT_INITIAL_BALANCE", 1000), ("POSTPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -300),
               ("POSTPAID_COMMIT_TRUEUP", -700)]  # fmt: skip
    assert sorted(w.ledger(customer)) == sorted(entries)


def test_charges_of_one_date_share_an_invoice_and_a_later_one_makes_another(balances: BalanceWorld) -> None:
    w = balances
    customer = w.customer()
    day = w.days_ago(-5)
    first = w.prepaid(100, w.today, w.days_ago(-30), invoiced=[(day, 70)])
    second = w.prepaid(100, w.today, w.days_ago(-30), invoiced=[(day, 20), (w.days_ago(-6), 5)])
    contract = w.open_contract(customer, None, 1, commits=[first, second])
    drafts = [row for row in w.invoices(customer) if row.type == "SCHEDULED"]
    assert sorted((row.status, exact(row.total)) for row in drafts) == [("DRAFT", 5), ("DRAFT", 90)]
    w.run_due_work(until=day + timedelta(hours=1))
    [final] = [row for row in w.invoices(customer, status="FINALIZED") if row.type == "SCHEDULED"]
    assert (exact(final.total), final.issued_at) == (90, day)
    commit = w.held(customer)[-1]
    w.sdk.v2.contracts.edit(
        contract_id=contract, customer_id=customer,
        update_commits=[{"commit_id": commit.id, "invoice_schedule": {"add_schedule_items": [
            {"timestamp": day, "amount": 3}]}}],
    )  # fmt: skip
    w.run_due_work(until=day + timedelta(hours=2))
    totals = [exact(row.total) for row in w.invoices(customer, status="FINALIZED") if row.type == "SCHEDULED"]
    assert sorted(totals) == [3, 90]
    on_final = {item.id for item in commit.invoice_schedule.schedule_items if item.invoice_id == final.id}
    with pytest.raises(BadRequestError, match="finalized"):
        w.sdk.v2.contracts.edit_commit(
            customer_id=customer, commit_id=w.commit_of(customer, on_final),
            invoice_schedule={"remove_schedule_items": [{"id": next(iter(on_final))}]},
        )  # fmt: skip


def test_a_monthly_credit_has_a_child_for_each_month_and_one_ahead(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.open_contract(
        customer, card, 15, "WEEKLY",
        recurring_credits=[w.recurring(200, w.days_ago(15), proration="NONE")],
    )  # fmt: skip
    starts = sorted(row.access_schedule.schedule_items[0].starting_at for row in w.held(customer))
    assert starts == [w.days_ago(15), w.days_ago(8), w.days_ago(1), w.days_ago(-6)]
    assert w.net(customer) == 200
    w.use(customer, metric, 3, w.now - timedelta(seconds=1))
    assert (w.net(customer), exact(w.invoice(customer).total)) == (0, 100)
    w.run_due_work(until=w.days_ago(-6) + timedelta(hours=1))
    assert len(w.held(customer)) == 5
    w.run_due_work(until=w.days_ago(-6) + timedelta(hours=1))
    assert len(w.held(customer)) == 5


def test_edits_correct_the_ledger_by_entries(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    w, (customer, _) = balances, billed
    [commit] = w.held(customer)
    [segment] = commit.access_schedule.schedule_items

    def edit(**access: Any) -> None:
        w.sdk.v2.contracts.edit_commit(customer_id=customer, commit_id=commit.id, access_schedule=access)

    with pytest.raises(BadRequestError, match="drew more"):
        edit(update_schedule_items=[{"id": segment.id, "amount": 399}])
    with pytest.raises(BadRequestError, match="draws from this segment"):
        edit(remove_schedule_items=[{"id": segment.id}])
    edit(update_schedule_items=[{"id": segment.id, "amount": 900}])
    edit(add_schedule_items=[{"amount": 50, "starting_at": w.days_ago(1), "ending_before": w.days_ago(-1)}])
    assert w.net(customer) == 550
    [changed] = w.held(customer)
    assert sorted(exact(item.amount) for item in changed.access_schedule.schedule_items) == [50, 900]
    extra = next(item for item in changed.access_schedule.schedule_items if exact(item.amount) == 50)
    w.manual(customer, commit.id, extra.id, 25, "sorry")
    edit(remove_schedule_items=[{"id": extra.id}])  # and what was added to it by hand
    assert w.net(customer) == 500
    assert sum(amount for _, amount in w.ledger(customer)) == 500


def test_archiving_needs_void_invoices_and_leaves_nothing(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    w, (customer, _) = balances, billed
    [commit] = w.held(customer)
    body = {"customer_id": customer, "commit_id": commit.id}
    url = "/v2/contracts/commits/archive"
    with pytest.raises(ConflictError, match="void first"):
        w.sdk.post(url, cast_to=httpx.Response, body=body)
    old = w.invoice(customer, w.days_ago(9))
    w.sdk.v1.invoices.void(id=old.id)
    w.sdk.post(url, cast_to=httpx.Response, body=body)
    assert (w.net(customer), w.held(customer)) == (0, [])
    [archived] = w.held(customer, include_archived=True)
    assert (archived.balance, archived.ledger, archived.archived_at is not None) == (0, None, True)
    w.sdk.v1.invoices.regenerate(id=old.id)
    assert exact(w.invoice(customer, w.days_ago(9)).total) == 1000


def test_an_earlier_end_of_access_takes_later_segments_out(balances: BalanceWorld) -> None:
    w = balances
    customer = w.customer()
    parts = [(100, w.days_ago(5), w.days_ago(-5)), (200, w.days_ago(-5), w.days_ago(-15))]
    credit = w.sdk.v1.customers.credits.create(
        customer_id=customer, product_id=w.fixed(), priority=1, access_schedule=w.schedule(*parts)
    ).data.id
    w.sdk.v1.customers.credits.update_end_date(
        customer_id=customer, credit_id=credit, access_ending_before=w.days_ago(-2)
    )
    [row] = w.held(customer)
    assert [(exact(item.amount), item.ending_before) for item in row.access_schedule.schedule_items] == [
        (100, w.days_ago(-2))
    ]
    assert w.net(customer) == 100
    w.sdk.v1.customers.credits.update_end_date(customer_id=customer, credit_id=credit, access_ending_before=w.today)
    assert w.net(customer) == 0


def test_manual_entries_never_make_more_than_nothing_of_a_balance(balances: BalanceWorld) -> None:
    w = balances
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    credit = w.grant(customer, 500, w.days_ago(5), w.days_ago(-5))
    [segment] = w.held(customer)[0].access_schedule.schedule_items
    w.manual(customer, credit, segment.id, -700, "outage", uniqueness_key="once")
    assert w.net(customer) == 0
    with pytest.raises(ConflictError):
        w.manual(customer, credit, segment.id, -1, "outage", uniqueness_key="once")
    w.open_contract(customer, card, 5)
    w.use(customer, metric, 1, w.days_ago(1))
    assert exact(w.invoice(customer).total) == 100
    w.manual(customer, credit, segment.id, 250, "half of it back")
    assert (w.net(customer), exact(w.invoice(customer).total)) == (0, 50)
    assert sum(amount for _, amount in w.ledger(customer)) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"access_schedule": {"schedule_items": []}}, "schedule_items"),
        ({"priority": None}, "priority"),
        ({"product_id": "00000000-0000-0000-0000-000000000001"}, "product_id: no such product"),
        ({"specifiers": [{}]}, "specifiers.0"),
        ({"specifiers": [{"product_tags": ["a"]}], "applicable_product_tags": ["b"]}, "specifiers"),
        ({"applicable_contract_ids": ["00000000-0000-0000-0000-000000000001"]}, "applicable_contract_ids.0"),
        ({"applicable_product_ids": ["00000000-0000-0000-0000-000000000001"]}, "applicable_product_ids.0"),
        ({"type": "POSTPAID"}, "invoice_schedule"),
        ({"invoice_schedule": {"schedule_items": [{"timestamp": "2026-01-01T00:00:00Z", "amount": 1}]}},
         "invoice_contract_id"),
        ({"invoice_schedule": {"schedule_items": [{"timestamp": "2026-01-01T00:00:00Z", "quantity": 1}]}}, "amount"),
    ],
)  # fmt: skip
def test_commits_that_cannot_be_are_refused(balances: BalanceWorld, change: dict[str, Any], message: str) -> None:
    w = balances
    body = {
        "customer_id": w.customer(), "type": "PREPAID", "product_id": w.fixed(), "priority": 1,
        "access_schedule": w.schedule((1, w.today, w.days_ago(-1))),
    } | change  # fmt: skip
    with pytest.raises(BadRequestError, match=message):
        w.sdk.v1.customers.commits.create(**body)
    assert not Segment.objects.exists()


def test_a_part_that_cannot_be_leaves_no_contract(balances: BalanceWorld) -> None:
    w = balances
    customer = w.customer()
    bad = w.prepaid(1, w.today, w.today + timedelta(minutes=90))
    with pytest.raises(BadRequestError, match=r"commits\.1\.access_schedule"):
        w.open_contract(customer, None, 1, commits=[w.prepaid(1, w.today, w.days_ago(-1)), bad])
    assert list(w.sdk.v2.contracts.list(customer_id=customer)) == []


def test_strangers_balances_are_not_found(balances: BalanceWorld) -> None:
    w = balances
    credit = w.grant(w.customer(), 500, w.days_ago(5), w.days_ago(-5))
    with pytest.raises(NotFoundError):
        w.sdk.v2.contracts.edit_credit(customer_id=w.customer(), credit_id=credit, name="mine")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE balances_ledgerentry SET amount = amount + 1",
        "DELETE FROM balances_ledgerentry",
        "UPDATE balances_segment SET balance = balance + 1, granted = granted + 1",
        "DELETE FROM balances_segment",
    ],
)
def test_the_database_itself_keeps_the_ledger(balances: BalanceWorld, billed: tuple[str, str], sql: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_one_deduction_for_each_invoice_and_segment(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    drawn = LedgerEntry.objects.get(kind="AUTOMATED_INVOICE_DEDUCTION")
    [again] = [{name: getattr(drawn, name) for name in ("segment_id", "kind", "amount", "effective_at", "created_at",
                                                        "invoice_id")}]  # fmt: skip
    for change in ({}, {"invoice_id": drawn.contract_id}):  # a second one; one that takes what is not there
        with pytest.raises(IntegrityError), transaction.atomic():
            LedgerEntry.objects.create(**again | change)
    assert Segment.objects.get().balance == Decimal(0)


def test_a_contract_shows_its_commits_and_its_edits(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    w, (customer, contract) = balances, billed
    made = w.sdk.v2.contracts.edit(
        contract_id=contract, customer_id=customer,
        add_credits=[w.credit(5, w.today, w.days_ago(-1), name="Sorry")],
        add_recurring_commits=[w.recurring(10, w.today)],
    ).data  # fmt: skip
    assert [credit.name for credit in made.edit.add_credits or ()] == ["Sorry"]
    read = w.sdk.v2.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert [(row.type, row.name) for row in read.commits if row.recurring_commit_id is None] == [("PREPAID", "Plan")]
    assert [row.name for row in read.credits or ()] == ["Sorry"]
    assert [exact(row.access_amount.unit_price) for row in read.recurring_commits or ()] == [10]
    [past] = w.sdk.v2.contracts.get_edit_history(contract_id=contract, customer_id=customer).data
    assert past.to_dict() == made.edit.to_dict()
    first = w.sdk.v1.contracts.retrieve(contract_id=contract, customer_id=customer).data
    assert {row.access_schedule.credit_type.id for row in first.current.commits} == {USD}


def test_a_temporary_id_ties_an_override_to_its_commit(balances: BalanceWorld) -> None:
    w = balances
    metric, product, card = w.priced(price=100)
    customer = w.customer()
    commits = [w.prepaid(100, w.days_ago(5), w.days_ago(-5), priority=2),
               w.prepaid(100, w.days_ago(5), w.days_ago(-5), priority=1, temporary_id="cheap")]  # fmt: skip
    half: dict[str, Any] = {
        "type": "MULTIPLIER", "multiplier": 0.5, "starting_at": w.days_ago(5), "is_commit_specific": True,
        "override_specifiers": [{"product_id": product, "commit_ids": ["cheap"]}],
    }  # fmt: skip
    w.open_contract(customer, card, 5, commits=commits, overrides=[half])
    w.use(customer, metric, 4, w.days_ago(1))
    invoice = w.invoice(customer)
    assert [(exact(line.quantity), exact(line.total)) for line in invoice.line_items if line.total > 0] == [
        (2, 100), (1, 100), (1, 100),
    ]  # fmt: skip


def test_an_invoice_with_balances_is_a_pdf_too(balances: BalanceWorld, billed: tuple[str, str]) -> None:
    w, (customer, _) = balances, billed
    for row in w.invoices(customer):
        pdf = w.sdk.v1.customers.invoices.retrieve_pdf(customer_id=customer, invoice_id=row.id).read()
        assert pdf.startswith(b"%PDF")
