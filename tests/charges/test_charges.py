"""What the services refuse, and what the database refuses behind their back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from billing.models import BilledCharge, BillingPeriod
from charges.invoice_lookup import register_invoice_lookup
from charges.models import Charge
from charges.selectors import list_charges, list_pending_charges, next_ordinal, terms_of
from charges.services import (
    cancel_charges,
    describe_charges,
    invoice_charges,
    reopen_charges,
    reprice_charge,
    void_charges,
    waive_charges,
)
from core.constraints import violated
from core.errors import Conflict
from engine.calendar import Period
from engine.charge_states import NEXT, ChargeAmount, ChargeSource, ChargeState, ChargeTerms
from engine.errors import InvalidTerms
from tests.charges.conftest import AT, Owed

S = ChargeState
SETTLED = ChargeTerms(AT, Decimal(1000), amount_type=ChargeAmount.SETTLED)


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert violated(caught.value) == constraint


def row(charge: Charge) -> Any:
    return Charge.objects.filter(pk=charge.pk)


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"unit_price": Decimal("NaN"), "amount": Decimal("NaN")}, "charge_numbers_finite"),
        ({"unit_price": Decimal(-1), "amount": Decimal(-3)}, "charge_not_negative"),
        ({"amount": Decimal(76)}, "charge_amount_is_known_when_it_is_due"),
        ({"amount": None}, "charge_amount_is_known_when_it_is_due"),
        ({"source": ""}, "charge_keeps_its_source"),
        ({"ordinal": 2}, "charge_keeps_its_source"),
        ({"contract_id": None}, "charge_has_what_its_state_needs"),
        ({"canceled_at": AT}, "charge_has_what_its_state_needs"),
        ({"service_start": AT}, "charge_service_period_not_empty"),
        ({"service_start": AT, "service_end": AT}, "charge_service_period_not_empty"),
        ({"state": "INVOICED"}, "charge_has_what_its_state_needs"),
        ({"state": "CANCELED"}, "charge_has_what_its_state_needs"),
        ({"state": "PAID"}, "charge_state_follows"),
    ],
)
def test_the_database_refuses_what_cannot_be(owed: Owed, changed: dict[str, Any], constraint: str) -> None:
    charge = owed.add()
    with refused(constraint):
        row(charge).update(**changed)


@pytest.mark.parametrize("before", list(S))
@pytest.mark.parametrize("after", list(S))
def test_the_database_knows_the_same_states_as_the_engine(owed: Owed, before: ChargeState, after: ChargeState) -> None:
    """Every move with the columns that the state asks for: allowed where the engine's table has it."""
    charge = owed.in_state(before)
    columns: dict[str, Any] = {"state": after.value}
    if after is not before:
        columns["canceled_at"] = AT if after is S.CANCELED else None
        columns["invoiced_at"] = AT if after in (S.INVOICED, S.VOIDED) else None
    if after is before or after in NEXT[before]:
        assert row(charge).update(**columns) == 1
    else:
        with refused("charge_state_follows"):
            row(charge).update(**columns)


@pytest.mark.parametrize("state", [S.INVOICED, S.VOIDED, S.CANCELED])
@pytest.mark.parametrize(
    "changed",
    [
        {"unit_price": Decimal(26), "amount": Decimal(78)},
        {"invoice_at": AT + timedelta(days=1)},
        {"service_start": AT, "service_end": AT + timedelta(days=1)},
    ],
)
def test_terms_stand_once_an_invoice_names_them(owed: Owed, state: ChargeState, changed: dict[str, Any]) -> None:
    charge = owed.in_state(state)
    with refused("charge_terms_stand"):
        row(charge).update(**changed)
    later = replace(terms_of(charge), invoice_at=AT + timedelta(days=1))
    with pytest.raises(Conflict, match=state.value), transaction.atomic():
        reprice_charge(charge, terms=later)


def test_terms_do_not_change_on_the_way_to_an_invoice(owed: Owed) -> None:
    with refused("charge_terms_stand"):
        row(owed.add()).update(state="INVOICED", invoiced_at=AT, quantity=F("quantity") + 1, amount=F("amount") + 25)


def test_charges_are_not_deleted_and_begin_open(owed: Owed) -> None:
    charge = owed.add()
    with refused("charge_stays"):
        row(charge).delete()
    charge.pk, charge.ordinal, charge.state = None, 2, "CANCELED"
    charge.canceled_at = AT
    with refused("charge_begins_open"):
        charge.save(force_insert=True)


def test_an_item_of_a_schedule_is_charged_once(owed: Owed) -> None:
    charge = owed.in_state(S.CANCELED)
    with refused("charge_once_per_schedule_item"):
        owed.add(source_id=charge.source_id)
    assert next_ordinal(source=ChargeSource.COMMIT_PURCHASE, source_id=charge.source_id) == 2
    assert next_ordinal(source=ChargeSource.COMMIT_TRUE_UP, source_id=charge.source_id) == 1


