"""Void and regenerate: the only ways on for a finalized invoice."""

from datetime import datetime
from uuid import UUID

from balances.services import give_back, move_items
from contracts.services import lock_contract
from core import audit
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from core.transactions import require_transaction, use_case
from invoices.events import InvoiceVoided
from invoices.models import Invoice
from invoices.services.finalize import due_at, finalize_locked


def void_invoice(*, invoice_id: UUID, now: datetime, reason: str = "") -> Invoice:
    """Makes a finalized invoice void; its lines and its number stay.

    Raises NotFound, InvalidInput for a draft, Conflict for a void one.
    """
    with use_case():
        invoice = lock_invoice(invoice_id)
        if invoice.status == Invoice.Status.DRAFT:
            raise InvalidInput("the invoice is a draft; only a finalized one can be made void", field="id")
        if invoice.status == Invoice.Status.VOID:
            raise Conflict("the invoice is void already", field="id")
        void_locked(invoice, now=now, reason=reason)
    return invoice


def void_locked(invoice: Invoice, *, now: datetime, reason: str = "") -> None:
    """The part that archiving a contract shares; the caller holds the contract's and the invoice's lock."""
    require_transaction()
    invoice.status = Invoice.Status.VOID
    invoice.voided_at = now
    invoice.save(update_fields=["status", "voided_at"])
    give_back(invoice.contract, invoice_id=invoice.pk, now=now)
    audit.record("invoice.void", invoice, at=now, reason=reason)
    publish(
        InvoiceVoided(
            invoice_id=invoice.pk,
            customer_id=invoice.customer_id,
            contract_id=invoice.contract_id,
            occurred_at=now,
            number=str(invoice.number),
        )
    )


def regenerate_invoice(*, invoice_id: UUID, now: datetime, reason: str = "") -> Invoice:
    """Bills a void invoice's period again, at the rates and usage of now, as far as the contract still covers it.

    The new invoice is final at once where period and grace are over, else a draft. Raises NotFound, InvalidInput unless
    the invoice is void, Conflict if the period has a living invoice again or the contract does not cover it any more.
    """
    with use_case():
        old = lock_invoice(invoice_id)
        if old.status != Invoice.Status.VOID:
            raise InvalidInput("only a void invoice can be regenerated", field="id")
        if old.contract.archived_at is not None:
            raise Conflict("the contract is archived", field="id")
        if old.kind == Invoice.Kind.SCHEDULED:
            return _charge_again(old, now=now, reason=reason)
        period_end = min(old.period_end, old.contract.ending_before or old.period_end)
        if period_end <= old.period_start:
            raise Conflict("the contract now ends before the period of this invoice", field="id")
        same_time = Invoice.objects.filter(
            contract_id=old.contract_id, kind=old.kind, period_start__lt=period_end, period_end__gt=old.period_start
        )
        if same_time.exclude(status=Invoice.Status.VOID).exists():
            raise Conflict("the period of this invoice has been billed again already", field="id")
        invoice = Invoice.objects.create(
            customer_id=old.customer_id,
            contract=old.contract,
            credit_type_id=old.credit_type_id,
            kind=old.kind,
            period_start=old.period_start,
            period_end=period_end,
            due_at=due_at(period_end),
            next_attempt_at=due_at(period_end),
            net_payment_terms_days=old.contract.net_payment_terms_days,
            regenerated_from=old,
            created_at=now,
        )
        move_items(old.contract, invoice_id=old.pk, to=invoice.pk)
        audit.record("invoice.regenerate", invoice, at=now, detail={"from": str(old.pk)}, reason=reason)
        if invoice.due_at <= now:
            finalize_locked(invoice, now=now)
    return invoice


def _charge_again(old: Invoice, *, now: datetime, reason: str) -> Invoice:
    """A SCHEDULED invoice made anew with the charges of the void one, final at once where its date has come."""
    if old.regenerations.exclude(status=Invoice.Status.VOID).exists():
        raise Conflict("this invoice has been billed again already", field="id")
    invoice = Invoice.objects.create(
        customer_id=old.customer_id,
        contract=old.contract,
        credit_type_id=old.credit_type_id,
        kind=old.kind,
        period_start=old.period_start,
        period_end=old.period_end,
        due_at=old.due_at,
        next_attempt_at=old.due_at,
        net_payment_terms_days=old.contract.net_payment_terms_days,
        regenerated_from=old,
        created_at=now,
    )
    move_items(old.contract, invoice_id=old.pk, to=invoice.pk)
    audit.record("invoice.regenerate", invoice, at=now, detail={"from": str(old.pk)}, reason=reason)
    if invoice.due_at <= now:
        finalize_locked(invoice, now=now)
    return invoice


def lock_invoice(invoice_id: UUID) -> Invoice:
    """The invoice, locked for this transaction after its contract (the root). Raises NotFound."""
    require_transaction()
    contract_id = Invoice.objects.filter(pk=invoice_id).values_list("contract_id", flat=True).first()
    if contract_id is None:
        raise NotFound(f"no invoice {invoice_id}", field="id")
    lock_contract(contract_id=contract_id)
    return (
        Invoice.objects.select_for_update(of=("self",))
        .select_related("contract__rate_card__fiat_credit_type", "credit_type", "customer")
        .get(pk=invoice_id)
    )
