"""Of many who render a document at once each gets the one that is stored, and no constraint refuses any."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.db import connection
from metronome import Metronome

from core.clock import now
from invoices.models import InvoiceDocument
from invoices.services import documents
from invoices.services.finalize import finalize_due_invoices
from tests.scenarios.world import World

READERS = 4


def test_a_document_is_stored_once_without_a_violation(live_sdk: Metronome) -> None:
    w = World(live_sdk)
    metric, _, card = w.priced(price=100)
    customer = w.customer()
    w.use(customer, metric, 3, w.days_ago(9))
    w.contract(customer, card, w.days_ago(10), ending_before=w.days_ago(8))
    finalize_due_invoices(now=now())
    [invoice] = w.invoices(customer, status="FINALIZED")
    together, violations = threading.Barrier(READERS), []

    def note(execute: Callable[..., Any], *asked: Any) -> Any:
        try:
            if "INSERT INTO" in asked[0]:
                together.wait(10)  # all have rendered, none has stored
            return execute(*asked)
        except Exception as error:
            violations.append(error)
            raise

    def read(_: int) -> bytes:
        try:
            with connection.execute_wrapper(note):
                return documents.get_pdf(invoice_id=UUID(invoice.id), now=now())[1]
        finally:
            connection.close()

    with ThreadPoolExecutor(READERS) as pool:
        read_by_each = set(pool.map(read, range(READERS)))
    assert violations == []
    assert read_by_each == {bytes(InvoiceDocument.objects.get().pdf)}