def test_what_is_settled_has_no_amount_until_an_invoice_is_made_and_none_when_it_is_void(owed: Owed) -> None:
    charge = owed.add(source=ChargeSource.COMMIT_TRUE_UP, terms=SETTLED)
    assert charge.amount is None
    with refused("charge_amount_is_known_when_it_is_due"):
        row(charge).update(amount=1000)
    with refused("charge_amount_is_known_when_it_is_due"):
        row(charge).update(state="INVOICED", invoiced_at=AT)
    with transaction.atomic():
        invoice_charges(amounts={charge.pk: Decimal("699.5")}, now=AT)
    charge.refresh_from_db()
    assert (charge.state, charge.amount) == ("INVOICED", Decimal("699.5"))
    with refused("charge_terms_stand"):
        row(charge).update(amount=700)
    with transaction.atomic():
        void_charges(charge_ids=[charge.pk])
        reopen_charges(charge_ids=[charge.pk])
    charge.refresh_from_db()
    assert (charge.state, charge.amount, charge.invoiced_at) == ("PENDING", None, None)


def test_an_invoice_asks_for_a_fixed_amount_and_no_other(owed: Owed) -> None:
    charge = owed.add()
    with pytest.raises(InvalidTerms, match="fixed"), transaction.atomic():
        invoice_charges(amounts={charge.pk: Decimal(74)}, now=AT)
    with transaction.atomic():
        invoice_charges(amounts={charge.pk: Decimal(75)}, now=AT)
    with pytest.raises(Conflict, match="INVOICED"), transaction.atomic():
        invoice_charges(amounts={charge.pk: Decimal(75)}, now=AT)


def test_what_is_not_pending_is_neither_waived_nor_taken_back(owed: Owed) -> None:
    for state in (S.INVOICED, S.VOIDED, S.CANCELED):
        charge = owed.in_state(state)
        with pytest.raises(Conflict), transaction.atomic():
            waive_charges(charges=[charge])
        with pytest.raises(Conflict), transaction.atomic():
            cancel_charges(charges=[charge], now=AT)


def test_reads_leave_out_what_was_taken_back(owed: Owed) -> None:
    later = owed.add(terms=ChargeTerms(AT + timedelta(days=9), Decimal(1)))
    first = owed.add()
    gone, waived, final = (owed.in_state(state) for state in (S.CANCELED, S.WAIVED, S.INVOICED))
    assert list(list_pending_charges(contract_id=owed.contract)) == [first, later]
    found = list_charges(source_ids=[one.source_id for one in (first, gone, waived, final)])
    assert found == {one.source_id: [one] for one in (first, waived, final)}


def test_a_charge_keeps_the_time_that_it_pays_for(owed: Owed) -> None:
    period = Period(AT, AT + timedelta(days=31))
    charge = owed.add(terms=ChargeTerms(AT, Decimal("1e-30"), Decimal("1e30"), service_period=period))
    charge.refresh_from_db()
    assert (charge.amount, terms_of(charge).service_period) == (1, period)
    with transaction.atomic():
        describe_charges(described={charge.source_id: (owed.product, "Fee")})
    charge.refresh_from_db()
    assert (charge.name, terms_of(charge).service_period) == ("Fee", period)


def test_a_charge_stands_on_one_invoice_and_a_final_one_keeps_it(owed: Owed) -> None:
    w = owed.w
    customer = w.customer()
    parts = [w.prepaid(100, w.today, w.days_ago(-9), invoiced=[(w.days_ago(-at), 7)]) for at in (1, 2)]
    w.open_contract(customer, None, 1, commits=parts)
    first, second = BillingPeriod.objects.filter(customer_id=customer, type="SCHEDULED").order_by("period_start")
    held = BilledCharge.objects.get(period=first)
    with refused("charge_on_one_invoice"):
        BilledCharge.objects.create(charge=held.charge, period=second)
    with refused("billed_charge_stays"):
        BilledCharge.objects.filter(pk=held.pk).update(period=second)
    w.run_due_work(until=w.days_ago(-1) + timedelta(hours=1))
    with refused("billed_charge_stays"):
        held.delete()
    w.sdk.v1.invoices.void(id=str(first.pk))
    with refused("billed_charge_stays"):
        BilledCharge.objects.filter(period=first).delete()
    w.sdk.v1.invoices.regenerate(id=str(first.pk))
    old, new = BilledCharge.objects.filter(charge=held.charge).order_by("id")
    assert (old.period, old.moved_at is not None, new.moved_at) == (first, True, None)
    with refused("billed_charge_stays"):
        BilledCharge.objects.filter(pk=old.pk).update(moved_at=None)
    with refused("billed_charge_stays"):
        BilledCharge.objects.filter(pk=old.pk).delete()


def test_only_one_app_says_which_invoice_holds_a_charge() -> None:
    register_invoice_lookup("billing.billed_charges.invoice_ids_of")
    with pytest.raises(RuntimeError, match="already"):
        register_invoice_lookup("console.services.invoice_ids_of")
