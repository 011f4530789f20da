"""What a PDF invoice says, as JSON-able data: every figure formatted, every sentence written, nothing laid out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict

from billing.products import ProductLines, by_product, towards_commits
from billing.types import CurrencyView, DocumentAmounts, InvoiceView, LineView, Party
from engine.explanation import AppliedExplanation
from engine.money import ONE
from invoices.pdf.printable import clean
from presentation import formatting
from presentation.explanation import balance_name, is_percentage, priced_units, pricing_of, towards_commit
from presentation.formatting import ELLIPSIS, abridge, format_quantity
from presentation.prices import percentage, tier_name

QUANTITY_DECIMALS: Final = 8
AMOUNT_DECIMALS: Final = 8
PRICE_DECIMALS: Final = 20
"""Where a column cuts what goes on (with an ellipsis; only quotients such as 1/3 and prices below 1E-20 do)."""

UNRATED_SHOWN: Final = 12


class Figure(TypedDict):
    """A number as text, and what aligns it with its column: how many decimals it lacks, whether it lacks the point."""

    text: str
    cut: bool
    missing_decimals: int
    missing_point: bool


class Row(TypedDict):
    """A row of the table: a `product` (with its figures, or with its sum and rows below), a `group`, a `line`, or the
    `payment` of a balance.

    `groups` holds (key, value) pairs; `level` is the indentation; `leads` says that rows below belong to this one.
    """

    kind: str
    level: int
    leads: bool
    name: str
    groups: list[tuple[str, str]]
    detail: str
    quantity: Figure | None
    unit_price: Figure | None
    amount: Figure | None


def invoice_document(view: InvoiceView) -> dict[str, Any]:
    """The data of templates/invoices/invoice.typ for `view`. Raises ValueError if it has no document amounts."""
    amounts = view.document
    if amounts is None:
        raise ValueError("a document needs its amounts: invoices.selectors.document.with_document")
    draft, void = view.status == "DRAFT", view.status == "VOID"
    counted = [line for line in view.lines if line.quantity is None or line.quantity or line.total]
    rows = _rows(counted, view)
    sums = [_sum(label, _whole(amount, view.currency)) for label, amount in _totals(amounts)]
    widths = _align([*rows, *sums])
    return {
        "language": "en",
        "title": (f"Invoice {clean(view.number)}" if view.number else "Draft invoice") + (" (void)" if void else ""),
        "watermark": "DRAFT" if draft else "VOID" if void else None,
        "seller": _party(view.seller),
        "customer": _party(view.buyer) | {"contract": clean(view.contract_name)},
        "headline": _headline(view, amounts),
        "facts": _facts(view),
        "unit": _unit(view.currency),
        "rows": rows,
        "widths": widths,
        "sums": sums,
        "towards": [
            clean(towards_commit(commit, view.currency, with_rest=not view.is_paid_by_parent))
            for commit in towards_commits(view.lines)
        ],
        "unrated": _unrated(view) if draft else None,
        "notes": _notes(view, counted, [*rows, *sums]),
    }


def _party(party: Party) -> dict[str, Any]:
    lines = [clean(line) for line in (*party.address_lines, party.email) if line.strip()]
    return {"name": clean(party.name), "lines": [*lines, *(f"Tax ID {clean(tax_id)}" for tax_id in party.tax_ids)]}


def _totals(amounts: DocumentAmounts) -> Iterable[tuple[str, Decimal]]:
    yield "Subtotal", amounts.subtotal
    yield "Total", amounts.total


def _headline(view: InvoiceView, amounts: DocumentAmounts) -> dict[str, Any]:
    """The total, large, with what it is and what is to be done about it."""
    figure = _whole(amounts.total, view.currency)["text"]
    if view.status == "DRAFT":
        label = "Total so far"
        notes = [
            f"as of {formatting.instant(view.as_of)} (UTC)",
            f"final after {formatting.instant(view.due_at)} (UTC)",
        ]
    elif view.status == "VOID":
        label = "Total of the void invoice"
        notes = ["nothing is due", *([f"voided on {formatting.day(view.voided_at)}"] if view.voided_at else [])]
    elif amounts.total <= 0:
        label, notes = "Total", ["nothing to pay"]
    else:
        label = "Total due"
        notes = [f"by {formatting.day(view.due_date)}"] if view.due_date else []
    return {"label": label, "figure": figure, "unit": _unit(view.currency), "notes": notes}


def _facts(view: InvoiceView) -> list[tuple[str, str]]:
    facts = [
        ("Invoice number", clean(view.number) if view.number else "given when final"),
        ("Issued", formatting.day(view.document_date) if view.document_date else "not yet"),
        ("Date", formatting.day(view.period_start))
        if view.is_scheduled
        else ("Period", f"{formatting.period(view.period_start, view.period_end)} (UTC)"),
    ]
    terms = formatting.payment_terms(view.net_payment_terms_days)
    payable = view.status == "FINALIZED" and view.total > 0
    due = formatting.day(view.due_date) if payable and view.due_date else None
    if view.buyer.po_number:
        facts.append(("PO number", clean(view.buyer.po_number)))
    return [*facts, ("Payment due", f"{due}, {terms}") if due else ("Payment terms", terms)]


def _rows(lines: Sequence[LineView], view: InvoiceView) -> list[Row]:
    """Lines by product, in their order; group values that have several lines (tiers) stand once above them."""
    rows: list[Row] = []
    for product in by_product(lines):
        members, name = product.lines, clean(product.name)
        if len(members) == 1:
            rows.append(_line_row(members[0], view, kind="product", level=0, name=name, named=True))
            continue
        rows.append(_row(kind="product", level=0, leads=True, name=name, amount=_sum_of(product, view.currency)))
        groups: dict[tuple[tuple[str, str], ...], list[LineView]] = {}
        for line in members:
            groups.setdefault(_groups(line), []).append(line)
        nested = any(group and len(parts) > 1 for group, parts in groups.items())
        for group, parts in groups.items():
            if nested and group:
                rows.append(_row(kind="group", level=1, leads=True, groups=list(group)))
                rows += [_line_row(part, view, kind="line", level=2, named=False) for part in parts]
            else:
                rows += [_line_row(part, view, kind="line", level=1, named=True) for part in parts]
    return rows


def _line_row(line: LineView, view: InvoiceView, *, kind: str, level: int, named: bool, name: str = "") -> Row:
    groups = list(_groups(line)) if named else []
    details = []
    if line.starting_at and line.ending_before and _part_of_period(line.starting_at, line.ending_before, view):
        details.append(formatting.period(line.starting_at, line.ending_before))
    pricing = pricing_of(line.explanation)
    if pricing is not None and pricing.tier is not None:
        details.append(tier_name(pricing.tier.level, pricing.tier.starting_at, pricing.tier.size))
    if isinstance(line.explanation, AppliedExplanation):
        kind = "payment"
        details.append(f"paid by {clean(balance_name(line.explanation.balance))}")
    if line.unit is not None:
        details.append(f"in {clean(line.unit.name)}")
    percentage = _percentage(line, line.unit or view.currency)
    if percentage:
        details.append(percentage)
    if not (groups or details or name or view.is_scheduled):
        details.append(formatting.period(view.period_start, view.period_end))
    return _row(
        kind=kind,
        level=level,
        name=name,
        groups=groups,
        detail=" \N{MIDDLE DOT} ".join(details),
        quantity=None
        if line.quantity is None or percentage
        else _figure(format_quantity(line.quantity), QUANTITY_DECIMALS),
        unit_price=None
        if line.unit_price is None or percentage
        else _money(line.unit_price, line.unit or view.currency, PRICE_DECIMALS),
        amount=_amount(line, view.currency),
    )


def _percentage(line: LineView, currency: CurrencyView) -> str:
    """What a percentage is of, "10 % of 252.96 USD": neither a quantity nor a unit price; "" for other lines."""
    if line.quantity is None or line.unit_price is None or not is_percentage(line):
        return ""
    spent = formatting.figure(line.quantity, currency, decimals=AMOUNT_DECIMALS)
    return f"{percentage(line.unit_price)} of {spent} {_unit(currency)}"


def _part_of_period(start: datetime, end: datetime, view: InvoiceView) -> bool:
    return (start, end) != (view.period_start, view.period_end)


def _groups(line: LineView) -> tuple[tuple[str, str], ...]:
    pairs = [*line.pricing_group_values.items(), *line.presentation_group_values.items()]
    return tuple((clean(key), "none" if value is None else clean(value)) for key, value in pairs)


def _row(
    *,
    kind: str,
    level: int,
    leads: bool = False,
    name: str = "",
    groups: list[tuple[str, str]] | None = None,
    detail: str = "",
    quantity: Figure | None = None,
    unit_price: Figure | None = None,
    amount: Figure | None = None,
) -> Row:
    return {
        "kind": kind,
        "level": level,
        "leads": leads,
        "name": name,
        "groups": groups or [],
        "detail": detail,
        "quantity": quantity,
        "unit_price": unit_price,
        "amount": amount,
    }


def _sum(label: str, amount: Figure) -> Row:
    return _row(kind="sum", level=0, name=label, amount=amount)


def _sum_of(product: ProductLines, currency: CurrencyView) -> Figure:
    """What a product's lines come to, on the document or exactly in a unit of their own."""
    if product.document_amount is not None:
        return _whole(product.document_amount, currency)
    return _money(product.total, product.unit or currency)


