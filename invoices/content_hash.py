"""A fingerprint of what a finalized invoice says, so that a change behind the triggers' back comes to light."""

import hashlib

from billing.types import LineView
from core.exact_json import dumps
from engine.money import plain
from invoices.models import Invoice


def content_hash(invoice: Invoice, lines: tuple[LineView, ...]) -> str:
    """SHA-256 over what the document says: parties, number, dates, period, unit, amounts, lines with explanations."""
    said = [
        invoice.content_version, invoice.seller, invoice.buyer, invoice.contract_name,
        invoice.number, str(invoice.document_date), str(invoice.due_date),
        str(invoice.customer_id), str(invoice.contract_id), invoice.type, str(invoice.credit_type_id),
        invoice.period_start.isoformat(), invoice.period_end.isoformat(),
        *(plain(amount) for amount in (invoice.subtotal, invoice.rounding, invoice.total)),
        *(plain(amount) for amount in (invoice.document_subtotal, invoice.document_tax, invoice.document_total)),
        [_said_by(line) for line in lines],
    ]  # fmt: skip
    return hashlib.sha256(dumps(_sorted(said))).hexdigest()


def _said_by(line: LineView) -> list[object]:
    return [
        str(line.id), line.type, line.name,
        *(
            None if amount is None else plain(amount)
            for amount in (line.quantity, line.unit_price, line.total, line.document_amount)
        ),
        *(None if instant is None else instant.isoformat() for instant in (line.starting_at, line.ending_before)),
        sorted(line.pricing_group_values.items()), sorted(line.presentation_group_values.items()),
        line.tier, line.stored_explanation, *([] if line.unit is None else [str(line.unit.credit_type_id)]),
        *([] if line.commit_id is None else _paid_by(line)),
        *([] if line.subscription_id is None else [f"subscription {line.subscription_id}"]),
        *([] if line.scheduled_charge_id is None else [f"scheduled charge {line.scheduled_charge_id}"]),
        *([] if line.discount_id is None else [f"discount {line.discount_id}"]),
    ]  # fmt: skip


def _paid_by(line: LineView) -> list[object]:
    consumed = None if line.quantity_consumed is None else plain(line.quantity_consumed)
    return [str(line.commit_id), str(line.commit_segment_id), line.commit_type, consumed]


def _sorted(value: object) -> object:
    """JSON-able data with its keys in order: PostgreSQL's jsonb does not keep theirs."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
