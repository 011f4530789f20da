"""Invoices as plain rows: a draft is composed now, a final one is what was stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db.models import QuerySet

from catalog.models import CreditType
from core.errors import NotFound
from engine.calendar import rfc3339
from engine.explanation import ConversionExplanation
from engine.explanation_json import StoredExplanation
from engine.invoice import ComposedInvoice, InvoiceLine, UnratedUsage
from engine.money import plain
from invoices import models
from invoices.composed import Standing, standing_charges, with_charges
from invoices.running import Running
from invoices.subscriptions import with_subscribes
from invoices.types import CurrencyView, InvoiceView, LineView

STORED = tuple(name for name in LineView.__dataclass_fields__ if name not in ("unit", "explained"))
"""What of a line view is a column of its own; the unit is a foreign key, the explanation JSON."""


def invoice_rows(*, customer_id: UUID | None = None) -> QuerySet[models.Invoice]:
    """Invoices with what a view needs, in one query."""
    rows = with_subscribes(
        models.Invoice.objects.select_related("customer", "contract__rate_card__fiat_credit_type", "credit_type")
    )
    return rows if customer_id is None else rows.filter(customer_id=customer_id)


def filter_invoices(
    rows: QuerySet[models.Invoice],
    *,
    status: str | None = None,
    contract_id: UUID | None = None,
    starting_on: datetime | None = None,
    ending_before: datetime | None = None,
    credit_type_id: UUID | None = None,
    kind: str | None = None,
) -> QuerySet[models.Invoice]:
    """Metronome's list filters; `starting_on` and `ending_before` leave the periods that lie wholly between them."""
    asked = {
        "status": status,
        "contract_id": contract_id,
        "period_start__gte": starting_on,
        "period_end__lte": ending_before,
        "credit_type_id": credit_type_id,
        "kind": kind,
    }
    return rows.filter(**{name: value for name, value in asked.items() if value is not None})


def list_invoices(*, customer_id: UUID, now: datetime, limit: int | None = None, **filters: Any) -> list[InvoiceView]:
    """A customer's invoices, newest period first. `filters` as in `filter_invoices`."""
    rows = filter_invoices(invoice_rows(customer_id=customer_id), **filters).order_by("-period_start", "-id")
    return page_of_views(rows[:limit] if limit else rows, now=now)


def page_of_views(rows: Iterable[models.Invoice], *, now: datetime) -> list[InvoiceView]:
    """Views of these rows: lines of all final ones in one query, each draft composed."""
    found = list(rows)
    running: dict[UUID, Running] = {}
    for row in found:
        if row.status == models.Invoice.Status.DRAFT and row.customer_id not in running:
            running[row.customer_id] = Running(row.customer_id)
    final = [row.pk for row in found if row.status != models.Invoice.Status.DRAFT]
    lines: dict[UUID, list[models.InvoiceLine]] = {}
    rows_of = models.InvoiceLine.objects.select_related("credit_type").order_by("position")
    for line in rows_of.filter(invoice_id__in=final) if final else ():
        lines.setdefault(line.invoice_id, []).append(line)
    return [
        draft_view(row, now=now, running=running[row.customer_id])
        if row.status == models.Invoice.Status.DRAFT
        else final_view(row, lines.get(row.pk, []), now=now)
        for row in found
    ]


def find_invoice(*, invoice_id: UUID, customer_id: UUID | None = None) -> models.Invoice:
    """The row of an invoice. Raises NotFound, alike for an unknown id and another customer's."""
    row = invoice_rows(customer_id=customer_id).filter(pk=invoice_id).first()
    if row is None:
        raise NotFound(f"no invoice {invoice_id}")
    return row


def get_invoice(*, customer_id: UUID, invoice_id: UUID, now: datetime) -> InvoiceView:
    """One invoice of this customer as it stands. Raises NotFound."""
    return view_of(find_invoice(invoice_id=invoice_id, customer_id=customer_id), now=now)


def view_of(row: models.Invoice, *, now: datetime) -> InvoiceView:
    """A row as a view."""
    return page_of_views([row], now=now)[0]


def draft_view(row: models.Invoice, *, now: datetime, running: Running | None = None) -> InvoiceView:
    """A draft composed from the terms, the usage and the balances of this moment."""
    standing = standing_of(row, running or Running(row.customer_id))
    return _view(
        row,
        now=now,
        lines=standing.lines,
        subtotal=standing.subtotal,
        rounding=standing.rounding,
        total=standing.total,
        unrated=standing.unrated,
    )


def standing_of(row: models.Invoice, running: Running) -> Standing:
    """An invoice of any kind as it stands: what a draft shows and finalization stores."""
    if row.kind == models.Invoice.Kind.SCHEDULED and not running.charges(row):
        return standing_charges(row, running)
    composed = running.compose(row)
    standing = Standing(
        lines=line_views(row, composed.lines),
        subtotal=composed.subtotal,
        rounding=composed.rounding,
        total=composed.total,
        unrated=tuple(unrated_json(part) for part in composed.unrated),
        drawdowns=composed.drawdowns,
    )
    return with_charges(row, standing, running)


