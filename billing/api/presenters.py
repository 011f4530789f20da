"""Invoices in Metronome's shapes. Amounts leave exact, in the invoice's stored unit (cents for USD)."""

from typing import Any

from billing.parties import party_json
from billing.selectors.line_details import LineFacts, Paid
from billing.types import BreakdownView, CurrencyView, InvoiceView, LineView
from catalog.prices import wire_of
from engine.money import ZERO
from presentation.explanation import pricing_of


def present_invoice(
    view: InvoiceView,
    facts: LineFacts,
    *,
    skip_zero_qty_line_items: bool = False,
    include_list_prices: bool = False,
) -> dict[str, Any]:
    """An invoice as `client.v1.customers.invoices` knows it, with fields of ours beside it.

    Those are `rounding`, `number`, `document_date`, `due_date`, `seller`, `buyer`, `contract_name` and `unrated`.

    `facts`: what its lines are about (billing.selectors.line_details).
    """
    return {
        "id": view.id,
        "type": view.type,
        "status": view.status,
        "customer_id": view.customer_id,
        "contract_id": view.contract_id,
        "start_timestamp": None if view.is_scheduled else view.period_start,
        "end_timestamp": None if view.is_scheduled else view.period_end,
        "issued_at": view.issued_at,
        "created_at": view.created_at,
        "credit_type": _credit_type(view.currency),
        "subtotal": view.subtotal,
        "rounding": view.rounding,
        "total": view.total,
        "line_items": [
            present_line(line, view.currency, facts, with_list_price=include_list_prices)
            for line in view.lines
            if not (skip_zero_qty_line_items and line.quantity == ZERO)
        ],
        "net_payment_terms_days": view.net_payment_terms_days,
        "regenerated_from_invoice_id": view.regenerated_from_id,
        "billable_status": "billable",
        "external_invoice": None,
        "custom_fields": view.custom_fields,
        "customer_custom_fields": view.customer_custom_fields,
        "contract_custom_fields": view.contract_custom_fields,
        "invoice_adjustments": [],
        "number": view.number,
        "document_date": view.document_date,
        "due_date": view.due_date,
        "seller": party_json(view.seller),
        "buyer": party_json(view.buyer),
        "contract_name": view.contract_name,
        "unrated": list(view.unrated),
    }


def present_breakdown(
    part: BreakdownView,
    facts: LineFacts,
    *,
    skip_zero_qty_line_items: bool = False,
    include_list_prices: bool = False,
) -> dict[str, Any]:
    """One day or hour of an invoice: exact, since only a whole invoice is rounded."""
    whole = present_invoice(
        part.invoice,
        facts,
        skip_zero_qty_line_items=skip_zero_qty_line_items,
        include_list_prices=include_list_prices,
    )
    return whole | {
        "breakdown_start_timestamp": part.window_start,
        "breakdown_end_timestamp": part.window_end,
        "rounding": ZERO,
        "total": part.subtotal,
    }


def present_line(
    line: LineView, currency: CurrencyView, facts: LineFacts, *, with_list_price: bool = False
) -> dict[str, Any]:
    """A line item. `id` addresses its explanation; `list_price` stays None unless it is asked for."""
    shown: dict[str, Any] = {
        "id": line.id,
        "type": line.type,
        "name": line.name,
        "product_id": line.product_id,
        "product_type": line.product_type,
        "credit_type": _credit_type(line.unit or currency),
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
        "starting_at": line.starting_at,
        "ending_before": line.ending_before,
        "product_custom_fields": {} if line.product_id is None else facts.products.get(line.product_id, {}),
    }
    if line.commit_id is not None:
        shown["commit_id"] = line.commit_id
        shown["commit_type"] = line.commit_type
        shown |= _paid(line, facts.balances.get(line.commit_id))
    if line.commit_segment_id is not None:
        shown["commit_segment_id"] = line.commit_segment_id
    if line.quantity_consumed is not None:
        shown["quantity_consumed"] = line.quantity_consumed
    if line.subscription_id is not None:
        shown["subscription_id"] = line.subscription_id
        shown["subscription_custom_fields"] = facts.subscriptions.get(line.subscription_id, {})
    if line.pricing_group_values:
        shown["pricing_group_values"] = line.pricing_group_values
    if line.presentation_group_values:
        shown["presentation_group_values"] = line.presentation_group_values
    if line.tier is not None:
        shown["tier"] = line.tier
    shown["list_price"] = _list_price(line, currency) if with_list_price else None
    return shown


def _paid(line: LineView, balance: Paid | None) -> dict[str, Any]:
    """The balance that pays the line; of a line that charges for a balance, without `applied_commit_or_credit`."""
    if balance is None or line.commit_id is None:
        return {}
    shown: dict[str, Any] = {"commit_custom_fields": balance.custom_fields}
    if balance.netsuite_sales_order_id:
        shown["commit_netsuite_sales_order_id"] = balance.netsuite_sales_order_id
    if line.product_type != "FixedProductListItem":
        shown["applied_commit_or_credit"] = {
            "id": line.commit_id, "type": balance.kind, "access_type": balance.access_type
        }  # fmt: skip
    elif balance.kind == "POSTPAID":
        shown["postpaid_commit"] = {"id": line.commit_id}
    return shown


def _list_price(line: LineView, currency: CurrencyView) -> dict[str, Any] | None:
    """The rate card's price before overrides, as the line's explanation keeps it; None for lines without a rate."""
    pricing = pricing_of(line.explanation)
    if pricing is None or line.type not in ("usage", "subscription"):
        return None
    shown = wire_of(pricing.rate.list_price) | {"credit_type": _credit_type(line.unit or currency)}
    return shown | ({"pricing_group_values": line.pricing_group_values} if line.pricing_group_values else {})


def _credit_type(currency: CurrencyView) -> dict[str, Any]:
    return {"id": currency.credit_type_id, "name": currency.name}
