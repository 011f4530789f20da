"""The database itself refuses what must never happen to a finalized invoice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from metronome import Metronome

from billing.models import BillingPeriod
from core.clock import now
from core.models import AuditEntry, OutboxEvent
from invoices.models import Invoice, InvoiceDocument, InvoiceLine, NumberSeries
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.world import World

pytestmark = pytest.mark.calendar


@pytest.fixture
def final(sdk: Metronome) -> Invoice:
    world = World(sdk)
    metric, _, card = world.priced(tiers=[{"size": 1, "price": "0.25"}, {"price": 2}])
    customer = world.customer()
    world.use(customer, metric, 3, world.days_ago(8))
    world.open_contract(customer, card, 10, "WEEKLY")
    finalize_due_invoices(now=now())
    return Invoice.objects.get(status="FINALIZED")


@pytest.mark.parametrize("change", [
    {"total": 1}, {"subtotal": 1}, {"number": "X"}, {"status": "DRAFT"}, {"period_end": "2030-01-01T00:00Z"},
    {"unrated": [1]}, {"issued_at": "2030-01-01T00:00Z"}, {"content_hash": "0"}, {"status": "VOID"},
    {"document_date": "2020-01-01"}, {"due_date": "2030-01-01"}, {"series_number": 2},
    {"seller": {}}, {"buyer": {}}, {"contract_name": "X"}, {"content_version": 2}, {"document_total": 1},
])  # fmt: skip
def test_no_column_can_be_changed(final: Invoice, change: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Invoice.objects.filter(pk=final.pk).update(**change)


def test_lines_cannot_be_added_changed_or_removed(final: Invoice) -> None:
    line = final.lines.first()
    assert line is not None
    for act in (
        lambda: InvoiceLine.objects.filter(pk=line.pk).update(total=0),
        lambda: InvoiceLine.objects.filter(pk=line.pk).delete(),
        lambda: Invoice.objects.filter(pk=final.pk).delete(),
        lambda: InvoiceLine.objects.create(invoice=final, position=99, type="usage", name="more", total=1),
    ):
        with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
            act()


def test_events_and_audit_are_append_only(final: Invoice) -> None:
    for model in (OutboxEvent, AuditEntry):
        assert model.objects.exists()
        for act in (model.objects.all().delete, lambda model=model: model.objects.update(subject_type="x")):
            with pytest.raises(DatabaseError), transaction.atomic():
                act()


def test_nan_and_infinity_are_refused_by_the_database(final: Invoice) -> None:
    for odd in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE billing_billingperiod SET draft_total = %s WHERE state = 'OPEN'", [odd])


def test_what_is_altered_behind_the_triggers_back_comes_to_light(final: Invoice) -> None:
    out = StringIO()
    call_command("verify_invoices", stdout=out)
    assert "as they were" in out.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending when a trigger is switched off
        for table in ("invoices_invoice", "invoices_invoiceline"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for change in (lambda: Invoice.objects.filter(pk=final.pk).update(subtotal=0, total=0, rounding=0),
                   lambda: final.lines.filter(position=1).update(explanation={"steps": []})):  # fmt: skip
        with transaction.atomic():
            change()
            with pytest.raises(CommandError, match=final.number):
                call_command("verify_invoices")
            transaction.set_rollback(True)
    call_command("verify_invoices", stdout=out)


def test_finalizing_again_changes_nothing(final: Invoice) -> None:
    before = Invoice.objects.filter(pk=final.pk).values().get()
    finalize_due_invoices(now=now())
    finalize_due_invoices(now=now())
    assert Invoice.objects.filter(pk=final.pk).values().get() == before


def test_a_failing_draft_waits_and_says_why(sdk: Metronome, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(sdk)
    for _ in range(2):
        world.open_contract(world.customer(), None, 10, "WEEKLY")
    bad = BillingPeriod.objects.filter(due_at__lte=now()).first()
    assert bad is not None
    from invoices.services import finalize

    real = finalize.compute_invoice

    def compute_invoice(row: Any, **more: Any) -> Any:
        if row.contract_id == bad.contract_id:
            raise ValueError("odd terms")
        return real(row, **more)

    monkeypatch.setattr(finalize, "compute_invoice", compute_invoice)
    assert finalize_due_invoices(now=now()) == 2  # one of them in vain
    bad.refresh_from_db()
    assert (bad.state, bad.attempts, bad.last_error) == ("OPEN", 1, "ValueError: odd terms")
    assert bad.next_attempt_at > now()
    assert NumberSeries.objects.get().last_number == 1  # the failed one took no number


def test_many_at_once_finalize_once(live_sdk: Metronome) -> None:
    world = World(live_sdk)
    _, _, card = world.priced(price=1)
    for _ in range(4):
        world.open_contract(world.customer(), card, 20, "WEEKLY")

    def sweep(_: int) -> int:
        try:
            return finalize_due_invoices(now=now())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        done = sum(pool.map(sweep, range(6)))
    rows = list(Invoice.objects.filter(status="FINALIZED"))
    assert done == len(rows) == 8
    numbers = sorted(int((row.number or "").rsplit("-", 1)[1]) for row in rows)
    assert numbers == list(range(1, 9))


def test_later_periods_of_a_contract_wait_for_the_one_that_fails(
    sdk: Metronome, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(sdk)
    for _ in range(2):
        world.open_contract(world.customer(), None, 17, "WEEKLY")  # two periods of each are due
    first = BillingPeriod.objects.order_by("period_start").first()
    assert first is not None
    from invoices.services import finalize

    real = finalize.compute_invoice

    def compute_invoice(row: Any, **more: Any) -> Any:
        if (row.contract_id, row.period_start) == (first.contract_id, first.period_start):
            raise ValueError("odd terms")
        return real(row, **more)

    with monkeypatch.context() as patch:
        patch.setattr(finalize, "compute_invoice", compute_invoice)
        finalize_due_invoices(now=now())
        waiting = BillingPeriod.objects.filter(contract_id=first.contract_id, due_at__lte=now())
        assert [row.state for row in waiting] == ["OPEN", "OPEN"]
        assert len({row.next_attempt_at for row in waiting}) == 1
        assert Invoice.objects.filter(status="FINALIZED").count() == 2
    finalize_due_invoices(now=now() + timedelta(minutes=2))
    done = Invoice.objects.filter(contract_id=first.contract_id, status="FINALIZED").order_by("period_start")
    assert [row.number for row in done] == sorted(row.number or "" for row in done)
    assert len(done) == 2


def test_one_document_that_cannot_be_rendered_holds_no_other_up(
    sdk: Metronome, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(sdk)
    world.open_contract(world.customer(), None, 17, "WEEKLY")
    finalize_due_invoices(now=now())
    first, second = Invoice.objects.filter(status="FINALIZED").order_by("finalized_at")
    from invoices.services import documents

    real = documents.render_invoice

    def render(view: Any) -> bytes:
        if view.id == first.pk:
            raise ValueError("odd name")
        return real(view)

    with monkeypatch.context() as patch:
        patch.setattr(documents, "render_invoice", render)
        assert documents.render_due_documents(now=now()) == 1
        assert documents.render_due_documents(now=now()) == 0  # nothing that a loop would wait for
    assert list(InvoiceDocument.objects.values_list("pk", flat=True)) == [second.pk]
    assert documents.render_due_documents(now=now()) == 1