Units = Mapping[str, CurrencyView]


def composed_view(
    row: models.Invoice, composed: ComposedInvoice, *, now: datetime, units: Units | None = None
) -> InvoiceView:
    """The view of a composed invoice; `units` as for `line_views`."""
    return _view(
        row,
        now=now,
        lines=line_views(row, composed.lines, units),
        subtotal=composed.subtotal,
        rounding=composed.rounding,
        total=composed.total,
        unrated=tuple(unrated_json(part) for part in composed.unrated),
    )


def final_view(row: models.Invoice, lines: Sequence[models.InvoiceLine], *, now: datetime) -> InvoiceView:
    """A finalized or void invoice as stored."""
    return _view(
        row,
        now=now,
        lines=stored_lines(lines),
        subtotal=row.subtotal,
        rounding=row.rounding,
        total=row.total,
        unrated=tuple(row.unrated),
    )


def stored_lines(lines: Iterable[models.InvoiceLine]) -> tuple[LineView, ...]:
    """Stored lines as views; their credit type is read with them."""
    return tuple(
        LineView(
            **{name: getattr(line, name) for name in STORED},
            explained=StoredExplanation(line.explanation),
            unit=None if line.credit_type is None else currency_view(line.credit_type),
        )
        for line in lines
    )


def line_views(row: models.Invoice, lines: Sequence[InvoiceLine], units: Units | None = None) -> tuple[LineView, ...]:
    """The engine's lines with ids that stay the same from draft to final: derived from what the line is about.

    `units` are the custom pricing units that may occur, by id; without them, one query finds them if any does.
    """
    if units is None:
        units = custom_units({line.credit_type_id for line in lines} - {str(row.credit_type_id)})
    return tuple(_line_view(row.pk, line, units) for line in lines)


def custom_units(ids: Collection[str]) -> dict[str, CurrencyView]:
    """The pricing units of these ids; no query for none."""
    return {str(unit.pk): currency_view(unit) for unit in CreditType.objects.filter(pk__in=ids)} if ids else {}


def unrated_json(part: UnratedUsage) -> dict[str, Any]:
    """Usage that no rate prices, JSON-able."""
    return {
        "product_id": part.product_id,
        "name": part.name,
        "event_count": part.event_count,
        "reason": part.reason,
        "quantity": plain(part.quantity),
        "starting_at": rfc3339(part.window.start),
        "ending_before": rfc3339(part.window.end),
        "pricing_group_values": dict(part.pricing_group_values),
        "presentation_group_values": dict(part.presentation_group_values),
    }


def currency_view(unit: CreditType) -> CurrencyView:
    """The unit of an invoice's amounts."""
    return CurrencyView(unit.pk, unit.name, unit.code, unit.places, unit.minor_digits)


def _line_view(invoice_id: UUID, line: InvoiceLine, units: Units) -> LineView:
    tier = line.tier
    explanation = line.explanation
    name = line.name
    if isinstance(explanation, ConversionExplanation) and (unit := units.get(explanation.unit_id)):
        name = f"{name} of {unit.name}"
        explanation = replace(explanation, unit_name=unit.name)
    return LineView(
        id=uuid5(invoice_id, "|".join(line.identity)),
        type=line.type,
        product_id=UUID(line.product_id) if line.product_id else None,
        name=name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        starting_at=line.starting_at,
        ending_before=line.ending_before,
        pricing_group_values={key: value for key, value in line.pricing_group_values if value is not None},
        presentation_group_values=dict(line.presentation_group_values),
        tier=None
        if tier is None
        else {
            "level": tier.level,
            "starting_at": plain(tier.starting_at),
            "size": None if tier.size is None else plain(tier.size),
        },
        explained=explanation,
        unit=units.get(line.credit_type_id),
        counted=line.counted,
        product_type=line.product_type,
        commit_id=None if line.commit_id is None else UUID(line.commit_id),
        commit_segment_id=None if line.commit_segment_id is None else UUID(line.commit_segment_id),
        commit_type=line.commit_type or "",
        quantity_consumed=line.quantity_consumed,
        subscription_id=None if line.subscription_id is None else UUID(line.subscription_id),
    )


def _view(row: models.Invoice, *, now: datetime, **amounts: Any) -> InvoiceView:
    due = row.issued_at + timedelta(days=row.net_payment_terms_days) if row.issued_at else None
    return InvoiceView(
        id=row.pk,
        customer_id=row.customer_id,
        customer_name=row.customer.name,
        contract_id=row.contract_id,
        contract_name=str(row.contract),
        kind=row.kind,
        status=row.status,
        number=row.number,
        period_start=row.period_start,
        period_end=row.period_end,
        due_at=row.due_at,
        issued_at=row.issued_at,
        voided_at=row.voided_at,
        payment_due_at=due,
        net_payment_terms_days=row.net_payment_terms_days,
        currency=currency_view(row.credit_type),
        regenerated_from_id=row.regenerated_from_id,
        created_at=row.created_at,
        as_of=now,
        custom_fields={},
        customer_custom_fields=row.customer.custom_fields,
        contract_custom_fields=row.contract.custom_fields,
        **amounts,
    )
