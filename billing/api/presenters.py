"""Invoices in Metronome's shapes. Amounts leave exact, in the invoice's stored unit (cents for USD)."""

from typing import Any

from billing.parties import party_json
from billing.selectors.line_details import LineFacts, Sold
from billing.types import BreakdownView, CurrencyView, InvoiceView, LineView
from catalog.prices import wire_of
from engine.explanation import SubscriptionExplanation
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

    What has no value is left out, but of ours: `rounding`, `number`, `document_date`, `due_date`, `seller`, `buyer`,
    `contract_name` and `unrated`.

    `facts`: what its lines are about (billing.selectors.line_details).
    """
    shown = {
        "id": view.id,
        "type": view.type,
        "status": view.status,
        "customer_id": view.customer_id,
        "contract_id": view.contract_id,
        "payer": None if view.payer is None else dict(zip(("contract_id", "customer_id"), view.payer, strict=True)),
        "start_timestamp": None if view.is_scheduled else view.period_start,
        "end_timestamp": None if view.is_scheduled else view.period_end,
        # what is charged for a date says it from the beginning
        "issued_at": view.due_at if view.is_scheduled and view.issued_at is None else view.issued_at,
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
        "custom_fields": view.custom_fields,
        "customer_custom_fields": view.customer_custom_fields,
        "contract_custom_fields": view.contract_custom_fields,
        "netsuite_sales_order_id": view.netsuite_sales_order_id or None,
        "salesforce_opportunity_id": view.salesforce_opportunity_id or None,
        "invoice_adjustments": [],
        "seller": party_json(view.seller),
        "buyer": party_json(view.buyer),
        "contract_name": view.contract_name,
        "unrated": list(view.unrated),
    }
    # ours are there for drafts too: clients that do not know them would not know that they are absent
    ours = {"number": view.number, "document_date": view.document_date, "due_date": view.due_date}
    return _filled(shown) | ours


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
    """A line item; what does not apply is left out. `id` addresses its explanation."""
    sold = None if line.product_id is None else facts.products.get(line.product_id)
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
        "product_custom_fields": {} if sold is None else sold.custom_fields,
        "commit_segment_id": line.commit_segment_id,
        "quantity_consumed": line.quantity_consumed,
        "pricing_group_values": line.pricing_group_values or None,
        "presentation_group_values": line.presentation_group_values or None,
        "tier": line.tier,
    }
    if sold is not None:
        shown |= _labels(sold)
    if line.commit_id is not None:
        shown["commit_id"] = line.commit_id
        shown["commit_type"] = line.commit_type
        shown |= _paid(line, facts)
    if line.subscription_id is not None:
        shown["subscription_id"] = line.subscription_id
        shown["subscription_custom_fields"] = facts.subscriptions.get(line.subscription_id, {})
        if isinstance(line.explanation, SubscriptionExplanation):
            shown["is_prorated"] = line.explanation.proration is not None
    if line.scheduled_charge_id is not None:
        shown["scheduled_charge_id"] = line.scheduled_charge_id
        shown["scheduled_charge_custom_fields"] = facts.scheduled.get(line.scheduled_charge_id, {})
    if line.discount_id is not None:
        shown["discount_id"] = line.discount_id
        shown["discount_custom_fields"] = facts.scheduled.get(line.discount_id, {})
    if with_list_price:
        shown["list_price"] = _list_price(line, currency)
    return _filled(shown)


def _filled(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if value is not None}


def _labels(sold: Sold) -> dict[str, Any]:
    """What the seller has noted on the product."""
    shown: dict[str, Any] = {}
    if sold.tags:
        shown["product_tags"] = list(sold.tags)
    if sold.custom_fields:
        shown["custom_fields"] = sold.custom_fields
    if sold.netsuite_item_id:
        shown["netsuite_item_id"] = sold.netsuite_item_id
    return shown


def _paid(line: LineView, facts: LineFacts) -> dict[str, Any]:
    """The balance that pays the line; of a line that charges for a balance, without `applied_commit_or_credit`."""
    balance = None if line.commit_id is None else facts.balances.get(line.commit_id)
    if balance is None:
        return {}
    shown: dict[str, Any] = {"commit_custom_fields": balance.custom_fields}
    if balance.netsuite_sales_order_id:
        shown["commit_netsuite_sales_order_id"] = balance.netsuite_sales_order_id
    if (sold := facts.products.get(balance.product_id)) is not None and sold.netsuite_item_id:
        shown["commit_netsuite_item_id"] = sold.netsuite_item_id
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
