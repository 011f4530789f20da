"""Commits, credits and recurring ones that go along into the contract that renews theirs (contracts/renewal_parts.py).

Amounts stay as they were agreed, dates move; what was rolled over, or issued by a recurring one, does not go along
itself.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from balances.models import Balance, RecurringGrant, Segment, Terms
from charges.models import Charge
from charges.selectors import list_charges
from contracts.renewal_parts import Carrying

_SCOPE = ("applicable_product_ids", "applicable_product_tags", "specifiers")
_TERMS = ("product_id", "name", "description", "priority", "rate_type", "rollover_fraction", "netsuite_sales_order_id")


def carried_balances(how: Carrying) -> dict[str, list[dict[str, Any]]]:
    """`commits` and `credits` of the new contract, as bodies. Three queries."""
    rows = list(
        Balance.objects.filter(contract=how.contract, archived_at__isnull=True)
        .filter(recurring__isnull=True, rolled_over_from__isnull=True)
        .order_by("created_at", "id")
    )
    segments: dict[Any, list[Segment]] = {}
    for segment in Segment.objects.filter(owner__in=rows, removed_at__isnull=True):
        segments.setdefault(segment.owner_id, []).append(segment)
    charges = list_charges(source_ids=[row.pk for row in rows])
    found: dict[str, list[dict[str, Any]]] = {"commits": [], "credits": []}
    for row in rows:
        access = _access(segments.get(row.pk, ()), how)
        if not access:
            continue
        body = _terms(row, how) | {
            "access_schedule": {
                "credit_type_id": row.credit_type_id, "access_type": row.access_type, "schedule_items": access,
            },
            "custom_fields": row.custom_fields,
        }  # fmt: skip
        if row.kind != Balance.Kind.CREDIT:
            if row.counts_as_discounted is not None:
                body["spend_tracker_attributes"] = {"counts_as_discounted": row.counts_as_discounted}
            body |= {"type": row.kind, "invoice_schedule": _invoices(row, charges.get(row.pk, ()), how)}
        found["credits" if row.kind == Balance.Kind.CREDIT else "commits"].append(body)
    return found


def carried_recurring(how: Carrying) -> dict[str, list[dict[str, Any]]]:
    """`recurring_commits` and `recurring_credits` that run to the end, as bodies. One query."""
    found: dict[str, list[dict[str, Any]]] = {"recurring_commits": [], "recurring_credits": []}
    for row in RecurringGrant.objects.filter(contract=how.contract, archived_at__isnull=True):
        subscription_id = None if row.subscription_id is None else how.ids.get(row.subscription_id)
        lost = row.subscription_id is not None and subscription_id is None
        if lost or not how.goes_on(row.starting_at, row.ending_before):
            continue
        access: dict[str, Any] = {
            "unit_price": row.access_unit_price, "credit_type_id": row.credit_type_id, "access_type": row.access_type,
        }  # fmt: skip
        body = _terms(row, how) | {
            "starting_at": how.term.start,
            "access_amount": access,
            "commit_duration": {"value": row.duration},
            "recurrence_frequency": row.frequency,
            "proration": row.proration,
            "proration_rounding": row.proration_rounding,
        }
        if (end := how.new_end(row.ending_before)) is not None:
            body["ending_before"] = end
        if subscription_id is None:
            access["quantity"] = row.access_quantity
        else:
            body["subscription_config"] = {
                "subscription_id": subscription_id,
                "allocation": row.allocation,
                "apply_seat_increase_config": {"is_prorated": row.seat_increase_is_prorated},
            }
        if row.invoice_unit_price is not None:
            body["invoice_amount"] = {
                "unit_price": row.invoice_unit_price, "quantity": row.invoice_quantity,
                "credit_type_id": row.invoice_credit_type_id,
            }  # fmt: skip
        found["recurring_credits" if row.kind == "CREDIT" else "recurring_commits"].append(body)
    return found


def _terms(row: Terms, how: Carrying) -> dict[str, Any]:
    how.ids[row.pk] = uuid4()
    return {"id": how.ids[row.pk]} | {name: getattr(row, name) for name in (*_TERMS, *_SCOPE)}


def _access(segments: Iterable[Segment], how: Carrying) -> list[dict[str, Any]]:
    moved = [(segment.granted, how.move.window(segment.starting_at, segment.ending_before)) for segment in segments]
    return [
        {"amount": amount, "starting_at": window.start, "ending_before": window.end}
        for amount, window in moved
        if window is not None
    ]


def _invoices(row: Balance, charges: Iterable[Charge], how: Carrying) -> dict[str, Any]:
    moved = [(how.move.date(charge.invoice_at), charge) for charge in charges]
    return {
        "credit_type_id": row.invoice_credit_type_id,
        "do_not_invoice": row.do_not_invoice,
        "schedule_items": [
            {"timestamp": at, "unit_price": charge.unit_price, "quantity": charge.quantity}
            for at, charge in moved
            if at is not None
        ],
    }
