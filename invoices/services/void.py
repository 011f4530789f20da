"""Void and regenerate: the only ways on for a finalized invoice."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from balances.selectors import drawn_by_invoice
from balances.selectors.act_limits import owners_of, sum_of, worth_drawn, worth_of
from balances.services import give_back
from billing.compute import compute_invoice
from billing.models import BillingPeriod
from billing.services.periods import lock_period, release_period, reopen_period
from contracts.events import ContractArchived, ContractEndChanged
from contracts.services import lock_contract
from core import audit
from core.approvals import count_alone, is_counted
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from core.transactions import require_transaction, use_case
from engine.invoice_states import InvoiceStatus, InvoiceType
from engine.money import ZERO
from invoices.events import InvoiceVoided
from invoices.models import Invoice, InvoiceListing
from invoices.services.finalize import finalize_locked
from invoices.services.settlement import void_settlement


def void_invoice(*, invoice_id: UUID, now: datetime, reason: str = "") -> Invoice:
    """Makes a finalized invoice void; its lines and its number stay.

    Raises NotFound, InvalidInput for a draft, Conflict for a void one, NeedsApproval above what one may do alone.
    """
    with use_case():
        invoice = _lock_invoice(invoice_id, "the invoice is a draft; only a finalized one can be made void")
        if invoice.status == InvoiceStatus.VOID:
            raise Conflict("the invoice is void already", field="id")
        void_locked(invoice, now=now, reason=reason)
    return invoice


def void_locked(invoice: Invoice, *, now: datetime, reason: str = "") -> None:
    """The part that archiving a contract shares; the caller holds the contract's and the invoice's lock.

    What the invoice billed, and what balances that live on get back, counts against the limit of whoever does it.
    """
    require_transaction()
    worth = _thrown_away(invoice) if is_counted() else ZERO
    invoice.status = InvoiceStatus.VOID
    invoice.voided_at = now
    invoice.save(update_fields=["status", "voided_at"])
    void_settlement(invoice)
    release_period(invoice.billing_period, now=now)
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
    count_alone(act="invoice.void", subject=invoice, worth=worth, now=now)


def void_invoices_of_contract(event: ContractArchived) -> None:
    """Reaction: finalized invoices become void if that was asked for."""
    if event.void_invoices:
        contract = lock_contract(contract_id=event.contract_id)
        rows = contract.invoices.select_for_update(of=("self",)).select_related("credit_type", "billing_period")
        for invoice in rows.filter(status=InvoiceStatus.FINALIZED).order_by("pk"):
            void_locked(invoice, now=event.occurred_at)


def refuse_end_before_invoices(event: ContractEndChanged) -> None:
    """Reaction. Raises Conflict if the caller forbade an end before a finalized invoice's."""
    contract = lock_contract(contract_id=event.contract_id)
    if event.strict and contract.ending_before is not None:
        late = contract.invoices.filter(status=InvoiceStatus.FINALIZED, period_end__gt=contract.ending_before)
        if late.exists():
            raise Conflict("a finalized invoice ends after this", field="ending_before")


def regenerate_invoice(*, invoice_id: UUID, now: datetime, reason: str = "") -> InvoiceListing:
    """Bills a void invoice's period again, at the rates and usage of now, as far as the contract still covers it.

    The new invoice is final at once where period and grace are over, else a draft. What it bills counts against the
    limit of whoever does it. Raises NotFound, InvalidInput unless the invoice is void, Conflict if the period has a
    living invoice again or the contract does not cover it any more, NeedsApproval.
    """
    with use_case():
        old = _lock_invoice(invoice_id, "only a void invoice can be regenerated")
        if old.status != InvoiceStatus.VOID:
            raise InvalidInput("only a void invoice can be regenerated", field="id")
        if old.contract.archived_at is not None:
            raise Conflict("the contract is archived", field="id")
        end = _end_of_usage(old) if old.type == InvoiceType.USAGE else _end_of_charges(old)
        period = reopen_period(lock_period(old.pk), period_end=end, now=now)
        row = InvoiceListing.objects.get(pk=period.pk)
        audit.record("invoice.regenerate", row, at=now, detail={"from": str(old.pk)}, reason=reason)
        made = finalize_locked(period, now=now) if period.due_at <= now else None
        if is_counted():
            count_alone(act="invoice.regenerate", subject=row, worth=_billed(period, made, now), now=now)
    return InvoiceListing.objects.get(pk=period.pk)


def is_billed_again(old: Invoice | InvoiceListing) -> bool:
    """Whether what a void invoice billed stands on another one that is not void: a draft or a document."""
    living = BillingPeriod.objects.filter(voided_at__isnull=True)
    if old.type == InvoiceType.USAGE:
        same_time = living.filter(contract_id=old.contract_id, type=old.type).exclude(pk=old.pk)
        return same_time.filter(period_start__lt=old.period_end, period_end__gt=old.period_start).exists()
    return living.filter(reopened_from_id=old.pk).exists()


def _thrown_away(invoice: Invoice) -> Decimal | None:
    """What voiding takes back, in USD cents: the total, and what it drew of balances.

    What it drew of those that end with its contract or customer counts when they end.
    """
    contract = invoice.contract
    ending = {contract.pk} if contract.archived_at is not None else set[UUID]()
    drawn = drawn_by_invoice(invoice.pk) if contract.customer.archived_at is None else []
    back = [worth_drawn(owner, amount) for owner, amount in drawn if owner.contract_id not in ending]
    return sum_of([worth_of(invoice.total, invoice.credit_type, invoice.payer_id), *back])


def _billed(period: BillingPeriod, made: Invoice | None, now: datetime) -> Decimal | None:
    """What a regenerated period bills, in USD cents, and draws: its document, or what its draft comes to by now."""
    if made is not None:
        amount, drawn = made.total, drawn_by_invoice(made.pk)
    else:
        computed = compute_invoice(period, at=now)
        amount, drawn = computed.total, owners_of(computed.drawdowns)
    return sum_of([worth_of(amount, period.credit_type, period.payer_id), *(worth_drawn(*each) for each in drawn)])


def _end_of_usage(old: Invoice) -> datetime:
    """How far the contract still covers the period of a void usage invoice. Raises Conflict where it must not."""
    period_end = min(old.period_end, old.contract.ending_before or old.period_end)
    if period_end <= old.period_start:
        raise Conflict("the contract now ends before the period of this invoice", field="id")
    if is_billed_again(old):
        raise Conflict("the period of this invoice has been billed again already", field="id")
    return period_end


def _end_of_charges(old: Invoice) -> datetime:
    """The date of a void SCHEDULED invoice. Raises Conflict where its charges stand on another one."""
    if is_billed_again(old):
        raise Conflict("this invoice has been billed again already", field="id")
    return old.period_end


def _lock_invoice(invoice_id: UUID, refusal: str) -> Invoice:
    """The document, locked for this transaction after its contract (the root). Raises NotFound; InvalidInput with
    `refusal` for a draft.
    """
    require_transaction()
    row = BillingPeriod.objects.filter(pk=invoice_id).values_list("contract_id", flat=True).first()
    if row is None:
        raise NotFound(f"no invoice {invoice_id}", field="id")
    lock_contract(contract_id=row)
    invoice = (
        Invoice.objects.select_for_update(of=("self",))
        .select_related("contract__rate_card__fiat_credit_type", "credit_type", "customer", "billing_period")
        .filter(pk=invoice_id)
        .first()
    )
    if invoice is None:
        raise InvalidInput(refusal, field="id")
    return invoice