def _amount(line: LineView, currency: CurrencyView) -> Figure:
    """A line as it stands in the document; one in a unit of its own is exact."""
    if line.document_amount is not None:
        return _whole(line.document_amount, currency)
    return _money(line.total, line.unit or currency)


def _whole(amount: Decimal, currency: CurrencyView) -> Figure:
    """An amount in minor units of the invoice's currency."""
    return _figure(formatting.format_money(amount, currency.minor_digits + currency.places, 0), AMOUNT_DECIMALS)


def _money(amount: Decimal, currency: CurrencyView, decimals: int = AMOUNT_DECIMALS) -> Figure:
    return _figure(formatting.figure(amount, currency), decimals)


def _figure(text: str, decimals: int) -> Figure:
    shown = abridge(text, decimals)
    return {
        "text": shown.removesuffix(ELLIPSIS),
        "cut": shown.endswith(ELLIPSIS),
        "missing_decimals": 0,
        "missing_point": False,
    }


def _align(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Tells the figures of each column what they lack to stand with their points under each other.

    Returns how wide each column is: `digits` (signs count as such) and `points` (commas too), as tabular figures have
    two widths.
    """
    widths = {}
    for name, column in (
        ("quantity", [row["quantity"] for row in rows]),
        ("unit_price", [row["unit_price"] for row in rows]),
        ("amount", [row["amount"] for row in rows]),
    ):
        figures = [(figure, *figure["text"].partition(".")) for figure in column if figure is not None]
        decimals = max((len(fraction) for _, _, _, fraction in figures), default=0)
        for figure, _, point, fraction in figures:
            figure["missing_decimals"] = decimals - len(fraction)
            figure["missing_point"] = bool(decimals) and not point
        commas = [whole.count(",") for _, whole, _, _ in figures]
        digits = [len(whole) - count for (_, whole, _, _), count in zip(figures, commas, strict=True)]
        widths[name] = {"digits": max(digits, default=0) + decimals, "points": max(commas, default=0) + bool(decimals)}
    return widths


def _unit(currency: CurrencyView) -> str:
    return clean(formatting.unit_code(currency))


def _unrated(view: InvoiceView) -> dict[str, Any] | None:
    """Usage that has no price yet: named, so that nobody takes the draft's total for the whole."""
    if not view.unrated:
        return None
    rows = []
    for part in view.unrated[:UNRATED_SHOWN]:
        groups = {**(part.get("pricing_group_values") or {}), **(part.get("presentation_group_values") or {})}
        quantity = part.get("quantity")
        rows.append(
            {
                "name": clean(str(part.get("name", ""))),
                "groups": [
                    (clean(str(key)), "none" if value is None else clean(str(value))) for key, value in groups.items()
                ],
                "quantity": "" if quantity is None else format_quantity(Decimal(str(quantity))),
                "reason": clean(str(part.get("reason", ""))),
            }
        )
    return {"rows": rows, "more": max(0, len(view.unrated) - UNRATED_SHOWN)}


def _notes(view: InvoiceView, counted: Sequence[LineView], rows: Sequence[Row]) -> list[str]:
    unit = _unit(view.currency)
    smallest = formatting.figure(ONE.scaleb(-view.currency.places), view.currency)
    coin = f"{smallest} {unit}"
    notes = [f"Unit prices are exact. Amounts are rounded so that they add up, each by less than {coin}."]
    figures = [row[column] for row in rows for column in ("quantity", "unit_price", "amount")]
    if any(figure is not None and figure["cut"] for figure in figures):
        notes.append(f"{ELLIPSIS} marks a figure with more decimals than fit here.")
    units = dict.fromkeys(priced_units(line) for line in counted)
    notes += [clean(note) for note in units if note]
    left_out = len(view.lines) - len(counted)
    if left_out and counted:
        notes.append(f"{formatting.plural(left_out, 'line')} without usage left out.")
    if view.regenerated_from_id:
        notes.append("This invoice replaces one that was voided.")
    notes.append(
        "How a line came about: open this invoice in your billing console, where each line unfolds to its arithmetic "
        "and its usage."
    )
    return notes
